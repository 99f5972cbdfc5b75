"""What the desk asks of a store about the ledger: leaves that were recorded, and where they were entered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class LeafRow(NamedTuple):
    """One leaf with what opens it."""

    leaf_row: int
    """Number in the order of recording; 0 before it is kept."""
    kind: str
    """A `LeafKind`."""
    about: str
    """What it is looked up by: an object's id, `batch 3`, a statement's id."""
    statement: bytes
    blinding: bytes
    """32 random bytes: a secret until the leaf is opened to somebody."""
    recorded_at: str
    leaf_index: int | None
    """Where in the ledger; None: still to be appended."""


class Pending(NamedTuple):
    """What is still to be appended."""

    leaves: int
    since: str | None
    """When the oldest of them was recorded."""


class Leaves(Protocol):
    """The ledger's leaves, in the transactions of what they are about."""

    def add(self, row: LeafRow) -> int:
        """Keep a leaf that is to be appended; return the number that it is given."""
        ...

    def waiting(self) -> Pending:
        """Return how much is still to be appended."""
        ...

    def pending(self, *, at_most: int) -> list[LeafRow]:
        """Return leaves that are still to be appended, in the order of recording."""
        ...

    def entered(self, places: Iterable[tuple[int, int]]) -> None:
        """Keep where leaves were appended: pairs of number and index."""
        ...

    def at(self, index: int) -> LeafRow | None:
        """Return the leaf appended at `index`."""
        ...

    def last(self) -> LeafRow | None:
        """Return the leaf with the highest index."""
        ...

    def about(self, about: Iterable[str], *, at_most: int) -> list[LeafRow]:
        """Return leaves about any of these, in the order of recording."""
        ...

    def newest(self, *, before: int | None, rows: int) -> list[LeafRow]:
        """Return appended leaves, highest index first, below the index `before`."""
        ...

    def counts(self) -> dict[str, int]:
        """Return how many leaves of each kind were appended."""
        ...

    def digests_of(self, batch_id: int) -> list[bytes]:
        """Return the digests of a batch's objects (JCS form), in the order in which they came."""
        ...
