"""The letters of sources, formed from the outcomes that stand: computed when they are asked for, kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.belief_documents import GivenByHand, LetterWord, OutcomeSaid, SourceGrades, SourceLetter
from backchannel.desk.node import Node
from backchannel.parties.names import visible_name
from backchannel.provenance.effective import Dependence, pair_of
from backchannel.stix.visible import visible
from backchannel.store.belief import Evidence, GivenLetter
from backchannel.store.rows import PartyRow
from backchannel.trust.dependence import Said, dependences
from backchannel.trust.reliability import (
    NOT_JUDGED,
    Outcome,
    Override,
    PartyState,
    Standing,
    Topic,
    reliability,
)

MAX_EVIDENCE: Final = 2_000
"""Outcomes of one source that count, of ours and of others': with a half-life of 180 days, older ones move nothing."""
MAX_EVIDENCE_SHOWN: Final = 100
MAX_BEHIND: Final = 200
"""Hidden sources behind one relay that are shown."""
MAX_HISTORY: Final = 20_000
"""Outcomes by which it is judged who copies whom, the newest."""


class Letters:
    """Judges sources for one answer, each once."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._node, self._beliefs, self._now = node, node.store.beliefs, clock.now()
        self._standings: dict[str, Standing] = {}
        self._evidence: dict[str, list[Evidence]] = {}
        self._given: dict[str, GivenLetter] = {}

    @cached_property
    def _parties(self) -> dict[str, PartyRow]:
        known = [*(row.party for row in self._node.store.membership.known()), self._node.party]
        return {party.party_id: party for party in known}

    @cached_property
    def _states(self) -> dict[str, str]:
        return self._node.store.membership.standings()

    @cached_property
    def dependence(self) -> dict[tuple[str, str], Dependence]:
        """Who copies whom, as far as what turned out shows it."""
        history = [
            Said(
                source=one.source,
                claim=one.outcome.claim,
                at=parse_time(one.told_at),
                was_right=one.outcome.outcome == "confirmed",
            )
            for one in self._beliefs.history(at_most=MAX_HISTORY)
        ]
        return dependences(history)

    def standings(self, sources: Iterable[str], *, topic: Topic | None = None) -> dict[str, Standing]:
        """Return how far sources can be relied on: in a topic where they are judged in it, else in all they say."""
        wanted = list(dict.fromkeys(sources))
        self._read(wanted)
        found = {}
        for source in wanted:
            narrow = self.standing(source, topic=topic) if topic is not None else NOT_JUDGED
            found[source] = narrow if narrow.letter != "F" else self.standing(source)
        return found

    def standing(self, source: str, *, topic: Topic | None = None) -> Standing:
        """Return how far one source can be relied on."""
        key = f"{source} {topic}" if topic else source
        if key not in self._standings:
            self._read([source])
            self._standings[key] = self._judge(source, topic)
        return self._standings[key]

    def name_of(self, source: str) -> str:
        """Return a source as it is shown."""
        if not source.startswith("?"):
            party = self._parties.get(source)
            return visible_name(party.name) if party else visible(source, max_chars=80) or "nobody named"
        relay, _, cryptonym = source[1:].partition(":")
        through = self.name_of(relay) if relay else ""
        if cryptonym:
            return f"source {cryptonym[:8]} of {through}"
        return f"undisclosed, through {through}" if through else "undisclosed, from nobody named"

    def is_verified(self, source: str) -> bool:
        """Whether a person verified the keys of a party, or it is ours; of what is hidden never."""
        return not source.startswith("?") and self._state(source) == "verified"

    def document(self, source: str, *, with_evidence: bool = False) -> SourceLetter:
        """Return the letter of a source, as it is shown."""
        standing = self.standing(source)
        given = self._given.get(source)
        weights = {(one.outcome.by, one.outcome.key): one.weight for one in standing.evidence}
        evidence = self._evidence[source][:MAX_EVIDENCE_SHOWN] if with_evidence else []
        return SourceLetter(
            source=source,
            name=self.name_of(source),
            letter=standing.letter,
            computed=standing.computed,
            n=round(standing.n, 2),
            confirmed=round(standing.confirmed, 2),
            refuted=round(standing.refuted, 2),
            last_at=None if standing.last_at is None else format_time(standing.last_at),
            reasons=standing.reasons,
            given=None
            if given is None or given.letter is None
            else GivenByHand(value=given.letter, reason=visible(given.reason), at=given.at),
            evidence=tuple(
                outcome_said(one, weights.get((one.outcome.said_by or "", one.outcome.claim), 0.0))
                for one in evidence
            ),
            topics=self._topics(source) if with_evidence else {},
        )

    def of_party(self, party: PartyRow) -> SourceGrades:
        """Return the letters of a party and of the sources that it hides."""
        behind = self._beliefs.sources_behind(party.party_id, at_most=MAX_BEHIND)
        return SourceGrades(
            own=self.document(party.party_id, with_evidence=True),
            behind=tuple(self.document(source, with_evidence=True) for source in behind),
        )

    # --- Judging -----------------------------------------------------------------------------------------

    def _read(self, sources: Sequence[str]) -> None:
        new = [source for source in sources if source not in self._evidence]
        if new:
            self._evidence |= self._beliefs.evidence(new, at_most=MAX_EVIDENCE)
            self._given |= self._beliefs.letters(new)

    def _judge(self, source: str, topic: Topic | None) -> Standing:
        given = self._given.get(source)
        override = None
        if given is not None and given.letter is not None:
            override = Override(
                letter=given.letter,  # type: ignore[arg-type]  # the table holds letters only
                reason=visible(given.reason),
                by="A person",
                at=parse_time(given.at),
            )
        return reliability(
            [self._outcome(one) for one in self._evidence[source]],
            now=self._now,
            state=self._state(source),
            topic=topic,
            override=override,
        )

    def _outcome(self, one: Evidence) -> Outcome:
        by = one.outcome.said_by or ""
        independence = 1.0
        if by and (known := self.dependence.get(pair_of(by, one.source))) is not None:
            independence = 1 - known.p
        # Whoever takes back its error is held to that day: a week pays half (`trust.reliability`).
        is_retracted = one.outcome.outcome == "refuted" and one.taken_back_at is not None
        return Outcome(
            key=one.outcome.claim,
            result="retracted" if is_retracted else one.outcome.outcome,
            at=parse_time(one.taken_back_at if is_retracted and one.taken_back_at else one.outcome.at),
            asserted_at=parse_time(one.told_at),
            by=by,
            others_mean=self._mean_by_us(by) if by else None,
            independence=independence,
            topic=one.topic,  # type: ignore[arg-type]  # written from a `Topic`
        )

    def _mean_by_us(self, party: str) -> float | None:
        """Return what a party's word on others weighs: by our own outcomes alone, so that two cannot raise each other."""
        key = f"{party} by us"
        if key not in self._standings:
            self._read([party])
            ours = [one for one in self._evidence[party] if one.outcome.said_by is None]
            self._standings[key] = reliability(
                [self._outcome(one) for one in ours], now=self._now, state=self._state(party)
            )
        return self._standings[key].mean

    def _state(self, source: str) -> PartyState:
        party_id = source.lstrip("?").partition(":")[0]
        if party_id == self._node.party.party_id:
            return "verified"
        party = self._parties.get(party_id)
        return self._states.get(party.name, "unknown") if party else "unknown"  # type: ignore[return-value]

    def _topics(self, source: str) -> dict[str, LetterWord]:
        topics = dict.fromkeys(one.topic for one in self._evidence[source])
        return {topic: self.standing(source, topic=topic).letter for topic in topics}  # type: ignore[arg-type]


def outcome_said(one: Evidence, weight: float | None) -> OutcomeSaid:
    """Return one piece of evidence, as it is shown."""
    said = one.outcome
    return OutcomeSaid(
        about=said.about,
        outcome=said.outcome,
        basis=said.basis,
        by=None if said.said_by_name is None else visible_name(said.said_by_name),
        at=said.at,
        reason=visible(said.reason, max_chars=1_000),
        weight=None if weight is None else round(weight, 3),
    )
