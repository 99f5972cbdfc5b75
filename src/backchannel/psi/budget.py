"""How much may be compared: with whom, how often, how many items, and in sets of which sizes.

Private set intersection alone stops nobody who asks for everything: one request without a bound lists a whole
network. What stops them is the number of items that a party may put in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi.items import GRADES, Grade, Sort, worst

MAX_ITEMS: Final = 10_000
"""Items that a party puts into one session. Both put in a set and both learn, so neither may have less than the
other's tenth: of the two bounds, ten per cent and ten thousand, only the second one can hold for both."""
MAX_EASY_ITEMS: Final = 256
"""And where what can be guessed is compared all the same."""
MIN_SIZE: Final = 100
"""Smallest size of a set: smaller ones are filled up, so that their size tells nothing."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one party may have of us."""

    items_per_day: int = 20_000
    """Items that the party puts in, filling included."""
    sessions_per_day: int = 4
    sessions_open: int = 4
    """Begun and not ended."""


DEFAULT_BUDGET: Final = Budget()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a party had of us within the last 24 hours."""

    items: int = 0
    sessions: int = 0
    open: int = 0


def size_of(n: int, sorts: Iterable[Sort]) -> int:
    """Return to how many items a set of `n` is filled up: 1, 2 or 5 times a power of ten, or 256.

    Raises:
        Rejected: `TOO_MANY`.
    """
    if worst(sorts) is Grade.EASY:
        if n > MAX_EASY_ITEMS:
            raise Rejected(
                Reason.TOO_MANY, f"{n:,} items that can be guessed; at most {MAX_EASY_ITEMS} are compared"
            )
        return MAX_EASY_ITEMS
    if n > MAX_ITEMS:
        raise Rejected(Reason.TOO_MANY, f"{n:,} items; at most {MAX_ITEMS:,} are compared in one session")
    return next(size for size in sizes() if size >= n)


def sizes() -> Iterable[int]:
    """Return the sizes that sets are filled up to, the smallest first."""
    step = MIN_SIZE
    while True:
        for factor in (1, 2, 5):
            if step * factor > MAX_ITEMS:
                return
            yield step * factor
        step *= 10


def check_sorts(sorts: Iterable[Sort], overridden: Iterable[Sort]) -> None:
    """See that nothing is compared that can be guessed, but what somebody overrode.

    Raises:
        Rejected: `GUESSABLE`.
    """
    easy = sorted(sort.value for sort in set(sorts) - set(overridden) if GRADES[sort] is Grade.EASY)
    if easy:
        raise Rejected(Reason.GUESSABLE, f"{', '.join(easy)}")


def check_budget(size: int, spent: Spent, budget: Budget = DEFAULT_BUDGET) -> None:
    """See that a party's request is within what it may have of us.

    Args:
        size: of the set that it would put in, filling included.
        spent: what it had within the last 24 hours.
        budget: what it may have.

    Raises:
        Rejected: `OVER_BUDGET`.
    """
    if spent.open >= budget.sessions_open:
        raise Rejected(
            Reason.OVER_BUDGET, f"{spent.open} sessions are open; at most {budget.sessions_open} may be"
        )
    if spent.sessions >= budget.sessions_per_day:
        raise Rejected(
            Reason.OVER_BUDGET,
            f"{spent.sessions} sessions within a day; at most {budget.sessions_per_day} are held",
        )
    if spent.items + size > budget.items_per_day:
        raise Rejected(
            Reason.OVER_BUDGET,
            f"{spent.items:,} items within a day, and {size:,} more; at most {budget.items_per_day:,} are compared",
        )
