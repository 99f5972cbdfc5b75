"""The documents about belief: the letter of a source, the number of a claim, and who really says so.

The rules for documents stand in `documents.py`. Letter and number are two things and stay two; F and 6 mean that
something is not judged, never that it is bad.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.desk.request_documents import ToldOf

LetterWord = Literal["A", "B", "C", "D", "E", "F"]


class OutcomeSaid(msgspec.Struct, frozen=True, kw_only=True):
    """How a claim turned out, as somebody said."""

    about: str
    """Id of the object by which it was judged."""
    outcome: Literal["confirmed", "refuted", "harmful"]
    basis: Literal["own-log", "analyst", "independent-report", "retraction"]
    by: str | None
    """Name of the party that signed it; null: we say so."""
    at: str
    reason: str
    weight: float | None = None
    """What it counts today for or against the source that is shown; null where no source is."""


class GivenByHand(msgspec.Struct, frozen=True, kw_only=True):
    """What a person set, over what was computed."""

    value: str
    """A letter, or a number."""
    reason: str
    at: str
    is_blind: bool = False
    """Of a number: set before any letter was shown."""


class SourceLetter(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source can be relied on."""

    source: str
    """Id of a party; `?ID:CRYPTONYM` or `?ID` for what is hidden behind it."""
    name: str
    letter: LetterWord
    computed: LetterWord
    """Without a person's word."""
    n: float
    """Weight of the outcomes behind it, as they count today."""
    confirmed: float
    refuted: float
    last_at: str | None
    """When the newest outcome was."""
    reasons: tuple[str, ...]
    given: GivenByHand | None = None
    evidence: tuple[OutcomeSaid, ...] = ()
    """Newest first, at most 100; only where one source is asked for."""
    topics: dict[str, LetterWord] = {}
    """Letters for what it is judged in, where one source is asked for."""


class ReportedBy(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a claim: one way on which it came."""

    key: str
    """By which `union` names it."""
    id: str
    """Of the object that came."""
    party: str | None
    channel: str
    received_at: str
    batch: int
    path: tuple[str, ...]
    """The parties on its way, the originator first, hidden ones as `?`."""


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """Why two reports are of one origin."""

    left: str
    right: str
    because: str
    strength: Literal["hard", "inferred"]
    says: str


class OriginShown(msgspec.Struct, frozen=True, kw_only=True):
    """One independent origin, or the one slot of all that is undisclosed."""

    name: str
    """Of the party, or what is known of who hides it."""
    source: str
    is_disclosed: bool
    is_first_hand: bool
    letter: LetterWord
    share: float
    """What it counts beside the others, 0 to 1."""
    reports: tuple[str, ...]
    unions: tuple[Joined, ...] = ()
    possibly: tuple[str, ...] = ()
    """Why it counts less than 1."""


class OwnEcho(msgspec.Struct, frozen=True, kw_only=True):
    """Our own report come back: it counts nothing."""

    report: str
    told_to: tuple[str, ...]
    told_at: str | None
    """Null: only a person's word says that it is ours."""
    days: int
    """From the day on which we told it to its return."""
    path: tuple[str, ...]
    strength: Literal["hard", "inferred"]
    says: str


class BuiltOn(msgspec.Struct, frozen=True, kw_only=True):
    """Reports that were made of others: they add nothing to these."""

    reports: tuple[str, ...]
    on: tuple[str, ...]


class ContestedSide(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a contradiction."""

    says: str
    origins: tuple[str, ...]
    letters: tuple[LetterWord, ...]
    """Of its origins, in their order."""


class Contested(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot all be right. Both sides are kept, nothing is averaged."""

    kind: Literal["polarity", "attribution", "time", "marking", "retraction"]
    is_open: bool
    """Whether it stops what acts by itself."""
    sides: tuple[ContestedSide, ...]


class WentTo(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, or something, that has from us what was taken back."""

    to: str
    """A party, or the folder of an export."""
    way: Literal["drop", "push", "page", "export"]
    at: str


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """Its source took it back, or took back what it was made of."""

    says: str
    at: str
    days: int
    by: str | None
    reason: str
    of: str | None = None
    """The object that was taken back, where this one is only derived from it."""
    exported: tuple[WentTo, ...] = ()
    passed_on: tuple[WentTo, ...] = ()
    derived: tuple[str, ...] = ()
    """Objects here that were made of it."""


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh the claim is: one number; and whether its source still holds it valid: another."""

    share: float
    """1: just seen; 0: faded, or past its end."""
    is_valid: bool
    since: str
    """From when it fades: it was said, or an independent party saw it again."""
    fades_at: str
    reasons: tuple[str, ...]


class ItemGrade(msgspec.Struct, frozen=True, kw_only=True):
    """What an item is worth, in short. No letters: a person sets the number before seeing them."""

    number: int
    """1 to 5; 6: not judged."""
    confidence: int | None
    """As STIX has it; null for 6."""
    says: str
    """`7 reports - 2 independent origins - 1 undisclosed - 1 is our own echo`."""
    reports: int
    origins: int
    undisclosed: int
    echoes: int
    contested: bool
    withdrawn: bool
    fresh: float
    """0 to 1."""


class Belief(msgspec.Struct, frozen=True, kw_only=True):
    """How much a claim is worth, who really says so, and how far they can be relied on."""

    claim: str
    """What is claimed: a value, or an id."""
    says: str
    """`7 reports - 2 independent origins - 1 undisclosed - 1 is our own echo`."""
    reports: tuple[ReportedBy, ...]
    """At most 200."""
    reports_total: int
    origins: tuple[OriginShown, ...]
    echoes: tuple[OwnEcho, ...]
    built: tuple[BuiltOn, ...]
    notes: tuple[str, ...]
    """What was not looked at, and what a person's word changed."""
    n_eff: float
    """Origins, each counted by how likely it is independent of the others."""
    number: int
    """The credibility that counts: a person's where one was set, else the computed one; 6: not judged."""
    computed: int
    given: GivenByHand | None
    confidence: int | None
    """As STIX has it: 90, 70, 50, 30, 10; null for 6."""
    probability: float | None
    """For ordering only; null for 6."""
    reasons: tuple[str, ...]
    """Why the computed number is what it is."""
    contested: bool
    contradictions: tuple[Contested, ...]
    letters: tuple[SourceLetter, ...]
    """Of the origins, and of who contradicts them."""
    outcomes: tuple[OutcomeSaid, ...]
    fresh: Fresh
    withdrawn: Withdrawn | None
    asks_person: tuple[str, ...]
    """Why nothing disruptive is done about it by itself; empty: it may be, as far as belief goes."""


class SourceGrades(msgspec.Struct, frozen=True, kw_only=True):
    """The letters of one party, and of what is hidden behind it."""

    own: SourceLetter
    behind: tuple[SourceLetter, ...] = ()


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """`outcome ID --json`, `grade ID --json` and `union ID --json`: what a person said, and what it made of the claim."""

    schema: Literal["backchannel.judged/1"] = "backchannel.judged/1"
    id: str
    says: str
    credited: tuple[str, ...] = ()
    """Sources for or against which an outcome speaks."""
    told: tuple[ToldOf, ...] = ()
    """Who is told an outcome by a signed statement, and who is not."""
    belief: Belief
    written: str | None = None
    """File the opinion was written to."""
    bundle: msgspec.Raw | None = None
    """The opinion in STIX 2.1, with `confidence`, where one was asked for."""
