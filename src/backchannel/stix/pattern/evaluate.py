"""Match a whole pattern with observations: does it hold, does it not, or can it not be said?

Two answers are made of each `[...]`: which observations surely satisfy it, and which might. Nothing above the
comparisons is negated, so the pattern holds if the sure ones suffice, and does not if the possible ones do not.
Between the two lies what cannot be said, with the reasons in words.

Comparisons inside one `[...]` are about one and the same object (STIX 2.1 §9.1, §9.6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.pattern.ast import (
    Comparison,
    Exists,
    Expression,
    Joined,
    Observation,
    Observed,
    Path,
    Pattern,
    Qualified,
    Qualifier,
    Repeats,
    StartStop,
    Within,
)
from backchannel.stix.pattern.combine import UndecidedError, choose
from backchannel.stix.pattern.compare import Test, UnmatchableError, test_of, time_of
from backchannel.stix.pattern.goals import Goal, Pick, Then, again, either, every, narrowed, within
from backchannel.stix.pattern.observed import Seen
from backchannel.stix.pattern.paths import TooManyValuesError, values_at
from backchannel.stix.pattern.timeline import Timeline
from backchannel.stix.vocabulary import OBSERVABLES, SECTIONS

MAX_TESTS: Final = 500_000
"""Comparisons made in one match (each of one object); a hostile pattern could ask for billions."""
MAX_REASONS: Final = 5
"""Reasons named for what cannot be said."""

IsShown = Callable[[Path, JsonObject], bool]
"""Whether an object of what was observed can show a path at all; where not, its absence says nothing."""


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a pattern holds."""

    holds: bool | None
    """None: it cannot be said."""
    why: str
    """In words."""
    taken: tuple[int, ...] = ()
    """Numbers of the observations that fulfil it, in the order given; empty unless it holds."""


@dataclass(frozen=True)
class Compiled:
    """A pattern made ready to be matched."""

    pattern: Pattern
    tests: dict[int, Test]
    """By the identity of the comparison: equal ones may differ (1 is not true)."""

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What of it can never be matched, in words; empty for a pattern that is as it should be."""
        found = dict.fromkeys(test.problem for test in self.tests.values() if test.problem)
        return (*found, *dict.fromkeys(_qualifier_problems(self.pattern.root)))


def compiled(pattern: Pattern) -> Compiled:
    """Make a pattern ready to be matched, once for any number of observations."""
    tests = {
        id(one): test_of(one)
        for observation in observations_in(pattern.root)
        for one in comparisons_in(observation.expression)
        if isinstance(one, Comparison)
    }
    return Compiled(pattern, tests)


def observations_in(observed: Observed) -> Iterator[Observation]:
    """Yield every `[...]` of a pattern, from the left."""
    if isinstance(observed, Observation):
        yield observed
    elif isinstance(observed, Qualified):
        yield from observations_in(observed.observed)
    else:
        for operand in observed.operands:
            yield from observations_in(operand)


def comparisons_in(expression: Expression) -> Iterator[Comparison | Exists]:
    """Yield every comparison of an expression, from the left."""
    if isinstance(expression, Joined):
        for operand in expression.operands:
            yield from comparisons_in(operand)
    else:
        yield expression


def match(ready: Compiled, seen: Sequence[Seen], *, is_shown: IsShown | None = None) -> Match:
    """Match a pattern with observations.

    Args:
        ready: the pattern.
        seen: what was observed, at most `MAX_OBSERVATIONS`.
        is_shown: what the observations can show; by default everything.
    """
    try:
        judged = _Judged(ready, seen, is_shown)
        sure = _goal(ready.pattern.root, judged, judged.sure)
        found = choose(sure, judged.timeline)
        if found is not None:
            return Match(True, _said(seen, found), tuple(found))
        if (
            judged.possible != judged.sure
            and choose(_goal(ready.pattern.root, judged, judged.possible), judged.timeline) is not None
        ):
            return Match(None, "; ".join(judged.reasons) or "it cannot be said")
    except UndecidedError:
        return Match(None, "it would take too long to try all choices of observations")
    except _TooMuchError:
        return Match(None, f"it takes more than {MAX_TESTS:,} comparisons")
    except UnmatchableError as error:
        return Match(None, str(error))
    return Match(False, judged.why_not())


def _said(seen: Sequence[Seen], taken: Sequence[int]) -> str:
    names = [seen[number].name or f"observation {number + 1}" for number in taken[:3]]
    more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
    return f"{', '.join(names)}{more} {'fulfils' if len(taken) == 1 else 'fulfil'} it"


class _TooMuchError(Exception):
    """The comparisons of one match are too many."""


@dataclass(slots=True)
class _Judged:
    """What each `[...]` of a pattern says of each observation."""

    ready: Compiled
    seen: Sequence[Seen]
    is_shown: IsShown | None
    timeline: Timeline = field(init=False)
    sure: dict[int, int] = field(default_factory=dict)
    """`[...]`, by its identity, to the set of observations that surely satisfy it."""
    possible: dict[int, int] = field(default_factory=dict)
    reasons: dict[str, None] = field(default_factory=dict)
    tests: int = 0

    def __post_init__(self) -> None:
        self.timeline = Timeline(self.seen)
        for observation in observations_in(self.ready.pattern.root):
            self._judge(observation)

    def why_not(self) -> str:
        """Say why the pattern does not hold."""
        if not self.seen:
            return "nothing was observed"
        if any(not among for among in self.sure.values()):
            total = len(self.sure)
            none = sum(not among for among in self.sure.values())
            if total == 1:
                return "no observation satisfies it"
            return f"no observation satisfies {none} of its {total} observation expressions"
        return "each observation expression is satisfied, but no choice of observations fulfils all of it"

    def _judge(self, observation: Observation) -> None:
        sure, possible = [], []
        for number, one in enumerate(self.seen):
            surely, maybe = _Objects(self, one).satisfying(observation.expression)
            if surely:
                sure.append(number)
            if maybe:
                possible.append(number)
        self.sure[id(observation)] = self.timeline.set_of(sure)
        self.possible[id(observation)] = self.timeline.set_of(possible)

    def count(self, tests: int) -> None:
        self.tests += tests
        if self.tests > MAX_TESTS:
            raise _TooMuchError

    def note(self, reason: str) -> None:
        if len(self.reasons) < MAX_REASONS:
            self.reasons[reason] = None


Names = frozenset[str]


class _Objects:
    """The objects of one observation, asked by the comparisons of one expression."""

    def __init__(self, judged: _Judged, seen: Seen) -> None:
        self.judged = judged
        self.objects = seen.objects
        self.roots: dict[object, list[tuple[str, JsonObject]]] = {}
        for name, root in seen.objects.items():
            self.roots.setdefault(root.get("type"), []).append((name, root))
        self.values: dict[tuple[Path, str], list[object]] = {}

    def satisfying(self, expression: Expression) -> tuple[Names, Names]:
        """Return the objects that surely satisfy it, and those that might; the second holds the first."""
        if not isinstance(expression, Joined):
            return self._asked(expression)
        parts = [self.satisfying(operand) for operand in expression.operands]
        if expression.operator == "OR":
            return frozenset().union(*(one[0] for one in parts)), frozenset().union(
                *(one[1] for one in parts)
            )
        return parts[0][0].intersection(*(one[0] for one in parts)), parts[0][1].intersection(
            *(one[1] for one in parts)
        )

    def _asked(self, asked: Comparison | Exists) -> tuple[Names, Names]:
        sure, possible = set(), set()
        kind = asked.path.object_type
        for name, root in () if kind in NOT_OBSERVED else self.roots.get(kind, ()):
            answer = self._answer(asked, name, root)
            if answer is not False:
                possible.add(name)
            if answer:
                sure.add(name)
        return frozenset(sure), frozenset(possible)

    def _answer(self, asked: Comparison | Exists, name: str, root: JsonObject) -> bool | None:
        try:
            values = self._values(asked.path, name, root)
        except TooManyValuesError as error:
            self.judged.note(str(error))
            return None
        self.judged.count(1 + len(values))
        is_shown = self.judged.is_shown
        if not values and is_shown is not None and not is_shown(asked.path, root):
            self.judged.note(f"{asked.path} is not observable here")
            return None
        if isinstance(asked, Exists):
            return bool(values) is not asked.is_negated
        test = self.judged.ready.tests[id(asked)]
        answers = [test.asks(value) for value in values]
        if True in answers:
            return True
        if None in answers:
            self.judged.note(test.problem or f"a value of {asked.path} cannot be compared")
            return None
        return False

    def _values(self, path: Path, name: str, root: JsonObject) -> list[object]:
        key = (path, name)
        if key not in self.values:
            self.values[key] = values_at(path, root, self.objects)
        return self.values[key]


NOT_OBSERVED: Final = frozenset(SECTIONS) - OBSERVABLES | {"bundle"}
"""Types that are no observables: a pattern finds none of them (STIX 2.1 §9.1)."""


def _goal(observed: Observed, judged: _Judged, sets: dict[int, int]) -> Goal:
    if isinstance(observed, Observation):
        return Pick(sets[id(observed)])
    if isinstance(observed, Qualified):
        goal = _goal(observed.observed, judged, sets)
        for qualifier in observed.qualifiers:
            goal = _qualified(goal, qualifier, judged.timeline)
        return goal
    parts = [_goal(operand, judged, sets) for operand in observed.operands]
    if observed.operator == "OR":
        return either(parts)
    return every(parts) if observed.operator == "AND" else Then(tuple(parts))


def _qualified(goal: Goal, qualifier: Qualifier, timeline: Timeline) -> Goal:
    if isinstance(qualifier, Repeats):
        if qualifier.times < 1:
            raise UnmatchableError(_NEVER_REPEATS)
        return again(goal, qualifier.times)
    if isinstance(qualifier, Within):
        if qualifier.seconds <= 0:
            raise UnmatchableError(_NO_TIME_WITHIN)
        return within(goal, _span(qualifier.seconds))
    start, stop = _window(qualifier)
    if start >= stop:
        return narrowed(goal, 0)
    return narrowed(goal, timeline.lasting_to(start) & timeline.begun_before(stop))


_NEVER_REPEATS: Final = "REPEATS 0 TIMES can never be matched: it takes at least 1"
_NO_TIME_WITHIN: Final = "WITHIN 0 SECONDS can never be matched: it takes more than 0"


def _span(seconds: float) -> timedelta:
    # Longer than there are times is as long as there are times.
    return timedelta(seconds=min(seconds, timedelta.max.total_seconds() / 2))


def _window(qualifier: StartStop) -> tuple[datetime, datetime]:
    return time_of(qualifier.start), time_of(qualifier.stop)


def _qualifier_problems(observed: Observed) -> Iterator[str]:
    if isinstance(observed, Observation):
        return
    if not isinstance(observed, Qualified):
        for operand in observed.operands:
            yield from _qualifier_problems(operand)
        return
    yield from _qualifier_problems(observed.observed)
    for qualifier in observed.qualifiers:
        if isinstance(qualifier, Repeats):
            if qualifier.times < 1:
                yield _NEVER_REPEATS
        elif isinstance(qualifier, Within):
            if qualifier.seconds <= 0:
                yield _NO_TIME_WITHIN
        else:
            try:
                start, stop = _window(qualifier)
            except UnmatchableError as error:
                yield str(error)
                continue
            if start >= stop:
                yield "START is not before STOP: nothing is ever between them"
