"""Where origins contradict one another: both sides are kept and shown, none is averaged away.

    found = find_contradictions(positions)
    is_contested(found)   # no automatic action; ask both origins

Typed: polarity (malicious or benign), attribution, time, marking, retraction. A contradiction is *open*, and makes the
claim contested, if somebody who may open it stands on its later side: ourselves, a party whose keys a person verified,
or the origin of the claim. What strangers say is shown, and opens nothing: else anybody could stop any action.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

ContradictionKind = Literal["polarity", "attribution", "time", "marking", "retraction"]
Polarity = Literal["malicious", "benign"]

MAX_SIDES: Final = 16
"""Sides of one contradiction that are told; the rest is counted."""


class Position(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one origin says about the claim; None and empty: nothing on that."""

    key: str
    """The report, opinion or statement that says so."""
    origin: str
    """Name of its independent origin (`Origin.name`)."""
    may_open: bool
    """It is ours, of a verified party, or of the claim's own origin."""
    polarity: Polarity | None = None
    attributed_to: str = ""
    """The actor, under one name for one actor."""
    seen_from: datetime | None = None
    seen_until: datetime | None = None
    """Exclusive."""
    marking: str = ""
    """TLP label; compared only among positions about the same content."""
    content: bytes = b""
    """SHA-256 of the JCS form of the object."""
    is_retraction: bool = False
    """Its own origin takes it back."""


class Side(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One side of a contradiction."""

    says: str
    origins: tuple[str, ...]
    keys: tuple[str, ...]


class Contradiction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Two or more positions that cannot all be right."""

    kind: ContradictionKind
    sides: tuple[Side, ...]
    """At least two, in a fixed order."""
    is_open: bool
    more_sides: int = 0


def find_contradictions(positions: Iterable[Position]) -> list[Contradiction]:
    """Find what cannot all be right, in a fixed order; at most one contradiction of a kind.

    Args:
        positions: of one claim, in any order. One origin that says both is its own contradiction.
    """
    ordered = sorted(positions, key=lambda one: (one.origin, one.key))
    active = [one for one in ordered if not one.is_retraction]
    found = [
        _differing("retraction", ordered, _retraction) if active and len(active) < len(ordered) else None,
        _differing("polarity", active, lambda one: one.polarity),
        _differing("attribution", active, lambda one: one.attributed_to.casefold() or None),
        _disjoint(active),
        _marked(active),
    ]
    return [one for one in found if one is not None]


def is_contested(found: Iterable[Contradiction]) -> bool:
    """Whether a contradiction is open that says the claim itself may be wrong: nothing acts on it by itself.

    Attribution, time and marking are shown and asked about; they do not make what was seen less malicious.
    """
    return any(one.is_open and one.kind in {"polarity", "retraction"} for one in found)


def _retraction(position: Position) -> str:
    return "taken back" if position.is_retraction else "upheld"


def _differing(
    kind: ContradictionKind, positions: Sequence[Position], says: Callable[[Position], Hashable | None]
) -> Contradiction | None:
    """Return the contradiction of those who say something else on one matter."""
    sides: dict[Hashable, list[Position]] = {}
    for position in positions:
        said = says(position)
        if said is not None:
            sides.setdefault(said, []).append(position)
    return _contradiction(kind, {str(said): several for said, several in sides.items()})


def _disjoint(positions: Sequence[Position]) -> Contradiction | None:
    """Return the contradiction of times that do not meet: who saw it last before another saw it first."""
    timed = [one for one in positions if one.seen_from is not None and one.seen_until is not None]
    if len(timed) < 2:
        return None
    ends_first = min(one.seen_until for one in timed if one.seen_until is not None)
    sides: dict[str, list[Position]] = {}
    for one in timed:
        is_later = one.seen_from is not None and one.seen_from >= ends_first
        sides.setdefault(f"from {ends_first:%Y-%m-%d} on" if is_later else "before", []).append(one)
    return _contradiction("time", sides)


def _marked(positions: Sequence[Position]) -> Contradiction | None:
    """Return the contradiction of markings of the same content."""
    by_content: dict[bytes, list[Position]] = {}
    for position in positions:
        if position.content and position.marking:
            by_content.setdefault(position.content, []).append(position)
    for _, several in sorted(by_content.items()):
        found = _differing("marking", several, lambda one: one.marking)
        if found is not None:
            return found
    return None


def _contradiction(kind: ContradictionKind, sides: dict[str, list[Position]]) -> Contradiction | None:
    if len(sides) < 2:
        return None
    told = [
        Side(
            says=says,
            origins=tuple(dict.fromkeys(one.origin for one in several)),
            keys=tuple(one.key for one in several),
        )
        for says, several in sorted(sides.items())
    ]
    opening = {says for says, several in sides.items() if any(one.may_open for one in several)}
    doubt = {"polarity": "benign", "retraction": "taken back"}.get(kind)
    is_open = len(opening) >= 2 if doubt is None else doubt in opening
    return Contradiction(
        kind=kind, sides=tuple(told[:MAX_SIDES]), is_open=is_open, more_sides=max(0, len(told) - MAX_SIDES)
    )
