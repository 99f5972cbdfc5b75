"""Choose observations so that a whole pattern holds: AND, OR, FOLLOWEDBY and the qualifiers (STIX 2.1 §9.4, §9.5).

Each `[...]` takes one observation, and no observation is taken more often than it was made. The choice is a
search: what depends on time is decided first, by a moment that splits or frames the observations, the
outermost first; what is left is a question of shares, answered by a flow. The search is bounded in steps:
what is not decided within them is said to be undecided, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from backchannel.stix.pattern.goals import (
    Again,
    Either,
    Every,
    Goal,
    Pick,
    Then,
    Window,
    every,
    narrowed,
    parts_of,
)
from backchannel.stix.pattern.shares import Shares
from backchannel.stix.pattern.timeline import Timeline, bits

MAX_STEPS: Final = 400_000
"""Sets that one search may look at: some tenths of a second, whatever the pattern."""
_EVER: Final = datetime.min.replace(tzinfo=UTC)


class UndecidedError(Exception):
    """A search ended without an answer, because it would have taken too long."""


def choose(goal: Goal, timeline: Timeline) -> list[int] | None:
    """Return observations that fulfil the goal, by number as given; None if none do.

    Raises:
        UndecidedError: it would take too long to say.
    """
    search = _Search(timeline)
    if search.is_hopeless(goal):
        return None
    stack: list[Iterator[tuple[Goal, ...]]] = [iter([(goal,)])]
    while stack:
        goals = next(stack[-1], None)
        if goals is None:
            stack.pop()
            continue
        goals = _flattened(goals)
        search.step(len(goals))
        if not search.can_hold(goals):
            continue
        open_goal = next((one for one in goals if not isinstance(one, Pick)), None)
        if open_goal is None:
            return sorted(timeline.order[bit] for bit in search.shares(goals))
        rest = tuple(one for one in goals if one is not open_goal)
        stack.append(search.alternatives(open_goal, rest))
    return None


def _flattened(goals: tuple[Goal, ...]) -> tuple[Goal, ...]:
    flat: list[Goal] = []
    for goal in goals:
        flat += goal.parts if isinstance(goal, Every) else (goal,)
    return tuple(flat)


class _Search:
    """One search and the steps it has taken."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.steps = 0
        # A step on a set of thousands of observations costs more than one on a few.
        self.price = 1 + len(timeline.order) // 2_000

    def step(self, count: int = 1) -> None:
        self.steps += count * self.price
        if self.steps > MAX_STEPS:
            raise UndecidedError

    def alternatives(self, goal: Goal, rest: tuple[Goal, ...]) -> Iterator[tuple[Goal, ...]]:
        """Yield the ways to go on with a goal, beside the rest."""
        if isinstance(goal, Again):
            yield from self._repetitions(goal, rest)
            return
        for part in self._ways(goal):
            yield (*rest, part)

    def _ways(self, goal: Goal) -> Iterator[Goal]:
        if isinstance(goal, Either):
            yield from goal.parts
        elif isinstance(goal, Then):
            yield from self._splits(goal)
        elif isinstance(goal, Window):
            for frame in self._frames(goal):
                part = narrowed(goal.part, frame)
                self.step()
                if not self.is_hopeless(part):
                    yield part
        else:
            yield goal

    def _splits(self, goal: Then) -> Iterator[Goal]:
        """Yield the last part and what it follows, for each moment that can lie between them."""
        before: Goal = Then(goal.parts[:-1]) if len(goal.parts) > 2 else goal.parts[0]
        for at in self._moments(before):
            left = narrowed(before, self.timeline.begun_by(at))
            right = narrowed(goal.parts[-1], self.timeline.lasting_to(at))
            self.step(len(goal.parts))
            if not self.is_hopeless(left) and not self.is_hopeless(right):
                yield every((left, right))

    def _repetitions(self, goal: Again, rest: tuple[Goal, ...]) -> Iterator[tuple[Goal, ...]]:
        if isinstance(goal.part, Every):
            more = (Again(goal.part, goal.times - 1),) if goal.times > 1 else ()
            yield (*rest, *goal.part.parts, *more)
            return
        for number, part in enumerate(self._ways(goal.part)):
            if number < goal.skip:
                continue
            more = (Again(goal.part, goal.times - 1, number),) if goal.times > 1 else ()
            yield (*rest, part, *more)

    def _moments(self, left: Goal) -> Iterator[datetime]:
        """Yield the moments that can part what follows from what it follows, the latest first.

        The latest leaves most to choose before it, and the right side takes what is left of the end.
        """
        before = None
        for bit in sorted(bits(self.among(left)), reverse=True):
            at = self.timeline.firsts[bit]
            if at != before:
                yield at
            before = at

    def _frames(self, goal: Window) -> Iterator[int]:
        """Yield the largest sets that lie in the span: a smaller one inside another one finds nothing more."""
        among = self.among(goal.part)
        previous = 0
        for at in sorted({self.timeline.lasts[bit] for bit in bits(among)}):
            try:
                end = at + goal.span
            except OverflowError:
                end = datetime.max.replace(tzinfo=at.tzinfo)
            frame = among & self.timeline.lasting_to(at) & self.timeline.begun_by(end)
            self.step()
            if frame & ~previous:
                yield frame
                previous = frame

    def among(self, goal: Goal) -> int:
        """Return all observations that a goal could take."""
        self.step()
        if isinstance(goal, Pick):
            return goal.among
        union = 0
        for part in parts_of(goal):
            union |= self.among(part)
        return union

    def is_hopeless(self, goal: Goal) -> bool:
        """Whether some part of a goal has too few observations, or too early ones, whatever the others take."""
        return self._least(goal) is None or self._soonest(goal, _EVER) is None

    def _soonest(self, goal: Goal, after: datetime) -> datetime | None:
        """Return the earliest moment by which a goal can have begun to its last part, None for never.

        Observations may be taken twice here, so that it is a bound and not an answer.

        Args:
            goal: what is to begin.
            after: no observation may have ended before it.
        """
        self.step()
        if isinstance(goal, Pick):
            among = goal.among & self.timeline.lasting_to(after)
            return self.timeline.firsts[(among & -among).bit_length() - 1] if among else None
        moments: list[datetime] = []
        for part in parts_of(goal):
            moment = self._soonest(part, after)
            if moment is not None:
                moments.append(moment)
                if isinstance(goal, Then):
                    after = max(after, moment)
            elif not isinstance(goal, Either):
                return None
        if isinstance(goal, Either):
            return min(moments, default=None)
        return max(moments, default=after)

    def _least(self, goal: Goal) -> int | None:
        """Return how many observations a goal takes at least, None if there are not so many."""
        self.step()
        if isinstance(goal, Pick):
            return goal.times if self.timeline.made(goal.among) >= goal.times else None
        if isinstance(goal, Either):
            hopeful = [least for part in goal.parts if (least := self._least(part)) is not None]
            return min(hopeful, default=None)
        total = 0
        for part in parts_of(goal):
            least = self._least(part)
            if least is None:
                return None
            total += least
        total *= goal.times if isinstance(goal, Again) else 1
        return total if total <= self.timeline.made(self.among(goal)) else None

    def can_hold(self, goals: tuple[Goal, ...]) -> bool:
        """Whether the goals that are settled already leave each other enough."""
        return self._flow(goals) is not None

    def shares(self, goals: tuple[Goal, ...]) -> list[int]:
        """Return the observations that the settled goals take; `can_hold` has said that there are enough."""
        return self._flow(goals) or []

    def _flow(self, goals: tuple[Goal, ...]) -> list[int] | None:
        wanted: dict[int, int] = {}
        for goal in goals:
            if isinstance(goal, Pick):
                wanted[goal.among] = wanted.get(goal.among, 0) + goal.times
        if any(self.timeline.made(among) < times for among, times in wanted.items()):
            return None
        shares = Shares(self.timeline.counts, wanted, self.step)
        return shares.taken() if shares.fills() else None
