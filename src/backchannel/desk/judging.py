"""The facts that judgement needs about indicators, from the store, the settings and the warning lists.

Advice for one item and an export of all of them read the same facts here, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache

from backchannel import codec
from backchannel.actions.gates import Standing, Target
from backchannel.actions.own import OwnAssets
from backchannel.actions.values import Named, named_values
from backchannel.clock import Clock, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.claims import claim_key
from backchannel.desk.courses import CourseFinder
from backchannel.desk.defining import Definitions
from backchannel.desk.grading import Grader
from backchannel.desk.node import Node
from backchannel.desk.opinions import disagreeing
from backchannel.desk.redacted import referring as referring_to_forms
from backchannel.desk.warninglists import load_warninglists
from backchannel.matching.entries import whole_of
from backchannel.stix.markings import Tlp, pap_of, tlp_of
from backchannel.stix.pattern.atoms import atoms
from backchannel.store.belief import OutcomeRow
from backchannel.store.rows import Answered, First, Kept

MAX_OPINIONS_READ = 100
"""Opinions and notes about one object that are looked through for a disagreement."""

_INDICATOR_TYPES = frozenset(
    {"anomalous-activity", "anonymization", "attribution", "benign", "compromised", "malicious-activity"}
)
"""What STIX 2.0 put among `labels` (2.1 §10.9 without `unknown`)."""
_DISAGREEING = frozenset({"disagree", "strongly-disagree"})


@dataclass(frozen=True, slots=True)
class Judged:
    """One indicator with all that judging it needs, apart from what hunts found."""

    id: str
    source: str
    """Name of the party it came from first; "" where nobody was named."""
    parties: int
    """Parties that gave it."""
    is_confirmed: bool
    """We found ourselves that its claim is right."""
    received_at: str
    title: str
    standing: Standing
    named: tuple[Named, ...]
    uncompiled: tuple[str, ...]
    """What of its pattern cannot be searched, or not be put into a control, in words."""
    is_whole: bool
    """Its pattern is judged as a whole in hunts."""
    indicator_types: tuple[str, ...]
    phases: tuple[str, ...]


class Judge:
    """Gathers facts for one answer."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self.node, self._clock = node, clock
        self.store = node.store
        self.courses = CourseFinder(node.store)
        self._definitions = Definitions(node.store)

    @cached_property
    def own(self) -> OwnAssets:
        """Our own networks and domains, as set."""
        return _own_assets(self.node.settings.own_networks, self.node.settings.own_domains)

    def target(self, named: Named) -> Target:
        """Return a value with what our own lists say about it."""
        labels = load_warninglists(self.node).labels(named.thing)
        return Target(named.thing, self.own.why(named.thing), labels)

    def indicators(self, page: Sequence[Kept]) -> list[Judged]:
        """Gather the facts of a page of indicators: some statements, however long the page."""
        rows = [kept.object_row for kept in page]
        ids = [kept.stix_id for kept in page]
        firsts = self.store.objects.firsts(rows)
        conflicts = self.store.objects.conflicts(rows)
        answers = self.store.sightlines.answers(ids)
        last_seen = self.store.answers.last_seen(ids)
        values = [codec.decode(kept.body) for kept in page]
        self._definitions.look_up(values)
        found, withdrawn = self._own_outcomes(page), self._withdrawn(page)
        return [
            self._judged(
                kept,
                value,
                firsts[kept.object_row],
                is_conflict=kept.object_row in conflicts,
                answers=answers.get(kept.stix_id, []),
                seen_at=_time(last_seen.get(kept.stix_id)),
                found=found.get(kept.object_row),
                withdrawn=withdrawn.get(kept.object_row, ""),
            )
            for kept, value in zip(page, values, strict=True)
        ]

    def _judged(
        self,
        kept: Kept,
        value: JsonObject,
        first: First,
        *,
        is_conflict: bool,
        answers: Sequence[Answered],
        seen_at: datetime | None,
        found: OutcomeRow | None,
        withdrawn: str,
    ) -> Judged:
        named, uncompiled = _values(value, kept.spec_version)
        standing = self._standing(kept, value, first)
        courses = self.courses.of(kept.stix_id)
        disputed = any(a.kind == "dispute" and a.said_at >= first.received_at for a in answers)
        is_confirmed = found is not None and found.outcome == "confirmed"
        # A version that came after we refuted it is judged anew, as after a dispute.
        is_refuted = found is not None and not is_confirmed and found.at >= first.received_at
        return Judged(
            id=kept.stix_id,
            source=first.party or "",
            parties=first.parties,
            is_confirmed=is_confirmed,
            received_at=first.received_at,
            title=_text(value.get("name")),
            standing=replace(
                standing,
                contested=is_conflict,
                disputed=disputed,
                refuted=found.reason if found is not None and is_refuted else "",
                withdrawn=withdrawn,
                seen_at=seen_at,
                courses=courses.told,
                courses_unread=courses.unread,
            ),
            named=named,
            uncompiled=uncompiled,
            is_whole=not named and _is_whole(value, kept.spec_version),
            indicator_types=_indicator_types(value, kept.spec_version),
            phases=_phases(value),
        )

    def _own_outcomes(self, page: Sequence[Kept]) -> dict[int, OutcomeRow]:
        """Return what we found of the claims of objects, by their rows, under whatever id we found it."""
        keys = {kept.object_row: claim_key(kept) for kept in page}
        outcomes = self.store.beliefs.outcomes(set(keys.values()))
        found = {}
        for row, key in keys.items():
            ours = [one for one in outcomes.get(key, ()) if one.said_by is None]
            if ours:
                found[row] = ours[-1]
        return found

    def _withdrawn(self, page: Sequence[Kept]) -> dict[int, str]:
        """Return why those who said so took it back, by the rows of the objects that nobody upholds."""
        abouts = self.store.statements.abouts([kept.digest for kept in page], kinds=("retract",), at_most=1)
        asked = [kept for kept in page if kept.digest in abouts]
        if not asked:
            return {}
        graded = zip(asked, self._grader.grades(asked), strict=True)
        return {
            kept.object_row: one.retracted.reason or "no reason given"
            for kept, one in graded
            if one.retracted is not None and not one.is_upheld
        }

    @cached_property
    def _grader(self) -> Grader:
        return Grader(self.node, self._clock)

    def is_disputed_by_others(self, stix_id: str) -> bool:
        """Whether somebody sent an opinion that disagrees with the object, as STIX or signed."""
        referring = self.store.objects.referring(
            stix_id, properties=("object_refs",), at_most=MAX_OPINIONS_READ
        )
        others = [other for _, other in referring]
        if self.store.redacted.any():
            forms = referring_to_forms(
                self.store, [stix_id], properties=("object_refs",), at_most=MAX_OPINIONS_READ
            )
            others += [one.kept for one in forms if one.form.says_same]
        return any(
            codec.decode(other.body).get("opinion") in _DISAGREEING
            for other in others
            if other.type == "opinion"
        ) or any(disagreeing(self.node, stix_id))

    def _standing(self, kept: Kept, value: JsonObject, first: First) -> Standing:
        valid_from = _time(value.get("valid_from"))
        dated = _time(value.get("modified")) or _time(value.get("created"))
        told = [parse_time(first.received_at), dated, valid_from]
        known = self._definitions.known((value,), first.party)
        tlps = [tlp_of(value, default=default, known=known) for default in first.tlps]
        tlps += map(Tlp, first.floors)
        return Standing(
            said_at=max(at for at in told if at is not None),
            dated=dated,
            valid_from=valid_from,
            valid_until=_time(value.get("valid_until")),
            tlp=max(tlps, key=lambda tlp: tlp.strictness),
            pap=pap_of(value),
            indicator_types=_indicator_types(value, kept.spec_version),
            quarantined=kept.quarantined,
            revoked=kept.revoked,
        )


def _values(value: JsonObject, spec_version: str) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    pattern, language = value.get("pattern"), value.get("pattern_type", "stix")
    if not isinstance(pattern, str):
        return (), ("it has no pattern",)
    if language != "stix":
        return (), (f"its pattern is written in {_text(language)[:40] or 'another language'}, not in STIX",)
    try:
        found = atoms(pattern, stix_version=spec_version)
    except ValueError as error:
        return (), (f"its pattern cannot be read: {error}",)
    named, unread = named_values(found.found)
    return named, (*found.uncompiled, *unread)


def _is_whole(value: JsonObject, spec_version: str) -> bool:
    pattern = value.get("pattern")
    if not isinstance(pattern, str) or value.get("pattern_type", "stix") != "stix":
        return False
    found = whole_of(pattern, stix_version=spec_version)
    return bool(found.anchors) and not found.left


def _phases(value: JsonObject) -> tuple[str, ...]:
    phases = value.get("kill_chain_phases")
    if not isinstance(phases, list):
        return ()
    return tuple(
        phase["phase_name"]
        for phase in phases[:50]
        if isinstance(phase, dict) and isinstance(phase.get("phase_name"), str)
    )


def _indicator_types(value: JsonObject, spec_version: str) -> tuple[str, ...]:
    if spec_version == "2.0":
        return tuple(word for word in _texts(value.get("labels")) if word in _INDICATOR_TYPES)
    return _texts(value.get("indicator_types"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value[:50] if isinstance(item, str)) if isinstance(value, list) else ()


def _time(value: object) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:  # validation has told
        return None


@lru_cache(maxsize=4)
def _own_assets(networks: tuple[str, ...], domains: tuple[str, ...]) -> OwnAssets:
    return OwnAssets.of(networks, domains)
