"""Which entries of the compiled set a value meets, and how: the one exact judgement, for every way of hunting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from backchannel.logs.tables import Side
from backchannel.matching.entries import Entry
from backchannel.observables.hosts import IPV4_PREFIX, parent_keys
from backchannel.observables.kinds import PERSONAL, Kind, Observable
from backchannel.observables.suffixes import is_public_suffix
from backchannel.observables.urls import host_of
from backchannel.stix.pattern.regex import like_match

Scope = Literal["exact", "subdomain", "cidr", "url prefix", "prefix", "suffix", "partial"]


class Filed(NamedTuple):
    """One entry as the set's files hold it."""

    probe: str
    object_row: int
    kind: str
    operator: str
    key: str
    """Hexadecimal."""
    last: str
    value: str
    side: str


def filed(object_row: int, entry: Entry) -> Filed:
    """Return an entry of an indicator as the set's files hold it."""
    return Filed(
        entry.probe,
        object_row,
        entry.kind,
        entry.operator,
        entry.key.hex(),
        entry.last.hex(),
        entry.value,
        entry.side,
    )


class Met(NamedTuple):
    """One entry that a value meets."""

    object_row: int
    scope: Scope
    observable: Observable
    """What stands in the log."""
    side: Side
    """The side on which alone it counts; "" for any."""


@dataclass(slots=True)
class EntryIndex:
    """Entries in memory, found by key."""

    exact: dict[tuple[str, bytes], list[Filed]] = field(default_factory=dict)
    below: dict[bytes, list[Filed]] = field(default_factory=dict)
    blocks: dict[str, list[tuple[bytes, bytes, Filed]]] = field(default_factory=dict)
    begins: dict[str, list[tuple[bytes, Filed]]] = field(default_factory=dict)
    plain: list[Filed] = field(default_factory=list)

    def add(self, entries: Iterable[Filed]) -> None:
        """Add entries; the same entry is added once by its owner."""
        for entry in entries:
            key = bytes.fromhex(entry.key)
            if entry.operator == "net":
                block = (key, bytes.fromhex(entry.last), entry)
                self.blocks.setdefault(entry.probe, []).append(block)
            elif entry.operator == "begins":
                self.begins.setdefault(entry.probe, []).append((key, entry))
            elif entry.operator in {"starts", "ends", "like"}:
                self.plain.append(entry)
            if entry.operator == "equal":
                self.exact.setdefault((entry.kind, key), []).append(entry)
            if entry.operator in {"equal", "below"} and entry.kind == Kind.DOMAIN:
                self.below.setdefault(key, []).append(entry)

    def met(self, seen: Observable) -> Iterator[Met]:
        """Yield what `seen` meets; an indicator with several entries may come several times."""
        for entry in self.exact.get((seen.kind.value, seen.key), ()):
            yield _met(entry, "exact", seen)
        if seen.kind is Kind.DOMAIN:
            yield from self._above(seen)
        elif seen.kind is Kind.ADDRESS and self.blocks:
            for first, last, entry in self.blocks.get(block_probe(seen), ()):
                if first <= seen.key <= last:
                    yield _met(entry, "cidr", seen)
        elif seen.kind is Kind.URL:
            for key, entry in self.begins.get("u:" + host_of(seen.value), ()):
                if seen.key.startswith(key):
                    yield _met(entry, "url prefix", seen)
        if self.plain:
            yield from self._plain(seen)

    def _above(self, seen: Observable) -> Iterator[Met]:
        for parent in parent_keys(seen.key):
            for entry in self.below.get(parent, ()):
                # A hit below a public suffix would say that somebody has a name there, no more. (Asked of what
                # is met only: to load the list of suffixes takes 60 ms.)
                if entry.operator == "below" or not is_public_suffix(entry.value):
                    yield _met(entry, "subdomain", seen)

    def _plain(self, seen: Observable) -> Iterator[Met]:
        text = seen.value.lower()
        for entry in self.plain:
            if entry.kind != seen.kind.value:
                continue
            if entry.operator == "ends" and text.endswith(entry.value):
                yield _met(entry, "suffix", _kept(seen, f"%{entry.value}"))
            elif entry.operator == "like" and any(map(like_match(entry.value), with_schemes(text))):
                yield _met(entry, "exact", _kept(seen, entry.value))
            elif entry.operator == "starts" and text.startswith(entry.value):
                scope: Scope = "url prefix" if seen.kind is Kind.URL else "prefix"
                yield _met(entry, scope, _kept(seen, f"{entry.value}%"))


def with_schemes(url: str) -> tuple[str, ...]:
    """Return a URL of the web by either scheme, since most logs do not say which; anything else as it is."""
    scheme, mark, rest = url.partition("://")
    return (url, f"{_WEB[scheme]}://{rest}") if mark and scheme in _WEB else (url,)


_WEB: Final = {"http": "https", "https": "http"}


def _kept(seen: Observable, listed: str) -> Observable:
    """Return what a hit keeps: of a kind that can point to a person what is listed, never whom that fits."""
    if seen.kind not in PERSONAL.values():
        return seen
    return Observable(seen.kind, listed, seen.key, seen.stix_type)


def _met(entry: Filed, scope: Scope, seen: Observable) -> Met:
    return Met(entry.object_row, scope, seen, entry.side)  # type: ignore[arg-type]  # written by `entries`


def block_probe(address: Observable) -> str:
    """Return the coarse text under which blocks that could hold `address` are filed."""
    if not address.key.startswith(IPV4_PREFIX):
        return "6:"
    return f"n:{address.key[12]}.{address.key[13]}."
