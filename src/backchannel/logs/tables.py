"""The tables of fields, one file for each family of formats."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from backchannel.codec import JsonObject
from backchannel.logs.times import PLAIN

Reading = Literal[
    "address",
    "domain",
    "host",
    "url",
    "hash",
    "hashes",
    "answers",
    "email",
    "holder",
    "phone",
    "sip",
    "caller",
    "account",
    "certificate",
    "serial",
    "ja3",
    "ja4",
    "hassh",
    "ssh_key",
    "file",
    "agent",
    "command",
    "registry",
    "mutex",
    "mac",
]
"""How a value is read. `host`: an address or a name, perhaps with a port. `email`: what stands in a header.
`hashes`: several, each behind its algorithm (`MD5=...,SHA256=...`). `answers`: names and addresses in a text of DNS.
`holder`: whom a certificate is for or from, a distinguished name (RFC 4514), of which the common names count.
`caller`: a SIP address or a phone number. `file`: a name, perhaps with its folders."""
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
    shows: tuple[str, ...]


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
    """Names of fields: of those that a log has, the first is its records' time."""
    times: tuple[str, ...]
    """Forms that times have (`logs.times`)."""
    source: tuple[str, ...]
    destination: tuple[str, ...]
    addresses: tuple[str, ...]
    """Fields that name the host a record is about, where it has no two sides."""
    covered: dict[str, str]
    """Name of a field to one that is always beside it."""
    elsewhere: frozenset[str]
    """Names of fields that no kind of `kinds` can have."""
    kinds: tuple[KindOfRecord, ...]
    spellings: int
    """In how many ways writers spell a name with dots: nested, with dots (2), with underscores (3)."""
    spelling_told_by: str
    """A name with dots that all records have which could show a spelling; "": none is known."""


Group = Literal["json", "lines", "columns"]
"""How the records of a format are written: JSON objects, lines of text of certain shapes, or named columns."""
MAPPED: Final = "csv"
"""The format of a log that is read by a mapping of the operator's own."""
ZEEK: Final = "zeek"
"""The table that Zeek's tab-separated logs share with its JSON."""


@dataclass(frozen=True, slots=True)
class Mark:
    """By what a record is told to be of a format: it has all of some fields, and one of others."""

    every: frozenset[str]
    some: frozenset[str]
    """Empty: none is needed."""
    objects: frozenset[str]
    """Do as well as one of `some`, where they hold an object."""


@dataclass(frozen=True, slots=True)
class JsonTable:
    """A format whose records are JSON objects, one a line."""

    format: str
    rank: int
    """Which table is asked first: a lower one."""
    marks: tuple[Mark, ...]
    fields: FieldTable


@dataclass(frozen=True, slots=True)
class LineTable:
    """A format whose records are lines of text."""

    format: str
    programs: tuple[str, ...]
    """By which name syslog knows who writes such lines, in lower case."""
    shapes: tuple[str, ...]
    """Regular expressions with named groups, which are the fields; a line is of the first that matches it."""
    fields: FieldTable


@dataclass(frozen=True, slots=True)
class ColumnTable:
    """A format whose records are lines of cells."""

    format: str
    header: str
    """How a line begins that names the columns; "": the first line names them, or nothing does."""
    separator: str
    """Between cells, where no such line says it."""
    columns: tuple[str, ...]
    """Their names where nothing in the log says them; (): something does."""
    least: int
    """So many of these each line has at least."""
    told_by: tuple[tuple[str, str], ...]
    """Column and regular expression of all that may stand in it: by that such a log is told."""
    is_utc: bool
    """Whether times without a zone are in UTC, whatever the operator says of others."""
    fields: FieldTable


@cache
def names(group: Group) -> tuple[str, ...]:
    """Return the names of the tables of a group, without reading one: a file in its folder is a table."""
    folder = files("backchannel.logs").joinpath("formats", group)
    return tuple(
        sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    )


@cache
def formats() -> tuple[str, ...]:
    """Return the names of all formats that are read."""
    return (
        "zeek-tsv",
        *(table.format for table in json_tables()),
        "syslog",
        *names("lines"),
        *names("columns"),
    )


@cache
def json_tables() -> tuple[JsonTable, ...]:
    """Return all tables of JSON formats, in the order in which they are asked whether a record is theirs."""
    tables = [_json_table(name, _read("json", name)) for name in names("json")]
    return tuple(sorted(tables, key=lambda table: (table.rank, table.format)))


@cache
def json_table(format_: str) -> JsonTable:
    """Return the table of a JSON format."""
    return next(table for table in json_tables() if table.format == format_)


@cache
def line_table(name: str) -> LineTable:
    """Return a table of lines of text."""
    value = _read("lines", name)
    return LineTable(
        name,
        tuple(program.lower() for program in value.get("programs", [])),
        tuple("".join(row["shape"]) for row in value["line"]),
        _field_table(value),
    )


@cache
def column_table(name: str) -> ColumnTable:
    """Return a table of columns."""
    return column_table_of(name, _read("columns", name))


def column_table_of(name: str, value: JsonObject) -> ColumnTable:
    """Return a table from what stands in its file."""
    return ColumnTable(
        name,
        value.get("header", ""),
        value.get("separator", ","),
        tuple(value.get("columns", [])),
        value.get("least", len(value.get("columns", []))),
        tuple(value.get("told_by", {}).items()),
        value.get("utc", False),
        _field_table(value),
    )


@cache
def field_table(name: str) -> FieldTable:
    """Return the fields of a JSON table, by its file."""
    return _field_table(_read("json", name))


def _read(group: Group, name: str) -> JsonObject:
    text = files("backchannel.logs").joinpath("formats", group, f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _json_table(name: str, value: JsonObject) -> JsonTable:
    marks = tuple(
        Mark(frozenset(row["every"]), frozenset(row.get("some", [])), frozenset(row.get("objects", [])))
        for row in value["told_by"]
    )
    return JsonTable(value.get("format", name), value.get("rank", 0), marks, field_table(name))


def _field_table(value: JsonObject) -> FieldTable:
    kinds = value.get("kind", [])
    others = [field_table(name) for name in value.get("also", [])]
    below = value.get("below", [""])

    def named(key: str) -> tuple[str, ...]:
        return tuple(name for short in value.get(key, []) for name in _below(short, below))

    return FieldTable(
        fields=(
            *(field for row in value["field"] for field in _fields(row, below)),
            *(field for other in others for field in other.fields),
        ),
        urls=tuple(
            UrlField(
                row["name"],
                row["host"],
                row.get("port", ""),
                row["target"],
                tuple(row.get("shows", URL_SHOWS)),
            )
            for row in value.get("url", [])
        ),
        time=named("time"),
        times=tuple(value.get("times", PLAIN)),
        source=(*named("source"), *(name for other in others for name in other.source)),
        destination=(*named("destination"), *(name for other in others for name in other.destination)),
        addresses=(*named("addresses"), *(name for other in others for name in other.addresses)),
        covered={name: row["by"] for row in kinds for name in row["names"]},
        elsewhere=frozenset(value.get("elsewhere", [])),
        kinds=tuple(KindOfRecord(row["always"], frozenset(row["names"])) for row in kinds if "always" in row),
        spellings=value.get("spellings", 2),
        spelling_told_by=value.get("spelling_told_by", ""),
    )


def _below(name: str, places: list[str]) -> list[str]:
    """Return the names that one with `*` stands for: its last part in each of the places."""
    if not name.startswith("*."):
        return [name]
    return [f"{place}.{name[2:]}" if place else name[2:] for place in places]


def _fields(row: JsonObject, below: list[str]) -> list[Field]:
    reading, side = row["reading"], row.get("side", "")
    kinds = row.get("shows", _SHOWS[reading])
    shows = (*kinds, *(f"{kind} {side}" for kind in kinds if side))
    return [
        Field(name, reading, side, row.get("list", False), shows)
        for short in row["names"]
        for name in _below(short, below)
    ]


_ADDRESSES = ("ipv4-addr", "ipv6-addr")
_SHOWS: Final[dict[Reading, tuple[str, ...]]] = {
    "address": _ADDRESSES,
    "domain": ("domain-name",),
    "host": ("domain-name",),
    "url": ("url",),
    "hash": (),
    "hashes": (),
    "answers": ("domain-name",),
    "email": ("email-addr",),
    "holder": ("domain-name",),
    "phone": ("x-phone-number",),
    "sip": ("sip",),
    "caller": ("sip", "x-phone-number"),
    "account": ("user-account",),
    "certificate": (),
    "serial": ("x509-certificate:serial_number",),
    "ja3": ("ja3",),
    "ja4": ("ja4",),
    "hassh": ("hassh",),
    "ssh_key": ("ssh-key",),
    "file": ("file:name",),
    "agent": ("user-agent",),
    "command": ("process:command_line",),
    "registry": ("windows-registry-key",),
    "mutex": ("mutex",),
    "mac": ("mac-addr",),
}
"""What a field shows where its table does not say so; most hashes are of no file."""
URL_SHOWS: Final = ("url", "domain-name")
"""What a URL in parts shows, one of which is its host."""
