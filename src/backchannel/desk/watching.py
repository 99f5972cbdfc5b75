"""Watch our own logs as they grow, for what others told us; survive a kill without missing or repeating a line.

What was found and how far each log was read are kept in one transaction, and only then told. A watch that is
killed begins again where it was; hits that were kept and not told are told then, under the same number.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.hit_taking import KEPT_LINES, HuntOptions, Taker
from backchannel.desk.hitting import WatchHit
from backchannel.desk.hunt_end import end_of, shown_rows
from backchannel.desk.node import Node
from backchannel.desk.own_logs import place_of
from backchannel.desk.watch_logs import Batch, WatchedFiles
from backchannel.errors import UsageError
from backchannel.logs.personal import allowed, off_kinds
from backchannel.logs.shown import HuntShown, LogShown
from backchannel.logs.tables import formats
from backchannel.logs.times import Assumed, zone_of
from backchannel.observables.kinds import Kind
from backchannel.store.sqlite.watches import WatchPlace

if TYPE_CHECKING:
    from backchannel.matching.compiled import CompiledSet
    from backchannel.matching.hunt import Tally

WAIT_S: Final = 0.05
"""How long is waited where nothing came (seconds)."""
KEEP_S: Final = 1.0
"""How often is kept how far logs were read, where nothing was found in them."""
REFRESH_S: Final = 0.5
"""How often is looked for new intelligence."""
TURN_S: Final = 900.0
"""How often a watch counts as a hunt that has ended: what it searched for and did not see is known from then on."""
MAX_NOTES: Final = 1_000
"""Broken lines told in one turn; more are counted."""
MAX_TOLD: Final = 1_000
"""Hits told at once."""


class Source(Protocol):
    """Where records come from."""

    changed: dict[str, WatchPlace]
    """Places that are to be kept."""

    @property
    def ends(self) -> bool:
        """Whether nothing more can come."""
        ...

    def step(self) -> Iterator[Batch]:
        """Yield what came since the last call, without waiting."""
        ...

    def close(self) -> None:
        """Give back what is open."""
        ...


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How is watched."""

    format: str | None = None
    """One of `logs.tables.formats()`: every log is taken for that."""
    from_start: bool = False
    """Whether what stands in logs that were never watched is searched, too; else only what comes."""
    max_evidence: int | None = KEPT_LINES
    """Hits told of one indicator in one turn; all are counted."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a watch tells."""

    hits: tuple[tuple[int, bytes], ...]
    """Each with its number: `backchannel.watch-hit/1` in JSON."""


def watch_files(
    node: Node,
    targets: Sequence[Path],
    options: WatchOptions,
    *,
    on_note: Callable[[str, int | None, str], None],
) -> list[WatchedFiles]:
    """Return the files and folders to be watched, each where an earlier watch stood.

    Raises:
        UsageError: a path is missing, a format or zone is not known.
    """
    if options.format is not None and options.format not in formats():
        raise UsageError(
            f"'{options.format}' is no format of logs", hint=f"Known are {', '.join(formats())}."
        )
    assumed = Assumed(zone_of(node.settings.log_zone))
    found = []
    for target in targets:
        absolute = target.absolute()
        if not absolute.exists() and not absolute.parent.is_dir():
            raise UsageError(
                f"there is no {target}, and no folder in which it could come", hint="Mend the path."
            )
        places = {one.log_id: one for one in node.store.watches.places(str(absolute))}
        from_end = not options.from_start and not node.store.watches.is_known(str(absolute))
        found.append(WatchedFiles(absolute, places, from_end, assumed, options.format, on_note))
    return found


def watch(
    node: Node,
    clock: Clock,
    sources: Sequence[Source],
    options: WatchOptions,
    *,
    targets: Sequence[Path] = (),
    stop: Event,
) -> Iterator[Told]:
    """Yield hits as they are found, until `stop` is set or nothing more can come.

    What was yielded counts as told when the next is asked for.

    Args:
        node: whose indicators are looked for.
        clock: gives the times of turns.
        sources: where records come from; closed at the end.
        options: how is watched.
        targets: files and folders among the sources.
        stop: set from outside, by a signal.

    Raises:
        StoreError: the store is busy or damaged.
    """
    going = _Watch(node, clock, options)
    try:
        with node.store.transaction():
            for target in targets:
                node.store.watches.know(str(target.absolute()))
        yield from going.tell()
        while not stop.is_set():
            came = going.step(sources)
            yield from going.tell()
            if not came:
                if all(source.ends for source in sources):
                    break
                stop.wait(WAIT_S)
        going.keep(sources, is_last=True)
        yield from going.tell()
        going.end_turn()
    finally:
        for source in sources:
            source.close()
        going.close()


class _Watch:
    """One watch: what it looks for, and what it has found and not yet kept."""

    def __init__(self, node: Node, clock: Clock, options: WatchOptions) -> None:
        from backchannel.matching.compiled import CompiledSet  # noqa: PLC0415  # loads DuckDB, 100 ms

        self._node, self._clock, self._options = node, clock, options
        self._compiled: CompiledSet = CompiledSet(
            [], threads=1, is_lasting=True, country=node.settings.phone_country
        )
        self._changes = -1
        self._looked_at = self._kept_at = self._turned_at = 0.0
        self._bodies: list[str] = []
        self._told = self._forgotten = 0
        self._begin_turn()
        self._refresh()

    def close(self) -> None:
        """Give back what is open."""
        self._compiled.close()

    def step(self, sources: Sequence[Source]) -> bool:
        """Take what came from each source, and keep it; return whether anything came."""
        now = time.monotonic()
        if now - self._looked_at >= REFRESH_S:
            self._looked_at = now
            self._refresh()
        came = False
        for source in sources:
            for batch in source.step():
                came = True
                self._take(batch)
        self.keep(sources, is_last=False)
        if now - self._turned_at >= TURN_S:
            self.end_turn()
            self._begin_turn()
        return came

    def keep(self, sources: Sequence[Source], *, is_last: bool) -> None:
        """Keep what was found with how far was read, in one transaction."""
        now = time.monotonic()
        if not self._bodies and not self._taker.has_found() and not is_last and now - self._kept_at < KEEP_S:
            return
        self._kept_at = now
        places = [place for source in sources for place in source.changed.values()]
        if not (places or self._bodies or self._taker.has_found()) and self._told == self._forgotten:
            return
        store = self._node.store
        with store.transaction():
            store.hunts.add_up(self._taker.kept(self._hunt_row), kept_lines=KEPT_LINES)
            store.watches.put(places)
            store.watches.told(self._told)
            store.watches.wait(self._bodies)
        self._bodies.clear()
        self._forgotten = self._told
        for source in sources:
            source.changed.clear()

    def tell(self) -> Iterator[Told]:
        """Yield what waits to be told."""
        while waiting := self._node.store.watches.waiting(after=self._told, at_most=MAX_TOLD):
            yield Told(tuple((number, _numbered(number, body)) for number, body in waiting))
            self._told = waiting[-1][0]

    # --- What is looked for -----------------------------------------------------------------------

    def _refresh(self) -> None:
        """Look for what is in force now, if the store was changed."""
        from backchannel.matching.compound import Compounds  # noqa: PLC0415
        from backchannel.matching.segments import FOLDER, compile_new  # noqa: PLC0415

        store = self._node.store
        changes = store.watches.changes()
        if changes == self._changes:
            return
        compile_new(self._node.home, store.segments)
        self._segments = store.segments.all()
        self._compiled.set_files([self._node.home / FOLDER / one.file for one in self._segments])
        self._taker.forget()
        self._wholes = Compounds(self._taker.pattern_of, self._taker.is_in_window)
        self._changes = store.watches.changes()

    def _personal(self, batch: Batch) -> frozenset[Kind]:
        """Return the kinds that can point to a person and are switched on for a log."""
        found = self._switched_on.get(batch.path)
        if found is None:
            found = allowed(self._node.settings.personal, place_of(batch.path))
            self._switched_on[batch.path] = found
        return found

    def _take(self, batch: Batch) -> None:
        from backchannel.matching.engine import Error  # noqa: PLC0415
        from backchannel.matching.rows import cells_in, holding, in_row  # noqa: PLC0415

        if batch.log_id not in self._shown:
            self._shown[batch.log_id] = (LogShown(), self._personal(batch))
            self._tally.files += 1
            self._tally.layouts[batch.shape.format] = self._tally.layouts.get(batch.shape.format, 0) + 1
        self._shown[batch.log_id][0].note(batch.records)
        self._taker.turn_to(batch.log_id)
        off = off_kinds(self._personal(batch))
        cells = cells_in(batch.records)
        try:
            met = self._compiled.match(cells, off=off)
        except Error:  # files of the set were joined into one meanwhile
            self._changes = -1
            self._refresh()
            met = self._compiled.match(cells, off=off)
        if not met:
            return
        for record in holding(batch.records, met):
            for found in in_row(
                batch.path, batch.shape, record.line, record.cells, met, layout=record.layout
            ):
                one = found if found.met.object_row >= 0 else self._wholes.of_record(found, off)
                for hit in () if one is None else self._taker.take(one):
                    self._bodies.append(codec.encode(hit).decode())

    # --- Turns ------------------------------------------------------------------------------------

    def _begin_turn(self) -> None:
        from backchannel.matching.compound import Compounds  # noqa: PLC0415
        from backchannel.matching.hunt import Tally  # noqa: PLC0415

        options = HuntOptions(max_evidence=self._options.max_evidence)
        self._turned_at = time.monotonic()
        self._taker = Taker(self._node, self._clock, options)
        self._wholes = Compounds(self._taker.pattern_of, self._taker.is_in_window)
        self._tally: Tally = Tally(shown=HuntShown(None, None))
        self._shown: dict[str, tuple[LogShown, frozenset[Kind]]] = {}
        self._switched_on: dict[str, frozenset[Kind]] = {}
        self._hunt_row = self._node.store.hunts.begin(
            at=format_time(self._clock.now()), paths="[]", since=None, until=None, mode="watch"
        )

    def end_turn(self) -> None:
        """Let what was watched so far count as a hunt that has ended."""
        from backchannel.matching.hunt import hide_switched_off  # noqa: PLC0415

        for shown, personal in self._shown.values():
            records = shown.records.total()
            hide_switched_off(self._tally, shown, personal)
            self._tally.records += records
            self._tally.shown.add(shown, records=records)
        values = sum(one.entries for one in self._segments)
        dropped = self._compiled.dropped_plain
        summary = self._taker.summary(self._tally, values=values, dropped_plain=dropped)
        end = end_of(summary, format_time(self._clock.now()), "[]", self._hunt_row)
        self._node.store.hunts.end(end, shown_rows(summary, all_like=not dropped))


def _numbered(number: int, body: str) -> bytes:
    return codec.encode(WatchHit(number=number, hit=msgspec.Raw(body.encode())))
