"""Which classes of a collection a caller may see: the policy asked once for a class, not for each object.

The answers are kept until something changes that they depend on: a new class, a batch that came or went (its
markings may define others), the policy, the caller's rights. Who asks for a page asks inside one snapshot of
the store, so that no class is missing that the page meets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from backchannel import codec
from backchannel.desk.access import Access, Caller
from backchannel.desk.node import Node
from backchannel.policy.decide import DEFAULT_POLICY, Decision, Policy, Request, decide
from backchannel.stix.markings import UNMARKED, Tlp, tlp_defined
from backchannel.store.exchange import ClassRow, Definition
from backchannel.store.interface import Store

MAX_KEPT: Final = 1_024
"""Most answers kept in memory: one for each collection and party that asks."""


def allowed(
    node: Node, caller: Caller, right: Access, *, now: datetime, policy: Policy = DEFAULT_POLICY
) -> Mapping[int, ClassRow]:
    """Return the classes of a collection that a caller may see, by their rows; the node keeps the answer."""
    store, kept = node.store, node.allowed
    collection_row = right.collection.collection_row
    party_row = caller.party.party_row if caller.party else None
    key = (
        collection_row,
        party_row,
        right.can_read,
        right.is_named_reader,
        policy,
        store.collected.generation(),
    )
    found = kept.get(key)
    if found is None:
        decided = decisions(store, caller, right, now=now, policy=policy)
        found = {kind.class_row: kind for kind, decision in decided if decision.allowed}
        if len(kept) >= MAX_KEPT:
            kept.clear()
        kept[key] = found
    return found


def decisions(
    store: Store, caller: Caller, right: Access, *, now: datetime, policy: Policy = DEFAULT_POLICY
) -> list[tuple[ClassRow, Decision]]:
    """Return every class of a collection with what the policy says of it to a caller."""
    classes = store.collected.classes(right.collection.collection_row)
    tlps = _tlps(store, classes)
    return [
        (kind, decide(_request(caller, right, kind, tlps[kind.class_row], now), policy)) for kind in classes
    ]


def _request(caller: Caller, right: Access, kind: ClassRow, tlp: Tlp, now: datetime) -> Request:
    party = caller.party
    return Request(
        tlp=tlp,
        recipient=party.party_id if party else None,
        recipient_is_source=party is not None and party.party_row == kind.party_row,
        recipient_is_ourselves=party is not None and party.is_self,
        collection_allows=right.can_read,
        is_named_reader=right.is_named_reader,
        now=now,
    )


def _tlps(store: Store, classes: Iterable[ClassRow]) -> dict[int, Tlp]:
    """Return how far the objects of each class may go."""
    wanted = {ref for kind in classes if kind.marked_by for ref in kind.marked_by.split("\n")}
    definitions: dict[str, list[Definition]] = {}
    for definition in store.collected.definitions(wanted) if wanted else ():
        definitions.setdefault(definition.stix_id, []).append(definition)
    return {kind.class_row: _tlp(kind, definitions) for kind in classes}


def _tlp(kind: ClassRow, definitions: Mapping[str, list[Definition]]) -> Tlp:
    found = [Tlp(kind.tlp)] if kind.tlp else []
    for ref in kind.marked_by.split("\n") if kind.marked_by else ():
        # Only who sent the object, or we ourselves, may say what its markings mean.
        by_right = [
            tlp_defined(codec.decode(one.body))
            for one in definitions.get(ref, ())
            if one.is_self or one.party_row in {0, kind.party_row}
        ]
        found += [tlp for tlp in by_right if tlp is not None]
        if not by_right:
            found.append(Tlp.RED)
    if found:
        return max(found, key=lambda tlp: tlp.strictness)
    return Tlp(kind.default_tlp) if kind.default_tlp else UNMARKED
