"""What is said to us beside the objects of a drop: receipts, requests, answers, views of objects, and news of keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backchannel.clock import Clock, format_time
from backchannel.desk.admitting import admit, settle
from backchannel.desk.key_statements import is_news, take_key_set, take_revocation
from backchannel.desk.node import Node
from backchannel.desk.pinned import PinnedKeys
from backchannel.desk.provenance import keep_statement
from backchannel.desk.records import record_signed
from backchannel.desk.redacted import keep_spoken, speakers
from backchannel.desk.sent_drops import sent_of
from backchannel.ids import BatchId, sha256
from backchannel.parties.refusals import KeyRefusedError
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import KEYSET, TYPE_OF, Permit, Receipt, Revoke
from backchannel.provenance.reasons import REASONS, Reason, Rejected
from backchannel.provenance.receipts import Sent, check_receipt
from backchannel.provenance.statement import (
    RootSubject,
    SigningKey,
    Statement,
    digest_text,
    open_envelope,
    shown,
)
from backchannel.provenance.verification import Terms, Verified, verify
from backchannel.store.statements import NewRefused

ANSWERING = frozenset({"answer", "opinion", "outcome", "receipt", "rfi", "sighting"})
"""Kinds of statements that speak of what they were given. What is taken back or asserted is the signer's own."""
MAX_COPIES = 100
"""Copies of one drop of ours that a receipt is looked for among."""


@dataclass(slots=True)
class Said:
    """What was said in one drop, judged, and not kept yet."""

    verified: list[tuple[bytes, Verified]] = field(default_factory=list)
    again: list[tuple[bytes, Verified]] = field(default_factory=list)
    """Permits that were taken before: what relies on them is kept with them."""
    refused: list[tuple[bytes, Rejected]] = field(default_factory=list)
    """The bytes, and why."""
    key: SigningKey | None = None
    """Ours, where it is open."""
    giver: str | None = None
    """Name of the party that it came from, which may pass on what others say; None: nobody named."""

    @property
    def permits(self) -> list[Verified]:
        """The permits that came along, those that were taken before among them."""
        return [one for _, one in (*self.verified, *self.again) if isinstance(one.predicate, Permit)]

    @property
    def receipts(self) -> int:
        """How many are receipts for what we sent."""
        return sum(isinstance(one.predicate, Receipt) for _, one in self.verified)

    def keep(
        self, node: Node, clock: Clock, batch_id: BatchId | None, *, place: str, party_row: int | None = None
    ) -> None:
        """Keep it. Inside the transaction of the drop that it came in.

        Args:
            node: ours.
            clock: the present.
            batch_id: the batch of that drop; None: it brought no objects.
            place: where it came from, for people.
            party_row: the party that it came from, where that is known.
        """
        for envelope, one in self.verified:
            row = keep_statement(node.store, clock, envelope, batch_id=batch_id)
            if one.statement.predicate_type in ANSWERING:
                keep_spoken(
                    node.store, row, one.statement, speakers(node.store, one.signers[0].name, self.giver)
                )
            settle(node, clock, one, row, key=self.key)
            if not isinstance(one.predicate, Revoke):  # which was entered when it was taken
                about = digest_text(one.digest)
                record_signed(node.store, LeafKind.RECEIVED, envelope, about=about, now=clock.now())
            node.store.statements.take(*one.replay_key, batch_id=batch_id, keep_until=None)
        for envelope, _ in self.again:
            keep_statement(node.store, clock, envelope, batch_id=batch_id)
        for body, refusal in self.refused:
            node.store.statements.refuse(
                NewRefused(
                    at=format_time(clock.now()),
                    what="statement",
                    place=place,
                    reason=refusal.reason,
                    detail=refusal.detail,
                    sha256=sha256(body),
                    size=len(body),
                    body=body,
                    party_row=party_row,
                )
            )


def hear(node: Node, clock: Clock, envelope: bytes, keys: PinnedKeys, terms: Terms, said: Said) -> None:
    """Judge one statement that is said to us, and gather it. What is said of keys counts at once.

    Raises:
        Rejected: it does not count; `REPLAY` where it was taken before.
    """
    opened = open_envelope(envelope)
    try:
        if opened.statement.predicate_type == KEYSET:
            if not is_news(node, opened):
                raise Rejected(Reason.REPLAY, "a key set that is here")
            take_key_set(node, clock, envelope)
            keys.forget()
            return
        if opened.statement.predicate_type == TYPE_OF[Permit]:
            _hear_permit(node, envelope, keys, terms, said)
            return
        asked = replace(terms, seen=node.store.statements.was_taken)
        verified = verify(envelope, keys, asked)
        if isinstance(verified.predicate, Receipt) and verified.predicate.manifest is None:
            _check_given(node, verified)
        elif isinstance(verified.predicate, Receipt):
            _, sent = check_receipt(verified, _sent(node, verified.predicate))
            _check_about(node, opened.statement, sent)
        elif isinstance(verified.predicate, Revoke):
            take_revocation(node, clock, envelope)
        else:
            admit(node, clock, verified, (one for _, one in said.verified), giver=said.giver)
    except KeyRefusedError as error:
        raise Rejected(REASONS[error.reason], error.message) from None
    said.verified.append((envelope, verified))


def _hear_permit(node: Node, envelope: bytes, keys: PinnedKeys, terms: Terms, said: Said) -> None:
    """Take a permit: whoever relies on it shows it, whomever it is for and though its time is over."""
    verified = verify(envelope, keys, replace(terms, me=None, chan="", late=True))
    was_taken = node.store.statements.was_taken(*verified.replay_key)
    (said.again if was_taken else said.verified).append((envelope, verified))


def _check_about(node: Node, statement: Statement, sent: Sent) -> None:
    """Check that the objects which a receipt is about were in the drop."""
    subject = [] if isinstance(statement.subject, RootSubject) else statement.subject
    manifest = node.store.statements.get(sent.manifest) if subject else None
    for one in subject:
        digest = bytes.fromhex(one.jcs.removeprefix("sha256:"))
        if manifest is None or node.store.statements.subject(manifest.statement_row, digest) is None:
            raise Rejected(Reason.WRONG_RECEIPT, f"{shown(one.id)} was not in that drop")


def _check_given(node: Node, verified: Verified) -> None:
    """Check that a receipt is about objects which whoever signed it was given over TAXII."""
    signer = verified.signers[0]
    party = node.store.parties.by_name(signer.name)
    subject = verified.statement.subject
    for one in [None] if isinstance(subject, RootSubject) else subject:
        digest = b"" if one is None else bytes.fromhex(one.jcs.removeprefix("sha256:"))
        if one is None or party is None or not node.store.given.was_given(party.party_row, one.id, digest):
            what = "what it is about" if one is None else shown(one.id)
            raise Rejected(Reason.WRONG_RECEIPT, f"{what} did not go to {shown(signer.name)}")


def _sent(node: Node, receipt: Receipt) -> Mapping[bytes, list[Sent]]:
    """Return to whom we sent the drop that a receipt is for."""
    if receipt.manifest is None:
        return {}
    digest = bytes.fromhex(receipt.manifest.removeprefix("sha256:"))
    rows = node.store.statements.sent(party_row=None, manifest=digest, at_most=MAX_COPIES)
    return {digest: [sent_of(row) for row in rows]}
