"""The ledger as its owner uses it: look at it, prove one thing, check everything, hand it out.

Checking needs the files and a key, and no node; what the node adds is that it can open its own leaves.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from backchannel.clock import Clock, format_time
from backchannel.desk.entering import append_if_open, leaf_of
from backchannel.desk.items import find
from backchannel.desk.ledger_documents import (
    Cosigner,
    Ledger,
    LedgerFault,
    LedgerLeaf,
    LedgerProof,
    LedgerVerdict,
)
from backchannel.desk.membership import named
from backchannel.desk.openings import ObjectOpening, format_opening, open_proof
from backchannel.desk.own_ledger import ledger_folder, ledger_keys
from backchannel.desk.records import about_batch
from backchannel.desk.served import ObjectServed, prove_served
from backchannel.desk.watched import (
    checked_cosigners,
    cosigners,
    evidence_of,
    is_manifest,
    own_witness_key,
    watched_ledgers,
)
from backchannel.errors import InputError, NotFoundError, UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.policy.rules import ANYBODY
from backchannel.provenance.ledger.audit import audit
from backchannel.provenance.ledger.checkpoints import open_checkpoint
from backchannel.provenance.ledger.edge import tree_of
from backchannel.provenance.ledger.layout import (
    CHECKPOINT,
)
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.ledger.notes import VerifierKey, format_vkey, parse_note
from backchannel.provenance.ledger.proving import prove_inclusion
from backchannel.provenance.ledger.signatures import check_signed, cosigned_at
from backchannel.provenance.ledger.tiles import Tiles, files_in
from backchannel.provenance.ledger.tlog_proof import (
    MAX_PROOF_BYTES,
    TlogProof,
    check_proof,
    format_proof,
    parse_proof,
)
from backchannel.provenance.ledger.tree import inclusion_proof
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.store.interface import Store
from backchannel.store.leaves import LeafRow
from backchannel.store.rows import Kept

if TYPE_CHECKING:
    from backchannel.desk.node import Node


class To(NamedTuple):
    """Where an object went without a drop: read by somebody on a page of ours, or pushed."""

    party: str
    """Name; `anybody`: who asked without saying who they are."""
    through: str | None = None
    """Id or alias of the collection, name of the channel, or where it leads to; None: any."""


DROP = "sha256:"
"""What the name of a signed statement begins with."""
MAX_LEAVES_ABOUT = 50
"""Leaves about one thing that are looked at."""


def show_ledger(node: Node, *, rows: int = 20, before: int | None = None) -> Ledger:
    """Show how our ledger stands, and its newest leaves.

    Args:
        node: the open node.
        rows: most leaves shown.
        before: `next` of the page before.

    Raises:
        StoreError: its keys cannot be read.
        Rejected: its checkpoint is not one of ours.
    """
    keys = ledger_keys(node)
    note = files_in(ledger_folder(node.home))(CHECKPOINT)
    checkpoint = open_checkpoint(note, *keys)[0] if note is not None and keys else None
    found = node.store.leaves.newest(before=before, rows=rows + 1)
    page, waiting = found[:rows], node.store.leaves.waiting()
    return Ledger(
        folder=str(ledger_folder(node.home)),
        origin=keys[0].name if keys else None,
        vkey=format_vkey(keys[0]) if keys else None,
        witness=own_witness_key(node),
        size=checkpoint.size if checkpoint else 0,
        root=_base64(checkpoint.root) if checkpoint else None,
        checkpoint=note.decode() if note is not None and checkpoint else None,
        waiting=waiting.leaves,
        waiting_since=waiting.since,
        kinds=node.store.leaves.counts(),
        leaves=tuple(_leaf(row) for row in page),
        next=page[-1].leaf_index if len(found) > rows else None,
        cosigned=cosigners(node),
        watched=watched_ledgers(node),
        evidence=evidence_of(node),
    )


def latest_checkpoint(node: Node) -> bytes | None:
    """Return our newest signed checkpoint, as drops and TAXII answers carry it; None before the first entry."""
    return files_in(ledger_folder(node.home))(CHECKPOINT)


# --- Verify --------------------------------------------------------------------------------------------


def verify_own(node: Node) -> LedgerVerdict:
    """Check every file of our ledger, that each leaf is what the store opens it to, and who cosigned it.

    No private key is needed: what is recorded and not appended yet is counted as waiting.

    Raises:
        NotFoundError: nothing was entered yet.
        Rejected: there is no checkpoint, or it is not one of ours.
    """
    keys = ledger_keys(node)
    if not keys or latest_checkpoint(node) is None:
        raise NotFoundError(
            "nothing was entered into the ledger yet", hint="It begins with the first import."
        )
    opened = unopened = 0
    drops = Counter[str]()

    def look(index: int, entry: bytes) -> None:
        nonlocal opened, unopened
        row = node.store.leaves.at(index)
        if row is None:
            unopened += 1
        elif leaf_of(row) != entry:
            raise Rejected(Reason.BAD_TILE, "the store opens it to something else")
        else:
            opened += 1
            drops[row.kind] += row.about.startswith(DROP) and is_manifest(row.statement)

    verdict = verify_folder(ledger_folder(node.home), keys, on_entry=look)
    return structs.replace(
        verdict,
        opened=opened,
        unopened=unopened,
        waiting=node.store.leaves.waiting().leaves,
        sent=drops[LeafKind.SENT],
        received=drops[LeafKind.RECEIVED],
        cosigned=checked_cosigners(node),
    )


def verify_folder(
    folder: Path, keys: tuple[VerifierKey, ...], *, on_entry: Callable[[int, bytes], None] | None = None
) -> LedgerVerdict:
    """Check every file of a ledger against its signed checkpoint.

    Args:
        folder: with the ledger's files.
        keys: of the ledger, which came another way than the files.
        on_entry: looks at every entry.

    Raises:
        InputError: a file cannot be read.
        Rejected: there is no checkpoint, or it is not signed by one of `keys`.
    """
    found = audit(files_in(folder), *keys, on_entry=on_entry)
    return LedgerVerdict(
        good=not found.faults_total,
        place=str(folder),
        origin=found.checkpoint.origin,
        size=found.checkpoint.size,
        root=_base64(found.checkpoint.root),
        files=found.files,
        entries=found.entries,
        opened=0,
        unopened=0,
        index=None,
        statement=None,
        object=None,
        record=None,
        faults=tuple(
            LedgerFault(path=one.path, reason=one.reason.value, what=one.detail) for one in found.faults
        ),
        faults_total=found.faults_total,
    )


def verify_proof(
    path: Path, keys: tuple[VerifierKey, ...], *, witnesses: Sequence[VerifierKey] = ()
) -> LedgerVerdict:
    """Check a `.tlog-proof` that `prove` made: leaf, opening, and the object, down to the signature.

    Args:
        path: the file.
        keys: of the ledger, which came another way than the proof.
        witnesses: keys of parties whose cosignatures are looked for under its checkpoint.

    Raises:
        InputError: it cannot be read.
        Rejected: it does not show what it claims.
    """
    try:
        with path.open("rb") as file:
            proof = parse_proof(file.read(MAX_PROOF_BYTES + 1))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    opening = open_proof(proof)
    checkpoint = check_proof(proof, opening.entry, keys)
    return LedgerVerdict(
        good=True,
        place=str(path),
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=_base64(checkpoint.root),
        files=0,
        entries=1,
        opened=1,
        unopened=0,
        index=proof.index,
        statement=opening.statement.decode("utf-8", "replace"),
        object=opening.object_digest,
        record=None if opening.record is None else opening.record.decode("utf-8", "replace"),
        cosigned=tuple(
            Cosigner(
                party=line.name,
                size=checkpoint.size,
                stated_at=format_time(datetime.fromtimestamp(cosigned_at(line), UTC)),
            )
            for line in check_signed(parse_note(proof.note), witnesses)
        ),
        faults=(),
        faults_total=0,
    )


# --- Prove ---------------------------------------------------------------------------------------------


def prove(
    node: Node,
    clock: Clock,
    what: str,
    *,
    content: Kept | None = None,
    to: To | None = None,
    unseal: Unseal | None = None,
) -> LedgerProof:
    """Prove one leaf, with what opens it.

    Args:
        node: the open node.
        clock: gives the time of a checkpoint, where one has to be made.
        what: the leaf's number; `batch 3`; the `sha256:...` of a drop; or the id of an object: then the proof shows
            that it came, in its first batch that is in the ledger.
        content: where `what` is an object's id, which of its contents; by default the one in force.
        to: that it went there without a drop is proved then, and not that it came.
        unseal: opens keys under a passphrase; without it, what waits goes on waiting.

    Raises:
        NotFoundError: nothing was entered about it, or there is no such party.
        UsageError: several leaves are about it: say which.
        Rejected: the files do not prove it.
    """
    append_if_open(node, clock, unseal)
    what = what.strip()
    row, shown = _wanted(node.store, what, content) if to is None else _went(node, what, content, to)
    keys = ledger_keys(node)
    fetch = files_in(ledger_folder(node.home))
    note = fetch(CHECKPOINT)
    if row.leaf_index is None:
        raise NotFoundError(
            "it waits for the next checkpoint: the keys are under a passphrase",
            hint="Give it with --passphrase-file FILE.",
        )
    note = node.store.witness.own_covering(row.leaf_index) or note  # the oldest that somebody vouches for
    if note is None:
        raise Rejected(Reason.MISSING_TILE, CHECKPOINT)
    checkpoint, _ = open_checkpoint(note, *keys)
    entry, hashes = prove_inclusion(Tiles(fetch, checkpoint.size), row.leaf_index, checkpoint)
    if entry != leaf_of(row):
        raise Rejected(Reason.BAD_TILE, f"entry {row.leaf_index} is not what the store opens it to")
    proof = TlogProof(row.leaf_index, tuple(hashes), note, format_opening(row, shown))
    check_proof(proof, open_proof(proof).entry, keys)
    return LedgerProof(
        leaf=_leaf(row),
        origin=checkpoint.origin,
        size=checkpoint.size,
        vkey=format_vkey(keys[0]),
        object=what if shown is not None else None,
        proof=format_proof(proof).decode(),
    )


def _went(node: Node, what: str, content: Kept | None, to: To) -> tuple[LeafRow, ObjectServed]:
    """Return the leaf that shows an object to have gone, and what shows it in that leaf: the content in force first."""
    store = node.store
    kept = content or find(store, what)
    older = () if content else store.objects.all_versions(kept.stix_id, at_most=MAX_LEAVES_ABOUT)
    party = None if to.party == ANYBODY else named(node, to.party).name
    return prove_served(store, [kept, *older], party=party, through=to.through)


def _wanted(store: Store, what: str, content: Kept | None) -> tuple[LeafRow, ObjectOpening | None]:
    """Return the leaf that is asked for, and what shows the object in it, where one is asked for."""
    if what.isascii() and what.isdigit() and len(what) < 19:
        row = store.leaves.at(int(what))
        if row is None:
            raise NotFoundError(f"the ledger has no leaf {what}", hint="See `backchannel ledger show`.")
        return row, None
    said = store.leaves.about([what], at_most=MAX_LEAVES_ABOUT)
    if len(said) == 1:
        return said[0], None
    if said:
        numbers = ", ".join(str(row.leaf_index) for row in said)
        raise UsageError(
            f"{len(said)} leaves are about it: {numbers}",
            hint="Say which: `backchannel ledger prove NUMBER`.",
        )
    kept = content or find(store, what)
    arrivals, _ = store.objects.arrivals(kept.stix_id, at_most=MAX_LEAVES_ABOUT)
    for arrival in reversed([one for one in arrivals if one.object_row == kept.object_row]):
        for row in store.leaves.about([about_batch(arrival.batch_id)], at_most=1):
            return row, _object_opening(store, row, bytes(kept.digest))
    raise NotFoundError(
        f"nothing was entered about {kept.stix_id}",
        hint="What came before the ledger began is not in it.",
    )


def _object_opening(store: Store, row: LeafRow, digest: bytes) -> ObjectOpening:
    """Return what shows that an object is among those of a batch's record."""
    digests = store.leaves.digests_of(int(row.about.removeprefix(about_batch(0)[:-1])))
    index = digests.index(digest)
    return ObjectOpening(digest, index, tuple(inclusion_proof(index, len(digests), tree_of(digests))))


def _leaf(row: LeafRow) -> LedgerLeaf:
    return LedgerLeaf(
        index=row.leaf_index if row.leaf_index is not None else -1,
        kind=row.kind,
        about=row.about,
        recorded_at=row.recorded_at,
    )


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
