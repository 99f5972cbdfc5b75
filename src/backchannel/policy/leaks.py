"""Look for what of our own must not leave: addresses and names of ours, persons, paths, fields of no known meaning.

Only what was named beforehand can be found so. A unique fact (the name of a tool that was used against one victim only)
tells as much as a name does, and no scan knows it: that is left to the person who looks at the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

import msgspec

from backchannel import codec
from backchannel.codec import JsonObject

MAX_LEAKS: Final = 20
"""Leaks of one object that are named."""
SHORTEST: Final = 3
"""A shorter word is in every text."""

_V4 = re.compile(rb"(?<![0-9.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![0-9])")
_V6 = re.compile(rb"[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}(?![0-9a-f:])")
_CUSTOM_FIELD = re.compile(rb'(?<!\\)"(x_[^"\\]*)":')
"""The name of a property, however deep it stands; in a text each quotation mark has a backslash before it."""
_MAYBE_PATH = re.compile(rb"/home/|/users/|\\")
_USER_PATH = re.compile(rb"(?:/home/|/users/|\\users\\|\\documents and settings\\)([^/\\\" ']{1,64})[/\\\"]")
_UNC_PATH = re.compile(rb"(?<![\\\w:])\\\\[a-z0-9][a-z0-9._-]{0,62}\\")
_INSIDE: Final = frozenset(bytes([one]) for one in b"0123456789abcdef:.")
"""What stands before the middle of an address, and not before its beginning."""
_NOBODY: Final = frozenset({b"public", b"default", b"all users", b"shared", b"user", b"username"})
"""Folders that are nobody's."""


class Leak(msgspec.Struct, frozen=True):
    """One thing of ours that stands in an object."""

    kind: str
    """`address`, `name`, `host`, `person`, `word`, `path` or `field`."""
    what: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What is looked for, ready."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    octets: re.Pattern[bytes] | None
    """How an address in one of our IPv4 networks begins."""
    groups: re.Pattern[bytes] | None
    """How one in our IPv6 networks begins."""
    words: tuple[tuple[str, bytes], ...]
    """(kind, word in small letters)."""
    paths: bool
    custom_fields: bool

    def leaks(self, value: JsonObject) -> tuple[Leak, ...]:
        """Return what is found in an object, at most `MAX_LEAKS`."""
        found: dict[Leak, None] = {}
        for leak in self._found(value):
            found[leak] = None
            if len(found) >= MAX_LEAKS:
                break
        return tuple(found)

    def in_text(self, text: str) -> tuple[Leak, ...]:
        """Return what is found in a text that is no object: the name of a file, what stands in it."""
        return self.leaks({"": text})

    def _found(self, value: JsonObject) -> Iterator[Leak]:
        encoded = codec.encode(value)
        body = encoded.lower() if encoded.isascii() else encoded.decode().lower().encode()
        if self.custom_fields and b'"x_' in body:
            yield from (Leak("field", match[1].decode()) for match in _CUSTOM_FIELD.finditer(body))
        for kind, word in self.words:
            if word in body and _stands_alone(body, word):
                yield Leak(kind, word.decode())
        if self.octets is not None and self.octets.search(body):
            yield from self._addresses(body, (match.start() for match in _V4.finditer(body)), _V4)
        if self.groups is not None:
            yield from self._addresses(body, (match.start() for match in self.groups.finditer(body)), _V6)
        if self.paths and _MAYBE_PATH.search(body):
            yield from _paths(body.replace(b"\\\\", b"\\"))

    def _addresses(self, body: bytes, starts: Iterator[int], form: re.Pattern[bytes]) -> Iterator[Leak]:
        for start in starts:
            match = form.match(body, start)
            if match is None or (start and body[start - 1 : start] in _INSIDE):
                continue
            try:
                address = ip_address(match[0].decode())
            except ValueError:
                continue
            if any(address in network for network in self.networks if network.version == address.version):
                yield Leak("address", str(address))


def scan_of(
    *,
    networks: Sequence[str] = (),
    domains: Sequence[str] = (),
    hosts: Sequence[str] = (),
    persons: Sequence[str] = (),
    words: Sequence[str] = (),
    paths: bool = True,
    custom_fields: bool = True,
) -> Scan:
    """Return what looks for these; words are found in any case, and only where they stand alone."""
    listed = tuple(ip_network(one, strict=False) for one in networks)
    named = [("name", one) for one in domains]
    named += [("host", one) for one in hosts] + [("person", one) for one in persons]
    named += [("word", one) for one in words]
    return Scan(
        listed,
        _any_of([_octets(one) for one in listed if one.version == 4]),
        _groups([one for one in listed if one.version == 6]),
        tuple((kind, _quoted(word)) for kind, word in named if len(word) >= SHORTEST),
        paths,
        custom_fields,
    )


def _any_of(words: Sequence[bytes]) -> re.Pattern[bytes] | None:
    """Return what looks for all of these in one pass."""
    return re.compile(b"|".join(map(re.escape, dict.fromkeys(words)))) if words else None


def _octets(network: IPv4Network | IPv6Network) -> bytes:
    """Return how addresses of an IPv4 network begin: the octets that lie wholly in its prefix."""
    whole = network.prefixlen // 8
    octets = str(network.network_address).split(".")[:whole]
    return (".".join(octets) + ("." if whole < 4 else "")).encode()


def _groups(networks: Sequence[IPv4Network | IPv6Network]) -> re.Pattern[bytes] | None:
    """Return how addresses of IPv6 networks begin, as far as their first group tells; None: there are none."""
    leads: set[str] = set()
    for network in networks:
        first = int(network.network_address) >> 112
        if first < 0x1000:  # written without its zeros
            leads.add("[0-9a-f]")
            continue
        whole, rest = divmod(min(network.prefixlen, 16), 4)
        digits = f"{first:04x}"
        last = int(digits[whole], 16) if rest else 0
        some = f"[{''.join(f'{last + one:x}' for one in range(1 << (4 - rest)))}]" if rest else ""
        leads.add(digits[:whole] + some)
    if not leads:
        return None
    return re.compile("(?:{})[0-9a-f]{{0,3}}:".format("|".join(sorted(leads))).encode())


def _quoted(word: str) -> bytes:
    """Return a word as it stands in JSON, in small letters."""
    return codec.encode(word.lower())[1:-1]


def _stands_alone(body: bytes, word: bytes) -> bool:
    form = rb"(?<![0-9a-z_-])" + re.escape(word) + rb"(?![0-9a-z_-])"
    return re.search(form, body) is not None


def _paths(body: bytes) -> Iterator[Leak]:
    for match in _USER_PATH.finditer(body):
        if match[1].strip() not in _NOBODY:
            yield Leak("path", match[0].rstrip(b'"').decode("utf-8", "replace"))
    for match in _UNC_PATH.finditer(body):
        yield Leak("path", match[0].decode("utf-8", "replace"))
