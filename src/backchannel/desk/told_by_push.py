"""Push what waits for the party of a TAXII channel to it, with each poll or by hand: as notes, in one collection of theirs.

Where the channel says not to, the party has no keys here or may be told nothing, or its server lets us write no
collection or several, it waits for another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from backchannel.clock import Clock, format_time
from backchannel.desk.channel import Channel, Kind, Opener, Pause, Place
from backchannel.desk.channel_documents import Pushed, PushedObject
from backchannel.desk.channels import find_channel, terms_of
from backchannel.desk.lock import import_lock
from backchannel.desk.node import Node
from backchannel.desk.pushing import document, send
from backchannel.desk.receive import remove_abandoned
from backchannel.desk.told import Telling, telling, went
from backchannel.errors import NotFoundError, UsageError
from backchannel.parties.names import visible_name
from backchannel.store.polled import ChannelRow

SETTLED: Final = frozenset({"accepted", "refused"})
"""What is not sent again: it is there, or their server does not want it."""


@dataclass(frozen=True, slots=True)
class ToldByPush:
    """What one push of what waits came to."""

    title: str = ""
    """Of the collection; empty: none was reached."""
    statements: int = 0
    """How many went."""
    objects: tuple[PushedObject, ...] = ()
    error: str | None = None
    note: str = ""
    """Why what waits did not go."""


def push_waiting(node: Node, clock: Clock, name: str, opener: Opener, *, pause: Pause) -> Pushed:
    """Push what waits for the party of a channel, because a person asks for it.

    Args:
        node: ours.
        clock: the present.
        name: of the channel.
        opener: opens the channel.
        pause: waits between tries.

    Raises:
        NotFoundError: there is no such channel, nothing waits for its party, or what waits has no place to go to.
        UsageError: it is no TAXII channel.
        NetworkError: the server cannot be asked at all.
    """
    row = find_channel(node.store, name)
    if row.kind != "taxii":
        raise UsageError(
            f"{row.name} is a channel of kind {row.kind}: nothing is pushed to it",
            hint="Let it go with a drop: backchannel release send --receipts --to PARTY.",
        )
    party = node.store.parties.by_name(row.party)
    if party is None or not node.store.statements.is_waiting(party.party_row):
        raise NotFoundError(
            f"nothing waits for {visible_name(row.party)}", hint="See backchannel release list."
        )
    with opener(cast("Kind", row.kind), terms_of(row), pause) as channel:
        told = tell_by_push(node, clock, row, channel, channel.places(), by_hand=True)
    if told.note and not told.statements:
        raise NotFoundError(
            told.note, hint="Let it go with a drop: backchannel release send --receipts --to PARTY."
        )
    return document(row, told.title, told.objects, told.error)


def tell_by_push(
    node: Node,
    clock: Clock,
    row: ChannelRow,
    channel: Channel,
    places: Sequence[Place],
    *,
    by_hand: bool = False,
) -> ToldByPush:
    """Push what waits for the party of a channel.

    Args:
        node: ours.
        clock: the present.
        row: a channel of kind `taxii`.
        channel: the same, open.
        places: of the channel.
        by_hand: a person asked for it, so it goes also where receipts do not go by themselves.

    Raises:
        NetworkError: the server cannot be asked at all.
        StoreError: it cannot be kept.
    """
    party = node.store.parties.by_name(row.party)
    if party is None or not node.store.statements.is_waiting(party.party_row):
        return ToldByPush()
    if not (terms_of(row).receipts or by_hand):
        return ToldByPush(note="what waits for it waits for another way: --no-receipts")
    written = [place for place in places if place.can_write]
    if len(written) != 1:
        many = "no collection" if not written else f"{len(written)} collections"
        return ToldByPush(note=f"what waits for it waits for another way: we may write {many} there, not one")
    with import_lock(node.home):
        remove_abandoned(node.store)
        found = telling(node, clock, party.name)
    if found is None:
        return ToldByPush(note="what waits for it may not go to it now")
    return _push(node, clock, row, channel, written[0], found)


def _push(
    node: Node, clock: Clock, row: ChannelRow, channel: Channel, place: Place, found: Telling
) -> ToldByPush:
    store = node.store
    # Who we are goes along. What the extension is does not: its definition comes with the format, and a definition is the
    # one kind of object whose `version` is no time, which a collection of theirs must not have to bear.
    ourselves = [one for one in found.beside if str(one.stix_id) == node.party.party_id]
    everything = [*ourselves, *(kept for _, kept in found.notes)]
    before = store.channels.pushed(row.channel_row, (one.object_row for one in everything))
    _settle(node, clock, found, {one for one, state in before.items() if state == "accepted"})
    notes = [kept for _, kept in found.notes if before.get(kept.object_row) not in SETTLED]
    if not notes:
        return ToldByPush(place.title, note="their server does not take what waits for them")
    beside = [one for one in ourselves if before.get(one.object_row) not in SETTLED]
    with store.transaction():
        push_id = store.channels.begin_push(row, withheld={}, at=format_time(clock.now()))
    told, error = send(node, push_id, row, channel, place, [*beside, *notes])
    rows = {(str(one.stix_id), one.version): one.object_row for one in notes}
    accepted = {rows[key] for one in told if one.state == "accepted" and (key := _key(one)) in rows}
    _settle(node, clock, found, accepted)
    return ToldByPush(place.title, len(accepted), tuple(told), error)


def _settle(node: Node, clock: Clock, found: Telling, object_rows: set[int]) -> None:
    """Let what their server accepted wait no more."""
    there = [row for row, kept in found.notes if kept.object_row in object_rows]
    if there:
        with node.store.transaction():
            went(node, clock, found.to, there)


def _key(one: PushedObject) -> tuple[str, str]:
    return one.id, one.version or ""
