"""A receipt in words, as it is shown to whoever is told."""

from __future__ import annotations

from typing import Final

from backchannel.desk.drop_documents import Noted
from backchannel.desk.receipt_documents import SaidBack
from backchannel.desk.redacted import Spoken
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.receipts import TASKS
from backchannel.provenance.statement import digest_text
from backchannel.store.interface import Store


def said_back(store: Store, digest: bytes, spoken: Spoken, receipt: Receipt) -> SaidBack:
    """Return what a receipt says, and what it asks of us.

    Args:
        store: knows whether help was given.
        digest: of its statement.
        spoken: of which objects; none: of all of a drop.
        receipt: it.
    """
    reason = receipt.reason
    task = None if reason is None else TASKS.get(reason.code)
    helped = store.requests.helped(digest) if task else None
    return SaidBack(
        receipt=digest_text(digest),
        about=spoken.about,
        forms=spoken.forms,
        state=receipt.state,
        verdict=receipt.verdict,
        acted=receipt.acted,
        refused=tuple(Noted(code=code, means=code.meaning, mend=code.mend) for code in receipt.refused),
        reason=None if reason is None else reason.code,
        other=None if reason is None else reason.other,
        text="" if reason is None else reason.text,
        when=receipt.when,
        task=None if helped is not None else task,
        helped=helped,
        says=words(receipt),
    )


def words(receipt: Receipt) -> str:
    """Say what a receipt says, as a part of a sentence."""
    said = receipt.acted or _STATES[receipt.state]
    if receipt.reason is not None:
        return f"{said}: {receipt.reason.code}"
    if receipt.state != "received" or receipt.verdict == "accepted":
        return said
    codes = f" ({', '.join(receipt.refused)})" if receipt.refused else ""
    return (
        f"refused it{codes}" if receipt.verdict == "refused" else f"{said}, and refused a part of it{codes}"
    )


_STATES: Final = {
    "received": "received it",
    "read": "read it",
    "assessed": "assessed it",
    "acted": "acted on it",
    "declined": "declined it",
}
