"""The observations in the order of time, and sets of them as whole numbers: one bit for each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol


class Made(Protocol):
    """One observation: when it was made, and how often."""

    @property
    def first(self) -> datetime:
        """When it began."""
        ...

    @property
    def last(self) -> datetime:
        """When it ended."""
        ...

    @property
    def count(self) -> int:
        """How often it was made."""
        ...


class Timeline:
    """The observations in the order of time, and the sets of them that a moment makes."""

    def __init__(self, seen: Sequence[Made]) -> None:
        self.order: list[int] = sorted(range(len(seen)), key=lambda number: seen[number].first)
        """Bit to number of the observation as given."""
        self.firsts = [seen[number].first for number in self.order]
        self.lasts = [seen[number].last for number in self.order]
        self.counts = [seen[number].count for number in self.order]
        self.all = (1 << len(seen)) - 1
        self._by_last = sorted(range(len(seen)), key=lambda bit: self.lasts[bit])
        self._last_times = [self.lasts[bit] for bit in self._by_last]
        self._from_last: list[int] | None = None
        self._planes = _planes(self.counts)

    def set_of(self, numbers: Iterable[int]) -> int:
        """Return the set of the observations with these numbers."""
        wanted = set(numbers)
        return sum(1 << bit for bit, number in enumerate(self.order) if number in wanted)

    def begun_by(self, at: datetime) -> int:
        """Return the observations whose `first` is not after `at`."""
        return (1 << bisect_right(self.firsts, at)) - 1

    def begun_before(self, at: datetime) -> int:
        """Return the observations whose `first` is before `at`."""
        return (1 << bisect_left(self.firsts, at)) - 1

    def lasting_to(self, at: datetime) -> int:
        """Return the observations whose `last` is not before `at`."""
        if self._from_last is None:
            sets, later = [0] * (len(self._by_last) + 1), 0
            for place in range(len(self._by_last) - 1, -1, -1):
                later |= 1 << self._by_last[place]
                sets[place] = later
            self._from_last = sets
        return self._from_last[bisect_left(self._last_times, at)]

    def made(self, among: int) -> int:
        """Return how often the observations of a set were made together."""
        return sum((among & plane).bit_count() << shift for shift, plane in self._planes)


def _planes(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Return for each binary digit of the counts which observations have it."""
    planes = []
    for shift in range(max(counts, default=0).bit_length()):
        plane = sum(1 << bit for bit, count in enumerate(counts) if count >> shift & 1)
        if plane:
            planes.append((shift, plane))
    return planes


def bits(among: int) -> Iterator[int]:
    """Yield the members of a set."""
    while among:
        low = among & -among
        yield low.bit_length() - 1
        among ^= low
