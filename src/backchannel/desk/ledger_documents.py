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


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """`ledger show --json`."""

    schema: Literal["backchannel.ledger/1"] = "backchannel.ledger/1"
    folder: str
    """Where the files are."""
    origin: str | None
    """Name of the ledger; null before the first entry."""
    vkey: str | None
    """Its key, to be given to whoever shall check it (C2SP signed-note)."""
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
    index: int | None
    """Of a proof: the leaf that it shows."""
    statement: str | None
    """Of a proof: what was entered, as text."""
    object: str | None
    """Of a proof: the object that is shown to be among what was received."""
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
    """The object that it shows to have come in the batch; null where the leaf itself is what was asked for."""
    proof: str
    """The `.tlog-proof` file: it opens this leaf to whoever gets it, and no other."""


class LedgerExport(msgspec.Struct, frozen=True, kw_only=True):
    """`ledger export --json`."""

    schema: Literal["backchannel.ledger-export/1"] = "backchannel.ledger-export/1"
    folder: str
    origin: str
    size: int
    files: int
    """Written, checkpoint and key included."""
    vkey: str
