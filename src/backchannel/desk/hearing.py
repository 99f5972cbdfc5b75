"""What is said to us in plain STIX: statements are taken out of the notes that carry them while these are read.

They are judged as if they had come by themselves, and kept in the transaction that completes the batch of the notes. A
note whose statement is refused is quarantined with it, under the same code; one for somebody else is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.pinned import PinnedKeys, own_kids, pinned_keys
from backchannel.desk.provenance import keep_statement, known_at
from backchannel.desk.saying import Said, hear
from backchannel.feedback.carried import EXTENSION, envelope_in, note_id
from backchannel.ids import BatchId, Digest
from backchannel.intake.received import Received, Refused
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import open_envelope
from backchannel.provenance.verification import Terms
from backchannel.stix.findings import Finding
from backchannel.store.statements import CarryingNote

CLAUSE = "Backchannel: statements carried in STIX"


class Hearing:
    """The statements of one batch."""

    def __init__(self, node: Node, clock: Clock, *, giver: str | None) -> None:
        self._node, self._clock = node, clock
        self._said = Said(giver=giver)
        self._heard: set[Digest] = set()
        self._notes: dict[str, CarryingNote] = {}
        self._again: list[bytes] = []
        """What was taken before: it stands as long as one of the batches that brought it does."""
        self._us: frozenset[str] | None = None
        self._keys: PinnedKeys | None = None
        self._place = ""
        """Of the first that was refused."""

    def over(self, items: Iterable[Received | Refused]) -> Iterator[Received | Refused]:
        """Yield what was read, and hear what is said in it."""
        for item in items:
            yield self.heard(item)

    def heard(self, item: Received | Refused) -> Received | Refused:
        """Hear what is said in one object; returns it, with a finding where what it says is refused."""
        if not isinstance(item, Received) or not _carries(item):
            return item
        try:
            envelope = envelope_in(item.raw.value)
            if envelope is not None:
                self._hear(envelope, item.raw.header.id)
        except Rejected as refusal:
            self._place = self._place or item.place
            code, detail = refusal.reason, f" ({refusal.detail})" if refusal.detail else ""
            finding = Finding(
                "quarantine",
                item.raw.header.id,
                f"{item.place}/extensions/{EXTENSION}",
                f"The statement that it carries is refused: {code}{detail}. {code.mend}",
                CLAUSE,
            )
            return msgspec.structs.replace(item, findings=(finding, *item.findings))
        return item

    def keep(self, batch_id: BatchId | None, *, party_row: int | None) -> None:
        """Keep what was heard. Inside the transaction that completes the batch.

        Args:
            batch_id: the batch; None: it brought nothing new.
            party_row: the party that it came from, where that is known.
        """
        self._said.keep(self._node, self._clock, batch_id, place=self._place, party_row=party_row)
        if batch_id is not None:
            for envelope in self._again:
                keep_statement(self._node.store, self._clock, envelope, batch_id=batch_id)
        self._node.store.statements.note_carrying(self._notes.values())

    def _hear(self, envelope: bytes, stix_id: str) -> None:
        """Judge one statement, unless it is for somebody else.

        Raises:
            Rejected: it does not count.
        """
        try:
            opened = open_envelope(envelope)
            if self._us is None:
                self._us = own_kids(self._node)
            us, audience = self._us, set(opened.statement.aud)
            is_private = bool(us & audience) and "*" not in audience
            is_own = opened.statement.iss in us  # which another server gave back to us
            if (is_private or "*" in audience) and not is_own and opened.digest not in self._heard:
                self._judge(envelope, opened.digest, us)
                self._heard.add(opened.digest)
        except Rejected as refusal:
            self._said.refused.append((envelope, refusal))
            raise
        if stix_id == note_id(opened.digest):
            self._notes[stix_id] = CarryingNote(stix_id, opened.digest, is_private)

    def _judge(self, envelope: bytes, digest: Digest, us: frozenset[str]) -> None:
        """Judge a statement that is for us; one that was taken before is no news.

        Raises:
            Rejected: it does not count.
        """
        if self._keys is None:
            self._keys = pinned_keys(self._node)
        terms = Terms(now=self._clock.now(), me=us, seen=None, known_at=known_at(self._node.store))
        try:
            hear(self._node, self._clock, envelope, self._keys, terms, self._said)
        except Rejected as refusal:
            if refusal.reason is not Reason.REPLAY:
                raise
            if self._node.store.statements.get(digest) is not None:
                self._again.append(envelope)


def _carries(item: Received) -> bool:
    extensions = item.raw.value.get("extensions")
    return isinstance(extensions, dict) and EXTENSION in extensions
