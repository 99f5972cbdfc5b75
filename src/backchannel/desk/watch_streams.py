"""Lines that come from somewhere without a place to go back to: standard input, syslog from the network."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Condition
from typing import Final

from backchannel.desk.watch_logs import Batch
from backchannel.logs.lines import MAX_LINE_BYTES
from backchannel.logs.recognise import RecordReader, UnknownFormatError, recognise
from backchannel.logs.times import Assumed
from backchannel.store.sqlite.watches import WatchPlace

MAX_WAITING: Final = 50_000
"""Lines that wait to be searched; who sends more has to wait, or of datagrams they are lost and counted."""
MAX_WAITING_BYTES: Final = 64 * 2**20
"""The same for the bytes of these lines."""
MAX_AT_ONCE: Final = 5_000
"""Lines that are searched together."""
MAX_SAMPLED: Final = 50
"""Lines in which no format was recognised that are held on to; older ones are let go, and counted."""
PUT_S: Final = 1.0
"""How often a sender that waits looks whether the watch has ended (seconds)."""


@dataclass(slots=True)
class WatchedStream:
    """Lines that one thread or several put in, and one takes out."""

    name: str
    """As hits tell it: `-`, `udp://127.0.0.1:5514`."""
    assumed: Assumed
    format: str | None
    on_note: Callable[[str, int | None, str], None]
    log_id: str = field(default_factory=lambda: secrets.token_hex(16))
    """Made by chance: nobody can read it a second time."""
    changed: dict[str, WatchPlace] = field(default_factory=dict)
    """Always empty: there is no place to go back to."""
    on_close: Callable[[], None] = lambda: None
    _waiting: deque[bytes] = field(default_factory=deque)
    _bytes: int = 0
    """Of the lines that wait."""
    _room: Condition = field(default_factory=Condition)
    _readers: dict[bool, RecordReader] = field(default_factory=dict)
    _sample: dict[bool, list[bytes]] = field(default_factory=lambda: {False: [], True: []})
    _line: int = 0
    _is_over: bool = False
    _is_closed: bool = False
    lost: int = 0
    """Lines that came faster than they could be searched."""

    @property
    def ends(self) -> bool:
        """Whether nothing more can come."""
        return self._is_over and not self._waiting

    def put(self, line: bytes, *, may_lose: bool = False) -> bool:
        """Give a line, without its end; return whether more is wanted.

        Args:
            line: at most `MAX_LINE_BYTES`, else it is passed over.
            may_lose: rather than wait for room.
        """
        if len(line) > MAX_LINE_BYTES:
            self.lost += 1
            return not self._is_closed
        while not self._is_closed:
            with self._room:
                if self._has_room() or (not may_lose and self._room.wait_for(self._has_room, PUT_S)):
                    self._waiting.append(line)
                    self._bytes += len(line)
                    return True
            if may_lose:
                self.lost += 1
                return True
        return False

    def _has_room(self) -> bool:
        return len(self._waiting) < MAX_WAITING and self._bytes < MAX_WAITING_BYTES

    def end(self) -> None:
        """Say that nothing more comes."""
        self._is_over = True

    def step(self) -> Iterator[Batch]:
        """Yield what came since the last call."""
        with self._room:
            lines = [self._waiting.popleft() for _ in range(min(MAX_AT_ONCE, len(self._waiting)))]
            self._bytes -= sum(map(len, lines))
            self._room.notify_all()
        if self.lost:
            self.on_note(
                self.name, None, f"{self.lost:,} lines were lost: too long, or more than can be searched"
            )
            self.lost = 0
        for is_json in (False, True):
            some = [line for line in lines if line.lstrip()[:1].startswith(b"{") is is_json]
            if some:
                yield from self._batch(some, is_json=is_json)

    def _batch(self, lines: list[bytes], *, is_json: bool) -> Iterator[Batch]:
        reader = self._readers.get(is_json)
        if reader is None:
            sample = [*self._sample[is_json], *lines]
            try:
                shape = recognise(sample, format_=self.format, assumed=self.assumed)
            except UnknownFormatError as error:
                if len(sample) > MAX_SAMPLED:
                    self.on_note(self.name, None, f"{len(sample):,} lines were not searched: {error}")
                    sample = []
                self._sample[is_json] = sample
                return
            self._sample[is_json] = []
            lines = sample
            reader = RecordReader(shape, on_broken=lambda line, why: self.on_note(self.name, line, why))
            self._readers[is_json] = reader
        first = self._line + 1
        self._line += len(lines)
        yield Batch(self.name, self.log_id, reader.shape, list(reader.records(enumerate(lines, first))))

    def close(self) -> None:
        """Take no more."""
        self._is_closed = True
        self.on_close()
