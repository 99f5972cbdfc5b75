"""Four ways to judge the same reports: ours, counting voices, averaging, and a score from tags as MISP has it.

All see the same: the reports of each claim, without the truth in them, and the outcomes of the judged claims. Each
says for a claim how likely it is malicious, and whether it takes the claim, or its contrary, for corroborated.
The three others are given their best form: they get the letters and shares computed from the outcomes, where in life
people type them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from backchannel.provenance.likeness import sketch
from backchannel.provenance.origins import Dependence, Origins, independent_origins
from backchannel.provenance.reports import OriginRef, Report
from backchannel.trust.credibility import credibility, prior_of
from backchannel.trust.dependence import Said, dependences
from backchannel.trust.reliability import Outcome, Standing, reliability
from benchmarks.belief_worlds import NOW, Heard, World

Judgement = tuple[float, bool | None]
"""How likely it is malicious, 0 to 1; and what is corroborated: True (it is), False (it is not), None (neither)."""
Method = Callable[[Sequence[Heard]], Judgement]

MISP_LETTER = {"A": 100, "B": 75, "C": 50, "D": 25, "E": 0, "F": 50}
"""`numerical_value` of the taxonomy admiralty-scale, source-reliability."""
MISP_NUMBER = {1: 100, 2: 75, 3: 50, 4: 25, 5: 0, 6: 50}
"""The same, information-credibility."""
MISP_CORROBORATED = 75
AVERAGE_CORROBORATED = 0.7


@lru_cache(maxsize=100_000)
def _sketch(text: str) -> tuple[int, ...]:
    return sketch(text)


def origin_of(heard: Heard) -> OriginRef:
    """Return what a report shows of its origin: itself, or that somebody behind it is hidden."""
    if heard.is_disclosed:
        return OriginRef("key", heard.voice)
    return OriginRef("undisclosed", relay=heard.voice)


def report_of(heard: Heard) -> Report:
    """Return a report as the code under test sees it."""
    return Report(
        key=heard.key,
        voice=heard.voice,
        origin=origin_of(heard),
        arrived_at=heard.at,
        stix_id=heard.stix_id,
        sketch=_sketch(heard.text),
        derived_from=(heard.made_of,) if heard.made_of else (),
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What the outcomes of the judged claims tell of each source."""

    standings: Mapping[str, Standing]
    means: Mapping[str, float]
    dependence: Mapping[tuple[str, str], Dependence]
    prior: float
    """Of the different things said about judged claims, how many were right."""


def learn(world: World) -> Known:
    """Learn from the claims whose outcome is known."""
    outcomes: dict[str, list[Outcome]] = {}
    history = []
    said: dict[tuple[int, bool], bool] = {}
    for reports, truth in zip(world.judged, world.judged_truth, strict=True):
        for heard in reports:
            name = origin_of(heard).name
            is_right = heard.says_malicious == truth
            known_at = min(heard.at + timedelta(days=10), NOW)
            outcomes.setdefault(name, []).append(
                Outcome(key=heard.key, result="confirmed" if is_right else "refuted", at=known_at)
            )
            said[heard.claim, heard.says_malicious] = is_right
            claim = f"{heard.claim}:{heard.says_malicious}"
            history.append(Said(source=name, claim=claim, at=heard.at, was_right=is_right))
    standings = {name: reliability(several, now=NOW) for name, several in outcomes.items()}
    return Known(
        standings=standings,
        means={name: one.mean for name, one in standings.items() if one.mean is not None},
        dependence=dependences(history),
        prior=prior_of("", sum(said.values()), len(said) - sum(said.values())),
    )


def origins_by_side(known: Known, reports: Sequence[Heard]) -> dict[bool, Origins]:
    """Return the independent origins of those who call it malicious (True) and of those who call it harmless."""
    return {
        side: independent_origins(
            [report_of(heard) for heard in reports if heard.says_malicious is side],
            dependence=known.dependence,
            means=known.means,
        )
        for side in (True, False)
    }


def ours(known: Known, *, at_most: int) -> Method:
    """Grade both the claim and its contrary; corroborated is 1 ("confirmed by other sources"), or 1 and 2."""

    def judge(reports: Sequence[Heard]) -> Judgement:
        sides = origins_by_side(known, reports)
        grades = {
            side: credibility(sides[side], known.standings, opposing=sides[not side])
            for side in (True, False)
        }
        for side, grade in grades.items():
            if grade.number <= at_most:
                return grades[True].probability or 0.5, side
        return grades[True].probability or 0.5, None

    return judge


def our_origins_alone(known: Known) -> Method:
    """Count origins, without letters: what provenance alone is worth."""

    def judge(reports: Sequence[Heard]) -> Judgement:
        sides = origins_by_side(known, reports)
        n = {side: sum(origin.share > 0.5 for origin in sides[side].origins) for side in (True, False)}
        return (n[True] + 1) / (n[True] + n[False] + 2), _majority(n[True], n[False])

    return judge


def counting(reports: Sequence[Heard]) -> Judgement:
    """Count voices: two agree, and more than say the contrary."""
    n = sum(heard.says_malicious for heard in reports)
    return (n + 1) / (len(reports) + 2), _majority(n, len(reports) - n)


def counting_uncontested(reports: Sequence[Heard]) -> Judgement:
    """Count voices, and call nothing corroborated that anybody contradicts."""
    n = sum(heard.says_malicious for heard in reports)
    p, side = counting(reports)
    return p, side if n in {0, len(reports)} else None


def averaging(known: Known) -> Method:
    """Average how often those who speak are right: each with its own record, as if none copied, F as a half."""

    def judge(reports: Sequence[Heard]) -> Judgement:
        means = [known.means.get(origin_of(heard).name, 0.5) for heard in reports]
        shares = [m if heard.says_malicious else 1 - m for m, heard in zip(means, reports, strict=True)]
        p = sum(shares) / len(shares)
        return p, _by_threshold(p, reports, AVERAGE_CORROBORATED)

    return judge


def misp(known: Known) -> Method:
    """Take the weighted average of two tags for each report (weights equal), and the average over reports.

    The letter is ours of the source; the number is what counting voices would type: 2 if another voice says the same,
    1 if two more do, 3 alone, 4 if as many or more say the contrary.
    """

    def judge(reports: Sequence[Heard]) -> Judgement:
        n = sum(heard.says_malicious for heard in reports)
        shares = []
        for heard in reports:
            same = n if heard.says_malicious else len(reports) - n
            number = 4 if len(reports) - same >= same else {1: 3, 2: 2}.get(same, 1)
            standing = known.standings.get(origin_of(heard).name)
            score = (MISP_LETTER["F" if standing is None else standing.letter] + MISP_NUMBER[number]) / 200
            shares.append(score if heard.says_malicious else 1 - score)
        p = sum(shares) / len(shares)
        return p, _by_threshold(p, reports, MISP_CORROBORATED / 100)

    return judge


def _majority(n_for: int, n_against: int) -> bool | None:
    if n_for >= 2 and n_for > n_against:
        return True
    return False if n_against >= 2 and n_against > n_for else None


def _by_threshold(p: float, reports: Sequence[Heard], threshold: float) -> bool | None:
    n = sum(heard.says_malicious for heard in reports)
    if n >= 2 and p >= threshold:
        return True
    return False if len(reports) - n >= 2 and p <= 1 - threshold else None
