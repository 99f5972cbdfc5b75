"""Proofs that travel as a file: entry, place and checkpoint, checked without asking anybody (C2SP tlog-proof). Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint, parse_number
from backchannel.provenance.ledger.notes import MAX_NOTE_BYTES, VerifierKey, decode_base64
from backchannel.provenance.ledger.tree import HASH_BYTES, MAX_PROOF_HASHES, is_included, leaf_hash
from backchannel.provenance.reasons import Reason, Rejected

HEADER: Final = "c2sp.org/tlog-proof@v1"
FILE_SUFFIX: Final = ".tlog-proof"
MAX_EXTRA_BYTES: Final = 512 * 2**10
"""An opening of the largest statement (256 KiB), in base64."""
MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof as it was read; nothing in it is verified."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    """The checkpoint with its signatures."""
    extra: bytes | None = None
    """Whatever the application adds. Nothing vouches for it."""


def format_proof(proof: TlogProof) -> bytes:
    """Return a proof as the bytes of a file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {b64encode(proof.extra).decode()}")
    lines.append(f"index {proof.index}")
    lines += (b64encode(one).decode() for one in proof.hashes)
    return "".join(f"{line}\n" for line in (*lines, "")).encode() + proof.note


def parse_proof(data: bytes) -> TlogProof:
    """Read the bytes of a proof.

    Raises:
        Rejected: `BAD_INCLUSION`, it is not of the form; `TOO_LARGE`.
    """
    if len(data) > MAX_PROOF_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"a proof has at most {MAX_PROOF_BYTES} bytes")
    head, gap, note = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise _bad("its first lines are not plain text") from None
    if not gap or lines.pop(0) != HEADER:
        raise _bad(f"it does not begin with {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "))
        if extra is None or len(extra) > MAX_EXTRA_BYTES:
            raise _bad("its line extra is no base64, or too long")
    index = (
        parse_number(lines.pop(0).removeprefix("index ")) if lines and lines[0].startswith("index ") else None
    )
    if index is None:
        raise _bad("its line index is missing, or no number")
    if len(lines) > MAX_PROOF_HASHES:
        raise _bad(f"it has more than {MAX_PROOF_HASHES} hashes")
    hashes = tuple(decode_base64(line) or b"" for line in lines)
    if any(len(one) != HASH_BYTES for one in hashes):
        raise _bad("a line of it is no hash in base64")
    return TlogProof(index, hashes, note, extra)


def check_proof(proof: TlogProof, entry: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Return the checkpoint that holds `entry`, as the proof shows.

    Args:
        proof: as it was read.
        entry: the leaf's bytes, which the caller has made or opened.
        keys: the pinned keys of the ledgers that are believed.

    Raises:
        Rejected: `BAD_INCLUSION`, the proof does not show it; or as `open_checkpoint`.
    """
    checkpoint, _ = open_checkpoint(proof.note, *keys)
    if not is_included(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root):
        raise _bad(f"the checkpoint of size {checkpoint.size} does not hold this entry at {proof.index}")
    return checkpoint


def _bad(why: str) -> Rejected:
    return Rejected(Reason.BAD_INCLUSION, why)
