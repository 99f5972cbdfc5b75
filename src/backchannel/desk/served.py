"""Enter what left without a drop into the ledger, and prove that one object went to one party.

A page that was read and a push have rows that are on the disk before anything goes. So entering them is no part of
serving: whoever appends to the ledger next enters what came since, up to `MAX_RECORDS` of them in one leaf.

    leaf: root of a tree over records  <-  record: one page or push, root of a tree over its objects  <-  object

Both trees are salted: a proof shows one object of one record, and not even a good guess at the others can be tested
with it. The tree over a list of objects is grown once, whoever gets the same, so that a page read by many costs a
record each, and no more.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from backchannel.clock import format_time
from backchannel.codec import JsonObject, canonical, decode, decode_plain
from backchannel.errors import NotFoundError, StoreError
from backchannel.ids import sha256
from backchannel.provenance.leaves import SECRET_BYTES, Leaves, Proof, grow, salts
from backchannel.provenance.ledger.leaves import LeafKind, blinding
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import digest_text
from backchannel.store.interface import Store
from backchannel.store.leaves import LeafRow
from backchannel.store.object_runs import count_runs, read_runs
from backchannel.store.rows import Kept
from backchannel.store.served import SOURCES, ObjectList, ServedLeaf, ServedRow, Source

MAX_RECORDS: Final = 10_000
"""Most records of one leaf: bounds what entering one, and proving something of it, hold in memory."""
RECORD_TYPE: Final = "bc/served/v1"
STATEMENT_TYPE: Final = "bc/record/v1"
EVENT: Final = "served"


class Opened(NamedTuple):
    """What one leaf is about."""

    leaf: LeafRow
    source: Source
    rows: Sequence[ServedRow]
    records: Sequence[bytes]
    """What is said of each of `rows`: canonical JSON (docs/formats/ledger.md)."""
    tree: Leaves
    """Over the digests of `records`."""


class Objects(NamedTuple):
    """The objects of one page or push."""

    digests: Sequence[bytes]
    """Of their JCS form."""
    tree: Leaves


class ObjectServed(NamedTuple):
    """What shows that an object went to a party."""

    record: bytes
    record_proof: Proof
    """Leads from the record to the root in the leaf's statement."""
    digest: bytes
    object_proof: Proof
    """Leads from the object to the root in the record."""


# --- Enter ---------------------------------------------------------------------------------------------


def enter_served(store: Store, now: datetime) -> None:
    """Enter all pages and pushes that are not in the ledger yet.

    A leaf, and the mark of how far it reaches, are written in one transaction: whatever ends the process, what is not
    under the mark is entered by whoever appends next, and nothing twice.

    Raises:
        StoreError: the store does not hold an object that went out.
    """
    for source in SOURCES:
        mark = store.served.mark(source)
        while rows := store.served.rows(source, after=mark, at_most=MAX_RECORDS):
            _enter(store, source, mark, rows, now)
            mark = store.served.mark(source)  # where another process was faster, it went on from there


def _enter(store: Store, source: Source, mark: int, rows: Sequence[ServedRow], now: datetime) -> None:
    for row in rows:
        _grow(store, store.served.list_of(source, row))
    records = [_record(source, row, store.served.list_of(source, row)) for row in rows]
    secret = secrets.token_bytes(SECRET_BYTES)
    told = _tree(secret, [sha256(record) for record in records]).subject
    statement: JsonObject = {
        "_type": STATEMENT_TYPE,
        "event": EVENT,
        "at": format_time(now),
        "n": told.n,
        "root": told.root,
    }
    first, last = rows[0].first_row, rows[-1].last_row
    leaf = LeafRow(
        leaf_row=0,
        kind=LeafKind.SENT.value,
        about=f"{EVENT} {source} {first}",
        statement=canonical(statement),
        blinding=blinding(),
        recorded_at=format_time(now),
        leaf_index=None,
    )
    with store.transaction():
        if store.served.move_mark(source, before=mark, to=last):
            store.served.add(ServedLeaf(store.leaves.add(leaf), source, first, last, secret))


def _grow(store: Store, held: ObjectList | None) -> None:
    """Grow the tree over a list of objects, unless it was: whoever is first draws its salts, for good."""
    if held is None or held.root is not None:
        return
    secret = secrets.token_bytes(SECRET_BYTES)
    object_rows = read_runs(held.runs)
    digests = store.served.digests(object_rows)
    if len(digests) != len(object_rows):
        raise StoreError(
            "an object that went out is not in the store any more",
            hint="Restore store and ledger from the same backup, the newest; nothing was entered.",
        )
    tree = _tree(secret, digests)
    with store.transaction():
        store.served.grown(held._replace(secret=secret, root=bytes.fromhex(tree.subject.root[-64:])))


def _record(source: Source, row: ServedRow, held: ObjectList | None) -> bytes:
    root = held.root if held is not None else None
    record: JsonObject = {
        "_type": RECORD_TYPE,
        "at": row.at,
        "by": source,
        "what": row.what,
        "party": row.party,
        "collection": row.collection,
        "policy": row.policy,
        "n": row.objects if held is None else count_runs(held.runs),
        "root": None if root is None else digest_text(root),
        "bytes": None if row.sha256 is None else digest_text(row.sha256),
    }
    return canonical(record)


def _tree(secret: bytes, digests: Sequence[bytes]) -> Leaves:
    return grow(salts(secret, len(digests)), digests)


# --- Open, and prove -----------------------------------------------------------------------------------


def is_served(leaf: LeafRow) -> bool:
    """Whether a leaf is about pages or pushes."""
    return leaf.kind == LeafKind.SENT and (decode_plain(leaf.statement) or {}).get("event") == EVENT


def open_served(store: Store, leaf: LeafRow) -> Opened:
    """Return what a leaf is about.

    Raises:
        Rejected: `BAD_INCLUSION`, the store says something else than the leaf.
    """
    served = store.served.leaf(leaf.leaf_row)
    if served is None:
        raise _other(leaf)
    source = served.source
    rows = store.served.rows(source, after=served.first_row - 1, upto=served.last_row)
    records = [_record(source, row, store.served.list_of(source, row)) for row in rows]
    tree = _tree(served.secret, [sha256(record) for record in records])
    if not rows or tree.subject.root != decode(leaf.statement)["root"]:
        raise _other(leaf)
    return Opened(leaf, source, rows, records, tree)


def objects_of(store: Store, opened: Opened, index: int) -> Objects | None:
    """Return the objects of one page or push of a leaf; None: they were too many to be kept.

    Raises:
        Rejected: `BAD_INCLUSION`, the store says something else than the leaf.
    """
    held = store.served.list_of(opened.source, opened.rows[index])
    if held is None or held.secret is None or held.root is None:
        return None
    digests = store.served.digests(read_runs(held.runs))
    tree = _tree(held.secret, digests)
    if not digests or tree.subject.root != digest_text(held.root):
        raise _other(opened.leaf)
    return Objects(digests, tree)


def prove_served(
    store: Store, contents: Sequence[Kept], *, party: str | None, through: str | None
) -> tuple[LeafRow, ObjectServed]:
    """Return the first leaf that shows that an object went to a party, and what shows it there.

    Args:
        store: ours.
        contents: of one object, in the order in which they are looked for.
        party: its name; None: who asked as anybody.
        through: id or alias of a collection, name of a channel, or where it leads to; None: any.

    Raises:
        NotFoundError: it never went there, or what it went with was too long to be kept.
        Rejected: `BAD_INCLUSION`, the store says something else than the leaf.
    """
    for kept in contents:
        for source, row in store.served.went(kept.object_row, party=party, through=through):
            leaf = store.served.leaf_of(source, row)
            if leaf is not None:  # else it went this moment, and waits for the next append
                return leaf, _shown(store, leaf, row, bytes(kept.digest))
    whom = "anybody" if party is None else party
    raise NotFoundError(
        f"no page and no push with {contents[0].stix_id} went to {whom}{f' through {through}' if through else ''}",
        hint="What went in a drop is proved by its name: see `backchannel release list`.",
    )


def _shown(store: Store, leaf: LeafRow, row: int, digest: bytes) -> ObjectServed:
    opened = open_served(store, leaf)
    index = next(n for n, one in enumerate(opened.rows) if one.first_row <= row <= one.last_row)
    objects = objects_of(store, opened, index)
    if objects is None or digest not in objects.digests:
        raise _other(leaf)
    proof = objects.tree.proof(objects.digests.index(digest))
    return ObjectServed(opened.records[index], opened.tree.proof(index), digest, proof)


def _other(leaf: LeafRow) -> Rejected:
    return Rejected(Reason.BAD_INCLUSION, f"{leaf.about} held other objects than the store says")
