"""What an invitation is agreed with: SPAKE2, and the keys that come of it. The messages: `invite.py`."""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import TYPE_CHECKING

from backchannel.parties.codes import Code
from backchannel.parties.enrolment import check_public
from backchannel.parties.kid import Alg
from backchannel.parties.refusals import KeyRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from spake2 import SPAKE2_A, SPAKE2_B

LABEL = b"bc-invite/v1"


def inviter_side(code: Code, random: Callable[[int], bytes]) -> SPAKE2_A:
    """Begin SPAKE2 as the inviter."""
    from spake2 import SPAKE2_A  # noqa: PLC0415  # computes its tables when it is imported

    return SPAKE2_A(_password(code), idA=LABEL + b" A", idB=LABEL + b" B", entropy_f=random)


def inviter_side_of(kept: bytes) -> SPAKE2_A:
    """Go on as the inviter from what `serialize` gave. Once for each message that comes."""
    from spake2 import SPAKE2_A  # noqa: PLC0415

    return SPAKE2_A.from_serialized(kept)


def joiner_side(code: Code, random: Callable[[int], bytes]) -> SPAKE2_B:
    """Begin SPAKE2 as the joiner."""
    from spake2 import SPAKE2_B  # noqa: PLC0415

    return SPAKE2_B(_password(code), idA=LABEL + b" A", idB=LABEL + b" B", entropy_f=random)


def _password(code: Code) -> bytes:
    return LABEL + b" " + code.spoken.encode("ascii")


def agreed_key(side: SPAKE2_A | SPAKE2_B, element: bytes) -> bytes | None:
    """Return the key agreed on, or None where the element is none, or is our own sent back.

    An element is the side that sends it, `A` or `B`, and a point of edwards25519 (33 bytes).
    """
    from spake2 import SPAKEError  # noqa: PLC0415

    try:
        # The library says in many ways that bytes are no point; ours says it in one, and takes no weak ones.
        check_public(Alg.ED25519, element[1:])
        key: bytes = side.finish(element)
    except (SPAKEError, KeyRefusedError):
        return None
    return key


def transcript_of(number: int, invitation: bytes, expires: str, first: bytes, second: bytes) -> bytes:
    """Return the hash (32 bytes) of all that both sides said in the open: T of the format."""
    parts = (LABEL, str(number).encode("ascii"), invitation, expires.encode("ascii"), first, second)
    return hashlib.sha256(b"".join(struct.pack(">I", len(part)) + part for part in parts)).digest()


def _derived(key: bytes, transcript: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(SHA256(), 32, salt=transcript, info=LABEL + b" " + purpose).derive(key)


def confirmation(key: bytes, transcript: bytes, side: bytes, *digests: bytes) -> bytes:
    """Return what only who knows the code can say (32 bytes), over the digests of the cards so far."""
    return hmac.digest(
        _derived(key, transcript, b"confirm " + side), transcript + b"".join(digests), "sha256"
    )


def sealed_card(key: bytes, transcript: bytes, side: bytes, card: bytes) -> bytes:
    """Encrypt a card of one side, so that only who knows the code reads it."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    return ChaCha20Poly1305(_derived(key, transcript, b"card " + side)).encrypt(bytes(12), card, transcript)


def opened_card(key: bytes, transcript: bytes, side: bytes, sealed: bytes) -> bytes | None:
    """Decrypt the card of the other side, or return None where the code was another."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    try:
        return ChaCha20Poly1305(_derived(key, transcript, b"card " + side)).decrypt(
            bytes(12), sealed, transcript
        )
    except InvalidTag:
        return None
