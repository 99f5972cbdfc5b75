"""Our checkpoint on its way: what a drop carries of ledgers, and the cosignatures that come back under ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from backchannel.clock import Clock, format_time
from backchannel.desk.known_ledgers import KnownLedger, known_ledger, known_ledgers, witness_key
from backchannel.desk.own_ledger import ledger_folder, ledger_keys
from backchannel.desk.witnessing import Witness, accuse, tell_of
from backchannel.parties.keyring import Keyring
from backchannel.parties.kid import Use
from backchannel.parties.states import Standing
from backchannel.provenance.deniable import open_either
from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint
from backchannel.provenance.ledger.evidence import compare
from backchannel.provenance.ledger.growth import MAX_PROOFS, format_growth
from backchannel.provenance.ledger.layout import CHECKPOINT
from backchannel.provenance.ledger.notes import (
    MAX_SIGNATURES,
    Note,
    SignatureLine,
    VerifierKey,
    format_note,
    parse_note,
)
from backchannel.provenance.ledger.signatures import check_signed, cosigned_at
from backchannel.provenance.ledger.tiles import Tiles, files_in
from backchannel.provenance.ledger.tree import consistency_proof, range_hash
from backchannel.provenance.predicates import Release, ShownElsewhere
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import MAX_MANIFEST_BYTES, content_of
from backchannel.store.rows import PartyRow

if TYPE_CHECKING:
    from backchannel.desk.node import Node

MAX_NOTE_CHARS: Final = 4_000
"""Longest note that a manifest carries."""
MAX_TOLD: Final = 64
"""Ledgers of third parties that one drop tells of: those seen last."""
MAX_SIZE_CHARS: Final = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a manifest carries of ledgers."""

    my_checkpoint: str = ""
    your_checkpoint_seen: str = ""
    tlog_proof: str = ""
    shown_elsewhere: list[ShownElsewhere] = field(default_factory=list)


def own_witness(node: Node, keyring: Keyring) -> Witness | None:
    """Return what we cosign with; None before our first key set."""
    keys = ledger_keys(node)
    if not keys:
        return None
    secret = keyring.present(Use.COSIGN)
    return Witness(witness_key(keys[0].name, secret.public), secret.sign)


def newest_checkpoint(node: Node) -> bytes | None:
    """Return our newest signed checkpoint with the cosignatures that came; None before the first entry.

    Raises:
        Rejected: the one on the disk is not ours.
    """
    note = files_in(ledger_folder(node.home))(CHECKPOINT)
    if note is None:
        return None
    checkpoint, _ = open_checkpoint(note, *ledger_keys(node))
    cosigned = node.store.witness.own(checkpoint.size)
    return note if cosigned is None or parse_note(cosigned).text != parse_note(note).text else cosigned


# --- What goes -----------------------------------------------------------------------------------------


def carried(node: Node, party: PartyRow, *, bundle: str, tells: bool) -> Carried:
    """Return what a drop to a party carries of ledgers: ours, proved to have grown; theirs, as we cosigned it.

    Args:
        node: ours.
        party: the recipient.
        bundle: the drop's id.
        tells: whether it is told what others showed us, too: only a verified party is.

    Raises:
        Rejected: our own ledger is damaged.
    """
    known = known_ledger(node, party)
    seen = (
        None if known is None else node.store.witness.newest(party.party_row, known.origin, is_cosigned=True)
    )
    note = newest_checkpoint(node)
    return Carried(
        my_checkpoint="" if note is None else _shortened(note),
        your_checkpoint_seen="" if seen is None else _only_ours(node, party, seen.note),
        tlog_proof="" if note is None else _growth(node, party, note),
        shown_elsewhere=_told(node, party, bundle) if tells else [],
    )


def growth_from(node: Node, old_sizes: list[int], checkpoint: Checkpoint) -> str:
    """Return proofs that our ledger grew from each of the sizes to a checkpoint of ours."""
    tiles = Tiles(files_in(ledger_folder(node.home)), checkpoint.size)
    sizes = [size for size in dict.fromkeys(old_sizes) if 0 < size < checkpoint.size][:MAX_PROOFS]
    return format_growth((size, consistency_proof(size, checkpoint.size, tiles.node)) for size in sizes)


def _growth(node: Node, party: PartyRow, note: bytes) -> str:
    """Prove from what the party said that it saw, and from what it was sent last: whichever of it arrived."""
    checkpoint, _ = open_checkpoint(note, *ledger_keys(node))
    sizes = [node.store.witness.cosigned_size(party.party_row), *_sizes_sent(node, party)]
    return growth_from(node, sizes, checkpoint)


def _sizes_sent(node: Node, party: PartyRow) -> Iterator[int]:
    rows = node.store.statements.sent(party_row=party.party_row, manifest=None, at_most=MAX_PROOFS)
    for row in rows:
        statement = node.store.statements.get(row.manifest)
        if statement is None:
            continue
        opened, _ = open_either(statement.envelope, max_bytes=MAX_MANIFEST_BYTES)
        said = content_of(opened.statement)
        if isinstance(said, Release) and said.my_checkpoint:
            size = said.my_checkpoint.split("\n")[1]
            yield int(size[:MAX_SIZE_CHARS])  # our own words: they were checked when they were signed


def _shortened(note: bytes) -> str:
    """Return a note with as many of its cosignatures, the newest first, as a manifest has room for."""
    read = parse_note(note)
    lines = list(read.signatures)
    while (
        len(text := format_note(Note(read.text, tuple(lines))).decode()) > MAX_NOTE_CHARS and len(lines) > 1
    ):
        del lines[1]  # behind our own
    return text if len(text) <= MAX_NOTE_CHARS else ""


def _only_ours(node: Node, party: PartyRow, note: bytes) -> str:
    """Return a note with the signatures of its ledger and of ourselves: the other witnesses are the party's affair."""
    known, keys = known_ledger(node, party), ledger_keys(node)
    if known is None or not keys:
        return ""
    read = parse_note(note)
    names = {keys[0].name, known.origin}
    lines = tuple(line for line in read.signatures if line.name in names)
    text = format_note(Note(read.text, lines)).decode()
    return text if len(text) <= MAX_NOTE_CHARS else ""


def _told(node: Node, party: PartyRow, bundle: str) -> list[ShownElsewhere]:
    if node.store.membership.standing(party.party_row) != Standing.VERIFIED:
        return []
    rows = {row.party_row: row for row in node.store.witness.newest_of_all(at_most=MAX_TOLD)}
    others = (known for known in known_ledgers(node) if known.party.party_row != party.party_row)
    return tell_of(others, rows, bundle)


# --- What comes back -----------------------------------------------------------------------------------


def take_cosignature(node: Node, clock: Clock, known: KnownLedger, note: bytes) -> Reason | None:
    """Keep a party's cosignature under a checkpoint of ours; returns why not, where it does not count.

    Args:
        node: ours; inside the transaction of what it came with.
        clock: the present.
        known: the party that cosigned.
        note: our checkpoint, as it came back.
    """
    keys, folder = ledger_keys(node), ledger_folder(node.home)
    try:
        checkpoint, read = open_checkpoint(note, *keys)
        lines = check_signed(read, known.witness)
        if not lines:
            return Reason.BAD_COSIGNATURE
        if checkpoint.origin != keys[0].name:
            return None  # of our ledger before this one, which was lost with its machine
        current = files_in(folder)(CHECKPOINT)
        if current is None:
            return Reason.LEDGER_ROLLBACK
        now, _ = open_checkpoint(current, *keys)
        if not _is_ours(node, checkpoint, now):
            return _own_breach(node, clock, keys, note, current)
        kept = node.store.witness.own(checkpoint.size)
        merged = _merged(read, parse_note(kept) if kept else None, keys, lines)
    except Rejected as error:
        return error.reason
    node.store.witness.put_own(checkpoint.size, checkpoint.root, merged)
    stated = datetime.fromtimestamp(min(map(cosigned_at, lines)), UTC)
    node.store.witness.put_cosigned(known.party.party_row, checkpoint.size, format_time(stated))
    return None


def _is_ours(node: Node, shown: Checkpoint, now: Checkpoint) -> bool:
    """Whether our ledger begins with a checkpoint that our key signed."""
    tiles = Tiles(files_in(ledger_folder(node.home)), now.size)
    return shown.size <= now.size and range_hash(0, shown.size, tiles.node) == shown.root


def _own_breach(
    node: Node, clock: Clock, keys: tuple[VerifierKey, ...], shown: bytes, current: bytes
) -> Reason:
    """Keep what shows that there are two ledgers under our own name: an old backup goes on, or a key was stolen."""
    now, _ = open_checkpoint(current, *keys)
    tiles = Tiles(files_in(ledger_folder(node.home)), now.size)
    for key in keys:
        try:
            _, found = compare(key, shown, current, at=clock.now(), tiles=tiles)
        except Rejected:
            continue  # the key was changed between the two
        if found is not None:
            accuse(node, clock, KnownLedger(node.party, keys, ()), found)
            return found.reason
    return Reason.LEDGER_FORK


def _merged(
    came: Note, kept: Note | None, keys: tuple[VerifierKey, ...], new: tuple[SignatureLine, ...]
) -> bytes:
    """Return our checkpoint with our own signature, and the cosignatures that we had and have now."""
    base = kept or Note(came.text, tuple(line for key in keys for line in came.by(key)))
    lines = list(base.signatures)
    lines += [
        line for line in new if (line.name, line.key_id) not in {(one.name, one.key_id) for one in lines}
    ]
    own = [line for line in lines if any((line.name, line.key_id) == (key.name, key.key_id) for key in keys)]
    others = [line for line in lines if line not in own][-(MAX_SIGNATURES - len(own)) :]
    return format_note(Note(base.text, (*own, *others)))
