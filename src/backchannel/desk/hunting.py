"""Hunt through our own logs for what others told us, and keep what was found.

Of a log only what a hit needs is kept: the indicator, the value, the field, our side's address, times, and
the numbers of the first lines; the rest of a record is left where it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from backchannel import codec
from backchannel.actions.own import OwnAssets
from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.acting import Adviser, HitFacts
from backchannel.desk.documents import ItemAdvice
from backchannel.desk.hitting import (
    Hit,
    HitLog,
    HitObservable,
    HitSource,
    HuntSummary,
    ReadFormat,
    Skipped,
    Uncompiled,
)
from backchannel.desk.hunt_end import end_of, shown_kinds, shown_rows
from backchannel.desk.node import Node
from backchannel.desk.own_logs import Outside, OwnSide, logs_in
from backchannel.desk.warninglists import load_warninglists
from backchannel.errors import UsageError
from backchannel.logs.recognise import LogShape, log_id
from backchannel.logs.shown import HuntShown
from backchannel.logs.spool import STDIN_NAME
from backchannel.logs.tables import formats
from backchannel.observables.kinds import Observable
from backchannel.store.sqlite.hunts import InForce, NewHit

if TYPE_CHECKING:
    from backchannel.matching.hunt import Found, Tally

KEPT_LINES = 20
"""Line numbers kept for one indicator at one asset in one log; lines are counted beyond that."""
MAX_UNCOMPILED = 1_000
THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""Threads that read logs: half of the machine, since a hunt often runs beside the sensor."""

Validity = Literal["inside", "before", "after"]
OnProgress = Callable[[str, int, int], None]
"""Told the log that is next, how many bytes were read so far, and how many hits were found."""


@dataclass(frozen=True, slots=True)
class HuntOptions:
    """What a hunt is limited to."""

    since: datetime | None = None
    """Records before it are no hits; one without a time always is."""
    until: datetime | None = None
    """Exclusive."""
    format: str | None = None
    """One of `logs.tables.formats()`: every log is taken for that."""
    zone: str | None = None
    """Of times that do not say theirs, as the IANA names it; None is UTC."""
    max_evidence: int | None = None
    """Lines given for each indicator; None for all. All are counted."""
    pre_validity: bool = True
    """Whether hits from before an indicator was valid are given (marked) or only counted."""


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
    if options.format is not None and options.format not in formats():
        raise UsageError(
            f"'{options.format}' is no format of logs", hint=f"Known are {', '.join(formats())}."
        )
    return _hunting(_Hunt(node, clock, options), paths, zone_of(options.zone), on_progress)


def zone_of(name: str | None) -> tzinfo:
    """Return a zone by its name.

    Raises:
        UsageError: this machine knows none of that name.
    """
    if name is None or name.upper() == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # few ask for one

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise UsageError(
            f"{name!r} is no zone of time that this machine knows",
            hint="Name it as the IANA does, for example Europe/Paris; `timedatectl list-timezones` has them.",
        ) from None


def _hunting(
    one: _Hunt, paths: Sequence[Path | None], zone: tzinfo, on_progress: OnProgress | None
) -> Iterator[Hit | HuntSummary]:
    from backchannel.matching.compiled import CompiledSet  # noqa: PLC0415  # loads DuckDB, 100 ms
    from backchannel.matching.hunt import Tally, hunt_log  # noqa: PLC0415
    from backchannel.matching.segments import FOLDER, compile_new  # noqa: PLC0415

    node, options = one.node, one.options
    compile_new(node.home, node.store.segments)
    segments = node.store.segments.all()
    files = [node.home / FOLDER / segment.file for segment in segments]
    tally = Tally(shown=HuntShown(options.since, options.until))
    started_at = format_time(one.clock.now())
    hunt_row = node.store.hunts.begin(
        at=started_at,
        paths=codec.encode([STDIN_NAME if path is None else str(path) for path in paths]).decode(),
        since=format_time(options.since) if options.since else None,
        until=format_time(options.until) if options.until else None,
    )
    compiled = CompiledSet(files, threads=THREADS)
    try:
        for path, name in logs_in(paths, tally):
            if on_progress is not None:
                on_progress(name, tally.bytes, one.hits)
            for found in hunt_log(
                path, compiled, tally, name=name, format_=options.format, zone=zone, on_sample=one.begin
            ):
                yield from one.take(found)
            node.store.hunts.add(one.kept(hunt_row))
        dropped = compiled.dropped_plain
    finally:
        compiled.close()
    summary = one.summary(tally, values=sum(one.entries for one in segments), dropped_plain=dropped)
    end = end_of(summary, format_time(one.clock.now()), one.outside.worst(), hunt_row)
    node.store.hunts.end(end, shown_rows(summary, all_like=not dropped))
    yield summary


@dataclass(slots=True)
class _Lines:
    """The lines of one indicator at one asset in one field of one log."""

    hit: NewHit
    count: int = 0
    first: str | None = None
    last: str | None = None
    lines: list[tuple[int, str | None]] = field(default_factory=list)

    def add(self, line: int, at: str | None) -> None:
        self.count += 1
        if len(self.lines) < KEPT_LINES:
            self.lines.append((line, at))
        if at is not None:
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)


class _Hunt:
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
        self._labels: dict[tuple[str, str], tuple[JsonObject, ...]] = {}
        self._adviser = Adviser(node, clock)
        self._own = OwnAssets.of(node.settings.own_networks, node.settings.own_domains)
        self.outside = Outside(OwnAssets(self._own.networks, ()))
        self._side = OwnSide(self._own)
        self._lines: dict[tuple[object, ...], _Lines] = {}
        self._log_id = ""

    def begin(self, path: str, shape: LogShape, sample: Sequence[bytes]) -> None:
        """Look at the beginning of a log before anything of it is taken."""
        self._log_id = log_id(shape, sample)
        self.outside.look(path, shape, sample)

    def take(self, found: Found) -> Iterator[Hit]:
        """Count one finding, and yield it as a hit where it is to be shown."""
        indicator = self._indicator(found.met.object_row)
        if indicator is None:
            return
        at = found.layout.seen_at(found.cells)
        if at is not None and not self._in_window(at):
            return
        validity = _validity(indicator, at)
        asset = self._side.of(found)
        text = None if at is None else format_time(at)
        self.hits += 1
        self._states[validity] += 1
        if asset is not None:
            self._assets.add(asset)
        self._keep(found, indicator, asset, validity, text)
        shown = self._shown.get(indicator.stix_id, 0)
        self._shown[indicator.stix_id] = shown + 1
        if self.options.max_evidence is not None and shown >= self.options.max_evidence:
            return
        if validity == "before" and not self.options.pre_validity:
            return
        yield self._hit(found, indicator, asset, validity, text)

    def kept(self, hunt_row: int) -> list[NewHit]:
        """Return what was found since the last call, to be kept."""
        rows = [
            one.hit._replace(
                hunt_row=hunt_row,
                first_seen=one.first,
                last_seen=one.last,
                lines=one.count,
                evidence=codec.encode(one.lines).decode(),
            )
            for one in self._lines.values()
        ]
        self._lines.clear()
        return rows

    def summary(self, tally: Tally, *, values: int, dropped_plain: int) -> HuntSummary:
        """Return the end of the hunt."""
        skipped = [Skipped(note.path, note.line, note.why) for note in tally.skipped]
        if dropped_plain:
            why = (
                f"{dropped_plain:,} patterns with LIKE are too many to be tried on every value: not searched"
            )
            skipped.append(Skipped("", None, why))
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
            untold=tuple(sorted(tally.untold)),
            skipped=tuple(skipped),
            uncompiled=tuple(Uncompiled(one, tuple(words.split("\n"))) for one, words in parts),
        )

    def _indicator(self, object_row: int) -> InForce | None:
        if object_row not in self._indicators:
            found = self.node.store.hunts.in_force([object_row])
            self._indicators[object_row] = found.get(object_row)
        return self._indicators[object_row]

    def _in_window(self, at: datetime) -> bool:
        since, until = self.options.since, self.options.until
        return (since is None or at >= since) and (until is None or at < until)

    def _keep(
        self, found: Found, indicator: InForce, asset: str | None, validity: Validity, at: str | None
    ) -> None:
        seen, field_name, scope = found.met.observable, found.field.name, found.met.scope
        key = (indicator.object_row, asset, field_name, seen.value, scope, validity)
        lines = self._lines.get(key)
        if lines is None:
            labels = codec.encode(self._labels_of(seen)).decode()
            hit = NewHit(
                0,
                indicator.object_row,
                indicator.stix_id,
                seen.stix_type,
                seen.value,
                asset,
                _place(found.path),
                self._log_id,
                found.format,
                field_name,
                scope,
                validity,
                labels,
                None,
                None,
                0,
                "[]",
            )
            lines = self._lines[key] = _Lines(hit)
        lines.add(found.line, at)

    def _hit(
        self, found: Found, indicator: InForce, asset: str | None, validity: Validity, at: str | None
    ) -> Hit:
        seen, field_name = found.met.observable, found.field.name
        facts = HitFacts(seen.value, field_name, asset, found.met.scope, validity)
        return Hit(
            indicator=indicator.stix_id,
            pattern=indicator.pattern,
            observable=HitObservable(seen.stix_type, seen.value),
            log=HitLog(found.path, found.line, found.format, field_name),
            asset=asset,
            seen_at=at,
            scope=found.met.scope,
            validity=validity,
            warninglists=self._labels_of(seen),
            source=self._source(indicator.object_row),
            advice=self._advice_of(indicator.stix_id, facts),
        )

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


@lru_cache(maxsize=1)
def _place(name: str) -> str:
    """Return where a log lies, in the one way in which the book of hits spells it: a log hunted twice is one."""
    return name if name == STDIN_NAME else str(Path(name).absolute())


def _validity(indicator: InForce, at: datetime | None) -> Validity:
    if at is None:
        return "inside"
    if indicator.valid_from is not None and at < parse_time(indicator.valid_from):
        return "before"
    if indicator.valid_until is not None and at >= parse_time(indicator.valid_until):
        return "after"
    return "inside"
