"""The documents about channels: what `channel ... --json` prints and what the page's twin holds."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.desk.carried_documents import CarriedDrops, CarriedFile
from backchannel.stix.findings import Finding

ChannelState = Literal["new", "fine", "failing"]
"""`new`: never polled; `failing`: the last poll, or that of one of its collections, failed."""


class PollCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Objects, each counted once a poll: the five add up to `objects`."""

    objects: int = 0
    stored: int = 0
    known: int = 0
    """Here already; most of them because a poll reads the last objects of the one before it again."""
    conflict: int = 0
    quarantined: int = 0
    refused: int = 0


class PushProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why some objects of one push did not arrive."""

    state: Literal["refused", "pending", "unknown", "withheld"]
    why: str
    objects: int


class ChannelPush(msgspec.Struct, frozen=True, kw_only=True):
    """One push, with what became of each object; the five counts add up to what was to be sent."""

    pushed_at: str
    collection: str | None
    """Its title; null where none was reached."""
    accepted: int
    refused: int
    pending: int
    """The other end had not decided when we last asked."""
    unknown: int
    """No answer came: it may have been sent, or not."""
    withheld: int
    """Kept here by our own policy."""
    problems: tuple[PushProblem, ...]
    """Why not all were accepted, the most frequent first; at most 20."""
    error: str | None
    """Why sending ended before its end."""


class ChannelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One channel."""

    name: str
    kind: Literal["taxii", "misp-feed", "feed", "drop"]
    url: str
    """Without its query, which may hold a key."""
    party: str
    """Whom what comes is credited to; of a channel of kind `drop` only how we call the other side: each drop is
    credited to who signed it."""
    tlp: str | None
    """The marking of what comes unmarked; null: TLP:AMBER+STRICT."""
    every_s: int
    """Seconds between polls while `serve` runs; 0: by hand only."""
    state: ChannelState
    polled_at: str | None
    reached_at: str | None
    """The last poll that ended well."""
    due_at: str | None
    """The next poll; null: at once, or by hand only, or paused."""
    paused_at: str | None
    """Since when it is not polled by itself; null: it is."""
    failures: int
    """Polls in a row that failed."""
    error: str | None
    """Why the last poll failed, in words."""
    collections: int
    """How many collections were polled so far."""
    counts: PollCounts
    """Of all polls together."""
    last_push: ChannelPush | None
    """The newest of what was sent by it; null: nothing was."""


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """`channel list --json`."""

    schema: Literal["backchannel.channels/1"] = "backchannel.channels/1"
    channels: tuple[ChannelSummary, ...]


class ChannelCollection(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of a channel; a feed has one."""

    id: str
    title: str
    url: str
    polled_at: str | None
    reached_at: str | None
    error: str | None
    note: str | None
    """What the other end does against its standard, and what we made of it."""
    cursor: str
    """Where the next poll goes on, in the words of the protocol's client; "" at the beginning. Its first 500
    characters."""
    counts: PollCounts


class ChannelDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`channel show --json`, `channel add --json`."""

    schema: Literal["backchannel.channel/1"] = "backchannel.channel/1"
    channel: ChannelSummary
    wanted: tuple[str, ...]
    """The collections it was made for; empty: all that it may read."""
    known_by: tuple[str, ...]
    """How it says who we are: `password`, `token`, `header NAME`, `certificate`; never the secret."""
    allow_private: bool
    gives_receipts: bool
    """Of drops and TAXII: whether receipts for its party go back by it without anybody's doing."""
    proxy: str | None
    """URL of the HTTP proxy through which it is reached."""
    collections: tuple[ChannelCollection, ...]
    batches: tuple[int, ...]
    """The newest that came by it, at most 20."""
    rejected: tuple[Finding, ...]
    """Why the newest refused or quarantined objects were so, at most 50."""
    pushes: tuple[ChannelPush, ...]
    """What was sent by it, newest first; at most 20."""
    drops: CarriedDrops | None
    """Of a channel of kind `drop`: the files that came and went."""


class PolledCollection(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll of one collection brought."""

    id: str
    title: str
    counts: PollCounts
    batches: tuple[int, ...]
    """Empty where nothing was new."""
    notes: tuple[str, ...]
    error: str | None
    """Why it ended before the end of the collection; what came until then is kept."""


class PolledChannel(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll of one channel brought."""

    channel: str
    state: Literal["done", "failed"]
    """`failed`: at least one collection could not be read to its end."""
    error: str | None
    hint: str | None
    collections: tuple[PolledCollection, ...]
    files: tuple[CarriedFile, ...] = ()
    """Of a channel of kind `drop`: what this poll looked into for the first time, at most 1,000."""
    told: int = 0
    """Of a channel of kind `taxii`: receipts and other answers that went to its party with this poll."""
    told_note: str | None = None
    """Why what waits for its party did not go."""


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """`channel poll --json`."""

    schema: Literal["backchannel.polled/1"] = "backchannel.polled/1"
    channels: tuple[PolledChannel, ...]


class PushedObject(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one object that was to be sent."""

    id: str
    version: str | None
    state: Literal["accepted", "refused", "pending", "unknown", "withheld"]
    """`withheld`: our own policy kept it here; the others are the other end's word."""
    why: str | None


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """`channel push --json`."""

    schema: Literal["backchannel.pushed/1"] = "backchannel.pushed/1"
    channel: str
    collection: str
    accepted: int
    refused: int
    pending: int
    unknown: int
    withheld: int
    objects: tuple[PushedObject, ...]
    error: str | None
    """Why sending ended before its end; what was sent until then is told."""
