"""The tables of fields, one file for each family of formats."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from backchannel.codec import JsonObject

Family = Literal["zeek", "suricata"]
Reading = Literal["address", "domain", "host", "url", "hash", "email", "holder"]
"""How a value is read. `host`: an address or a name, perhaps with a port. `email`: what stands in a header.
`holder`: whom a certificate is for or from, a distinguished name (RFC 4514), of which the common names count."""
Side = Literal["", "source", "destination", "sender", "recipient"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field that holds observables."""

    name: str
    """As the log spells it; parts of a path are joined by dots, `[]` stands for each member of a list."""
    reading: Reading
    side: Side = ""
    is_list: bool = False
    shows: tuple[str, ...] = ()
    """Kinds of observable (`logs.shown`) of which a log with this field can say that they were not there."""


@dataclass(frozen=True, slots=True)
class UrlField:
    """A URL that a record holds in parts."""

    name: str
    host: str
    port: str
    target: str


@dataclass(frozen=True, slots=True)
class KindOfRecord:
    """Records of one kind, told by a field that each of them has and no other kind has."""

    always: str
    names: frozenset[str]
    """Of the fields that belong to some kind, those that such a record has."""


@dataclass(frozen=True, slots=True)
class FieldTable:
    """What is known of one family of formats."""

    fields: tuple[Field, ...]
    urls: tuple[UrlField, ...]
    time: tuple[str, ...]
    source: tuple[str, ...]
    destination: tuple[str, ...]
    addresses: tuple[str, ...]
    """Fields that name the host a record is about, where it has no two sides."""
    covered: dict[str, str]
    """Name of a field to one that is always beside it."""
    elsewhere: frozenset[str]
    """Names of fields that no kind of `kinds` can have."""
    kinds: tuple[KindOfRecord, ...]


@cache
def field_table(family: Family) -> FieldTable:
    """Return the table of a family."""
    text = files("backchannel.logs").joinpath(f"{family}.toml").read_text("utf-8")
    value = tomllib.loads(text)
    kinds = value.get("kind", [])
    return FieldTable(
        fields=tuple(field for row in value["field"] for field in _fields(row)),
        urls=tuple(UrlField(row["name"], row["host"], row["port"], row["target"]) for row in value["url"]),
        time=tuple(value["time"]),
        source=tuple(value["source"]),
        destination=tuple(value["destination"]),
        addresses=tuple(value["addresses"]),
        covered={name: row["by"] for row in kinds for name in row["names"]},
        elsewhere=frozenset(value.get("elsewhere", [])),
        kinds=tuple(KindOfRecord(row["always"], frozenset(row["names"])) for row in kinds if "always" in row),
    )


def _fields(row: JsonObject) -> list[Field]:
    reading, side = row["reading"], row.get("side", "")
    kinds = row.get("shows", _SHOWS[reading])
    shows = (*kinds, *(f"{kind} {side}" for kind in kinds if side))
    return [Field(name, reading, side, row.get("list", False), shows) for name in row["names"]]


_ADDRESSES = ("ipv4-addr", "ipv6-addr")
_SHOWS: Final[dict[Reading, tuple[str, ...]]] = {
    "address": _ADDRESSES,
    "domain": ("domain-name",),
    "host": ("domain-name",),
    "url": ("url",),
    "hash": (),
    "email": ("email-addr",),
    "holder": ("domain-name",),
}
"""What a field shows where its table does not say so; most hashes are of no file."""
URL_SHOWS: Final = ("url", "domain-name")
"""What a URL in parts shows, one of which is its host."""
