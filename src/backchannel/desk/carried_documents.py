"""What is shown of carriers: which files came and went, what waits for further parts, what is left alone."""

from __future__ import annotations

from typing import Literal

import msgspec


class CarriedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that came or went by a carrier."""

    name: str
    sha256: str
    bytes: int
    at: str
    state: Literal["taken", "known", "part", "other", "refused", "sending", "sent"]
    """`known`: received before by another way; `part`: parts of a drop; `other`: for somebody else, or no drop;
    `sending`: not handed on yet; `sent`: handed on by us."""
    reason: str | None
    """Code of docs/reference/reasons.md, of what was refused."""
    says: str
    """In words: why it was refused and what mends it, or what is in it."""
    batch: int | None


class PartsWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """A drop of which parts have come."""

    name: str
    """The first 32 digits of the SHA-256 of the whole."""
    of: int
    missing: tuple[int, ...]
    """Numbers to ask the sender for; at most 100 are named."""
    missing_total: int


class LeftAlone(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the folder that is not looked into."""

    name: str
    why: str


class CarriedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many files, each counted once."""

    taken: int = 0
    known: int = 0
    part: int = 0
    other: int = 0
    refused: int = 0
    sending: int = 0
    sent: int = 0


class CarriedDrops(msgspec.Struct, frozen=True, kw_only=True):
    """How a carrier stands; of each list the newest 20."""

    counts: CarriedCounts
    waiting: int
    """Files seen and not looked into yet: still being written, or too many for one look."""
    refused: tuple[CarriedFile, ...]
    taken: tuple[CarriedFile, ...]
    sent: tuple[CarriedFile, ...]
    parts: tuple[PartsWaiting, ...]
    left: tuple[LeftAlone, ...]


class BoxTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of what waited in our drop box."""

    schema: str = "backchannel.box/1"
    files: tuple[CarriedFile, ...]
    """In the order in which they were left."""
    again: int
    """Files that were left before already: nothing was done."""


class BoxStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How our drop box stands: what waits in it, of how much it takes at most."""

    waiting: int
    """Files that were left and are not taken yet."""
    waiting_bytes: int
    max_waiting: int
    max_waiting_bytes: int
    since: str | None
    """When the oldest of them was left."""
    needs_passphrase: bool
    """Our keys are under a passphrase, so that `serve` takes them only where it was given that."""
    counts: CarriedCounts
    """What became of those that were taken."""


class HandedOn(msgspec.Struct, frozen=True, kw_only=True):
    """A drop that was handed on by a channel."""

    channel: str
    state: Literal["sent", "sending"]
    """`sending`: it was not possible now; the next poll of the channel tries again."""
    where: str | None
    """Its name in the folder, or the ticket of the drop box."""
    error: str | None


class DropTicket(msgspec.Struct, frozen=True, kw_only=True):
    """What a drop box answers: it has the bytes, and says nothing about them."""

    schema: Literal["backchannel.drop-ticket/1"] = "backchannel.drop-ticket/1"
    ticket: str
    """Random; whoever runs the box finds by it what became of them."""
