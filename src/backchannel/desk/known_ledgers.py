"""The ledgers of the parties that we know: under which keys they are signed, and by which keys they cosign ours.

Both stand in a party's key sets; a key that was revoked is pinned no more.
"""

from __future__ import annotations

from dataclasses import dataclass

from backchannel.desk.node import Node
from backchannel.parties.keyset import read_keyset
from backchannel.parties.kid import Alg, Use, kid
from backchannel.parties.states import Standing
from backchannel.provenance.ledger.notes import COSIGNATURE, VerifierKey, parse_vkey
from backchannel.store.rows import PartyRow


@dataclass(frozen=True, slots=True)
class KnownLedger:
    """The ledger of a party."""

    party: PartyRow
    keys: tuple[VerifierKey, ...]
    """That sign it, the present one first; behind them those of ledgers that it took the place of."""
    witness: tuple[VerifierKey, ...]
    """Under which the party cosigns the ledgers of others."""

    @property
    def origin(self) -> str:
        """Its name."""
        return self.keys[0].name


def known_ledger(node: Node, party: PartyRow) -> KnownLedger | None:
    """Return the ledger of a party; None where no key set of it names one, or the party was revoked."""
    membership = node.store.membership
    if membership.standing(party.party_row) == Standing.REVOKED:
        return None
    revoked = {row.kid for row in membership.revocations(party.party_row)}
    sets = [read_keyset(row.body) for row in reversed(membership.key_sets(party.party_row))]
    signing = [parse_vkey(one.log.vkey) for one in sets if one.log is not None]
    keys = [key for key in dict.fromkeys(signing) if kid(Alg.ED25519, key.public) not in revoked]
    if not keys:
        return None
    witness = [
        witness_key(one.log.origin if one.log else keys[0].name, key.pub)
        for one in sets
        for key in one.keys
        if key.use == Use.COSIGN and key.kid not in revoked
    ]
    return KnownLedger(party, tuple(keys), tuple(dict.fromkeys(witness)))


def known_ledgers(node: Node) -> list[KnownLedger]:
    """Return the ledgers of all parties but ourselves."""
    others = (row.party for row in node.store.membership.known() if not row.party.is_self)
    found = (known_ledger(node, party) for party in others)
    return [one for one in found if one is not None]


def witness_key(origin: str, public: bytes) -> VerifierKey:
    """Return the key under which a party cosigns: it bears the name of the party's own ledger."""
    return VerifierKey(origin, public, COSIGNATURE)
