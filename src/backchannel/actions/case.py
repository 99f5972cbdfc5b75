"""The plain facts that advice is made from: one value of one indicator, and what we know about it.

Everything here is read from the object, its arrival, our lists and our hunts; nothing is judged yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final, Literal

from backchannel.actions.gates import Standing, Target

Direction = Literal["out", "in", "unknown"]
"""Who began: our side reached out to the value, or the value came to us."""

Role = Literal["source", "destination", "sender", "recipient", "any"]
"""Which part the value plays, as far as its pattern says."""

Hunt = Literal["not hunted", "in part", "not seen", "seen"]
"""`in part`: not seen, where not all of it could have been."""

ValidityState = Literal["before", "inside", "after"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What hunts found of the value in our logs."""

    asset: str | None
    """Our side of it, address or name; of several, one of them."""
    direction: Direction
    count: int
    """Log lines."""
    hosts: int
    """How many of our addresses or names."""
    is_of_file: bool = True
    """False for a hash that is of a certificate, a key or a handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One value of one indicator, with all that bears on what to do about it."""

    indicator: str
    """Its STIX id."""
    source: str
    """Name of the party it came from; "" where nobody was named."""
    at: datetime
    standing: Standing
    target: Target | None
    """None: no part of the pattern can be searched."""
    others: int = 0
    """How many more values the same indicator names."""
    uncompiled: tuple[str, ...] = ()
    """What of the pattern cannot be searched, in words."""
    is_whole: bool = False
    """Its pattern is judged as a whole in hunts: no value of it says anything alone."""
    indicator_types: tuple[str, ...] = ()
    """STIX 2.1 indicator-type-ov: `malicious-activity`, `benign`, ..."""
    phases: tuple[str, ...] = ()
    """Kill-chain phase names, of whichever chain."""
    role: Role = "any"
    hunt: Hunt = "not hunted"
    lacking: str = ""
    """Kinds of observable, in words, that the logs hunted since it came do not show; "" if nothing lacks."""
    seen: Seen | None = None
    """Given exactly when `hunt` is "seen"."""
    validity: ValidityState = "inside"
    """Where the hit lies, or the present if there is no hit."""
    scope: str = "exact"
    """How the hit matched: `exact`, `subdomain`, `cidr`, `url prefix`, `partial`."""

    @property
    def value(self) -> str:
        """The value as people read it."""
        return self.target.value if self.target else self.indicator

    @property
    def courses(self) -> tuple[tuple[str, str], ...]:
        """(name, description) of the courses of action tied to it."""
        return self.standing.courses

    @property
    def who(self) -> str:
        """Its source, as the subject of a sentence."""
        return self.source or "its source"


class Step(IntEnum):
    """How far into a network an attacker is when the indicator shows; a later one matters more."""

    UNKNOWN = 0
    BEFORE = 1
    ENTRY = 2
    INSIDE = 3
    CONTACT = 4
    LOSS = 5


_STEP_OF: Final[dict[str, Step]] = {
    # Lockheed Martin Cyber Kill Chain and MITRE ATT&CK tactics, in their own spelling.
    "reconnaissance": Step.BEFORE,
    "resource-development": Step.BEFORE,
    "weaponization": Step.BEFORE,
    "delivery": Step.ENTRY,
    "initial-access": Step.ENTRY,
    "exploitation": Step.ENTRY,
    "exploit": Step.ENTRY,
    "execution": Step.ENTRY,
    "installation": Step.INSIDE,
    "persistence": Step.INSIDE,
    "privilege-escalation": Step.INSIDE,
    "defense-evasion": Step.INSIDE,
    "stealth": Step.INSIDE,
    "defense-impairment": Step.INSIDE,
    "credential-access": Step.INSIDE,
    "discovery": Step.INSIDE,
    "lateral-movement": Step.INSIDE,
    "collection": Step.INSIDE,
    "command-and-control": Step.CONTACT,
    "c2": Step.CONTACT,
    "exfiltration": Step.LOSS,
    "impact": Step.LOSS,
    "actions-on-objectives": Step.LOSS,
    "actions-on-objective": Step.LOSS,
}


def step_of(phases: Sequence[str]) -> Step:
    """Return the furthest step that `phases` name; unknown names count for nothing."""
    return max((_STEP_OF.get(_spelled(phase), Step.UNKNOWN) for phase in phases), default=Step.UNKNOWN)


def _spelled(phase: str) -> str:
    return phase.strip().lower().replace(" ", "-").replace("_", "-").replace("&", "and")


_ROLE_OF: Final[tuple[tuple[str, Role], ...]] = (
    ("network-traffic:src_ref", "source"),
    ("network-traffic:dst_ref", "destination"),
    ("email-message:from_ref", "sender"),
    ("email-message:sender_ref", "sender"),
    ("email-message:to_refs", "recipient"),
    ("email-message:cc_refs", "recipient"),
)


def role_of(path: str) -> Role:
    """Return the part that a STIX pattern path gives its value (`network-traffic:dst_ref.value`)."""
    return next((role for start, role in _ROLE_OF if path.startswith(start)), "any")


_IN: Final = frozenset(
    {"id.orig_h", "id_orig_h", "src_ip", "mailfrom", "from", "mail_from", "x_originating_ip"}
)
_OUT: Final = frozenset(
    {
        "id.resp_h",
        "id_resp_h",
        "dest_ip",
        "query",
        "answers",
        "server_name",
        "host",
        "uri",
        "rrname",
        "rdata",
        "hostname",
        "url",
        "sni",
        "rcptto",
        "to",
        "rcpt_to",
    }
)


def direction_of(field: str) -> Direction:
    """Return who began, from the log field (Zeek, Suricata EVE) in which the value stood.

    A file hash, or a field we do not know, tells nothing: "unknown".
    """
    name = field.lower().removesuffix("[]")
    if name in _IN or name.rsplit(".", 1)[-1] in _IN:
        return "in"
    return "out" if name in _OUT or name.rsplit(".", 1)[-1] in _OUT else "unknown"


_NO_FILE: Final = frozenset(
    {
        "fingerprint",
        "resp_certificate_sha1",
        "cert_chain_fps",
        "client_cert_chain_fps",
        "issuernamehash",
        "issuerkeyhash",
        "ja3",
        "ja3s",
        "host_key",
        "hassh",
        "hasshserver",
    }
)


def is_of_file(field: str) -> bool:
    """Whether a hash that stood in a log field is that of a file; else of a certificate, a key or a handshake."""
    return _NO_FILE.isdisjoint(field.lower().replace("[]", "").split("."))
