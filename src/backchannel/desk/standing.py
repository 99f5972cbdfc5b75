"""The document of `status`: how the node stands, in counts."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.desk.documents import Batch


class LastHunt(msgspec.Struct, frozen=True, kw_only=True):
    """The newest finished hunt."""

    started_at: str
    ended_at: str | None
    paths: tuple[str, ...]
    files: int
    records: int
    hits: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """`status --json`."""

    schema: Literal["backchannel.status/1"] = "backchannel.status/1"
    name: str
    party: str
    """Our own identity's id."""
    home: str
    version: str
    """Of the program."""
    store_version: int
    """Number of the last migration that the store has seen."""
    store_bytes: int
    objects: int
    """Contents held: each version and each side of a conflict is one."""
    quarantined: int
    types: dict[str, int]
    """How many of each STIX type, the 50 most frequent, most first."""
    parties: int
    """Without ourselves."""
    batches: int
    """Complete ones."""
    last_batch: Batch | None
    hunts: int
    last_hunt: LastHunt | None
    answers: int
