"""Sign bytes and check signatures: the one place that does, for statements, drops and ledgers alike.

What is signed always says inside the signed bytes what kind of thing it is; that is the caller's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backchannel.parties.kid import PUBLIC_BYTES, Alg

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE_BYTES = {Alg.ED25519: 64, Alg.MLDSA44: 2420}
"""Length of a signature (bytes): RFC 8032 §5.1.6, FIPS 204 table 2."""


def sign(private: Ed25519PrivateKey, data: bytes) -> bytes:
    """Return the Ed25519 signature of `data` (64 bytes; the same for the same key and data)."""
    return private.sign(data)


def is_signed(public: bytes, signature: bytes, data: bytes, *, alg: str = Alg.ED25519) -> bool:
    """Whether `signature` over `data` was made with the private half of `public`.

    The key must have passed `enrolment.check_public` before: under a weak one this says yes to anybody.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # 10 ms that few need

    if alg not in SIGNATURE_BYTES or len(public) != PUBLIC_BYTES[Alg(alg)]:
        return False
    if len(signature) != SIGNATURE_BYTES[Alg(alg)]:
        return False
    try:
        if alg == Alg.MLDSA44:
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey  # noqa: PLC0415

            MLDSA44PublicKey.from_public_bytes(public).verify(signature, data)
        else:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

            Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
