"""What lies in quarantine because it was refused: listed with its reasons, given out as it came, or decided away."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from backchannel.clock import Clock, format_time
from backchannel.desk.coming_documents import RefusedThing, RefusedThings
from backchannel.desk.drop_documents import Noted
from backchannel.desk.node import Node
from backchannel.desk.quarantine import QUARANTINE
from backchannel.errors import NotFoundError, StoreError, UsageError
from backchannel.provenance.reasons import REASONS
from backchannel.store.statements import RefusedRow

_STEP_BYTES = 2**20
MAX_WHY_CHARS = 500


def list_refused(
    node: Node, *, rows: int, before: int | None = None, everything: bool = False
) -> RefusedThings:
    """Return what lies in quarantine, newest first.

    Args:
        node: ours.
        rows: most of them.
        before: where the page before ended.
        everything: also what was decided.
    """
    found = node.store.statements.refused(before=before, rows=rows + 1, is_open=not everything)
    more = found[rows - 1].refused_row if len(found) > rows else None
    return RefusedThings(
        refused=tuple(map(_document, found[:rows])), open=node.store.statements.open_refused(), next=more
    )


def show_refused(node: Node, number: int) -> RefusedThings:
    """Return one thing in quarantine, alone in the list.

    Raises:
        NotFoundError: there is none of this number.
    """
    row = _row(node, number)
    return RefusedThings(refused=(_document(row),), open=node.store.statements.open_refused(), next=None)


def write_original(node: Node, number: int, out: IO[bytes]) -> None:
    """Write an original as it came: it may be hostile, and is for whoever looks into it.

    Raises:
        NotFoundError: there is none of this number, or it was discarded.
        OSError: it cannot be written.
    """
    row = _row(node, number)
    body = node.store.statements.refused_body(number)
    if body is not None:
        out.write(body)
        return
    try:
        with _path(node, row).open("rb") as file:
            while data := file.read(_STEP_BYTES):
                out.write(data)
    except FileNotFoundError:
        raise NotFoundError(
            f"the original of number {number} is here no more: {row.decision or 'its file is gone'}",
            hint="Ask its sender to send it again.",
        ) from None


def discard_refused(node: Node, clock: Clock, number: int, why: str) -> RefusedThings:
    """Decide that something in quarantine is not needed; the record of it stays, its bytes go.

    Raises:
        NotFoundError: there is none of this number.
        UsageError: it was decided before, or the reason is missing or too long.
        StoreError: its file cannot be removed.
    """
    row = _row(node, number)
    if not 0 < len(why.strip()) <= MAX_WHY_CHARS:
        raise UsageError(
            "a reason is missing, or is too long", hint=f"Say why in {MAX_WHY_CHARS} characters."
        )
    with node.store.transaction():
        at = format_time(clock.now())
        if not node.store.statements.decide(number, f"discarded: {why.strip()}", at=at):
            raise UsageError(
                f"number {number} was decided before: {row.decision}", hint="See `refused list --all`."
            )
        node.store.statements.discard(number)
        is_last = node.store.statements.refused_as(row.sha256) is None
    if is_last:
        try:
            _path(node, row).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"its file cannot be removed: {error.strerror}") from error
    return show_refused(node, number)


def _row(node: Node, number: int) -> RefusedRow:
    row = node.store.statements.refused_row(number)
    if row is None:
        raise NotFoundError(
            f"nothing of the number {number} was refused", hint="See `backchannel refused list --all`."
        )
    return row


def _path(node: Node, row: RefusedRow) -> Path:
    return node.home / QUARANTINE / row.sha256.hex()


def _document(row: RefusedRow) -> RefusedThing:
    reason = REASONS[row.reason]
    return RefusedThing(
        number=row.refused_row,
        at=row.at,
        what=row.what,
        place=row.place,
        party=row.party,
        refusal=Noted(code=reason, means=reason.meaning, mend=reason.mend, detail=row.detail),
        sha256=row.sha256.hex(),
        bytes=row.size,
        decision=row.decision,
    )
