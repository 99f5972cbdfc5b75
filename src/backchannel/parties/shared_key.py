"""A key that two parties share because of the keys that they already have, without a message."""

from __future__ import annotations

from backchannel.parties.enrolment import check_public
from backchannel.parties.kid import Alg


def shared_key(private: bytes, public: bytes, info: bytes) -> bytes:
    """Return what only the holders of the two X25519 keys can compute (32 bytes).

    Static-static X25519 (RFC 7748 §6.1), then HKDF-SHA-256 (RFC 5869) with no salt.

    Args:
        private: ours (32 bytes).
        public: theirs (32 bytes).
        info: what the key is for, with everything that has to be the same on both sides.

    Raises:
        KeyRefusedError: `weak-key`, everybody would know the result.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import (  # noqa: PLC0415  # 10 ms that few need
        X25519PrivateKey,
        X25519PublicKey,
    )
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    check_public(Alg.X25519, public)
    secret = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    return HKDF(SHA256(), 32, salt=None, info=info).derive(secret)
