"""What the store keeps of the compiled indicator set, and what it hands out to be compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol


class Segment(NamedTuple):
    """One immutable file of the set."""

    first_row: int
    last_row: int
    """Object rows it covers, both included."""
    entries: int
    file: str
    """Its name in the home's `indicators` folder."""
    normaliser: int
    """Version of the normaliser it was made with."""


class ToCompile(NamedTuple):
    """One indicator that no file covers yet."""

    object_row: int
    pattern: str
    spec_version: str


class Segments(Protocol):
    """Which files make up the set."""

    def all(self) -> list[Segment]:
        """Return the files that count, in the order of the rows they cover."""
        ...

    def pending(self, *, normaliser: int) -> Iterator[ToCompile]:
        """Yield the indicators in complete batches that no file of this normaliser covers, by row."""
        ...

    def add(self, segment: Segment, unread: Iterable[tuple[str, int]]) -> None:
        """Let a file count, and keep what of its indicators' patterns is not searched (words, object row)."""
        ...

    def replace(self, old: Iterable[str], new: Segment) -> None:
        """Let one file count in place of others that hold the same."""
        ...

    def drop_older(self, *, normaliser: int) -> list[str]:
        """Forget the files of other normalisers; return their names."""
        ...
