"""What one log adds to the day index, gathered while it is hunted through.

A log is read once for both: records that were read line by line are counted as they come, those of a log that
was read in bulk are counted by the database that holds them. What is in the index already is not counted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from math import floor
from pathlib import Path
from typing import Final

from backchannel.clock import format_time
from backchannel.errors import StoreError
from backchannel.logs.cells import Cell, cell_of, observables
from backchannel.logs.layout import FieldAt, Layout
from backchannel.logs.recognise import Record
from backchannel.logs.shape import LogShape
from backchannel.logs.shown import LogShown
from backchannel.logs.times import NUMBERS, TimeReader
from backchannel.matching.bulk import LATEST_SECOND, BulkLog, count_lines
from backchannel.matching.compiled import CellKey
from backchannel.matching.day_index import DAY_SECONDS, NO_DAY, DayIndex, DayRow, IndexedLog, LogKind
from backchannel.matching.day_keys import is_kept, key_of

MAX_COUNTED: Final = 200_000
"""Cells of records read line by line that are counted in memory before they become rows."""
MAX_REMEMBERED: Final = 200_000
"""Cells whose keys are kept in memory."""
_FETCHED: Final = 20_000
"""Rows that are taken from the database at once."""
_TAIL_BYTES: Final = 2**16


class DayCounts:
    """Gathers for one log after another; each is in the index, wholly, when it ends."""

    def __init__(self, index: DayIndex, *, on_trouble: Callable[[str], None] | None = None) -> None:
        """Gather for an index that stays its owner's to close.

        Args:
            index: of the node.
            on_trouble: told once why nothing more goes into the index; without it that is an error.
        """
        self._index = index
        self._on_trouble = on_trouble
        self._is_out = False
        self.is_forestalled = False
        """Whether another process put a part of the last log into the index meanwhile: what else it holds is not in it."""
        self._keys: dict[CellKey, tuple[bytes, ...]] = {}
        self._log: IndexedLog | None = None
        self._from_line = 0
        self._to_line: int | None = None
        self._counts: dict[tuple[CellKey, int], list[int]] = {}

    def begin(self, log_id: str, name: str, shape: LogShape, path: Path, size: int) -> None:
        """Begin a log; one of which the index has all is passed over.

        Args:
            log_id: `logs.recognise.log_id`.
            name: where the log is, for whoever looks for it again.
            shape: of the log.
            path: the log, or its unpacked copy.
            size: bytes of it.
        """
        self._counts.clear()
        if not self._is_out:
            with self._guarded():
                self._begin(log_id, name, shape, path, size)

    def _begin(self, log_id: str, name: str, shape: LogShape, path: Path, size: int) -> None:
        self._index.drop_draft()
        known = self._index.log(log_id)
        whole = _whole_lines(path, size)
        if known is not None and known.size >= whole:
            self._log = None
            return
        self._from_line = 0 if known is None else count_lines(path, known.size)
        self._to_line = None if whole == size else count_lines(path, whole)
        row = 0 if known is None else known.row
        self._log = IndexedLog(row, log_id, str(Path(name).absolute()), shape.format, whole)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Leave the index alone from the first trouble on: a full disk must not cost the hunt."""
        try:
            yield
        except StoreError as error:
            if self._on_trouble is None:
                raise
            self._log, self._is_out = None, True
            self._on_trouble(error.message)

    def begin_part(self, log: IndexedLog) -> None:
        """Begin a part of a log, of which the whole is read.

        Args:
            log: `size` is where the part ends.
        """
        self._counts.clear()
        self._index.drop_draft()
        self._from_line, self._to_line = 0, None
        self._log = log

    def is_first(self) -> bool:
        """Whether the index has no log yet."""
        return not self._index.logs()

    @property
    def needs_line_numbers(self) -> bool:
        """Whether a part of the log is in the index, or not to be in it yet, so that rows must be told by their lines."""
        return self._log is not None and (self._from_line > 0 or self._to_line is not None)

    def needs_lines(self, loaded: BulkLog) -> bool:
        """Whether a log must be read line by line: the database cannot read times as it writes them."""
        return self._log is not None and not loaded.tells_days

    def note(self, batch: Sequence[Record]) -> None:
        """Count records that were read line by line."""
        if self._log is None:
            return
        for _, group in groupby(batch, key=lambda record: id(record.layout)):
            records = list(group)
            layout = records[0].layout
            for record in records:
                if record.line > self._from_line and (self._to_line is None or record.line <= self._to_line):
                    self._count(layout, record)
        if len(self._counts) > MAX_COUNTED:
            with self._guarded():
                self._settle()

    def _count(self, layout: Layout, record: Record) -> None:
        seconds = _seconds(layout.times, record.cells[layout.time]) if layout.time >= 0 else None
        day, second = (NO_DAY, -1) if seconds is None else divmod(seconds, DAY_SECONDS)
        for one in layout.fields:
            cell = cell_of(one, record.cells)
            if cell is None:
                continue
            key = ((one.reading, one.is_list, cell), day)
            count = self._counts.get(key)
            if count is None:
                self._counts[key] = [1, second, second]
            else:
                count[0] += 1
                count[1], count[2] = min(count[1], second), max(count[2], second)

    def note_bulk(self, loaded: BulkLog) -> None:
        """Count the records of a log that was read in bulk, but those that are read again by themselves."""
        if self._log is None:
            return
        head = loaded.shape.header_lines
        first_row = max(0, self._from_line - head)
        end_row = None if self._to_line is None else self._to_line - head
        with self._guarded():
            for one in loaded.shape.layout.fields:
                query = loaded.days_query(one, first_row=first_row, end_row=end_row)
                self._index.draft(self._of_bulk(loaded, one, query))

    def _of_bulk(self, loaded: BulkLog, one: FieldAt, query: str) -> Iterator[DayRow]:
        cursor = loaded.database.execute(query)
        while rows := cursor.fetchmany(_FETCHED):
            for *parts, day, count, first, last in rows:
                cell: Cell = parts[0] if len(parts) == 1 else tuple(parts)
                for key in self._keys_in((one.reading, one.is_list, cell)):
                    yield DayRow(key, day, count, first, last)

    def end(self, shown: LogShown, *, records: int) -> None:
        """Put what was gathered into the index.

        Args:
            shown: what the log shows.
            records: that were read of it.
        """
        self.is_forestalled = False
        if self._log is None:
            return
        with self._guarded():
            self._settle()
            first, last = (None if at is None else format_time(at) for at in (shown.first, shown.last))
            kinds = [LogKind(kind, records, first, last) for kind in sorted(shown.kinds) if is_kept(kind)]
            self.is_forestalled = not self._index.add(self._log, kinds)
        self._log = None

    def _settle(self) -> None:
        """Make rows of what was counted; counting begins anew."""
        counts, self._counts = self._counts, {}
        self._index.draft(
            DayRow(key, day, *count) for (cell, day), count in counts.items() for key in self._keys_in(cell)
        )

    def _keys_in(self, cell: CellKey) -> tuple[bytes, ...]:
        keys = self._keys.get(cell)
        if keys is None:
            if len(self._keys) >= MAX_REMEMBERED:
                self._keys.clear()
            found = (key_of(seen) for seen in observables(cell[0], cell[2], is_list=cell[1]))
            keys = self._keys[cell] = tuple(dict.fromkeys(key for key in found if key is not None))
        return keys


def _seconds(times: TimeReader, cell: str | None) -> int | None:
    """Return the second of a time since 1970, None for one before that or that cannot be read."""
    if cell is None:
        return None
    try:
        at = float(cell) / NUMBERS[times.forms[0]]
    except (KeyError, ValueError):
        moment = times.at(cell)
        at = -1.0 if moment is None else moment.timestamp()
    return floor(at) if 0 <= at < LATEST_SECOND else None


def _whole_lines(path: Path, size: int) -> int:
    """Return how many bytes of a log are lines with an end; a last one without is read again when it is whole."""
    with path.open("rb") as stream:
        end = size
        while end > 0:
            start = max(0, end - _TAIL_BYTES)
            stream.seek(start)
            found = stream.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0
