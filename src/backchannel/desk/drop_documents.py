"""What is shown of drops: the plan of one, one that was sent, one that came."""

from __future__ import annotations

from typing import Literal

import msgspec


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One property that goes otherwise than it is."""

    property: str
    before: str | None
    """As JSON, shortened; null: it is not there."""
    after: str | None


class PlannedObject(msgspec.Struct, frozen=True, kw_only=True):
    """One object, and whether it goes."""

    id: str
    version: str | None
    goes: bool
    outcome: Literal["goes", "redacted", "tear-line", "withheld"]
    """`tear-line`: it stays, and goes as what its originator cleared instead."""
    tlp: str
    """How far it may go: the stricter of its own marking and of what its relays say."""
    pap: str | None
    """What the reader is asked to do with it at most."""
    rule: str
    """Which rule decided; the rules before it stand in `reasons`."""
    why: str
    reasons: tuple[str, ...]
    as_id: str | None = None
    """Of what goes redacted: its id there. Of what goes as its tear-line: the id of that."""
    relationship: str | None = None
    """Of what goes as its tear-line: the relationship that ties the two together, as `ID sha256:...`."""
    changes: tuple[Change, ...] = ()
    """Of what goes redacted: what is changed in it."""
    had: bool = False
    """Whether the recipient gave it to us, or was sent it before: then it learns nothing by it."""
    learns: tuple[str, ...] = ()
    """What the recipient could learn by it."""


class ReleasePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What would go to a party, and what would not."""

    schema: str = "backchannel.release-plan/1"
    to: str
    standing: str
    goes: int
    """Redacted ones and tear-lines among them."""
    redacted: int
    tear_lines: int
    """Objects that stay, and go as their tear-lines."""
    withheld: int
    statements: int
    """Signed statements that would go along."""
    deniable: bool
    policy: str
    """Version of the policy that decided."""
    needs_approval: bool
    """Whether a second person has to approve it before it is sent."""
    approved_by: tuple[str, ...]
    plan_sha256: str
    """Names just this plan: a send that is given it refuses if anything differs by then."""
    objects: tuple[PlannedObject, ...]


class PermittedObject(msgspec.Struct, frozen=True, kw_only=True):
    """One object that a permit is about."""

    id: str
    version: str | None
    tlp: str
    """What it is marked."""


class PermitGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A permit that we gave."""

    schema: str = "backchannel.permit/1"
    statement: str
    """`sha256:...` of it."""
    objects: tuple[PermittedObject, ...]
    to: tuple[str, ...]
    """The parties that may pass them on; empty: everybody who has them."""
    tlp: str
    """With which marking."""
    until: str
    waits_for: tuple[str, ...]
    """With whose next drop it goes."""


class SentDrop(msgspec.Struct, frozen=True, kw_only=True):
    """A drop that was made for a party."""

    schema: str = "backchannel.sent-drop/1"
    to: str
    seq: int
    drop: str
    """`sha256:...` of its manifest: what receipts name it by."""
    bytes: int
    objects: int
    withheld: int
    statements: int
    attachments: int
    deniable: bool
    """Whether it has no signature: the recipient can know that we made it, and show it to nobody."""
    ack: str
    expires: str
    paths: tuple[str, ...]
    """What was written, the drop itself or its parts; empty: it went to standard output."""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What a send did: the drops that were made; or, where something has to be decided first, the plans."""

    schema: str = "backchannel.released/1"
    sent: tuple[SentDrop, ...] = ()
    plans: tuple[ReleasePlan, ...] = ()
    """Of nothing that was sent."""


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a drop or an object that a person should know, by its code (docs/reference/reasons.md)."""

    code: str
    means: str
    mend: str
    detail: str = ""


class ReceivedDrop(msgspec.Struct, frozen=True, kw_only=True):
    """A drop that came."""

    schema: str = "backchannel.received-drop/1"
    sender: str
    seq: int
    drop: str
    state: Literal["taken", "replay"]
    batch: int | None
    """None: it held no objects, or came before."""
    objects: int = 0
    stored: int = 0
    known: int = 0
    conflict: int = 0
    quarantined: int = 0
    refused: int = 0
    statements: int = 0
    receipts: int = 0
    """How many of the statements were receipts for what we sent."""
    deniable: bool = False
    """Whether it has no signature: only we can know that its sender made it."""
    asks: str = "none"
    """What its sender asks to be told: `none`, `received`, `assessed` or `acted`."""
    told: bool = False
    """Whether a receipt that it came waits for the next drop to its sender."""
    missing: tuple[int, ...] = ()
    """Numbers before its own that have not come, the first 1,000 of them."""
    files: tuple[str, ...] = ()
    """Attachments, as they were saved."""
    notes: tuple[Noted, ...] = ()
