"""Tell a party what waits for it in plain STIX, where TAXII is the way between us: in notes that carry the statements.

They are pushed by the channel that names the party, where its server lets us write one collection; or they lie in a
collection of ours once the party reads it, and nobody else sees them there. What went waits no more. Killed in between,
the same note goes once more, which is no news to whoever has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backchannel import codec
from backchannel.clock import Clock, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.access import Access, Caller
from backchannel.desk.collecting import Brought, Terms, collect
from backchannel.desk.lock import StillHeldError, import_lock
from backchannel.desk.node import Node
from backchannel.desk.receive import ImportTerms, import_batch, remove_abandoned
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.records import record_signed
from backchannel.desk.stamps import to_micros
from backchannel.desk.waiting import may_go
from backchannel.desk.weighing import may_say
from backchannel.errors import NotFoundError
from backchannel.feedback.carried import carry, companions
from backchannel.feedback.envelope import Speaker
from backchannel.feedback.telling import in_words
from backchannel.intake.documents import read_piece
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.statement import digest_text, open_envelope
from backchannel.stix.markings import Tlp
from backchannel.stix.split import Piece
from backchannel.store.exchange import Collectable
from backchannel.store.interface import Store
from backchannel.store.rows import InputFile, Kept
from backchannel.store.statements import CarryingNote, StatementRow

MAX_AT_ONCE: Final = 1_000
"""Statements that go at once; what waits beyond them goes the next time."""
CHANNEL: Final = "taxii"
_NAME: Final = "what waits"


@dataclass(frozen=True, slots=True)
class Telling:
    """What waits for a party, as objects of ours."""

    to: Recipient
    notes: tuple[tuple[StatementRow, Kept], ...]
    beside: tuple[Kept, ...]
    """Who we are, and what the extension is."""


def telling(node: Node, clock: Clock, party: str) -> Telling | None:
    """Make notes of what waits for a party, and keep them as objects of ours; None: nothing may go to it now.

    The caller holds the import lock.

    Args:
        node: ours.
        clock: the present.
        party: its name.

    Raises:
        StoreError: they cannot be kept.
    """
    try:
        to = recipient_of(node, party)
    except NotFoundError:  # we have no keys of it
        return None
    speaker = Speaker(node.party.party_id, node.party.name, parse_time(node.party.added_at))
    made: list[tuple[StatementRow, JsonObject]] = []
    carrying: list[CarryingNote] = []
    decided: dict[Tlp, bool] = {}
    for row in may_go(node, clock, to.party)[:MAX_AT_ONCE]:
        statement = open_envelope(row.envelope).statement
        words = in_words(statement, speaker.name)
        if words.tlp not in decided:
            decided[words.tlp] = may_say(node, clock, to.party, words.tlp, "answer").allowed
        if decided[words.tlp]:
            note = carry(
                row.envelope,
                speaker,
                reader=to.identity,
                tlp=words.tlp,
                abstract=words.abstract,
                content=words.content,
            )
            made.append((row, note))
            is_private = "*" not in statement.aud
            carrying.append(CarryingNote(str(note["id"]), row.digest, is_private=is_private))
    if not made:
        return None
    beside = companions(speaker)
    _keep(node, clock, [*beside, *(note for _, note in made)], carrying)
    held = node.store.objects.currents([str(one["id"]) for one in (*beside, *(note for _, note in made))])
    return Telling(
        to,
        tuple((row, held[str(note["id"])]) for row, note in made if str(note["id"]) in held),
        tuple(held[str(one["id"])] for one in beside if str(one["id"]) in held),
    )


def went(node: Node, clock: Clock, to: Recipient, rows: Sequence[StatementRow]) -> None:
    """Let what went to a party wait no more, and enter it in the ledger. Inside a transaction."""
    waiting = {row.statement_row for row in node.store.statements.waiting(to.party.party_row)}
    left = [row for row in rows if row.statement_row in waiting]
    node.store.statements.went(to.party.party_row, (row.statement_row for row in left))
    for row in left:
        about = digest_text(row.digest)
        record_signed(node.store, LeafKind.SENT, row.envelope, about=about, now=clock.now())


def offer(node: Node, clock: Clock, caller: Caller, right: Access) -> int:
    """Put what waits for a party that reads a collection of ours into it, for this party alone; returns how many.

    Where an import is running, it waits for the next time that the party asks.

    Args:
        node: ours.
        clock: the present.
        caller: who reads.
        right: what it may do in the collection.

    Raises:
        StoreError: it cannot be kept.
    """
    party = caller.party
    if party is None or not right.is_named_reader or not node.store.statements.is_waiting(party.party_row):
        return 0
    if not gives_back(node, party.name):
        return 0
    try:
        with import_lock(node.home, wait_s=0):
            remove_abandoned(node.store)
            found = telling(node, clock, party.name)
            return 0 if found is None else _put(node, clock, found, right)
    except StillHeldError:
        return 0


def gives_back(node: Node, party: str) -> bool:
    """Whether what is said to a party goes back by itself: no channel with it says otherwise."""
    from backchannel.desk.channels import terms_of  # noqa: PLC0415  # only where something waits

    return all(terms_of(row).receipts for row in node.store.channels.all() if row.party == party)


def _put(node: Node, clock: Clock, found: Telling, right: Access) -> int:
    """Put notes in a collection, so that they wait no more."""
    store, now = node.store, to_micros(clock.now())
    collection_row = right.collection.collection_row
    with store.transaction():
        terms = Terms(0, node.party.party_row, Tlp.CLEAR.value)
        collect(store, collection_row, _collectables(store, found.beside), terms, now=now)
        to_them = Terms(0, found.to.party.party_row, "")
        notes = [kept for _, kept in found.notes]
        placed = collect(store, collection_row, _collectables(store, notes), to_them, now=now)
        # What lies there for another party alone, this one does not see: it waits on for another way.
        kinds = {kind.class_row: kind for kind in store.collected.classes(collection_row)}
        there = [
            row
            for (row, _), one in zip(found.notes, placed, strict=True)
            if kinds[one.class_row].tlp != Tlp.RED or kinds[one.class_row].party_row == to_them.party_row
        ]
        went(node, clock, found.to, there)
    return len(there)


def _collectables(store: Store, objects: Sequence[Kept]) -> list[Collectable]:
    return store.collected.collectables([one.object_row for one in objects])


def _keep(node: Node, clock: Clock, made: Sequence[JsonObject], carrying: Sequence[CarryingNote]) -> None:
    """Keep our notes as objects of ours; those that are kept already stay as they are."""
    items = [
        read_piece(f"{_NAME}#/objects/{n}", Piece(f"/objects/{n}", codec.encode(one), False), "")
        for n, one in enumerate(made)
    ]

    def at_end(*_: object) -> None:
        node.store.statements.note_carrying(carrying)

    import_batch(
        node.store,
        clock,
        [InputFile(_NAME, None, None)],
        ImportTerms(node.party.name, CHANNEL, None),
        lambda *_: iter(items),
        at_end=at_end,
        repeats=frozenset,
        put=_nowhere,
    )


def _nowhere(_store: Store, _brought: Brought) -> int:
    """Put nothing in any collection: what is said to one party is gathered for nobody."""
    return 0
