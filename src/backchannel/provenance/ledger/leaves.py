"""Leaves: what a ledger holds of a statement. Blinded, so that a leaf says nothing until it is opened. Pure.

A leaf is canonical JSON (RFC 8785): `{"c":"sha256:...","d":"2026-01-02","t":"sent"}`. Its commitment `c` is
SHA-256 over 32 random bytes and the statement. Whoever has the random bytes and the statement can show what was
entered; nobody can open the leaf to another statement, or guess it from the outside.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hmac import compare_digest
from typing import Final

from backchannel.codec import canonical, decode_plain
from backchannel.provenance.reasons import Reason, Rejected

MAX_LEAF_BYTES: Final = 1_024
BLINDING_BYTES: Final = 32

_COMMITMENT = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class LeafKind(StrEnum):
    """What a leaf is about: all that it says openly, beside the day."""

    SENT = "sent"
    RECEIVED = "recv"
    DECISION = "decision"
    KEYSET = "keyset"
    REVOKED = "revoke"
    COMPARISON = "psi"
    REQUEST = "rfi"
    PERMIT = "permit"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf as it was read."""

    kind: LeafKind
    commitment: bytes
    """32 bytes."""
    day: date


def blinding() -> bytes:
    """Return 32 random bytes: the secret of one leaf."""
    return secrets.token_bytes(BLINDING_BYTES)


def commitment(statement: bytes, r32: bytes) -> bytes:
    """Return what a leaf says of a statement (32 bytes)."""
    return hashlib.sha256(r32 + statement).digest()


def make_leaf(kind: LeafKind, statement: bytes, day: date, r32: bytes) -> bytes:
    """Return the entry that a ledger keeps of `statement`.

    Raises:
        ValueError: `r32` does not have 32 bytes.
    """
    if len(r32) != BLINDING_BYTES:
        raise ValueError(f"a leaf is blinded with {BLINDING_BYTES} bytes, not {len(r32)}")
    return canonical(
        {"t": kind.value, "c": f"sha256:{commitment(statement, r32).hex()}", "d": day.isoformat()}
    )


def dummy_leaf(kind: LeafKind, day: date) -> bytes:
    """Return an entry that nothing stands behind, so that a ledger's size does not show how much was exchanged."""
    return make_leaf(kind, b"", day, blinding())


def parse_leaf(entry: bytes) -> Leaf:
    """Read an entry.

    Raises:
        Rejected: `TOO_LARGE`, `NOT_JSON`, `BAD_FORM` or `NOT_CANONICAL`.
    """
    if len(entry) > MAX_LEAF_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"a leaf has at most {MAX_LEAF_BYTES} bytes, not {len(entry)}")
    value = decode_plain(entry)
    if value is None:
        raise Rejected(Reason.NOT_JSON, "a leaf is one JSON object")
    if canonical(value) != entry:
        raise Rejected(Reason.NOT_CANONICAL, "a leaf")
    if value.keys() != {"t", "c", "d"} or not all(isinstance(one, str) for one in value.values()):
        raise Rejected(Reason.BAD_FORM, "a leaf has the texts t, c and d")
    try:
        kind = LeafKind(value["t"])
        day = date.fromisoformat(value["d"]) if _DAY.fullmatch(value["d"]) else None
    except ValueError:
        raise Rejected(Reason.BAD_FORM, "a leaf of a kind or day that does not exist") from None
    if day is None or _COMMITMENT.fullmatch(value["c"]) is None:
        raise Rejected(Reason.BAD_FORM, "a leaf's c is sha256:HEX, its d is YEAR-MONTH-DAY")
    return Leaf(kind, bytes.fromhex(value["c"].removeprefix("sha256:")), day)


def opens(leaf: Leaf, statement: bytes, r32: bytes) -> bool:
    """Whether `statement` and its random bytes are what the leaf was made of."""
    return len(r32) == BLINDING_BYTES and compare_digest(commitment(statement, r32), leaf.commitment)
