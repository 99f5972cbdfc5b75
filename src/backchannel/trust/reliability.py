"""The letter of a source: A to E from how what it said turned out, F where it is not judged.

    standing = reliability(outcomes, now=now, state="verified")
    standing.letter, standing.n, standing.reasons, standing.evidence

Confirmations C and refutations R, halved every 180 days, make Beta(1 + C, 1 + R); the letter is that of its 10 %
quantile, so few outcomes never make a good one. Only our own outcomes count in full. What other parties say counts
as far as they are judged themselves, and all of them together `OTHERS_CAP` at most: praise by strangers is nothing.

The caller gathers outcomes by source (for a hidden one, by relay and cryptonym), by topic, and along the key sets of
a party (`first_key`): new keys keep the old letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal, get_args

import msgspec

from backchannel.trust.beta import quantile

Letter = Literal["A", "B", "C", "D", "E", "F"]
Result = Literal["confirmed", "refuted", "retracted", "harmful"]
"""`confirmed`: own log match and an analyst, or independent first-hand confirmation. `refuted`: a false alarm, or
taken back only when challenged. `retracted`: taken back by the source itself. `harmful`: refuted, and it broke something
here."""
Topic = Literal["network", "malware", "phishing", "fraud", "vulnerability", "attribution", "other"]
"""What a source may be good at, one and not another."""
PartyState = Literal["unknown", "introduced", "verified", "suspended", "revoked"]

LETTERS: Final[tuple[Letter, ...]] = get_args(Letter)
STEPS: Final[tuple[tuple[Letter, float], ...]] = (
    ("A", 0.90),
    ("B", 0.75),
    ("C", 0.50),
    ("D", 0.25),
    ("E", 0.0),
)
"""The lowest 10 % quantile of each letter."""
TYPICAL_MEAN: Final[Mapping[Letter, float]] = MappingProxyType(
    {"A": 0.95, "B": 0.88, "C": 0.75, "D": 0.5, "E": 0.25}
)
"""Share of right claims that is reckoned with where a person, or a cap, set the letter."""
QUANTILE: Final = 0.1
MIN_JUDGED: Final = 3.0
"""Weight of outcomes below which a source is not judged: F."""
HALF_LIFE: Final = timedelta(days=180)
HARMFUL_WEIGHT: Final = 3.0
QUICK_RETRACTION: Final = timedelta(days=7)
QUICK_RETRACTION_WEIGHT: Final = 0.5
"""A source that takes back its own error within a week pays half: honesty has to pay."""
OTHERS_CAP: Final = 2.0
"""Most that the outcomes of all other parties together count, in outcomes of our own."""

_ROUNDING: Final = 1e-9
_AT_ONCE: Final = timedelta(0)


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How one claim of the source turned out."""

    key: str
    """Names it for the reader: a statement, an item, a sighting. Of several with one key, the last in time counts."""
    result: Result
    at: datetime
    asserted_at: datetime | None = None
    """When the source had said it: a retraction within a week of it is quick."""
    by: str = ""
    """The party whose outcome it is; empty: our own."""
    others_mean: float | None = None
    """Of another party: its own `Standing.mean` here, None while it is F (then it weighs nothing)."""
    independence: float = 1.0
    """Of another party: 0 to 1, one minus how likely it depends on the source (`dependence`)."""
    topic: Topic = "other"


class Override(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person knows better, and says why."""

    letter: Letter
    reason: str
    by: str
    at: datetime


class Weighed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An outcome as it counts today."""

    outcome: Outcome
    weight: float
    """Positive; of `HALF_LIFE` age, half of what it was."""
    counts_for: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far a source can be relied on."""

    letter: Letter
    n: float
    """Weight of the evidence, C + R, as it counts today."""
    confirmed: float
    refuted: float
    mean: float | None
    """Mean of the Beta posterior, 0 to 1; None while not judged: F is no number."""
    quantile: float | None
    """Its 10 % quantile, from which the letter comes; None while not judged."""
    computed: Letter
    """The letter without the operator's word."""
    reasons: tuple[str, ...]
    """Sentences, in the order applied."""
    evidence: tuple[Weighed, ...]
    """Latest first."""
    last_at: datetime | None = None
    override: Override | None = None


NOT_JUDGED: Final = Standing(
    letter="F",
    n=0.0,
    confirmed=0.0,
    refuted=0.0,
    mean=None,
    quantile=None,
    computed="F",
    reasons=("Not judged: nothing it said has an outcome yet.",),
    evidence=(),
)


def reliability(
    outcomes: Iterable[Outcome],
    *,
    now: datetime,
    state: PartyState = "verified",
    topic: Topic | None = None,
    override: Override | None = None,
) -> Standing:
    """Judge a source from how what it said turned out.

    Args:
        outcomes: of this source, in any order; those after `now` are left out.
        now: the present.
        state: how far we know the party; whom we know only by introduction is C at most, whom we do not know is F.
        topic: only outcomes of this topic count; None: all do.
        override: a person's word, which is shown beside what was computed.
    """
    evidence = _weigh(_latest(outcomes, now, topic), now)
    confirmed = sum(one.weight for one in evidence if one.counts_for)
    refuted = sum(one.weight for one in evidence if not one.counts_for)
    n = confirmed + refuted
    is_judged = n >= MIN_JUDGED - _ROUNDING
    low = quantile(QUANTILE, round(1 + confirmed, 6), round(1 + refuted, 6)) if is_judged else None
    letter, reasons = _letter(low, confirmed, refuted, evidence, now)
    computed = _by_state(letter, state, reasons)
    final = computed
    if override is not None:
        final = override.letter
        reasons.append(f"{override.by} set it to {final}: {override.reason}")
    mean = None if low is None else (1 + confirmed) / (2 + n)
    return Standing(
        letter=final,
        n=n,
        confirmed=confirmed,
        refuted=refuted,
        mean=_mean(mean, final, is_overridden=final != computed, is_capped=final != _by_quantile(low)),
        quantile=low if final != "F" else None,
        computed=computed,
        reasons=tuple(reasons),
        evidence=evidence,
        last_at=evidence[0].outcome.at if evidence else None,
        override=override,
    )


def first_key(kid: str, previous: Mapping[str, str]) -> str:
    """Follow a party's keys back to its first one: under that, its outcomes are gathered.

    Args:
        kid: any of its keys (or the digest of a key set).
        previous: for a key, the one it followed (`prev` of the key sets). A key that follows none is its own first;
            so is the least of a circle, which no honest party makes.
    """
    seen = {kid: None}
    while (before := previous.get(kid)) is not None:
        if before in seen:
            circle = list(seen)
            return min(circle[circle.index(before) :])
        seen[before] = None
        kid = before
    return kid


def _latest(outcomes: Iterable[Outcome], now: datetime, topic: Topic | None) -> list[Outcome]:
    """Return the outcomes that count, latest first; the last word on each."""
    last: dict[tuple[str, str], Outcome] = {}
    for outcome in sorted(outcomes, key=lambda one: (one.at, one.result)):
        if outcome.at <= now and (topic is None or outcome.topic == topic):
            last[outcome.by, outcome.key] = outcome
    return sorted(last.values(), key=lambda one: (one.at, one.by, one.key), reverse=True)


def _weigh(outcomes: Sequence[Outcome], now: datetime) -> tuple[Weighed, ...]:
    weights = [_weight(outcome) * 0.5 ** ((now - outcome.at) / HALF_LIFE) for outcome in outcomes]
    others = sum(weight for outcome, weight in zip(outcomes, weights, strict=True) if outcome.by)
    scale = min(1.0, OTHERS_CAP / others) if others else 1.0
    return tuple(
        Weighed(
            outcome=outcome,
            weight=weight * scale if outcome.by else weight,
            counts_for=outcome.result == "confirmed",
        )
        for outcome, weight in zip(outcomes, weights, strict=True)
    )


def _weight(outcome: Outcome) -> float:
    """Return what an outcome counts on the day it was."""
    share = 1.0
    if outcome.by:
        mean = outcome.others_mean  # of a party that is not judged itself: None, and so no weight
        share = min(max(mean or 0.0, 0.0), 1.0) * min(max(outcome.independence, 0.0), 1.0)
    if outcome.result == "harmful":
        return HARMFUL_WEIGHT * share
    said = outcome.asserted_at
    if (
        outcome.result == "retracted"
        and said is not None
        and _AT_ONCE <= outcome.at - said <= QUICK_RETRACTION
    ):
        return QUICK_RETRACTION_WEIGHT * share
    return share


def _by_quantile(low: float | None) -> Letter:
    if low is None:
        return "F"
    return next(letter for letter, least in STEPS if low >= least)


def _letter(
    low: float | None, confirmed: float, refuted: float, evidence: Sequence[Weighed], now: datetime
) -> tuple[Letter, list[str]]:
    """Return the letter of the outcomes alone, and why."""
    if low is None:
        so_far = f"{confirmed:.1f} for it and {refuted:.1f} against it" if evidence else "nothing"
        return "F", [f"Not judged: outcomes of weight {MIN_JUDGED:.0f} are needed, and there is {so_far}."]
    letter = _by_quantile(low)
    reasons = [
        (
            f"Outcomes of weight {confirmed:.1f} for it and {refuted:.1f} against it: with 90 % certainty at least "
            f"{low:.0%} of what it says is right."
        )
    ]
    harmful = sum(
        one.outcome.result == "harmful" and not one.outcome.by and now - one.outcome.at < HALF_LIFE
        for one in evidence
    )
    if harmful:
        letter = LETTERS[min(LETTERS.index(letter) + harmful, LETTERS.index("E"))]
        reasons.append(
            f"{harmful} false claim(s) of it broke something here within {HALF_LIFE.days} days: a step lower for each."
        )
    return letter, reasons


def _by_state(letter: Letter, state: PartyState, reasons: list[str]) -> Letter:
    """Return the letter that the state of the party allows, and add why."""
    if state == "introduced" and letter in {"A", "B"}:
        reasons.append("Known by introduction only: C at most, until a person verifies its keys.")
        return "C"
    if state in {"unknown", "revoked"} and letter != "F":
        reasons.append(f"The party is {state}: what it says is not judged.")
        return "F"
    return letter


def _mean(mean: float | None, letter: Letter, *, is_overridden: bool, is_capped: bool) -> float | None:
    """Return the share of claims expected to be right, no more than the letter stands for."""
    if letter == "F":
        return None
    typical = TYPICAL_MEAN[letter]
    if mean is None or is_overridden:
        return typical
    return min(mean, typical) if is_capped else mean
