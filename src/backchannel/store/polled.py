"""What the desk asks of a store about channels: where we fetch and send by ourselves. Times are RFC 3339 text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """When the next poll is wanted; None: at once, or not at all where `every_s` is 0 or it is paused."""
    failures: int = 0
    error: str = ""
    paused_at: str | None = None
    """Since when it is not polled by itself."""


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


class PushReason(NamedTuple):
    """Why some objects of one push were not accepted."""

    state: str
    why: str
    objects: int


class PushedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One push, however it ended."""

    push_id: int
    title: str
    """Of the collection; "" where none was reached."""
    pushed_at: str
    withheld: Mapping[str, int]
    """Reason of the policy to the number of objects that it kept here."""
    error: str
    states: Mapping[str, int]
    """What became of the objects that were sent, to their number: `sending` where no answer was kept."""
    reasons: tuple[PushReason, ...] = ()
    """The most frequent first."""


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

    def pushed(self, channel_row: int, object_rows: Iterable[int]) -> dict[int, str]:
        """Return what became last of each of these objects that was sent by a channel."""
        ...

    def pause(self, channel_row: int, *, at: str | None) -> None:
        """Let a channel rest since `at`; None: poll it again, at once."""
        ...

    def want(self, channel_row: int, *, at: str) -> None:
        """Let the next poll be at `at`, also of one that is polled by hand only, or paused."""
        ...

    def begin_push(self, row: ChannelRow, *, withheld: Mapping[str, int], at: str) -> int:
        """Write down that something is to be sent, and what the policy keeps here; returns the push's number."""
        ...

    def record(self, push_id: int, row: ChannelRow, pushes: Sequence[PushRow], *, title: str) -> list[int]:
        """Write down what is about to be sent to the collection `title`; returns the number of each."""
        ...

    def end_push(self, push_id: int, *, error: str) -> None:
        """Write down why a push ended before its end."""
        ...

    def pushes(self, channel_row: int, *, at_most: int, reasons: int) -> list[PushedRow]:
        """Return the newest pushes of a channel, each with at most so many reasons."""
        ...

    def record_verdict(self, push_row: int, *, state: str, why: str) -> None:
        """Write down what became of it."""
        ...
