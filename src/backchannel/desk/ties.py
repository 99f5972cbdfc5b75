"""What an object is tied to: by its own references, by relationships, and by those that refer to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.desk.redacted import referring
from backchannel.store.interface import Store
from backchannel.store.rows import Kept

MAX_INDICATORS_TIED = 1_000
"""Indicators looked up for one report or malware; a report of more is answered for the first of them."""
MAX_RELATIONSHIPS_FOLLOWED = 200
"""Relationships read to find the indicators of one object; keeps a page of much-cited ones quick."""

_TO_MARKINGS = ("object_marking_refs",)


class Tie(msgspec.Struct, frozen=True):
    """One object tied to another."""

    relation: str
    """`relationship_type`, or the property that refers."""
    direction: Literal["to", "from"]
    id: str


def ties(store: Store, kept: Kept, value: JsonObject, *, at_most: int) -> list[Tie]:
    """Return what `kept` is tied to, each once: its own references first, then those who refer to it, or to a form of it.

    Args:
        store: where the others are.
        kept: the object.
        value: its 2.1 form.
        at_most: most ties returned.
    """
    found: dict[Tie, None] = {}
    for name, target in own_references(value):
        if len(found) == at_most:
            return list(found)
        found[Tie(name, "to", target)] = None
    for name, other in store.objects.referring(kept.stix_id, properties=None, at_most=at_most):
        found[_tie(name, other)] = None
    for one in (
        referring(store, [kept.stix_id], properties=None, at_most=at_most) if store.redacted.any() else ()
    ):
        found[_tie(one.property, one.kept)] = None
    return list(found)[:at_most]


def own_references(value: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield (property, id) of what the object itself refers to: not its author, not its markings."""
    for name, target in value.items():
        if not name.endswith(("_ref", "_refs")) or name.endswith("_by_ref") or name in _TO_MARKINGS:
            continue
        for one in target if isinstance(target, list) else (target,):
            if isinstance(one, str) and "--" in one:
                yield name, one


def tied_indicators(store: Store, kept: Kept, value: JsonObject) -> tuple[str, ...]:
    """Return the indicators that stand for `kept`: itself, those it lists, those that indicate it."""
    if kept.type == "indicator":
        return (kept.stix_id,)
    found = dict.fromkeys(target for _, target in own_references(value) if target.startswith("indicator--"))
    pointing = store.objects.referring(
        kept.stix_id, properties=("target_ref",), at_most=MAX_RELATIONSHIPS_FOLLOWED
    )
    for _, other in pointing:
        source = codec.decode(other.body).get("source_ref")
        if isinstance(source, str) and source.startswith("indicator--"):
            found[source] = None
    return tuple(found)[:MAX_INDICATORS_TIED]


def relation_of(name: str, other: Kept) -> str:
    """Return in which relation `other`, which refers by the property `name`, stands to its target."""
    if other.type == "relationship":
        relation = codec.decode(other.body).get("relationship_type")
        return relation if isinstance(relation, str) else name
    return name


def _tie(name: str, other: Kept) -> Tie:
    """Look through a relationship to its other end; anything else that refers is itself the other end."""
    if other.type == "relationship" and name in {"source_ref", "target_ref"}:
        far = codec.decode(other.body).get("target_ref" if name == "source_ref" else "source_ref")
        if isinstance(far, str):
            return Tie(relation_of(name, other), "to" if name == "source_ref" else "from", far)
    return Tie(name, "from", other.stix_id)
