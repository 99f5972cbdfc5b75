"""The documents about the ledger: what `ledger ... --json` prints and what the page's twin holds."""

from __future__ import annotations

from typing import Literal

import msgspec


class LedgerLeaf(msgspec.Struct, frozen=True, kw_only=True):
    """One leaf, as its owner sees it."""

    index: int
    """Place in the ledger, from 0."""
    kind: str
    """`recv`, `sent`, `decision`, ...: what the leaf says openly, beside the day."""
    about: str
    """What it is looked up by: an object's id, `batch 3`."""
    recorded_at: str


class Cosigner(msgspec.Struct, frozen=True, kw_only=True):
    """A party that saw that our ledger only grew."""

    party: str
    size: int
    """Leaves under the largest checkpoint of ours that it cosigned."""
    stated_at: str
    """When it saw it, as it says."""


class WatchedLedger(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of another party, as we saw it."""

    party: str
    origin: str
    vkey: str
    witness: str | None
    """The key under which the party cosigns."""
    size: int | None
    """Leaves under the newest checkpoint that the party showed; null: it showed none yet."""
    seen_at: str | None
    cosigned: int | None
    """Leaves under the newest that was proved to have grown, and that we cosigned."""
    checkpoint: str | None
    """The newest, signed."""


class LedgerEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Two signed checkpoints of one ledger that cannot both be true."""

    number: int
    party: str
    """Whose ledger."""
    told_by: str | None
    """Who was shown the other half; null: we were shown both."""
    breach: str
    """`fork`, `inconsistent` or `rollback`."""
    first_size: int
    second_size: int
    seen_at: str


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """`ledger show --json`."""

    schema: Literal["backchannel.ledger/1"] = "backchannel.ledger/1"
    folder: str
    """Where the files are."""
    origin: str | None
    """Name of the ledger; null before the first entry."""
    vkey: str | None
    """Its key, to be given to whoever shall check it (C2SP signed-note)."""
    witness: str | None
    """The key under which we cosign the ledgers of others (C2SP tlog-cosignature)."""
    size: int
    """Leaves under the checkpoint."""
    root: str | None
    """Root of the tree, in base64 as the checkpoint has it."""
    checkpoint: str | None
    """The signed checkpoint, as it lies in the folder."""
    waiting: int
    """Leaves recorded and not yet under a checkpoint."""
    waiting_since: str | None
    """When the oldest of them was recorded."""
    kinds: dict[str, int]
    """Leaves under the checkpoint by kind."""
    leaves: tuple[LedgerLeaf, ...]
    """Newest first."""
    next: int | None
    """Go on below this index; null at the end."""
    cosigned: tuple[Cosigner, ...] = ()
    """Who saw that our ledger only grew, by name."""
    watched: tuple[WatchedLedger, ...] = ()
    """Ledgers of the parties that we know, by name."""
    evidence: tuple[LedgerEvidence, ...] = ()
    """Ledgers that were rewritten, oldest first."""


class LedgerFault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong."""

    path: str
    """File below the ledger's folder."""
    reason: str
    """A reason code."""
    what: str


class LedgerVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """`ledger verify --json`."""

    schema: Literal["backchannel.ledger-verdict/1"] = "backchannel.ledger-verdict/1"
    good: bool
    place: str
    """The folder or file that was looked at."""
    origin: str
    size: int
    """Leaves under the checkpoint."""
    root: str
    """In base64."""
    files: int
    """Tiles and bundles that were read; 0 for a proof."""
    entries: int
    """Entries whose hashes were made anew."""
    opened: int
    """Leaves that the store, or the proof, opens; 0 for a ledger that is not ours."""
    unopened: int
    """Leaves of our ledger that the store has nothing for."""
    waiting: int = 0
    """Leaves of ours that are recorded and not appended yet: nothing is proved of them."""
    sent: int = 0
    """Drops of ours among the leaves that the store opens."""
    received: int = 0
    """Drops of others among them."""
    cosigned: tuple[Cosigner, ...] = ()
    """Parties whose cosignature under a checkpoint of this very ledger was checked."""
    index: int | None
    """Of a proof: the leaf that it shows."""
    statement: str | None
    """Of a proof: what was entered, as text."""
    object: str | None
    """Of a proof: the object that is shown to be among what was received, or what went."""
    record: str | None
    """Of a proof that an object went without a drop: to whom, when, through what, by which policy, as text."""
    faults: tuple[LedgerFault, ...]
    """The first hundred."""
    faults_total: int


class LedgerProof(msgspec.Struct, frozen=True, kw_only=True):
    """`ledger prove ID --json`."""

    schema: Literal["backchannel.ledger-proof/1"] = "backchannel.ledger-proof/1"
    leaf: LedgerLeaf
    origin: str
    size: int
    """Of the checkpoint that the proof leads to."""
    vkey: str
    """The key that checks it."""
    object: str | None
    """The object that it shows to have come in the batch, or to have gone; null where the leaf itself was asked for."""
    proof: str
    """The `.tlog-proof` file: it opens this leaf to whoever gets it, and no other."""


class EvidenceExport(msgspec.Struct, frozen=True, kw_only=True):
    """`ledger export --evidence --json`."""

    schema: Literal["backchannel.evidence-export/1"] = "backchannel.evidence-export/1"
    folder: str
    evidence: tuple[LedgerEvidence, ...]
    """Each in a folder of its number."""
    files: int


class LedgerExport(msgspec.Struct, frozen=True, kw_only=True):
    """`ledger export --json`."""

    schema: Literal["backchannel.ledger-export/1"] = "backchannel.ledger-export/1"
    folder: str
    origin: str
    size: int
    files: int
    """Written, checkpoint and key included."""
    vkey: str
