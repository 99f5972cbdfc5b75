"""A node that offers something: two roots, collections with every set of rights, three parties."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tests.desk.made import identity, indicator, malware
from tests.web.visitor import MovingClock

from backchannel import codec
from backchannel.clock import format_time
from backchannel.desk.access import caller_by_secret
from backchannel.desk.node import init_node, open_node
from backchannel.desk.posting import post
from backchannel.ids import PartyId, new_id, sha256
from backchannel.store.exchange import NewCollection, Right

ROOT = "/taxii2/exchange/"
SHARED = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
"""Vessland and Sorrel read and write it; default marking TLP:GREEN."""
OTHER = "52892447-4d7e-4f70-b94d-d7f22742ff63"
"""Vessland reads and writes it."""
READ = "0c5b6a52-6b4c-4d0e-9a55-0a3d1c1b7f02"
"""Vessland may only read it."""
WRITE = "7b1f2f3e-5a0d-4c6b-8a11-2f4e6d8c9b03"
"""Vessland may only write it."""
HIDDEN = "e0a4d5c6-1b2a-4f3e-9d8c-7b6a5f4e3d04"
"""Vessland has no right in it; Sorrel reads it."""
OPEN = "x-mitre-collection--1f5f1533-f617-4ca8-9ab4-6a02367fa019"
"""Anybody reads it, Vessland writes it; a foreign id. In the root `open`."""
OBJECTS = f"{ROOT}collections/{SHARED}/objects/"
OPEN_OBJECTS = f"/taxii2/open/collections/{OPEN}/objects/"


@dataclass(frozen=True)
class Place:
    home: Path
    clock: MovingClock
    vessland: str = "v" * 43
    """Secret of the party CERT Vessland."""
    sorrel: str = "s" * 43
    empty: str = "e" * 43
    """Another secret of CERT Vessland, of a client that needs `"objects":[]`."""
    nobody: str = "n" * 43
    """Secret of a party that has no right at all."""
    expires: str = "x" * 43
    """Secret of CERT Vessland, good for an hour."""

    def at(self, home: Path, clock: MovingClock) -> Place:
        return replace(self, home=home, clock=clock)

    def give(
        self,
        secret: str,
        party: str,
        rights: dict[str, Right],
        *,
        certificate: bytes | None = None,
        **more: str | None,
    ) -> int:
        """Make a credential, of a secret or of a certificate (DER); return its row."""
        with open_node(self.home) as node, node.store.transaction():
            store, at = node.store, format_time(self.clock.now())
            row = store.parties.by_name(party) or store.parties.add(PartyId(new_id("identity")), party, at=at)
            token = store.credentials.add(
                row.party_row,
                sha256(certificate or secret.encode()),
                certificate=certificate,
                compat=more.get("compat") or "",
                at=at,
                expires_at=more.get("expires_at"),
            )
            rows = {one.collection_id: one.collection_row for one in store.collections.all()}
            for collection, right in rights.items():
                store.credentials.grant(token, rows[collection], right)
            return token

    def fill(self) -> None:
        """Put five indicators (the first in three versions), an identity and two kinds of malware in `shared`."""
        objects = [indicator(1, version=n) for n in (1, 2, 3)] + [indicator(n) for n in range(2, 6)]
        objects += [identity(1), malware(1), malware(2)]
        body = b'{"objects":[' + b",".join(map(codec.encode, objects)) + b"]}"
        with open_node(self.home) as node:
            caller = caller_by_secret(node.store, self.vessland, now=self.clock.now())
            assert caller is not None
            assert post(node, self.clock, caller, "exchange", SHARED, body).success_count == len(objects)

    def take_back(self, token_row: int) -> None:
        with open_node(self.home) as node, node.store.transaction():
            assert node.store.credentials.remove(token_row, at=format_time(self.clock.now()))


def make_place(home: Path, clock: MovingClock) -> Place:
    place = Place(home, clock)
    with init_node(home, name="CERT Alpha", clock=clock) as node, node.store.transaction():
        collections, at = node.store.collections, format_time(clock.now())
        exchange = collections.add_root("exchange", "Exchange", "Between CERTs", at=at).root_row
        anybody = collections.add_root("open", "Open", "", at=at).root_row
        for root, one, alias, title, tlp, anonymous in (
            (exchange, SHARED, "shared", "Shared", "TLP:GREEN", False),
            (exchange, OTHER, None, "Other", "TLP:GREEN", False),
            (exchange, READ, None, "Read only", "TLP:GREEN", False),
            (exchange, WRITE, None, "Write only", "TLP:GREEN", False),
            (exchange, HIDDEN, "hidden", "Hidden", "TLP:GREEN", False),
            (anybody, OPEN, None, "Open", "TLP:CLEAR", True),
        ):
            collections.add(NewCollection(root, one, alias, title, "", tlp, anonymous, False), at=at)
    both, read, write = Right(True, True), Right(True, False), Right(False, True)
    rights = {SHARED: both, OTHER: both, READ: read, WRITE: write, OPEN: write}
    place.give(place.vessland, "CERT Vessland", rights)
    place.give(place.empty, "CERT Vessland", rights, compat="empty-objects")
    place.give(place.sorrel, "CERT Sorrel", {SHARED: both, READ: both, HIDDEN: read})
    place.give(place.nobody, "CERT Nobody", {})
    place.give(place.expires, "CERT Vessland", rights, expires_at="2026-11-25T13:00:00.000Z")
    return place
