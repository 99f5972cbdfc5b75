"""Proofs that a ledger only grew, as they travel with its checkpoint: from each size that the reader may know. Pure.

    old 40
    <hash in base64>
    old 36
    <hash in base64>

Each block is the head of an add-checkpoint request (C2SP tlog-witness) whose checkpoint stands elsewhere.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from backchannel.provenance.ledger.checkpoints import parse_number
from backchannel.provenance.ledger.notes import decode_base64
from backchannel.provenance.ledger.tree import HASH_BYTES, MAX_PROOF_HASHES
from backchannel.provenance.reasons import Reason, Rejected

MAX_PROOFS: Final = 8
"""Sizes that are proved from at once."""
MAX_GROWTH_CHARS: Final = 16_384


def format_growth(proofs: Iterable[tuple[int, Iterable[bytes]]]) -> str:
    """Return proofs as text; those that do not fit are left out, the last first."""
    text = ""
    for number, (old_size, hashes) in enumerate(proofs):
        lines = (f"old {old_size}", *(b64encode(one).decode() for one in hashes))
        block = "".join(f"{line}\n" for line in lines)
        if number == MAX_PROOFS or len(text) + len(block) > MAX_GROWTH_CHARS:
            break
        text += block
    return text


def parse_growth(text: str) -> Mapping[int, tuple[bytes, ...]]:
    """Return the hashes of each proof, by the size that it begins at.

    Raises:
        Rejected: `BAD_FORM`, `TOO_LARGE` or `TOO_MANY`.
    """
    if len(text) > MAX_GROWTH_CHARS:
        raise Rejected(Reason.TOO_LARGE, f"proofs have at most {MAX_GROWTH_CHARS} characters")
    found: dict[int, list[bytes]] = {}
    hashes: list[bytes] | None = None
    for line in text.splitlines():
        if line.startswith("old "):
            size = parse_number(line.removeprefix("old "))
            if size is None or size in found:
                raise Rejected(Reason.BAD_FORM, "a proof begins with old SIZE, once for each size")
            hashes = found[size] = []
            continue
        one = decode_base64(line)
        if hashes is None or one is None or len(one) != HASH_BYTES:
            raise Rejected(Reason.BAD_FORM, "a line of a proof is no hash in base64")
        hashes.append(one)
    if len(found) > MAX_PROOFS or any(len(one) > MAX_PROOF_HASHES for one in found.values()):
        raise Rejected(
            Reason.TOO_MANY, f"at most {MAX_PROOFS} proofs of {MAX_PROOF_HASHES} hashes each are read"
        )
    return {size: tuple(one) for size, one in found.items()}
