"""The number of a claim: 1 to 5 from its independent origins, 6 where nothing allows a judgement.

    grade = credibility(found, standings, opposing=others, own=None, is_contested=False, prior=0.5)
    grade.number, grade.confidence, grade.probability, grade.reasons
    may_act(grade, is_disruptive=True, verified={"..."}).needs_person

The letters of the origins go in, but the number is no letter: two independent origins of C make a 1, an A alone
makes a 3. Voices, copies and echoes do not go in at all (`provenance.origins` has taken them out), nor do sources
that are not judged: F confirms nothing and refutes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from backchannel.provenance.origins import Origins
from backchannel.trust.reliability import NOT_JUDGED, Letter, Standing

Number = Literal[1, 2, 3, 4, 5, 6]
Own = Literal["for", "against", "both"]
"""What our own first-hand observation says: seen doing it in our own network, or proven harmless here."""

CONFIDENCE: Final[Mapping[Number, int | None]] = MappingProxyType(
    {1: 90, 2: 70, 3: 50, 4: 30, 5: 10, 6: None}
)
"""STIX 2.1 appendix A.1 (Admiralty credibility); 6 has no `confidence`."""
PRIOR: Final[Mapping[str, float]] = MappingProxyType(
    {"domain-name": 0.5, "ipv4-addr": 0.4, "ipv6-addr": 0.4, "url": 0.5, "file": 0.6, "attack-pattern": 0.5}
)
"""How likely a claim of a type is right before anybody's word is weighed."""
DEFAULT_PRIOR: Final = 0.5
MOST_BY_ONE: Final = 3.0
"""Most that one origin adds to the log-odds of a claim: a source that was good for years moves one claim no further
than to 95 %, whatever it says then."""
LEAST_TOGETHER: Final[Mapping[int, float]] = MappingProxyType({1: 0.9, 2: 0.8})
"""What the records of the origins together have to support for a 1 and a 2, so that of the claims given one some 90 %
and 70 % are right, as they are exported (`benchmarks.belief`: 0.7 for a 2 gave 65 %). Two who are right half the time
confirm nothing by agreeing."""
PRIOR_WEIGHT: Final = 10.0
"""Claims of our own that weigh as much as the prior of a type."""
OWN_LOG_ODDS: Final = 4.0
"""What our own first-hand observation adds or takes."""
COUNTED_SHARE: Final = 0.5
"""An origin counts beside others if its share is above this: if it more likely than not depends on none of them."""


class Counted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An origin on one side of a claim, as it counts."""

    name: str
    names: tuple[str, ...]
    """`Origin.names`: of which the best letter counts."""
    letter: Letter
    mean: float | None
    share: float
    """How likely it is independent of those counted before it, 0 to 1."""
    log_odds: float
    """What it adds to the log-odds, at most `MOST_BY_ONE`; 0 while it is not judged. Below 0 only of an origin that is
    right less often than claims are in general, and has nobody better beside it."""
    is_disclosed: bool


class Grade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a claim is worth, and why."""

    number: Number
    confidence: int | None
    """STIX `confidence`; None for 6."""
    probability: float | None
    """For ranking only, 0 to 1; None for 6."""
    is_contested: bool
    n_judged: int
    """Independent judged origins for it."""
    supporting: tuple[Counted, ...]
    opposing: tuple[Counted, ...]
    reasons: tuple[str, ...]
    """Sentences, in the order applied."""
    own: Own | None = None


class Acting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether something may be done without asking a person."""

    reasons: tuple[str, ...]
    """Why a person has to decide; empty if none has to."""

    @property
    def needs_person(self) -> bool:
        """Whether a person has to decide."""
        return bool(self.reasons)


def credibility(
    supporting: Origins,
    standings: Mapping[str, Standing],
    *,
    opposing: Origins | None = None,
    own: Own | None = None,
    is_contested: bool = False,
    prior: float = DEFAULT_PRIOR,
) -> Grade:
    """Grade a claim.

    Args:
        supporting: the origins that assert it.
        standings: by `OriginRef.name`; who is not in it is not judged.
        opposing: the origins that assert the contrary.
        own: what our own first-hand observation says.
        is_contested: a contradiction is open (`contradictions.find_contradictions`).
        prior: how likely a claim is before one knows who says it (`prior_of`), between 0 and 1.
    """
    prior = min(max(prior, 0.01), 0.99)
    pro = _counted(supporting, standings, prior)
    con = _counted(opposing, standings, prior) if opposing is not None else ()
    probability = _probability(pro, con, own, prior)
    number, reasons = _number(pro, con, own, is_contested=is_contested)
    is_open = is_contested or any(one.mean is not None for one in con) or own == "both"
    return Grade(
        number=number,
        confidence=CONFIDENCE[number],
        probability=None if number == 6 else probability,
        is_contested=is_open,
        n_judged=len(_beside_one_another(pro)),
        supporting=pro,
        opposing=con,
        reasons=tuple(reasons),
        own=own,
    )


def may_act(grade: Grade, *, is_disruptive: bool, verified: AbstractSet[str]) -> Acting:
    """Say whether a claim may be acted on without asking a person.

    Args:
        grade: of the claim.
        is_disruptive: whether the action takes something away from somebody (a block), or only looks (an alert).
        verified: names of the origins whose keys a person has verified: only these may drive what nobody decides.
    """
    reasons = []
    sure = [one for one in _beside_one_another(grade.supporting) if not verified.isdisjoint(one.names)]
    if grade.is_contested:
        reasons.append("It is contested: a person decides between the two sides.")
    if grade.number == 6:
        reasons.append("It is not judged (6): nobody who says so is known well enough.")
    elif grade.number > 3:
        reasons.append(f"There is evidence against it ({grade.number}).")
    if grade.own in {"for", "both"}:
        return Acting(reasons=tuple(reasons))
    if not sure:
        reasons.append("No judged origin whose keys a person verified stands behind it.")
    elif is_disruptive and len(sure) == 1:
        reasons.append(
            f"One origin alone ({sure[0].name}, {sure[0].letter}) says so: too little to disrupt anything."
        )
    return Acting(reasons=tuple(reasons))


def prior_of(stix_type: str, right: int = 0, wrong: int = 0) -> float:
    """Say how likely a claim is before one knows who says it.

    Args:
        stix_type: of what it is about.
        right: such claims that turned out right here, each once, whoever said them.
        wrong: such that turned out wrong.
    """
    usual = PRIOR.get(stix_type, DEFAULT_PRIOR)
    return (right + PRIOR_WEIGHT * usual) / (right + wrong + PRIOR_WEIGHT)


def _counted(found: Origins, standings: Mapping[str, Standing], prior: float) -> tuple[Counted, ...]:
    """Return the origins as they count, the weightiest first.

    An origin adds what it is better than claims in general: who is right as often as any claim adds nothing. So of one
    origin alone the probability is just the share of its claims that are right.
    """
    counted = []
    for origin in found.origins:
        standing = max(
            (standings.get(name, NOT_JUDGED) for name in origin.names),
            key=lambda one: -1.0 if one.mean is None else one.mean,
        )
        odds = 0.0
        if standing.mean is not None:
            odds = min(max(_logit(standing.mean) - _logit(prior), -MOST_BY_ONE), MOST_BY_ONE)
        counted.append(
            Counted(
                name=origin.name,
                names=origin.names,
                letter=standing.letter,
                mean=standing.mean,
                share=origin.share,
                log_odds=odds * origin.share,
                is_disclosed=origin.is_disclosed,
            )
        )
    counted.sort(key=lambda one: (one.mean is None, -one.log_odds, one.letter, one.name))
    # Beside somebody better, a known liar's word is no proof of the contrary: else it could sink any claim by
    # asserting it.
    return tuple(
        msgspec.structs.replace(one, log_odds=0.0) if number and one.log_odds < 0 else one
        for number, one in enumerate(counted)
    )


def _beside_one_another(counted: Sequence[Counted]) -> list[Counted]:
    """Return the judged origins that count as independent of one another."""
    judged = [one for one in counted if one.mean is not None]
    beside = [one for one in judged if one.share > COUNTED_SHARE]
    return beside or judged[:1]


def _number(
    pro: Sequence[Counted],
    con: Sequence[Counted],
    own: Own | None,
    *,
    is_contested: bool,
) -> tuple[Number, list[str]]:
    """Return the number, and why."""
    if own == "for":
        return 1, ["We confirmed it ourselves, at first hand."]
    if own == "against":
        return 5, ["Our own first-hand observation speaks against it."]
    if own == "both":
        return 4, ["Our own observations contradict each other."]
    origins = _beside_one_another(pro)
    against = [one for one in con if one.mean is not None]
    if not origins and not against:
        return 6, [
            "Nobody who says so is judged, and we have not seen it ourselves: there is nothing to go by."
        ]
    if against or is_contested:
        return _contradicted(pro, con, has_support=bool(origins), has_judged_opposition=bool(against))
    good = [one for one in origins if one.letter in {"A", "B", "C"}]
    fair = [one for one in origins if one.letter in {"A", "B", "C", "D"}]
    if len(fair) < 2:
        return 3, [f"{_listed(origins)} alone; nothing speaks against it."]
    together = round(_together(origins), 6)
    if len(good) >= 2 and together >= LEAST_TOGETHER[1]:
        return 1, [f"{len(good)} independent origins of letter C or better say so: {_listed(good)}."]
    if together >= LEAST_TOGETHER[2]:
        return 2, [f"{len(fair)} independent origins of letter D or better say so: {_listed(fair)}."]
    short = f"with their records, {together:.0%} of what they agree on is right: too little for a 2"
    return 3, [f"{_listed(fair)} say so, but {short}."]


def _together(origins: Sequence[Counted]) -> float:
    """Return how much of what independent origins agree on is right, by their records alone."""
    odds = (
        min(max(_logit(one.mean), 0.0), MOST_BY_ONE) * one.share for one in origins if one.mean is not None
    )
    return 1 / (1 + math.exp(-sum(odds)))


def _contradicted(
    pro: Sequence[Counted], con: Sequence[Counted], *, has_support: bool, has_judged_opposition: bool
) -> tuple[Number, list[str]]:
    if not has_judged_opposition:
        return 4, ["A contradiction is open, by nobody who is judged."]
    weight_for, weight_against = (sum(max(one.log_odds, 0.0) for one in side) for side in (pro, con))
    if not has_support or weight_against > weight_for:
        return 5, [f"Stronger evidence contradicts it: {_listed(con)}."]
    return 4, [f"Evidence that is no stronger contradicts it: {_listed(con)}."]


def _listed(counted: Sequence[Counted]) -> str:
    shown = ", ".join(f"{one.name} ({one.letter})" for one in counted[:4])
    return f"{shown} and {len(counted) - 4} more" if len(counted) > 4 else shown


def _probability(pro: Sequence[Counted], con: Sequence[Counted], own: Own | None, prior: float) -> float:
    log_odds = _logit(prior) + sum(one.log_odds for one in pro) - sum(max(one.log_odds, 0.0) for one in con)
    log_odds += {"for": OWN_LOG_ODDS, "against": -OWN_LOG_ODDS}.get(own or "", 0.0)
    return 1 / (1 + math.exp(-min(max(log_odds, -50.0), 50.0)))


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
