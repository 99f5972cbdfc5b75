"""Walk a whole ledger and see that every file is what the checkpoint stands for; say which one is not.

Memory does not grow with the ledger. Needs the files and the ledger's public key, and nothing of the node.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint
from backchannel.provenance.ledger.edge import Edge
from backchannel.provenance.ledger.layout import (
    CHECKPOINT,
    ENTRIES,
    TILE_WIDTH,
    Tile,
    row_widths,
    tile_at,
    tile_path,
)
from backchannel.provenance.ledger.notes import VerifierKey
from backchannel.provenance.ledger.tiles import Fetch, read_entries, read_hashes, rows_above
from backchannel.provenance.ledger.tree import leaf_hashes
from backchannel.provenance.reasons import Reason, Rejected

MAX_FAULTS: Final = 100
"""Faults that are told one by one; the number of all is told too."""

OnEntry = Callable[[int, bytes], None]
"""Looks at an entry, given its index; raises Rejected for one that is not as it should be."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    path: str
    reason: Reason
    detail: str


@dataclass(slots=True)
class Audit:
    """What a walk found."""

    checkpoint: Checkpoint
    note: bytes
    entries: int = 0
    files: int = 0
    faults: list[Fault] = field(default_factory=list)
    faults_total: int = 0

    def tell(self, path: str, error: Rejected) -> None:
        """Add a fault."""
        self.faults_total += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(path, error.reason, error.detail))


def audit(fetch: Fetch, *keys: VerifierKey, on_entry: OnEntry | None = None) -> Audit:
    """Walk the ledger behind `fetch`.

    Args:
        fetch: gives its files.
        keys: its pinned keys.
        on_entry: looks at every entry, in order.

    Raises:
        Rejected: `MISSING_TILE`, there is no checkpoint; or as `open_checkpoint`. What is wrong with the files
            below it is told in the result.
    """
    note = fetch(CHECKPOINT)
    if note is None:
        raise Rejected(Reason.MISSING_TILE, CHECKPOINT)
    checkpoint, _ = open_checkpoint(note, *keys)
    found = Audit(checkpoint, note)
    for level, row in enumerate(row_widths(checkpoint.size)):
        for index in range(-(-row // TILE_WIDTH)):
            _check_tile(fetch, found, tile_at(level, index, checkpoint.size), on_entry)
    try:
        root = Edge.read(fetch, checkpoint.size).root()
    except Rejected:
        return found  # told already, tile by tile
    if root != checkpoint.root:
        found.tell(CHECKPOINT, Rejected(Reason.BAD_TILE, "the tiles do not give the root of the checkpoint"))
    return found


def _check_tile(fetch: Fetch, found: Audit, tile: Tile, on_entry: OnEntry | None) -> None:
    """See that each hash of a tile is the one of what lies below it."""
    path = tile_path(tile)
    found.files += 1
    try:
        hashes = read_hashes(fetch, tile)
    except Rejected as error:
        found.tell(path, error)
        hashes = []
    below = _hashes_of_entries(fetch, found, tile, on_entry) if tile.level == 0 else _roots_below(fetch, tile)
    for at, (has, should) in enumerate(zip(hashes, below, strict=False)):
        if should is not None and has != should:
            found.tell(path, Rejected(Reason.BAD_TILE, f"hash {at} is not the one of what lies below it"))


def _hashes_of_entries(
    fetch: Fetch, found: Audit, tile: Tile, on_entry: OnEntry | None
) -> list[bytes | None]:
    bundle = replace(tile, level=ENTRIES)
    found.files += 1
    try:
        entries = read_entries(fetch, bundle)
    except Rejected as error:
        found.tell(tile_path(bundle), error)
        return []
    found.entries += len(entries)
    first = tile.index * TILE_WIDTH
    if on_entry is not None:
        for at, entry in enumerate(entries):
            try:
                on_entry(first + at, entry)
            except Rejected as error:
                found.tell(tile_path(bundle), Rejected(error.reason, f"entry {first + at}: {error.detail}"))
    return [*leaf_hashes(entries)]


def _roots_below(fetch: Fetch, tile: Tile) -> list[bytes | None]:
    """Return the roots of the full tiles below; None for one that cannot be read, which was told when it was met."""
    roots: list[bytes | None] = []
    for at in range(tile.width):
        try:
            hashes = read_hashes(fetch, Tile(tile.level - 1, tile.index * TILE_WIDTH + at, TILE_WIDTH))
        except Rejected:
            roots.append(None)
        else:
            roots.append(rows_above(hashes)[-1][0])
    return roots
