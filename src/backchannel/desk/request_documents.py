"""What is shown of requests for information: those that we ask, those that we are asked, and what answers them."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.desk.drop_documents import PlannedObject
from backchannel.desk.redacted import OfForm
from backchannel.provenance.predicates import Hunted


class HuntAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What a hunt request asks to be looked for."""

    patterns: tuple[str, ...]
    purpose: str
    """`fraud`, `phishing` or `intrusion`."""
    since: str | None
    until: str | None
    """Days, both inclusive; null: without end on that side."""
    run_at: str | None
    """When it was run here; null: it was not, or it is our own."""


class AnswerShown(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to a request."""

    state: str
    """`acknowledged`, `working`, `answered` or `declined`."""
    text: str
    tlp: str
    reason: str | None
    """Why it is declined, by its code."""
    objects: tuple[str, ...]
    """Ids of the objects that are the answer, as they are called here."""
    hunted: tuple[Hunted, ...]
    """For each pattern of a hunt request."""
    said_at: str


class RequestShown(msgspec.Struct, frozen=True, kw_only=True):
    """One request."""

    request: str
    """`sha256:...`: what answers name it by."""
    own: bool
    """Whether we ask; else we are asked."""
    party: str
    """Whom we ask, or who asks us."""
    behalf: str | None
    """It is asked for a contact that is not named, whose reliability the party holds for this letter."""
    pass_on_to: str | None
    """We are asked to pass it on to this party without naming who asks."""
    question: str
    topic: str
    about: tuple[str, ...]
    """Ids of the objects that it asks about, as they are called here."""
    forms: tuple[OfForm, ...] = ()
    """Those of them that it names in the redacted form in which they went."""
    hunt: HuntAsked | None
    tlp: str
    pap: str
    asked_at: str
    needed_by: str
    duty: str
    state: str
    """`open`, `acknowledged`, `working`, `answered`, `declined`, `expired` or `cancelled`."""
    answers: tuple[AnswerShown, ...]
    """Oldest first."""
    passed: tuple[AnswerShown, ...]
    """Where we passed it on: what was answered to us, oldest first."""
    also: tuple[str, ...]
    """Other parties that ask us the same now; none of them learns of the others."""
    waits: bool
    """Whether our last word on it waits for the next drop."""
    says: str
    """How it stands, in one sentence."""
    task: str | None
    """What we should do now."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Something that another party waits for, or told us."""

    kind: Literal["request", "hunt", "comparison", "retracted", "help", "answer", "helped"]
    """It asks, asks us to hunt, compares with us, took back what it said, needs help with what we sent, answered what we
    asked, or helps with what we declined."""
    which: str
    """`sha256:...`: what `backchannel answer` or `ask show` names; of a comparison, the name of its session."""
    party: str
    says: str
    do: str
    """What to do."""
    about: tuple[str, ...]
    """Ids of objects."""
    at: str
    due: str | None
    """Until when an answer is needed."""


class HelpWanted(msgspec.Struct, frozen=True, kw_only=True):
    """One party that declined something of ours and needs help."""

    receipt: str
    """`sha256:...` of what it said."""
    party: str
    seq: int | None
    """Of the drop; null: it went over TAXII, without one."""
    about: tuple[str, ...]
    """Ids of the objects; empty: all of the drop."""
    reason: str
    text: str
    task: str
    when: str


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """`ask list --json`: what we ask and what we are asked, newest first."""

    schema: str = "backchannel.requests/1"
    to_us: tuple[RequestShown, ...]
    ours: tuple[RequestShown, ...]
    help: tuple[HelpWanted, ...] = ()
    """Who declined what we sent and needs help, newest first."""


class RequestDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`ask show --json`: one request."""

    schema: str = "backchannel.request/1"
    request: RequestShown


class RequestPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`ask party --dry-run --json`: what a request would let its reader know."""

    schema: str = "backchannel.request-plan/1"
    to: str
    standing: str
    goes: bool
    tlp: str
    rule: str
    why: str
    """The rule about the question itself."""
    objects: tuple[PlannedObject, ...]
    """The objects that it names."""
    patterns: tuple[str, ...]
    learns: tuple[str, ...]
    """What the reader could newly learn, in words."""


class Replied(msgspec.Struct, frozen=True, kw_only=True):
    """`answer --json`: what was answered to whom."""

    schema: str = "backchannel.replied/1"
    to: str
    about: str
    """The request or receipt, `sha256:...`."""
    state: Literal["acknowledged", "working", "answered", "declined", "done"]
    """`done`: a person closed it here, and nobody is told."""
    objects: tuple[str, ...] = ()
    hunted: tuple[Hunted, ...] = ()
    sent: tuple[str, ...] = ()
    """Where the drop with the objects lies; empty: it waits for the next drop."""
    says: str


class ToldOf(msgspec.Struct, frozen=True, kw_only=True):
    """One party that the object went to."""

    to: str
    outcome: Literal["given", "told before", "denied", "no keys"]
    says: str


class ViewShown(msgspec.Struct, frozen=True, kw_only=True):
    """What another party signed about an object."""

    party: str
    kind: str
    """`opinion`, `outcome` or `sighting`."""
    says: str
    at: str
    has_weight: bool
    """False: its key may have been stolen, or it came late."""
    forms: tuple[OfForm, ...] = ()
    """The redacted form in which it was spoken of; empty: it was named itself."""
