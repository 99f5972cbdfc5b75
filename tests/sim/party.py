"""Parties with real keys, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backchannel.ids import derived_id, sha256
from backchannel.parties.kid import Alg, Use, kid
from backchannel.parties.signing import sign
from backchannel.provenance.statement import SigningKey
from backchannel.provenance.verification import KnownKey

NOW = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class SimParty:
    """A party: the same name has the same keys in every test."""

    name: str
    private: Ed25519PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        seed = sha256(b"a key for tests\n" + self.name.encode())
        object.__setattr__(self, "private", Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def kid(self) -> str:
        return kid(Alg.ED25519, self.public)

    @property
    def key(self) -> SigningKey:
        return SigningKey(self.kid, partial(sign, self.private))

    def known(self, **changes: object) -> KnownKey:
        """Its key as another party has pinned it."""
        fields: dict[str, object] = {
            "kid": self.kid,
            "use": Use.SIGN,
            "public": self.public,
            "party": derived_id("identity", self.name),
            "name": self.name,
            "valid_from": NOW - timedelta(days=100),
            "valid_until": NOW + timedelta(days=100),
        }
        return KnownKey(**(fields | changes))  # type: ignore[arg-type]


ALPHA, BETA, GAMMA, DELTA, MALLORY = map(SimParty, ("Alpha", "Beta", "Gamma", "Delta", "Mallory"))
KNOWN = {party.kid: party.known() for party in (ALPHA, BETA, GAMMA, DELTA)}
"""Whom everybody knows: Mallory is a stranger."""
