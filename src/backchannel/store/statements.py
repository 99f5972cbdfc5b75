"""What the desk asks of a store about statements: what was signed, taken, refused, sent and answered.

Whether a signature counts is judged with the keys that are known when it is asked (`provenance.chain`): a store
only keeps the bytes. Times are RFC 3339 text, digests 32 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from backchannel.ids import BatchId

RefusedKind = Literal["drop", "statement", "object", "attachment"]
MAX_REFUSED_BYTES = 2**20
"""Largest original that is kept in the store itself; larger ones are files of the home's `quarantine` folder."""


class Subject(NamedTuple):
    """What a statement is about."""

    object_digest: bytes
    stix_id: str = ""
    """As the statement names it; empty: it names a root."""
    version_key: str = ""
    leaf_index: int | None = None
    """Where the statement is about a root."""
    salt: bytes | None = None
    path: bytes | None = None
    """The hashes of the proof; None: all leaves of the root are kept."""
    form: bytes | None = None
    """Digest of the redacted form that the statement names, and that was made of this object; None: it names the object."""


class NewStatement(NamedTuple):
    """One statement to keep."""

    digest: bytes
    kind: str
    issuer: str
    envelope: bytes
    received_at: str
    prev: bytes | None = None
    """Of a relay: the statement before."""
    manifest: bytes | None = None
    """Of a receipt: the drop that it is for; of an answer or a retraction: the statement that it is about."""
    is_own: bool = False


class StatementRow(NamedTuple):
    """One statement that is kept."""

    statement_row: int
    digest: bytes
    kind: str
    issuer: str
    prev: bytes | None
    received_at: str
    envelope: bytes
    is_own: bool


class About(NamedTuple):
    """A statement about an object, and where in it the object stands."""

    statement: StatementRow
    subject: Subject


class NewRefused(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to put into quarantine."""

    at: str
    what: RefusedKind
    place: str
    reason: str
    detail: str
    sha256: bytes
    size: int
    body: bytes | None
    """None: it is a file of the home's `quarantine` folder."""
    party_row: int | None = None


class RefusedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in quarantine."""

    refused_row: int
    at: str
    what: str
    party: str | None
    place: str
    reason: str
    detail: str
    sha256: bytes
    size: int
    decided_at: str | None
    decision: str | None


class CarryingNote(NamedTuple):
    """A note that carries a statement: an answer, and no intelligence."""

    stix_id: str
    digest: bytes
    """Of the statement."""
    is_private: bool
    """Whether it is between its sender and whom it is for: in a collection nobody else sees it."""


class CameRow(NamedTuple):
    """One drop that came and was taken."""

    batch_id: BatchId | None
    """The batch of its objects; None: it held none."""
    chan: str
    seq: int
    manifest: StatementRow


class NewSent(NamedTuple):
    """One copy of a drop that goes to one party."""

    statement_row: int
    party_row: int
    chan: str
    seq: int
    ack: str
    sent_at: str
    secret: bytes
    """That the copy's salts are drawn from."""
    objects: int


class SentRow(NamedTuple):
    """One copy of a drop that went to one party."""

    manifest: bytes
    """Digest of its manifest."""
    statement_row: int
    party_id: str
    party: str
    chan: str
    seq: int
    ack: str
    sent_at: str
    secret: bytes
    objects: int


class Statements(Protocol):
    """What was signed, and what became of it."""

    def add(self, new: NewStatement, subjects: Iterable[Subject], *, batch_id: BatchId | None) -> int:
        """Keep a statement and what it is about; one that is there already only gains the batch and subjects."""
        ...

    def speaks_of(self, statement_row: int, subjects: Iterable[Subject]) -> None:
        """Keep what a statement speaks of beside what it names: the objects of which its redacted forms were made."""
        ...

    def get(self, digest: bytes) -> StatementRow | None:
        """Return the statement in sight with this digest."""
        ...

    def about(self, object_digest: bytes, *, kinds: Sequence[str], at_most: int) -> list[About]:
        """Return the statements in sight about an object, oldest first."""
        ...

    def abouts(
        self, object_digests: Iterable[bytes], *, kinds: Sequence[str], at_most: int
    ) -> dict[bytes, list[About]]:
        """Return the statements in sight about each of many objects, oldest first; an object without one is left out.

        Objects share the rows of their statements. `at_most` is for each object.
        """
        ...

    def subject(self, statement_row: int, object_digest: bytes) -> Subject | None:
        """Return where an object stands in a statement."""
        ...

    def subjects(self, statement_row: int, *, at_most: int) -> list[Subject]:
        """Return what a statement is about; of a root its leaves, in their order."""
        ...

    def of_version(self, stix_id: str, version_key: str, *, at_most: int) -> list[About]:
        """Return the statements in sight that name an object itself by id and version, whatever its content."""
        ...

    def known_at(self, digest: bytes) -> str | None:
        """Return when a statement first came here: that a thief of its key cannot have dated back."""
        ...

    def put_salts(self, object_digest: bytes, salts: Mapping[str, bytes]) -> None:
        """Keep the salts of an object's fields."""
        ...

    def salts(self, object_digest: bytes) -> dict[str, bytes] | None:
        """Return the salts of an object's fields."""
        ...

    def was_taken(self, issuer: str, statement_id: str) -> bool:
        """Whether a statement of this issuer and id was taken, by a batch that stands."""
        ...

    def take(
        self, issuer: str, statement_id: str, *, batch_id: BatchId | None, keep_until: str | None
    ) -> None:
        """Remember that a statement was taken."""
        ...

    def forget_taken(self, *, before: str) -> int:
        """Forget what could not be taken again anyway; returns how many."""
        ...

    def refuse(self, new: NewRefused) -> int:
        """Put something into quarantine; returns its number. What lies there for the same reason is not put in again."""
        ...

    def refused_as(self, sha256: bytes) -> int | None:
        """Return the number under which an original lies in quarantine and nobody has decided; the newest."""
        ...

    def refused_row(self, refused_row: int) -> RefusedRow | None:
        """Return one thing that is or was in quarantine."""
        ...

    def open_refused(self) -> int:
        """Count what nobody has decided."""
        ...

    def refused(self, *, before: int | None, rows: int, is_open: bool) -> list[RefusedRow]:
        """Return what is in quarantine, newest first; with `is_open` only what nobody decided."""
        ...

    def refused_body(self, refused_row: int) -> bytes | None:
        """Return the original, where the store keeps it."""
        ...

    def decide(self, refused_row: int, decision: str, *, at: str) -> bool:
        """Write down what a person decided; False where somebody has."""
        ...

    def discard(self, refused_row: int) -> None:
        """Let go of an original that the store keeps."""
        ...

    def came(
        self,
        *,
        batch_ids: Sequence[BatchId] | None = None,
        digest_prefix: str = "",
        before: int | None = None,
        rows: int,
    ) -> list[CameRow]:
        """Return drops in sight that came, newest first.

        Args:
            batch_ids: only those that brought one of these batches.
            digest_prefix: only those whose manifest's digest begins so (hexadecimal).
            before: only those whose manifest has a smaller row.
            rows: most of them.
        """
        ...

    def add_sent(self, new: NewSent) -> None:
        """Keep that a copy went to a party."""
        ...

    def sent(
        self, *, party_row: int | None, manifest: bytes | None, at_most: int, is_asking: bool = False
    ) -> list[SentRow]:
        """Return copies that were sent, newest first; with `is_asking` only those that asked for a receipt."""
        ...

    def unheard(self) -> list[tuple[str, int, str]]:
        """Return to which parties drops went that asked for a receipt and got none: id, how many, when the oldest."""
        ...

    def readers(self, object_digest: bytes) -> list[tuple[int, str]]:
        """Return the parties to whom we sent an object by a drop: row and name, in the order of their names."""
        ...

    def had(self, party_row: int, object_digests: Sequence[bytes]) -> frozenset[bytes]:
        """Return which of these objects we sent to a party by a drop."""
        ...

    def next_seq(self, chan: str) -> tuple[int, bytes | None]:
        """Return the number of the next drop of our own on a channel, and the digest of the manifest before."""
        ...

    def receipts(self, manifest: bytes) -> list[StatementRow]:
        """Return the receipts in sight for a drop, oldest first."""
        ...

    def note_carrying(self, notes: Iterable[CarryingNote]) -> None:
        """Keep that notes carry statements."""
        ...

    def carrying(self, stix_ids: Iterable[str]) -> dict[str, CarryingNote]:
        """Return which of these objects are notes that carry statements."""
        ...

    def own_secret(self, name: str, new: bytes) -> bytes:
        """Return the secret that we keep under a name; `new` becomes it where there is none yet."""
        ...

    def keep_hidden(self, commitment: str, *, party: str, random: bytes) -> None:
        """Keep what opens a party that we hid."""
        ...

    def hidden_sources(self, *, at_most: int) -> list[str]:
        """Return whom we hid, as our own books know them: a kid, or a name."""
        ...

    def is_waiting(self, party_row: int) -> bool:
        """Whether something waits for a party."""
        ...

    def wait(self, statement_row: int, *, party_row: int) -> None:
        """Let a statement of ours go with the next drop to a party."""
        ...

    def waiting(self, party_row: int) -> list[StatementRow]:
        """Return what goes with the next drop to a party, oldest first."""
        ...

    def waiting_parties(self) -> list[tuple[str, int]]:
        """Return for which parties statements wait, by name, and how many."""
        ...

    def went(self, party_row: int, statement_rows: Iterable[int]) -> None:
        """Take what went to a party off what waits for it."""
        ...
