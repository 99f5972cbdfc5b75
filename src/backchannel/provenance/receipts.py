"""Receipts: what a party says became of what we sent it, and who is silent.

A receipt tells what its sender can do: it is given only so far as was asked, and passes the rules of release like
anything else. Silence is shown, and never held against anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from backchannel.clock import parse_time
from backchannel.provenance.predicates import DeclineReason, Receipt
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Verified

State = Literal["sent", "received", "read", "assessed", "acted", "declined"]
Ack = Literal["none", "received", "assessed", "acted"]

NEXT: Final[Mapping[State, frozenset[State]]] = {
    "sent": frozenset({"received", "read", "assessed", "acted", "declined"}),
    "received": frozenset({"read", "assessed", "acted", "declined"}),
    "read": frozenset({"assessed", "acted", "declined"}),
    "assessed": frozenset({"acted", "declined"}),
    "acted": frozenset(),
    "declined": frozenset({"assessed", "acted"}),  # who could not act then may act later
}
"""What may follow what: receipts get lost or overtake one another, so steps may be left out."""

_ASKED: Final[Mapping[Ack, frozenset[State]]] = {
    "none": frozenset(),
    "received": frozenset({"received", "read", "assessed", "acted", "declined"}),
    "assessed": frozenset({"assessed", "acted", "declined"}),
    "acted": frozenset({"acted", "declined"}),
}

TASKS: Final[Mapping[str, str]] = {
    "not-understood": "Explain it, or call: they do not know how to read it.",
    "no-capability": "Send it again as a rule or query for a product that they have.",
    "need-more": "Answer their question: what they need to act on it.",
    "no-authority": "Ask them who may decide it, and send it there.",
    "distrust-source": "Say where you have it from, or let the originator vouch for it.",
    "conflicts-with": "Compare it with what they name, and say which one holds.",
}
"""What a reason for declining asks of whoever sent it; the other reasons ask for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A drop that we sent to one party."""

    manifest: bytes
    """Digest of its manifest's statement."""
    seq: int
    recipient: str
    """The party."""
    at: datetime
    ack: Ack


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one drop at one recipient."""

    sent: Sent
    state: State
    receipt: Receipt | None
    """The last one that counts."""
    silent_for: timedelta | None
    """Since when an answer that was asked for is awaited; None: none is."""

    @property
    def task(self) -> str | None:
        """What the recipient's answer asks of us."""
        reason = None if self.receipt is None else self.receipt.reason
        return None if reason is None else TASKS.get(reason.code)


def check_receipt(verified: Verified, sent: Mapping[bytes, Sequence[Sent]]) -> tuple[Receipt, Sent]:
    """Return a receipt, and the drop that it is for.

    Args:
        verified: the statement, of the kind `receipt`.
        sent: manifest digest to whom we sent that drop.

    Raises:
        Rejected: `WRONG_TYPE`, it is no receipt; `WRONG_RECEIPT`, we sent no such drop to whoever signed it.
    """
    receipt = verified.predicate
    if not isinstance(receipt, Receipt):
        raise Rejected(Reason.WRONG_TYPE, "it is not a receipt")
    party = verified.signers[0].party
    if receipt.manifest is None:
        raise Rejected(Reason.WRONG_RECEIPT, "it is for no drop")
    digest = bytes.fromhex(receipt.manifest.removeprefix("sha256:"))
    for one in sent.get(digest, ()):
        if one.recipient == party:
            if one.seq != receipt.seq:
                raise Rejected(Reason.WRONG_RECEIPT, f"that drop has the number {one.seq}, not {receipt.seq}")
            return receipt, one
    raise Rejected(
        Reason.WRONG_RECEIPT, f"no drop {receipt.manifest[:15]}… went to {verified.signers[0].name}"
    )


def standing(sent: Sent, receipts: Sequence[tuple[Receipt, datetime]], now: datetime) -> Standing:
    """Return what is known of a drop at its recipient.

    Args:
        sent: the drop.
        receipts: its checked receipts with the times of their statements, in any order.
        now: the present.
    """
    state: State = "sent"
    last: Receipt | None = None
    for receipt, _ in sorted(receipts, key=lambda one: one[1]):
        # The same state again is the newer word: a drop that was refused came once more, and whole.
        if receipt.state == state or receipt.state in NEXT[state]:
            state, last = receipt.state, receipt
    is_awaited = sent.ack != "none" and state not in _ASKED[sent.ack]
    return Standing(sent=sent, state=state, receipt=last, silent_for=now - sent.at if is_awaited else None)


def tells_more(receipt: Receipt, told: Sequence[Receipt]) -> bool:
    """Whether a receipt says something that those given before, oldest first, did not say last.

    Args:
        receipt: that could be given.
        told: those that were, for the same drop, about all of it or the same object.
    """
    if not told:
        return True
    state: State = "sent"
    last: Receipt = told[0]
    for one in told:
        if one.state == state or one.state in NEXT[state]:
            state, last = one.state, one
    if receipt.state != state:
        return receipt.state in NEXT[state]
    if receipt.verdict == "refused" != last.verdict:
        return False  # a damaged copy of what was taken already
    return _said(receipt) != _said(last)


def _said(receipt: Receipt) -> tuple[object, ...]:
    return receipt.verdict, receipt.refused, receipt.reason, receipt.acted


def answer_by_object(
    *,
    state: Literal["received", "read", "assessed", "acted", "declined"],
    day: str,
    reason: DeclineReason | None = None,
    acted: Literal["blocked", "hunted, nothing", "hunted, found"] | None = None,
) -> Receipt:
    """Return the receipt for an object that came without a drop: its statement names the object.

    Nothing in TAXII says how much is asked for, so it is told because a person wants to.

    Args:
        state: how far it came here.
        day: when, `2026-01-02`.
        reason: why it was declined.
        acted: what was done.

    Raises:
        ValueError: the fields contradict one another.
    """
    receipt = Receipt(verdict="accepted", state=state, when=day, reason=reason, acted=acted)
    receipt.check()
    return receipt


def answer(
    manifest: bytes,
    seq: int,
    *,
    ack: Ack,
    state: Literal["received", "read", "assessed", "acted", "declined"],
    day: str,
    verdict: Literal["accepted", "partly", "refused"] = "accepted",
    refused: Sequence[Reason] = (),
    reason: DeclineReason | None = None,
    acted: Literal["blocked", "hunted, nothing", "hunted, found"] | None = None,
) -> Receipt | None:
    """Return the receipt to give, telling no more than was asked for; None where none was.

    A drop that asked only whether it was received is not told that it was acted on, and how. That something was
    declined is always told: a person decided it, and said why.

    Args:
        manifest: digest of the drop's manifest.
        seq: the drop's number.
        ack: what the drop asked for.
        state: how far it came here.
        day: when, `2026-01-02`.
        verdict: what became of its content.
        refused: the codes for which content was refused.
        reason: why it was declined.
        acted: what was done.

    Raises:
        ValueError: the fields contradict one another.
    """
    if ack == "none":
        return None
    parse_time(f"{day}T00:00:00Z")
    if state in {"read", "assessed", "acted"} and ack == "received":
        state, acted = "received", None
    if state == "acted" and ack == "assessed":
        state, acted = "assessed", None
    receipt = Receipt(
        manifest=digest_text(manifest),
        seq=seq,
        verdict=verdict,
        state=state,
        when=day,
        refused=list(refused),
        reason=reason,
        acted=acted,
    )
    receipt.check()
    return receipt
