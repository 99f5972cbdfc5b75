"""The book of hits: everything that hunts found, by our host and by indicator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backchannel import codec
from backchannel.clock import Clock, SystemClock, format_time
from backchannel.desk.acting import Adviser
from backchannel.desk.documents import ItemAdvice
from backchannel.desk.false_alarms import false_alarms
from backchannel.desk.hit_places import hit_links
from backchannel.desk.hitting import (
    AssetHits,
    DayHits,
    HitBook,
    HitObservable,
    HuntInfo,
    IndicatorHits,
    InfrastructureHits,
)
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.errors import UsageError
from backchannel.matching.hubs import meetings
from backchannel.stix.describe import describe
from backchannel.store.sqlite.hit_sums import HitFilter, HitSum

MAX_SUMS = 10_000
"""Sums by indicator, asset and value that are read for the book."""
LAST_HUNTS = 10
MAX_PLACES = 1_000
MAX_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class HitsAsked:
    """Which hits are asked for; what is None asks for all."""

    asset: str | None = None
    """Our address or name, as hits tell it."""
    indicator: str | None = None
    """Its id, or so much of it that only one object has it."""
    since: datetime | None = None
    """Hits seen at or after it; such without a time too."""
    until: datetime | None = None
    """Hits seen before it; such without a time too."""


def hits(node: Node, clock: Clock | None = None, asked: HitsAsked | None = None) -> HitBook:
    """Return what hunts found of the indicators in force, the same lines hunted twice counted once.

    A hit is all lines of one indicator at one host in one field of a log: one that reaches into the window that is
    asked for is told whole, and by day only the days of the window.

    Args:
        node: whose hits.
        clock: gives the present.
        asked: which of them.

    Raises:
        NotFoundError: there is no such indicator.
        UsageError: several objects begin so, or the window is empty.
    """
    asked = asked or HitsAsked()
    wanted = _filter(node, asked)
    sums = node.store.hit_sums.sums(wanted, at_most=MAX_SUMS + 1)
    kept = sums[:MAX_SUMS]
    past = node.store.hunts.last(at_most=LAST_HUNTS)
    return HitBook(
        by_asset=_by_asset(kept),
        by_indicator=_by_indicator(node, clock or SystemClock(), kept),
        by_infrastructure=_by_infrastructure(node, wanted),
        by_day=_by_day(node, wanted),
        more=len(sums) > MAX_SUMS,
        hunts=tuple(
            HuntInfo(
                started_at=one.started_at,
                ended_at=one.ended_at,
                paths=tuple(codec.decode(one.paths)),
                files=one.files,
                records=one.records,
                hits=one.hits,
            )
            for one in past
        ),
    )


def _filter(node: Node, asked: HitsAsked) -> HitFilter:
    if asked.since is not None and asked.until is not None and asked.until <= asked.since:
        raise UsageError("--until is not after --since: no hit can be between", hint="Exchange them.")
    return HitFilter(
        asset=asked.asset,
        indicator=None if asked.indicator is None else find(node.store, asked.indicator).stix_id,
        since=None if asked.since is None else format_time(asked.since),
        until=None if asked.until is None else format_time(asked.until),
    )


def _by_infrastructure(node: Node, wanted: HitFilter) -> tuple[InfrastructureHits, ...]:
    links = hit_links(node, wanted, at_most=MAX_SUMS)
    return tuple(
        InfrastructureHits(
            value=one.infrastructure,
            kind=one.kind,
            host_count=len(one.hosts),
            indicator_count=len(one.indicators),
            count=one.lines,
            first_seen=one.first_seen,
            last_seen=one.last_seen,
        )
        for one in meetings(links, at_most=MAX_PLACES)
    )


def _by_day(node: Node, wanted: HitFilter) -> tuple[DayHits, ...]:
    since = "" if wanted.since is None else wanted.since[:10]
    until = "~" if wanted.until is None else wanted.until
    counts: Counter[str] = Counter()
    assets: dict[str, set[str]] = {}
    indicators: dict[str, set[str]] = {}
    for one in node.store.hit_sums.days(wanted, at_most=MAX_SUMS):
        first = {} if one.first_seen is None else {one.first_seen[:10]: one.lines}
        for day, lines in (codec.decode(one.days) or first).items():
            if not since <= day < until:
                continue
            counts[day] += lines
            indicators.setdefault(day, set()).add(one.indicator)
            if one.asset is not None:
                assets.setdefault(day, set()).add(one.asset)
    return tuple(
        DayHits(
            day=day,
            count=counts[day],
            asset_count=len(assets.get(day, ())),
            indicator_count=len(indicators[day]),
        )
        for day in sorted(counts, reverse=True)[:MAX_DAYS]
    )


def _by_asset(sums: Sequence[HitSum]) -> tuple[AssetHits, ...]:
    grouped: dict[str | None, list[HitSum]] = {}
    for one in sums:
        grouped.setdefault(one.asset, []).append(one)
    found = [
        AssetHits(
            asset=asset,
            indicators=tuple(dict.fromkeys(one.indicator for one in group)),
            count=sum(one.lines for one in group),
            first_seen=_least(one.first_seen for one in group),
            last_seen=_most(one.last_seen for one in group),
        )
        for asset, group in grouped.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.asset or "~")))


def _by_indicator(node: Node, clock: Clock, sums: Sequence[HitSum]) -> tuple[IndicatorHits, ...]:
    grouped: dict[str, list[HitSum]] = {}
    for one in sums:
        grouped.setdefault(one.indicator, []).append(one)
    kept = node.store.objects.currents(grouped)
    adviser = Adviser(node, clock)
    judged = false_alarms(node, list(kept.values()))
    found = []
    for indicator, group in grouped.items():
        advice = adviser.advice(indicator)
        says = describe(codec.decode(kept[indicator].body), name_of=lambda _: "")
        found.append(
            IndicatorHits(
                indicator=indicator,
                says=says,
                observable=HitObservable(group[0].kind, group[0].value),
                assets=tuple(dict.fromkeys(one.asset for one in group if one.asset is not None)),
                count=sum(one.lines for one in group),
                first_seen=_least(one.first_seen for one in group),
                last_seen=_most(one.last_seen for one in group),
                warninglists=tuple(codec.decode(group[0].warninglists)),
                validity=_nearest({one.validity for one in group}),
                advice=ItemAdvice(do=advice.do, text=advice.text, why=advice.why) if advice else None,
                scopes=tuple(sorted({scope for one in group for scope in one.scopes.split("\n")})),
                false_alarm=judged.get(indicator),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.count, one.indicator)))


def _least(times: Iterable[str | None]) -> str | None:
    return min((one for one in times if one is not None), default=None)


def _most(times: Iterable[str | None]) -> str | None:
    return max((one for one in times if one is not None), default=None)


def _nearest(states: set[str]) -> str:
    return next((state for state in ("inside", "before", "after") if state in states), "inside")
