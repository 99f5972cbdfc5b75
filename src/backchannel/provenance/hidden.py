"""Parties that a chain does not name: hidden behind a commitment, opened later to whom it concerns.

A commitment binds: a relay cannot name another party afterwards. It hides: without its 32 random bytes nobody can
try names. A cryptonym lets a reader judge a relay's source over time without knowing who it is.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

OPENING_BYTES: Final = 32
CRYPTONYM_BYTES: Final = 10
_PARTY: Final = b"bc-party/v1"
_SOURCE: Final = b"bc-source/v1\n"
_CRYPTONYM: Final = b"bc-cryptonym/v1\n"


@dataclass(frozen=True, slots=True, repr=False)
class Opening:
    """What opens a commitment: shown to one reader or to an arbiter, never published. Not shown in logs."""

    kid: str
    random: bytes


def opening(kid: str) -> Opening:
    """Return a new opening for a party."""
    return Opening(kid, secrets.token_bytes(OPENING_BYTES))


def hide(party: Opening) -> str:
    """Return the commitment to a party: SHA-256 over `bc-party/v1`, its `kid` and the 32 random bytes."""
    if len(party.random) != OPENING_BYTES:
        raise ValueError(f"a party is hidden with {OPENING_BYTES} random bytes")
    return f"sha256:{hashlib.sha256(_PARTY + party.kid.encode('ascii') + party.random).hexdigest()}"


def opens(party: Opening, commitment: str) -> bool:
    """Whether `party` is the one that `commitment` hides."""
    return len(party.random) == OPENING_BYTES and hmac.compare_digest(hide(party), commitment)


def is_hidden(party: str) -> bool:
    """Whether a party of a relay statement is hidden, rather than named by its key."""
    return party.startswith("sha256:")


def source_tag(name: str) -> str:
    """Return by what `deconflict` names a source that is known by name: SHA-256 over `bc-source/v1`, a line feed and it.

    Args:
        name: the cryptonym under which its relay hides it, or the `kid` of a party that is named.

    Returns:
        64 hexadecimal digits, like the tag of a claim.
    """
    return hashlib.sha256(_SOURCE + name.encode("ascii")).hexdigest()


def cryptonym(secret: bytes, source: str) -> str:
    """Return a relay's own name for a source: 20 hexadecimal digits, the same for the same source every time.

    Args:
        secret: the relay's own, 32 random bytes, the same for all of its sources.
        source: what the relay knows the source by: its `kid`, or the name in its own books.
    """
    if len(secret) != OPENING_BYTES:
        raise ValueError(f"the secret of cryptonyms is {OPENING_BYTES} bytes long")
    return hmac.digest(secret, _CRYPTONYM + source.encode(), "sha256")[:CRYPTONYM_BYTES].hex()
