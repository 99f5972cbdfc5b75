"""What we know of other parties' ledgers, who cosigned ours, and the evidence: shown, and handed to somebody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from backchannel.clock import Clock, parse_time
from backchannel.desk.known_ledgers import KnownLedger, known_ledger, known_ledgers
from backchannel.desk.ledger_documents import Cosigner, EvidenceExport, LedgerEvidence, WatchedLedger
from backchannel.desk.node import Node
from backchannel.desk.own_keys import is_sealed
from backchannel.desk.own_ledger import ledger_folder, ledger_keys
from backchannel.errors import InputError, NotFoundError, UsageError
from backchannel.parties.names import visible_name
from backchannel.provenance.deniable import open_either
from backchannel.provenance.ledger.checkpoints import open_checkpoint
from backchannel.provenance.ledger.evidence import Breach, Evidence, check_evidence, evidence_files
from backchannel.provenance.ledger.layout import CHECKPOINT
from backchannel.provenance.ledger.notes import format_vkey, parse_vkey
from backchannel.provenance.ledger.proving import prove_growth
from backchannel.provenance.ledger.signatures import check_signed
from backchannel.provenance.ledger.tiles import Tiles, files_in
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import MAX_MANIFEST_BYTES
from backchannel.store.rows import PartyRow
from backchannel.store.witness import EvidenceRow

LEAVES_WAIT = timedelta(hours=1)
"""How long leaves may wait for a checkpoint: `serve` makes one every ten minutes, and each command at its end."""


class LedgerHealth(NamedTuple):
    """Whether all is well with ledgers, ours and those of others."""

    fine: bool
    says: str
    mend: str = ""


def ledger_health(node: Node, clock: Clock) -> LedgerHealth:
    """Say what a person should know: evidence first, then leaves that wait, then how ours stands."""
    evidence = node.store.witness.evidence()
    if evidence:
        names = ", ".join(dict.fromkeys(visible_name(row.party) for row in evidence))
        return LedgerHealth(
            False,
            f"rewritten by {names}, as two signed checkpoints show",
            "backchannel ledger export --evidence DIR, and call them.",
        )
    waiting = node.store.leaves.waiting()
    if waiting.since is not None and clock.now() - parse_time(waiting.since) > LEAVES_WAIT:
        sealed = "backchannel ledger export DIR --passphrase-file FILE, or serve with it."
        return LedgerHealth(
            False,
            f"{waiting.leaves:,} leaves wait since {waiting.since}: nothing is proved of them yet",
            sealed if is_sealed(node) else "Run any command, and see what it warns of.",
        )
    last = node.store.leaves.last()
    if last is None or last.leaf_index is None:
        return LedgerHealth(True, "nothing is entered yet")
    by = len(node.store.witness.cosigned())
    leaves = f"{last.leaf_index + 1:,} leaves, the newest recorded {last.recorded_at}"
    return LedgerHealth(True, f"{leaves}; cosigned by {by} parties")


def cosigners(node: Node) -> tuple[Cosigner, ...]:
    """Return, for each party, the largest of our checkpoints that it cosigned."""
    rows = node.store.witness.cosigned()
    return tuple(Cosigner(party=row.party, size=row.size, stated_at=row.stated_at) for row in rows)


def checked_cosigners(node: Node) -> tuple[Cosigner, ...]:
    """Return those of whose cosignatures hold now: signed by the party's key, and our files begin with what it saw."""
    keys, fetch = ledger_keys(node), files_in(ledger_folder(node.home))
    note = fetch(CHECKPOINT)
    if note is None:
        return ()
    now, _ = open_checkpoint(note, *keys)
    tiles = Tiles(fetch, now.size)
    witnesses = {known.party.name: known.witness for known in known_ledgers(node)}
    found = []
    for one in cosigners(node):
        cosigned = node.store.witness.own(one.size)
        if cosigned is None:
            continue
        try:
            old, read = open_checkpoint(cosigned, *keys)
            prove_growth(tiles, old, now)
            if check_signed(read, witnesses.get(one.party, ())):
                found.append(one)
        except (Rejected, ValueError):
            continue  # larger than the ledger is, or of another: the faults of the files are told beside it
    return tuple(found)


def is_manifest(statement: bytes) -> bool:
    """Whether what was entered is the manifest of a drop."""
    try:
        opened, _ = open_either(statement, max_bytes=MAX_MANIFEST_BYTES)
    except Rejected:
        return False
    return opened.statement.predicate_type == "release"


def own_witness_key(node: Node) -> str | None:
    """Return the key under which we cosign; None before our first key set."""
    known = known_ledger(node, node.party)
    return format_vkey(known.witness[0]) if known is not None and known.witness else None


def watched_ledgers(node: Node) -> tuple[WatchedLedger, ...]:
    """Return the ledgers of the parties that we know, by name, as they were seen last."""
    return tuple(
        _watched(node, known) for known in sorted(known_ledgers(node), key=lambda known: known.party.name)
    )


def watched_ledger(node: Node, party: PartyRow) -> WatchedLedger | None:
    """Return the ledger of one party; None where none is known."""
    return next((one for one in watched_ledgers(node) if one.party == party.name), None)


def evidence_of(node: Node, party: PartyRow | None = None) -> tuple[LedgerEvidence, ...]:
    """Return the evidence that is kept, of one party or of all, oldest first."""
    rows = node.store.witness.evidence(None if party is None else party.party_row)
    return tuple(_shown(row) for row in rows)


def export_evidence(node: Node, folder: Path) -> EvidenceExport:
    """Write all evidence into a folder: for each a folder of its number, with files for any tool for C2SP checkpoints.

    Raises:
        NotFoundError: there is none.
        UsageError: the folder holds something already.
        InputError: it cannot be written.
    """
    rows = node.store.witness.evidence()
    if not rows:
        raise NotFoundError(
            "there is no evidence against any ledger", hint="See `backchannel ledger show` for those seen."
        )
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", hint="Name a new folder.")
        files = 0
        for row in rows:
            place = folder / str(row.evidence_row)
            place.mkdir(parents=True)
            for name, data in evidence_files(_read(row)).items():
                (place / name).write_bytes(data)
                files += 1
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written: {error.strerror}", hint="Name another folder."
        ) from error
    return EvidenceExport(folder=str(folder), evidence=evidence_of(node), files=files)


def _watched(node: Node, known: KnownLedger) -> WatchedLedger:
    party = known.party
    newest = node.store.witness.newest(party.party_row, known.origin, is_cosigned=False)
    cosigned = node.store.witness.newest(party.party_row, known.origin, is_cosigned=True)
    return WatchedLedger(
        party=party.name,
        origin=known.origin,
        vkey=format_vkey(known.keys[0]),
        witness=format_vkey(known.witness[0]) if known.witness else None,
        size=newest.size if newest else None,
        seen_at=newest.seen_at if newest else None,
        cosigned=cosigned.size if cosigned else None,
        checkpoint=newest.note.decode() if newest else None,
    )


def _read(row: EvidenceRow) -> Evidence:
    keys = [parse_vkey(line) for line in row.vkey.split("\n")]
    return Evidence(
        Breach(row.breach),
        keys[0],
        row.first,
        row.second,
        parse_time(row.seen_at),
        row.other_root,
        tuple(row.proof[at : at + 32] for at in range(0, len(row.proof), 32)),
        keys[-1],
    )


def _shown(row: EvidenceRow) -> LedgerEvidence:
    first, second = check_evidence(_read(row))
    return LedgerEvidence(
        number=row.evidence_row,
        party=row.party,
        told_by=row.told_by,
        breach=row.breach,
        first_size=first.size,
        second_size=second.size,
        seen_at=row.seen_at,
    )
