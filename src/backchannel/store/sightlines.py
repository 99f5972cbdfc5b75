"""What the desk asks of a store about hunts and answers, from the side of an item."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from backchannel.ids import BatchId, StixId
from backchannel.store.rows import Answered, HuntRow, HuntsSince, Seen, Sightline, Wanted


class Sightlines(Protocol):
    """What hunts saw of indicators, and what we said back: what an item's reader asks first."""

    def seen(self, indicators: Iterable[str]) -> Seen | None:
        """Sum up the hits of these indicators over all hunts; None without any."""
        ...

    def seen_ids(self, *, at_most: int) -> list[StixId]:
        """Return the ids of indicators that were seen in any hunt, by the content in force, in order."""
        ...

    def wanted(self, indicators: Iterable[str]) -> list[Wanted]:
        """Return those of the indicators that hunts look for: what is in force."""
        ...

    def brought(self, batch_id: BatchId, *, at_most: int) -> list[StixId]:
        """Return the ids of the indicators in force that a batch brought, in the order in which they came."""
        ...

    def hunts_since(self, at: str) -> HuntsSince:
        """Return which finished hunts read any record since a time, and what their logs showed."""
        ...

    def hits(self, indicators: Iterable[str], *, at_most: int) -> list[Sightline]:
        """Return where these indicators were seen, newest first."""
        ...

    def answers(self, ids: Iterable[str]) -> dict[str, list[Answered]]:
        """Return what we said about each id, oldest first."""
        ...

    def tally(self) -> tuple[int, int]:
        """Return how many hunts were finished and how many answers given."""
        ...

    def last_hunt(self) -> HuntRow | None:
        """Return the newest finished hunt."""
        ...
