"""Enter into the ledger what was received, released and decided: exactly once, whatever ends the process.

    with store.transaction():
        ...                                                    # what is done
        enter(store, LeafKind.SENT, statement, about=..., now=now)
    append_entered(node, clock)                                # after it: at a command's end, or in `serve`

A leaf is kept in the transaction of what it is about, so that neither is there without the other. After the
commit it is appended to the ledger's files. Killed between the two, or before the place was kept, the next
`append_entered` finds by the leaves themselves which of them are in the files already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.own_ledger import own_ledger
from backchannel.desk.served import MAX_RECORDS, enter_served
from backchannel.errors import SignatureError, StoreError
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.ledger.leaves import LeafKind, blinding, make_leaf
from backchannel.provenance.ledger.tiles import Tiles, files_in
from backchannel.provenance.ledger.writer import Ledger, open_ledger
from backchannel.store.interface import Store
from backchannel.store.leaves import LeafRow, Leaves

if TYPE_CHECKING:
    from backchannel.desk.node import Node

MAX_STATEMENT_BYTES = 256 * 2**10
"""Largest statement that is entered whole (trust of statements: a frame has at most 256 KiB)."""
BATCH_LEAVES = 256
"""Leaves after which `serve` makes a checkpoint."""
BATCH_AGE = timedelta(minutes=10)
"""Age of the oldest leaf at which it does so in any case."""
APPEND_LEAVES = 4_096
"""Most leaves appended under one checkpoint; bounds memory where much was left."""


def enter(store: Store, kind: LeafKind, statement: bytes, *, about: str, now: datetime) -> None:
    """Keep a leaf for the ledger, in the caller's transaction.

    Args:
        store: with a transaction open, in which what `statement` says is done.
        kind: what it is about, openly.
        statement: what is entered: a signed statement, or a record of ours (canonical JSON).
        about: what a person looks it up by: an object's id, `batch 3`.
        now: when; of this the leaf tells the day.

    Raises:
        ValueError: the statement is larger than `MAX_STATEMENT_BYTES`.
    """
    if len(statement) > MAX_STATEMENT_BYTES:
        raise ValueError(f"a statement of {len(statement)} bytes is too large for the ledger")
    with store.transaction():
        store.leaves.add(LeafRow(0, kind.value, about, statement, blinding(), format_time(now), None))


def leaf_of(row: LeafRow) -> bytes:
    """Return the entry that the ledger has, or will have, of a leaf."""
    day = parse_time(row.recorded_at).date()
    return make_leaf(LeafKind(row.kind), row.statement, day, row.blinding)


def is_due(store: Store, now: datetime) -> bool:
    """Whether `serve` should append: enough waits, or something has waited for long enough."""
    leaves, served = store.leaves.waiting(), store.served.waiting()
    if leaves.leaves >= BATCH_LEAVES or served.rows >= MAX_RECORDS:
        return True
    since = min((one.since for one in (leaves, served) if one.since is not None), default=None)
    return since is not None and now - parse_time(since) >= BATCH_AGE


def append_entered(node: Node, clock: Clock, unseal: Unseal | None = None) -> int:
    """Append everything that waits under a signed checkpoint; return how many leaves that were.

    What left without a drop since the last time is entered first.

    Args:
        node: ours.
        clock: gives the time of keys that have to be made first.
        unseal: opens keys under a passphrase.

    Raises:
        StoreError: the ledger cannot be written, is damaged, or is older than the store knows it: appending to it
            would be a second history.
        SignatureError: the key of the ledger is missing, or needs a passphrase.
    """
    enter_served(node.store, clock.now())
    if node.store.leaves.waiting().since is None:
        return 0
    own = own_ledger(node, clock, unseal)
    appended = 0
    with open_ledger(own.folder, own.keys[0], own.sign, older=own.keys[1:]) as ledger:
        _catch_up(node.store.leaves, ledger)
        while rows := node.store.leaves.pending(at_most=APPEND_LEAVES):
            first = ledger.append([leaf_of(row) for row in rows]).first
            _keep_places(node.store.leaves, rows, range(first, first + len(rows)))
            appended += len(rows)
    return appended


def append_if_open(node: Node, clock: Clock, unseal: Unseal | None = None) -> bool:
    """Append what waits, unless our keys are under a passphrase that nobody gave: then it goes on waiting.

    Raises:
        StoreError: as `append_entered`.
    """
    try:
        append_entered(node, clock, unseal)
    except SignatureError:
        if unseal is not None:
            raise
        return False
    return True


def _keep_places(leaves: Leaves, rows: Sequence[LeafRow], indexes: Iterable[int]) -> None:
    leaves.entered([(row.leaf_row, index) for row, index in zip(rows, indexes, strict=True)])


def _catch_up(leaves: Leaves, ledger: Ledger) -> None:
    """See that files and store tell one history, and keep the places of leaves that were appended unnoticed."""
    size = ledger.checkpoint.size
    tiles = Tiles(files_in(ledger.folder), size)
    last = leaves.last()
    known = 0
    if last is not None and last.leaf_index is not None:
        known = last.leaf_index + 1
        if size < known or tiles.entry(last.leaf_index) != leaf_of(last):
            raise StoreError(
                f"the ledger in {ledger.folder} is not the one that was written last: its entry "
                f"{last.leaf_index} is missing or another",
                hint="Restore store and ledger from the same backup, the newest; nothing was entered.",
            )
    if size == known:
        return
    # Of a store that was restored from a backup, the ledger may have leaves that nothing here opens any more.
    waiting = {leaf_of(row): row for row in leaves.pending(at_most=size - known + APPEND_LEAVES)}
    found = [(waiting.get(tiles.entry(index)), index) for index in range(known, size)]
    leaves.entered([(row.leaf_row, index) for row, index in found if row is not None])
