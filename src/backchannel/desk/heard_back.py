"""What came back about what we gave: the last word of each party on an object, and on what it got over TAXII.

Receipts are judged when they are shown, with the keys that are known then. Nobody who reads over TAXII was asked for an
answer, so silence there is shown beside what went, and counts nowhere as unanswered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.receipt_documents import GivenStanding, GivenWay, HeardBack, SaidBack
from backchannel.desk.redacted import Spoken, spoken_of
from backchannel.desk.saying_back import said_back
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.verification import Terms, verify
from backchannel.store.given import GivenRow
from backchannel.store.rows import Kept
from backchannel.store.statements import StatementRow

MAX_RECEIPTS: Final = 1_000
"""Receipts that are looked at: the newest."""
MAX_PAGES: Final = 10_000
MAX_PUSHES: Final = 100_000
MAX_ANSWERS: Final = 20
"""Answers of one party that are shown."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A receipt that counts."""

    party: str
    receipt: Receipt
    spoken: Spoken
    at: datetime
    digest: bytes
    """Of its statement."""


def heard_back(node: Node, clock: Clock, kept: Kept) -> tuple[HeardBack, ...]:
    """Return what parties told us last of an object in this content, the newest first: of a drop or without one."""
    rows = node.store.statements.about(kept.digest, kinds=("receipt",), at_most=MAX_RECEIPTS)
    words = _words(node, clock, (one.statement for one in rows if not one.statement.is_own))
    last = {word.party: word for word in sorted(words, key=_at)}
    newest = sorted(last.values(), key=_at, reverse=True)
    return tuple(
        HeardBack(party=word.party, said=said_back(node.store, word.digest, _of(word, kept), word.receipt))
        for word in newest
    )


def _of(word: _Word, kept: Kept) -> Spoken:
    """Return in which forms a receipt names one object, for where it is shown beside that."""
    return Spoken((), tuple(one for one in word.spoken.forms if one.id == kept.stix_id))


def said_over_taxii(node: Node, clock: Clock, *, rows: int) -> dict[str, tuple[SaidBack, ...]]:
    """Return for each party its last word on each object that it got without a drop, the newest first.

    Args:
        node: ours.
        clock: the present.
        rows: how many of the newest receipts are looked at.
    """
    return {
        party: _last_words(node, words)
        for party, words in _by_party(_words(node, clock, node.store.given.heard(rows=rows))).items()
    }


def given_standings(node: Node, clock: Clock, *, to: str | None = None) -> tuple[GivenStanding, ...]:
    """Return for each party what it got over TAXII, as far as the newest records tell, and what it said of it.

    Args:
        node: ours.
        clock: the present: how long somebody is silent.
        to: only this party.
    """
    by_party: dict[str, list[GivenRow]] = {}
    for row in node.store.given.ways(pages=MAX_PAGES, pushes=MAX_PUSHES):
        if to is None or row.party == to:
            by_party.setdefault(row.party, []).append(row)
    words = _by_party(_words(node, clock, node.store.given.heard(rows=MAX_RECEIPTS)))
    return tuple(
        _standing(node, party, rows, words.get(party, []), clock.now()) for party, rows in by_party.items()
    )


def _standing(
    node: Node, party: str, rows: Iterable[GivenRow], words: Iterable[_Word], now: datetime
) -> GivenStanding:
    ways = tuple(
        GivenWay(
            way=row.way,
            is_pushed=row.is_pushed,
            objects=row.objects,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in rows
    )
    newest = sorted(words, key=_at, reverse=True)
    since = parse_time(min(way.first_at for way in ways))
    last_given = parse_time(max(way.last_at for way in ways))
    heard_at = newest[0].at if newest else None
    silent_since = since if heard_at is None else heard_at if heard_at < last_given else None
    silent = None if silent_since is None else (now - silent_since).days
    return GivenStanding(
        to=party,
        ways=ways,
        silent_since=None if silent_since is None else format_time(silent_since),
        silent_days=silent,
        answers=_last_words(node, newest),
    )


def _last_words(node: Node, words: Iterable[_Word]) -> tuple[SaidBack, ...]:
    """Return the last word on each object, the newest first."""
    last = {word.spoken.about: word for word in sorted(words, key=_at)}
    newest = sorted(last.values(), key=_at, reverse=True)[:MAX_ANSWERS]
    return tuple(said_back(node.store, word.digest, word.spoken, word.receipt) for word in newest)


def _by_party(words: Iterable[_Word]) -> dict[str, list[_Word]]:
    found: dict[str, list[_Word]] = {}
    for word in words:
        found.setdefault(word.party, []).append(word)
    return found


def _at(word: _Word) -> datetime:
    return word.at


def _words(node: Node, clock: Clock, rows: Iterable[StatementRow]) -> Iterator[_Word]:
    """Yield the receipts whose signatures count."""
    keys = pinned_keys(node)
    terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(node.store))
    for row in rows:
        try:
            verified = verify(row.envelope, keys, terms)
        except Rejected:
            continue  # its key was given up since: it says nothing any more
        receipt = verified.predicate
        if isinstance(receipt, Receipt) and verified.has_weight:
            name = verified.signers[0].name
            spoken = spoken_of(node.store, row.statement_row, verified.statement, by=name)
            yield _Word(name, receipt, spoken, parse_time(row.received_at), row.digest)
