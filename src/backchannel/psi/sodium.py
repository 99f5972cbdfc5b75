"""The suite `edwards25519`: the subgroup of prime order of edwards25519 (RFC 7748 §4.1), by libsodium.

An input becomes a point by Elligator 2 applied to both halves of its SHA-512, added: as good as a random point. What
comes from outside is checked by libsodium itself, point by point: canonical, on the curve, of the prime order.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from nacl import bindings
from nacl.exceptions import CryptoError

from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi.suites import SODIUM

_DOMAIN: Final = b"bc-psi/v1 edwards25519\n"
_WIDE_BYTES: Final = 64


class Sodium:
    """The engine on PyNaCl."""

    suite = SODIUM
    element_bytes = bindings.crypto_core_ed25519_BYTES

    def new_key(self) -> bytes:
        while True:
            key: bytes = bindings.crypto_core_ed25519_scalar_reduce(secrets.token_bytes(_WIDE_BYTES))
            if any(key):
                return key

    def blind(self, key: bytes, inputs: Sequence[bytes]) -> list[bytes]:
        return [bindings.crypto_scalarmult_ed25519_noclamp(key, _point(one)) for one in inputs]

    def blind_again(self, key: bytes, elements: Sequence[bytes]) -> list[bytes]:
        return [self._again(key, one) for one in elements]

    def _again(self, key: bytes, element: bytes) -> bytes:
        # A point of small order would tell the key modulo 8, the identity would match everything.
        if len(element) != self.element_bytes or not bindings.crypto_core_ed25519_is_valid_point(element):
            raise Rejected(Reason.BAD_ELEMENT, f"{element[:8].hex()}…")
        try:
            found: bytes = bindings.crypto_scalarmult_ed25519_noclamp(key, element)
        except CryptoError:
            raise Rejected(Reason.BAD_ELEMENT, f"{element[:8].hex()}…") from None
        return found


def _point(one: bytes) -> bytes:
    wide = hashlib.sha512(_DOMAIN + one).digest()
    halves = (bindings.crypto_core_ed25519_from_uniform(half) for half in (wide[:32], wide[32:]))
    found: bytes = bindings.crypto_core_ed25519_add(*halves)
    return found


ENGINE: Final = Sodium()
