"""What the desk asks of a store about what parties were given without a drop: pages that they read, and what was pushed.

Nothing is kept for each object: a page that was sent is one row, whatever it held. Times are RFC 3339 text.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from backchannel.store.statements import StatementRow


class GivenRow(NamedTuple):
    """What one party was given by one way, as far as the newest records tell."""

    party_row: int
    party: str
    way: str
    """Title of the collection that it read, or name of the channel by which it was pushed."""
    is_pushed: bool
    objects: int
    """Each counted as often as it went."""
    first_at: str
    last_at: str


class Given(Protocol):
    """What went to parties over TAXII."""

    def was_given(self, party_row: int, stix_id: str, digest: bytes, *, is_named: bool = False) -> bool:
        """Whether a party read an object of ours on a page, or it was pushed to them.

        With `is_named` pages count only that it read under its own name, not those that anybody read.
        """
        ...

    def is_out(self, stix_id: str, digest: bytes) -> bool:
        """Whether an object is in a collection of ours, or was pushed: else no party was given it so."""
        ...

    def ways(self, *, pages: int, pushes: int) -> list[GivenRow]:
        """Return what went to whom, the newest first.

        Args:
            pages: how many of the newest pages are looked at.
            pushes: how many of the newest objects that were pushed.
        """
        ...

    def heard(self, *, rows: int) -> list[StatementRow]:
        """Return the receipts in sight about objects that came to others without a drop, newest first."""
        ...
