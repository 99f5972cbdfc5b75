"""What the desk asks of a store about the ledgers of others, and about who cosigned ours.

Times are RFC 3339 text, notes are C2SP signed notes as bytes.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

Way = Literal["drop", "taxii", "told"]
"""How a checkpoint came: the party showed it in a drop or a TAXII answer, or another party was shown it."""


class SeenRow(NamedTuple):
    """A checkpoint of a party's ledger that came."""

    party_row: int
    """Whose ledger."""
    origin: str
    size: int
    root: bytes
    note: bytes
    """With our cosignature, where we gave it."""
    is_cosigned: bool
    way: Way
    shown: str
    """Sorts what came by one way in the order in which the party showed it."""
    seen_at: str


class NewEvidence(NamedTuple):
    """Two checkpoints of one ledger that cannot both be true."""

    party_row: int
    told_by: int | None
    breach: str
    vkey: str
    first: bytes
    second: bytes
    other_root: bytes
    """Empty unless a proof shows that the larger does not begin with the smaller."""
    proof: bytes
    """Hashes, one behind the other."""
    seen_at: str


class EvidenceRow(NamedTuple):
    """Evidence that is kept."""

    evidence_row: int
    party: str
    told_by: str | None
    breach: str
    vkey: str
    first: bytes
    second: bytes
    other_root: bytes
    """Empty unless a proof shows that the larger does not begin with the smaller."""
    proof: bytes
    """Hashes, one behind the other."""
    seen_at: str


class Cosigned(NamedTuple):
    """A cosignature under one of our checkpoints."""

    party: str
    size: int
    stated_at: str


class Witness(Protocol):
    """Ledgers of others as we saw them, and ours as others saw it."""

    def newest(self, party_row: int, origin: str, *, is_cosigned: bool) -> SeenRow | None:
        """Return the largest checkpoint of a party's ledger: of those that we cosigned, or that it showed us itself."""
        ...

    def at_size(self, party_row: int, origin: str, size: int) -> list[SeenRow]:
        """Return the checkpoints of one size, oldest first."""
        ...

    def larger_before(
        self, party_row: int, origin: str, size: int, *, way: Way, shown: str
    ) -> SeenRow | None:
        """Return a larger checkpoint that the party showed by the same way earlier."""
        ...

    def put_seen(self, new: SeenRow) -> None:
        """Keep a checkpoint; of one that is there already, our cosignature is kept, and that it was shown to us."""
        ...

    def newest_of_all(self, *, at_most: int) -> list[SeenRow]:
        """Return the largest checkpoint that each party showed us itself, the one seen last first."""
        ...

    def forget_told(self, party_row: int, *, keep: int) -> None:
        """Forget the oldest checkpoints of a party's ledger that only others told us of."""
        ...

    def add_evidence(self, new: NewEvidence) -> bool:
        """Keep evidence; False where it is there already."""
        ...

    def evidence(self, party_row: int | None = None) -> list[EvidenceRow]:
        """Return what is kept, of one party or of all, oldest first."""
        ...

    def put_own(self, size: int, root: bytes, note: bytes) -> None:
        """Keep a checkpoint of ours with its cosignatures, in the place of the one of that size."""
        ...

    def own(self, size: int) -> bytes | None:
        """Return our checkpoint of a size with its cosignatures."""
        ...

    def own_covering(self, index: int) -> bytes | None:
        """Return our smallest cosigned checkpoint that holds the leaf at `index`."""
        ...

    def put_cosigned(self, party_row: int, size: int, stated_at: str) -> None:
        """Keep that a party cosigned our checkpoint of a size; the earliest time stays."""
        ...

    def cosigned_size(self, party_row: int) -> int:
        """Return the size of our largest checkpoint that a party cosigned; 0 before the first."""
        ...

    def cosigned(self) -> list[Cosigned]:
        """Return, for each party, its cosignature under the largest of our checkpoints that it cosigned."""
        ...
