"""What the desk asks of a store about the places of drops on their lines: numbers, names, and what each follows.

A place is kept for good: an undone batch takes away what a drop brought, and not that its sender signed it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol


class PlaceRow(NamedTuple):
    """One drop that came."""

    statement_row: int
    issuer: str
    """The key that made it."""
    chan: str
    seq: int
    digest: bytes
    """Of its manifest."""
    bundle: str
    prev: bytes | None
    """Digest of the manifest that it follows; None: it is the first."""
    stands: bool
    """Whether what it brought is in sight; else it may be taken again."""


class NewPlace(NamedTuple):
    """One drop that comes."""

    statement_row: int
    issuer: str
    chan: str
    seq: int
    bundle: str
    prev: bytes | None


class Places(Protocol):
    """Where drops stand that came."""

    def add(self, new: NewPlace) -> None:
        """Keep the place of a drop; one that is there already stays."""
        ...

    def near(self, issuers: Collection[str], chan: str, seq: int) -> list[PlaceRow]:
        """Return the drops of a line under any of these keys that stand at a number or beside it."""
        ...

    def named(self, issuers: Collection[str], bundle: str) -> list[PlaceRow]:
        """Return the drops of these keys that bear a name, on whichever line."""
        ...

    def last(self, issuer: str, chan: str) -> int | None:
        """Return the highest number on a line under one key."""
        ...

    def numbers(self, issuer: str, chan: str, *, at_most: int) -> list[int]:
        """Return the numbers on a line under one key, the highest first."""
        ...

    def unread(self, *, at_most: int) -> list[tuple[int, bytes]]:
        """Return drops of which name and predecessor are not kept yet: row and envelope of their manifests."""
        ...

    def read(self, statement_row: int, *, bundle: str, prev: bytes | None) -> None:
        """Keep what the manifest of a drop says."""
        ...
