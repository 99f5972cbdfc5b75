"""Publish: the API roots and collections of our own server, and what is put in them."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.collecting import Brought, Outcome, Put, collect_batch, put_batch_in, put_by_hand
from backchannel.desk.node import Node
from backchannel.desk.offered import PutIn, TaxiiCollection, TaxiiRoot, collection_document, root_document
from backchannel.desk.stamps import to_micros
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import BatchId
from backchannel.stix.markings import parse_tlp
from backchannel.stix.visible import visible
from backchannel.store.exchange import CollectionRow, NewCollection, RootRow
from backchannel.store.interface import Store

MAX_TITLE_CHARS: Final = 200
MAX_ID_CHARS: Final = 200

_ROOT_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_COLLECTION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*\Z")


# --- Roots -------------------------------------------------------------------------------------------


def add_root(
    node: Node, clock: Clock, root_id: str, *, title: str = "", description: str = "", base_url: str
) -> TaxiiRoot:
    """Add an API root.

    Args:
        node: the open node.
        clock: gives the time.
        root_id: its name in the URL.
        title: for people; the name unless given.
        description: for people.
        base_url: where our server is reached.

    Raises:
        UsageError: the name is not of its form, or there is such a root.
    """
    if _ROOT_ID.match(root_id) is None:
        raise UsageError(
            f"{visible(root_id, max_chars=80)!r} cannot name an API root",
            hint="Use small letters, digits and dashes, for example `sharing`.",
        )
    store = node.store
    with store.transaction():
        if store.collections.root(root_id) is not None:
            raise UsageError(
                f"there is an API root {root_id} already", hint="See `backchannel taxii root list`."
            )
        row = store.collections.add_root(
            root_id, _title(title or root_id), description.strip(), at=format_time(clock.now())
        )
    return root_document(row, base_url)


def remove_root(node: Node, clock: Clock, root_id: str) -> None:
    """Remove an API root that has no collection any more.

    Raises:
        NotFoundError: there is no such root.
        UsageError: it has collections.
    """
    store = node.store
    with store.transaction():
        row = _root_row(store, root_id)
        held = [one for one in store.collections.all() if one.root_row == row.root_row]
        if held:
            raise UsageError(
                f"the API root {root_id} has {len(held)} collections",
                hint=f"Remove them first: `backchannel taxii collection remove {held[0].collection_id}`.",
            )
        store.collections.remove_root(row.root_row, at=format_time(clock.now()))


# --- Collections ---------------------------------------------------------------------------------------


class NewOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What a collection is to be."""

    title: str
    root_id: str
    collection_id: str | None = None
    """One of another server's, which its clients know; None: a new UUID."""
    alias: str | None = None
    description: str = ""
    default_tlp: str | None = None
    anonymous_read: bool = False
    gather: bool = False


def add_collection(node: Node, clock: Clock, offer: NewOffer, *, base_url: str) -> TaxiiCollection:
    """Add a collection.

    Raises:
        NotFoundError: there is no such root.
        UsageError: a value is not of its form, or title, alias or id is taken.
    """
    store = node.store
    collection_id = offer.collection_id or str(uuid.uuid4())
    if len(collection_id) > MAX_ID_CHARS or _COLLECTION_ID.match(collection_id) is None:
        raise UsageError(
            f"{visible(collection_id, max_chars=80)!r} cannot be the id of a collection",
            hint="It is part of a URL: use letters, digits, dots, dashes and underscores.",
        )
    if offer.alias is not None and _ALIAS.match(offer.alias) is None:
        raise UsageError(
            f"{visible(offer.alias, max_chars=80)!r} cannot be an alias",
            hint="It is part of a URL: use at most 100 letters, digits, dots, dashes and underscores.",
        )
    new = NewCollection(
        0,
        collection_id,
        offer.alias,
        _title(offer.title),
        offer.description.strip(),
        _label(offer.default_tlp),
        offer.anonymous_read,
        offer.gather,
    )
    with store.transaction():
        root = _root_row(store, offer.root_id)
        _refuse_taken(store, root, new)
        row = store.collections.add(new._replace(root_row=root.root_row), at=format_time(clock.now()))
    return collection_document(store, row, base_url)


def remove_collection(node: Node, clock: Clock, id_or_alias: str) -> None:
    """Remove a collection; what was in it stays in the node, and so does the record of what was sent.

    Raises:
        NotFoundError: there is no such collection.
    """
    store = node.store
    with store.transaction():
        store.collections.remove(
            collection_named(store, id_or_alias).collection_row, at=format_time(clock.now())
        )


def put_objects(node: Node, clock: Clock, id_or_alias: str, ids: Sequence[str]) -> PutIn:
    """Put the versions in force of objects that we hold in a collection.

    Raises:
        NotFoundError: there is no such collection, or one of the objects is not held.
    """
    store = node.store
    with store.transaction():
        collection = collection_named(store, id_or_alias)
        held = store.objects.currents(ids)
        missing = [one for one in ids if one not in held]
        if missing:
            raise NotFoundError(
                f"{visible(missing[0], max_chars=100)} is not held, so nothing was put in",
                hint="Name whole ids, as `backchannel inbox` shows them.",
            )
        placed = put_by_hand(store, collection, ids, now=to_micros(clock.now()))
    return _put_in(collection, Counter(one.outcome for one in placed))


def put_batch(node: Node, clock: Clock, id_or_alias: str, batch_id: BatchId) -> PutIn:
    """Put everything that a batch brought in a collection.

    Raises:
        NotFoundError: there is no such collection, or no complete batch of that number.
    """
    store = node.store
    with store.transaction():
        collection = collection_named(store, id_or_alias)
        row = store.batches.get(batch_id) if 0 < batch_id < 2**63 else None
        if row is None or row.state != "complete":
            raise NotFoundError(
                f"there is no complete batch {batch_id}", hint="See `backchannel batch list`."
            )
        party = store.parties.by_name(row.party) if row.party else None
        brought = Brought(batch_id, party.party_row if party else None, row.tlp, to_micros(clock.now()))
        return _put_in(collection, put_batch_in(store, brought, collection))


def putting_into(node: Node, ids: Sequence[str]) -> Put:
    """Return what puts an import in collections, in the transaction that completes it.

    Raises:
        NotFoundError: there is no such collection.
    """
    into = [collection_named(node.store, one) for one in ids]

    def put(store: Store, brought: Brought) -> int:
        return sum(collect_batch(store, brought, into))

    return put


def collection_named(store: Store, id_or_alias: str) -> CollectionRow:
    """Return a collection by its id, its alias or its title.

    Raises:
        NotFoundError: there is none, or several have that alias or title in several roots.
    """
    found = store.collections.by_id(id_or_alias)
    if found is not None:
        return found
    named = [
        one
        for one in store.collections.all()
        if id_or_alias == one.alias or id_or_alias.casefold() == one.title.casefold()
    ]
    if len(named) == 1:
        return named[0]
    what = "several collections are" if named else "no collection is"
    raise NotFoundError(
        f"{what} called {visible(id_or_alias, max_chars=100)!r}",
        hint="See `backchannel taxii collection list`, and name one by its id.",
    )


def _root_row(store: Store, root_id: str) -> RootRow:
    row = store.collections.root(root_id)
    if row is None:
        raise NotFoundError(
            f"there is no API root {visible(root_id, max_chars=80)!r}",
            hint="See `backchannel taxii root list`; make one with `backchannel taxii root add NAME`.",
        )
    return row


def _refuse_taken(store: Store, root: RootRow, new: NewCollection) -> None:
    """Titles, aliases and ids are what clients choose a collection by."""
    for one in store.collections.all():
        what = None
        if one.collection_id in {new.collection_id, new.alias}:
            what = f"the id {one.collection_id}"
        elif one.root_row == root.root_row and one.title.casefold() == new.title.casefold():
            what = f"the title {one.title!r}"
        elif one.root_row == root.root_row and one.alias in {new.alias or "", new.collection_id}:
            what = f"the alias {one.alias}"
        if what is not None:
            raise UsageError(
                f"another collection has {what} already", hint="See `backchannel taxii collection list`."
            )


def _put_in(collection: CollectionRow, outcomes: Mapping[Outcome, int]) -> PutIn:
    return PutIn(
        collection=collection.collection_id,
        added=outcomes.get("added", 0),
        already=outcomes.get("already", 0),
        conflict=outcomes.get("conflict", 0),
    )


def _title(text: str) -> str:
    title = " ".join(text.split())
    if not title or len(title) > MAX_TITLE_CHARS or visible(title) != title:
        raise UsageError(
            f"{visible(text, max_chars=80)!r} cannot be a title",
            hint=f"Give one of at most {MAX_TITLE_CHARS} characters that can be seen.",
        )
    return title


def _label(tlp: str | None) -> str | None:
    if tlp is None:
        return None
    try:
        return parse_tlp(tlp).label
    except ValueError as error:
        raise UsageError(f"{error}", hint="TLP 2.0 has CLEAR, GREEN, AMBER, AMBER+STRICT and RED.") from None
