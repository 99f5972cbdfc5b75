"""On which signed way an object goes on from here: the chain that it came by, judged, with the proofs for each step."""

from __future__ import annotations

from dataclasses import dataclass, field

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.provenance import known_at
from backchannel.provenance.chain import MAX_LINKS, trace
from backchannel.provenance.hops import Chain, Held, Link
from backchannel.provenance.leaves import Leaves, Proof, grow
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

    def best(self, kept: Kept, marking: Tlp) -> Way | None:
        """Return the best way of an object: proven before unproven, short before long. None: no statement came with it.

        Args:
            kept: the object.
            marking: how far it may go by itself.
        """
        found = self.node.store.statements.about(kept.digest, kinds=("origin", "relay"), at_most=200)
        followed = {about.statement.prev for about in found if about.statement.prev is not None}
        heads = [
            about for about in found if about.statement.digest not in followed and not about.statement.is_own
        ]
        ways = [self._way(head, kept, marking) for head in heads[:MAX_HEADS]]
        return min(ways, key=_worth, default=None)

    def proof(self, about: About) -> Proof | None:
        """Return what leads from an object to the root of a statement; None: the statement names it itself."""
        subject = about.subject
        if subject.leaf_index is None or subject.salt is None:
            return None
        if subject.path is not None:
            steps = [subject.path[at : at + 32].hex() for at in range(0, len(subject.path), 32)]
            return Proof(salt=subject.salt.hex(), i=subject.leaf_index, path=steps)
        return self._tree(about.statement.statement_row).proof(subject.leaf_index)

    def _way(self, head: About, kept: Kept, marking: Tlp) -> Way:
        abouts: list[About] = []
        about: About | None = head
        while about is not None and len(abouts) < MAX_LINKS:
            abouts.append(about)
            about = self._before(about)
        abouts.reverse()
        links = [
            Link(envelope=one.statement.envelope, digest=one.subject.object_digest, proof=self.proof(one))
            for one in abouts
        ]
        terms = Terms(now=self.clock.now(), me=None, seen=None, known_at=known_at(self.node.store))
        chain = trace(links, Held(digest=kept.digest, marking=marking), self.keys, terms)
        return Way(tuple(one.statement for one in abouts), tuple(abouts), chain)

    def _before(self, about: About) -> About | None:
        prev = about.statement.prev
        row = None if prev is None else self.node.store.statements.get(prev)
        if row is None:
            return None
        subject = self.node.store.statements.subject(row.statement_row, about.subject.object_digest)
        return None if subject is None else About(row, subject)

    def _tree(self, statement_row: int) -> Leaves:
        tree = self._trees.get(statement_row)
        if tree is None:
            rows = self.node.store.statements.subjects(statement_row, at_most=MAX_LEAVES)
            tree = grow([row.salt or b"" for row in rows], [row.object_digest for row in rows])
            self._trees[statement_row] = tree
        return tree


def _worth(way: Way) -> tuple[int, int]:
    return ("proven", "unproven", "refused").index(way.chain.state), len(way.statements)
