"""What of a collection a caller may see: the policy asked once for a class, and for an object only where it depends on it.

The answers for classes are kept until something changes that they depend on: a new class, a batch that came or went (its
markings may define others), the policy, an embargo that ends, the caller's rights. Who asks for a page asks inside one
snapshot of the store, so that no class is missing that the page meets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple, Protocol, TypeVar

from msgspec.structs import replace

from backchannel.clock import Clock, FixedClock
from backchannel.desk.access import Access, Caller
from backchannel.desk.defining import meaning
from backchannel.desk.node import Node
from backchannel.desk.policy_file import InForce, in_force
from backchannel.desk.weighing import To, Weighing, source_word, to_party
from backchannel.policy.decide import Decision, Policy, Request, decide
from backchannel.stix.markings import UNMARKED, Tlp
from backchannel.store.exchange import ClassRow, Definition
from backchannel.store.interface import Store

MAX_KEPT: Final = 1_024
"""Most answers kept in memory: one for each collection and party that asks."""
LOT: Final = 1_000
"""Objects that are looked at together."""


class _Placed(Protocol):
    @property
    def object_row(self) -> int: ...

    @property
    def class_row(self) -> int: ...


_P = TypeVar("_P", bound=_Placed)


class Classes(NamedTuple):
    """What the policy says of the classes of a collection, for one caller."""

    seen: Mapping[int, ClassRow]
    """Those of which the caller may see some or all, by their rows."""
    unsure: frozenset[int]
    """Those among them whose objects are looked at one by one."""
    requests: Mapping[int, Request]
    """What was asked about each class."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What of a collection a caller may see, inside one snapshot of the store."""

    node: Node
    clock: Clock
    to: To
    force: InForce
    kinds: Classes
    looks_at_origins: bool
    """Whether objects may be derived from others, so that their classes do not tell all."""

    @property
    def classes(self) -> Mapping[int, ClassRow]:
        """The classes of which the caller may see some or all."""
        return self.kinds.seen

    @property
    def free(self) -> frozenset[int]:
        """The classes of which nothing is hidden from the caller."""
        return frozenset() if self.looks_at_origins else frozenset(self.kinds.seen.keys() - self.kinds.unsure)

    @property
    def mark(self) -> tuple[object, ...]:
        """What is equal only as long as the same is seen, as far as the policy and the time decide."""
        return (self.force.policy.version, embargoes_over(self.force.policy, self.clock.now()), self.to)

    def visible(self, found: Sequence[_P]) -> list[_P]:
        """Return what of `found` the caller may see, in its order."""
        seen, unsure = self.kinds.seen, self.kinds.unsure
        listed = [one for one in found if one.class_row in seen]
        rows = {one.object_row for one in listed if one.class_row in unsure}
        if self.looks_at_origins:
            rows |= self.node.store.derivations.derived([one.object_row for one in listed])
        if not rows:
            return listed
        decided = self.decided([one for one in listed if one.object_row in rows])
        return [one for one in listed if one.object_row not in rows or decided[one.object_row].allowed]

    def walk(self, places: Iterable[_P]) -> Iterator[_P]:
        """Yield what of `places` the caller may see."""
        iterator = iter(places)
        while lot := list(islice(iterator, LOT)):
            yield from self.visible(lot)

    def decided(self, found: Sequence[_P]) -> dict[int, Decision]:
        """Return what the policy says of each object, whichever its class."""
        kept = self.node.store.collected.kept([one.object_row for one in found])
        classes = {one.object_row: one.class_row for one in found}
        asked = self.kinds.requests
        requests = {row: replace(asked[classes[row]], now=self.clock.now()) for row in kept}
        weighing = Weighing(self.node, self.clock, self.to, self.force)
        return weighing.decisions(list(kept.values()), requests)


def sight(
    node: Node,
    caller: Caller,
    right: Access,
    *,
    now: datetime,
    purpose: str = "taxii",
    policy: Policy | None = None,
) -> Sight:
    """Return what of a collection a caller may see; the node keeps the answer for its classes.

    Args:
        node: the open node.
        caller: who asks.
        right: what it may do in the collection.
        now: the present.
        purpose: by which way it goes.
        policy: another than the one in force.

    Raises:
        BrokenPolicyError: the policy cannot be read.
    """
    force = in_force(node) if policy is None else InForce(policy, None)
    to = to_party(
        node, caller.party, purpose, is_named_reader=right.is_named_reader, collection_allows=right.can_read
    )
    kept = node.allowed
    key = (
        right.collection.collection_row,
        to,
        force.policy.version,
        embargoes_over(force.policy, now),
        node.store.collected.generation(),
    )
    kinds = kept.get(key)
    if kinds is None:
        requests = _requests(node, to, right, now)
        decided = {row: decide(asked, force.policy) for row, (_, asked) in requests.items()}
        kinds = Classes(
            {row: requests[row][0] for row, one in decided.items() if one.allowed or one.depends},
            frozenset(row for row, one in decided.items() if one.depends),
            {row: asked for row, (_, asked) in requests.items()},
        )
        if len(kept) >= MAX_KEPT:
            kept.clear()
        kept[key] = kinds
    return Sight(node, FixedClock(now), to, force, kinds, node.store.derivations.any())


def decisions(
    node: Node, caller: Caller, right: Access, *, now: datetime, purpose: str = "taxii"
) -> list[tuple[ClassRow, Decision]]:
    """Return every class of a collection with what the policy says of it to a caller.

    Raises:
        BrokenPolicyError: the policy cannot be read.
    """
    to = to_party(
        node, caller.party, purpose, is_named_reader=right.is_named_reader, collection_allows=right.can_read
    )
    policy = in_force(node).policy
    return [(kind, decide(asked, policy)) for kind, asked in _requests(node, to, right, now).values()]


def embargoes_over(policy: Policy, now: datetime) -> tuple[bool, ...]:
    """Return which embargoes have ended."""
    return tuple(now >= one.until for one in policy.embargoes)


def _requests(node: Node, to: To, right: Access, now: datetime) -> dict[int, tuple[ClassRow, Request]]:
    classes = node.store.collected.classes(right.collection.collection_row)
    tlps = _tlps(node.store, classes)
    return {kind.class_row: (kind, _request(node, to, kind, tlps[kind.class_row], now)) for kind in classes}


def _request(node: Node, to: To, kind: ClassRow, tlp: Tlp, now: datetime) -> Request:
    party = to.party
    return Request(
        tlp=tlp,
        recipient=party.party_id if party else None,
        recipient_is_source=party is not None and party.party_row == kind.party_row,
        recipient_is_ourselves=party is not None and party.is_self,
        collection_allows=to.collection_allows,
        standing=to.standing,
        is_named_reader=to.is_named_reader,
        purpose=to.purpose,
        now=now,
        names=to.names,
        type=kind.type,
        spec_version=kind.spec_version,
        source=source_word(node, node.store.parties.name_of(kind.party_row)),
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
        tlp = meaning(definitions.get(ref, ()), kind.party_row)
        if tlp is not None:
            found.append(tlp)
    if found:
        return max(found, key=lambda tlp: tlp.strictness)
    return Tlp(kind.default_tlp) if kind.default_tlp else UNMARKED
