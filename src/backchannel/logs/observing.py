"""One record of a log as an observation, so that a whole pattern can be judged of it.

Its objects are made of what the record's layout reads (addresses, names, URLs, hashes, mail addresses), and of
what the tables in `beside/` name besides: ports, protocols, sizes, subjects. Values are normalised, so that
the pattern's, normalised too (`matching.terms`), are compared with them letter for letter.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.logs.cells import cell_of, observables
from backchannel.logs.layout import FieldAt, Layout, Row
from backchannel.logs.records import UNSET
from backchannel.observables.kinds import Kind, Observable
from backchannel.stix.pattern.ast import Exists, Observation, Path
from backchannel.stix.pattern.observed import Seen
from backchannel.stix.pattern.parse import parse

NO_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""Stands for the time of a record without one."""
MAX_LISTED: Final = 100
"""Members of a list in a record that are looked at."""


@dataclass(frozen=True, slots=True)
class Beside:
    """One path of patterns, and the fields of a format that tell it."""

    path: Path
    kind: Literal["text", "number", "list"]
    names: tuple[str, ...]


@cache
def beside(format_: str) -> tuple[Beside, ...]:
    """Return what the records of a format say beside their observables; nothing where no table is."""
    file = files("backchannel.logs.beside").joinpath(f"{format_.partition('-')[0]}.toml")
    if not file.is_file():
        return ()
    table = tomllib.loads(file.read_text("utf-8"))
    return tuple(
        Beside(_path(path), kind, tuple(names))
        for kind in ("text", "number", "list")
        for path, names in table.get(kind, {}).items()
    )


def _path(text: str) -> Path:
    root = parse(f"[EXISTS {text}]").root
    if not isinstance(root, Observation) or not isinstance(root.expression, Exists):
        raise TypeError(f"{text} is no path")
    return root.expression.path


def value_at(record: JsonObject, name: str) -> object:
    """Return what a record holds under a name with dots, however its writer spells it; None for nothing."""
    for key in (name, name.replace(".", "_")):
        if key in record:
            return record[key]
    value: object = record
    for key in name.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def shown_paths(layout: Layout, has_name: Iterable[str], off: Collection[Kind]) -> frozenset[str]:
    """Return the paths that records of a log can show.

    Args:
        layout: what of them is read as observables.
        has_name: names of other fields that some record of the log has.
        off: kinds that are not looked at in it.
    """
    names = frozenset(has_name)
    told = {str(one.path) for one in beside(layout.format) if not names.isdisjoint(one.names)}
    shown = told.union(*(_shown_by(one) for one in layout.fields))
    return frozenset(path for path in shown if not (Kind.EMAIL in off and path.startswith(_OF_MAIL)))


_OF_MAIL: Final = ("email-message:", "email-addr:")


_OF_READING: Final[Mapping[str, tuple[str, ...]]] = {
    "address": ("ipv4-addr:value", "ipv6-addr:value"),
    "domain": ("domain-name:value",),
    "host": ("ipv4-addr:value", "ipv6-addr:value", "domain-name:value"),
    "url": ("url:value", "ipv4-addr:value", "ipv6-addr:value", "domain-name:value"),
    "answers": ("ipv4-addr:value", "ipv6-addr:value", "domain-name:value"),
    "email": ("email-addr:value",),
    "mac": ("mac-addr:value",),
    "holder": ("ipv4-addr:value", "ipv6-addr:value", "domain-name:value"),
}
_OF_SIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "source": ("network-traffic:src_ref.value", "network-traffic:src_ref.type"),
    "destination": ("network-traffic:dst_ref.value", "network-traffic:dst_ref.type"),
    "sender": ("email-message:from_ref.value", "email-message:sender_ref.value"),
    "recipient": ("email-message:to_refs[*].value", "email-message:cc_refs[*].value"),
}
_HASHES: Final = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}
_FILE_HASH: Final = "file:hashes."


def _shown_by(one: FieldAt) -> Iterator[str]:
    yield from _OF_READING.get(one.reading, ())
    yield from _OF_SIDE.get(one.side, ())
    for kind in one.shows:
        if kind.startswith(_FILE_HASH):
            yield str(Path("file", ("hashes", kind.removeprefix(_FILE_HASH))))


def observe(
    layout: Layout, cells: Row, record: JsonObject, shows: frozenset[str], off: Collection[Kind] = ()
) -> Seen:
    """Return a record as an observation.

    Args:
        layout: of the record.
        cells: of the record, in the columns of its layout.
        record: all its fields by name, for what stands beside the observables; may be empty.
        shows: paths that records of its log can show.
        off: kinds that are not looked at in it.

    Returns:
        The observation; one without a time that can be read is at `NO_TIME`.
    """
    made = _Objects()
    for one in layout.fields:
        cell = cell_of(one, cells)
        if cell is not None:
            for seen in observables(one.reading, cell, is_list=one.is_list):
                if seen.kind not in off:
                    made.take(one, seen)
    for told in beside(layout.format):
        if str(told.path) in shows:
            made.tell(told, record)
    at = layout.seen_at(cells) or NO_TIME
    return Seen(made.finished(), at, at, shows=shows)


_WITH_VALUE: Final = frozenset(
    {Kind.ADDRESS, Kind.DOMAIN, Kind.URL, Kind.EMAIL, Kind.MAC, Kind.PHONE, Kind.SIP}
)
"""Kinds whose object is its `value`."""


class _Objects:
    """The objects of one record in the making."""

    def __init__(self) -> None:
        self.objects: dict[str, JsonObject] = {}
        self.single: dict[str, JsonObject] = {}
        """Objects of which a record has one, by type: its traffic, its file, its mail."""
        self.senders: list[str] = []
        self.recipients: list[str] = []

    def take(self, one: FieldAt, seen: Observable) -> None:
        """Take in what stands in a field."""
        if seen.kind is Kind.HASH:
            self._take_hash(one, seen)
            return
        if seen.kind not in _WITH_VALUE:
            return  # it is told beside, as the log writes it, or not at all
        name = f"{seen.stix_type} {seen.value}"
        self.objects.setdefault(name, {"type": seen.stix_type, "value": seen.value})
        if seen.kind is Kind.URL and len(one.columns) > 1 and seen.value.startswith("http://"):
            # The record does not say by which scheme it was asked for.
            other = f"https{seen.value[4:]}"
            self.objects.setdefault(f"url {other}", {"type": "url", "value": other})
        if seen.kind in {Kind.ADDRESS, Kind.DOMAIN} and one.side in _ENDS:
            self._single("network-traffic").setdefault(_ENDS[one.side], name)
        elif seen.kind is Kind.EMAIL and one.side in {"sender", "recipient"}:
            (self.senders if one.side == "sender" else self.recipients).append(name)

    def _take_hash(self, one: FieldAt, seen: Observable) -> None:
        algorithm = _HASHES.get(len(seen.value), "")
        if f"{_FILE_HASH}{algorithm}" not in one.shows:
            return  # of a certificate, or of how something was spoken
        if one.is_list:
            self.objects[f"file {seen.value}"] = {"type": "file", "hashes": {algorithm: seen.value}}
        else:
            self._single("file").setdefault("hashes", {})[algorithm] = seen.value

    def tell(self, told: Beside, record: JsonObject) -> None:
        """Take in what stands beside."""
        values = [value for name in told.names if (value := value_at(record, name)) is not None]
        kept = list(_converted(told, values if told.kind == "list" else values[:1]))
        if kept:
            steps = [step for step in told.path.steps if isinstance(step, str)]
            place = self._single(told.path.object_type)
            for step in steps[:-1]:
                place = place.setdefault(step, {})
            place[steps[-1]] = kept if told.kind == "list" else kept[0]

    def _single(self, stix_type: str) -> JsonObject:
        return self.single.setdefault(stix_type, {"type": stix_type})

    def finished(self) -> Mapping[str, JsonObject]:
        """Return the objects by name."""
        mail = self.single.pop("email-message", None)
        if mail is not None or self.senders or self.recipients:
            # Of several senders (of the envelope, of the header) each may be the one that a pattern names.
            for number, sender in enumerate(self.senders or [""]):
                refs = {"from_ref": sender, "sender_ref": sender} if sender else {}
                to = {"to_refs": self.recipients, "cc_refs": self.recipients} if self.recipients else {}
                self.objects[f"mail {number}"] = {**(mail or {"type": "email-message"}), **refs, **to}
        self.objects.update(self.single)
        return self.objects


_ENDS: Final[Mapping[str, str]] = {"source": "src_ref", "destination": "dst_ref"}


def _converted(told: Beside, values: Sequence[object]) -> Iterator[str | int]:
    for value in values:
        if told.kind == "number":
            if (number := _number(value)) is not None:
                yield number
        elif isinstance(value, list):
            yield from (one for one in value[:MAX_LISTED] if isinstance(one, str))
        elif isinstance(value, str) and value not in UNSET:
            text = value.lower() if told.kind == "list" else value
            yield from text.split(",")[:MAX_LISTED] if told.kind == "list" else [text]


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit():
        return int(value)
    return None


def named_values(line: bytes, names: Sequence[str]) -> JsonObject:
    """Return the fields of a line by name: of a JSON record its keys, of a table the columns `names`.

    What cannot be read has none.
    """
    if names:
        cells = line.decode("utf-8", "replace").split("\t")
        return {name: cell for name, cell in zip(names, cells, strict=False) if cell not in UNSET}
    try:
        record = codec.decode(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
