"""Look in old logs for what came after they were hunted through: the day index says in which of them.

Only these logs are read again, so each hit has its lines and our side as any other. Where a log is gone, the
index itself is the hit: which value, on which days, in how many records, and nothing of whose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.days import day_index, has_day_index
from backchannel.desk.hit_taking import HuntOptions, Taker
from backchannel.desk.hitting import Hit, HuntSummary, RehuntSummary
from backchannel.desk.hunt_end import end_of
from backchannel.desk.hunting import THREADS
from backchannel.desk.node import Node
from backchannel.desk.own_logs import whereabouts
from backchannel.logs.recognise import ReadAs
from backchannel.logs.times import zone_of
from backchannel.store.sqlite.hunts import ShownRow

if TYPE_CHECKING:
    from backchannel.matching.compound import Compounds
    from backchannel.matching.day_index import DayIndex, DayRow, IndexedLog
    from backchannel.matching.entries import Entry
    from backchannel.matching.hunt import Tally
    from backchannel.matching.segment import ToCompile

CHUNK = 50_000
"""Indicators that are looked up together: bounds the memory that many new ones take."""
MAX_FROM_INDEX = 1_000
"""Values and days of one range in a log that is gone."""

MAX_GONE = 100
"""Logs named as gone."""

OnProgress = Callable[[str, int, int], None]
"""Told the log that is next, how many were read of how many, and how many hits were found."""


Range = tuple[bytes, bytes]
"""First key, and first that is not in it."""


class _Wanted(NamedTuple):
    """What is looked for in one log."""

    indicators: dict[int, ToCompile]
    ranges: dict[Range, list[tuple[int, Entry]]]
    """Ranges of keys of which the log holds some, each with the rows of the indicators that ask for it."""


@dataclass(slots=True)
class _Counts:
    indicators: int = 0
    unanswered: int = 0
    """Indicators of which the index holds no kind, so that only hunting finds them."""
    gone: list[str] = field(default_factory=list)


def rehunt(
    node: Node, clock: Clock, *, everything: bool = False, on_progress: OnProgress | None = None
) -> Iterator[Hit | RehuntSummary]:
    """Yield each hit of intelligence that came since the last time, and at the end the summary.

    Args:
        node: whose logs were hunted through.
        clock: gives the times.
        everything: look for all indicators in force, not only for what came since.
        on_progress: told how far it is, before each log.

    Raises:
        StoreError: the store or the index is busy or damaged; the next call begins where this one began.
    """
    through = node.store.hunts.last_arrival()
    since = 0 if everything else node.store.hunts.rehunted_through()
    with day_index(node) as index:
        counts = _Counts()
        wanted = _wanted(node, index, counts, since=since, through=through)
        yield from _rehunting(node, clock, index, wanted, counts, through, on_progress)


def rehunt_arrived(node: Node, clock: Clock) -> tuple[list[Hit], RehuntSummary] | None:
    """Rehunt if there is an index and something came since the last time; None if there is nothing to do."""
    if not has_day_index(node) or node.store.hunts.last_arrival() <= node.store.hunts.rehunted_through():
        return None
    hits: list[Hit] = []
    for one in rehunt(node, clock):
        if isinstance(one, RehuntSummary):
            return hits, one
        hits.append(one)
    return None


def _wanted(node: Node, index: DayIndex, counts: _Counts, *, since: int, through: int) -> dict[int, _Wanted]:
    """Return for each log what the index says is in it."""
    from backchannel.matching.day_keys import range_of  # noqa: PLC0415
    from backchannel.matching.entries import whole_of  # noqa: PLC0415

    wanted: dict[int, _Wanted] = {}
    arrived = iter(node.store.hunts.arrived(after=since, through=through))
    while chunk := list(islice(arrived, CHUNK)):
        asked: dict[Range, dict[int, tuple[ToCompile, Entry]]] = {}
        for one in chunk:
            whole = whole_of(one.pattern, stix_version=one.spec_version)
            # As in the compiled set, a negative row is an anchor.
            ranges = [(range_of(entry), entry, one.object_row) for entry in whole.entries]
            ranges += [(range_of(entry), entry, -one.object_row) for entry in whole.anchors]
            for found, entry, row in ranges:
                if found is not None:
                    asked.setdefault(found, {})[row] = (one, entry)
            counts.indicators += 1
            counts.unanswered += bool(whole.left) or any(found is None for found, _, _ in ranges)
        for found, several in index.find(asked).items():
            for log_row in several:
                here = wanted.setdefault(log_row, _Wanted({}, {}))
                for row, (one, entry) in asked[found].items():
                    here.indicators[one.object_row] = one
                    here.ranges.setdefault(found, []).append((row, entry))
    return wanted


def _rehunting(
    node: Node,
    clock: Clock,
    index: DayIndex,
    wanted: Mapping[int, _Wanted],
    counts: _Counts,
    through: int,
    on_progress: OnProgress | None,
) -> Iterator[Hit | RehuntSummary]:
    from backchannel.matching.compound import Compounds  # noqa: PLC0415
    from backchannel.matching.hunt import Tally  # noqa: PLC0415  # loads DuckDB, 100 ms

    taker, tally = Taker(node, clock, HuntOptions()), Tally()
    wholes = Compounds(taker.pattern_of, taker.is_in_window)
    logs = index.logs()
    asked = [log for log in logs if log.row in wanted]
    hunt_row = node.store.hunts.begin(
        at=format_time(clock.now()),
        paths=codec.encode([log.path for log in asked]).decode(),
        since=None,
        until=None,
        mode="rehunt",
    )
    with TemporaryDirectory(prefix="backchannel-rehunt-") as scratch:
        for number, log in enumerate(asked):
            if on_progress is not None:
                on_progress(log.path, number, taker.hits)
            path = whereabouts(Path(log.path), log.log_id)
            if path is None:
                counts.gone.append(log.path)
                yield from _from_index(taker, index, log, wanted[log.row])
            else:
                yield from _again(path, wanted[log.row], taker, tally, wholes, Path(scratch))
            node.store.hunts.add(taker.kept(hunt_row))
    for found in wholes.end():
        taker.turn_to_log(found.path)
        yield from taker.take(found)
    node.store.hunts.add(taker.kept(hunt_row))
    summary = taker.summary(tally, values=0, dropped_plain=0, undecided=wholes.undecided)
    kinds = [ShownRow("", None, None, None), *(ShownRow(*one) for one in index.kinds())] if logs else []
    node.store.hunts.end(
        end_of(summary, format_time(clock.now()), "[]", hunt_row),
        kinds,
        through=through,
    )
    yield _summary(summary, counts, logs=len(logs))


def _summary(read: HuntSummary, counts: _Counts, *, logs: int) -> RehuntSummary:
    return RehuntSummary(
        indicators=counts.indicators,
        unanswered=counts.unanswered,
        logs=logs,
        logs_read=read.files,
        logs_gone=tuple(counts.gone[:MAX_GONE]),
        hits=read.hits,
        seen=read.indicators,
        assets=read.assets,
        before=read.before,
        after=read.after,
        skipped=read.skipped,
    )


def _again(
    path: Path, here: _Wanted, taker: Taker, tally: Tally, wholes: Compounds, scratch: Path
) -> Iterator[Hit]:
    """Yield the hits of one log that is read again, for only what the index says is in it."""
    from backchannel.matching.compiled import CompiledSet  # noqa: PLC0415
    from backchannel.matching.hunt import hunt_log  # noqa: PLC0415
    from backchannel.matching.segments import compile_apart  # noqa: PLC0415

    file, _ = compile_apart(scratch, list(here.indicators.values()), with_anchors=True)
    settings = taker.node.settings
    compiled = CompiledSet([file], threads=THREADS, scratch=scratch, country=settings.phone_country)
    try:
        for found in hunt_log(
            path,
            compiled,
            tally,
            read_as=ReadAs(zone=zone_of(settings.log_zone)),
            on_sample=taker.begin,
            wholes=wholes,
        ):
            yield from taker.take(found)
    finally:
        compiled.close()


def _from_index(taker: Taker, index: DayIndex, log: IndexedLog, here: _Wanted) -> Iterator[Hit]:
    """Yield the hits of a log that is gone, as far as the index tells."""
    from backchannel.matching.day_keys import seen_of  # noqa: PLC0415
    from backchannel.matching.index import EntryIndex, filed  # noqa: PLC0415

    judging = EntryIndex()
    for found in here.ranges.values():
        for object_row, entry in found:
            judging.add([filed(object_row, entry)])
    days: dict[bytes, list[DayRow]] = {}
    for low, high in here.ranges:
        for row in index.values(low, high, log.row, at_most=MAX_FROM_INDEX):
            days.setdefault(row.key, []).append(row)
    for key, rows in days.items():
        seen = seen_of(key)
        for met in {} if seen is None else {one.object_row: one for one in judging.met(seen)}.values():
            # Of an anchor nobody can judge the rest any more.
            known = met if met.object_row >= 0 else met._replace(object_row=-met.object_row, scope="partial")
            yield from taker.take_from_index(known, log, sorted(set(rows), key=lambda row: row.day))
