"""What a key is called: its algorithm, its use, and its `kid`.

A `kid` names a key by all 32 bytes of a hash over its algorithm and its public half. Its first eight characters
are for people to tell keys apart on a screen; nothing is ever looked up by them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from enum import StrEnum
from typing import NewType

Kid = NewType("Kid", str)
"""52 characters of lower-case base32 (RFC 4648 §6, without padding)."""

KID_CHARS = 52
SHOWN_KID_CHARS = 8
_KID = re.compile(r"[a-z2-7]{51}[aq]")
"""256 bits in 52 characters leave four bits over, which are 0: the last character is one of two."""


class Alg(StrEnum):
    """How a key signs, or what it opens."""

    ED25519 = "ed25519"
    """Signs (RFC 8032)."""
    X25519 = "x25519"
    """Opens what is encrypted to it (RFC 7748), as a recipient of age."""
    MLDSA44 = "mldsa44"
    """Signs beside Ed25519 (FIPS 204), for the day when that is broken."""


PUBLIC_BYTES = {Alg.ED25519: 32, Alg.X25519: 32, Alg.MLDSA44: 1312}
"""Length of a public key (bytes): RFC 8032 §5.1.5, RFC 7748 §5, FIPS 204 table 2."""


class Use(StrEnum):
    """What a key is for. A key is used for one thing only."""

    ROOT = "root"
    """Signs contact cards, key sets and revocations; may be kept away from the node."""
    SIGN = "sign"
    """Signs statements and drops."""
    AGE = "age"
    """Opens drops."""
    LOG = "log"
    """Signs the checkpoints of the party's own ledger (C2SP signed-note, type 0x01)."""
    COSIGN = "cosign"
    """Cosigns the checkpoints of others (C2SP tlog-cosignature, type 0x04)."""


ALGS_OF_USE = {
    Use.ROOT: frozenset({Alg.ED25519}),
    Use.SIGN: frozenset({Alg.ED25519, Alg.MLDSA44}),
    Use.AGE: frozenset({Alg.X25519}),
    Use.LOG: frozenset({Alg.ED25519}),
    Use.COSIGN: frozenset({Alg.ED25519}),
}


def kid(alg: str, public: bytes) -> Kid:
    """Return the name of a public key.

    It is base32 of SHA-256 over `bc-key/v1`, a line feed, the algorithm's name and the public key.
    """
    name = hashlib.sha256(b"bc-key/v1\n" + alg.encode("ascii") + public).digest()
    return Kid(base64.b32encode(name).decode("ascii").rstrip("=").lower())


def is_kid(text: str) -> bool:
    """Whether `text` has the form of a `kid`."""
    return _KID.fullmatch(text) is not None


def shown_kid(name: Kid) -> str:
    """Return the start of a `kid`, for a person to look at. Never look a key up by it."""
    return name[:SHOWN_KID_CHARS] + "…"
