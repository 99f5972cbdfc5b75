"""What the desk asks of a store about what was derived from what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Derivations(Protocol):
    """What was derived from what, as relationships say."""

    def any(self) -> bool:
        """Whether anything here was ever said to be derived from something."""
        ...

    def derived(self, object_rows: Iterable[int]) -> frozenset[int]:
        """Return those of these objects that a relationship in force says were derived from others."""
        ...

    def origins(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Return what these were derived from, as relationships in force say: id to ids."""
        ...
