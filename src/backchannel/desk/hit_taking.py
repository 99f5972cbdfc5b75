"""From what the hunter found to hits: which side is ours, whether it was valid then, what to do, and what is kept.

Of a log only what a hit needs is kept: the indicator, the value, the field, our side's address, times, and
the numbers of the first lines; the rest of a record is left where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from backchannel import codec
from backchannel.actions.own import OwnAssets
from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.acting import Adviser, HitFacts
from backchannel.desk.documents import ItemAdvice
from backchannel.desk.false_alarms import FalseAlarm, false_alarms
from backchannel.desk.hitting import (
    Hit,
    HitLog,
    HitObservable,
    HitSource,
    HuntSummary,
    ReadFormat,
    Skipped,
    SwitchedOff,
    Uncompiled,
)
from backchannel.desk.hunt_end import log_gaps, shown_kinds
from backchannel.desk.node import Node
from backchannel.desk.own_logs import Outside, OutsideLog, OwnSide, place_of
from backchannel.desk.warninglists import load_warninglists
from backchannel.logs.recognise import log_id
from backchannel.logs.shape import LogShape
from backchannel.logs.tables import ColumnTable
from backchannel.observables.kinds import Observable
from backchannel.store.sqlite.hunts import InForce, NewHit

if TYPE_CHECKING:
    from backchannel.matching.day_index import DayRow, IndexedLog
    from backchannel.matching.hunt import Tally
    from backchannel.matching.index import Met
    from backchannel.matching.rows import Found

KEPT_LINES = 20
"""Line numbers kept for one indicator at one asset in one log; lines are counted beyond that."""
MAX_UNCOMPILED = 1_000

Validity = Literal["inside", "before", "after"]


@dataclass(frozen=True, slots=True)
class HuntOptions:
    """What a hunt is limited to."""

    since: datetime | None = None
    """Records before it are no hits; one without a time always is."""
    until: datetime | None = None
    """Exclusive."""
    format: str | None = None
    """One of `logs.tables.formats()`: every log is taken for that."""
    mapping: ColumnTable | None = None
    """A table of the operator's own, for logs that have its columns."""
    max_evidence: int | None = None
    """Lines given for each indicator; None for all. All are counted."""
    pre_validity: bool = True
    """Whether hits from before an indicator was valid are given (marked) or only counted."""
    index: bool = True
    """Whether what the logs hold goes into the day index, for intelligence that comes later."""
    jobs: int | None = None
    """Processes that read logs at once; None for as many as half of the machine, at most four."""


@dataclass(slots=True)
class _Lines:
    """The lines of one indicator at one asset in one field of one log."""

    hit: NewHit
    count: int = 0
    first: str | None = None
    last: str | None = None
    lines: list[tuple[int, str | None]] = field(default_factory=list)
    days: dict[str, int] = field(default_factory=dict)
    """Day to lines."""

    def add(self, line: int, at: str | None) -> None:
        self.count += 1
        if len(self.lines) < KEPT_LINES:
            self.lines.append((line, at))
        if at is not None:
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)
            day = at[:10]
            self.days[day] = self.days.get(day, 0) + 1


class HitPlace(NamedTuple):
    """Where a hit stands."""

    path: str
    log_id: str
    format: str
    field: str
    """As the log spells it; "" where only the day index knows of it."""
    asset: str | None
    """Our side."""


class Taker:
    """One hunt: turns what was found into hits, and counts."""

    def __init__(self, node: Node, clock: Clock, options: HuntOptions) -> None:
        self.node, self.clock, self.options = node, clock, options
        self.hits = 0
        self._states = {"inside": 0, "before": 0, "after": 0}
        self._shown: dict[str, int] = {}
        self._assets: set[str] = set()
        self._indicators: dict[int, InForce | None] = {}
        self._sources: dict[int, HitSource] = {}
        self._advice: dict[HitFacts, dict[str, ItemAdvice | None]] = {}
        self._false_alarms: dict[str, FalseAlarm | None] = {}
        self._labels: dict[tuple[str, str], tuple[JsonObject, ...]] = {}
        self._adviser = Adviser(node, clock)
        self._own = OwnAssets.of(node.settings.own_networks, node.settings.own_domains)
        self.outside = Outside(OwnAssets(self._own.networks, ()))
        self._side = OwnSide(self._own)
        self._lines: dict[tuple[object, ...], _Lines] = {}
        self._log_id = ""
        self._log_ids: dict[str, str] = {}
        """Of the logs that were begun, by name."""

    def begin(self, path: str, shape: LogShape, sample: Sequence[bytes]) -> None:
        """Look at the beginning of a log before anything of it is taken."""
        self._log_id = self._log_ids[path] = log_id(shape, sample)
        self.outside.look(path, shape, sample)

    def begun(self, path: str, log_id: str, outside: Sequence[OutsideLog]) -> None:
        """Take in how another process began a log."""
        self._log_id = self._log_ids[path] = log_id
        self.outside.add(outside)

    def has_found(self) -> bool:
        """Whether something was found that is not kept yet."""
        return bool(self._lines)

    def forget(self) -> None:
        """Ask the store again what is in force, who told of it and what to do: it was changed."""
        self._indicators.clear()
        self._sources.clear()
        self._advice.clear()
        self._labels.clear()
        self._adviser = Adviser(self.node, self.clock)

    def turn_to_log(self, path: str) -> None:
        """Take what comes next as found in the log of that name, as it was when it was begun last."""
        self._log_id = self._log_ids[path]

    def turn_to(self, log_id: str) -> None:
        """Take what comes next as found in a log that was looked at before."""
        self._log_id = log_id

    def take(self, found: Found) -> Iterator[Hit]:
        """Count one finding, and yield it as a hit where it is to be shown."""
        indicator = self._indicator(found.met.object_row)
        if indicator is None:
            return
        at = found.layout.seen_at(found.cells)
        if at is not None and not self.is_in_window(at):
            return
        validity = _validity(indicator, at)
        asset = self._side.of(found)
        text = None if at is None else format_time(at)
        self.hits += 1
        self._states[validity] += 1
        if asset is not None:
            self._assets.add(asset)
        seen, scope = found.met.observable, found.met.scope
        place = HitPlace(found.path, self._log_id, found.format, found.field.name, asset)
        self._lines_of(indicator, seen, scope, validity, place).add(found.line, text)
        shown = self._shown.get(indicator.stix_id, 0)
        self._shown[indicator.stix_id] = shown + 1
        if self.options.max_evidence is not None and shown >= self.options.max_evidence:
            return
        if validity == "before" and not self.options.pre_validity:
            return
        yield self._hit(indicator, seen, scope, validity, place, found.line, text)

    def take_from_index(self, met: Met, log: IndexedLog, days: Sequence[DayRow]) -> Iterator[Hit]:
        """Count what the day index says of a log that is gone: no line, no field and no side of ours is known.

        Args:
            met: the indicator, and the value that it meets.
            log: the one that is gone.
            days: on which the value stood in it.
        """
        indicator = self._indicator(met.object_row)
        if indicator is None or met.side:
            return
        times = [at for one in days for at in one.times()]
        first, last = (times[0], times[-1]) if times else (None, None)
        validity = _validity(indicator, last)
        count = sum(one.records for one in days)
        self.hits += count
        self._states[validity] += count
        self._shown[indicator.stix_id] = self._shown.get(indicator.stix_id, 0) + count
        seen, place = met.observable, HitPlace(log.path, log.log_id, log.format, "", None)
        text = None if last is None else format_time(last)
        lines = self._lines_of(indicator, seen, met.scope, validity, place)
        lines.count, lines.first, lines.last = count, None if first is None else format_time(first), text
        lines.days = {format_time(at[0])[:10]: one.records for one in days if (at := one.times())}
        yield self._hit(indicator, seen, met.scope, validity, place, None, text)

    def kept(self, hunt_row: int) -> list[NewHit]:
        """Return what was found since the last call, to be kept."""
        rows = [
            one.hit._replace(
                hunt_row=hunt_row,
                first_seen=one.first,
                last_seen=one.last,
                lines=one.count,
                evidence=codec.encode(one.lines).decode(),
                days=codec.encode(one.days).decode(),
            )
            for one in self._lines.values()
        ]
        self._lines.clear()
        return rows

    def summary(
        self, tally: Tally, *, values: int, dropped_plain: int, undecided: Mapping[int, str] | None = None
    ) -> HuntSummary:
        """Return the end of the hunt.

        Args:
            tally: what was gone through.
            values: how many were looked for.
            dropped_plain: patterns that were not tried.
            undecided: object row to why nobody can say whether its pattern holds.
        """
        skipped = [Skipped(note.path, note.line, note.why) for note in tally.skipped]
        if dropped_plain:
            why = (
                f"{dropped_plain:,} patterns with LIKE are too many to be tried on every value: not searched"
            )
            skipped.append(Skipped("", None, why))
        for object_row, words in (undecided or {}).items():
            found = self._indicator(object_row)
            if found is not None:
                skipped.append(Skipped("", None, f"{found.stix_id} was met in part: {words}"))
        parts = self.node.store.hunts.uncompiled(at_most=MAX_UNCOMPILED)
        return HuntSummary(
            files=tally.files,
            records=tally.records,
            bytes=tally.bytes,
            hits=self.hits,
            values=values,
            indicators=len(self._shown),
            assets=len(self._assets),
            before=self._states["before"],
            after=self._states["after"],
            formats=tally.layouts,
            read=tuple(
                ReadFormat(name, one.files, one.records, one.missed)
                for name, one in sorted(tally.coverage.items())
            ),
            left_open=tuple(sorted(tally.left_open)),
            shown=shown_kinds(tally.shown),
            switched_off=tuple(SwitchedOff(kind, logs) for kind, logs in sorted(tally.switched_off.items())),
            gaps=log_gaps(tally.shown),
            untold=tuple(sorted(tally.untold)),
            skipped=tuple(skipped),
            uncompiled=tuple(Uncompiled(one, tuple(words.split("\n"))) for one, words in parts),
        )

    def _indicator(self, object_row: int) -> InForce | None:
        if object_row not in self._indicators:
            found = self.node.store.hunts.in_force([object_row])
            self._indicators[object_row] = found.get(object_row)
        return self._indicators[object_row]

    def pattern_of(self, object_row: int) -> tuple[str, str] | None:
        """Return pattern and STIX version of an indicator in force, None of another one."""
        found = self._indicator(object_row)
        return None if found is None else (found.pattern, found.spec_version)

    def is_in_window(self, at: datetime) -> bool:
        """Whether a record of that time counts."""
        since, until = self.options.since, self.options.until
        return (since is None or at >= since) and (until is None or at < until)

    def _lines_of(
        self, indicator: InForce, seen: Observable, scope: str, validity: Validity, place: HitPlace
    ) -> _Lines:
        key = (indicator.object_row, place, seen.value, scope, validity)
        lines = self._lines.get(key)
        if lines is None:
            hit = NewHit(
                0,
                indicator.object_row,
                indicator.stix_id,
                seen.stix_type,
                seen.value,
                place.asset,
                place_of(place.path),
                place.log_id,
                place.format,
                place.field,
                scope,
                validity,
                codec.encode(self._labels_of(seen)).decode(),
                None,
                None,
                0,
                "[]",
                "{}",
            )
            lines = self._lines[key] = _Lines(hit)
        return lines

    def _hit(
        self,
        indicator: InForce,
        seen: Observable,
        scope: str,
        validity: Validity,
        place: HitPlace,
        line: int | None,
        at: str | None,
    ) -> Hit:
        facts = HitFacts(seen.value, place.field, place.asset, scope, validity)
        return Hit(
            indicator=indicator.stix_id,
            pattern=indicator.pattern,
            observable=HitObservable(seen.stix_type, seen.value),
            log=HitLog(place.path, line, place.format, place.field),
            asset=place.asset,
            seen_at=at,
            scope=scope,
            validity=validity,
            warninglists=self._labels_of(seen),
            source=self._source(indicator.object_row),
            advice=self._advice_of(indicator.stix_id, facts),
            false_alarm=self._false_alarm_of(indicator.stix_id),
        )

    def _false_alarm_of(self, stix_id: str) -> FalseAlarm | None:
        if stix_id not in self._false_alarms:
            kept = self.node.store.objects.current(stix_id)
            found = {} if kept is None else false_alarms(self.node, [kept])
            self._false_alarms[stix_id] = found.get(stix_id)
        return self._false_alarms[stix_id]

    def _advice_of(self, stix_id: str, facts: HitFacts) -> ItemAdvice | None:
        known = self._advice.setdefault(facts, {})
        if stix_id not in known:
            advice = self._adviser.advice(stix_id, hit=facts)
            known[stix_id] = ItemAdvice(do=advice.do, text=advice.text, why=advice.why) if advice else None
        return known[stix_id]

    def _source(self, object_row: int) -> HitSource:
        if object_row not in self._sources:
            first = self.node.store.objects.firsts([object_row])[object_row]
            self._sources[object_row] = HitSource(first.party, first.channel)
        return self._sources[object_row]

    def _labels_of(self, seen: Observable) -> tuple[JsonObject, ...]:
        key = (seen.kind.value, seen.value)
        if key not in self._labels:
            labels = load_warninglists(self.node).labels(seen)
            self._labels[key] = tuple({"list": one.list, "class": one.cls, "why": one.why} for one in labels)
        return self._labels[key]


def _validity(indicator: InForce, at: datetime | None) -> Validity:
    if at is None:
        return "inside"
    if indicator.valid_from is not None and at < parse_time(indicator.valid_from):
        return "before"
    if indicator.valid_until is not None and at >= parse_time(indicator.valid_until):
        return "after"
    return "inside"
