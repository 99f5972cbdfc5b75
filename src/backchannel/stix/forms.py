"""The forms of values that a quick look at an object knows: each says yes or no to one value of any type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.schemas import Version

Test = Callable[[object], object]
"""Says yes or no, by any value that is true or false."""
WordTest = Callable[[str], object]
"""The same for a value that is known to be a text."""

MAX_WORD_CHARS: Final = 300
"""Longest id or time looked at (characters): an id has at most 288."""
REMEMBERED: Final = 256
"""Answers kept for one property: the same source, marking and day come again and again."""

_HEX = "[0-9a-fA-F]"
_ANY_UUID = f"{_HEX}{{8}}-{_HEX}{{4}}-[1-5]{_HEX}{{3}}-[89abAB]{_HEX}{{3}}-{_HEX}{{12}}\\Z"
_RANDOM_UUID = _ANY_UUID.replace("[1-5]", "4")
_UUID, _UUID_20 = re.compile(_ANY_UUID), re.compile(_RANDOM_UUID)
_ID = re.compile(f"[a-z][a-z0-9-]+[a-z0-9]--{_ANY_UUID}")
_ID_20 = re.compile(f"[a-z0-9][a-z0-9-]+[a-z0-9]--{_RANDOM_UUID}")
_TYPE_OF_ID = re.compile(r"[a-z][a-z0-9-]{1,248}[a-z0-9]\Z")
# No leap second, no year 0, no 29 February and no 31 April: moments that only the whole check can place.
_MINUTE = (
    r"(?!0000|.....(?:02-(?:29|3)|(?:04|06|09|11)-31))[0-9]{4}-(?:0[1-9]|1[012])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]"
)
_TIME = re.compile(rf"{_MINUTE}:[0-5][0-9](?:\.[0-9]{{1,18}})?Z\Z")
_EXACT_TIME = re.compile(rf"{_MINUTE}:[0-5][0-9]\.[0-9]{{3,18}}Z\Z")
_LEADS: Final = frozenset({"external_id", "description", "url"})
"""One of these says where an external reference leads."""
_TEXTS: Final = {str}


def is_text(value: object) -> bool:
    """Whether it is a text."""
    return type(value) is str


def are_texts(value: object) -> bool:
    """Whether it is a list of texts, at least one."""
    return type(value) is list and set(map(type, value)) == _TEXTS


def is_boolean(value: object) -> bool:
    """Whether it is true or false."""
    return type(value) is bool


def is_between(lowest: int, highest: int, value: object) -> bool:
    """Whether it is an integer between two."""
    return type(value) is int and lowest <= value <= highest


def has_length(shortest: int, longest: int, value: object) -> bool:
    """Whether it is a text of so many characters."""
    return type(value) is str and shortest <= len(value) <= longest


def begins(prefix: str, value: object) -> bool:
    """Whether it is a text that begins so."""
    return type(value) is str and value.startswith(prefix)


def matches(expression: re.Pattern[str], value: object) -> bool:
    """Whether it is a text in which the expression is found."""
    return type(value) is str and expression.search(value) is not None


def is_id(value: object) -> bool:
    """Whether it is an id: type and UUID of versions 1 to 5 (the schema's `identifier`)."""
    return type(value) is str and _ID.match(value) is not None


def is_id_20(value: object) -> bool:
    """Whether it is an id as 2.0 has them: with a UUID of version 4."""
    return type(value) is str and _ID_20.match(value) is not None


def is_time(value: object) -> bool:
    """Whether it is a time in UTC on a day of every calendar; no leap second and no year 0, which need a closer look."""
    return type(value) is str and _TIME.match(value) is not None


def is_exact_time(value: object) -> bool:
    """Whether it is such a time, given to the millisecond at least."""
    return type(value) is str and _EXACT_TIME.match(value) is not None


def id_of(stix_type: str, version: Version) -> WordTest | None:
    """Return the test that a text is an id of an object of `stix_type`, None where no id can be."""
    if _TYPE_OF_ID.match(stix_type) is None:
        return None
    beginning = stix_type + "--"
    at = len(beginning)
    is_uuid = (
        _UUID if version == "2.1" else _UUID_20
    ).match  # compiling an expression for each type costs 0.4 ms
    return lambda text: text.startswith(beginning) and is_uuid(text, at)


OF_WORDS: Final[Mapping[Test, WordTest]] = {
    is_id: _ID.match,
    is_id_20: _ID_20.match,
    is_time: _TIME.match,
    is_exact_time: _EXACT_TIME.match,
}
"""Tests that are asked often, to what is left of them where the value is known to be a text."""


def remembered(test: Test) -> Test:
    """Return the same test of texts up to `MAX_WORD_CHARS`, which remembers its answers; a longer one fails."""
    known = lru_cache(maxsize=REMEMBERED)(test)
    return lambda value: type(value) is str and len(value) <= MAX_WORD_CHARS and known(value)


def each(test: Test) -> Test:
    """Return the test of a list with at least one item, all of which pass `test`."""
    return lambda value: type(value) is list and value != [] and all(map(test, value))


def has_members(tests: Mapping[str, Test], required: frozenset[str], value: object) -> bool:
    """Whether it is an object with what is required, and each member passes its test."""
    if type(value) is not dict or not required <= value.keys():
        return False
    for name, one in value.items():
        test = tests.get(name)
        if test is not None and not test(one):
            return False
    return True


def is_external_reference(value: object) -> bool:
    """Whether it is one to anything but a CVE or a CAPEC, whose ids have a form, and without hashes."""
    if type(value) is not dict or set(map(type, value.values())) != _TEXTS:
        return False
    source, about = value.get("source_name"), value.get("external_id", "")
    return (
        source is not None
        and source not in {"cve", "capec"}
        and not about.startswith(("CVE-", "CAPEC-"))
        and not _LEADS.isdisjoint(value)
        and "hashes" not in value
    )


def is_malware(value: JsonObject) -> bool:
    """Whether a malware (2.1) says if it is a family, and then has a name."""
    return value["is_family"] is False or (value["is_family"] is True and "name" in value)


def is_statement(value: JsonObject) -> bool:
    """Whether a marking definition (2.1) is a statement."""
    definition = value.get("definition")
    return (
        value.get("definition_type") == "statement"
        and type(definition) is dict
        and type(definition.get("statement")) is str
        and {"id", "spec_version", "created"} <= value.keys()
        and is_id(value["id"])
        and value["id"].startswith("marking-definition--")
    )
