"""The chains of the objects in a drop: which statements are about them, whether they hold, and where each object stands.

Objects that came on one way are judged together: their signatures once, their proofs one by one. The drop is read
twice: to form the roots of its groups, and to judge its objects by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.desk.creators import Came, Creators, came
from backchannel.desk.node import Node
from backchannel.desk.permits import KeptPermits
from backchannel.desk.provenance import proof_subject
from backchannel.desk.verdicts import Verdicts
from backchannel.desk.widened import Widenings
from backchannel.drop.chunks import Salted
from backchannel.drop.links import Linked
from backchannel.drop.opening import Opened
from backchannel.ids import sha256
from backchannel.intake.received import Received
from backchannel.provenance.hops import Chain, Fault, Held, Link
from backchannel.provenance.leaves import SALT_BYTES, Proof, RunningRoot, leaf, proves
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import RootSubject, digest_text, open_envelope
from backchannel.provenance.verification import Keys, KnownKey, Terms
from backchannel.stix.findings import ALLOWED_LESS, Finding
from backchannel.stix.markings import Tlp, marked, tlp_defined, tlp_of
from backchannel.store.statements import Subject

PAGE_OBJECTS: Final = 500
PAGE_BYTES: Final = 8 * 2**20
"""Objects that are compared with what is held at once, and their size together, but for the last one."""
MAX_DEFINITIONS: Final = 10_000
"""Marking definitions of one drop that are read; what refers to further ones may be used once they are held."""
DIGEST_BYTES: Final = 32
_LEAF_BYTES: Final = DIGEST_BYTES + SALT_BYTES
_ALLOWS: Final = "whoever passed it on allows"
_DEFINITION: Final = b'"marking-definition"'


@dataclass(frozen=True, slots=True)
class Definition:
    """What one marking definition says."""

    tlp: Tlp | None
    """None: nothing about TLP."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What is signed about an object."""

    came: Came
    faults: tuple[str, ...] = ()
    """Why it may not be used yet."""


@dataclass(slots=True)
class _Group:
    """Objects that came on one way."""

    chain: tuple[str, ...]
    """Digests of its statements, the originator's first."""
    envelopes: tuple[bytes, ...]
    """Of the statements of its chain; empty for one that did not come along."""
    subjects: tuple[RootSubject | None, ...]
    """What each of them names, where that is a root."""
    whole: frozenset[str]
    """The statements whose root is the one over just these objects, as they stand in this drop."""
    leaves: bytearray = field(default_factory=bytearray)
    """Digest and salt of each object that was judged, one behind the other."""
    proven: dict[str, list[Subject]] = field(default_factory=dict)
    """By statement, where objects stand that came with a proof."""

    def note(self, digest: bytes, salt: bytes, proofs: Mapping[str, Proof]) -> None:
        """Keep where the next object stands."""
        self.leaves += digest + salt
        for name, proof in proofs.items():
            if name not in self.whole:
                self.proven.setdefault(name, []).append(proof_subject(digest, proof))

    def places(self, name: str) -> Iterator[Subject]:
        """Yield where its objects stand in a statement of its chain."""
        if name not in self.whole:
            yield from self.proven.get(name, ())
            return
        for index, at in enumerate(range(0, len(self.leaves), _LEAF_BYTES)):
            digest, salt = (
                self.leaves[at : at + DIGEST_BYTES],
                self.leaves[at + DIGEST_BYTES : at + _LEAF_BYTES],
            )
            yield Subject(bytes(digest), leaf_index=index, salt=bytes(salt))


class DropChains:
    """What is signed about the objects of one drop."""

    def __init__(
        self,
        node: Node,
        opened: Opened,
        envelopes: Mapping[str, bytes],
        sender: KnownKey,
        keys: Keys,
        terms: Terms,
        permits: KeptPermits,
    ) -> None:
        """Find out which statements are about which objects.

        Args:
            node: ours.
            opened: the drop.
            envelopes: the statements that came along, by their digests.
            sender: whose key signed the drop.
            keys: the pinned keys.
            terms: the present.
            permits: those that came along, and those that are kept.

        Raises:
            Rejected: `BAD_FORM`, `TOO_LARGE`: what the drop says of them cannot be read.
        """
        self._opened, self._envelopes = opened, envelopes
        self._sender, self._keys = sender, keys
        self._verdicts = Verdicts(keys, terms, permits)
        self._lacking = next((one for one in opened.release.permit if not permits.holds(one)), None)
        """The first permit that the drop names and that is not here, or does not hold."""
        self._creators = Creators(node, sender.party, keys, terms)
        self.refused: dict[Reason, None] = {}
        """For what reasons objects may not be used, as far as they were judged, in that order."""
        self._groups: dict[int, _Group] = {}
        self.widenings = Widenings(keys)
        self.floors: dict[bytes, Tlp] = {}
        """Digest of each object that may go less far than it says itself, by the chain on which it came."""
        self._store = node.store
        self._held: dict[str, Definition | None] = {}
        self._brought: dict[str, Definition] = {}
        self._find_groups()

    def objects(self) -> Iterator[tuple[Salted, tuple[str, ...]]]:
        """Yield each object in its order, with why it may not be used yet: nothing where all holds."""
        for page in _pages(self._pairs()):
            found = [self._judge(salted, linked, codec.decode(salted.jcs)) for salted, linked in page]
            others = self._creators.judge([None if one.faults else one.came for one in found])
            for (salted, _), one, reason in zip(page, found, others, strict=True):
                yield salted, one.faults if reason is None else self._faults([Fault(reason, 0)])

    def subjects(self) -> Iterator[tuple[str, Iterator[Subject]]]:
        """Yield, group by group, where its objects stand in each statement: once all of them were judged."""
        for group in self._groups.values():
            for name in group.chain:
                if name in self._envelopes:
                    yield name, group.places(name)

    def _find_groups(self) -> None:
        """Find out which statements are about just the objects of a line, by their root."""
        roots = RunningRoot()
        for number, (salted, linked) in enumerate(self._pairs()):
            self._note_definition(salted.jcs)
            group = linked.group
            if group is None:
                continue
            if number == group.first:
                roots = RunningRoot()
            roots.add(leaf(salted.salt, sha256(salted.jcs)))
            if number == group.first + group.n - 1:
                envelopes = tuple(self._envelopes.get(digest, b"") for digest in group.chain)
                subject = RootSubject(root=digest_text(roots.root()), n=group.n)
                named = tuple(map(_root_of, envelopes))
                whole = frozenset(
                    digest for digest, root in zip(group.chain, named, strict=True) if root == subject
                )
                self._groups[group.first] = _Group(group.chain, envelopes, named, whole)

    def _note_definition(self, jcs: bytes) -> None:
        """Remember what a marking definition says that comes along: it may stand behind what it marks."""
        if _DEFINITION not in jcs or len(self._brought) >= MAX_DEFINITIONS:
            return
        value = codec.decode(jcs)
        if value.get("type") == "marking-definition":
            stix_id, new = str(value["id"]), Definition(tlp_defined(value))
            if self._brought.setdefault(stix_id, new) != new:
                self._brought[stix_id] = Definition(Tlp.CLEAR)

    def _pairs(self) -> Iterator[tuple[Salted, Linked]]:
        return zip(self._opened.objects(), self._opened.links(), strict=True)

    def _judge(self, salted: Salted, linked: Linked, value: JsonObject) -> _Found:
        """Say what is signed about an object, and why it may not be used yet by that."""
        digest = sha256(salted.jcs)
        if linked.group is None:
            # Nobody signed more than that it was sent.
            return _Found(came(value, digest, None, is_signed=False))
        group = self._groups[linked.group.first]
        group.note(digest, salted.salt, linked.proofs)
        if not all(group.envelopes):
            missing = group.chain[group.envelopes.index(b"")]
            fault = Fault(Reason.BROKEN_CHAIN, 0, f"the statement {missing[:15]}… is missing")
            return _Found(came(value, digest, None), self._faults([fault]))
        marking = self._widest(value)
        chain = self._verdicts.of(
            linked.group.first,
            Held(digest=digest, marking=marking),
            lambda: _links(group, digest, linked.proofs),
            is_proven=_is_proven(group, digest, linked.proofs),
        )
        if chain.faults:
            chain = replace(chain, faults=tuple(map(self._named, chain.faults)))
        found = self._faults([*chain.faults, *self._not_from_sender(chain)])
        if chain.faults:
            self.widenings.note(chain, str(value["id"]), str(value.get("modified", "")), digest)
        if not found and chain.marking is not None and chain.marking.strictness > marking.strictness:
            # What is held already stays in use, and goes no further; what is new waits for a person.
            self.floors[digest] = chain.marking
            found = (f"{_ALLOWS} {chain.marking.label} at most, and it says {marking.label} of itself",)
        return _Found(came(value, digest, self._originator(chain)), found)

    def _named(self, fault: Fault) -> Fault:
        """Say of a marking that was widened by a permit which is not here that the permit is missing."""
        if fault.reason is not Reason.DOWNGRADED_MARKING or self._lacking is None:
            return fault
        detail = f"{fault.detail}: the permit {self._lacking[:15]}… is missing or does not hold"
        return Fault(Reason.NO_PERMIT, fault.hop, detail)

    def _originator(self, chain: Chain) -> str | None:
        """Return the party whose origin stands behind an object, in plain sight and with nothing hidden after it."""
        first = chain.hops[0]
        if first.kind != "origin" or any(hop.kind == "undisclosed" for hop in chain.hops):
            return None
        signer = self._keys(first.kid or "")
        return None if signer is None or first.signature != "good" else signer.party

    def _widest(self, value: JsonObject) -> Tlp:
        """Return how far an object may ever be taken to go.

        A marking that nobody defined yet counts as TLP:RED where something leaves, so here it counts as
        TLP:CLEAR: whoever relays could define it afterwards, as wide as they like.
        """
        own, refs = marked(value)
        if own is not None:
            return own
        known = {ref: self._defined(ref) for ref in refs}
        return tlp_of(value, default=self._opened.release.tlp_max, known=known)

    def _defined(self, ref: str) -> Tlp | None:
        """Return what a marking definition says, of those held here and brought along; TLP:CLEAR where they differ."""
        if ref not in self._held:
            if len(self._held) >= MAX_DEFINITIONS:  # a drop may name another marking with each object
                self._held.clear()
            kept = self._store.objects.current(ref)
            self._held[ref] = None if kept is None else Definition(tlp_defined(codec.decode(kept.body)))
        found = [one for one in (self._held[ref], self._brought.get(ref)) if one is not None]
        labels = {one.tlp for one in found}
        return labels.pop() if len(labels) == 1 else Tlp.CLEAR

    def _faults(self, faults: Sequence[Fault]) -> tuple[str, ...]:
        self.refused |= dict.fromkeys(fault.reason for fault in faults)
        return tuple(_spoken(fault) for fault in faults)

    def _not_from_sender(self, chain: Chain) -> tuple[Fault, ...]:
        """The last who speaks must be who sent the drop."""
        last = chain.hops[-1]
        signer = self._keys(last.kid or "")
        if chain.faults or (signer is not None and signer.party == self._sender.party):
            return ()
        detail = "the last statement is not of the party that sent the drop"
        return (Fault(Reason.BROKEN_CHAIN, len(chain.hops) - 1, detail),)


def _pages(pairs: Iterable[tuple[Salted, Linked]]) -> Iterator[list[tuple[Salted, Linked]]]:
    page: list[tuple[Salted, Linked]] = []
    size = 0
    for pair in pairs:
        page.append(pair)
        size += len(pair[0].jcs)
        if len(page) == PAGE_OBJECTS or size >= PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def _links(group: _Group, digest: bytes, proofs: Mapping[str, Proof]) -> list[Link]:
    """Return the chain of one object of a group."""
    return [
        Link(envelope=envelope, digest=digest, proof=proofs.get(name), is_within=name in group.whole)
        for name, envelope in zip(group.chain, group.envelopes, strict=True)
    ]


def _is_proven(group: _Group, digest: bytes, proofs: Mapping[str, Proof]) -> bool:
    """Whether the object's proofs hold, so that what was found of its neighbours holds for it."""
    for name, subject in zip(group.chain, group.subjects, strict=True):
        if subject is None:
            return False
        if name in group.whole:
            continue
        proof = proofs.get(name)
        if proof is None or not proves(proof, digest, subject):
            return False
    return True


def _root_of(envelope: bytes) -> RootSubject | None:
    """Return the root that a statement names, if it came along and names one."""
    subject = open_envelope(envelope).statement.subject if envelope else None
    return subject if isinstance(subject, RootSubject) else None


def finding(item: Received, what: str) -> Finding:
    """Return what keeps an object in quarantine, of what `DropChains.objects` says of it."""
    clause = ALLOWED_LESS if what.startswith(_ALLOWS) else "docs/reference/reasons.md"
    return Finding("quarantine", item.raw.header.id, item.place, what, clause)


def _spoken(fault: Fault) -> str:
    return f"{fault.reason}: {fault.reason.meaning}" + (f" ({fault.detail})" if fault.detail else "")
