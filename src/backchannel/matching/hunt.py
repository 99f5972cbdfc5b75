"""Hunt through logs for what the compiled set holds, and say what could not be hunted through.

Reads the paths it is handed, and nothing else. A log is read in bulk where that is safe, else line by line;
both judge with the same `CompiledSet`, and find the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from backchannel.logs.lines import numbered
from backchannel.logs.opening import OpenLog, UnreadableLogError, open_log
from backchannel.logs.personal import is_off, off_kinds
from backchannel.logs.recognise import (
    AS_THEY_ARE,
    TEXT_SHARE,
    ReadAs,
    Record,
    UnknownFormatError,
    log_id,
    recognise,
    records,
)
from backchannel.logs.shape import LogShape
from backchannel.logs.shown import HuntShown, LogShown
from backchannel.logs.times import Assumed
from backchannel.matching import bulk, engine, parquet
from backchannel.matching.compiled import CompiledSet
from backchannel.matching.compound import Compounds
from backchannel.matching.day_counts import DayCounts
from backchannel.matching.rows import Found, cells_in, conditions, holding, in_row
from backchannel.observables.kinds import Kind

BATCH_RECORDS = 20_000
"""Records that are judged together when a log is read line by line."""
MAX_LOADS = 3
"""Times that one log is loaded, each time with what the sample before had lacked."""
MORE_SAMPLED = 200
"""Records added to a sample."""
_COPIED_BYTES = 2**20
MAX_NOTES = 100
"""Broken lines named for one log; the rest is counted."""


OnSample = Callable[[str, LogShape, Sequence[bytes]], None]


class Note(NamedTuple):
    """Something that could not be hunted through as it should."""

    path: str
    line: int | None
    why: str


@dataclass(slots=True)
class Coverage:
    """What of one format was read."""

    files: int = 0
    """Logs with a line of it."""
    records: int = 0
    missed: int = 0
    """Lines of text that are of the format, and of none of the shapes that are known of it: they were not searched."""


@dataclass(slots=True)
class Tally:
    """What one hunt went through."""

    files: int = 0
    records: int = 0
    bytes: int = 0
    skipped: list[Note] = field(default_factory=list)
    layouts: dict[str, int] = field(default_factory=dict)
    """Format to number of files."""
    coverage: dict[str, Coverage] = field(default_factory=dict)
    """By format of the records: in a log of syslog stand those of several."""
    left_open: set[str] = field(default_factory=set)
    """What times of records did not say (`logs.times`)."""
    shown: HuntShown = field(default_factory=HuntShown)
    """What these logs show at all."""
    untold: set[str] = field(default_factory=set)
    """Fields that records in bulk may have had and nothing told of."""
    switched_off: dict[str, int] = field(default_factory=dict)
    """Personal kind (`logs.shown`) to the number of logs that have it and in which it was not looked for."""


def add_tally(whole: Tally, one: Tally) -> None:
    """Take into the tally of a hunt that of one log; it does not matter who hunted through it."""
    whole.files += one.files
    whole.records += one.records
    whole.bytes += one.bytes
    whole.skipped += one.skipped
    for format_, logs in one.layouts.items():
        whole.layouts[format_] = whole.layouts.get(format_, 0) + logs
    for format_, coverage in one.coverage.items():
        known = whole.coverage.setdefault(format_, Coverage())
        known.files += coverage.files
        known.records += coverage.records
        known.missed += coverage.missed
    whole.left_open |= one.left_open
    whole.shown.add_all(one.shown)
    whole.untold |= one.untold
    for kind, logs in one.switched_off.items():
        whole.switched_off[kind] = whole.switched_off.get(kind, 0) + logs


def hunt_log(
    path: Path,
    compiled: CompiledSet,
    tally: Tally,
    *,
    name: str = "",
    read_as: ReadAs = AS_THEY_ARE,
    on_sample: OnSample | None = None,
    days: DayCounts | None = None,
    personal: Collection[Kind] = (),
    wholes: Compounds | None = None,
) -> Iterator[Found]:
    """Yield what is found in one log, in the order of its lines; adds to `tally` as it goes.

    What needs a whole record to be judged comes after that, in the same order.

    Args:
        path: the log.
        compiled: what to look for.
        tally: of the whole hunt.
        name: what the log is called, where `path` is a copy of it.
        read_as: what the operator says of logs.
        on_sample: told the name, the shape and some lines of the log before it is read.
        days: gathers what the log holds for the day index.
        personal: kinds that can point to a person and are switched on for this log (`logs.personal`); the others
            are not looked for.
        wholes: judges whole patterns; it has to be given where `compiled` has anchors of some.
    """
    off = off_kinds(personal)
    name = name or str(path)
    notes = _Notes(name, tally)
    try:
        with open_log(path) as log:
            if log.damage:
                notes.say(None, log.damage)
                if not log.size:
                    return
            shape, sample = _shape(log, compiled, read_as)
            if on_sample is not None:
                on_sample(name, shape, sample)
            if days is not None:
                days.begin(log_id(shape, sample), name, shape, log.path, log.size)
            tally.files += 1
            tally.bytes += log.size
            tally.layouts[shape.format] = tally.layouts.get(shape.format, 0) + 1
            if read_as.format is not None and shape.how != "text" and not shape.layout.fields:
                notes.say(None, f"it has no field of {read_as.format}: nothing in it was searched")
            shown = LogShown()
            found = _hunt_open(name, log, shape, compiled, tally, notes, shown, off, days)
            if wholes is not None and compiled.has_anchors:
                found = wholes.added(found, log, shape, off)
            yield from found
            records = _cover(tally, shape, shown, notes)
            hide_switched_off(tally, shown, personal)
            tally.shown.add(shown, records=records, format_=shape.format)
            if log.lost():
                notes.say(
                    None,
                    "it was emptied or cut off while it was read: what was in it then is not searched in full",
                )
            elif days is not None:
                days.end(shown, records=records)
    except (UnknownFormatError, UnreadableLogError) as error:
        notes.say(None, str(error))
    notes.end()


@contextmanager
def opened(path: Path, compiled: CompiledSet, read_as: ReadAs) -> Iterator[tuple[OpenLog, LogShape]]:
    """Open a log as it is opened to be hunted through, for the while of a `with`.

    Raises:
        UnreadableLogError: it cannot be read.
        UnknownFormatError: it is of no format of ours.
    """
    with open_log(path) as log:
        yield log, _shape(log, compiled, read_as)[0]


def note_part(log: OpenLog, shape: LogShape, nothing: CompiledSet, days: DayCounts) -> None:
    """Add to the day index what a part of a log holds that was searched before.

    Args:
        log: the part, as a file of its own.
        shape: of it.
        nothing: a set without files, whose database reads the part.
        days: has begun the part.
    """
    shown = LogShown()
    for _ in _hunt_open(str(log.path), log, shape, nothing, Tally(), _Notes("", Tally()), shown, (), days):
        pass
    days.end(shown, records=shown.records.total())


def _shape(log: OpenLog, compiled: CompiledSet, read_as: ReadAs) -> tuple[LogShape, list[bytes]]:
    if parquet.is_parquet(log.path):
        return parquet.shape_of(compiled.database, log.path, read_as)
    sample, assumed = log.sample(), Assumed(read_as.zone, log.written)
    return recognise(sample, format_=read_as.format, assumed=assumed, mapping=read_as.mapping), sample


def _cover(tally: Tally, shape: LogShape, shown: LogShown, notes: _Notes) -> int:
    """Add to the tally what was read of one log; return the number of its records."""
    for format_ in dict.fromkeys((shape.format, *shown.records, *shown.missed)):
        one = tally.coverage.setdefault(format_, Coverage())
        one.files += 1
        one.records += shown.records[format_]
        one.missed += shown.missed[format_]
    records, missed = shown.records.total(), shown.missed.total()
    tally.records += records
    tally.left_open |= shown.left_open
    if missed and records * TEXT_SHARE < records + missed:
        how_many = f"only {records:,}" if records else "none"
        notes.say(None, f"of its {records + missed:,} lines {how_many} could be read: {_few(shown)}")
    return records


def hide_switched_off(tally: Tally, shown: LogShown, personal: Collection[Kind]) -> None:
    """Let a log show nothing of what was not looked for in it, and note that."""
    hidden = {kind for kind in shown.kinds if is_off(kind, personal)}
    shown.kinds -= hidden
    for kind in sorted({kind.partition(" ")[0] for kind in hidden}):
        tally.switched_off[kind] = tally.switched_off.get(kind, 0) + 1


def _few(shown: LogShown) -> str:
    missed = ", ".join(f"{count:,} of {format_}" for format_, count in sorted(shown.missed.items()))
    return f"{missed} were not searched"


def _hunt_open(
    path: str,
    log: OpenLog,
    shape: LogShape,
    compiled: CompiledSet,
    tally: Tally,
    notes: _Notes,
    shown: LogShown,
    off: Collection[Kind],
    days: DayCounts | None,
) -> Iterator[Found]:
    loaded = _loaded(log, shape, compiled)
    if loaded is None:
        yield from _by_lines(path, log, shape, compiled, notes, shown, off, days)
        return
    shape = loaded.shape
    odd = loaded.odd_lines()
    met = compiled.match(loaded.candidates(compiled, off), off=off)
    # Only what is told by its line needs the lines to be counted.
    by_line = odd or met or loaded.drops_lines or (days is not None and days.needs_line_numbers)
    if (by_line and not loaded.is_trusted()) or (days is not None and days.needs_lines(loaded)):
        yield from _by_lines(path, log, shape, compiled, notes, shown, off, days)
        return
    loaded.note_shown(shown)
    if days is not None:
        days.note_bulk(loaded)
    tally.untold.update(shape.layout.untold)
    shown.records[shape.format] += loaded.rows_read - len(odd)
    rows = loaded.rows(conditions(shape.layout, met))
    found = (one for line, cells in rows for one in in_row(path, shape, line, cells, met))
    if not odd:
        yield from found
        return
    again = list(_by_lines(path, log, shape, compiled, notes, shown, off, days, only=frozenset(odd)))
    yield from sorted([*found, *again], key=lambda one: one.line)


def _loaded(log: OpenLog, shape: LogShape, compiled: CompiledSet) -> bulk.BulkLog | None:
    """Return the log as a table, None where it has to be read line by line.

    Where many records have a field that the sample lacked, some of them are added to the sample, and the log
    is loaded again.
    """
    if shape.how == "parquet":
        return _loaded_rows(log, shape, compiled)
    if not bulk.is_plain(log.path, shape, log.size):
        return None
    sample = log.sample()
    for _ in range(MAX_LOADS):
        try:
            loaded = _load(log, shape, compiled)
        except (engine.Error, OSError):
            return None  # what DuckDB cannot read, the line reader reads or names
        odd = loaded.odd_lines()
        if len(odd) <= bulk.MAX_ODD_LINES:
            return loaded
        if shape.how == "table" or not loaded.is_trusted():
            return None
        some = frozenset(odd[:: max(1, len(odd) // MORE_SAMPLED)])
        with log.path.open("rb") as stream:
            sample += [line for n, line in numbered(stream, end=log.size, on_long=_ignore) if n in some]
        shape = recognise(sample, format_=shape.format, assumed=shape.layout.times.assumed)
    return None


def _load(log: OpenLog, shape: LogShape, compiled: CompiledSet) -> bulk.BulkLog:
    """Load a log as far as it went when it was opened; DuckDB reads to where it ends, so one that grows is copied."""
    loaded = bulk.load(compiled, log.path, shape, size=log.size, table="record")
    if log.path.stat().st_size <= log.size:
        return loaded
    with NamedTemporaryFile(prefix="backchannel-", suffix=".log") as copy, log.path.open("rb") as stream:
        left = log.size
        while left > 0 and (piece := stream.read(min(left, _COPIED_BYTES))):
            copy.write(piece)
            left -= len(piece)
        copy.flush()
        loaded = bulk.load(compiled, Path(copy.name), shape, size=log.size, table="record")
    return replace(loaded, path=log.path)


def _loaded_rows(log: OpenLog, shape: LogShape, compiled: CompiledSet) -> bulk.BulkLog:
    try:
        return bulk.load(compiled, log.path, shape, size=log.size, table="record")
    except engine.Error as error:
        raise UnreadableLogError(f"it is damaged: {str(error).splitlines()[0][:200]}") from None


def _ignore(line: int, why: str) -> None:
    """What cannot be sampled is told when it is read."""


def _by_lines(
    path: str,
    log: OpenLog,
    shape: LogShape,
    compiled: CompiledSet,
    notes: _Notes,
    shown: LogShown,
    off: Collection[Kind],
    days: DayCounts | None,
    *,
    only: frozenset[int] | None = None,
) -> Iterator[Found]:
    with log.path.open("rb") as stream:
        if only is None:
            read = records(stream, shape, end=log.size, on_broken=notes.say, on_missed=shown.miss)
        else:
            read = _some(stream.fileno(), log, shape, notes, only)
        while batch := list(islice(read, BATCH_RECORDS)):
            shown.note(batch)
            if days is not None:
                days.note(batch)
            met = compiled.match(cells_in(batch), off=off)
            if met:
                for record in holding(batch, met):
                    yield from in_row(path, shape, record.line, record.cells, met, layout=record.layout)


def _some(
    descriptor: int, log: OpenLog, shape: LogShape, notes: _Notes, only: frozenset[int]
) -> Iterator[Record]:
    """Yield the records on certain lines, with every known field of theirs."""
    lines: list[tuple[int, bytes]] = []
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        lines = [(n, line) for n, line in numbered(stream, end=log.size, on_long=notes.say) if n in only]
    for number, line in lines:
        if not line or line.isspace() or (shape.header is not None and shape.header(line) is not None):
            continue
        try:
            yield Record(number, *shape.read(line))
        except ValueError as error:
            notes.say(number, str(error))
            cells = getattr(error, "cells", None)
            if cells is not None:
                yield Record(number, shape.layout, cells)


class _Notes:
    """Names what is wrong with one log, up to a number."""

    def __init__(self, path: str, tally: Tally) -> None:
        self._path, self._tally, self._count = path, tally, 0

    def say(self, line: int | None, why: str) -> None:
        self._count += 1
        if self._count <= MAX_NOTES:
            self._tally.skipped.append(Note(self._path, line, why))

    def end(self) -> None:
        if self._count > MAX_NOTES:
            why = f"{self._count - MAX_NOTES:,} more lines cannot be read as they should"
            self._tally.skipped.append(Note(self._path, None, why))
