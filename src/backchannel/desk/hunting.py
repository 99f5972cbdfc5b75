"""Hunt through our own logs for what others told us, and keep what was found."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.days import FILE as INDEX_FILE
from backchannel.desk.days import day_counts
from backchannel.desk.hit_taking import HuntOptions, Taker
from backchannel.desk.hitting import (
    Hit,
    HuntSummary,
)
from backchannel.desk.hunt_end import end_of, shown_rows
from backchannel.desk.node import Node
from backchannel.desk.own_logs import logs_in, place_of
from backchannel.errors import UsageError
from backchannel.logs.opening import UnreadableLogError
from backchannel.logs.personal import allowed, off_kinds
from backchannel.logs.recognise import ReadAs, UnknownFormatError
from backchannel.logs.shown import HuntShown
from backchannel.logs.spool import STDIN_NAME
from backchannel.logs.tables import ColumnTable, formats
from backchannel.logs.times import zone_of

if TYPE_CHECKING:
    from backchannel.desk.hunt_pool import HuntPool, Message
    from backchannel.matching.compiled import CompiledSet
    from backchannel.matching.compound import Compounds
    from backchannel.matching.day_counts import DayCounts
    from backchannel.matching.hunt import Note, Tally
    from backchannel.matching.rows import Found
    from backchannel.observables.kinds import Kind

THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""Threads that read logs: half of the machine, since a hunt often runs beside the sensor."""

MIN_POOL_BYTES: Final = 32 * 2**20
"""Logs that wait together have to be as large for processes to be begun: they cost half a second."""

OnProgress = Callable[[str, int, int], None]
"""Told the log that is next, how many bytes were read so far, and how many hits were found."""


def hunt(
    node: Node,
    clock: Clock,
    paths: Sequence[Path | None],
    options: HuntOptions | None = None,
    *,
    on_progress: OnProgress | None = None,
) -> Iterator[Hit | HuntSummary]:
    """Yield each hit as it is found, and at the end the summary. What was found is kept, log by log.

    Args:
        node: whose indicators are looked for.
        clock: gives the times of the hunt.
        paths: log files and folders of them; None is standard input.
        options: what the hunt is limited to.
        on_progress: told how far it is, before each log.

    Raises:
        UsageError: no path is named, standard input is named twice, a format is none of ours, or the window is
            empty.
        StoreError: the store is busy or damaged.
    """
    options = options or HuntOptions()
    if not paths:
        raise UsageError(
            "no log is named", hint="Name log files or folders: `backchannel hunt /var/log/zeek`."
        )
    if list(paths).count(None) > 1:
        raise UsageError("standard input can be read only once", hint="Name `-` once.")
    if options.since is not None and options.until is not None and options.until <= options.since:
        raise UsageError("--until is not after --since: no record can be between", hint="Exchange them.")
    known = (*formats(), *([options.mapping.format] if options.mapping is not None else []))
    if options.format is not None and options.format not in known:
        raise UsageError(f"'{options.format}' is no format of logs", hint=f"Known are {', '.join(known)}.")
    return _hunting(Taker(node, clock, options), paths, on_progress)


def mapping_in(path: Path) -> ColumnTable:
    """Return the table in a file of the operator's.

    Raises:
        UsageError: it is not of its form.
    """
    from backchannel.logs.mapping import read_mapping  # noqa: PLC0415  # few have one

    try:
        return read_mapping(path)
    except ValueError as error:
        raise UsageError(
            f"the mapping {path} cannot be used: {error}", hint="docs/hunting.md shows the form of one."
        ) from None


def _hunting(
    one: Taker, paths: Sequence[Path | None], on_progress: OnProgress | None
) -> Iterator[Hit | HuntSummary]:
    from backchannel.matching.compiled import CompiledSet  # noqa: PLC0415  # loads DuckDB, 100 ms
    from backchannel.matching.compound import Compounds  # noqa: PLC0415
    from backchannel.matching.hunt import Tally  # noqa: PLC0415
    from backchannel.matching.segments import FOLDER, compile_new  # noqa: PLC0415

    node, options = one.node, one.options
    arrived = node.store.hunts.last_arrival()
    compile_new(node.home, node.store.segments)
    segments = node.store.segments.all()
    tally, hunt_row = Tally(shown=HuntShown(options.since, options.until)), _begin(one, paths)
    read_as = ReadAs(options.format, zone_of(node.settings.log_zone), options.mapping)
    files = [node.home / FOLDER / each.file for each in segments]
    compiled = CompiledSet(files, threads=options.jobs or THREADS, country=node.settings.phone_country)
    wholes = Compounds(one.pattern_of, one.is_in_window)
    try:
        with (
            _index(one, tally) as days,
            _Logs(one, paths, files, read_as, has_index=days is not None) as logs,
        ):
            is_first = days is not None and days.is_first()
            for log in logs:
                tally.skipped += log.notes
                if on_progress is not None:
                    on_progress(log.name, tally.bytes, one.hits)
                found = _found(one, logs, log, compiled, tally, read_as, days, wholes)
                yield from _taken(one, found, hunt_row)
            tally.skipped += logs.left
        yield from _taken(one, wholes.end(), hunt_row)
        dropped = compiled.dropped_plain
    finally:
        compiled.close()
    values = sum(each.entries for each in segments)
    summary = one.summary(tally, values=values, dropped_plain=dropped, undecided=wholes.undecided)
    _end(one, summary, hunt_row, through=arrived if is_first else None, all_like=not dropped)
    yield summary


@dataclass(slots=True, eq=False)
class _Log:
    """The next log of a hunt."""

    path: Path
    name: str
    notes: list[Note]
    """What could not be opened before it."""
    size: int
    is_given: bool = False
    """To another process; else it is read here."""


class _Logs:
    """The logs of a hunt in their order, those ahead given to processes where that is worth it."""

    def __init__(
        self,
        one: Taker,
        paths: Sequence[Path | None],
        files: Sequence[Path],
        read_as: ReadAs,
        *,
        has_index: bool,
    ) -> None:
        from backchannel.matching.hunt import Tally  # noqa: PLC0415  # loads DuckDB

        self._one, self._files, self._read_as, self._has_index = one, files, read_as, has_index
        self._jobs = one.options.jobs or THREADS
        self._refused = Tally()
        self._source = logs_in(paths, self._refused)
        self._ahead: deque[_Log] = deque()
        self._pool: HuntPool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.close()

    @property
    def left(self) -> list[Note]:
        """What could not be opened after the last log."""
        return self._refused.skipped

    def __iter__(self) -> Iterator[_Log]:
        while True:
            self._look_ahead()
            if not self._ahead:
                return
            yield self._ahead.popleft()

    def answered(self) -> Iterator[Message]:
        """Yield what the next log gives that was given away."""
        return iter(()) if self._pool is None else self._pool.next()

    def _look_ahead(self) -> None:
        # A copy is there only until the log after it is asked for: it is read here, before that.
        room = 2 * self._jobs if self._jobs > 1 else 1
        while len(self._ahead) < room and not (self._ahead and _is_copy(self._ahead[-1])):
            found = next(self._source, None)
            if found is None:
                break
            path, name = found
            notes, self._refused.skipped = self._refused.skipped, []
            self._ahead.append(_Log(path, name, notes, _size(path)))
        waiting = [log for log in self._ahead if not log.is_given and not _is_copy(log)]
        if self._pool is None and not self._is_much(waiting):
            return
        for log in waiting:
            self._give(log)

    def _is_much(self, waiting: Sequence[_Log]) -> bool:
        return len(waiting) > 1 and sum(log.size for log in waiting) >= MIN_POOL_BYTES

    def _give(self, log: _Log) -> None:
        from backchannel.desk.hunt_pool import HuntPool, Job, Work  # noqa: PLC0415  # loads DuckDB

        one = self._one
        if self._pool is None:
            shown = HuntShown(one.options.since, one.options.until)
            networks = tuple(one.node.settings.own_networks)
            index = one.node.home / INDEX_FILE if self._has_index else None
            work = Work(
                tuple(self._files), one.node.settings.phone_country, self._read_as, shown, networks, index
            )
            self._pool = HuntPool(work, self._jobs)
        personal = frozenset(allowed(one.node.settings.personal, place_of(log.name)))
        self._pool.give(Job(log.path, log.name, personal))
        log.is_given = True


def _is_copy(log: _Log) -> bool:
    return str(log.path) != log.name


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # named when it is opened
        return 0


def _found(
    one: Taker,
    logs: _Logs,
    log: _Log,
    compiled: CompiledSet,
    tally: Tally,
    read_as: ReadAs,
    days: DayCounts | None,
    wholes: Compounds,
) -> Iterator[Found]:
    """Yield what is found in a log, here or by another process."""
    from backchannel.matching.hunt import hunt_log  # noqa: PLC0415  # loads DuckDB

    personal = allowed(one.node.settings.personal, place_of(log.name))
    if log.is_given:
        return _given(one, logs, log, compiled, tally, read_as, off_kinds(personal), wholes)
    return hunt_log(
        log.path,
        compiled,
        tally,
        name=log.name,
        read_as=read_as,
        on_sample=one.begin,
        days=days,
        personal=personal,
        wholes=wholes,
    )


def _given(
    one: Taker,
    logs: _Logs,
    log: _Log,
    compiled: CompiledSet,
    tally: Tally,
    read_as: ReadAs,
    off: Collection[Kind],
    wholes: Compounds,
) -> Iterator[Found]:
    """Yield what another process found in a log; whole patterns are judged here, since they may take several logs."""
    found = _received(one, logs, log, tally)
    if not compiled.has_anchors:
        yield from found
        return
    first = list(islice(found, 1))
    if not first:
        return
    from backchannel.matching.hunt import opened  # noqa: PLC0415  # loads DuckDB

    try:
        with opened(log.path, compiled, read_as) as (open_, shape):
            yield from wholes.added(chain(first, found), open_, shape, off)
    except (UnreadableLogError, UnknownFormatError):
        # It is gone since: what is sure without it is told.
        yield from (each for each in chain(first, found) if each.met.object_row >= 0)


def _received(one: Taker, logs: _Logs, log: _Log, tally: Tally) -> Iterator[Found]:
    from backchannel.desk.hunt_pool import Begun, End, Some  # noqa: PLC0415  # loads DuckDB
    from backchannel.matching.hunt import add_tally  # noqa: PLC0415

    for message in logs.answered():
        if isinstance(message, Begun):
            one.begun(log.name, message.log_id, message.outside)
        elif isinstance(message, Some | End):
            yield from message.found
        if isinstance(message, End):
            add_tally(tally, message.tally)


def _index(one: Taker, tally: Tally) -> AbstractContextManager[DayCounts | None]:
    """Open the day index, if it is wanted; that it cannot be used is noted, and costs no hit."""
    from backchannel.matching.hunt import Note  # noqa: PLC0415  # loads DuckDB

    def note(why: str) -> None:
        tally.skipped.append(Note("", None, f"{why}: what was hunted through since is not in it"))

    return day_counts(one.node, one.clock, is_wanted=one.options.index, on_trouble=note)


def _end(one: Taker, summary: HuntSummary, hunt_row: int, *, through: int | None, all_like: bool) -> None:
    """Keep the end of a hunt; of the first logs in the day index nothing that is here is late (`through`)."""
    end = end_of(summary, format_time(one.clock.now()), one.outside.worst(), hunt_row)
    one.node.store.hunts.end(end, shown_rows(summary, all_like=all_like), through=through)


def _taken(one: Taker, several: Iterable[Found], hunt_row: int) -> Iterator[Hit]:
    """Yield what was found as hits, and keep it."""
    for found in several:
        one.turn_to_log(found.path)
        yield from one.take(found)
    one.node.store.hunts.add(one.kept(hunt_row))


def _begin(one: Taker, paths: Sequence[Path | None]) -> int:
    since, until = one.options.since, one.options.until
    return one.node.store.hunts.begin(
        at=format_time(one.clock.now()),
        paths=codec.encode([STDIN_NAME if path is None else str(path) for path in paths]).decode(),
        since=format_time(since) if since else None,
        until=format_time(until) if until else None,
    )
