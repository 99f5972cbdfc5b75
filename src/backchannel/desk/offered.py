"""What our own server offers, as documents: API roots, collections and credentials, never a secret."""

from __future__ import annotations

import uuid
from typing import Final

import msgspec

from backchannel.clock import Clock, parse_time
from backchannel.desk.node import Node
from backchannel.store.exchange import CollectionRow, CredentialRow, RootRow
from backchannel.store.interface import Store

COUNTED: Final = 100_000
"""Objects of a collection that are counted for a list; more are shown as so many."""


class TaxiiRoot(msgspec.Struct, frozen=True, kw_only=True):
    """One API root of ours."""

    schema: str = "backchannel.taxii-root/1"
    id: str
    url: str
    title: str
    description: str


class TaxiiCollection(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of ours."""

    schema: str = "backchannel.taxii-collection/1"
    id: str
    title: str
    url: str
    root: str
    alias: str | None
    description: str
    default_tlp: str | None
    """Marking of what is put in unmarked; null: TLP:AMBER+STRICT counts."""
    anonymous_read: bool
    gather: bool
    objects: int
    """How many are in it, counted up to `COUNTED`."""
    note: str | None
    """What clients may stumble over."""


class TaxiiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new credential. This is the only time that its secret is shown."""

    schema: str = "backchannel.taxii-token/1"
    party: str
    token: str | None
    """The secret; null for a certificate."""
    number: int
    """Names the credential without its secret."""
    read: tuple[str, ...]
    write: tuple[str, ...]
    expires_at: str | None


class TaxiiCredential(msgspec.Struct, frozen=True, kw_only=True):
    """One credential of a party, without its secret."""

    number: int
    party: str
    kind: str
    """`token` or `certificate`."""
    read: tuple[str, ...]
    write: tuple[str, ...]
    compat: tuple[str, ...]
    added_at: str
    expires_at: str | None
    expired: bool


class TaxiiOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that our own server offers, and who may ask for it."""

    schema: str = "backchannel.taxii/1"
    roots: tuple[TaxiiRoot, ...]
    collections: tuple[TaxiiCollection, ...]
    tokens: tuple[TaxiiCredential, ...]


class PutIn(msgspec.Struct, frozen=True, kw_only=True):
    """What was put in a collection by hand."""

    schema: str = "backchannel.taxii-put/1"
    collection: str
    added: int
    already: int
    conflict: int


def offer(node: Node, clock: Clock, *, base_url: str) -> TaxiiOffer:
    """Return everything that we offer, without any secret."""
    store, now = node.store, clock.now()
    return TaxiiOffer(
        roots=tuple(root_document(row, base_url) for row in store.collections.roots()),
        collections=tuple(collection_document(store, row, base_url) for row in store.collections.all()),
        tokens=tuple(
            _credential(store, one, expired=one.expires_at is not None and now >= parse_time(one.expires_at))
            for one in store.credentials.all()
        ),
    )


def _credential(store: Store, one: CredentialRow, *, expired: bool) -> TaxiiCredential:
    read, write = granted(store, one.token_row)
    return TaxiiCredential(
        number=one.token_row,
        party=one.party.name,
        kind="token" if one.certificate is None else "certificate",
        read=read,
        write=write,
        compat=tuple(one.compat.split()),
        added_at=one.added_at,
        expires_at=one.expires_at,
        expired=expired,
    )


def root_document(row: RootRow, base_url: str) -> TaxiiRoot:
    """Return one API root."""
    return TaxiiRoot(
        id=row.root_id,
        url=f"{base_url}/taxii2/{row.root_id}/",
        title=row.title,
        description=row.description,
    )


def collection_document(store: Store, row: CollectionRow, base_url: str) -> TaxiiCollection:
    """Return one collection."""
    return TaxiiCollection(
        id=row.collection_id,
        title=row.title,
        url=f"{base_url}/taxii2/{row.root_id}/collections/{row.collection_id}/",
        root=row.root_id,
        alias=row.alias,
        description=row.description,
        default_tlp=row.default_tlp,
        anonymous_read=row.anonymous_read,
        gather=row.gather,
        objects=store.collections.size(row.collection_row, at_most=COUNTED),
        note=None if _is_uuid4(row.collection_id) else _FOREIGN_ID,
    )


_FOREIGN_ID: Final = "its id is no UUIDv4, as TAXII 2.1 §5.2.1 asks: some clients refuse it"


def _is_uuid4(text: str) -> bool:
    try:
        found = uuid.UUID(text)
    except ValueError:
        return False
    return found.version == 4 and str(found) == text


def granted(store: Store, token_row: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of the collections that a credential reads and writes."""
    rights = store.credentials.rights(token_row)
    named = [(one.collection_id, rights[one.collection_row]) for one in store.collections.all()
             if one.collection_row in rights]  # fmt: skip
    return (
        tuple(one for one, right in named if right.can_read),
        tuple(one for one, right in named if right.can_write),
    )
