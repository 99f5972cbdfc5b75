"""The suite `p256`: the curve P-256 (SEC 2 §2.4.2), by OpenMined's library.

The library has a client, which makes elements of texts, and a server, which blinds elements again; each side here is
both, with one key. An input goes in as its hexadecimal digits. The curve has no subgroup, so a point that lies on it
is of the prime order; the library refuses what does not, and the point at infinity.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import private_set_intersection.python as psi

from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi.suites import OPENMINED

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group (SEC 2 §2.4.2)."""
_KEEPS_ORDER: Final = True
"""The library's `reveal_intersection`: without it, answers are sorted; here who sorts is the protocol."""
_PREFIXES: Final = frozenset({2, 3})


class OpenMined:
    """The engine on openmined-psi."""

    suite = OPENMINED
    element_bytes = 33
    """A point in compressed form (SEC 1 §2.3.3)."""

    def new_key(self) -> bytes:
        return (1 + secrets.randbelow(_ORDER - 1)).to_bytes(32, "big")

    def blind(self, key: bytes, inputs: Sequence[bytes]) -> list[bytes]:
        client = psi.client.CreateFromKey(key, _KEEPS_ORDER)
        return list(client.CreateRequest([one.hex() for one in inputs]).encrypted_elements)

    def blind_again(self, key: bytes, elements: Sequence[bytes]) -> list[bytes]:
        for one in elements:
            if len(one) != self.element_bytes or one[0] not in _PREFIXES:
                raise Rejected(Reason.BAD_ELEMENT, f"{one[:8].hex()}…")
        request = psi.Request(encrypted_elements=elements, reveal_intersection=_KEEPS_ORDER)
        server = psi.server.CreateFromKey(key, _KEEPS_ORDER)
        try:
            return list(server.ProcessRequest(request).encrypted_elements)
        except RuntimeError:
            raise Rejected(Reason.BAD_ELEMENT, "a point that does not lie on the curve") from None


ENGINE: Final = OpenMined()
