"""Warning lists in the MISP format: what is known to be harmless, shared or everywhere.

A list labels; it never drops anything. What a label does is decided where it is used (`actions.gates`).
Three rules keep the labels honest (measured on public feeds; `docs/reference/warninglists.md`):

- a name is labelled when it *is* on the list, or covers something on it; standing below a listed name says
  nothing against it (`evil.github.io` is not `github.io`), except as context (`x.dyndns.example`);
- networks are compared in both directions: a listed range inside the indicator counts, and the reverse;
- a URL with a path is never covered by a list of hosts.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

from backchannel import codec
from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import Network, normalise, normalise_network, parent_keys
from backchannel.warninglists.classes import ListClass, class_of

MatchKind = Literal["cidr", "hostname", "string", "substring"]
"""How MISP says that a list is compared. `regex` is refused: a foreign expression is not run here."""

MAX_LIST_BYTES = 64 * 2**20
"""Largest list file taken (bytes); the largest public one has a million names in 20 MB."""
MAX_ENTRIES = 2_000_000
MAX_ENTRY_CHARS = 2_048
MAX_COVERED = 4_096
"""Listed names or ranges looked at below one indicator: `com` covers half of a popularity list."""

_HASH = re.compile(r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})\Z")
_NO_LIST = 'not a MISP warning list: it needs an object with "name", "type" and "list"'
_MAPPED_BITS = 96
"""An IPv4 address has its key in ::ffff:0:0/96."""


@dataclass(frozen=True, slots=True)
class WarningList:
    """One list as read, with our class."""

    name: str
    cls: ListClass
    kind: MatchKind
    version: int
    description: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """One list that has something to say about an observable."""

    list: str
    cls: ListClass
    why: str
    """One sentence without a full stop: `8.8.8.8 stands on the list “...”`."""


def parse_warninglist(data: bytes, *, cls: ListClass | None = None) -> WarningList:
    """Read one list in MISP's JSON form.

    Args:
        data: the file's bytes, unpacked.
        cls: its class; by default what our table says for its name.

    Raises:
        ValueError: it is no such list; the sentence names the field and the mend.
    """
    if len(data) > MAX_LIST_BYTES:
        raise ValueError(f"the list has more than {MAX_LIST_BYTES:,} bytes: split it")
    value = codec.decode(data)
    entries = value.get("list") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise ValueError(_NO_LIST)  # noqa: TRY004 - a wrong value, not a wrong call
    name, kind = value.get("name"), value.get("type", "string")
    if not isinstance(name, str) or not name.strip():
        raise ValueError('field "name" is missing: give the list a name')
    if kind == "regex":
        raise ValueError(
            f'the list "{name}" is of type regex: expressions from outside are not run here; '
            "write the values out as type string or hostname"
        )
    if kind not in get_args(MatchKind):
        raise ValueError(f'field "type" is {kind!r}: it must be one of {", ".join(get_args(MatchKind))}')
    if len(entries) > MAX_ENTRIES:
        raise ValueError(f'field "list" has more than {MAX_ENTRIES:,} entries: split the list')
    for number, entry in enumerate(entries):
        if not isinstance(entry, str) or len(entry) > MAX_ENTRY_CHARS:
            raise ValueError(
                f'field "list", entry {number}: not a text of at most {MAX_ENTRY_CHARS} characters'
            )
    version = value.get("version", 0)
    return WarningList(
        name=name.strip(),
        cls=cls or class_of(name.strip()),
        kind=kind,
        version=version if isinstance(version, int) else 0,
        description=str(value.get("description", "")),
        entries=tuple(entries),
    )


@cache
def builtin_lists() -> tuple[WarningList, ...]:
    """Return the small lists that are always there, in order of their files' names."""
    folder = resources.files(__package__).joinpath("builtin")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda f: f.name)
    return tuple(parse_warninglist(file.read_bytes()) for file in files)


class WarningLists:
    """Many lists in one index: `labels` costs some microseconds, however many lists there are."""

    def __init__(self) -> None:
        self.lists: tuple[WarningList, ...] = ()
        self.unread: dict[str, int] = {}
        """Entries that are none of the kinds we match (`azure-application-id`, ...), by list."""
        self._names: dict[bytes, list[int]] = {}
        self._exact: dict[tuple[Kind, bytes], list[int]] = {}
        self._ranges: dict[int, dict[int, list[int]]] = {}
        self._below: frozenset[int] = frozenset()
        self._ordered_names: list[bytes] | None = None
        self._ordered_ranges: list[tuple[int, int]] | None = None

    @classmethod
    def load(cls, lists: Sequence[WarningList]) -> WarningLists:
        """Index `lists`; of two with one name, the later one counts."""
        made = cls()
        made.lists = tuple({item.name: item for item in lists}.values())
        made._below = frozenset(
            number
            for number, item in enumerate(made.lists)
            if item.cls == "context" and item.kind in {"hostname", "substring"}
        )
        for number, item in enumerate(made.lists):
            unread = sum(not made._add(number, entry) for entry in item.entries)
            if unread:
                made.unread[item.name] = unread
        return made

    def _add(self, number: int, entry: str) -> bool:
        thing = _read_entry(entry)
        if thing is None:
            return False
        if isinstance(thing, Network):
            first = int.from_bytes(thing.first, "big")
            self._ranges.setdefault(thing.prefix_bits, {}).setdefault(first, []).append(number)
        elif thing.kind is Kind.ADDRESS:
            first = int.from_bytes(thing.key, "big")
            self._ranges.setdefault(128, {}).setdefault(first, []).append(number)
        elif thing.kind is Kind.DOMAIN:
            self._names.setdefault(thing.key, []).append(number)
        else:
            self._exact.setdefault((thing.kind, thing.key), []).append(number)
        return True

    def labels(self, observable: Observable | Network) -> tuple[Label, ...]:
        """Return at most one label for each list that speaks about `observable`, in the lists' order."""
        found: dict[int, str] = {}
        for number, why in self._reasons(observable):
            found.setdefault(number, why)
        return tuple(
            Label(self.lists[n].name, self.lists[n].cls, f"{found[n]} the list “{self.lists[n].name}”")
            for n in sorted(found)
        )

    def _reasons(self, thing: Observable | Network) -> Iterator[tuple[int, str]]:
        if isinstance(thing, Network):
            first, last = int.from_bytes(thing.first, "big"), int.from_bytes(thing.last, "big")
            yield from self._of_range(first, last, thing.prefix_bits, thing.text)
        elif thing.kind is Kind.ADDRESS:
            first = int.from_bytes(thing.key, "big")
            yield from self._of_range(first, first, 128, thing.value)
        elif thing.kind is Kind.DOMAIN:
            yield from self._of_name(thing.key, thing.value)
        else:
            for number in self._exact.get((thing.kind, thing.key), ()):
                yield number, f"{_short(thing.value)} stands on"
            if thing.kind is Kind.URL:
                yield from self._of_url(thing)
            elif thing.kind is Kind.EMAIL:
                yield from self._of_parents(thing.key.split(b"@")[0], thing.value)

    def _of_url(self, url: Observable) -> Iterator[tuple[int, str]]:
        host, _, rest = url.key.partition(b"/")
        if rest:  # a path: a list of hosts says nothing about one page of a host
            return
        host = re.sub(rb"(?<=[^:]):\d+\Z", b"", host)
        if host.endswith(b"."):
            yield from self._of_name(host, url.value)
            return
        try:
            address = normalise(Kind.ADDRESS, host.decode("ascii").strip("[]"))
        except ValueError:
            return
        first = int.from_bytes(address.key, "big")
        yield from self._of_range(first, first, 128, url.value)

    def _of_name(self, key: bytes, value: str) -> Iterator[tuple[int, str]]:
        for number in self._names.get(key, ()):
            yield number, f"{_short(value)} stands on"
        if self._ordered_names is None:
            self._ordered_names = sorted(self._names)
        names = self._ordered_names
        at = bisect_left(names, key)
        for name in names[at : at + MAX_COVERED]:
            if not name.startswith(key):
                break
            if name != key:
                for number in self._names[name]:
                    yield number, f"{_short(value)} covers {_name_of(name)}, which stands on"
        yield from self._of_parents(key, value, proper=True)

    def _of_parents(self, key: bytes, value: str, *, proper: bool = False) -> Iterator[tuple[int, str]]:
        if not self._below:
            return
        for parent in [*([] if proper else [key]), *parent_keys(key)]:
            for number in self._names.get(parent, ()):
                if number in self._below:
                    yield number, f"{_short(value)} belongs to {_name_of(parent)}, which stands on"

    def _of_range(self, first: int, last: int, bits: int, value: str) -> Iterator[tuple[int, str]]:
        for length in sorted(self._ranges, reverse=True):
            if length > bits:
                continue
            start = first >> (128 - length) << (128 - length)
            for number in self._ranges[length].get(start, ()):
                inside = length != bits
                text = f"lies inside {_range_of(start, length)}, which stands on" if inside else "stands on"
                yield number, f"{value} {text}"
        if bits < 128:
            for start, length in self._ranges_within(first, last):
                for number in self._ranges[length][start]:
                    yield number, f"{value} covers {_range_of(start, length)}, which stands on"

    def _ranges_within(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        if self._ordered_ranges is None:
            self._ordered_ranges = sorted(
                (start, length) for length, starts in self._ranges.items() for start in starts
            )
        ranges = self._ordered_ranges
        at = bisect_left(ranges, (first, 0))
        for start, length in ranges[at : at + MAX_COVERED]:
            if start > last:
                break
            yield start, length


def _read_entry(entry: str) -> Observable | Network | None:
    """Read one entry by its shape: lists mix spellings (`.example.com`, `8.8.8.8/32`, `AAA`)."""
    text = entry.strip()
    try:
        if "://" in text:
            return normalise(Kind.URL, text)
        if "@" in text:
            return normalise(Kind.EMAIL, text)
        if _HASH.match(text):
            return normalise(Kind.HASH, text)
        if text[:1].isdigit() or ":" in text:
            address = _read_address(text)
            if address is not None:
                return address
        if "/" in text:
            return normalise(Kind.URL, text)
        return normalise(Kind.DOMAIN, text.removeprefix("*").removeprefix("."))
    except ValueError:
        return None


def _read_address(text: str) -> Observable | Network | None:
    try:
        return normalise_network(text) if "/" in text else normalise(Kind.ADDRESS, text)
    except ValueError:
        return None


def _short(value: str) -> str:
    return value if len(value) <= 80 else value[:79] + "…"


def _name_of(key: bytes) -> str:
    return ".".join(reversed(key.decode("ascii").rstrip(".").split(".")))


def _range_of(first: int, bits: int) -> str:
    address = ipaddress.IPv6Address(first)
    mapped = address.ipv4_mapped
    if mapped is not None and bits >= _MAPPED_BITS:
        return str(mapped) if bits == 128 else f"{mapped}/{bits - _MAPPED_BITS}"
    return str(address) if bits == 128 else f"{address}/{bits}"
