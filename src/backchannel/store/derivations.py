"""What the desk asks of a store about what was derived from what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

RELATION: Final = "derived-from"
"""The type of the relationships that say what was derived from what (STIX 2.1 §3.7)."""


class Derivation(NamedTuple):
    """One relationship in force that says that an object was derived from another."""

    derived: str
    """Id of the object."""
    origin: str
    """Id of what it was derived from."""
    relationship_row: int


class Derivations(Protocol):
    """What was derived from what, as relationships say."""

    def any(self) -> bool:
        """Whether anything here was ever said to be derived from something."""
        ...

    def derived(self, object_rows: Iterable[int]) -> frozenset[int]:
        """Return those of these objects that a relationship in force says were derived from others."""
        ...

    def origins(self, ids: Iterable[str], *, at_most: int) -> dict[str, list[str]]:
        """Return what these were derived from, as relationships in force say: id to ids, one for each relationship.

        Args:
            ids: of derived objects.
            at_most: relationships that are read of each.
        """
        ...

    def said_of(self, stix_id: str, *, at_most: int) -> list[Derivation]:
        """Return the relationships in force that say what an object was derived from."""
        ...

    def derived_from(self, stix_id: str, *, at_most: int) -> list[Derivation]:
        """Return the relationships in force that say what was derived from an object: the newest such object first.

        What is revoked is left out; of two of the same age that with the higher id comes first. Of more than 10,000
        relationships about one object only as many are looked at: the others are left out.
        """
        ...
