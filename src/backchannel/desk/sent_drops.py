"""What became of the drops that we sent: each recipient's last word, who is silent, and what their answers ask of us.

Receipts are judged when they are shown, with the keys that are known then. Silence is shown, and held against nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backchannel.clock import Clock, parse_time
from backchannel.desk.heard_back import given_standings
from backchannel.desk.membership import named
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.receipt_documents import Releases, SentStanding, Unanswered, WaitingFor
from backchannel.desk.redacted import Spoken, spoken_of
from backchannel.desk.saying_back import said_back, words
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.receipts import Sent, Standing, check_receipt, standing
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Keys, Terms, verify
from backchannel.store.statements import SentRow

MAX_ASKING: Final = 1_000
"""Drops of which is read what came back, the newest that asked for a receipt."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A receipt that counts."""

    receipt: Receipt
    at: datetime
    spoken: Spoken
    """Of which objects."""
    digest: bytes
    """Of its statement."""


def sent_of(row: SentRow) -> Sent:
    """Return a copy that was sent as the rules of receipts read it."""
    return Sent(
        manifest=row.manifest,
        seq=row.seq,
        recipient=row.party_id,
        at=parse_time(row.sent_at),
        ack=row.ack,  # type: ignore[arg-type]  # written from an `Ack`
    )


def list_sent(
    node: Node, clock: Clock, *, to: str | None = None, at_most: int, over_taxii: bool = False
) -> Releases:
    """Return what we sent, newest first, with what each recipient said of it.

    Args:
        node: ours.
        clock: the present: how long somebody is silent.
        to: only what went to this party.
        at_most: how many.
        over_taxii: whether what went without a drop is told too.

    Raises:
        NotFoundError: there is no such party.
    """
    party = None if to is None else named(node, to)
    party_row = None if party is None else party.party_row
    rows = node.store.statements.sent(party_row=party_row, manifest=None, at_most=at_most)
    judge = _Judge(node, clock)
    return Releases(
        sent=tuple(judge.document(row) for row in rows),
        unanswered=unanswered(node, clock),
        waiting=tuple(
            WaitingFor(to=name, statements=count)
            for name, count in node.store.statements.waiting_parties()
            if party is None or name == party.name
        ),
        over_taxii=given_standings(node, clock, to=None if party is None else party.name)
        if over_taxii
        else (),
    )


def unanswered(node: Node, clock: Clock) -> Unanswered:
    """Return how many drops that asked for an answer have none, and for how long.

    Of those that had an answer, and not the one that was asked for, the newest are looked at.
    """
    statements, judge, now = node.store.statements, _Judge(node, clock), clock.now()
    unheard = statements.unheard()
    silent = {party: now - parse_time(oldest) for party, _, oldest in unheard}
    drops = sum(count for _, count, _ in unheard)
    for row in statements.sent(party_row=None, manifest=None, at_most=MAX_ASKING, is_asking=True):
        since = judge.whole(row).silent_for if judge.was_heard(row) else None
        if since is not None:
            drops += 1
            silent[row.party_id] = max(since, silent.get(row.party_id, since))
    longest = max(silent.values(), default=timedelta(0))
    return Unanswered(drops=drops, parties=len(silent), longest_days=longest.days)


class _Judge:
    """Reads the receipts of many drops with one reading of the keys."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._store, self._now = node.store, clock.now()
        self._keys: Keys = pinned_keys(node)
        self._terms = Terms(now=self._now, me=None, seen=None, known_at=known_at(node.store))

    def was_heard(self, row: SentRow) -> bool:
        """Whether anything came back for a copy, whatever it is worth."""
        return any(not kept.is_own for kept in self._store.statements.receipts(row.manifest))

    def whole(self, row: SentRow) -> Standing:
        """Return what is known of a drop as a whole."""
        return _standing(sent_of(row), self._heard(row), self._now)

    def document(self, row: SentRow) -> SentStanding:
        heard = list(self._heard(row))
        sent = sent_of(row)
        whole = _standing(sent, heard, self._now)
        answers = tuple(
            said_back(self._store, one.digest, one.spoken, one.receipt)
            for one in self._last_words(sent, heard)
        )
        return SentStanding(
            to=row.party,
            seq=row.seq,
            drop=digest_text(row.manifest),
            sent_at=row.sent_at,
            objects=row.objects,
            ack=row.ack,
            state=whole.state,
            verdict=None if whole.receipt is None else whole.receipt.verdict,
            says=_sentence(row, whole),
            silent_since=None if whole.silent_for is None else row.sent_at,
            silent_days=None if whole.silent_for is None else whole.silent_for.days,
            answers=answers,
        )

    def _heard(self, row: SentRow) -> Iterator[_Heard]:
        """Yield the receipts for one copy whose signatures count, of whoever it went to."""
        sent = sent_of(row)
        for kept in self._store.statements.receipts(row.manifest):
            if kept.is_own:
                continue
            try:
                verified = verify(kept.envelope, self._keys, self._terms)
                receipt, _ = check_receipt(verified, {row.manifest: [sent]})
            except Rejected:
                continue  # its key was given up since: it says nothing any more
            if verified.has_weight:
                name = verified.signers[0].name
                spoken = spoken_of(self._store, kept.statement_row, verified.statement, by=name)
                yield _Heard(receipt, parse_time(verified.statement.iat), spoken, kept.digest)

    def _last_words(self, sent: Sent, heard: Sequence[_Heard]) -> Iterator[_Heard]:
        """Yield what was said last of the whole drop, and of each object that was spoken of."""
        for about in dict.fromkeys(one.spoken.about for one in heard):
            found = _standing(sent, (one for one in heard if one.spoken.about == about), self._now).receipt
            if found is not None:
                yield next(one for one in heard if one.receipt is found)


def _standing(sent: Sent, heard: Iterable[_Heard], now: datetime) -> Standing:
    return standing(sent, [(one.receipt, one.at) for one in heard], now)


def _sentence(row: SentRow, found: Standing) -> str:
    """Say how a drop stands at its recipient."""
    if found.receipt is not None:
        heard = words(found.receipt)
        return heard if found.silent_for is None else f"{heard}; asked for {_ASKED[row.ack]}"
    if found.silent_for is None:
        return "was not asked"
    if not found.silent_for.days:
        return "no answer yet"
    return f"silent for {'1 day' if found.silent_for.days == 1 else f'{found.silent_for.days:,} days'}"


_ASKED: Final = {
    "received": "a receipt",
    "assessed": "what they make of it",
    "acted": "what they do about it",
}
