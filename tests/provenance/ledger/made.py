"""Ledgers of our own for the tests: keys that are the same every time, entries, and folders filled with them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backchannel.provenance.ledger.checkpoints import Checkpoint, signed_checkpoint
from backchannel.provenance.ledger.notes import COSIGNATURE, ED25519, VerifierKey
from backchannel.provenance.ledger.tree import EMPTY_ROOT, inner_hash, leaf_hash
from backchannel.provenance.ledger.writer import Appended, open_ledger


class Signer:
    """A key pair made from a word: for tests only."""

    def __init__(self, name: str, kind: int = ED25519) -> None:
        private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.key = VerifierKey(name, private.public_key().public_bytes_raw(), kind)
        self.sign = private.sign


LOG = Signer("alpha.example/ledger")
OTHER = Signer("mallory.example/ledger")
WITNESS = Signer("beta.example/witness", COSIGNATURE)


def entries(count: int, word: str = "entry", first: int = 0) -> list[bytes]:
    return [f"{word} {n}".encode() for n in range(first, first + count)]


def root_of(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 §2.1 defines it, word by word: what ours is compared with."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return inner_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def checkpoint_of(leaves: list[bytes], signer: Signer = LOG) -> Checkpoint:
    return Checkpoint(signer.key.name, len(leaves), root_of(leaves))


def note_of(leaves: list[bytes], signer: Signer = LOG) -> bytes:
    return signed_checkpoint(checkpoint_of(leaves, signer), signer.key, signer.sign)


def fill(folder: Path, leaves: list[bytes], signer: Signer = LOG) -> Appended:
    with open_ledger(folder, signer.key, signer.sign) as ledger:
        return ledger.append(leaves)
