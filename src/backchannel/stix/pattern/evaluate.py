"""Match a whole pattern with observations: does it hold, does it not, or can it not be said?

Two answers are made of each `[...]`: which observations surely satisfy it, and which might. Nothing above the
comparisons is negated, so the pattern holds if the sure ones suffice, and does not if the possible ones do not.
Between the two lies what cannot be said, with the reasons in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backchannel.stix.pattern.ast import Observation, Observed, Qualified, Qualifier, Repeats, Within
from backchannel.stix.pattern.combine import UndecidedError, choose
from backchannel.stix.pattern.compare import UnmatchableError
from backchannel.stix.pattern.goals import Goal, Pick, Then, again, either, every, narrowed, within
from backchannel.stix.pattern.judge import MAX_TESTS, Judge, Judgement, TooMuchError
from backchannel.stix.pattern.observed import Seen
from backchannel.stix.pattern.ready import NEVER_REPEATS, NO_TIME_WITHIN, Compiled, compiled, window
from backchannel.stix.pattern.timeline import Timeline

__all__ = ["Compiled", "Match", "Moment", "compiled", "decide", "match"]

TOO_LONG: Final = "it would take too long to try all choices of observations"


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a pattern holds."""

    holds: bool | None
    """None: it cannot be said."""
    why: str
    """In words."""
    taken: tuple[int, ...] = ()
    """Numbers of the observations that fulfil it, in the order given; where it cannot be said, of those that might."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One observation as far as the whole of a pattern asks: when it was made, how often, and what it satisfies."""

    first: datetime
    last: datetime
    count: int
    judgement: Judgement


def match(ready: Compiled, seen: Sequence[Seen]) -> Match:
    """Match a pattern with observations, at most `MAX_OBSERVATIONS`."""
    judge = Judge(ready)
    try:
        moments = [Moment(one.first, one.last, one.count, judge.judge(one)) for one in seen]
    except TooMuchError:
        return Match(None, f"it takes more than {MAX_TESTS:,} comparisons")
    found = decide(ready, moments, tuple(judge.reasons))
    return Match(True, _said(seen, found.taken), found.taken) if found.holds else found


def decide(ready: Compiled, moments: Sequence[Moment], reasons: Sequence[str] = ()) -> Match:
    """Say whether a pattern holds of observations that are judged.

    Args:
        ready: the pattern.
        moments: the observations.
        reasons: why something of them could not be said.
    """
    timeline = Timeline(moments)
    sure = _sets(ready, timeline, [one.judgement.sure for one in moments])
    possible = _sets(ready, timeline, [one.judgement.possible for one in moments])
    try:
        taken = choose(_goal(ready.pattern.root, timeline, sure), timeline)
        if taken is not None:
            return Match(True, "it holds", tuple(taken))
        if possible != sure:
            taken = choose(_goal(ready.pattern.root, timeline, possible), timeline)
            if taken is not None:
                return Match(None, "; ".join(reasons) or "it cannot be said", tuple(taken))
    except UndecidedError:
        return Match(None, TOO_LONG)
    except UnmatchableError as error:
        return Match(None, str(error))
    return Match(False, _why_not(moments, sure))


def _sets(ready: Compiled, timeline: Timeline, satisfied: Sequence[int]) -> dict[int, int]:
    """Return for each `[...]`, by its identity, the set of the observations that satisfy it."""
    return {
        id(observation): timeline.set_of(n for n, bits in enumerate(satisfied) if bits >> number & 1)
        for number, observation in enumerate(ready.observations)
    }


def _said(seen: Sequence[Seen], taken: Sequence[int]) -> str:
    names = [seen[number].name or f"observation {number + 1}" for number in taken[:3]]
    more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
    return f"{', '.join(names)}{more} {'fulfils' if len(taken) == 1 else 'fulfil'} it"


def _why_not(moments: Sequence[Moment], sure: Mapping[int, int]) -> str:
    if not moments:
        return "nothing was observed"
    none = sum(not among for among in sure.values())
    if not none:
        return "each observation expression is satisfied, but no choice of observations fulfils all of it"
    if len(sure) == 1:
        return "no observation satisfies it"
    return f"no observation satisfies {none} of its {len(sure)} observation expressions"


def _goal(observed: Observed, timeline: Timeline, sets: Mapping[int, int]) -> Goal:
    if isinstance(observed, Observation):
        return Pick(sets[id(observed)])
    if isinstance(observed, Qualified):
        goal = _goal(observed.observed, timeline, sets)
        for qualifier in observed.qualifiers:
            goal = _qualified(goal, qualifier, timeline)
        return goal
    parts = [_goal(operand, timeline, sets) for operand in observed.operands]
    if observed.operator == "OR":
        return either(parts)
    return every(parts) if observed.operator == "AND" else Then(tuple(parts))


def _qualified(goal: Goal, qualifier: Qualifier, timeline: Timeline) -> Goal:
    if isinstance(qualifier, Repeats):
        if qualifier.times < 1:
            raise UnmatchableError(NEVER_REPEATS)
        return again(goal, qualifier.times)
    if isinstance(qualifier, Within):
        if qualifier.seconds <= 0:
            raise UnmatchableError(NO_TIME_WITHIN)
        return within(goal, _span(qualifier.seconds))
    start, stop = window(qualifier)
    if start >= stop:
        return narrowed(goal, 0)
    return narrowed(goal, timeline.lasting_to(start) & timeline.begun_before(stop))


def _span(seconds: float) -> timedelta:
    # Longer than there are times is as long as there are times.
    return timedelta(seconds=min(seconds, timedelta.max.total_seconds() / 2))
