"""What each `[...]` of a pattern says of one observation: surely, perhaps, or no.

Comparisons inside one `[...]` are about one and the same object (STIX 2.1 §9.1, §9.6). In hunts some that join
several types by AND are about one record instead: to the letter they could never hold, and feeds write them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from backchannel.codec import JsonObject
from backchannel.stix.pattern.ast import Comparison, Exists, Expression, Joined, Path, comparisons_in
from backchannel.stix.pattern.observed import Seen
from backchannel.stix.pattern.paths import TooManyValuesError, values_at
from backchannel.stix.pattern.ready import Compiled
from backchannel.stix.vocabulary import OBSERVABLES, SECTIONS

MAX_TESTS: Final = 1_000_000
"""Comparisons made in one match (each of one object); a hostile pattern could ask for billions."""
MAX_REASONS: Final = 5
"""Reasons named for what cannot be said."""
NOT_OBSERVED: Final = frozenset(SECTIONS) - OBSERVABLES | {"bundle"}
"""Types that are no observables: a pattern finds none of them (STIX 2.1 §9.1)."""


class TooMuchError(Exception):
    """The comparisons of one match are too many."""


class Judgement(NamedTuple):
    """Which `[...]` an observation satisfies: one bit for each, from the left."""

    sure: int
    possible: int
    """Holds `sure`."""


@dataclass(slots=True)
class Judge:
    """Judges observations for one pattern, and counts what that takes."""

    ready: Compiled
    is_by_record: bool = False
    """Whether an AND of several types is about one record."""
    reasons: dict[str, None] = field(default_factory=dict)
    """Why something could not be said, the first few."""
    tests: int = 0

    def judge(self, seen: Seen) -> Judgement:
        """Say which `[...]` an observation satisfies.

        Raises:
            TooMuchError: `MAX_TESTS` are used up.
        """
        sure = possible = 0
        for number, observation in enumerate(self.ready.observations):
            surely, maybe = _Objects(self, seen).satisfying(observation.expression)
            sure |= bool(surely) << number
            possible |= bool(maybe) << number
        return Judgement(sure, possible)

    def count(self, tests: int) -> None:
        """Count comparisons."""
        self.tests += tests
        if self.tests > MAX_TESTS:
            raise TooMuchError

    def note(self, reason: str) -> None:
        """Keep why something cannot be said."""
        if len(self.reasons) < MAX_REASONS:
            self.reasons[reason] = None


Names = frozenset[str]
RECORD: Final[Names] = frozenset({""})
"""Stands for an object that a record might have."""


def _types(expression: Expression) -> Names:
    return frozenset(one.path.object_type for one in comparisons_in(expression))


class _Objects:
    """The objects of one observation, asked by the comparisons of one expression."""

    def __init__(self, judge: Judge, seen: Seen) -> None:
        self.judge = judge
        self.shows = seen.shows
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
        if self.judge.is_by_record and len({_types(operand) for operand in expression.operands}) > 1:
            return self._in_one_record(expression.operands)
        return parts[0][0].intersection(*(one[0] for one in parts)), parts[0][1].intersection(
            *(one[1] for one in parts)
        )

    def _in_one_record(self, operands: tuple[Expression, ...]) -> tuple[Names, Names]:
        """Judge an AND of several types: what is of one type is about one object, and all of it about one record."""
        groups: dict[Names, list[Expression]] = {}
        for operand in operands:
            groups.setdefault(_types(operand), []).append(operand)
        sure, possible = [], []
        for group in groups.values():
            joined = group[0] if len(group) == 1 else Joined("AND", tuple(group))
            surely, maybe = self.satisfying(joined)
            if not maybe and not any(self._is_shown(one.path) for one in comparisons_in(joined)):
                self.judge.note(f"{next(comparisons_in(joined)).path} is not observable here")
                maybe = RECORD
            sure.append(surely)
            possible.append(maybe)
        return (
            frozenset().union(*sure) if all(sure) else frozenset(),
            frozenset().union(*possible) if all(possible) else frozenset(),
        )

    def _is_shown(self, path: Path) -> bool:
        return self.shows is None or str(path) in self.shows

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
            self.judge.note(str(error))
            return None
        self.judge.count(1 + len(values))
        if not values and not self._is_shown(asked.path):
            self.judge.note(f"{asked.path} is not observable here")
            return None
        if isinstance(asked, Exists):
            return bool(values) is not asked.is_negated
        test = self.judge.ready.tests[id(asked)]
        answers = [test.asks(value) for value in values]
        if True in answers:
            return True
        if None in answers:
            self.judge.note(test.problem or f"a value of {asked.path} cannot be compared")
            return None
        return False

    def _values(self, path: Path, name: str, root: JsonObject) -> list[object]:
        key = (path, name)
        if key not in self.values:
            self.values[key] = values_at(path, root, self.objects)
        return self.values[key]
