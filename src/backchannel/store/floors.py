"""What the desk asks of a store about floors: how far an object may go at most, by what relays said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from backchannel.ids import BatchId


class FlooredPlace(NamedTuple):
    """One object with a floor, in one collection."""

    object_row: int
    collection_row: int
    added: int
    class_row: int


class Floors(Protocol):
    """The strictest label that an object may not go wider than, of each batch that brought one."""

    def add(self, batch_id: BatchId, floors: Iterable[tuple[bytes, str]]) -> None:
        """Keep floors that a batch brought: of each object its digest, and the label."""
        ...

    def of(self, object_rows: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """Return the labels that batches in sight brought for objects; an object without one is left out."""
        ...

    def places(self, batch_id: BatchId) -> Iterator[FlooredPlace]:
        """Yield where the objects are in collections for which a batch brought a floor."""
        ...
