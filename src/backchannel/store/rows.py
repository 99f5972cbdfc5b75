"""What goes into a store and what comes out, one row each; what a statement takes as it is is a tuple.

`New...` rows are written as they are (numbered by the import that holds the lock); `Kept...` ones are read.
Times are RFC 3339 text.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from backchannel.clock import format_time, parse_time
from backchannel.ids import BatchId, Digest, PartyId, StixId

Outcome = Literal["stored", "known", "conflict", "quarantined"]
BatchState = Literal["open", "complete", "undone"]


def version_key(version: str) -> str:
    """Return `version` in the one spelling of its instant that sorts, as text, by time.

    `2024-01-01T00:00:00Z` and `2024-01-01T00:00:00.000Z` are the same version (STIX 2.1 §3.2: `modified`);
    digits beyond the microsecond, which a `datetime` would lose, still count. What is no time stays as it is.
    """
    if not version.endswith("Z") or "T" not in version:
        try:
            version = format_time(parse_time(version))
        except ValueError:
            return version
    text = version[:-1]
    return text.rstrip("0").rstrip(".") if "." in text else text


class NewObject(NamedTuple):
    """One object to keep: a row of `object`."""

    object_row: int
    stix_id: StixId
    version: str
    version_key: str
    type: str
    spec_version: str
    revoked: bool
    created_by_ref: str
    quarantined: bool
    first_arrival: int
    digest: Digest
    body_digest: Digest
    body: bytes


class NewArrival(NamedTuple):
    """One object reaching us once: a row of `arrival`."""

    arrival_row: int
    batch_id: BatchId
    object_row: int
    outcome: Outcome
    place: str
    original: bytes | None
    """The row or line it was made from."""
    body: bytes | None
    """The object's bytes, where they are another spelling than those kept."""


class NewFinding(NamedTuple):
    """One finding of an import: a row of `finding`."""

    finding_row: int
    batch_id: BatchId
    object_row: int | None
    level: str
    object: str
    place: str
    what: str
    clause: str
    original: bytes | None


class NewReference(NamedTuple):
    """One reference from a kept object to an id: a row of `reference`."""

    target: str
    property: str
    object_row: int


class NewIndicator(NamedTuple):
    """What matching asks of an indicator: a row of `indicator`."""

    object_row: int
    pattern: str
    pattern_type: str
    valid_from: str | None
    valid_until: str | None
    uncompiled: str
    """One part that cannot be searched a line, in words."""


class Arrived(msgspec.Struct, frozen=True):
    """Everything that one transaction of an import adds."""

    objects: list[NewObject]
    revived: list[tuple[bool, int, int]]
    """(quarantined, first_arrival, object_row) of contents kept from an undone batch that came again."""
    respelled: list[tuple[int, bytes]]
    """(object_row, body) of those among them that came in another spelling."""
    references: list[NewReference]
    indicators: list[NewIndicator]
    arrivals: list[NewArrival]
    findings: list[NewFinding]


class Held(msgspec.Struct, frozen=True):
    """What is kept under an id, as far as an import must know it."""

    object_row: int
    stix_id: StixId
    version_key: str
    digest: Digest
    body_digest: Digest
    visible: bool
    """Some batch that was not undone brought it (the open one counts)."""


class Kept(msgspec.Struct, frozen=True):
    """One object as kept."""

    object_row: int
    stix_id: StixId
    version: str
    version_key: str
    type: str
    spec_version: str
    revoked: bool
    created_by_ref: str
    quarantined: bool
    first_arrival: int
    digest: Digest
    body_digest: Digest
    body: bytes


class KeptArrival(msgspec.Struct, frozen=True):
    """One arrival in a complete batch."""

    object_row: int
    batch_id: BatchId
    party: str | None
    channel: str
    received_at: str
    place: str
    outcome: Outcome
    tlp: str | None
    version: str
    original: bytes | None
    """The row or line it was made from, or the other spelling in which it came."""


class First(msgspec.Struct, frozen=True):
    """How an object first came, and from how many parties, under which default markings and with which floors in all."""

    batch_id: BatchId
    party: str | None
    channel: str
    received_at: str
    parties: int
    tlps: tuple[str | None, ...]
    floors: tuple[str, ...] = ()
    """Labels that it may not go wider than, by what relays said."""


class PartyRow(msgspec.Struct, frozen=True):
    """One party."""

    party_row: int
    party_id: PartyId
    name: str
    is_self: bool
    public_key: bytes | None
    added_at: str


class PartyTally(msgspec.Struct, frozen=True):
    """A party with what came from it in complete batches."""

    party: PartyRow
    batches: int
    objects: int
    """Different ones, by id, version and content, however often they came."""
    last_received_at: str | None


class BatchCounts(NamedTuple):
    """Each object of a batch counted once."""

    objects: int = 0
    stored: int = 0
    known: int = 0
    conflict: int = 0
    quarantined: int = 0
    refused: int = 0


class BatchRow(msgspec.Struct, frozen=True):
    """One batch."""

    batch_id: BatchId
    state: BatchState
    party: str | None
    channel: str
    tlp: str | None
    opened_at: str
    completed_at: str | None
    undone_at: str | None
    counts: BatchCounts


class InputFile(NamedTuple):
    """One file that an import read."""

    name: str
    size: int | None
    """In bytes; None for standard input, which is read once."""
    sha256: bytes | None


class Opened(msgspec.Struct, frozen=True):
    """A batch just opened, with the first free number of each table it will add to."""

    batch_id: BatchId
    object_row: int
    arrival_row: int
    finding_row: int


class Seen(msgspec.Struct, frozen=True):
    """The hits of some indicators, the same lines hunted twice counted once."""

    hits: int
    hosts: int
    assets: tuple[str, ...]
    """At most 10."""
    last_seen: str | None


class Wanted(NamedTuple):
    """One indicator in force, as hunts look for it."""

    pattern: str
    spec_version: str
    is_partly_unread: bool
    """A part of its pattern cannot be searched."""
    came_at: str
    """Since when it has been in force here: it came, or a batch that lay over it was undone."""
    valid_from: str | None
    valid_until: str | None


class Shown(NamedTuple):
    """One kind of observable in the logs of the hunts since a time."""

    started_at: str
    """Of the newest hunt whose logs show it."""
    records: int | None
    """Of the logs of that hunt that show it; None where nobody counted those of its window."""
    first_at: str | None
    """Time of the earliest record of all those hunts that could show it, None where no time is known."""
    last_at: str | None


class HuntsSince(NamedTuple):
    """The finished hunts since a time."""

    started_at: str | None
    """Start of the newest one that read any record; else None."""
    shown: dict[str, Shown]
    """By kind (`logs.shown`); under "" what any of their logs held. Empty: they are all from before such was noted."""


class Sightline(msgspec.Struct, frozen=True):
    """One indicator seen in one field of one log for one asset."""

    indicator: str
    kind: str
    value: str
    asset: str | None
    log: str
    format: str
    field: str
    scope: str
    validity: str
    warninglists: str
    """JSON list."""
    first_seen: str | None
    last_seen: str | None
    count: int
    """Log lines."""


class Answered(msgspec.Struct, frozen=True):
    """What we said back about an object."""

    kind: Literal["ack", "sight", "dispute"]
    answer_id: str
    said_at: str
    body: bytes


class HuntRow(msgspec.Struct, frozen=True):
    """One finished hunt."""

    started_at: str
    ended_at: str | None
    paths: str
    """JSON list."""
    files: int
    records: int
    hits: int
