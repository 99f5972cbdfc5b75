"""The gates between an indicator and a control, in one fixed order; the first refusal wins and says why.

TLP and PAP are asked of the release policy (`policy.decide`), which guards every way out.

Here are the gates that need nothing but the indicator, what is tied to it, its arrival and our own lists. Confidence, replay
against our own logs and promotion from alert to block come with grading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from backchannel.actions.courses import says_not_to_block, way_of
from backchannel.clock import format_time
from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import Network
from backchannel.observables.suffixes import is_public_suffix
from backchannel.policy.decide import Request, decide
from backchannel.stix.markings import Pap, Tlp
from backchannel.stix.visible import visible
from backchannel.warninglists.lists import Label

Stage = Literal["detect", "alert", "block"]
"""What a control does with a line: writes it down, calls a person, stops the traffic."""

Thing = Observable | Network
"""One value that an indicator names."""

TOOLS: Final = (
    Kind.CERTIFICATE,
    Kind.SERIAL,
    Kind.JA3,
    Kind.JA4,
    Kind.HASSH,
    Kind.SSH_KEY,
    Kind.FILE,
    Kind.PATH,
    Kind.AGENT,
    Kind.COMMAND,
    Kind.REGISTRY,
    Kind.MUTEX,
    Kind.MAC,
)
"""Kinds of what a tool is made of, or leaves: it changes as seldom as the tool does. Nothing that is exported acts on
them."""
PERSONS: Final = (Kind.PHONE, Kind.SIP, Kind.ACCOUNT)

WATCH_DAYS: Final[Mapping[Kind, int]] = {
    Kind.ADDRESS: 30,
    Kind.DOMAIN: 180,
    Kind.URL: 180,
    Kind.HASH: 365,
    Kind.EMAIL: 180,
    **dict.fromkeys(TOOLS, 365),
    **dict.fromkeys(PERSONS, 180),
}
"""How long to watch for a value whose source set no end (days after it last said so)."""

BLOCK_DAYS: Final[Mapping[Kind, int]] = {
    Kind.ADDRESS: 7,
    Kind.DOMAIN: 30,
    Kind.URL: 14,
    Kind.HASH: 365,
    Kind.EMAIL: 30,
    **dict.fromkeys(TOOLS, 365),
    **dict.fromkeys(PERSONS, 30),
}
"""Longest block after a source last said so, or we last saw it (days). Addresses change hands quickly."""

WIDEST: Final[Mapping[Stage, tuple[int, int]]] = {"detect": (8, 19), "alert": (8, 19), "block": (24, 48)}
"""Shortest prefix (IPv4, IPv6) of a network that a control of that stage gets."""

COURSE: Final = "course of action"
"""Name of the gate that heeds what courses of action say."""
MAX_NAME_CHARS: Final = 80
MAX_WHY_CHARS: Final = 200
_MAPPED_BITS = 96
"""A Network counts the bits of an IPv4 prefix inside ::ffff:0:0/96."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an indicator stands with us, apart from the values it names."""

    said_at: datetime
    """When we were last told so: the latest of `modified`, `valid_from` and the version's first arrival."""
    dated: datetime | None = None
    """When its source last said so itself (`modified`, else `created`)."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    """Exclusive (STIX 2.1 §4.7); None where the source set no end."""
    seen_at: datetime | None = None
    """When it was last found in our own logs, inside its validity: that renews it."""
    tlp: Tlp = Tlp.AMBER_STRICT
    pap: Pap | None = None
    quarantined: bool = False
    revoked: bool = False
    disputed: bool = False
    """We told its source that it is a false alarm."""
    contested: bool = False
    """Two contents under one id and version, or somebody disputes it."""
    refuted: str = ""
    """Why we found that it is wrong; "" if we did not."""
    withdrawn: str = ""
    """Why whoever said so took it back in a statement; "" if they did not."""
    indicator_types: tuple[str, ...] = ()
    """STIX 2.1 indicator-type-ov: `malicious-activity`, `benign`, ..."""

    courses: tuple[tuple[str, str], ...] = ()
    """(name, description) of the courses of action tied to it."""
    courses_unread: str = ""
    """What of them was not read, as the end of a sentence; "" where all was."""

    def is_only(self, indicator_type: str) -> bool:
        """Whether its source calls it that, and nothing else beside it."""
        return set(self.indicator_types) - {"unknown"} == {indicator_type}


@dataclass(frozen=True, slots=True)
class Target:
    """One value of an indicator, with what our own lists say about it."""

    thing: Thing
    own: str = ""
    """Why it is ours, in words; "" if it is not."""
    labels: tuple[Label, ...] = field(default=())

    @property
    def kind(self) -> Kind:
        """Its kind; a network counts as addresses."""
        return Kind.ADDRESS if isinstance(self.thing, Network) else self.thing.kind

    @property
    def value(self) -> str:
        """Its normal spelling."""
        return self.thing.text if isinstance(self.thing, Network) else self.thing.value

    def labelled(self, cls: str) -> Label | None:
        """The first label of class `cls`, if there is one."""
        return next((label for label in self.labels if label.cls == cls), None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a value does not go to a control."""

    gate: str
    why: str
    """One sentence without a full stop."""


def expires_at(standing: Standing, kind: Kind, stage: Stage) -> datetime:
    """Return when a line made from the indicator must be gone (exclusive).

    A block ends after `BLOCK_DAYS` whatever the source says, unless the source or our own logs renew it;
    watching goes on until `valid_until`, or for `WATCH_DAYS` where there is none.
    """
    if stage != "block":
        return standing.valid_until or standing.said_at + timedelta(days=WATCH_DAYS[kind])
    renewed = max(standing.said_at, standing.seen_at or standing.said_at)
    end = renewed + timedelta(days=BLOCK_DAYS[kind])
    return end if standing.valid_until is None else min(end, standing.valid_until)


def refusal(standing: Standing, target: Target, *, stage: Stage, at: datetime) -> Refusal | None:
    """Return the first gate that keeps `target` from a control of `stage` at the time `at`, or None."""
    for name, gate in GATES:
        why = gate(_Passage(standing, target, stage, at))
        if why:
            return Refusal(name, why)
    return None


@dataclass(frozen=True, slots=True)
class _Passage:
    standing: Standing
    target: Target
    stage: Stage
    at: datetime


def _accepted(asked: _Passage) -> str:
    return "it is in quarantine until a person accepts it" if asked.standing.quarantined else ""


def _revoked(asked: _Passage) -> str:
    return "its source withdrew it (revoked)" if asked.standing.revoked else ""


def _disputed(asked: _Passage) -> str:
    return "we told its source that it is a false alarm" if asked.standing.disputed else ""


def _withdrawn(asked: _Passage) -> str:
    why = asked.standing.withdrawn
    return f"its source took it back: {visible(why, max_chars=MAX_WHY_CHARS)}" if why else ""


def _refuted(asked: _Passage) -> str:
    why = asked.standing.refuted
    return f"we found that it is wrong: {visible(why, max_chars=MAX_WHY_CHARS)}" if why else ""


def _contested(asked: _Passage) -> str:
    if asked.standing.contested and asked.stage == "block":
        return "it is contested: what we hold about it contradicts itself"
    return ""


def _role(asked: _Passage) -> str:
    standing = asked.standing
    if standing.is_only("benign"):
        return "its only type is `benign`: its source names it as harmless"
    if asked.stage != "block":
        return ""
    if standing.is_only("compromised"):
        return "its only type is `compromised`: its owner is a victim, who is told rather than cut off"
    if standing.is_only("anonymization"):
        return "its only type is `anonymization`: it hides honest people too"
    return ""


def _validity(asked: _Passage) -> str:
    standing, kind = asked.standing, asked.target.kind
    if standing.valid_from is not None and asked.at < standing.valid_from:
        return f"it becomes valid on {_day(standing.valid_from)} only"
    end = expires_at(standing, kind, asked.stage)
    if asked.at < end:
        return ""
    if standing.valid_until is not None and end == standing.valid_until:
        return f"it expired on {_day(end)}"
    days = (BLOCK_DAYS if asked.stage == "block" else WATCH_DAYS)[kind]
    doing = "blocked" if asked.stage == "block" else "watched for"
    return (
        f"it expired on {_day(end)}: {_KIND_WORD[kind]} is {doing} for {days} days after it was last reported"
    )


def _tlp(asked: _Passage) -> str:
    return _release(asked, "tlp")


def _pap(asked: _Passage) -> str:
    return _release(asked, "pap")


def _release(asked: _Passage, rule: str) -> str:
    """Ask the release policy, which guards every way out of the node: a control of ours is one of them."""
    standing = asked.standing
    decision = decide(
        Request(
            tlp=standing.tlp,
            pap=standing.pap,
            recipient=None,
            recipient_is_ourselves=True,
            collection_allows=True,
            purpose=asked.stage,
            now=asked.at,
        )
    )
    reason = decision.reasons[-1]
    return reason.text if not decision.allowed and reason.rule == rule else ""


def _course(asked: _Passage) -> str:
    courses, unread = asked.standing.courses, asked.standing.courses_unread
    if asked.stage != "block":
        return ""
    if way_of(courses) != "look":
        return unread and f"{unread}, and what was not read may say not to block it"
    name = visible(courses[0][0], max_chars=MAX_NAME_CHARS)
    more = f" (and {len(courses) - 1} more)" if len(courses) > 1 else ""
    if any(map(says_not_to_block, courses)):
        return f"the course of action “{name}”{more} says not to block it"
    return f"the course of action “{name}”{more} asks to look for it, and says nothing of blocking it"


def _own(asked: _Passage) -> str:
    return asked.target.own


def _too_wide(asked: _Passage) -> str:
    thing = asked.target.thing
    if not isinstance(thing, Network):
        return ""
    is_v4 = thing.stix_type == "ipv4-addr"
    length = thing.prefix_bits - (_MAPPED_BITS if is_v4 else 0)
    widest = WIDEST[asked.stage][0 if is_v4 else 1]
    if length >= widest:
        return ""
    return f"{thing.text} is too wide to {_STAGE_VERB[asked.stage]}: nothing wider than /{widest} is taken"


def _suffix(asked: _Passage) -> str:
    target = asked.target
    if target.kind is Kind.DOMAIN and is_public_suffix(target.value):
        return f"{target.value} is a public suffix: strangers have their names under it"
    return ""


def _infrastructure(asked: _Passage) -> str:
    label = asked.target.labelled("infrastructure")
    return f"{label.why} (infrastructure)" if label else ""


def _popular(asked: _Passage) -> str:
    label = asked.target.labelled("popular")
    return f"{label.why} (popular): held for a person" if label else ""


GATES: Final[tuple[tuple[str, Callable[[_Passage], str]], ...]] = (
    ("accepted", _accepted),
    ("revoked", _revoked),
    ("withdrawn", _withdrawn),
    ("disputed", _disputed),
    ("refuted", _refuted),
    ("role", _role),
    ("validity", _validity),
    ("contested", _contested),
    ("tlp", _tlp),
    ("pap", _pap),
    (COURSE, _course),
    ("own", _own),
    ("width", _too_wide),
    ("public suffix", _suffix),
    ("infrastructure", _infrastructure),
    ("popular", _popular),
)
"""In the order of asking; each answers with a sentence, or with "" to let pass."""

_STAGE_VERB: Final[Mapping[Stage, str]] = {"detect": "watch", "alert": "alert on", "block": "block"}
_KIND_WORD: Final[Mapping[Kind, str]] = {
    Kind.ADDRESS: "an address",
    Kind.DOMAIN: "a name",
    Kind.URL: "a URL",
    Kind.HASH: "a file hash",
    Kind.EMAIL: "a mail address",
    Kind.PHONE: "a phone number",
    Kind.SIP: "a SIP address",
    Kind.ACCOUNT: "an account",
    Kind.CERTIFICATE: "a certificate",
    Kind.SERIAL: "a certificate",
    Kind.JA3: "a fingerprint",
    Kind.JA4: "a fingerprint",
    Kind.HASSH: "a fingerprint",
    Kind.SSH_KEY: "a host key",
    Kind.FILE: "the name of a file",
    Kind.PATH: "the path of a file",
    Kind.AGENT: "a user agent",
    Kind.COMMAND: "a command line",
    Kind.REGISTRY: "a registry key",
    Kind.MUTEX: "a mutex",
    Kind.MAC: "a MAC address",
}


def _day(at: datetime) -> str:
    return format_time(at)[:10]
