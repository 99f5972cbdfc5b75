"""What a statement can say: one type for each kind of predicate.

An unknown field is refused: a condition that is not understood must not be passed over. An unknown kind of
predicate is kept with its statement and drives nothing. Fields are those of docs/formats/statement.md; what may
be left out has a default, and is left out where it has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, get_args

import msgspec
from msgspec import Meta

from backchannel.clock import parse_time
from backchannel.parties.revocation import Why
from backchannel.parties.vouch import How
from backchannel.provenance.reasons import Reason
from backchannel.stix.markings import Pap, Tlp

# `$` would let a line end pass behind the last character: `\Z` does not.
KidText = Annotated[str, Meta(pattern=r"^[a-z2-7]{51}[aq]\Z")]
"""A key, by all 32 bytes of its hash (`parties.kid`)."""
DigestText = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
"""A SHA-256, of a statement's payload, of an object's canonical form, of a key set, or of a root."""
PartyText = Annotated[str, Meta(pattern=r"^(?:[a-z2-7]{51}[aq]|sha256:[0-9a-f]{64})\Z")]
"""A party: by its key, or hidden behind a commitment (`chain.hide`)."""
Time = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")]
"""UTC, in whole seconds: `2026-01-02T03:04:05Z`, and in no other spelling."""
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Random128 = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Random256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Cryptonym = Annotated[str, Meta(pattern=r"^[0-9a-f]{20}\Z")]
"""A relay's own name for a source that it does not name (`chain.cryptonym`)."""
Name = Annotated[str, Meta(max_length=100)]
Text = Annotated[str, Meta(max_length=4_000)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Pointer = Annotated[str, Meta(pattern=r"^(?:/[^/]*)+\Z", max_length=1_000)]
"""A JSON pointer (RFC 6901)."""

MAX_RECIPIENTS: Final = 32
"""Recipients of one drop: what the guard takes of an encrypted file's header."""
MAX_HOPS: Final = 32
"""Relays between an originator and us: longer chains are rumours."""
MAX_REFS: Final = 1_000

MAX_RELEASE_DAYS: Final = 400
"""How long a drop may be good for."""
_TIMES: Final = frozenset(
    {"observed_from", "observed_until", "created", "expires", "until", "compromised_since", "needed_by"}
)
_DAYS: Final = frozenset({"received_at", "when", "since"})

Recipients = Annotated[list[KidText], Meta(min_length=1, max_length=MAX_RECIPIENTS)]


class Predicate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a statement says about its subject."""

    needs_subject: ClassVar[bool] = True
    """Whether it is about objects; else the predicate itself says what it is about."""

    def check(self) -> None:
        """Check what the types of the fields cannot say.

        Raises:
            ValueError: a day or time does not exist, or fields contradict one another.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name in _TIMES and value is not None:
                parse_time(value)
            elif name in _DAYS:
                parse_time(f"{value}T00:00:00Z")


class Redactable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What relays may leave out of an object, so that the originator's signature still holds (`redactable`)."""

    fields: Annotated[dict[str, Random256], Meta(min_length=1, max_length=MAX_REFS)]
    """Name to digest of the salted field."""
    may_drop: Annotated[list[str], Meta(max_length=MAX_REFS)]


class Origin(Predicate, frozen=True, kw_only=True):
    """We assert this; nobody told us in this form."""

    collection: Literal["first-hand", "derived", "osint", "unknown"]
    otag: Random256
    """Of the claim, made by the originator: equal ones are of one origin, without saying whose."""
    method_class: Name = ""
    """How it was come by, in the originator's words: `honeypot`, `incident`, `sandbox`."""
    observed_from: Time | None = None
    observed_until: Time | None = None
    sources: Count = 1
    """How many sources of the originator's own stand behind it."""
    admiralty: Annotated[str, Meta(pattern=r"^[A-F][1-6]\Z")] | None = None
    marking: Tlp | None = None
    """How far it may go, as its object says; None: see the object."""
    redactable: Redactable | None = None


class Relay(Predicate, frozen=True, kw_only=True, rename={"from_": "from"}):
    """We had it from another party and pass it on."""

    prev: DigestText | None = None
    """The statement before: the origin, or the last relay's; None: it came without any."""
    hops: Annotated[int, Meta(ge=1, le=MAX_HOPS)]
    """How many relays it has passed, this one included: whom a chain hides, it still counts."""
    from_: PartyText
    """Where it came from. A source that has no key of its own is always hidden, under its cryptonym."""
    to: Annotated[list[PartyText], Meta(min_length=1, max_length=MAX_RECIPIENTS)]
    received_at: Day
    handling: Literal["verbatim", "redacted", "excerpt", "translated", "reworded", "merged"]
    marking_in: Tlp
    marking_out: Tlp
    removed: Annotated[list[Pointer], Meta(max_length=MAX_REFS)] = []
    inputs: Annotated[list[DigestText], Meta(max_length=MAX_REFS)] = []
    """Every statement that a reworded or merged one was made of."""
    cryptonym: Cryptonym | None = None

    def check(self) -> None:
        """Check that handling, inputs and removed fields agree."""
        super().check()
        if self.prev is None and self.hops != 1:
            raise ValueError("what came without a statement has passed one relay: the one that says so")
        if self.handling in {"reworded", "merged"} and not self.inputs:
            raise ValueError(
                f"a {self.handling} object names in `inputs` every statement that it was made of"
            )
        if self.handling == "redacted" and not self.removed:
            raise ValueError("a redacted object names in `removed` what was left out of it")
        if self.handling == "verbatim" and (self.removed or self.inputs):
            raise ValueError("what is passed on verbatim has nothing removed, and no inputs")


class Chunk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One part of a drop."""

    i: Count
    type: Literal["S", "L", "O", "Z", "A"]
    len: Count
    sha256: Random256
    name: Annotated[str, Meta(max_length=255)] = ""
    """Of an attachment, with its first chunk."""


class ShownElsewhere(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A checkpoint that a third party showed us: whoever knows its ledger can put the signed note together again."""

    ledger: Random128
    """SHA-256 over the drop's id and the ledger's name, cut off: only who knows the name recognises it."""
    size: Count
    root: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=\Z")]
    """In base64, as the checkpoint has it."""
    signature: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/=]{92}\Z")]
    """Key id and signature of the ledger's key, in base64, as the note has them."""


class Release(Predicate, frozen=True, kw_only=True, rename={"from_": "from"}):
    """We send these objects to these parties: the manifest of a drop."""

    needs_subject: ClassVar[bool] = False
    """A drop may hold statements or attachments only."""
    bundle: Random128
    from_: KidText
    to: Recipients
    chan: Name
    seq: Count
    """Rises by one on each channel."""
    created: Time
    expires: Time
    """At most 400 days after `created`."""
    tlp_max: Tlp
    root: DigestText
    n: Count
    chunks: Annotated[list[Chunk], Meta(max_length=10_000)]
    prev: DigestText | None = None
    """The manifest before on this channel; None: the first."""
    permit: Annotated[list[DigestText], Meta(max_length=MAX_REFS)] = []
    ack: Literal["none", "received", "assessed", "acted"] = "none"
    reply_to: DigestText | None = None
    my_checkpoint: Text = ""
    """The newest checkpoint of our ledger, with the cosignatures that we have."""
    your_checkpoint_seen: Text = ""
    """The newest checkpoint of the recipient's ledger that we cosigned, with our cosignature."""
    tlog_proof: Annotated[str, Meta(max_length=16_384)] = ""
    """That the ledger of `my_checkpoint` grew from each size that the reader may know (`ledger.growth`)."""
    shown_elsewhere: Annotated[list[ShownElsewhere], Meta(max_length=64)] = []

    def check(self) -> None:
        """Check how long it is good for."""
        super().check()
        lasts = parse_time(self.expires) - parse_time(self.created)
        if not timedelta(0) < lasts <= timedelta(days=MAX_RELEASE_DAYS):
            raise ValueError(f"`expires` lies at most {MAX_RELEASE_DAYS} days behind `created`")


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
    manifest: DigestText
    seq: Count
    verdict: Literal["accepted", "partly", "refused"]
    state: Literal["received", "read", "assessed", "acted", "declined"]
    when: Day
    refused: Annotated[list[Reason], Meta(max_length=MAX_REFS)] = []
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
    """What is taken back; None: all that we said about the subject."""


class Permit(Predicate, frozen=True, kw_only=True):
    """Whoever is named may do with our object what its marking alone does not let them."""

    to: Annotated[list[Annotated[str, Meta(pattern=r"^(?:[a-z2-7]{51}[aq]|\*)\Z")]], Meta(min_length=1)]
    until: Time
    marking: Tlp | None = None
    """They may pass it on with this marking."""
    report: bool = False
    """They report to us to whom they did."""


class Vouch(Predicate, frozen=True, kw_only=True):
    """We know this party."""

    needs_subject: ClassVar[bool] = False
    card: DigestText
    """Of its contact card."""
    how: How
    since: Day


class Revoke(Predicate, frozen=True, kw_only=True):
    """One of our keys counts no more."""

    needs_subject: ClassVar[bool] = False
    kid: KidText
    reason: Why
    compromised_since: Time | None = None


class Opinion(Predicate, frozen=True, kw_only=True):
    """What we think of what another said; the five values of STIX 2.1 §10.12 (opinion-enum)."""

    opinion: Literal["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]
    text: Text = ""


class Rfi(Predicate, frozen=True, kw_only=True):
    """We ask."""

    needs_subject: ClassVar[bool] = False
    question: Text
    needed_by: Time
    tlp: Tlp
    pap: Pap
    topic: Name = ""
    refs: Annotated[list[DigestText], Meta(max_length=MAX_REFS)] = []
    hide_requester: bool = False
    max_answers: Positive = 1
    reply_recipient: Name = ""
    """A fresh recipient of age: the answer is encrypted to it."""
    duty: Literal["none", "please"] = "none"


class Answer(Predicate, frozen=True, kw_only=True):
    """We answer, or say that we do not."""

    needs_subject: ClassVar[bool] = False
    reply_to: DigestText
    state: Literal["acknowledged", "working", "answered", "declined"]
    text: Text = ""
    reason: DeclineReason | None = None


class Deconflict(Predicate, frozen=True, kw_only=True):
    """Two claims, relayed by two of us, are of the same origin or not; whose it is stays hidden."""

    needs_subject: ClassVar[bool] = False
    otags: Annotated[list[Random256], Meta(min_length=2, max_length=2)]
    result: Literal["same", "different"]


class Psi(Predicate, frozen=True, kw_only=True):
    """We compare sets: what each put in is committed to before anything is shown."""

    needs_subject: ClassVar[bool] = False
    session: Random128
    root: DigestText
    n: Count
    mode: Literal["cardinality", "intersection"]


PREDICATES: Final[Mapping[str, type[Predicate]]] = MappingProxyType(
    {
        "origin": Origin,
        "relay": Relay,
        "release": Release,
        "receipt": Receipt,
        "outcome": Outcome,
        "retract": Retract,
        "permit": Permit,
        "vouch": Vouch,
        "revoke": Revoke,
        "opinion": Opinion,
        "rfi": Rfi,
        "answer": Answer,
        "deconflict": Deconflict,
        "psi": Psi,
    }
)
"""`predicateType` to what such a statement says."""

KEYSET: Final = "keyset"
"""The one kind whose predicate is read elsewhere, whole: `parties.keyset` judges key sets."""

TYPE_OF: Final[Mapping[type[Predicate], str]] = MappingProxyType(
    {predicate: name for name, predicate in PREDICATES.items()}
)
