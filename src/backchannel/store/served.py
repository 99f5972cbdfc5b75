"""What the desk asks of a store about what left without a drop, so that it can be entered into the ledger.

Pages of ours that others read (`page`), and what we pushed to them (`push`): rows that are written before anything
goes, and never change in what is asked for here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

from backchannel.store.leaves import LeafRow

Source = Literal["page", "push"]
What = Literal["objects", "made", "ids"]
"""The objects themselves; something made of them (MISP, lists of values); their ids and versions alone."""
SOURCES: tuple[Source, ...] = ("page", "push")


class ServedRow(NamedTuple):
    """One page, or one push: what a record of the ledger is about."""

    first_row: int
    """Its number: of the page, or of the first object that was pushed with it."""
    last_row: int
    at: str
    """When it was sent; of a push, when that began."""
    what: What
    party: str | None
    """Name; None: anybody who asked."""
    collection: str
    """Id of the collection that was read; of a push, the place that it went to."""
    policy: str
    """Version of the policy that let it go."""
    objects: int
    sha256: bytes | None
    """Of the bytes that went; None for a push."""


class ServedLeaf(NamedTuple):
    """Which of them one leaf of the ledger is about."""

    leaf_row: int
    source: Source
    first_row: int
    last_row: int
    secret: bytes
    """32 random bytes, of which the salts of its records are drawn."""


class ObjectList(NamedTuple):
    """Objects that went out together."""

    sha256: bytes
    """Of `runs`: what the list is called."""
    runs: bytes
    """Which objects, in their order (`store.object_runs`)."""
    secret: bytes | None
    """32 random bytes, of which the salts of its leaves are drawn; None: none were drawn yet."""
    root: bytes | None
    """Of the tree over its leaves."""


class Unentered(NamedTuple):
    """What the ledger does not have yet."""

    rows: int
    """Pages and pushes."""
    since: str | None
    """When the oldest of them went."""


class Served(Protocol):
    """Pages and pushes, and which of them the ledger has."""

    def waiting(self) -> Unentered:
        """Return how many of them the ledger does not have yet, and since when."""
        ...

    def unknown(self) -> int:
        """Return how many pages went before their objects were kept: the ledger never has them."""
        ...

    def mark(self, source: Source) -> int:
        """Return the last row that was entered."""
        ...

    def move_mark(self, source: Source, *, before: int, to: int) -> bool:
        """Keep that all up to `to` is entered; False, and nothing is done: it was not `before` any more."""
        ...

    def rows(
        self, source: Source, *, after: int, upto: int | None = None, at_most: int | None = None
    ) -> list[ServedRow]:
        """Return what went, in its order: behind the row `after`, up to the row `upto`."""
        ...

    def list_of(self, source: Source, row: ServedRow) -> ObjectList | None:
        """Return the objects of a page or push; None: too many to be kept."""
        ...

    def grown(self, made: ObjectList) -> None:
        """Keep the tree over a list, unless one was kept meanwhile."""
        ...

    def digests(self, object_rows: Sequence[int]) -> list[bytes]:
        """Return the digests of objects (JCS form), in the order of `object_rows`."""
        ...

    def add(self, leaf: ServedLeaf) -> None:
        """Keep what a leaf is about."""
        ...

    def leaf(self, leaf_row: int) -> ServedLeaf | None:
        """Return what a leaf is about; None: it is none of these."""
        ...

    def leaf_of(self, source: Source, row: int) -> LeafRow | None:
        """Return the leaf that a page, or a push, is in."""
        ...

    def went(
        self, object_row: int, *, party: str | None, through: str | None
    ) -> Iterable[tuple[Source, int]]:
        """Yield the pages and pushes by which an object went to a party, what says most first.

        Args:
            object_row: the object, in one content.
            party: its name; None: who asked as anybody.
            through: id or alias of a collection, name of a channel, or where it leads to; None: any.
        """
        ...
