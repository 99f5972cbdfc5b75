"""Watch the ledgers of the parties that we know: each checkpoint that they show is held against those before.

A ledger that only grew is cosigned, and the cosignature goes back with the next drop. One that was rewritten
convicts itself: both notes are kept as evidence, and the party is suspended. What another party was shown of the
same ledger counts as if it had been shown to us, for the ledger's own key signed it.

What is judged is kept in the same transaction, so that no two judgements can be made against one past.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from backchannel.clock import Clock, format_time
from backchannel.desk.known_ledgers import KnownLedger, known_ledgers
from backchannel.ids import sha256
from backchannel.parties.names import visible_name
from backchannel.parties.states import Event, Standing, moved
from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint
from backchannel.provenance.ledger.evidence import Breach, Evidence, check_evidence
from backchannel.provenance.ledger.notes import (
    Note,
    SignatureLine,
    VerifierKey,
    decode_base64,
    format_note,
    format_vkey,
    parse_note,
)
from backchannel.provenance.ledger.signatures import Sign
from backchannel.provenance.ledger.witness import Request, Seen, add_checkpoint
from backchannel.provenance.predicates import ShownElsewhere
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.store.membership import EventRow
from backchannel.store.witness import NewEvidence, SeenRow, Way

if TYPE_CHECKING:
    from backchannel.desk.node import Node

KEEP_TOLD: Final = 500
"""Checkpoints of one ledger that are kept of those that only others told us of, the newest."""
_KEY_ID_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Witness:
    """What we cosign with."""

    key: VerifierKey
    sign: Sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A checkpoint that a party showed us of its own ledger."""

    note: bytes
    way: Way
    order: str
    """Sorts what came by this way in the order in which the party showed it."""
    growth: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)
    """Proofs that it grew, by the size that they begin at."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a checkpoint that was shown."""

    cosigned: bool = False
    reason: Reason | None = None
    """Why it was not cosigned; None also for an old one that was on the way for long."""
    evidence: Evidence | None = None


def find_breach(node: Node, clock: Clock, known: KnownLedger, shown: Shown) -> Evidence | None:
    """Return the evidence, if a checkpoint that a party shows is at odds with those before. Nothing is kept.

    Raises:
        Rejected: it is no checkpoint of this ledger.
    """
    checkpoint, _ = open_checkpoint(shown.note, *known.keys)
    fork = _fork(node, clock, known, checkpoint, shown.note)
    if fork is not None:
        return fork
    before = node.store.witness.larger_before(
        known.party.party_row, checkpoint.origin, checkpoint.size, way=shown.way, shown=shown.order
    )
    if before is None:
        return None
    return _evidence(Breach.ROLLBACK, known, clock, before.note, shown.note)


def witness_shown(
    node: Node, clock: Clock, known: KnownLedger, shown: Shown, witness: Witness | None
) -> Judged:
    """Judge a checkpoint that a party showed us, and keep it: cosigned, or as evidence. In one transaction.

    Args:
        node: ours.
        clock: gives the time of the cosignature.
        known: the party's ledger.
        shown: what it showed.
        witness: what we cosign with; None: our keys are not open, and it is kept to be compared only.
    """
    with node.store.transaction():
        try:
            evidence = find_breach(node, clock, known, shown)
            checkpoint, _ = open_checkpoint(shown.note, *known.keys)
        except Rejected as error:
            return Judged(reason=error.reason)
        if evidence is not None:
            accuse(node, clock, known, evidence)
            return Judged(reason=evidence.reason, evidence=evidence)
        row = known.party.party_row
        last = node.store.witness.newest(row, checkpoint.origin, is_cosigned=True)
        kept = SeenRow(
            row,
            checkpoint.origin,
            checkpoint.size,
            checkpoint.root,
            shown.note,
            False,
            shown.way,
            shown.order,
            format_time(clock.now()),
        )
        # A ledger that it ended can still convict it, and grows no more.
        if checkpoint.origin != known.origin or (last is not None and checkpoint.size <= last.size):
            node.store.witness.put_seen(kept)
            return Judged(cosigned=last is not None and checkpoint.size == last.size)
        if witness is None:
            node.store.witness.put_seen(kept)
            return Judged()
        seen = None if last is None else Seen(last.origin, last.size, last.root, last.note)
        start = 0 if seen is None else seen.size
        request = Request(start, shown.growth.get(start, ()), shown.note)
        answer = add_checkpoint(seen, known.keys, request, witness.key, witness.sign, at=clock.now())
        if answer.reason is not None or answer.seen is None:
            node.store.witness.put_seen(kept)
            return Judged(reason=answer.reason)
        node.store.witness.put_seen(kept._replace(note=answer.seen.note, is_cosigned=True))
        return Judged(cosigned=True)


def accuse(
    node: Node, clock: Clock, known: KnownLedger, evidence: Evidence, *, told_by: int | None = None
) -> None:
    """Keep evidence that a party's ledger was rewritten, and suspend the party.

    Raises:
        Rejected: it shows nothing: both checkpoints can be true.
    """
    first, second = check_evidence(evidence)
    at = format_time(clock.now())
    with node.store.transaction():
        is_new = node.store.witness.add_evidence(
            NewEvidence(
                known.party.party_row,
                told_by,
                evidence.breach.value,
                "\n".join(map(format_vkey, evidence.keys)),
                evidence.first,
                evidence.second,
                evidence.other_root,
                b"".join(evidence.proof),
                at,
            )
        )
        membership = node.store.membership
        before = Standing(membership.standing(known.party.party_row))
        if not is_new or known.party.is_self or before is Standing.REVOKED:
            return
        what = (
            f"its ledger was shown with {second.size:,} entries after one of {first.size:,}"
            if evidence.breach is Breach.ROLLBACK
            else f"it showed two different ledgers of {first.size:,} entries"
        )
        why = visible_name(f"{evidence.reason}: {what}")
        after = moved(before, Event.SUSPENDED)
        membership.move(known.party.party_row, EventRow(at, Event.SUSPENDED, before, after, why))


def _fork(
    node: Node, clock: Clock, known: KnownLedger, checkpoint: Checkpoint, shown: bytes
) -> Evidence | None:
    rows = node.store.witness.at_size(known.party.party_row, checkpoint.origin, checkpoint.size)
    other = next((row for row in rows if row.root != checkpoint.root), None)
    if other is None:
        return None
    return _evidence(Breach.FORK, known, clock, other.note, shown)


def _evidence(breach: Breach, known: KnownLedger, clock: Clock, first: bytes, second: bytes) -> Evidence:
    keys = [_signer(known.keys, parse_note(note)) for note in (first, second)]
    return Evidence(breach, keys[0], first, second, clock.now(), second_key=keys[1])


def _signer(keys: Sequence[VerifierKey], note: Note) -> VerifierKey:
    for key in keys:
        if note.by(key):
            return key
    raise Rejected(Reason.UNKNOWN_KEY, "the key of a checkpoint that was seen before is pinned no more")


# --- What others were shown ----------------------------------------------------------------------------


def told_tag(bundle: str, origin: str) -> str:
    """Return how a ledger is called in one drop: whoever knows it recognises it, and nobody else learns its name."""
    return sha256(f"bc/shown-elsewhere/v1\n{bundle}\n{origin}".encode()).hex()[:32]


def hear_told(
    node: Node, clock: Clock, told: Sequence[ShownElsewhere], *, bundle: str, by: int
) -> list[KnownLedger]:
    """Hold what another party was shown of ledgers that we know against what we were shown.

    Args:
        node: ours; inside the transaction of the drop that it came in.
        clock: the present.
        told: as it stands in the manifest, which was verified.
        bundle: the id of the drop.
        by: who told us.

    Returns:
        The ledgers that were found to be rewritten.
    """
    if not told:
        return []
    ledgers = {told_tag(bundle, known.origin): known for known in known_ledgers(node)}
    found = []
    for one in told:
        known = ledgers.get(one.ledger)
        if known is None or known.party.party_row == by:
            continue
        try:
            is_breach = _hear(node, clock, known, one, by)
        except Rejected:
            continue  # not signed by that ledger: it says nothing of it
        if is_breach:
            found.append(known)
    return found


def _hear(node: Node, clock: Clock, known: KnownLedger, one: ShownElsewhere, by: int) -> bool:
    line = decode_base64(one.signature) or b""
    text = f"{known.origin}\n{one.size}\n{one.root}\n"
    signed = SignatureLine(known.origin, line[:_KEY_ID_BYTES], line[_KEY_ID_BYTES:])
    data = format_note(Note(text, (signed,)))
    checkpoint, _ = open_checkpoint(data, *known.keys)
    fork = _fork(node, clock, known, checkpoint, data)
    if fork is not None:
        accuse(node, clock, known, fork, told_by=by)
        return True
    row = known.party.party_row
    at = format_time(clock.now())
    node.store.witness.put_seen(
        SeenRow(row, checkpoint.origin, checkpoint.size, checkpoint.root, data, False, "told", "", at)
    )
    node.store.witness.forget_told(row, keep=KEEP_TOLD)
    return False


def tell_of(ledgers: Iterable[KnownLedger], rows: Mapping[int, SeenRow], bundle: str) -> list[ShownElsewhere]:
    """Return what we were shown of ledgers, for a drop to another party.

    Args:
        ledgers: those that may be told of.
        rows: by party, the newest checkpoint that it showed us.
        bundle: the id of the drop.
    """
    told = []
    for known in ledgers:
        row = rows.get(known.party.party_row)
        if row is None or row.origin != known.origin:
            continue
        checkpoint, note = open_checkpoint(row.note, *known.keys)
        line = next(line for key in known.keys for line in note.by(key))
        told.append(
            ShownElsewhere(
                ledger=told_tag(bundle, known.origin),
                size=checkpoint.size,
                root=b64encode(checkpoint.root).decode(),
                signature=b64encode(line.key_id + line.signature).decode(),
            )
        )
    return told
