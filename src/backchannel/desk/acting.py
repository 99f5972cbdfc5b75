"""What to do about an item or a hit, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from backchannel import codec
from backchannel.actions.advice import Advice
from backchannel.actions.advise import advise
from backchannel.actions.background import SILENT, Background, advise_background
from backchannel.actions.case import (
    Case,
    Direction,
    Hunt,
    Seen,
    ValidityState,
    direction_of,
    is_of_file,
    role_of,
)
from backchannel.actions.gates import Target
from backchannel.actions.values import Named
from backchannel.clock import Clock
from backchannel.desk.claims import CLAIMING
from backchannel.desk.courses import name_and_text
from backchannel.desk.exporting import ExportReport, export
from backchannel.desk.grading import Grader
from backchannel.desk.judging import Judge, Judged
from backchannel.desk.node import Node
from backchannel.desk.searching import Extent, Searches
from backchannel.desk.ties import tied_indicators
from backchannel.errors import NotFoundError
from backchannel.stix.visible import visible
from backchannel.store.rows import Kept, Sightline

__all__ = ["Adviser", "ExportReport", "HitFacts", "advice_for", "export"]

MAX_HITS_READ = 200
"""Places of one indicator's hits that are read to say who began and how it matched."""


@dataclass(frozen=True, slots=True)
class HitFacts:
    """One hit as the hunter has it before it is kept."""

    value: str
    """The observable that was found, in its normal spelling."""
    field: str
    """Log field, as the log's format spells it."""
    asset: str | None
    """Our side of it."""
    scope: str
    validity: ValidityState
    count: int = 1
    """Log lines."""
    hosts: int = 1


def advice_for(node: Node, clock: Clock, stix_id: str, *, hit: HitFacts | None = None) -> Advice | None:
    """Return what to do about an object, or about one hit of an indicator.

    Args:
        node: whose store, settings and lists are asked.
        clock: gives the present.
        stix_id: id of an object in sight.
        hit: the hit; without one, what hunts found so far counts.

    Returns:
        The advice; None for an object that asks for nothing (a marking, an identity, ...).

    Raises:
        NotFoundError: no such object is in sight.
    """
    adviser = Adviser(node, clock)
    if hit is None:
        kept = _kept(node, stix_id)
        if kept.type in CLAIMING and Grader(node, clock).grade(kept).grade.is_contested:
            adviser.contested.add(kept.stix_id)
    return adviser.advice(stix_id, hit=hit)


class Adviser:
    """Advice for many items or hits in one go: what was looked up is not looked up again."""

    def __init__(self, node: Node, clock: Clock, searches: Searches | None = None) -> None:
        self._node = node
        self._store = node.store
        self._searches = searches or Searches(node.store)
        self._at = clock.now()
        self._judge = Judge(node, clock)
        self.contested: set[str] = set()
        """Ids of objects whose claims an open contradiction holds up, so far as they were graded."""
        self._cases: dict[str, tuple[Case, tuple[Named, ...]]] = {}
        self._past: dict[str, Case] = {}

    def advice(self, stix_id: str, *, hit: HitFacts | None = None) -> Advice | None:
        """Return the advice as `advice_for` does."""
        if not stix_id.startswith("indicator--"):
            return self._background(_kept(self._node, stix_id))
        known = self._cases.get(stix_id)
        if known is None:
            known = self._case(_kept(self._node, stix_id))
            self._cases[stix_id] = known
        case, named = known
        if hit is not None:
            # What earlier hunts found is not asked for: there may be any number of hits.
            return advise(self._with_hit(case, named, hit))
        if stix_id not in self._past:
            self._past[stix_id] = self._with_past(case, named, stix_id)
        return advise(self._past[stix_id])

    def _case(self, kept: Kept) -> tuple[Case, tuple[Named, ...]]:
        (judged,) = self._judge.indicators([kept])
        contested = (
            judged.standing.contested
            or kept.stix_id in self.contested
            or self._judge.is_disputed_by_others(kept.stix_id)
        )
        case = Case(
            indicator=judged.id,
            source=visible(judged.source, max_chars=80),
            at=self._at,
            standing=replace(
                judged.standing,
                contested=contested,
                # For advice it is the same by which words its source withdrew it, and we found it wrong.
                revoked=judged.standing.revoked or bool(judged.standing.withdrawn),
                disputed=judged.standing.disputed or bool(judged.standing.refuted),
            ),
            target=None,
            uncompiled=judged.uncompiled,
            is_whole=judged.is_whole,
            indicator_types=judged.indicator_types,
            phases=judged.phases,
            validity=_validity(judged, self._at),
        )
        return case, judged.named

    def _with_past(self, case: Case, all_named: tuple[Named, ...], stix_id: str) -> Case:
        seen = self._store.sightlines.seen((stix_id,))
        lines = self._store.sightlines.hits((stix_id,), at_most=MAX_HITS_READ) if seen else []
        named = _pick(all_named, [line.value for line in lines])
        if named is not None:
            case = self._about(case, named, others=len(all_named) - 1)
        if seen is None or not lines:
            searched = self._searches.of((stix_id,))
            return replace(case, hunt=_HUNT[searched.extent], lacking=searched.lacking)
        of_file = any(is_of_file(line.field) for line in lines)
        found = Seen(seen.assets[0] if seen.assets else None, _began(lines), seen.hits, seen.hosts, of_file)
        return replace(case, hunt="seen", seen=found, scope=_scope(lines), validity=_nearest(lines))

    def _with_hit(self, case: Case, all_named: tuple[Named, ...], hit: HitFacts) -> Case:
        named = _pick(all_named, [hit.value])
        if named is not None:
            case = self._about(case, named, others=len(all_named) - 1)
        hosts = hit.hosts if hit.asset else 0
        seen = Seen(hit.asset, direction_of(hit.field), hit.count, hosts, is_of_file(hit.field))
        return replace(case, hunt="seen", seen=seen, scope=hit.scope, validity=hit.validity)

    def _about(self, case: Case, named: Named, *, others: int) -> Case:
        return replace(case, target=self._judge.target(named), others=others, role=role_of(named.path))

    def _background(self, kept: Kept) -> Advice | None:
        if kept.type in SILENT:
            return None
        value = codec.decode(kept.body)
        first = self._store.objects.firsts([kept.object_row])[kept.object_row]
        indicators = tied_indicators(self._store, kept, value)
        seen = self._store.sightlines.seen(indicators) if indicators else None
        searched = self._searches.of(() if seen else indicators)
        is_conflict = bool(self._store.objects.conflicts([kept.object_row]))
        return advise_background(
            Background(
                id=kept.stix_id,
                type=kept.type,
                name=name_and_text(value)[0],
                source=visible(first.party or "", max_chars=80),
                revoked=kept.revoked,
                quarantined=kept.quarantined,
                contested=is_conflict
                or kept.stix_id in self.contested
                or self._judge.is_disputed_by_others(kept.stix_id),
                courses=self._judge.courses.of(kept.stix_id).told,
                indicators=len(indicators),
                hits=seen.hits if seen else 0,
                hosts=seen.hosts if seen else 0,
                hunt=_HUNT[searched.extent],
                lacking=searched.lacking,
            )
        )


_HUNT: Final[dict[Extent, Hunt]] = {
    "not searched": "not hunted",
    "in part": "in part",
    "searched": "not seen",
}
"""How far it was searched for, where it was not seen."""


def _kept(node: Node, stix_id: str) -> Kept:
    current = node.store.objects.current(stix_id)
    if current is not None:
        return current
    versions = node.store.objects.all_versions(stix_id, at_most=1)
    if not versions:
        raise NotFoundError(
            f"there is no object {visible(stix_id)}",
            hint="See `backchannel inbox`; `backchannel import FILE` brings more.",
        )
    return versions[0]


def _pick(named: Sequence[Named], seen: Sequence[str]) -> Named | None:
    """Return the value that was seen, else the one that holds what was seen, else the first."""
    for value in seen:
        for one in named:
            if Target(one.thing).value == value:
                return one
    for value in seen:
        for one in named:
            if value.endswith(f".{Target(one.thing).value}") or value.startswith(Target(one.thing).value):
                return one
    return named[0] if named else None


def _validity(judged: Judged, at: datetime) -> ValidityState:
    standing = judged.standing
    if standing.valid_from is not None and at < standing.valid_from:
        return "before"
    return "after" if standing.valid_until is not None and at >= standing.valid_until else "inside"


def _began(lines: Sequence[Sightline]) -> Direction:
    """Who began: one connection of ours outweighs any number that came in."""
    ways = {direction_of(line.field) for line in lines}
    return "out" if "out" in ways else "in" if "in" in ways else "unknown"


def _nearest(lines: Sequence[Sightline]) -> ValidityState:
    states = {line.validity for line in lines}
    return "inside" if "inside" in states else "before" if "before" in states else "after"


def _scope(lines: Sequence[Sightline]) -> str:
    scopes = sorted({line.scope for line in lines})
    return "exact" if "exact" in scopes else scopes[0]
