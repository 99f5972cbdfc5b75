"""Who asks for what we offer, and which roots and collections it sees.

Every door that gives out collections (TAXII, MISP, feeds) asks here, so rights are the same. What a caller
may not know of is not there (`NotThereError`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from backchannel.clock import parse_time
from backchannel.errors import NotFoundError, PolicyError
from backchannel.ids import Digest, sha256
from backchannel.store.exchange import CollectionRow, CredentialRow, Right, RootRow
from backchannel.store.rows import PartyRow

if TYPE_CHECKING:
    from backchannel.store.interface import Store

EMPTY_OBJECTS: Final = "empty-objects"
"""A client that needs `"objects": []` where a page is empty."""
COMPAT: Final = frozenset({EMPTY_OBJECTS})
"""What a token can ask for beside the standard's letter (`token add --compat`)."""
MAX_SECRET_CHARS: Final = 512
"""A longer secret is not even hashed: ours have 43 characters."""


class NotThereError(NotFoundError):
    """There is no such root, collection, object or status, or the caller may not know of it."""

    hint = "See which roots and collections the server names."


class NotAllowedError(PolicyError):
    """The caller knows of the collection, and may not do this in it."""

    hint = "Ask the operator of the server for the right."


class Caller(msgspec.Struct, frozen=True):
    """Who asks."""

    party: PartyRow | None
    """None: anybody."""
    token_row: int | None = None
    compat: frozenset[str] = frozenset()
    """Of `COMPAT`."""


ANONYMOUS: Final = Caller(None)


class RootSeen(msgspec.Struct, frozen=True):
    """One API root, as a caller sees it."""

    root_id: str
    title: str
    description: str


class CollectionSeen(msgspec.Struct, frozen=True):
    """One collection, as a caller sees it."""

    collection_id: str
    title: str
    description: str
    alias: str | None
    can_read: bool
    can_write: bool


# --- Who asks ------------------------------------------------------------------------------------------


def caller_by_secret(
    store: Store, secret: str, *, account: str | None = None, now: datetime
) -> Caller | None:
    """Return whose secret this is, or None: it is nobody's, was removed, or has expired.

    Args:
        store: the node's.
        secret: of a Bearer or Token header, an API key, or the password of Basic.
        account: the user name of Basic: the party's name, in any case; None where there is none.
        now: decides what has expired.
    """
    if not secret or len(secret) > MAX_SECRET_CHARS:
        return None
    found = store.credentials.by_secret(sha256(secret.encode("utf-8", "surrogatepass")))
    if found is None or (account is not None and _name(account) != _name(found.party.name)):
        return None
    return _caller(found, now)


def caller_by_certificate(store: Store, sha256_of_der: bytes, *, now: datetime) -> Caller | None:
    """Return whose certificate this is, by the SHA-256 of its DER form, or None as `caller_by_secret` does."""
    found = store.credentials.by_certificate(Digest(sha256_of_der))
    return None if found is None else _caller(found, now)


def _name(text: str) -> str:
    return " ".join(text.casefold().split())


def _caller(found: CredentialRow, now: datetime) -> Caller | None:
    if found.expires_at is not None and now >= parse_time(found.expires_at):
        return None
    return Caller(found.party, found.token_row, frozenset(found.compat.split()))


# --- What it sees --------------------------------------------------------------------------------------


class Access(msgspec.Struct, frozen=True):
    """What a caller may do in one collection."""

    collection: CollectionRow
    can_read: bool
    can_write: bool
    is_named_reader: bool
    """The credential itself has the right to read, not only anybody."""

    @property
    def seen(self) -> CollectionSeen:
        """As a door shows it."""
        one = self.collection
        return CollectionSeen(
            one.collection_id, one.title, one.description, one.alias, self.can_read, self.can_write
        )


def roots_seen(store: Store, caller: Caller) -> list[RootSeen]:
    """Return the roots that a caller sees: a party all of them, anybody those with something to read."""
    roots = store.collections.roots()
    if caller.party is None:
        open_ = {one.root_row for one in store.collections.all() if one.anonymous_read}
        roots = [root for root in roots if root.root_row in open_]
    return [_root_seen(root) for root in roots]


def root_seen(store: Store, caller: Caller, root_id: str) -> RootSeen:
    """Return one root.

    Raises:
        NotThereError: there is none that this caller sees.
    """
    return _root_seen(root_of(store, caller, root_id))


def root_of(store: Store, caller: Caller, root_id: str) -> RootRow:
    """Return the row of a root; raises as `root_seen` does."""
    root = store.collections.root(root_id)
    if root is None or (
        caller.party is None
        and not any(one.anonymous_read and one.root_row == root.root_row for one in store.collections.all())
    ):
        raise NotThereError("there is no such API root")
    return root


def _root_seen(root: RootRow) -> RootSeen:
    return RootSeen(root.root_id, root.title, root.description)


def collections_seen(store: Store, caller: Caller, root_id: str) -> list[CollectionSeen]:
    """Return the collections of a root that a caller may read or write, in a steady order.

    Raises:
        NotThereError: there is no such root that this caller sees.
    """
    root = root_of(store, caller, root_id)
    rights = {} if caller.token_row is None else store.credentials.rights(caller.token_row)
    found: list[CollectionSeen] = []
    for one in store.collections.all():
        right = rights.get(one.collection_row)
        can_read = one.anonymous_read or (right is not None and right.can_read)
        can_write = right is not None and right.can_write
        if one.root_row == root.root_row and (can_read or can_write):
            found.append(Access(one, can_read, can_write, False).seen)
    return found


def collection_seen(store: Store, caller: Caller, root_id: str, id_or_alias: str) -> CollectionSeen:
    """Return one collection.

    Raises:
        NotThereError: there is none in which this caller has any right.
    """
    return access(store, caller, root_id, id_or_alias).seen


def access(store: Store, caller: Caller, root_id: str, id_or_alias: str) -> Access:
    """Return what a caller may do in a collection; raises as `collection_seen` does."""
    one = store.collections.by_id(id_or_alias)
    if one is None or one.root_id != root_id:
        named = (row for row in store.collections.all() if row.root_id == root_id)
        one = next((row for row in named if row.alias == id_or_alias), None)
    if one is None:
        raise NotThereError("there is no such collection")
    right = (
        None if caller.token_row is None else store.credentials.right(caller.token_row, one.collection_row)
    )
    found = _access(one, right)
    if not (found.can_read or found.can_write):
        raise NotThereError("there is no such collection")
    return found


def access_of_party(store: Store, party: PartyRow | None, one: CollectionRow, *, now: datetime) -> Access:
    """Return what a party may do in a collection by any of its credentials that hold; None: anybody."""
    rights = [
        right
        for credential in (store.credentials.all() if party is not None else ())
        if party is not None and credential.party.party_row == party.party_row
        if _caller(credential, now) is not None
        if (right := store.credentials.right(credential.token_row, one.collection_row)) is not None
    ]
    return _access(one, Right(any(r.can_read for r in rights), any(r.can_write for r in rights)))


def _access(one: CollectionRow, right: Right | None) -> Access:
    can_write = right is not None and right.can_write
    is_named_reader = right is not None and right.can_read
    return Access(one, one.anonymous_read or is_named_reader, can_write, is_named_reader)
