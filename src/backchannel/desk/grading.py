"""What claims are worth: their reports gathered, their origins counted, the letters of these looked up, all judged anew.

Nothing of it is kept. So one outcome more costs nothing until somebody looks, and then what the claim in question
depends on: its reports, and the outcomes of its sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from backchannel import codec
from backchannel.clock import Clock, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.claims import Claim, claims_of
from backchannel.desk.letters import Letters
from backchannel.desk.node import Node
from backchannel.desk.redacted import Referring, referring
from backchannel.desk.reports import Gathered, Gatherer, origin_by_channel
from backchannel.desk.retractions import Retracted, Retractions
from backchannel.provenance.origins import Origins, independent_origins
from backchannel.provenance.predicates import Opinion, Sighting
from backchannel.provenance.reports import OriginRef, Report
from backchannel.provenance.statement import digest_text
from backchannel.store.belief import GivenNumber, OutcomeRow
from backchannel.store.rows import Kept
from backchannel.trust.contradictions import Contradiction, Position, find_contradictions, is_contested
from backchannel.trust.credibility import CONFIDENCE, DEFAULT_PRIOR, PRIOR, Grade, Own, credibility
from backchannel.trust.decay import Freshness, Sighted, freshness

MAX_SAID: Final = 100
"""Opinions, sightings and attributions of one object that are looked at, the newest."""
MAX_IDS: Final = 50
"""Objects of one claim of which it is looked at what others say about them, the first that came."""
_DISAGREEING: Final = frozenset({"disagree", "strongly-disagree"})
_ACTORS: Final = frozenset({"attributed-to"})


@dataclass(frozen=True, slots=True)
class Graded:
    """One claim, judged."""

    gathered: Gathered
    origins: Origins
    """Of those who say so, and have not taken it back."""
    opposing: Origins
    contradictions: tuple[Contradiction, ...]
    grade: Grade
    given: GivenNumber | None
    outcomes: tuple[OutcomeRow, ...]
    fresh: Freshness
    retracted: Retracted | None
    """The object that was asked for was taken back, by one of those who gave it."""
    taken_back: int
    """Reports that were taken back."""
    is_upheld: bool
    """Somebody who gave that object has not taken it back."""

    @property
    def number(self) -> int:
        """The credibility that counts: a person's, where one was set."""
        return self.given.number if self.given and self.given.number else self.grade.number

    @property
    def confidence(self) -> int | None:
        """The same as STIX has it; None for 6."""
        return CONFIDENCE[self.number]  # type: ignore[index]  # 1 to 6

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of all origins, on both sides."""
        both = (*self.origins.origins, *self.opposing.origins)
        return tuple(dict.fromkeys(name for origin in both for name in origin.names))


class Grader:
    """Grades for one answer: keys, letters and parties are read once."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._node, self._store, self._now = node, node.store, clock.now()
        self.letters = Letters(node, clock)
        self._gatherer = Gatherer(node, clock)
        self._retractions = Retractions(node, clock)

    def grade(self, kept: Kept) -> Graded:
        """Grade the claim of one object."""
        return self.grades([kept])[0]

    def grades(self, page: Sequence[Kept]) -> list[Graded]:
        """Grade the claims of objects, in their order."""
        claims = claims_of(self._node, page)
        keys = [claim.key for claim in claims]
        outcomes, numbers = self._store.beliefs.outcomes(keys), self._store.beliefs.numbers(keys)
        return [
            self._graded(one, outcomes.get(one.claim.key, []), numbers.get(one.claim.key))
            for one in self._gatherer.gather(claims)
        ]

    def origins(self, gathered: Gathered) -> Origins:
        """Count the origins of all that was reported, taken back or not."""
        return self._count(gathered, gathered.reports)

    # --- One claim ---------------------------------------------------------------------------------------

    def _graded(
        self, gathered: Gathered, outcomes: Sequence[OutcomeRow], given: GivenNumber | None
    ) -> Graded:
        claim = gathered.claim
        retracted = self._retractions.of(gathered)
        upheld = [one for one in gathered.reports if one.key not in retracted]
        benign = {one.key for one in upheld if _is_benign(gathered.contents[one.key])}
        against = [one for one in upheld if one.key in benign]
        disputes = [*self._disputes(claim), *self._signed_disputes(gathered)]
        said = [*gathered.reports, *(dispute.report for dispute in disputes)]
        letters = self.letters.standings((one.origin.name for one in said), topic=claim.topic)
        means = {name: one.mean for name, one in letters.items() if one.mean is not None}
        origins = self._count(gathered, [one for one in upheld if one.key not in benign], means)
        opposing = independent_origins([*against, *(dispute.report for dispute in disputes)], means=means)
        found = find_contradictions(
            [*self._positions(gathered, retracted, benign), *(dispute.position for dispute in disputes)]
        )
        ours = [one for one in outcomes if one.said_by is None]
        grade = credibility(
            origins,
            letters,
            opposing=opposing,
            own=_own(ours),
            is_contested=is_contested(found),
            prior=PRIOR.get(claim.type, DEFAULT_PRIOR),
        )
        own_reports = [one.key for one in gathered.reports if one.stix_id == claim.asked.stix_id]
        taken_back = [retracted[key] for key in own_reports if key in retracted]
        return Graded(
            gathered=gathered,
            origins=origins,
            opposing=opposing,
            contradictions=tuple(found),
            grade=grade,
            given=given,
            outcomes=tuple(outcomes),
            fresh=self._fresh(gathered, origins),
            retracted=taken_back[0] if taken_back else None,
            taken_back=len(retracted),
            is_upheld=len(taken_back) < len(own_reports),
        )

    def _count(
        self, gathered: Gathered, reports: Iterable[Report], means: Mapping[str, float] | None = None
    ) -> Origins:
        counted = list(reports)
        # Who copies whom is a question only where there are two of them.
        several = len({one.origin.name for one in counted if one.origin.kind == "key"}) > 1
        return independent_origins(
            counted,
            releases=gathered.releases,
            deconflicted=gathered.deconflicted,
            overrides=gathered.overrides,
            dependence=self.letters.dependence if several else None,
            means=means,
        )

    # --- What speaks against it --------------------------------------------------------------------------

    def _positions(
        self, gathered: Gathered, retracted: Mapping[str, Retracted], benign: set[str]
    ) -> Iterator[Position]:
        for report in gathered.reports:
            own = self.letters.is_verified(report.origin.name)
            yield Position(
                key=report.key,
                origin=report.origin.name,
                # Whoever said it may take it back, and whoever is known may say the contrary.
                may_open=own or report.key in retracted,
                polarity="benign" if report.key in benign else "malicious",
                is_retraction=report.key in retracted,
            )
        yield from self._attributions(gathered.claim)

    def _disputes(self, claim: Claim) -> Iterator[_Dispute]:
        """Yield the opinions of others that disagree with an object of the claim."""
        for kept in self._said_of(claim, ("object_refs",), "opinion"):
            opinion = codec.decode(kept.body).get("opinion")
            if opinion not in _DISAGREEING:
                continue
            for told in self._store.beliefs.told([kept.object_row], at_most=MAX_SAID):
                origin = self._origin(kept, told.party_id or "")
                key = f"{kept.object_row}.{told.batch_id}"
                yield _Dispute(
                    Report(
                        key=key,
                        voice=told.party_id or "",
                        origin=origin,
                        arrived_at=parse_time(told.at),
                        stix_id=kept.stix_id,
                        digest=kept.digest,
                    ),
                    Position(
                        key=key,
                        origin=origin.name,
                        may_open=opinion == "strongly-disagree" and self.letters.is_verified(origin.name),
                        polarity="benign",
                    ),
                )

    def _signed_disputes(self, gathered: Gathered) -> Iterator[_Dispute]:
        """Yield the signed opinions of others that disagree with a content of the claim."""
        for digest, verified, at in self._retractions.opinions(gathered):
            said = verified.predicate
            if not isinstance(said, Opinion) or said.opinion not in _DISAGREEING:
                continue
            origin = OriginRef("key", verified.signers[0].party)
            key = digest_text(verified.digest)
            yield _Dispute(
                Report(key=key, voice=origin.value, origin=origin, arrived_at=parse_time(at), digest=digest),
                Position(
                    key=key,
                    origin=origin.name,
                    may_open=said.opinion == "strongly-disagree" and self.letters.is_verified(origin.name),
                    polarity="benign",
                ),
            )

    def _attributions(self, claim: Claim) -> Iterator[Position]:
        """Yield to whom others attribute an object of the claim: two actors cannot both be it."""
        if claim.type in {"relationship", "identity"}:
            return
        for kept in self._said_of(claim, ("source_ref",), "relationship"):
            value = codec.decode(kept.body)
            if value.get("relationship_type") not in _ACTORS:
                continue
            actor = str(value.get("target_ref", ""))
            current = self._store.objects.current(actor)
            name = codec.decode(current.body).get("name") if current is not None else None
            for told in self._store.beliefs.told([kept.object_row], at_most=MAX_SAID):
                origin = self._origin(kept, told.party_id or "")
                yield Position(
                    key=f"{kept.object_row}.{told.batch_id}",
                    origin=origin.name,
                    may_open=self.letters.is_verified(origin.name),
                    attributed_to=name if isinstance(name, str) else actor,
                )

    def _said_of(self, claim: Claim, properties: Sequence[str], stix_type: str) -> Iterator[Kept]:
        seen: set[int] = set()
        for stix_id in claim.ids[:MAX_IDS]:
            for _, kept in self._store.objects.referring(stix_id, properties=properties, at_most=MAX_SAID):
                if kept.type == stix_type and kept.object_row not in seen:
                    seen.add(kept.object_row)
                    yield kept
        for one in self._of_forms(claim, properties):
            if one.kept.type == stix_type and one.kept.object_row not in seen:
                seen.add(one.kept.object_row)
                yield one.kept

    def _of_forms(self, claim: Claim, properties: Sequence[str]) -> Iterator[Referring]:
        """Yield what says something of forms in which objects of the claim went, and that claim the same."""
        if self._has_redacted:
            found = referring(self._store, claim.ids[:MAX_IDS], properties=properties, at_most=MAX_SAID)
            yield from (one for one in found if one.form.says_same)

    @cached_property
    def _has_redacted(self) -> bool:
        return self._store.redacted.any()

    def _origin(self, kept: Kept, voice: str) -> OriginRef:
        return origin_by_channel(self._gatherer.identities, kept.created_by_ref, voice)

    # --- How fresh it is ---------------------------------------------------------------------------------

    def _fresh(self, gathered: Gathered, origins: Origins) -> Freshness:
        """Only an independent sighting makes a claim fresh again: another origin, another's sighting, or our own logs."""
        claim = gathered.claim
        by_key = {one.key: _said_at(one, self._now) for one in gathered.reports}
        first = {
            one.name: min((by_key[key] for key in one.reports if key in by_key), default=self._now)
            for one in origins.origins
        }
        begun = min(first.items(), key=lambda item: (item[1], item[0]), default=None)
        started = begun[1] if begun else min(by_key.values(), default=self._now)
        by = begun[0] if begun else ""
        disclosed = {one.name for one in origins.origins if one.is_disclosed}
        sightings = [
            Sighted(at=at, origin=self.letters.name_of(name), is_independent=name in disclosed)
            for name, at in first.items()
            if name != by
        ]
        sightings += self._sightings(claim, by)
        sightings += self._signed_sightings(gathered, by)
        until = codec.decode(claim.asked.body).get("valid_until")
        return freshness(claim.type, started, sightings, now=self._now, valid_until=_time(until))

    def _sightings(self, claim: Claim, first: str) -> Iterator[Sighted]:
        seen = self._store.answers.last_seen(claim.ids)
        for last in seen.values():
            yield Sighted(at=parse_time(last), origin="our own logs", is_independent=True)
        for kept in self._said_of(claim, ("sighting_of_ref",), "sighting"):
            value = codec.decode(kept.body)
            at = _time(value.get("last_seen")) or _time(value.get("modified"))
            if at is None or value.get("count") == 0:
                continue
            for told in self._store.beliefs.told([kept.object_row], at_most=MAX_SAID):
                origin = self._origin(kept, told.party_id or "")
                is_other = origin.kind == "key" and origin.name != first
                yield Sighted(at=at, origin=self.letters.name_of(origin.name), is_independent=is_other)

    def _signed_sightings(self, gathered: Gathered, first: str) -> Iterator[Sighted]:
        """Yield what others signed that they saw it; by day, at its beginning."""
        for _, verified, _ in self._retractions.sightings(gathered):
            said = verified.predicate
            if isinstance(said, Sighting) and said.count != "0" and said.last is not None:
                origin = verified.signers[0].party
                yield Sighted(
                    at=parse_time(f"{said.last}T00:00:00Z"),
                    origin=self.letters.name_of(origin),
                    is_independent=origin != first,
                )


@dataclass(frozen=True, slots=True)
class _Dispute:
    """One opinion that disagrees."""

    report: Report
    position: Position


def _own(outcomes: Sequence[OutcomeRow]) -> Own | None:
    """Return what we ourselves found: of our own outcomes of a claim the last one stands."""
    if not outcomes:
        return None
    return "for" if outcomes[-1].outcome == "confirmed" else "against"


def _is_benign(kept: Kept) -> bool:
    """Whether an indicator says of what it names that it is harmless, and nothing else (indicator-type-ov)."""
    if kept.type != "indicator":
        return False
    value: JsonObject = codec.decode(kept.body)
    types = value.get("indicator_types" if kept.spec_version != "2.0" else "labels")
    return isinstance(types, list) and set(map(str, types)) - {"unknown"} == {"benign"}


def _said_at(report: Report, now: datetime) -> datetime:
    """Return when a report was made, as it says; what says it was made in the future came when it came."""
    created = report.created
    return report.arrived_at if created is None or created > now else min(created, report.arrived_at)


def _time(value: object) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:  # validation has told
        return None
