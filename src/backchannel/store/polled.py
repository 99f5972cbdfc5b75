"""What the desk asks of a store about channels: where we fetch and send by ourselves. Times are RFC 3339 text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from backchannel.ids import BatchId
from backchannel.store.rows import BatchCounts, Kept


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One channel."""

    channel_row: int
    name: str
    kind: str
    terms: str
    """JSON."""
    party: str
    tlp: str | None
    every_s: int
    added_at: str
    polled_at: str | None = None
    reached_at: str | None = None
    due_at: str | None = None
    failures: int = 0
    error: str = ""


class PlaceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of a channel, with what all polls brought."""

    place: str
    id: str
    title: str
    cursor: str = ""
    polled_at: str | None = None
    reached_at: str | None = None
    error: str = ""
    note: str = ""
    counts: BatchCounts = BatchCounts()


class PushRow(NamedTuple):
    """One object about to be sent."""

    object_row: int
    place: str
    policy: str


class Channels(Protocol):
    """Where we fetch and send by ourselves."""

    def add(self, row: ChannelRow) -> ChannelRow:
        """Add a channel; its number is given here."""
        ...

    def get(self, name: str) -> ChannelRow | None:
        """Return the channel of that name, upper and lower case alike."""
        ...

    def all(self) -> list[ChannelRow]:
        """Return the channels by name."""
        ...

    def remove(self, channel_row: int) -> None:
        """Remove a channel with its cursors; what came by it stays."""
        ...

    def polled(self, row: ChannelRow) -> None:
        """Keep how the last poll of a channel ended: times, failures, error."""
        ...

    def places(self, channel_row: int) -> list[PlaceRow]:
        """Return its places by title."""
        ...

    def put_place(self, channel_row: int, place: PlaceRow) -> None:
        """Keep a place: everything of it but its counts."""
        ...

    def count(self, channel_row: int, place: str, counts: BatchCounts, batch_id: BatchId | None) -> None:
        """Add to what a place brought, by the batch `batch_id` if anything of it was new."""
        ...

    def forget_cursors(self, channel_row: int) -> None:
        """Let the next poll read everything from the beginning."""
        ...

    def repeats(self, channel_row: int, object_rows: Iterable[int]) -> frozenset[int]:
        """Return those objects that came by this channel before, in a batch that stands."""
        ...

    def batches(self, channel_row: int, *, at_most: int) -> list[BatchId]:
        """Return the newest batches that came by a channel."""
        ...

    def rejecting(self, channel_row: int, *, at_most: int) -> list[BatchId]:
        """Return the newest batches of a channel of which something was refused or set aside."""
        ...

    def objects_of(self, batch_id: BatchId) -> list[Kept]:
        """Return what a complete batch brought, each object once."""
        ...

    def record(self, row: ChannelRow, pushes: Sequence[PushRow], *, at: str) -> list[int]:
        """Write down what is about to be sent; returns the number of each."""
        ...

    def record_verdict(self, push_row: int, *, state: str, why: str) -> None:
        """Write down what became of it."""
        ...
