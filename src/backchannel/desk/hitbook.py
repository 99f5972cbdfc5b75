"""The book of hits: everything that hunts found, by our host and by indicator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backchannel import codec
from backchannel.clock import Clock, SystemClock
from backchannel.desk.acting import Adviser
from backchannel.desk.documents import ItemAdvice
from backchannel.desk.hitting import AssetHits, HitBook, HitObservable, HuntInfo, IndicatorHits
from backchannel.desk.node import Node
from backchannel.stix.describe import describe
from backchannel.store.sqlite.hunts import HitSum

MAX_SUMS = 10_000
"""Sums by indicator, asset and value that are read for the book."""
LAST_HUNTS = 10


def hits(node: Node, clock: Clock | None = None) -> HitBook:
    """Return what hunts found of the indicators in force, the same lines hunted twice counted once."""
    sums = node.store.hunts.sums(at_most=MAX_SUMS + 1)
    kept = sums[:MAX_SUMS]
    past = node.store.hunts.last(at_most=LAST_HUNTS)
    return HitBook(
        by_asset=_by_asset(kept),
        by_indicator=_by_indicator(node, clock or SystemClock(), kept),
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
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.count, one.indicator)))


def _least(times: Iterable[str | None]) -> str | None:
    return min((one for one in times if one is not None), default=None)


def _most(times: Iterable[str | None]) -> str | None:
    return max((one for one in times if one is not None), default=None)


def _nearest(states: set[str]) -> str:
    return next((state for state in ("inside", "before", "after") if state in states), "inside")
