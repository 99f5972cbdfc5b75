"""What a TAXII 2.1 server is asked: pages of what is in a collection, and taking objects out of it.

Rights and policy are asked for each page, so a cursor opens nothing; no count tells of what is hidden. A page
is recorded, durably, before its bytes are handed out. Stamps are whole microseconds since 1970 (UTC).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.access import (
    Access,
    Caller,
    NotAllowedError,
    NotThereError,
    access,
)
from backchannel.desk.deciding import Sight, sight
from backchannel.desk.node import Node
from backchannel.desk.paging import Page, Query, read_page, wanted
from backchannel.errors import BackchannelError, InputError, StoreError
from backchannel.ids import Digest
from backchannel.policy.decide import Policy
from backchannel.store.exchange import PageSent
from backchannel.store.object_runs import write_runs
from backchannel.store.served import What


class BusyError(StoreError):
    """Too much is being written at the moment; nothing was taken."""

    hint = "Send it again later."

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnreadableError(InputError):
    """A body is no envelope and no bundle; nothing was taken."""

    hint = "Send an envelope: an object with a list `objects`."


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one object that was posted (TAXII 2.1 §4.3.1: status-details)."""

    id: str
    version: str
    message: str = ""


class StatusResource(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a POST (TAXII 2.1 §4.3.1)."""

    id: str
    """UUIDv4."""
    request_timestamp: int
    """Microseconds since 1970."""
    status: str = "complete"
    total_count: int
    success_count: int
    failure_count: int
    pending_count: int = 0
    successes: tuple[Verdict, ...] = ()
    failures: tuple[Verdict, ...] = ()


# --- Pages -------------------------------------------------------------------------------------------


def objects_page(
    node: Node,
    clock: Clock,
    caller: Caller,
    root_id: str,
    collection: str,
    query: Query,
    *,
    policy: Policy | None = None,
) -> Page:
    """Return a page of objects (TAXII 2.1 §5.4).

    Args:
        node: the open node.
        clock: gives the time at which the page is sent.
        caller: who asks.
        root_id: the API root.
        collection: id or alias of a collection in it.
        query: what of it.
        policy: decides what the caller may see; None: the one in force.

    Raises:
        NotThereError: there is no such collection in which the caller has any right.
        NotAllowedError: the caller may write there, but not read.
    """
    _offer(node, clock, caller, root_id, collection)
    return _page(node, clock, caller, (root_id, collection), query, "objects", policy=policy)


def manifest_page(
    node: Node, clock: Clock, caller: Caller, root_id: str, collection: str, query: Query
) -> Page:
    """Return a page of records without the objects (TAXII 2.1 §5.3); raises as `objects_page` does."""
    return _page(node, clock, caller, (root_id, collection), query, "manifest")


def object_page(
    node: Node, clock: Clock, caller: Caller, root_id: str, collection: str, stix_id: str, query: Query
) -> Page:
    """Return a page of versions of one object (TAXII 2.1 §5.6).

    Raises:
        NotThereError: there is no such collection, or the caller sees no version of the object in it.
        NotAllowedError: the caller may write there, but not read.
    """
    query = msgspec.structs.replace(query, ids=(stix_id,), types=())
    return _page(node, clock, caller, (root_id, collection), query, "object")


def object_versions_page(
    node: Node, clock: Clock, caller: Caller, root_id: str, collection: str, stix_id: str, query: Query
) -> Page:
    """Return a page of records of all versions of one object (TAXII 2.1 §5.8); raises as `object_page` does."""
    query = msgspec.structs.replace(query, ids=(stix_id,), types=(), versions=("all",))
    return _page(node, clock, caller, (root_id, collection), query, "versions")


def delete(
    node: Node,
    clock: Clock,
    caller: Caller,
    root_id: str,
    collection: str,
    stix_id: str,
    *,
    versions: Sequence[str] = (),
    spec_versions: Sequence[str] = (),
) -> None:
    """Take versions of an object out of a collection (TAXII 2.1 §5.7): all that the filters take.

    What was received stays in the node; put in again, it has a new stamp.

    Raises:
        NotThereError: there is no such collection, or in it nothing of the object that the caller sees and means.
        NotAllowedError: the caller may not both read and write there.
    """
    store = node.store
    with store.transaction():
        right = access(store, caller, root_id, collection)
        if not (right.can_read and right.can_write):
            raise NotAllowedError(
                "taking objects out of this collection needs the right to read and to write it"
            )
        seen = sight(node, caller, right, now=clock.now())
        collection_row = right.collection.collection_row
        seen_ones = seen.visible(store.collected.siblings(collection_row, (stix_id,)))
        meant = [one for one in seen_ones if not spec_versions or one.spec_version in spec_versions]
        stamps = wanted(meant, versions or ("all",), tuple({one.spec_version for one in meant}))
        if not stamps:
            raise NotThereError("there is no such object in this collection")
        store.collected.take_out(collection_row, stamps)


def _offer(node: Node, clock: Clock, caller: Caller, root_id: str, collection: str) -> None:
    """Let what waits for whoever asks be in the collection that they read; where that cannot be now, it waits."""
    party = caller.party
    if party is None or not node.store.statements.is_waiting(party.party_row):
        return
    from backchannel.desk.told import offer  # noqa: PLC0415  # loads what imports

    with suppress(BackchannelError):
        offer(node, clock, caller, access(node.store, caller, root_id, collection))


def _page(
    node: Node,
    clock: Clock,
    caller: Caller,
    where: tuple[str, str],
    query: Query,
    kind: str,
    *,
    policy: Policy | None = None,
) -> Page:
    store = node.store
    now = clock.now()
    with store.snapshot():
        right = access(store, caller, *where)
        if not right.can_read:
            raise NotAllowedError("this collection may be written, but not read, with these credentials")
        seen = sight(node, caller, right, now=now, policy=policy)
        collection_row = right.collection.collection_row
        if kind in {"object", "versions"} and not _sees(node, collection_row, query.ids[0], seen):
            raise NotThereError("there is no such object in this collection")
        page = read_page(store, collection_row, seen, query, with_bodies=kind in {"objects", "object"})
    if page.records:
        _record(node, caller, right, page, kind, format_time(now), seen.force.policy)
    return page


def _sees(node: Node, collection_row: int, stix_id: str, seen: Sight) -> bool:
    return bool(seen.visible(node.store.collected.siblings(collection_row, (stix_id,))))


def _record(
    node: Node, caller: Caller, right: Access, page: Page, kind: str, at: str, policy: Policy
) -> None:
    """Keep that a page goes out; when this returns, it is on the disk."""
    digest = hashlib.sha256()
    for part in page.bodies or [codec.encode(page.records)]:
        digest.update(part)
    row = PageSent(
        at,
        caller.party.party_row if caller.party else None,
        caller.token_row,
        right.collection.collection_row,
        kind,
        page.records[0].added,
        page.records[-1].added,
        len(page.records),
        policy.version,
        Digest(digest.digest()),
    )
    what: What = "objects" if page.bodies else "ids"
    with node.store.transaction():
        node.store.statuses.sent(row, what=what, runs=write_runs(page.object_rows))
