"""Find the tear-lines of objects: what their own originator cleared to be handed on where they may not go.

A tear-line is tied to the object by a `derived-from` relationship that leads from it to the object (STIX 2.1 §3.7). The
originator has to be proven, and the same, of all three: an object that anybody could name its tear-line would let
whatever they like go as if its originator had cleared it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.originators import Originators
from backchannel.store.derivations import Derivation
from backchannel.store.rows import Kept

MAX_CANDIDATES: Final = 1_000
"""Objects that are said to be derived from one, of which it is found out whether they are its tear-lines: the newest."""
MAX_TEAR_LINES: Final = 20
"""Tear-lines of one object that are asked about, the newest."""
MAX_AT_ONCE: Final = 20_000
"""Objects derived from others that are looked at for one answer. What lies beyond is no tear-line."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """A tear-line, and the relationship that says of what."""

    kept: Kept
    relationship: Kept


@dataclass(frozen=True, slots=True)
class Found:
    """The tear-lines of one object."""

    cleared: tuple[Cleared, ...]
    why_none: str
    """Why what was derived from it is none; "": nothing was."""


class TearLines:
    """Tells tear-lines from what anybody else calls one."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._store = node.store
        self._originators = Originators(node, clock)

    def of(self, objects: Sequence[Kept]) -> dict[int, Found]:
        """Return the tear-lines of objects, by their rows; of each the newest first."""
        left, said = MAX_AT_ONCE, dict[int, list[Derivation]]()
        for one in objects:
            rows = self._store.derivations.derived_from(one.stix_id, at_most=min(MAX_CANDIDATES, left))
            said[one.object_row] = [row for row in rows if row.derived != one.stix_id]
            left -= len(rows)
        every = [row for rows in said.values() for row in rows]
        relationships = self._store.collected.kept({row.relationship_row for row in every})
        derived = self._store.objects.currents({row.derived for row in every})
        ties = {
            one.object_row: [
                _Tie(derived[row.derived], relationships[row.relationship_row], one)
                for row in said[one.object_row]
                if row.derived in derived
            ]
            for one in objects
        }
        proven = self._proven(tie for some in ties.values() for tie in some)
        return {row: _found(some, proven) for row, some in ties.items()}

    def cleared_from(self, derived: Sequence[Kept]) -> dict[int, list[Kept]]:
        """Return of what each object is a tear-line, by its row; what is none of anything is left out.

        Where somebody else says as well that it was derived from an object, it is not its originator alone who says how
        the two are tied: so of that one it is none.
        """
        current = self._store.objects.currents([one.stix_id for one in derived])
        rows = self._said_of(current)
        relationships = self._store.collected.kept({row.relationship_row for row in rows})
        origins = self._store.objects.currents({row.origin for row in rows})
        ties = [
            _Tie(current[row.derived], relationships[row.relationship_row], origins[row.origin])
            for row in rows
            if row.origin in origins and row.origin != row.derived
        ]
        proven = self._proven(ties)
        faulty = {tie.pair for tie in ties if _fault(tie, proven)}
        found: dict[int, dict[int, Kept]] = {}
        for tie in ties:
            if tie.pair not in faulty:
                found.setdefault(tie.derived.object_row, {})[tie.origin.object_row] = tie.origin
        asked = {one.object_row for one in derived}
        return {row: list(some.values()) for row, some in found.items() if row in asked}

    def _said_of(self, ids: Iterable[str]) -> list[Derivation]:
        """Return what these are said to be derived from; one of which too much is said is left out, and none beside it."""
        found: list[Derivation] = []
        for one in ids:
            rows = self._store.derivations.said_of(one, at_most=MAX_CANDIDATES + 1)
            if len(rows) <= MAX_CANDIDATES and len(found) + len(rows) <= MAX_AT_ONCE:
                found += rows
        return found

    def _proven(self, ties: Iterable[_Tie]) -> Mapping[int, str | None]:
        """Return the originators of what one maker is named for: of others it decides nothing."""
        alike = [tie for tie in ties if tie.is_by_one_maker]
        asked = {one.object_row: one for tie in alike for one in (tie.derived, tie.relationship, tie.origin)}
        return self._originators.of(list(asked.values()))


@dataclass(frozen=True, slots=True)
class _Tie:
    """One relationship that says that an object was derived from another."""

    derived: Kept
    relationship: Kept
    origin: Kept

    @property
    def pair(self) -> tuple[int, int]:
        return self.derived.object_row, self.origin.object_row

    @property
    def is_by_one_maker(self) -> bool:
        maker = self.origin.created_by_ref
        return self.derived.created_by_ref == maker and self.relationship.created_by_ref == maker


def _found(ties: Sequence[_Tie], proven: Mapping[int, str | None]) -> Found:
    faults = [_fault(tie, proven) for tie in ties]
    cleared = [
        Cleared(tie.derived, tie.relationship) for tie, fault in zip(ties, faults, strict=True) if not fault
    ]
    if cleared or not ties:
        return Found(tuple(cleared[:MAX_TEAR_LINES]), "")
    newest, why = ties[0].derived.stix_id, faults[0]
    return Found((), f"{newest} is no tear-line of it: {why}; ask its originator for one of its own")


def _fault(tie: _Tie, proven: Mapping[int, str | None]) -> str:
    """Return why an object is no tear-line; "": it is one."""
    if tie.derived.revoked:
        return "it is revoked"
    if not tie.is_by_one_maker:
        return "it, the relationship and what it was derived from do not name the same maker (created_by_ref)"
    originator = proven[tie.origin.object_row]
    if originator is None:
        return "who said first what it was derived from is not proven"
    if proven[tie.derived.object_row] != originator:
        return "that the same originator said it is not proven"
    if proven[tie.relationship.object_row] != originator:
        return "that the same originator tied the two together is not proven"
    return ""
