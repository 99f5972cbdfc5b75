"""What a statement can say: one type for each kind of predicate.

An unknown field is refused: a condition that is not understood must not be passed over. An unknown kind of
predicate is kept with its statement and drives nothing. Fields are those of docs/formats/statement.md; what may
be left out has a default, and is left out where it has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from backchannel.clock import parse_time
from backchannel.parties.revocation import Why
from backchannel.parties.vouch import How
from backchannel.provenance.fields import (
    MAX_HOPS,
    MAX_RECIPIENTS,
    MAX_REFS,
    Count,
    Cryptonym,
    Day,
    DigestText,
    KidText,
    Name,
    PartyText,
    Pointer,
    Positive,
    Predicate,
    Random128,
    Random256,
    Recipients,
    Text,
    Time,
)
from backchannel.provenance.reasons import Reason
from backchannel.provenance.said import (
    DECLINE_CODES,
    MAX_HUNT_PATTERNS,
    Answer,
    DeclineReason,
    Hunted,
    HuntFor,
    Opinion,
    Outcome,
    Purpose,
    Receipt,
    Retract,
    Rfi,
    Sighting,
    Step,
    Tally,
)
from backchannel.stix.markings import Tlp

__all__ = [
    "DECLINE_CODES",
    "KEYSET",
    "MAX_HOPS",
    "MAX_HUNT_PATTERNS",
    "MAX_RECIPIENTS",
    "MAX_REFS",
    "MAX_RELEASE_DAYS",
    "PREDICATES",
    "TYPE_OF",
    "Answer",
    "Chunk",
    "Count",
    "Day",
    "DeclineReason",
    "Deconflict",
    "DigestText",
    "HuntFor",
    "Hunted",
    "KidText",
    "Opinion",
    "Origin",
    "Outcome",
    "Permit",
    "Positive",
    "Predicate",
    "Psi",
    "Purpose",
    "Receipt",
    "Redactable",
    "Relay",
    "Release",
    "Retract",
    "Revoke",
    "Rfi",
    "ShownElsewhere",
    "Sighting",
    "Step",
    "Tally",
    "Vouch",
]

MAX_RELEASE_DAYS: Final = 400
"""How long a drop may be good for."""


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
    removed: Annotated[list[Pointer], Meta(max_length=MAX_REFS)] = msgspec.field(default_factory=list)
    inputs: Annotated[list[DigestText], Meta(max_length=MAX_REFS)] = msgspec.field(default_factory=list)
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
    permit: Annotated[list[DigestText], Meta(max_length=MAX_REFS)] = msgspec.field(default_factory=list)
    ack: Literal["none", "received", "assessed", "acted"] = "none"
    reply_to: DigestText | None = None
    my_checkpoint: Text = ""
    """The newest checkpoint of our ledger, with the cosignatures that we have."""
    your_checkpoint_seen: Text = ""
    """The newest checkpoint of the recipient's ledger that we cosigned, with our cosignature."""
    tlog_proof: Annotated[str, Meta(max_length=16_384)] = ""
    """That the ledger of `my_checkpoint` grew from each size that the reader may know (`ledger.growth`)."""
    shown_elsewhere: Annotated[list[ShownElsewhere], Meta(max_length=64)] = msgspec.field(
        default_factory=list
    )

    def check(self) -> None:
        """Check how long it is good for."""
        super().check()
        lasts = parse_time(self.expires) - parse_time(self.created)
        if not timedelta(0) < lasts <= timedelta(days=MAX_RELEASE_DAYS):
            raise ValueError(f"`expires` lies at most {MAX_RELEASE_DAYS} days behind `created`")


class Permit(Predicate, frozen=True, kw_only=True):
    """Whoever is named may do with our object what its marking alone does not let them."""

    to: Annotated[list[Annotated[str, Meta(pattern=r"^(?:[a-z2-7]{51}[aq]|\*)\Z")]], Meta(min_length=1)]
    until: Time
    marking: Tlp | None = None
    """They may pass it on with this marking."""
    report: bool = False
    """They report to us to whom they did."""


class Widened(Predicate, frozen=True, kw_only=True):
    """A relay passed your object on with a wider marking than you gave it, and no permit of yours allows it."""

    relay: KidText
    """The key that did."""
    statement: DigestText
    """What it signed."""
    marking_in: Tlp
    """How it says that it had it."""
    marking_out: Tlp
    reason: Reason


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


class Deconflict(Predicate, frozen=True, kw_only=True):
    """Two origins are the same or not, as who hides one of them says; whose it is stays hidden, unless it names a party."""

    needs_subject: ClassVar[bool] = False
    otags: Annotated[list[Random256], Meta(min_length=2, max_length=2)]
    """Each the tag of a claim, a commitment to a hidden party (its digits), or `hidden.source_tag` of a cryptonym or kid."""
    result: Literal["same", "different"]

    def check(self) -> None:
        """Check that it is about two."""
        super().check()
        if self.otags[0] == self.otags[1]:
            raise ValueError("`otags` names one origin twice")


class Psi(Predicate, frozen=True, kw_only=True):
    """We compare sets: what each put in is committed to before anything is shown.

    One message of a session (docs/formats/comparison.md), as its sender signs it: whoever has the messages can show
    who said what, and in answer to what.
    """

    needs_subject: ClassVar[bool] = False
    session: Random128
    root: DigestText
    """Of the salted inputs that the sender put in; the same in all of its messages of the session."""
    n: Count
    """Of them, filling and canaries included."""
    mode: Literal["cardinality", "intersection"]
    """How far the sender agrees to go: to how many are in common, or to which."""
    step: Annotated[int, Meta(ge=0, le=8)]
    """Which message it is, from 1; 0: the sender ends the session."""
    body: DigestText
    """Of what the message carries."""
    prev: DigestText | None = None
    """The statement that it answers; None: it begins the session."""


PREDICATES: Final[Mapping[str, type[Predicate]]] = MappingProxyType(
    {
        "origin": Origin,
        "relay": Relay,
        "release": Release,
        "receipt": Receipt,
        "outcome": Outcome,
        "retract": Retract,
        "permit": Permit,
        "widened": Widened,
        "vouch": Vouch,
        "revoke": Revoke,
        "opinion": Opinion,
        "sighting": Sighting,
        "rfi": Rfi,
        "answer": Answer,
        "tally": Tally,
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
