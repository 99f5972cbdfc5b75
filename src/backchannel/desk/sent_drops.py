"""What we sent: to whom, under which number, and what its recipient said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backchannel.clock import Clock, parse_time
from backchannel.desk.drop_documents import Releases, SentStanding
from backchannel.desk.membership import named
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.receipts import Sent, Standing, check_receipt, standing
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Keys, Terms, verify
from backchannel.store.statements import SentRow, StatementRow


def list_sent(node: Node, clock: Clock, *, to: str | None = None, at_most: int) -> Releases:
    """Return what we sent, newest first.

    Args:
        node: ours.
        clock: the present.
        to: only to this party.
        at_most: how many.

    Raises:
        NotFoundError: there is no such party.
    """
    party_row = None if to is None else named(node, to).party_row
    keys = pinned_keys(node)
    terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(node.store), expect=("receipt",))
    rows = node.store.statements.sent(party_row=party_row, manifest=None, at_most=at_most)
    return Releases(sent=tuple(_document(row, _standing(node, row, keys, terms)) for row in rows))


def _standing(node: Node, row: SentRow, keys: Keys, terms: Terms) -> Standing:
    sent = Sent(
        manifest=row.manifest,
        seq=row.seq,
        recipient=row.party_id,
        at=parse_time(row.sent_at),
        ack=row.ack,  # type: ignore[arg-type]  # written from an `Ack`
    )
    return standing(
        sent, _receipts(node.store.statements.receipts(row.manifest), sent, keys, terms), terms.now
    )


def _receipts(
    rows: Sequence[StatementRow], sent: Sent, keys: Keys, terms: Terms
) -> list[tuple[Receipt, datetime]]:
    """Return the receipts for a drop that count with the keys of today."""
    found: list[tuple[Receipt, datetime]] = []
    for row in rows:
        try:
            verified = verify(row.envelope, keys, terms)
            receipt, _ = check_receipt(verified, {sent.manifest: [sent]})
        except Rejected:
            continue  # of a key that was revoked since
        found.append((receipt, parse_time(verified.statement.iat)))
    return found


def _document(row: SentRow, found: Standing) -> SentStanding:
    receipt = found.receipt
    silent = None if found.silent_for is None else found.silent_for.days
    reason = None if receipt is None or receipt.reason is None else receipt.reason.code
    says = "nothing was asked" if row.ack == "none" else f"{found.state}"
    if silent == 0 and found.state == "sent":
        says = "no answer yet"
    elif reason is not None:
        says = f"declined: {reason}"
    elif silent is not None:
        says = (
            f"silent for {silent:,} days"
            if found.state == "sent"
            else f"{found.state}, then silent for {silent:,} days"
        )
    return SentStanding(
        to=row.party,
        seq=row.seq,
        drop=digest_text(row.manifest),
        sent_at=row.sent_at,
        objects=row.objects,
        ack=row.ack,
        state=found.state,
        acted=None if receipt is None else receipt.acted,
        reason=reason,
        says=says,
        silent_days=silent,
        task=found.task,
    )
