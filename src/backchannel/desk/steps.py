"""The statements behind an object, followed back through the store, and where the object stands in each of them.

The one walk back: what is shown of an object, what goes on with it and what is judged of it read the same steps.
Trees and rows that objects share are formed and read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from backchannel.ids import StixId
from backchannel.provenance.chain import MAX_LINKS
from backchannel.provenance.leaves import Leaves, Proof, grow, leaf, proves
from backchannel.provenance.statement import RootSubject, open_envelope
from backchannel.store.interface import Store
from backchannel.store.statements import About, StatementRow, Subject

KINDS: Final = ("origin", "relay")
"""Statements that a way is made of."""
MAX_HEADS: Final = 20
"""Ways of one object that are followed: more than so many relays of one claim tell nothing new."""
MAX_NAMED: Final = 200
"""Objects of one statement among which one is looked for by its id."""
MAX_LEAVES: Final = 1_000_000
_NONE_READ: Final[Mapping[bytes, About]] = MappingProxyType({})


def heads(found: Sequence[About], *, with_own: bool = True) -> list[About]:
    """Return the last statement of each way: one that no other about the object names as the one before it.

    Args:
        found: the origins and relays about an object.
        with_own: whether our own statements count; else the ways end where they reached us.
    """
    counted = [about for about in found if with_own or not about.statement.is_own]
    followed = {about.statement.prev for about in counted}
    return [about for about in counted if about.statement.digest not in followed][:MAX_HEADS]


@dataclass(slots=True)
class Steps:
    """Walks back, and proves each step."""

    store: Store
    _rows: dict[bytes, StatementRow | None] = field(default_factory=dict)
    _trees: dict[int, Leaves] = field(default_factory=dict)
    _roots: dict[int, RootSubject | None] = field(default_factory=dict)

    def back(
        self, head: About, stix_id: StixId, *, read: Mapping[bytes, About] = _NONE_READ
    ) -> tuple[About, ...]:
        """Return the statements of a way, the originator's first: at most one more than a chain may have.

        Args:
            head: the last one.
            stix_id: of the object: what finds it in a statement about another content of it.
            read: statements about the object that were read before, by their digests.
        """
        steps: list[About] = []
        about: About | None = head
        while about is not None and len(steps) <= MAX_LINKS:
            steps.append(about)
            prev = about.statement.prev
            about = None if prev is None else read.get(prev) or self._before(prev, about, stix_id)
        return tuple(reversed(steps))

    def proof(self, about: About) -> Proof | None:
        """Return what leads from an object to the root of a statement.

        None: the statement names the object itself, or not all leaves of its root are here.
        """
        subject = about.subject
        if subject.leaf_index is None or subject.salt is None:
            return None
        if subject.path is not None:
            steps = [subject.path[at : at + 32].hex() for at in range(0, len(subject.path), 32)]
            return Proof(salt=subject.salt.hex(), i=subject.leaf_index, path=steps)
        leaves = self._tree(about.statement.statement_row)
        return leaves.proof(subject.leaf_index) if subject.leaf_index < len(leaves.salts) else None

    def are_proven(self, steps: Iterable[About], digest: bytes) -> bool:
        """Whether an object is under the root of each statement, unchanged: then it differs in nothing from others there."""
        return all(about.subject.object_digest == digest and self._is_proven(about) for about in steps)

    def _before(self, prev: bytes, after: About, stix_id: StixId) -> About | None:
        """Return the statement before, and the object as it was there."""
        if prev not in self._rows:
            self._rows[prev] = self.store.statements.get(prev)
        row = self._rows[prev]
        if row is None:
            return None
        subject = self.store.statements.subject(row.statement_row, after.subject.object_digest)
        return About(row, subject or self._by_id(row, stix_id) or after.subject)

    def _by_id(self, row: StatementRow, stix_id: StixId) -> Subject | None:
        """Return what a statement says of the object where its content was another."""
        named = self.store.statements.subjects(row.statement_row, at_most=MAX_NAMED)
        if len(named) == 1:
            return named[0]
        return next((subject for subject in named if subject.stix_id == stix_id), None)

    def _is_proven(self, about: About) -> bool:
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
            rows = self.store.statements.subjects(statement_row, at_most=MAX_LEAVES)
            tree = grow([row.salt or b"" for row in rows], [row.object_digest for row in rows])
            self._trees[statement_row] = tree
        return tree
