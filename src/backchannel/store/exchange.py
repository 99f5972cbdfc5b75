"""What the desk asks of a store about what we offer: roots, collections, credentials, pages.

Stamps (`added`) are whole microseconds since 1970 (UTC), other times RFC 3339 text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from backchannel.ids import BatchId, Digest, StixId
from backchannel.store.rows import Kept, PartyRow
from backchannel.store.served import What


class RootRow(msgspec.Struct, frozen=True):
    """One API root."""

    root_row: int
    root_id: str
    title: str
    description: str


class NewCollection(NamedTuple):
    """What a collection is made of."""

    root_row: int
    collection_id: str
    alias: str | None
    title: str
    description: str
    default_tlp: str | None
    """Label of what is put here unmarked."""
    anonymous_read: bool
    gather: bool


class CollectionRow(msgspec.Struct, frozen=True):
    """One collection."""

    collection_row: int
    root_row: int
    root_id: str
    collection_id: str
    alias: str | None
    title: str
    description: str
    default_tlp: str | None
    anonymous_read: bool
    gather: bool
    last_added: int
    """The highest stamp ever given here; 0 before the first."""


class Right(NamedTuple):
    """What a credential may do in a collection."""

    can_read: bool
    can_write: bool


class CredentialRow(msgspec.Struct, frozen=True):
    """One credential of a party."""

    token_row: int
    party: PartyRow
    certificate: bytes | None
    """DER; None: a secret."""
    compat: str
    """Words with blanks between them."""
    added_at: str
    expires_at: str | None


class ClassRow(msgspec.Struct, frozen=True):
    """What objects of a collection have in common that decides who may see them and which filters take them."""

    class_row: int
    type: str
    spec_version: str
    tlp: str
    """The strictest label that the objects themselves bear; "" if none."""
    marked_by: str
    """The other markings that they name, sorted, one a line."""
    default_tlp: str
    """Label of what comes unmarked; "" if none."""
    party_row: int
    """Whom they came from; 0: nobody named."""


class Collectable(NamedTuple):
    """One object that may be put in a collection."""

    object_row: int
    stix_id: StixId
    version_key: str
    type: str
    spec_version: str
    body: bytes


class NewCollected(NamedTuple):
    """One object put in a collection: a row of `collected`."""

    collection_row: int
    added: int
    object_row: int
    class_row: int
    batch_id: int
    """0: by hand."""
    versions: bool
    """Another version of the same id is, or was, here."""


class Sibling(NamedTuple):
    """One version of an id in a collection."""

    stix_id: StixId
    version_key: str
    spec_version: str
    added: int
    object_row: int
    class_row: int


class AlsoPut(NamedTuple):
    """One object that a batch put in a collection, had not another been first."""

    collection_row: int
    batch_id: BatchId
    party_row: int
    default_tlp: str
    object: Collectable


class Place(NamedTuple):
    """One object in a collection, as the walk along its stamps meets it."""

    added: int
    object_row: int
    class_row: int
    versions: bool


class Definition(NamedTuple):
    """One marking definition that we hold, and who sent it."""

    stix_id: StixId
    body: bytes
    party_row: int
    """0: nobody named."""
    is_self: bool


class PageSent(NamedTuple):
    """One page that goes out: a row of `page_sent`."""

    sent_at: str
    party_row: int | None
    token_row: int | None
    collection_row: int
    kind: str
    first_added: int
    last_added: int
    objects: int
    policy: str
    sha256: Digest


class Collections(Protocol):
    """API roots and the collections in them; those that were removed are not there."""

    def add_root(self, root_id: str, title: str, description: str, *, at: str) -> RootRow:
        """Add an API root."""
        ...

    def roots(self) -> list[RootRow]:
        """Return the roots, oldest first."""
        ...

    def root(self, root_id: str) -> RootRow | None:
        """Return one root."""
        ...

    def remove_root(self, root_row: int, *, at: str) -> None:
        """Remove a root."""
        ...

    def add(self, collection: NewCollection, *, at: str) -> CollectionRow:
        """Add a collection."""
        ...

    def all(self) -> list[CollectionRow]:
        """Return the collections of all roots, oldest first."""
        ...

    def by_id(self, collection_id: str) -> CollectionRow | None:
        """Return the collection of that id, whichever its root."""
        ...

    def by_row(self, collection_row: int) -> CollectionRow | None:
        """Return one collection."""
        ...

    def gathering(self) -> list[CollectionRow]:
        """Return the collections into which everything is put that arrives."""
        ...

    def remove(self, collection_row: int, *, at: str) -> None:
        """Remove a collection; the record of what was sent from it stays."""
        ...

    def set_last_added(self, collection_row: int, added: int) -> None:
        """Keep the highest stamp given."""
        ...

    def size(self, collection_row: int, *, at_most: int) -> int:
        """Return how many objects are in it, counting no further than `at_most`."""
        ...


class Credentials(Protocol):
    """Secrets and certificates of parties."""

    def add(
        self,
        party_row: int,
        digest: Digest,
        *,
        certificate: bytes | None,
        compat: str,
        at: str,
        expires_at: str | None,
    ) -> int:
        """Add a credential and return its number."""
        ...

    def grant(self, token_row: int, collection_row: int, right: Right) -> None:
        """Give a right in one collection."""
        ...

    def by_secret(self, digest: Digest) -> CredentialRow | None:
        """Return the credential whose secret has this SHA-256."""
        ...

    def by_certificate(self, digest: Digest) -> CredentialRow | None:
        """Return the credential whose certificate has this SHA-256."""
        ...

    def all(self) -> list[CredentialRow]:
        """Return the credentials, oldest first."""
        ...

    def rights(self, token_row: int) -> dict[int, Right]:
        """Return what a credential may do, by collection row."""
        ...

    def right(self, token_row: int, collection_row: int) -> Right | None:
        """Return what a credential may do in one collection."""
        ...

    def remove(self, token_row: int, *, at: str) -> bool:
        """Remove a credential; False if there is none of that number."""
        ...


class Collected(Protocol):
    """What is in collections."""

    def put(self, rows: Sequence[NewCollected]) -> None:
        """Put objects in."""
        ...

    def ids(self, collection_row: int, *, at_most: int) -> list[StixId]:
        """Return the ids of what is in a collection, in the order in which they were put in."""
        ...

    def siblings(self, collection_row: int, ids: Iterable[str]) -> list[Sibling]:
        """Return every version of these ids that is in a collection."""
        ...

    def have_versions(self, collection_row: int, stamps: Iterable[int]) -> None:
        """Note that another version of these came."""
        ...

    def class_of(self, collection_row: int, kind: ClassRow) -> ClassRow:
        """Return the class with the properties of `kind` (its number does not count), made where it is missing."""
        ...

    def classes(self, collection_row: int) -> list[ClassRow]:
        """Return the classes of a collection."""
        ...

    def reclass(self, collection_row: int, added: int, class_row: int) -> None:
        """Put one object in another class."""
        ...

    def generation(self) -> int:
        """Return a number that rises with whatever may change a decision."""
        ...

    def definitions(self, ids: Iterable[str]) -> list[Definition]:
        """Return the marking definitions of these ids, once for each party that sent one."""
        ...

    def walk(self, collection_row: int, *, after: int) -> Generator[Place, None, None]:
        """Yield what is in a collection behind a stamp, oldest first."""
        ...

    def walk_class(self, collection_row: int, class_row: int, *, after: int) -> Generator[Place, None, None]:
        """Yield what of one class is in a collection behind a stamp, oldest first."""
        ...

    def superseded(self, collection_row: int, *, after: int, upto: int | None = None) -> Iterator[int]:
        """Yield the stamps of indicators in a collection of which we hold a newer version, there or elsewhere.

        Args:
            collection_row: the collection.
            after: exclusive; 0: from the first.
            upto: inclusive; None: to the last.
        """
        ...

    def at_versions(self, collection_row: int, keys: Iterable[str], stamps: Iterable[int]) -> list[Sibling]:
        """Return what is in a collection in one of these versions; of what has none, at one of these stamps."""
        ...

    def kept(self, object_rows: Iterable[int]) -> dict[int, Kept]:
        """Return objects by their rows."""
        ...

    def bodies(
        self, object_rows: Sequence[int], *, at_most_bytes: int
    ) -> list[tuple[StixId, str, str, bytes]]:
        """Return id, version, spec version and bytes of objects, in their order.

        Args:
            object_rows: which; all are there.
            at_most_bytes: no more of them than have this size together, but one in any case.
        """
        ...

    def heads(self, object_rows: Sequence[int]) -> list[tuple[StixId, str, str]]:
        """Return id, version and spec version of objects, in their order."""
        ...

    def take_out(self, collection_row: int, stamps: Iterable[int]) -> None:
        """Take objects out of a collection."""
        ...

    def of_batch(self, batch_id: BatchId) -> Iterator[Collectable]:
        """Yield the objects that a batch brought, quarantined ones left out, in the order of their arrival."""
        ...

    def collectables(self, object_rows: Sequence[int]) -> list[Collectable]:
        """Return objects, in their order."""
        ...

    def named(self, ids: Iterable[str]) -> list[tuple[Collectable, int, str]]:
        """Return the versions in force of ids, with whom they came from first (0: nobody named), by label.

        An object that came unmarked under several labels ("": none) is there once for each.
        """
        ...

    def note_batch(self, batch_id: BatchId, collection_row: int, default_tlp: str) -> None:
        """Keep that a batch was put in a collection, and the label of what came in it unmarked."""
        ...

    def undo(self, batch_id: BatchId) -> list[AlsoPut]:
        """Take out what a batch put in, and what is in sight no more; return what others had put in too."""
        ...


class Statuses(Protocol):
    """What became of what was posted, and which pages went out."""

    def add(self, status_id: str, *, root_row: int, party_row: int, at: int, body: bytes) -> None:
        """Keep a status resource."""
        ...

    def get(self, status_id: str, *, root_row: int, party_row: int) -> bytes | None:
        """Return the status resource that a party was given in a root."""
        ...

    def prune(self, *, before: int) -> None:
        """Forget the status resources older than that."""
        ...

    def sent(self, page: PageSent, *, what: What, runs: bytes | None) -> None:
        """Record a page: what of which objects it holds (`store.object_runs`; None: they are too many)."""
        ...

    def pages(self, *, at_most: int) -> list[PageSent]:
        """Return the last pages sent, newest first."""
        ...
