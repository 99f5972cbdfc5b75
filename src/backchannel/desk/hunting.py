"""Hunt through our own logs for what others told us, and keep what was found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from backchannel import codec
from backchannel.clock import Clock, format_time
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
from backchannel.logs.personal import allowed
from backchannel.logs.recognise import ReadAs
from backchannel.logs.shown import HuntShown
from backchannel.logs.spool import STDIN_NAME
from backchannel.logs.tables import ColumnTable, formats
from backchannel.logs.times import zone_of

if TYPE_CHECKING:
    from backchannel.matching.day_counts import DayCounts
    from backchannel.matching.hunt import Tally
    from backchannel.matching.rows import Found

THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""Threads that read logs: half of the machine, since a hunt often runs beside the sensor."""

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
    from backchannel.matching.hunt import Tally, hunt_log  # noqa: PLC0415
    from backchannel.matching.segments import FOLDER, compile_new  # noqa: PLC0415

    node, options = one.node, one.options
    arrived = node.store.hunts.last_arrival()
    compile_new(node.home, node.store.segments)
    segments = node.store.segments.all()
    tally, hunt_row = Tally(shown=HuntShown(options.since, options.until)), _begin(one, paths)
    read_as = ReadAs(options.format, zone_of(node.settings.log_zone), options.mapping)
    folder, country = node.home / FOLDER, node.settings.phone_country
    compiled = CompiledSet([folder / each.file for each in segments], threads=THREADS, country=country)
    wholes = Compounds(one.pattern_of, one.is_in_window)
    try:
        with _index(one, tally) as days:
            is_first = days is not None and days.is_first()
            for path, name in logs_in(paths, tally):
                if on_progress is not None:
                    on_progress(name, tally.bytes, one.hits)
                found = hunt_log(
                    path,
                    compiled,
                    tally,
                    name=name,
                    read_as=read_as,
                    on_sample=one.begin,
                    days=days,
                    personal=allowed(node.settings.personal, place_of(name)),
                    wholes=wholes,
                )
                yield from _taken(one, found, hunt_row)
        yield from _taken(one, wholes.end(), hunt_row)
        dropped = compiled.dropped_plain
    finally:
        compiled.close()
    values = sum(each.entries for each in segments)
    summary = one.summary(tally, values=values, dropped_plain=dropped, undecided=wholes.undecided)
    _end(one, summary, hunt_row, through=arrived if is_first else None, all_like=not dropped)
    yield summary


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
