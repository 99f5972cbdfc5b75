"""All about drops on one page: what came, what went and who is silent, what was refused, what waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from backchannel.clock import Clock
from backchannel.desk.came_drops import Came, drops_of, drops_that_came, told
from backchannel.desk.carriers import box_standing
from backchannel.desk.drop_documents import Noted
from backchannel.desk.node import Node
from backchannel.desk.numbers import first_number
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.receipt_documents import CameDrop, Drops
from backchannel.desk.refusals import list_refused
from backchannel.desk.sent_drops import list_sent
from backchannel.drop.sequence import in_words
from backchannel.errors import UsageError
from backchannel.provenance.deniable import open_either
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import MAX_MANIFEST_BYTES, content_of
from backchannel.provenance.verification import Terms, verify
from backchannel.store.rows import Kept

MAX_PAGE_ROWS: Final = 200
SENT_ROWS: Final = 50
REFUSED_ROWS: Final = 20
MAX_NUMBERS: Final = 1_000
"""Drops of one channel, the newest, among which a gap is looked for."""

Signature = Literal["good", "deniable", "weightless", "bad"]


def drop_book(node: Node, clock: Clock, *, rows: int, before: str | None = None) -> Drops:
    """Return one page of drops that came, and the newest of all else.

    Args:
        node: ours.
        clock: the present.
        rows: most of those that came, at most `MAX_PAGE_ROWS`.
        before: `next` of the page before.

    Raises:
        UsageError: `before` is not what a page gave.
    """
    if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise UsageError("that is no place among the drops", hint="Begin at the first page.")
    wanted = max(1, min(rows, MAX_PAGE_ROWS))
    found = drops_that_came(node, before=None if before is None else int(before), rows=wanted + 1)
    sent = list_sent(node, clock, at_most=SENT_ROWS, over_taxii=True)
    refused = list_refused(node, rows=REFUSED_ROWS)
    return Drops(
        came=_Came(node, clock).documents(found[:wanted]),
        next=str(found[wanted - 1].row) if len(found) > wanted else None,
        sent=sent.sent,
        unanswered=sent.unanswered,
        refused=refused.refused,
        refused_open=refused.open,
        box=box_standing(node),
        waiting=sent.waiting,
        over_taxii=sent.over_taxii,
    )


def brought_by(node: Node, clock: Clock, kept: Kept) -> tuple[CameDrop, ...]:
    """Return the drops that brought an object in this content, newest first."""
    return _Came(node, clock).documents(drops_of(node, kept))


class _Came:
    """Shows drops that came, with one reading of the keys and of each channel."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._node, self._keys = node, pinned_keys(node)
        self._terms = Terms(
            now=clock.now(),
            me=None,
            seen=None,
            late=True,
            known_at=known_at(node.store),
            max_bytes=MAX_MANIFEST_BYTES,
        )
        self._numbers: dict[tuple[str, str], set[int]] = {}

    def documents(self, found: list[Came]) -> tuple[CameDrop, ...]:
        return tuple(self._document(one) for one in found)

    def _document(self, came: Came) -> CameDrop:
        signature, notes = self._signature(came)
        said = told(self._node, came.manifest)
        return CameDrop(
            sender=None if came.sender is None else came.sender.name,
            seq=came.seq,
            drop=came.name,
            received_at=came.received_at,
            batch=came.batch,
            signature=signature,
            asks=came.ack,
            told=said[-1].state if said else None,
            notes=(*self._gap(came), *notes),
        )

    def _signature(self, came: Came) -> tuple[Signature, tuple[Noted, ...]]:
        """Judge the manifest with the keys of today; whether it came too late was judged when it came."""
        if came.is_deniable:
            return "deniable", ()
        try:
            verified = verify(came.frame, self._keys, self._terms)
        except Rejected as refusal:
            return "bad", (_noted(refusal.reason, refusal.detail),)
        notes = tuple(_noted(reason) for reason in verified.notes if reason is not Reason.EXPIRED)
        return ("weightless" if notes else "good"), notes

    def _gap(self, came: Came) -> Iterator[Noted]:
        key = came.issuer, came.chan
        if key not in self._numbers:
            self._numbers[key] = set(self._node.store.places.numbers(*key, at_most=MAX_NUMBERS))
        numbers = self._numbers[key]
        if came.seq == min(numbers, default=0):
            yield from self._before_first(came)
        elif came.seq - 1 not in numbers:
            yield _noted(Reason.GAP, f"number {came.seq - 1}")

    def _before_first(self, came: Came) -> Iterator[Noted]:
        """Yield what is missing before the first drop under a key."""
        release = content_of(open_either(came.frame, max_bytes=MAX_MANIFEST_BYTES)[0].statement)
        if came.sender is None or not isinstance(release, Release):
            return
        first = first_number(self._node.store, came.sender, release)
        if first is not None and first < came.seq:
            yield _noted(Reason.GAP, in_words(range(first, came.seq)))


def _noted(reason: Reason, detail: str = "") -> Noted:
    return Noted(code=reason, means=reason.meaning, mend=reason.mend, detail=detail)
