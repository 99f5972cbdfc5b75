"""Proofs made from a ledger's files; each is checked before it is given. Pure but for the files it is handed."""

from __future__ import annotations

from backchannel.provenance.ledger.checkpoints import Checkpoint
from backchannel.provenance.ledger.tiles import Tiles
from backchannel.provenance.ledger.tree import (
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    range_hash,
)
from backchannel.provenance.reasons import Reason, Rejected


def prove_inclusion(tiles: Tiles, index: int, checkpoint: Checkpoint) -> tuple[bytes, list[bytes]]:
    """Return the entry at `index` and the hashes that show it below the root of `checkpoint`.

    Args:
        tiles: the ledger's files, read at the checkpoint's size or a later one.
        index: which, from 0.
        checkpoint: verified before.

    Raises:
        Rejected: `MISSING_TILE` or `BAD_TILE`, the files do not give a proof that verifies.
        ValueError: the ledger of this checkpoint has no such entry.
    """
    proof = inclusion_proof(index, checkpoint.size, tiles.node)
    entry = tiles.entry(index)
    if not is_included(leaf_hash(entry), index, checkpoint.size, proof, checkpoint.root):
        raise Rejected(Reason.BAD_TILE, f"the files do not prove entry {index} of {checkpoint.origin}")
    return entry, proof


def prove_growth(tiles: Tiles, old: Checkpoint, new: Checkpoint) -> list[bytes]:
    """Return the hashes that show that the ledger of `new` begins with the one of `old`.

    Args:
        tiles: the ledger's files, read at the size of `new`.
        old: verified before; of size 0 it needs no proof.
        new: verified before.

    Raises:
        Rejected: `BAD_TILE` or `MISSING_TILE`, the files are not those of `new`; `BAD_CONSISTENCY`, they are, and
            do not begin with `old`.
        ValueError: `new` is smaller than `old`.
    """
    proof = consistency_proof(old.size, new.size, tiles.node)
    if old.size == 0:
        return proof
    if not is_consistent(old.size, new.size, proof, old.root, new.root):
        if range_hash(0, new.size, tiles.node) != new.root:
            raise Rejected(Reason.BAD_TILE, f"the files are not those of the checkpoint of size {new.size}")
        raise Rejected(
            Reason.BAD_CONSISTENCY,
            f"the first {old.size} entries are others than those of the checkpoint before",
        )
    return proof
