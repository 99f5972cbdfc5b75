"""What a client asks for in the address: `added_after`, `limit`, `next` and `match[...]` (TAXII 2.1 §3.4).

Everything malformed is refused with 400, as the standard wants, before the store is asked. Parameters and
fields that the standard does not define are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from backchannel.clock import parse_time
from backchannel.desk.paging import MAX_PAGE_ROWS
from backchannel.desk.stamps import to_micros

MAX_FILTER_BYTES = 8 * 2**10
"""Length of all values of `match[...]` together: some hundred identifiers."""
MAX_PARAMETERS = 40
"""Parameters of one address; the standard has seven."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,249}--[0-9A-Za-z-]{1,64}\Z")
_TYPE = re.compile(r"[a-z0-9][a-z0-9_-]{0,249}\Z")
_SPEC = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\Z")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+ -]\d\d:\d\d)\Z")
_VERSION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,18})?Z\Z")
_WORDS: Final = frozenset({"first", "last", "all"})
STAMPS: Final = range(-62_135_596_800_000_000, 253_402_300_800_000_000)
"""Every time that can be written: the years 1 to 9999 (microseconds since 1970)."""

LAST: Final = ("last",)
"""Which versions are sent where nobody says (TAXII 2.1 §3.4.1 `version`)."""


class BadQueryError(ValueError):
    """A parameter is malformed; the message says which and why."""


class Filter(msgspec.Struct, frozen=True):
    """Which objects; an empty tuple is no filter."""

    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    """`first`, `last`, `all` or STIX times as they were written."""
    spec_versions: tuple[str, ...] = ()
    added_after: int | None = None
    """Exclusive; microseconds since 1970."""

    def to_list(self) -> list[object]:
        """Return it as plain values, for a cursor."""
        return [list(getattr(self, name)) for name in _FIELDS] + [self.added_after]

    @classmethod
    def from_list(cls, value: object) -> Filter:
        """Read what `to_list` returned.

        Raises:
            ValueError: it did not.
        """
        if not isinstance(value, list) or len(value) != len(_FIELDS) + 1:
            raise ValueError("not a filter")
        *lists, added_after = value
        if added_after is not None and (type(added_after) is not int or added_after not in STAMPS):
            raise ValueError("not a time")
        ids, types, versions, specs = (_checked(name, one) for name, one in zip(_FIELDS, lists, strict=True))
        return cls(ids, types, versions, specs, added_after)

    def and_also(self, other: Filter) -> Filter | None:
        """Return what passes both, or None where nothing can.

        No version is the default, `last`; two sets of versions that differ have in common what both name.
        """
        ids, types = _both(self.ids, other.ids), _both(self.types, other.types)
        specs = _both(self.spec_versions, other.spec_versions)
        versions = _both_versions(self.versions, other.versions)
        if ids is None or types is None or specs is None or versions is None:
            return None
        times = [one for one in (self.added_after, other.added_after) if one is not None]
        return Filter(ids, types, versions, specs, max(times, default=None))


_FIELDS: Final = ("ids", "types", "versions", "spec_versions")


class Asked(NamedTuple):
    """What an address asks for."""

    filter: Filter
    limit: int | None
    """Between 1 and `MAX_PAGE_ROWS`; None where none was given."""
    next: str
    """The cursor as it was given; "" without one."""


def parse_query(query: bytes, fields: Iterable[str]) -> Asked:
    """Read the part of an address after `?`.

    Args:
        query: as it was sent.
        fields: the `match[...]` fields that the endpoint takes; others are passed over.

    Raises:
        BadQueryError: a parameter is malformed or there twice.
    """
    given = _parameters(query)
    found = {name: given[f"match[{name}]"] for name in fields if f"match[{name}]" in given}
    if sum(map(len, found.values())) > MAX_FILTER_BYTES:
        raise BadQueryError(f"the values of match[...] are longer than {MAX_FILTER_BYTES} characters")
    after = given.get("added_after")
    ids, types, versions, specs = (
        _checked(name, found[field].split(",")) if field in found else () for name, field in _NAMES
    )
    stamp = None if after is None else parse_stamp(after)
    wanted = Filter(ids, types, versions, specs, stamp)
    return Asked(wanted, _limit(given.get("limit")), given.get("next", ""))


_NAMES: Final = (("ids", "id"), ("types", "type"), ("versions", "version"), ("spec_versions", "spec_version"))
ALL_FIELDS: Final = ("id", "type", "version", "spec_version")


def _parameters(query: bytes) -> Mapping[str, str]:
    try:
        # A `+` is kept: it is a sign in a zone, and no value of ours has a blank.
        pairs = parse_qsl(
            query.decode("ascii").replace("+", "%2B"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise BadQueryError("the part of the address after ? is not of the form name=value") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        known = name in {"added_after", "limit", "next"} or name.startswith("match[")
        if known and name in given:
            raise BadQueryError(f"{name[:40]} is there twice; several values are separated by commas")
        given[name] = value
    return given


def parse_stamp(text: str) -> int:
    """Read a TAXII timestamp, in microseconds since 1970; digits after the sixth are cut.

    Raises:
        BadQueryError: it is none (TAXII 2.1 §2 `timestamp`; RFC 3339 with another zone is taken too).
    """
    match = _STAMP.match(text)
    if match is None:
        raise BadQueryError("added_after is no time of the form 2026-01-31T12:00:00.000000Z")
    try:
        at = parse_time(f"{match[1].upper()}{match[2] or ''}{match[3].upper().replace(' ', '+')}")
    except ValueError:
        raise BadQueryError("added_after names a time that is in no calendar") from None
    return to_micros(at)


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]+", text) or not text.strip("0"):
        raise BadQueryError("limit is no positive whole number")
    digits = text.lstrip("0")
    return MAX_PAGE_ROWS if len(digits) > len(str(MAX_PAGE_ROWS)) else min(int(digits), MAX_PAGE_ROWS)


def _checked(name: str, values: object) -> tuple[str, ...]:
    """Return the values of one field, each of its form."""
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise BadQueryError(f"{name}: not a list of texts")
    form, field, example = _FORMS[name]
    for one in values:
        if not (form.match(one) or (name == "versions" and one in _WORDS)):
            raise BadQueryError(f"match[{field}] is malformed: a value is of the form {example}")
    if name == "versions":
        if not all(one in _WORDS or _is_time(one) for one in values):
            raise BadQueryError("match[version] names a time that is in no calendar")
        if len(set(values)) < len(values):
            raise BadQueryError("match[version] names the same version twice (TAXII 2.1 §3.4.1)")
        if "all" in values and len(values) > 1:
            raise BadQueryError("match[version]=all stands alone (TAXII 2.1 §3.4.1)")
    return tuple(dict.fromkeys(values))


def _is_time(version: str) -> bool:
    """Whether what has the form of a time is in the calendar."""
    try:
        parse_time(version)
    except ValueError:
        return False
    return True


_FORMS: Final = {
    "ids": (_ID, "id", "indicator--3600ad1b-fff1-4c98-bcc9-4de3bc2e2ffb"),
    "types": (_TYPE, "type", "indicator"),
    "versions": (_VERSION, "version", "first, last, all or 2016-01-01T01:01:01.000Z"),
    "spec_versions": (_SPEC, "spec_version", "2.1"),
}


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...] | None:
    if not one or not other:
        return one or other
    return tuple(value for value in one if value in other) or None


def _both_versions(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...] | None:
    if one == other:
        return one
    one, other = one or LAST, other or LAST
    if one == ("all",):
        return other
    return one if other == ("all",) else _both(one, other)
