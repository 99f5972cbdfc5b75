"""Parties with real keys, made the same in every run."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from backchannel.clock import format_time
from backchannel.ids import PartyId
from backchannel.parties.card import Card, make_card
from backchannel.parties.keyring import Keyring, SecretKey, new_key, new_keyring
from backchannel.parties.keyset import KeySet, LedgerName, ListedKey, ledger_vkey
from backchannel.parties.kid import Use

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def random_of(seed: str) -> Callable[[int], bytes]:
    """A source of bytes that gives the same ones for the same seed."""
    count = 0

    def draw(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{seed} {count}".encode()).digest(size)

    return draw


class Made:
    """One party: its root key, its keyring and its card."""

    def __init__(self, name: str, seed: str | None = None) -> None:
        draw = random_of(seed or name)
        self.name = name
        self.party = PartyId(f"identity--{uuid.UUID(bytes=draw(16), version=4)}")
        self.root: SecretKey = new_key(Use.ROOT, NOW, random=draw)
        self.keyring: Keyring = new_keyring(NOW, random=draw)
        self.draw = draw

    def card(self, **changed: object) -> Card:
        facts: dict[str, object] = {
            "party": self.party,
            "name": self.name,
            "origin": "ledger.example/" + self.name.split()[-1].lower(),
            "root": self.root,
            "sign": self.keyring.present(Use.SIGN).public,
            "age": self.keyring.present(Use.AGE).public,
            "keyset_version": 1,
            "made_at": NOW,
        }
        return make_card(**(facts | changed))  # type: ignore[arg-type]

    def keyset(self, before: KeySet | None = None, **changed: object) -> KeySet:
        """The key set of this party's present keys, following `before`."""
        origin = "ledger.example/" + self.name.split()[-1].lower()
        listed = [
            ListedKey(key.kid, key.use, key.alg, key.public, format_time(key.since))
            for key in self.keyring.keys
            if key.until is None
        ]
        keyset = KeySet(
            v=1,
            party=self.party,
            name=self.name,
            version=before.version + 1 if before else 1,
            prev=before.digest if before else None,
            not_before=format_time(NOW),
            expires=format_time(NOW + timedelta(days=365)),
            root=self.root.public,
            keys=listed,
            log=LedgerName(origin, ledger_vkey(origin, self.keyring.present(Use.LOG).public)),
        )
        return msgspec.structs.replace(keyset, **changed)
