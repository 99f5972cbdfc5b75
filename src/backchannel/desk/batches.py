"""Batches: what each import brought, and undoing one as a whole."""

from __future__ import annotations

from collections.abc import Iterable

from backchannel.clock import Clock, format_time
from backchannel.desk.collecting import put_back
from backchannel.desk.documents import Batch, BatchDetail, Batches, BatchFile
from backchannel.desk.lock import import_lock
from backchannel.desk.node import Node
from backchannel.desk.records import about_batch, record_decision
from backchannel.desk.stamps import to_micros
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import BatchId
from backchannel.store.interface import Store
from backchannel.store.rows import BatchRow, InputFile

MAX_FILES_SHOWN = 100
MAX_FINDINGS_SHOWN = 1_000
MAX_PAGE_ROWS = 1_000

_WHAT_IS_LEFT = "Where it was killed, the next import removes what is left of it."


def list_batches(node: Node, *, limit: int = 50, before: str | None = None) -> Batches:
    """List batches, newest first, undone ones too; one is listed when its import has ended, never before.

    Args:
        node: the open node.
        limit: most batches returned, at most `MAX_PAGE_ROWS`.
        before: `next` of the page before.

    Raises:
        UsageError: `before` is not what a page gave.
    """
    rows = max(1, min(limit, MAX_PAGE_ROWS))
    if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise UsageError("that is no place in the list of batches", hint="Begin again without it.")
    bound = None if before is None else BatchId(int(before))
    found = node.store.batches.newest(before=bound, rows=rows + 1)
    page = found[:rows]
    return Batches(
        batches=tuple(batch_documents(node.store, page)),
        next=str(page[-1].batch_id) if len(found) > rows else None,
    )


def show_batch(node: Node, batch_id: BatchId) -> BatchDetail:
    """Show one batch with what was found in it.

    Raises:
        NotFoundError: there is no such batch, or its import did not end.
    """
    row = _get(node, batch_id)
    if row.state == "open":
        raise NotFoundError(_not_ended(batch_id), hint=_WHAT_IS_LEFT)
    findings, total = node.store.batches.findings(batch_id, at_most=MAX_FINDINGS_SHOWN)
    return BatchDetail(
        batch=batch_documents(node.store, (row,))[0], findings=tuple(findings), findings_total=total
    )


def undo_batch(node: Node, clock: Clock, batch_id: BatchId) -> BatchDetail:
    """Undo a batch: what only it brought goes out of sight, and every view is as if it had never come.

    The bytes and the record that they came stay: a later import of the same brings them back as new.

    Raises:
        NotFoundError: there is no such batch.
        UsageError: it is undone already, or still open.
    """
    with import_lock(node.home), node.store.transaction():
        row = _get(node, batch_id)
        if row.state == "undone":
            raise UsageError(
                f"batch {batch_id} was undone on {row.undone_at}", hint="There is nothing to do."
            )
        if row.state == "open":
            raise UsageError(_not_ended(batch_id), hint=_WHAT_IS_LEFT)
        now = clock.now()
        node.store.batches.undo(batch_id, at=format_time(now))
        put_back(node.store, node.store.collected.undo(batch_id), now=to_micros(now))
        record_decision(node.store, "undo", about_batch(batch_id), now=now)
    return show_batch(node, batch_id)


def batch_documents(store: Store, rows: Iterable[BatchRow]) -> list[Batch]:
    """Return the documents of batches, with the names of their files."""
    listed = list(rows)
    files = store.batches.files([row.batch_id for row in listed], at_most=MAX_FILES_SHOWN)
    return [_document(row, files[row.batch_id]) for row in listed]


def _document(row: BatchRow, files: list[InputFile]) -> Batch:
    counts = row.counts
    return Batch(
        batch=row.batch_id,
        state=row.state,
        party=row.party,
        channel=row.channel,
        tlp=row.tlp,
        opened_at=row.opened_at,
        completed_at=row.completed_at,
        undone_at=row.undone_at,
        objects=counts.objects,
        stored=counts.stored,
        known=counts.known,
        conflict=counts.conflict,
        quarantined=counts.quarantined,
        refused=counts.refused,
        files=tuple(
            BatchFile(name=file.name, bytes=file.size, sha256=file.sha256.hex() if file.sha256 else None)
            for file in files
        ),
    )


def _not_ended(batch_id: BatchId) -> str:
    return f"the import of batch {batch_id} has not ended, so nothing of it is in sight"


def _get(node: Node, batch_id: BatchId) -> BatchRow:
    row = node.store.batches.get(batch_id) if 0 < batch_id < 2**63 else None
    if row is None:
        raise NotFoundError(f"there is no batch {batch_id}", hint="See `backchannel batch list`.")
    return row
