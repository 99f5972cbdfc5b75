"""What is compared: single values out of patterns, graded by how well a stranger could guess them.

A comparison tells the other party which of the values that *it put in* we hold. Whoever can list all values of a
kind needs no comparison to be told ours: so kinds are graded, and what can be listed is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import normalise
from backchannel.stix.pattern.ast import Comparison, Observation
from backchannel.stix.pattern.parse import PatternError, fast_equality, parse

MIN_LONG_URL_CHARS: Final = 24
"""Characters behind the host from which a URL is hard to guess: 24 of them have more forms than can be tried."""
SESSION_BYTES: Final = 16
INPUT_BYTES: Final = 32
_INPUT: Final = b"bc-psi/v1 input\n"
_HEX: Final = re.compile(r"[0-9a-f]{32,128}\Z")


class Sort(StrEnum):
    """What is compared, by how it could be guessed."""

    HASH = "hash"
    """Of a file."""
    LONG_URL = "long-url"
    CERTIFICATE = "certificate"
    """By its hash."""
    MUTEX = "mutex"
    DOMAIN = "domain"
    SHORT_URL = "short-url"
    """A host with little behind it is guessed as a domain is."""
    ADDRESS = "address"
    EMAIL = "email"
    PHONE = "phone"
    ASN = "asn"


class Grade(StrEnum):
    """How well a stranger could guess a value of a sort."""

    HARD = "hard"
    """Nobody can list them: compared as they are."""
    LISTED = "listed"
    """Lists of most of them can be had (zone files): compared where they are asked for, with a warning."""
    EASY = "easy"
    """All can be tried in minutes, or they lead to people: refused, unless somebody overrides it with a reason."""


GRADES: Final = {
    Sort.HASH: Grade.HARD,
    Sort.LONG_URL: Grade.HARD,
    Sort.CERTIFICATE: Grade.HARD,
    Sort.MUTEX: Grade.HARD,
    Sort.DOMAIN: Grade.LISTED,
    Sort.SHORT_URL: Grade.LISTED,
    Sort.ADDRESS: Grade.EASY,
    Sort.EMAIL: Grade.EASY,
    Sort.PHONE: Grade.EASY,
    Sort.ASN: Grade.EASY,
}
DEFAULT_SORTS: Final = tuple(sort for sort, grade in GRADES.items() if grade is Grade.HARD)
"""What is compared where nothing else is asked for."""

_KINDS: Final = {
    "ipv4-addr:value": Kind.ADDRESS,
    "ipv6-addr:value": Kind.ADDRESS,
    "domain-name:value": Kind.DOMAIN,
    "url:value": Kind.URL,
    "email-addr:value": Kind.EMAIL,
}
_SORTS: Final = {Kind.ADDRESS: Sort.ADDRESS, Kind.DOMAIN: Sort.DOMAIN, Kind.EMAIL: Sort.EMAIL}
_PHONE_PATH: Final = "x-phone-number:value"


class Item(NamedTuple):
    """One value that can be compared."""

    sort: Sort
    value: str
    """In its one spelling, so that both sides mean the same."""


def item_of(pattern: str) -> Item | None:
    """Return what of an indicator is compared: the value of a pattern of one plain equality; None: it has none."""
    plain = fast_equality(pattern) or _equality(pattern)
    if plain is None:
        return None
    path, value = plain
    try:
        return _item(path, value)
    except ValueError:
        return None


def _equality(pattern: str) -> tuple[str, str] | None:
    """Return (path, value) of a pattern of one equality that has escapes or a number in it."""
    try:
        root = parse(pattern).root
    except PatternError:
        return None
    said = root.expression if isinstance(root, Observation) else None
    if not isinstance(said, Comparison) or said.operator != "=" or said.is_negated:
        return None
    is_plain = isinstance(said.value, str | int) and not isinstance(said.value, bool)
    return (str(said.path), str(said.value)) if is_plain else None


def _item(path: str, value: str) -> Item | None:
    if path.startswith(("file:hashes.", "artifact:hashes.")):
        return Item(Sort.HASH, normalise(Kind.HASH, value).value)
    if path.startswith("x509-certificate:hashes."):
        digits = value.lower()
        return Item(Sort.CERTIFICATE, digits) if _HEX.match(digits) else None
    if path == "mutex:name":
        return Item(Sort.MUTEX, value) if value else None
    if path == "autonomous-system:number":
        return Item(Sort.ASN, value) if value.isascii() and value.isdigit() else None
    if path == _PHONE_PATH:
        digits = re.sub(r"[^0-9]", "", value)
        return Item(Sort.PHONE, digits) if digits else None
    kind = _KINDS.get(path)
    return None if kind is None else _of_observable(normalise(kind, value))


def _of_observable(thing: Observable) -> Item:
    if thing.kind is Kind.URL:
        _, _, behind = thing.value.partition("://")[2].partition("/")
        is_long = len(behind) >= MIN_LONG_URL_CHARS
        return Item(Sort.LONG_URL if is_long else Sort.SHORT_URL, thing.value)
    return Item(_SORTS[thing.kind], thing.value)


def input_of(session: bytes, item: Item) -> bytes:
    """Return what stands for an item in one session (32 bytes): of no use in another one.

    Args:
        session: its 16 random bytes.
        item: what is compared.
    """
    name = item.sort.value.encode() + b"\n" + item.value.encode("utf-8", "surrogatepass")
    return hashlib.sha256(_INPUT + session + name).digest()


def worst(sorts: Iterable[Sort]) -> Grade:
    """Return the grade of what is guessed most easily among `sorts`; of none, `HARD`."""
    found = {GRADES[sort] for sort in sorts}
    return Grade.EASY if Grade.EASY in found else Grade.LISTED if Grade.LISTED in found else Grade.HARD
