"""What is said to us beside the objects of a drop: receipts, news of keys, and what is kept for whoever asks later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backchannel import codec
from backchannel.clock import Clock, parse_time
from backchannel.desk.key_statements import take_key_set, take_revocation
from backchannel.desk.node import Node
from backchannel.desk.provenance import keep_statement
from backchannel.desk.records import record_signed
from backchannel.ids import BatchId
from backchannel.parties.keyset import KeySet, read_keyset
from backchannel.parties.refusals import KeyRefusedError
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import KEYSET, Receipt, Revoke
from backchannel.provenance.reasons import REASONS, Rejected
from backchannel.provenance.receipts import Sent, check_receipt
from backchannel.provenance.statement import Statement, digest_text, open_envelope
from backchannel.provenance.verification import Keys, Terms, Verified, verify

MAX_COPIES = 100
"""Copies of one drop of ours that a receipt is looked for among."""


@dataclass(slots=True)
class Said:
    """What was said in one drop, judged, and not kept yet."""

    verified: list[tuple[bytes, Verified]] = field(default_factory=list)
    refused: list[tuple[bytes, Rejected]] = field(default_factory=list)
    """The bytes, and why."""

    @property
    def receipts(self) -> int:
        """How many are receipts for what we sent."""
        return sum(isinstance(one.predicate, Receipt) for _, one in self.verified)

    def keep(self, node: Node, clock: Clock, batch_id: BatchId | None) -> None:
        """Keep it. Inside the transaction of the drop that it came in."""
        for envelope, one in self.verified:
            keep_statement(node.store, clock, envelope, batch_id=batch_id)
            if not isinstance(one.predicate, Revoke):  # which was entered when it was taken
                about = digest_text(one.digest)
                record_signed(node.store, LeafKind.RECEIVED, envelope, about=about, now=clock.now())
            node.store.statements.take(*one.replay_key, batch_id=batch_id, keep_until=None)


def hear(node: Node, clock: Clock, envelope: bytes, keys: Keys, terms: Terms, said: Said) -> None:
    """Judge one statement that is said to us, and gather it. What is said of keys counts at once.

    Raises:
        Rejected: it does not count; `REPLAY` where it was taken before.
    """
    statement = open_envelope(envelope).statement
    try:
        if statement.predicate_type == KEYSET:
            if _is_news(node, statement, keys):
                take_key_set(node, clock, envelope)
            return
        asked = replace(terms, seen=node.store.statements.was_taken)
        verified = verify(envelope, keys, asked)
        if isinstance(verified.predicate, Receipt):
            check_receipt(verified, _sent(node, verified.predicate))
        elif isinstance(verified.predicate, Revoke):
            take_revocation(node, clock, envelope)
    except KeyRefusedError as error:
        raise Rejected(REASONS[error.reason], error.message) from None
    said.verified.append((envelope, verified))


def _sent(node: Node, receipt: Receipt) -> Mapping[bytes, list[Sent]]:
    """Return to whom we sent the drop that a receipt is for."""
    digest = bytes.fromhex(receipt.manifest.removeprefix("sha256:"))
    rows = node.store.statements.sent(party_row=None, manifest=digest, at_most=MAX_COPIES)
    copies = [
        Sent(
            manifest=row.manifest,
            seq=row.seq,
            recipient=row.party_id,
            at=parse_time(row.sent_at),
            ack=row.ack,  # type: ignore[arg-type]  # written from an `Ack`
        )
        for row in rows
    ]
    return {digest: copies}


def _is_news(node: Node, statement: Statement, keys: Keys) -> bool:
    """Whether a key set is another than those that are here: with each drop come all that its sender ever said."""
    issuer = keys(statement.iss)
    party = None if issuer is None else node.store.parties.by_name(issuer.name)
    if party is None:
        return True
    if party.is_self:
        return False
    new = read_keyset(codec.canonical(statement.predicate))
    known = [codec.decode_as(row.body, KeySet) for row in node.store.membership.key_sets(party.party_row)]
    if not known or new.version > known[-1].version:
        return True
    # An older version that was never seen here says nothing that the newest does not.
    return any(one.version == new.version and one.digest != new.digest for one in known)
