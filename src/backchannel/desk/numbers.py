"""The numbers of a party's drops to us: what is known of a line, and which number its first drop should bear.

Numbers begin with 0 and go on when the sender changes its key. What was sent before we knew the party is not missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from backchannel.clock import parse_time
from backchannel.drop.sequence import Known, Link
from backchannel.provenance.deniable import open_either
from backchannel.provenance.predicates import Release
from backchannel.provenance.statement import MAX_MANIFEST_BYTES, content_of, digest_text
from backchannel.store.interface import Store
from backchannel.store.places import PlaceRow
from backchannel.store.rows import PartyRow

MAX_EVENTS: Final = 1_000
"""Events of a party among which the first is looked for."""
MAX_UNREAD: Final = 1_000
"""Manifests of an older store that are read at once."""


def known_of_channel(store: Store, sender: PartyRow | None, release: Release) -> Known:
    """Return what is known of the line of a drop that came, as far as it decides about this one.

    Args:
        store: the store.
        sender: whose key signed it.
        release: its manifest.
    """
    _read_older(store)
    kids = {release.from_} | _kids_of(store, sender)
    near = store.places.near(kids, release.chan, release.seq)
    of_key = [row for row in near if row.issuer == release.from_]
    named = store.places.named(kids, release.bundle)
    last = store.places.last(release.from_, release.chan)
    return Known(
        links={row.seq: _link(row) for row in of_key},
        bundles={row.bundle: digest_text(row.digest) for row in named},
        followers={digest_text(row.prev): _link(row) for row in near if row.prev and row.seq == release.seq},
        undone=frozenset(digest_text(row.digest) for row in (*near, *named) if not row.stands),
        last=last,
        first=None if last is not None or sender is None else first_number(store, sender, release),
    )


def first_number(store: Store, sender: PartyRow, release: Release) -> int | None:
    """Return the number that the first drop under a key of a sender should bear; None: that cannot be known.

    It goes on where the drops under other keys of the sender ended, unless it begins anew; the first of all bears 0,
    if it was made after we took the sender's card.
    """
    others = _kids_of(store, sender) - {release.from_}
    newest = max(_lasts(store, others, release.chan), default=None)
    if newest is not None:
        # Whoever comes back from a backup of their keys begins to count anew, under new keys.
        return newest + 1 if release.seq > newest else None
    since = _known_since(store, sender)
    return 0 if since is not None and parse_time(release.created) >= since else None


def place_digest(prev: str | None) -> bytes | None:
    """Return the digest of a predecessor as it is kept, of how a manifest spells it."""
    return None if prev is None else bytes.fromhex(prev.removeprefix("sha256:"))


def _lasts(store: Store, kids: Collection[str], chan: str) -> Iterable[int]:
    return (last for kid in kids if (last := store.places.last(kid, chan)) is not None)


def _kids_of(store: Store, sender: PartyRow | None) -> frozenset[str]:
    """Return every key that a party ever named: who changes its key stays who it is."""
    if sender is None:
        return frozenset()
    known = store.membership.known()
    return next((row.kids for row in known if row.party.party_row == sender.party_row), frozenset())


def _link(row: PlaceRow) -> Link:
    return Link(digest_text(row.digest), None if row.prev is None else digest_text(row.prev))


def _read_older(store: Store) -> None:
    """Keep what manifests say that came before it was kept."""
    while unread := store.places.unread(at_most=MAX_UNREAD):
        with store.transaction():
            for row, envelope in unread:
                manifest, _ = open_either(envelope, max_bytes=MAX_MANIFEST_BYTES)
                said = content_of(manifest.statement)
                if not isinstance(said, Release):
                    raise TypeError("a drop whose manifest is none was kept")
                store.places.read(row, bundle=said.bundle, prev=place_digest(said.prev))


def _known_since(store: Store, party: PartyRow) -> datetime | None:
    events = store.membership.events(party.party_row, at_most=MAX_EVENTS)
    return parse_time(events[-1].at) if events else None
