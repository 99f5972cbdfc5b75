"""The numbers of a party's drops to us: what is known of a channel, and which number its first drop should bear.

Numbers begin with 0 and go on when the sender changes its key. What was sent before we knew the party is not missing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from backchannel.clock import parse_time
from backchannel.drop.sequence import Known, Link
from backchannel.provenance.deniable import open_either
from backchannel.provenance.predicates import Release
from backchannel.provenance.statement import MAX_MANIFEST_BYTES, content_of, digest_text
from backchannel.store.interface import Store
from backchannel.store.rows import PartyRow

MAX_BEFORE: Final = 1_000
"""Drops of a channel that a new one is compared with, the newest."""
MAX_EVENTS: Final = 1_000
"""Events of a party among which the first is looked for."""


def known_of_channel(store: Store, sender: PartyRow | None, release: Release) -> Known:
    """Return what is known of the channel of a drop that came.

    Args:
        store: the store.
        sender: whose key signed it.
        release: its manifest.
    """
    links, bundles = {}, {}
    channel, statements = (release.from_, release.chan), store.statements
    rows = statements.received(*channel, at_most=MAX_BEFORE)
    rows += statements.received_near(*channel, release.seq)  # however many came since
    for seq, row in rows:
        manifest, _ = open_either(row.envelope, max_bytes=MAX_MANIFEST_BYTES)
        said = content_of(manifest.statement)
        if isinstance(said, Release):
            links[seq] = Link(digest_text(row.digest), said.prev)
            bundles[said.bundle] = digest_text(row.digest)
    first = None if links or sender is None else first_number(store, sender, release)
    return Known(links, bundles, first)


def first_number(store: Store, sender: PartyRow, release: Release) -> int | None:
    """Return the number that the first drop under a key of a sender should bear; None: that cannot be known.

    It goes on where the drops under other keys of the sender ended, unless it begins anew; the first of all bears 0,
    if it was made after we took the sender's card.
    """
    kids = next(
        (row.kids for row in store.membership.known() if row.party.party_row == sender.party_row),
        frozenset(),
    )
    newest = [
        seq
        for kid in kids - {release.from_}
        for seq, _ in store.statements.received(kid, release.chan, at_most=1)
    ]
    if newest:
        # Whoever comes back from a backup of their keys begins to count anew, under new keys.
        return max(newest) + 1 if release.seq > max(newest) else None
    since = _known_since(store, sender)
    return 0 if since is not None and parse_time(release.created) >= since else None


def _known_since(store: Store, party: PartyRow) -> datetime | None:
    events = store.membership.events(party.party_row, at_most=MAX_EVENTS)
    return parse_time(events[-1].at) if events else None
