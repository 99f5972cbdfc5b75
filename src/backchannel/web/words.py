"""How values look to a reader: ages, defanged names, and the icon and family of each STIX type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

from backchannel.clock import parse_time
from backchannel.desk.documents import Related
from backchannel.logs.shown import not_shown
from backchannel.stix.visible import visible
from backchannel.web.language import MAX_SHOWN_CHARS, say, say_count, shown

if TYPE_CHECKING:
    from backchannel.desk.documents import Concerns

_SCHEME = re.compile(r"\b(h)tt(ps?)(?=://)|\b(f)t(ps?)(?=://)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-])")
_NAME = re.compile(r"(?<![\w-])(?!\w+_ref\.)(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,})(?![\w-])")
_JOINT = re.compile(r"(?<=[._-])(?=[^._-])")
_CODE = re.compile("`([^`]{1,200})`")


def defang(text: str) -> str:
    """Return `text` with no address or name that a person could click or a chat would turn into a link.

    `http://evil.example/a` becomes `hxxp://evil[.]example/a`. Done twice it is the same.
    """
    text = _SCHEME.sub(lambda m: f"{m[1]}xx{m[2]}" if m[1] else f"{m[3]}x{m[4]}", text)
    text = _ADDRESS.sub(lambda m: "[.]".join(m[0].rsplit(".", 1)), text)
    return _NAME.sub(lambda m: m[0].replace(".", "[.]"), text)


def prose(text: str) -> Markup:
    """Return a sentence of the desk's as markup: defanged, and what stands in backticks as code."""
    code = Markup("<code>{}</code>")
    return Markup("").join(
        code.format(piece) if at % 2 else escape(defang(piece))
        for at, piece in enumerate(_CODE.split(visible(text, max_chars=MAX_SHOWN_CHARS)))
    )


def lacking(concerns: Concerns) -> str:
    """Return in words what was not searched for an item; "" where nothing lacks that logs could show."""
    return not_shown(concerns.unsearched, off=concerns.switched_off)


def breakable(text: str) -> Markup:
    """Return a name as markup that breaks behind its dots, dashes and underscores, rather than within a word."""
    return Markup("<wbr>").join(shown(piece) for piece in _JOINT.split(text))


_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_AGES: Final = (
    (_HOUR, _MINUTE, "%(count)s min"),
    (2 * _DAY, _HOUR, "%(count)s h"),
    (14 * _DAY, _DAY, "%(count)s days"),
    (60 * _DAY, 7 * _DAY, "%(count)s weeks"),
    (730 * _DAY, 30 * _DAY, "%(count)s months"),
)
"""Below how many seconds, in which unit, with which word."""


def age(text: str, now: datetime) -> Markup:
    """Return how long ago the time `text` (RFC 3339) is, in the largest fitting unit: `3 h ago`, `in 2 days`.

    A text that is no time comes back as it is.
    """
    try:
        seconds = (now - parse_time(text)).total_seconds()
    except (ValueError, OverflowError):
        return shown(text)
    if -_MINUTE < seconds < _MINUTE:
        return say("just now")
    for below, unit, word in (*_AGES, (float("inf"), 365 * _DAY, "%(count)s years")):
        if abs(seconds) < below:
            span = say_count(word, word, int(abs(seconds) // unit))
            return say("in %(span)s", span=span) if seconds < 0 else say("%(span)s ago", span=span)
    raise AssertionError("the last unit takes every age")


def utc(text: str) -> str:
    """Return the time `text` to the second in a form to read: `2026-11-25 13:20:19 UTC`."""
    try:
        at = parse_time(text)
    except (ValueError, OverflowError):
        return text
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


_FAMILY_OF: Final = {
    **dict.fromkeys(
        ("attack-pattern", "campaign", "incident", "infrastructure", "intrusion-set"), "adversary"
    ),
    **dict.fromkeys(("malware", "malware-analysis", "threat-actor", "tool"), "adversary"),
    **dict.fromkeys(("vulnerability",), "weakness"),
    **dict.fromkeys(("indicator", "observed-data", "sighting"), "detection"),
    **dict.fromkeys(("course-of-action", "grouping", "identity", "language-content"), "answer"),
    **dict.fromkeys(("location", "note", "opinion", "report"), "answer"),
    **dict.fromkeys(("extension-definition", "marking-definition", "relationship"), "plumbing"),
}

_ICON_OF: Final = {
    "autonomous-system": "infrastructure",
    "artifact": "file",
    "directory": "file",
    "domain-name": "name",
    "email-addr": "mail",
    "email-message": "mail",
    "file": "file",
    "grouping": "report",
    "incident": "campaign",
    "intrusion-set": "threat-actor",
    "ipv4-addr": "address",
    "ipv6-addr": "address",
    "language-content": "note",
    "mac-addr": "address",
    "malware-analysis": "malware",
    "network-traffic": "address",
    "url": "name",
    "user-account": "identity",
    "x509-certificate": "marking-definition",
}
_OWN_ICON: Final = frozenset(
    {
        *("attack-pattern", "campaign", "course-of-action", "identity", "indicator", "infrastructure"),
        *("location", "malware", "marking-definition", "note", "observed-data", "opinion", "relationship"),
        *("report", "sighting", "threat-actor", "tool", "vulnerability"),
    }
)


def icon_of(stix_type: str) -> str:
    """Return the name of the picture for `stix_type` in `static/icons.svg`; `object` for an unknown type."""
    if stix_type in _OWN_ICON:
        return stix_type
    return _ICON_OF.get(stix_type, "object")


def family_of(stix_type: str) -> str:
    """Return the family that colours the icon of `stix_type`; `observable` for an unknown type."""
    return _FAMILY_OF.get(stix_type, "observable")


def type_name(stix_type: str) -> str:
    """Return `stix_type` as a reader says it: `attack-pattern` is `attack pattern`."""
    return stix_type.replace("-", " ")


@dataclass(frozen=True, slots=True)
class Ties:
    """What an object is tied to in one way."""

    relation: str
    direction: str
    others: list[Related]


def by_relation(related: Iterable[Related]) -> list[Ties]:
    """Return `related` in groups of one relation and direction, in the order in which these first appear."""
    groups: dict[tuple[str, str], Ties] = {}
    for other in related:
        key = (other.relation, other.direction)
        groups.setdefault(key, Ties(*key, [])).others.append(other)
    return list(groups.values())


def size(n: int | None) -> Markup:
    """Return a count of bytes in the largest fitting unit: `7.0 MB`; a dash for None."""
    if n is None:
        return say("unknown size")
    amount = float(n)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return say(f"%(n)s {unit}", n=f"{amount:.0f}" if unit == "B" else f"{amount:.1f}")
        amount /= 1000
    return say("%(n)s GB", n=f"{amount:.1f}")
