"""What is shown of receipts: those that we give, and what those that came say of what we sent."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.desk.carried_documents import BoxStanding
from backchannel.desk.coming_documents import RefusedThing
from backchannel.desk.drop_documents import Noted
from backchannel.desk.redacted import OfForm

Outcome = Literal["given", "told before", "not asked", "denied"]


class ReceiptGiven(msgspec.Struct, frozen=True, kw_only=True):
    """What one sender is told of their drop or of an object, or why they are not."""

    to: str
    seq: int | None
    """Of their drop; null: it came over TAXII, without a drop."""
    drop: str | None
    """`sha256:...` of its manifest."""
    asked: str
    """What the drop asks to be told: `none`, `received`, `assessed` or `acted`; TAXII has no word for it: `none`."""
    state: str
    """What is told: no more than was asked."""
    acted: str | None
    reason: str | None
    """The code for which it is declined."""
    outcome: Outcome
    says: str
    """In one sentence."""


class ReceiptsGiven(msgspec.Struct, frozen=True, kw_only=True):
    """What the senders of a drop, or of an object, are told."""

    schema: str = "backchannel.receipts-given/1"
    about: str
    """The object's id, or the drop's digest."""
    receipts: tuple[ReceiptGiven, ...]
    """One for each drop that brought it, the newest first; then one for each party that gave it over TAXII."""


class SaidBack(msgspec.Struct, frozen=True, kw_only=True):
    """What a recipient said last of a drop of ours, or of objects in it."""

    receipt: str
    """`sha256:...` of what they said: `backchannel answer` names it where it asks for help."""
    about: tuple[str, ...]
    """Ids of the objects that it is said of, as they are called here; empty: all of the drop."""
    forms: tuple[OfForm, ...] = ()
    """Those of them that were named in the redacted form in which they went."""
    state: str
    verdict: str
    """What became of the content: `accepted`, `partly` or `refused`."""
    acted: str | None
    """`blocked`, `hunted, nothing` or `hunted, found`."""
    refused: tuple[Noted, ...]
    """For what reasons some or all of it was refused."""
    reason: str | None
    """Why it is declined, by its code."""
    other: str | None
    """What it duplicates or conflicts with: `sha256:...` of an object."""
    text: str
    """The recipient's own words."""
    when: str
    """The day."""
    task: str | None
    """What the answer asks of us; null: nothing, or it was done."""
    helped: str | None
    """How help was given with what was declined."""
    says: str
    """In one sentence."""


class SentStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a drop at its recipient."""

    to: str
    seq: int
    drop: str
    """`sha256:...` of its manifest."""
    sent_at: str
    objects: int
    ack: str
    """What it asked to be told: `none`, `received`, `assessed` or `acted`."""
    state: str
    """How far it came there: `sent`, `received`, `read`, `assessed`, `acted` or `declined`."""
    verdict: str | None
    """Null: nothing was heard."""
    says: str
    """In words: what they said, or how long they have been silent."""
    silent_since: str | None
    """Null: no answer that was asked for is awaited."""
    silent_days: int | None
    answers: tuple[SaidBack, ...]
    """The last word on the whole drop, and on each object that was spoken of."""


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """Drops of ours whose recipients were asked for an answer and are silent."""

    drops: int = 0
    """Of the last 1,000 that asked."""
    parties: int = 0
    longest_days: int = 0
    """How long the longest silence lasts."""


class WaitingFor(msgspec.Struct, frozen=True, kw_only=True):
    """Statements of ours that go with the next drop to a party."""

    to: str
    statements: int


class HeardBack(msgspec.Struct, frozen=True, kw_only=True):
    """What one party told us last of an object of ours."""

    party: str
    said: SaidBack


class GivenWay(msgspec.Struct, frozen=True, kw_only=True):
    """What a party got by one way over TAXII, as far as the newest 10,000 pages and 100,000 objects pushed tell."""

    way: str
    """Title of the collection of ours that it read, or name of the channel by which it was pushed."""
    is_pushed: bool
    objects: int
    """Each counted as often as it went."""
    first_at: str
    last_at: str


class GivenStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What a party got over TAXII, and what it said of it. It was not asked: TAXII has no word for that."""

    to: str
    ways: tuple[GivenWay, ...]
    silent_since: str | None
    """Since when it got something and said nothing; null: it spoke after the last that it got."""
    silent_days: int | None
    answers: tuple[SaidBack, ...]
    """The last word on each object that it spoke of, newest first; at most 20."""


class Releases(msgspec.Struct, frozen=True, kw_only=True):
    """What we sent, newest first, and what waits to go."""

    schema: str = "backchannel.releases/1"
    sent: tuple[SentStanding, ...]
    unanswered: Unanswered
    waiting: tuple[WaitingFor, ...]
    over_taxii: tuple[GivenStanding, ...] = ()
    """What each party got without a drop, and what it said of that."""


class SentStatements(msgspec.Struct, frozen=True, kw_only=True):
    """Statements of ours that were written into a bare file."""

    schema: str = "backchannel.sent-statements/1"
    to: str
    statements: int
    path: str


class HeardStatements(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a bare file of statements."""

    schema: str = "backchannel.heard-statements/1"
    statements: int
    receipts: int
    """How many were receipts for what we sent."""
    known: int
    """How many had come before."""
    refused: int
    """How many are in quarantine."""
    notes: tuple[Noted, ...]
    """Why, one by one."""


class CameDrop(msgspec.Struct, frozen=True, kw_only=True):
    """A drop that came and was taken."""

    sender: str | None
    """Null: its key counts for no party here any more."""
    seq: int
    drop: str
    """`sha256:...` of its manifest."""
    received_at: str
    batch: int | None
    """Null: it held no objects."""
    signature: Literal["good", "deniable", "weightless", "bad"]
    """By the keys of today. `deniable`: only we can know who made it; `weightless`: see the notes."""
    asks: str
    """What we may be asked to tell: `none`, `received`, `assessed` or `acted`."""
    told: str | None
    """What we said last of the whole drop; null: nothing."""
    notes: tuple[Noted, ...]
    """A gap before it, or what is the matter with its signature."""


class Drops(msgspec.Struct, frozen=True, kw_only=True):
    """`/drops.json`: what came and what went, who is silent, what was refused, and what waits."""

    schema: str = "backchannel.drops/1"
    came: tuple[CameDrop, ...]
    """Newest first."""
    next: str | None
    """Give it as `before` for those that came earlier."""
    sent: tuple[SentStanding, ...]
    """The newest 50."""
    unanswered: Unanswered
    refused: tuple[RefusedThing, ...]
    """The newest 20 that nobody decided."""
    refused_open: int
    box: BoxStanding | None
    """Our drop box; null where nothing was ever left in it."""
    waiting: tuple[WaitingFor, ...]
    over_taxii: tuple[GivenStanding, ...] = ()
    """What each party got without a drop, and what it said of that."""
