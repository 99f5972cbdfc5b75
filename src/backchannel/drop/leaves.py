"""The root that is signed for all objects of a drop: a Merkle tree (RFC 6962 §2.1) of salted leaves.

The entry of a leaf is its 16 random bytes and the SHA-256 of the object's canonical form. So one object can be
passed on with a short proof, and whoever reads it cannot guess at the others from their leaves.
"""

from __future__ import annotations

import hashlib
from typing import Final

SALT_BYTES: Final = 16

_sha256 = hashlib.sha256


def leaf(salt: bytes, jcs: bytes) -> bytes:
    """Return the leaf (32 bytes) of an object.

    Args:
        salt: 16 random bytes, of this object in this drop.
        jcs: the object in canonical form (RFC 8785).
    """
    return _sha256(b"\x00" + salt + _sha256(jcs).digest()).digest()


class Root:
    """Forms the root from leaves that come one after another; holds one hash for each level."""

    def __init__(self) -> None:
        self.size = 0
        """How many leaves there were."""
        self._edge: list[bytes] = []
        """Hashes of the complete subtrees that the leaves so far form, largest first."""

    def add(self, one: bytes) -> None:
        """Add the next leaf."""
        at = self.size
        self.size += 1
        edge = self._edge
        while at & 1:
            one = _sha256(b"\x01" + edge.pop() + one).digest()
            at >>= 1
        edge.append(one)

    def text(self) -> str:
        """Return the root over the leaves so far, as statements spell it: `sha256:` and 64 digits."""
        if not self._edge:
            return f"sha256:{_sha256(b'').hexdigest()}"
        root = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            root = _sha256(b"\x01" + left + root).digest()
        return f"sha256:{root.hex()}"
