"""Poll a channel of kind `drop`: look into the folder where it is one, and hand on receipts and what could not go before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.carried_documents import CarriedFile
from backchannel.desk.carriers import carried_document, carried_drops
from backchannel.desk.carrying import Carrier
from backchannel.desk.channel import Channel, Pause, StoppedError
from backchannel.desk.channel_documents import PolledCollection
from backchannel.desk.channels import counts_document, terms_of
from backchannel.desk.handing_on import hand_on_again
from backchannel.desk.looking import Found, Looker, look
from backchannel.desk.node import Node
from backchannel.desk.receipts_back import write_receipts
from backchannel.errors import BackchannelError
from backchannel.ids import BatchId
from backchannel.parties.at_rest import Unseal
from backchannel.store.polled import ChannelRow, PlaceRow
from backchannel.store.rows import BatchCounts

MAX_FILES: Final = 1_000
"""Files that a poll tells of by name."""
MAX_NUMBERS: Final = 20
"""Missing numbers of one drop that a poll tells of."""

Brought = tuple[list[PolledCollection], tuple[CarriedFile, ...]]


def poll_drops(
    node: Node,
    clock: Clock,
    row: ChannelRow,
    channel: Channel,
    *,
    pause: Pause,
    tell: Callable[[str, int], None] | None = None,
    unseal: Unseal | None = None,
) -> Brought:
    """Take what is new in the folder; hand on what could not be before, then the receipts for who sends by it.

    Raises:
        NetworkError: what waits cannot be handed on now either.
        StoreError: something cannot be kept.
    """
    brought: Brought = [], ()
    url = terms_of(row).url
    if "://" not in url:
        brought = _Folder(node, clock, row, Path(url), tell).poll(pause, unseal)
    hand_on_again(node, clock, row, channel)  # first: while that is not possible, no further drop is made
    if write_receipts(node, clock, row, unseal=unseal):
        hand_on_again(node, clock, row, channel)
    return brought


class _Folder:
    """One poll of a folder."""

    def __init__(
        self, node: Node, clock: Clock, row: ChannelRow, path: Path, tell: Callable[[str, int], None] | None
    ) -> None:
        self._node, self._clock, self._row, self._path, self._tell = node, clock, row, path, tell
        places = node.store.channels.places(row.channel_row)
        self._place = places[0] if places else PlaceRow(place=str(path), id="", title=path.name)
        self._counts = BatchCounts()
        self._batches: list[BatchId] = []

    def poll(self, pause: Pause, unseal: Unseal | None) -> Brought:
        self._keep()
        found, error = Found(), None
        carrier = Carrier(self._row.channel_row, keeps_parts=True, count=self._count)
        looker = Looker(self._node, self._clock, carrier, pause, unseal, self._told)
        try:
            look(self._path, looker, found)
        except StoppedError:
            raise
        except BackchannelError as caught:
            error = caught
        notes = self._notes(found)
        at = format_time(self._clock.now())
        self._keep(
            polled_at=at,
            reached_at=self._place.reached_at if error else at,
            error=error.message if error else "",
            note="; ".join(notes),
        )
        polled = PolledCollection(
            id="",
            title=self._place.title,
            counts=counts_document(self._counts),
            batches=tuple(self._batches),
            notes=tuple(notes),
            error=error.message if error else None,
        )
        return [polled], tuple(map(carried_document, found.files[:MAX_FILES]))

    def _told(self, name: str) -> None:
        if self._tell is not None:
            self._tell(name, self._counts.objects)

    def _count(self, batch_id: BatchId | None, counts: BatchCounts) -> None:
        self._node.store.channels.count(self._row.channel_row, self._place.place, counts, batch_id)
        self._counts = BatchCounts(*map(sum, zip(self._counts, counts, strict=True)))
        if batch_id is not None:
            self._batches.append(batch_id)

    def _keep(self, **what: object) -> None:
        self._place = msgspec.structs.replace(self._place, **what)
        with self._node.store.transaction():
            self._node.store.channels.put_place(self._row.channel_row, self._place)

    def _notes(self, found: Found) -> list[str]:
        """Return what a person should know of the folder, in words."""
        stands = carried_drops(self._node.store, self._row.channel_row)
        notes = []
        if found.waiting:
            notes.append(f"{found.waiting:,} files are still being written")
        if found.left:
            notes.append(f"{found.left:,} files are left for the next look")
        for parts in stands.parts:
            shown = ", ".join(map(str, parts.missing[:MAX_NUMBERS]))
            more = (
                f" and {parts.missing_total - MAX_NUMBERS} more" if parts.missing_total > MAX_NUMBERS else ""
            )
            notes.append(f"of {parts.of} parts of {parts.name[:8]}… these are missing: {shown}{more}")
        notes += [f"{one.name}: {one.why}" for one in stands.left]
        return notes
