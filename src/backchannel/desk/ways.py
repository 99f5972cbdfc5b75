"""On which signed way an object goes on from here: the chain that it came by, judged, with the proofs for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.provenance import known_at, subject_proof
from backchannel.provenance.chain import MAX_LINKS, trace
from backchannel.provenance.hops import Chain, Held, Link
from backchannel.provenance.leaves import Leaves, Proof, grow, leaf, proves
from backchannel.provenance.statement import RootSubject, open_envelope
from backchannel.provenance.verification import Keys, Terms
from backchannel.stix.markings import Tlp
from backchannel.store.rows import Kept
from backchannel.store.statements import About, StatementRow

MAX_HEADS = 20
"""Ways of one object that are looked at."""
MAX_LEAVES = 1_000_000


@dataclass(frozen=True, slots=True)
class Way:
    """One way of an object, as it was judged when it was asked for."""

    statements: tuple[StatementRow, ...]
    """The originator's first."""
    abouts: tuple[About, ...]
    """Where the object stands in each of them."""
    chain: Chain

    @property
    def key(self) -> tuple[bytes, ...]:
        """What objects that came on the same way share."""
        return tuple(row.digest for row in self.statements)


@dataclass(slots=True)
class Ways:
    """The ways of many objects; trees and chains that they share are formed once."""

    node: Node
    clock: Clock
    keys: Keys
    _trees: dict[int, Leaves] = field(default_factory=dict)
    _roots: dict[int, RootSubject | None] = field(default_factory=dict)
    _judged: dict[tuple[tuple[int, ...], Tlp], Chain] = field(default_factory=dict)

    def best(self, kept: Kept, marking: Tlp, found: Sequence[About]) -> Way | None:
        """Return the best way of an object: proven before unproven, short before long. None: no statement came with it.

        Args:
            kept: the object.
            marking: how far it may go by itself.
            found: the origins and relays that are about it (`Statements.abouts`).
        """
        by_digest = {about.statement.digest: about for about in found}
        followed = {about.statement.prev for about in found}
        heads = [
            about for about in found if about.statement.digest not in followed and not about.statement.is_own
        ]
        ways = [self._way(head, by_digest, kept, marking) for head in heads[:MAX_HEADS]]
        return min(ways, key=_worth, default=None)

    def proof(self, about: About) -> Proof | None:
        """Return what leads from an object to the root of a statement; None: the statement names it itself."""
        return subject_proof(about.subject, lambda: self._tree(about.statement.statement_row))

    def _way(self, head: About, by_digest: Mapping[bytes, About], kept: Kept, marking: Tlp) -> Way:
        abouts: list[About] = []
        about: About | None = head
        while about is not None and len(abouts) < MAX_LINKS:
            abouts.append(about)
            about = None if about.statement.prev is None else by_digest.get(about.statement.prev)
        abouts.reverse()
        return Way(tuple(one.statement for one in abouts), tuple(abouts), self._chain(abouts, kept, marking))

    def _chain(self, abouts: Sequence[About], kept: Kept, marking: Tlp) -> Chain:
        """Judge a way: once for all objects of one marking that are proven to have come on it."""
        key = (tuple(one.statement.statement_row for one in abouts), marking)
        is_proven = all(map(self._is_proven, abouts))
        if is_proven and key in self._judged:
            return self._judged[key]
        links = [
            Link(envelope=one.statement.envelope, digest=one.subject.object_digest, proof=self.proof(one))
            for one in abouts
        ]
        terms = Terms(now=self.clock.now(), me=None, seen=None, known_at=known_at(self.node.store))
        chain = trace(links, Held(digest=kept.digest, marking=marking), self.keys, terms)
        if is_proven:
            self._judged[key] = chain
        return chain

    def _is_proven(self, about: About) -> bool:
        """Whether an object is under the root that a statement names, so that it differs from others there in nothing."""
        root, subject = self._root(about.statement), about.subject
        if root is None or subject.leaf_index is None or subject.salt is None:
            return False
        if subject.path is not None:
            proof = self.proof(about)
            return proof is not None and proves(proof, subject.object_digest, root)
        tree = self._tree(about.statement.statement_row)
        is_there = tree.holds(subject.leaf_index, leaf(subject.salt, subject.object_digest))
        return is_there and tree.subject == root

    def _root(self, statement: StatementRow) -> RootSubject | None:
        if statement.statement_row not in self._roots:
            subject = open_envelope(statement.envelope).statement.subject
            self._roots[statement.statement_row] = subject if isinstance(subject, RootSubject) else None
        return self._roots[statement.statement_row]

    def _tree(self, statement_row: int) -> Leaves:
        tree = self._trees.get(statement_row)
        if tree is None:
            rows = self.node.store.statements.subjects(statement_row, at_most=MAX_LEAVES)
            tree = grow([row.salt or b"" for row in rows], [row.object_digest for row in rows])
            self._trees[statement_row] = tree
        return tree


def _worth(way: Way) -> tuple[int, int]:
    return ("proven", "unproven", "refused").index(way.chain.state), len(way.statements)
