"""What the desk asks of a store about what goes out: answers, warning lists, rule numbers.

The rows that come in are in `rows`; these are the other way round. Times are RFC 3339 text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from backchannel.store.rows import Answered


class HitSum(msgspec.Struct, frozen=True):
    """All hits of one indicator, the same lines hunted twice counted once."""

    count: int
    """Log lines."""
    first_seen: str | None
    last_seen: str | None


class WarningListRow(NamedTuple):
    """One warning list that the operator added."""

    name: str
    cls: str
    kind: str
    version: int
    description: str
    added_at: str
    entries: bytes
    """JSON list of texts."""


class RuleText(NamedTuple):
    """One rule that needs a number."""

    indicator: str
    observable: str
    sha256: bytes
    """Of the rule's text without its number."""


class Answers(Protocol):
    """Notes, sightings and opinions of our own: the newest version of each."""

    def put(self, kind: str, about: str, answer_id: str, *, said_at: str, body: bytes) -> None:
        """Keep an answer; an older version of it is replaced."""
        ...

    def get(self, answer_id: str) -> Answered | None:
        """Return one answer."""
        ...

    def hit_sum(self, indicator: str) -> HitSum:
        """Sum up the hits of one indicator over all hunts."""
        ...

    def last_seen(self, indicators: Iterable[str]) -> dict[str, str]:
        """Return when each was last seen inside its validity; those never seen so are missing."""
        ...


class WarningLists(Protocol):
    """The warning lists that the operator added, by name."""

    def put(self, row: WarningListRow) -> bool:
        """Keep a list; True if it took the place of one of the same name."""
        ...

    def all(self) -> list[WarningListRow]:
        """Return all of them, by name."""
        ...

    def stamp(self) -> tuple[tuple[str, str, str], ...]:
        """Return name, class and time of each, by name: changes when any of them changes."""
        ...

    def remove(self, name: str) -> bool:
        """Remove a list; False if there was none."""
        ...


class RuleNumbers(Protocol):
    """Suricata's rule numbers."""

    def number(
        self, rules: Sequence[RuleText], *, first: int, last: int
    ) -> Mapping[tuple[str, str], tuple[int, int]]:
        """Return (sid, rev) of each rule by (indicator, observable).

        A rule met for the first time gets the next sid that was never given; one whose text changed gets the
        next rev.

        Raises:
            StoreError: the block from `first` to `last` is used up.
        """
        ...
