"""What is shown of files that were received, and of what lies in quarantine."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.desk.drop_documents import Noted, ReceivedDrop

State = Literal["taken", "replay", "refused", "incomplete", "not for here"]


class ReceivedThing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that came, and what became of it."""

    places: tuple[str, ...]
    """Of which files; parts of one drop may stand in several."""
    what: Literal["drop", "statements", "introduction", "other"]
    state: State
    """`refused`: its original is kept; `incomplete`: parts are missing; `not for here`: another command takes it."""
    says: str
    """In one sentence."""
    drop: ReceivedDrop | None = None
    refusal: Noted | None = None
    refused_as: int | None = None
    """Number of the original in quarantine (`refused list`)."""
    exit_code: int = 0
    missing: tuple[int, ...] = ()
    """Numbers of the parts, from 1, or of the pictures, from 0, that are missing."""


class ReceivedThings(msgspec.Struct, frozen=True, kw_only=True):
    """What `receive` made of the files that it was given."""

    schema: str = "backchannel.received/1"
    things: tuple[ReceivedThing, ...]


class RefusedThing(msgspec.Struct, frozen=True, kw_only=True):
    """One original in quarantine."""

    number: int
    at: str
    what: str
    """`drop` or `statement`, ..."""
    place: str
    party: str | None
    """Who gave it to us, where that is known."""
    refusal: Noted
    sha256: str
    bytes: int
    decision: str | None
    """What a person decided; null: nothing yet."""


class RefusedThings(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in quarantine, newest first."""

    schema: str = "backchannel.refused/1"
    refused: tuple[RefusedThing, ...]
    open: int
    """How many wait for a decision."""
    next: int | None
    """Give it as `--before` for the next page."""
