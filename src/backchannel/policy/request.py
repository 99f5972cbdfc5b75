"""What is asked of the policy, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from backchannel.codec import JsonObject
from backchannel.ids import PartyId
from backchannel.parties.states import Standing
from backchannel.policy.leaks import Leak, Scan
from backchannel.policy.transforms import Hand, Transform
from backchannel.stix.markings import Pap, Tlp

NO_NAMES: Final[frozenset[str]] = frozenset()
NO_RENAMED: Final[Mapping[str, str]] = MappingProxyType({})


class Permitted(msgspec.Struct, frozen=True):
    """What an originator permits with an object of its own."""

    to: frozenset[str]
    """Names of parties, as groups spell them in small letters; `*`: any."""
    until: datetime
    """Exclusive."""


class Reason(msgspec.Struct, frozen=True):
    """One rule that spoke."""

    rule: str
    text: str


class TearLine(msgspec.Struct, frozen=True):
    """An object that its originator cleared to be handed on where another of its own may not go."""

    id: str
    version_key: str
    """Of its `modified`: rises with it."""
    tlp: Tlp
    """As what it goes."""
    refused: Reason | None
    """Why it may not go either; None: it may."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to go where."""

    tlp: Tlp
    """Of the object, the marking of what came unmarked included."""
    recipient: PartyId | None
    """None: nobody that we know."""
    recipient_is_source: bool = False
    recipient_is_ourselves: bool = False
    collection_allows: bool
    """Whether the recipient may read the collection at all."""
    standing: Standing | None = None
    """How far the recipient is known, where it goes to them by a drop; None: another rule says who may read."""
    is_named_reader: bool = False
    """Whether the operator gave this recipient itself the right to read the collection."""
    purpose: str = "taxii"
    """By which way it goes: one of `conditions.PURPOSES`."""
    now: datetime

    names: frozenset[str] = NO_NAMES
    """What groups call the recipient, in small letters: its name here, its identity, its keys."""
    type: str = ""
    spec_version: str = "2.1"
    source: str = ""
    """Our name for whom we have it from, in small letters; `ourselves`: it is ours; "": nobody named."""
    pap: Pap | None = None
    """What may be done with it, where a control of ours is asked about; else the object itself is read."""
    value: JsonObject | None = None
    """The object as STIX 2.1; None: only what is said above is known of it."""
    derived_from: tuple[Tlp, ...] = ()
    """The labels of what it was derived from, and of the way that it came by."""
    statement: str = ""
    """It is no object but a statement of ours: a state of a receipt (`received`, `acted`, ...), or what else it is.

    A person asks or answers, or `[feedback]` says who is told: so the rules can deny it, and need not allow it.
    """
    quarantined: bool = False
    chain_fault: str = ""
    """Why what is signed about it does not hold; "": nothing is wrong."""
    permits: tuple[Permitted, ...] = ()
    """By its originator, about this very content."""
    withheld: frozenset[str] = NO_NAMES
    """Of the ids that it names those of objects that the recipient may not have, in small letters."""
    renamed: Mapping[str, str] = NO_RENAMED
    """Of the ids that it names, in small letters, those of objects that go redacted, to the ids under which they go."""
    is_tear_line: bool = False
    """Whether it is one itself: then a rule that lets only tear-lines go lets it go."""
    tear_lines: tuple[TearLine, ...] | None = None
    """Those of the object; None: nobody looked for them, which is done only once a decision wants them."""
    no_tear_line: str = ""
    """Why none of those that were found is one; "": none was found."""
    scan: Scan | None = None
    """What of our own is looked for, where the policy asks."""
    hand: Hand | None = None
    """Who makes what goes redacted; None: on this way nothing goes redacted."""


class Decision(msgspec.Struct, frozen=True):
    """Whether it may go, and the rules that decided, in the order applied; the last one decided."""

    allowed: bool
    reasons: tuple[Reason, ...]
    """Never empty."""
    depends: bool = False
    """Only a class was asked about, and each of its objects has to be looked at. Then `allowed` is false."""
    transforms: tuple[Transform, ...] = ()
    """What is changed in it before it goes."""
    value: JsonObject | None = None
    """What goes instead of the object, where it was changed."""
    leaks: tuple[Leak, ...] = ()
    wants_tear_line: bool = False
    """It stays, and the policy lets its tear-line go instead."""
    instead: str = ""
    """The id of that one, where there is one that may go; it goes as it is, under its own id."""


def allowed(*reasons: Reason) -> Decision:
    """Return that it may go."""
    return Decision(True, reasons)


def denied(*reasons: Reason) -> Decision:
    """Return that it may not."""
    return Decision(False, reasons)
