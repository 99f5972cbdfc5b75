"""What parties say back to one another: receipts, how things turned out, what is asked, and what is answered."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, get_args

import msgspec
from msgspec import Meta

from backchannel.clock import parse_time
from backchannel.provenance.fields import (
    MAX_REFS,
    Count,
    Day,
    DigestText,
    KidText,
    Name,
    Predicate,
    Random128,
    Text,
    Time,
)
from backchannel.provenance.reasons import Reason
from backchannel.stix.markings import Pap, Tlp

DeclineCode = Literal[
    "not-relevant",
    "not-understood",
    "no-capability",
    "no-authority",
    "distrust-source",
    "duplicate-of",
    "stale",
    "conflicts-with",
    "need-more",
]
DECLINE_CODES: Final = frozenset(get_args(DeclineCode))


class DeclineReason(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Why something was not acted on."""

    code: DeclineCode
    other: DigestText | None = None
    """What it duplicates or conflicts with."""
    text: Text = ""


class Receipt(Predicate, frozen=True, kw_only=True):
    """This is what became of what you sent."""

    needs_subject: ClassVar[bool] = False
    manifest: DigestText | None = None
    """The drop that it is for; None: its objects came without one."""
    seq: Count | None = None
    """The number of that drop."""
    verdict: Literal["accepted", "partly", "refused"]
    state: Literal["received", "read", "assessed", "acted", "declined"]
    when: Day
    refused: Annotated[list[Reason], Meta(max_length=MAX_REFS)] = msgspec.field(default_factory=list)
    """The codes for which some or all of it was refused."""
    reason: DeclineReason | None = None
    acted: Literal["blocked", "hunted, nothing", "hunted, found"] | None = None
    """Coarse on purpose: more would tell what the receiver can do."""
    leaf_proof: Annotated[str, Meta(max_length=16_384)] = ""
    my_checkpoint: Text = ""
    your_checkpoint_seen: Text = ""

    def check(self) -> None:
        """Check that the state and what explains it agree."""
        super().check()
        if (self.state == "declined") is not (self.reason is not None):
            raise ValueError("`reason` stands where something was declined, and nowhere else")
        if self.acted is not None and self.state != "acted":
            raise ValueError("`acted` stands where something was acted on, and nowhere else")
        if (self.manifest is None) is not (self.seq is None):
            raise ValueError("`manifest` and `seq` name a drop together")

    def check_subject(self, *, is_named: bool) -> None:
        """Check that a drop or objects are named."""
        if self.manifest is None and not is_named:
            raise ValueError("a receipt is for a drop, or about objects that came without one")


class Outcome(Predicate, frozen=True, kw_only=True):
    """It turned out so."""

    outcome: Literal["confirmed", "refuted", "harmful"]
    basis: Literal["own-log", "analyst", "independent-report"]
    when: Day
    text: Text = ""


class Retract(Predicate, frozen=True, kw_only=True):
    """We take it back."""

    reason: Text
    statement: DigestText | None = None
    """What is taken back: a statement of ours, as a request; None: all that we said about the subject."""
    because: DigestText | None = None
    """The retraction that we follow: who gave it to us took it back."""

    def check_subject(self, *, is_named: bool) -> None:
        """Check that objects or a statement are taken back."""
        if self.statement is None:
            super().check_subject(is_named=is_named)


class Opinion(Predicate, frozen=True, kw_only=True):
    """What we think of what another said; the five values of STIX 2.1 §10.12 (opinion-enum)."""

    opinion: Literal["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]
    text: Text = ""


Step = Literal["0", "1", "2-9", "10+"]
"""A count as it is told: more would tell how much of something there is."""
Purpose = Literal["fraud", "phishing", "intrusion"]
"""What a hunt is to defend against."""
MAX_HUNT_PATTERNS: Final = 100
"""Patterns of one hunt request."""
MAX_REQUEST_HOPS: Final = 4
"""Parties that one request passes through, each of which asks the next one in its own name."""


class HuntFor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a request asks to be looked for in the logs of whoever is asked: once, and only there."""

    patterns: Annotated[list[Text], Meta(min_length=1, max_length=MAX_HUNT_PATTERNS)]
    """In STIX 2.1 §9."""
    purpose: Purpose
    since: Day | None = None
    until: Day | None = None
    """Inclusive."""


class Rfi(Predicate, frozen=True, kw_only=True, rename={"for_": "for"}):
    """We ask: a request for information. Its subject are the objects that it is about, if any."""

    needs_subject: ClassVar[bool] = False
    question: Text
    needed_by: Time
    """Until when it is open."""
    tlp: Tlp
    """How far the question may go."""
    pap: Pap
    thread: Random128
    """Of the question: whoever passes it on keeps it, so that it is known where it comes back."""
    hops: Annotated[int, Meta(ge=1, le=MAX_REQUEST_HOPS)] = 1
    """Which party in a row asks it, counted from who asked first."""
    topic: Name = ""
    hunt: HuntFor | None = None
    """A hunt request; None: it is answered in words, or with objects."""
    hide_requester: bool = False
    """Whether it is to be passed on to `for` without our name."""
    for_: KidText | None = None
    """Whom it is for, where another is asked to pass it on."""
    behalf: Annotated[str, Meta(pattern=r"^[A-F]\Z")] | None = None
    """Asked for a contact that is not named, whose reliability we hold for this."""
    max_answers: Annotated[int, Meta(ge=1, le=100)] = 1
    duty: Literal["none", "please"] = "none"

    def check(self) -> None:
        """Check its days, and that who is to stay hidden names whom it is for."""
        super().check()
        if not self.question.strip():
            raise ValueError("`question` is empty")
        if self.hide_requester is not (self.for_ is not None):
            raise ValueError("`for` stands where `hide_requester` does, and nowhere else")
        for day in (self.hunt.since, self.hunt.until) if self.hunt else ():
            if day is not None:
                parse_time(f"{day}T00:00:00Z")
        if self.hunt and self.hunt.since and self.hunt.until and self.hunt.until < self.hunt.since:
            raise ValueError("`until` lies before `since`")


class Hunted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What became of one pattern of a hunt request: how often, in steps, and the first and last day; never where."""

    count: Literal["0", "1", "2-9", "10+", "not told", "not searched"]
    """Log lines. `not told`: fewer hosts stand behind it than may be told of; `not searched`: no log shows such things."""
    first: Day | None = None
    last: Day | None = None

    def check(self) -> None:
        """Check that days stand where something was seen, in order.

        Raises:
            ValueError: they do not.
        """
        if (self.first is None) is not (self.last is None) or (self.first and self.count not in _SEEN):
            raise ValueError("`first` and `last` stand together, where something was seen")
        for day in (self.first, self.last):
            if day is not None:
                parse_time(f"{day}T00:00:00Z")
        if self.first and self.last and self.last < self.first:
            raise ValueError("`last` lies before `first`")


_SEEN: Final = frozenset({"1", "2-9", "10+"})


class Answer(Predicate, frozen=True, kw_only=True):
    """We answer, or say that we do not. Its subject are the objects that are the answer, if any."""

    needs_subject: ClassVar[bool] = False
    reply_to: DigestText
    """A request; or a receipt that declined something and asks for help."""
    state: Literal["acknowledged", "working", "answered", "declined"]
    text: Text = ""
    tlp: Tlp = Tlp.AMBER
    """How far the text may go."""
    reason: DeclineReason | None = None
    hunted: Annotated[list[Hunted], Meta(max_length=MAX_HUNT_PATTERNS)] = msgspec.field(default_factory=list)
    """For each pattern of a hunt request, in its order."""

    def check(self) -> None:
        """Check that the state and what explains it agree."""
        super().check()
        if (self.state == "declined") is not (self.reason is not None):
            raise ValueError("`reason` stands where something was declined, and nowhere else")
        if self.hunted and self.state != "answered":
            raise ValueError("`hunted` stands where something was answered, and nowhere else")
        for one in self.hunted:
            one.check()


class Sighting(Predicate, frozen=True, kw_only=True):
    """We saw it in our own logs, or looked and did not: how often, in steps, and on which days."""

    count: Step
    first: Day | None = None
    last: Day | None = None
    text: Text = ""

    def check(self) -> None:
        """Check the days."""
        super().check()
        Hunted(count=self.count, first=self.first, last=self.last).check()


class Tally(Predicate, frozen=True, kw_only=True):
    """This is what your intelligence did here in one month; what stands for None is not told."""

    needs_subject: ClassVar[bool] = False
    month: Annotated[str, Meta(pattern=r"^[0-9]{4}-(?:0[1-9]|1[0-2])\Z")]
    received: Count
    """Objects that came of the reader in that month."""
    read: Count | None = None
    """How many of them a person here answered."""
    searched: Count | None = None
    """How many of their indicators were looked for in our logs."""
    seen: Step | None = None
    """How many of those were seen while they were valid."""
    hits: Step | None = None
    """In how many log lines."""
    blocked: Step | None = None
    """How many were blocked."""
    disputed: Count | None = None
    """How many we said are false alarms, or ours."""
    confirmed: Count | None = None
    refuted: Count | None = None
    harmful: Count | None = None
    """How many turned out to be so."""
