"""The log files that a watch follows: found, begun, followed through rotation, and finished."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from backchannel.desk.own_logs import whereabouts
from backchannel.logs.following import Followed
from backchannel.logs.lines import MAX_LINE_BYTES
from backchannel.logs.opening import SAMPLE_BYTES, UnreadableLogError, is_packed, open_log
from backchannel.logs.recognise import Record, RecordReader, UnknownFormatError, log_id, recognise
from backchannel.logs.shape import LogShape
from backchannel.logs.times import Assumed
from backchannel.store.sqlite.watches import WatchPlace

LOOK_S: Final = 1.0
"""How often a folder is looked through for new logs (seconds)."""
SETTLE_S: Final = 5.0
"""How long a log that lost its name is still read: its writer may not have noticed (seconds)."""
MAX_LOGS: Final = 5_000
"""Logs of one target; more are named and not followed."""
MAX_TRIES: Final = 20
"""Times that a log of no known format is looked at again while it grows."""

OnNote = Callable[[str, int | None, str], None]
"""Told a log, a line or None, and what is wrong with it."""


class Batch(NamedTuple):
    """Records that came in one log."""

    path: str
    log_id: str
    shape: LogShape
    records: list[Record]


@dataclass(slots=True)
class _Log:
    """One log that is followed."""

    followed: Followed
    log_id: str = ""
    began: int = 0
    reader: RecordReader | None = None
    tries: int = 0
    tried_at: tuple[int, float] = (-1, 0.0)
    """Bytes of its beginning that were looked at last, and when."""
    left_at: float | None = None
    """When it was seen first that another file has its name."""


@dataclass(slots=True)
class WatchedFiles:
    """A file or folder that is watched."""

    target: Path
    places: dict[str, WatchPlace]
    """Where an earlier watch stood, by log."""
    from_end: bool
    """Whether what is in the logs at the beginning is left out."""
    assumed: Assumed
    format: str | None
    on_note: OnNote
    changed: dict[str, WatchPlace] = field(default_factory=dict)
    """Places that are to be kept."""
    _logs: dict[tuple[int, int], _Log] = field(default_factory=dict)
    _passed_over: set[tuple[int, int]] = field(default_factory=set)
    _looked_at: float = -LOOK_S
    _names: list[Path] = field(default_factory=list)
    _unlisted: set[str] = field(default_factory=set)
    """Folders that may not be read, each named once."""

    @property
    def ends(self) -> bool:
        """Whether nothing more can come."""
        return False

    def step(self) -> Iterator[Batch]:
        """Yield what came since the last call."""
        now = time.monotonic()
        is_start = not self._looked_at > 0
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._look(is_start=is_start)
            if is_start:
                yield from self._finish_missed()
                self.from_end = False
        for key, log in list(self._logs.items()):
            yield from self._step(log)
            if log.left_at is not None and now - log.left_at >= SETTLE_S:
                yield from self._finish(key, log)

    def close(self) -> None:
        """Give the files back."""
        for log in self._logs.values():
            log.followed.close()

    # --- Which logs there are ---------------------------------------------------------------------

    def _look(self, *, is_start: bool) -> None:
        current: set[tuple[int, int]] = set()
        for path in self._paths():
            try:
                status = path.stat()
            except OSError:
                continue
            key = (status.st_dev, status.st_ino)
            current.add(key)
            known = self._logs.get(key)
            if known is not None:
                known.followed.path, known.left_at = path, None
            elif key not in self._passed_over:
                self._open(path, key, is_start=is_start)
        for key, log in self._logs.items():
            if key not in current and log.left_at is None:
                log.left_at = time.monotonic()

    def _paths(self) -> list[Path]:
        # Path's own look raises where a folder above may not be entered.
        if not os.path.isdir(self.target):  # noqa: PTH112
            return [self.target] if os.path.isfile(self.target) else []  # noqa: PTH113
        found: list[Path] = []
        for folder, folders, names in os.walk(self.target, onerror=self._refused):
            folders.sort()
            found += [path for name in sorted(names) if os.path.isfile(path := Path(folder) / name)]  # noqa: PTH113
            if len(found) > MAX_LOGS:
                self.on_note(
                    str(self.target), None, f"more than {MAX_LOGS:,} files are in it: the rest is not watched"
                )
                break
        return found[:MAX_LOGS]

    def _refused(self, error: OSError) -> None:
        folder = str(error.filename)
        if folder not in self._unlisted:
            self._unlisted.add(folder)
            self.on_note(folder, None, f"it cannot be opened: {error.strerror}")

    def _open(self, path: Path, key: tuple[int, int], *, is_start: bool) -> None:
        try:
            if is_packed(path):
                self._passed_over.add(
                    key
                )  # a log is packed when it is finished: what is new in it was read before
                return
            log = _Log(Followed(path))
        except OSError as error:
            self.on_note(str(path), None, f"it cannot be opened: {error.strerror}")
            self._passed_over.add(key)
            return
        self._logs[key] = log
        self._begin(log)
        if is_start and self.from_end and log.log_id and log.log_id not in self.places:
            _go_to_end(log.followed)
            log.began = log.followed.offset
            self._stand(log)

    # --- One log ----------------------------------------------------------------------------------

    def _begin(self, log: _Log) -> None:
        """Recognise a log as soon as a record is in it, and go to where an earlier watch stood."""
        path, now = log.followed.path, time.monotonic()
        head = log.followed.beginning(SAMPLE_BYTES)
        whole = head.rfind(b"\n") + 1
        if not whole or (whole == log.tried_at[0] and now - log.tried_at[1] < LOOK_S):
            return
        log.tried_at = (whole, now)
        sample = [line.strip(b"\0") for line in head[:whole].splitlines()]
        try:
            shape = recognise(sample, format_=self.format, assumed=self.assumed)
        except UnknownFormatError as error:
            log.tries += 1
            if log.tries == MAX_TRIES or len(head) == SAMPLE_BYTES:
                self.on_note(str(path), None, str(error))
                log.tries = MAX_TRIES
            return
        if sum(1 for line in sample if line.strip()) <= shape.header_lines:
            return  # which log it is, its first record tells
        found = log_id(shape, sample)
        place = self.places.get(found)
        if any(one.log_id == found for one in self._logs.values()) or (
            place is not None and place.offset > log.followed.size()
        ):
            return  # a copy of one that is followed, or was read further
        log.log_id = found
        if place is not None:
            log.followed.offset, log.followed.line, log.began = place.offset, place.line, place.began
        log.reader = _reader_at(place, self._reader(str(path), shape))

    def _reader(self, name: str, shape: LogShape) -> RecordReader:
        return RecordReader(shape, on_broken=lambda line, why: self.on_note(name, line, why))

    def _step(self, log: _Log) -> Iterator[Batch]:
        if log.followed.was_emptied():
            yield from self._elsewhere(self._place(log))
            log.followed.begin_anew()
            log.reader, log.log_id, log.began, log.tries, log.tried_at = None, "", 0, 0, (-1, 0.0)
        if log.reader is None and log.tries < MAX_TRIES:
            self._begin(log)
        if log.reader is not None:
            yield from self._read(log, log.reader)

    def _read(self, log: _Log, reader: RecordReader, *, to_end: bool = False) -> Iterator[Batch]:
        came = log.followed.read(to_end=to_end)
        name = str(log.followed.path)
        for line in came.too_long:
            self.on_note(name, line, f"the line is longer than {MAX_LINE_BYTES:,} bytes: it is passed over")
        if came.lines or came.too_long:
            if log.left_at is not None:
                log.left_at = time.monotonic()
            records = list(reader.records(came.lines))
            self._stand(log)
            yield Batch(name, log.log_id, reader.shape, records)

    def _place(self, log: _Log, *, is_done: bool = False) -> WatchPlace:
        return WatchPlace(
            log.log_id,
            str(log.followed.path),
            str(self.target),
            log.followed.offset,
            log.followed.line,
            log.began,
            log.reader.header.decode("utf-8", "replace") if log.reader is not None else "",
            int(is_done),
        )

    def _stand(self, log: _Log, *, is_done: bool = False) -> None:
        place = self._place(log, is_done=is_done)
        self.places[log.log_id] = self.changed[log.log_id] = place

    def _finish(self, key: tuple[int, int], log: _Log) -> Iterator[Batch]:
        """Read the rest of a log that lost its name."""
        if log.reader is not None:
            yield from self._read(log, log.reader, to_end=True)
            self._stand(log, is_done=True)
        log.followed.close()
        del self._logs[key]

    # --- Logs that were renamed, copied or packed while nobody watched -----------------------------

    def _finish_missed(self) -> Iterator[Batch]:
        here = {log.log_id for log in self._logs.values()}
        for place in list(self.places.values()):
            if place.log_id not in here and not place.is_done:
                yield from self._elsewhere(place)

    def _elsewhere(self, place: WatchPlace) -> Iterator[Batch]:
        """Read the rest of a log that is now beside where it was, and known by how it begins."""
        if not place.log_id:
            return
        found = whereabouts(Path(place.path), place.log_id)
        if found is None:
            return
        try:
            with open_log(found) as opened:
                sample = opened.sample()
                shape = recognise(sample, format_=self.format, assumed=self.assumed)
                log = _Log(
                    Followed(opened.path, offset=place.offset, line=place.line), place.log_id, place.began
                )
                log.followed.path = found
                log.reader = _reader_at(place, self._reader(str(found), shape))
                try:
                    before = -1
                    while log.followed.offset != before:
                        before = log.followed.offset
                        yield from self._read(log, log.reader, to_end=True)
                    self._stand(log, is_done=True)
                finally:
                    log.followed.close()
        except (OSError, UnreadableLogError, UnknownFormatError) as error:
            self.on_note(str(found), None, str(error))


def _reader_at(place: WatchPlace | None, reader: RecordReader) -> RecordReader:
    """Go on behind the last header that a table had at a place."""
    if place is not None and place.header:
        list(reader.records([(0, place.header.encode())]))
    return reader


def _go_to_end(followed: Followed) -> None:
    """Pass over what is in a log."""
    came = followed.read()
    while came.lines or came.too_long:
        came = followed.read()
