"""A pattern made ready to be matched: its comparisons as questions, and what of it can never be answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from backchannel.stix.pattern.ast import (
    Comparison,
    Observation,
    Observed,
    Pattern,
    Qualified,
    Repeats,
    StartStop,
    Within,
    comparisons_in,
    observations_in,
)
from backchannel.stix.pattern.compare import Test, UnmatchableError, test_of, time_of

NEVER_REPEATS: Final = "REPEATS 0 TIMES can never be matched: it takes at least 1"
NO_TIME_WITHIN: Final = "WITHIN 0 SECONDS can never be matched: it takes more than 0"


@dataclass(frozen=True)
class Compiled:
    """A pattern made ready to be matched."""

    pattern: Pattern
    tests: dict[int, Test]
    """By the identity of the comparison: equal ones may differ (1 is not true)."""
    observations: tuple[Observation, ...]
    """Every `[...]` of it, from the left."""

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What of it can never be matched, in words; empty for a pattern that is as it should be."""
        found = dict.fromkeys(test.problem for test in self.tests.values() if test.problem)
        return (*found, *dict.fromkeys(_qualifier_problems(self.pattern.root)))


def compiled(pattern: Pattern) -> Compiled:
    """Make a pattern ready to be matched, once for any number of observations."""
    observations = tuple(observations_in(pattern.root))
    tests = {
        id(one): test_of(one)
        for observation in observations
        for one in comparisons_in(observation.expression)
        if isinstance(one, Comparison)
    }
    return Compiled(pattern, tests, observations)


def window(qualifier: StartStop) -> tuple[datetime, datetime]:
    """Return START and STOP.

    Raises:
        UnmatchableError: there is no such day.
    """
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
                yield NEVER_REPEATS
        elif isinstance(qualifier, Within):
            if qualifier.seconds <= 0:
                yield NO_TIME_WITHIN
        else:
            try:
                start, stop = window(qualifier)
            except UnmatchableError as error:
                yield str(error)
                continue
            if start >= stop:
                yield "START is not before STOP: nothing is ever between them"
