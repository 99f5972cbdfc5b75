"""What a pattern wants of observations, as a tree of goals; joining them keeps the tree small.

Sets of observations are whole numbers, one bit for each observation (`timeline.Timeline`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Pick:
    """`times` observations out of a set."""

    among: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class Every:
    """AND: all parts, by different observations."""

    parts: tuple[Goal, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """OR: one of the parts."""

    parts: tuple[Goal, ...]


@dataclass(frozen=True, slots=True)
class Then:
    """FOLLOWEDBY: each part begins no later than the next ones end."""

    parts: tuple[Goal, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """WITHIN: all of it in so long a time."""

    part: Goal
    span: timedelta


@dataclass(frozen=True, slots=True)
class Again:
    """REPEATS of something with an inner order: `times` choices with no observation in common."""

    part: Goal
    times: int
    skip: int = 0
    """Alternatives of the part that earlier repetitions have passed: the order among them means nothing."""


Goal = Pick | Every | Either | Then | Window | Again


def every(parts: Iterable[Goal]) -> Goal:
    """Join parts by AND, flat."""
    flat: list[Goal] = []
    for part in parts:
        flat += part.parts if isinstance(part, Every) else (part,)
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def either(parts: Iterable[Goal]) -> Goal:
    """Join parts by OR, flat; those of one observation are one set."""
    single, flat = 0, []
    has_single = False
    for part in parts:
        for one in part.parts if isinstance(part, Either) else (part,):
            if isinstance(one, Pick) and one.times == 1:
                single, has_single = single | one.among, True
            else:
                flat.append(one)
    if has_single:
        flat.insert(0, Pick(single))
    return flat[0] if len(flat) == 1 else Either(tuple(flat))


def within(part: Goal, span: timedelta) -> Goal:
    """Hold a part to a time; one observation is always within any."""
    return part if isinstance(part, Pick) and part.times == 1 else Window(part, span)


def again(part: Goal, times: int) -> Goal:
    """Repeat a part; what has no inner order is only taken more often."""
    if times == 1:
        return part
    if isinstance(part, Pick):
        return Pick(part.among, part.times * times)
    if isinstance(part, Every) and all(isinstance(one, Pick) for one in part.parts):
        return Every(tuple(again(one, times) for one in part.parts))
    if isinstance(part, Again):
        return Again(part.part, part.times * times)
    return Again(part, times)


def narrowed(goal: Goal, allowed: int) -> Goal:
    """Return the goal with only the allowed observations to choose from."""
    if isinstance(goal, Pick):
        return Pick(goal.among & allowed, goal.times)
    if isinstance(goal, (Every, Either, Then)):
        return type(goal)(tuple(narrowed(part, allowed) for part in goal.parts))
    if isinstance(goal, Window):
        return Window(narrowed(goal.part, allowed), goal.span)
    return Again(narrowed(goal.part, allowed), goal.times, goal.skip)


def parts_of(goal: Goal) -> tuple[Goal, ...]:
    """Return the goals that make up a goal."""
    if isinstance(goal, Pick):
        return ()
    return (goal.part,) if isinstance(goal, (Window, Again)) else goal.parts
