"""What a pattern becomes in the compiled indicator set: entries, each found by one coarse text.

Two steps find a hit. The coarse text, the *probe*, can be made from a log's value in SQL: it may let too
much through and never too little. The few values that share a probe with an entry are then judged here,
by the normaliser that also read the indicator, so that both sides mean the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from backchannel.observables.guess import guess
from backchannel.observables.kinds import Kind, Network, Observable
from backchannel.observables.normalise import normalise, normalise_network, normaliser
from backchannel.observables.urls import host_of
from backchannel.stix.pattern.atoms import (
    SEARCHABLE,
    Atom,
    atoms,
    equality,
    found_in,
    has_wildcard_inside,
    named,
    searched_in,
)
from backchannel.stix.pattern.compound import split
from backchannel.stix.pattern.parse import PatternError, fast_equality
from backchannel.stix.visible import visible

Operator = Literal["equal", "below", "net", "begins", "starts", "ends", "like"]
"""`equal`: this, and for a name what lies below it. `below`: what lies below a name. `net`: a block of
addresses. `begins`: a URL key begins so. `starts`, `ends`: plain text, tried on every value of the kind. `like`: so is
a pattern of LIKE; only an anchor."""
Side = Literal["", "source", "destination", "sender", "recipient"]

MIN_V4_BITS: Final = 96 + 8
"""A block of IPv4 addresses wider than /8 says nothing (matching.md §5.2)."""
MIN_V6_BITS: Final = 19
"""The same for IPv6."""
_V4_PREFIX: Final = bytes(10) + b"\xff\xff"

_READERS: Final = {
    path: tuple(normaliser(Kind[name.upper()]) for name in names) for path, names in SEARCHABLE.items()
}
_SIDES: Final[dict[str, Side]] = {
    "network-traffic:src_ref.value": "source",
    "network-traffic:dst_ref.value": "destination",
    "email-message:from_ref.value": "sender",
    "email-message:sender_ref.value": "sender",
    "email-message:to_refs[*].value": "recipient",
    "email-message:cc_refs[*].value": "recipient",
}


class Entry(NamedTuple):
    """One value of one indicator, as the compiled set keeps it."""

    probe: str
    kind: Kind
    operator: Operator
    key: bytes
    """Key of the value (`observables`); of a block, its lowest address; empty for plain text."""
    last: bytes
    """Of a block, its highest address; else empty."""
    value: str
    """The value in its normal spelling; of `starts` and `ends`, the text in lower case."""
    side: Side
    """The only side of a record on which it counts; "" for any."""


def entries_of(pattern: str, *, stix_version: str) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Compile one pattern.

    Returns:
        The entries, each once, and in words what of the pattern is not searched.
    """
    plain = fast_equality(pattern)
    if plain is not None and plain[0] in SEARCHABLE:  # nearly every indicator
        try:
            return tuple(_entries(equality(*plain))), ()
        except ValueError as error:
            return (), (str(error),)
    try:
        found = atoms(pattern, stix_version=stix_version)
    except PatternError as error:
        return (), (f"the pattern cannot be read: {visible(str(error))}",)
    entries: dict[Entry, None] = {}
    left = dict.fromkeys(found.uncompiled)
    for atom in found.found:
        try:
            entries.update(dict.fromkeys(_entries(atom)))
        except ValueError as error:
            left[str(error)] = None
    return tuple(entries), tuple(left)


def _unsearched(items: Iterator[Atom | str]) -> Iterator[str]:
    for item in items:
        if isinstance(item, str):
            yield item
            continue
        try:
            list(_entries(item))
        except ValueError as error:
            yield str(error)


class Whole(NamedTuple):
    """All that a hunt looks up for one pattern."""

    entries: tuple[Entry, ...]
    """Each a hit by itself."""
    anchors: tuple[Entry, ...]
    """Where one is met, the compound part of the pattern is judged; no hits by themselves."""
    left: tuple[str, ...]
    """What of the pattern is not searched, in words."""


def whole_of(pattern: str, *, stix_version: str) -> Whole:
    """Compile one pattern, that part too which has to be judged as a whole."""
    entries, left = entries_of(pattern, stix_version=stix_version)
    if not left:
        return Whole(entries, (), ())
    try:
        parts = split(pattern, stix_version=stix_version)
    except PatternError:
        return Whole(entries, (), left)
    words: dict[str, None] = {}
    anchors: dict[Entry, None] = {}
    try:
        anchors.update(dict.fromkeys(one for atom in parts.anchors for one in _entries(atom)))
    except ValueError as error:  # a block that is too wide, a value that is none: it cannot be found by that
        anchors.clear()
        words[f"no anchor: {error}"] = None
    for expression in parts.plain:
        words.update(dict.fromkeys(_unsearched(searched_in(expression))))
    for part in parts.lost:
        words.update(dict.fromkeys(_unsearched(found_in(part))))
    return Whole(entries, tuple(anchors), named(words))


def probes(thing: Observable | Network) -> list[str]:
    """Return the coarse texts under which a value is filed."""
    if isinstance(thing, Network):
        return list(_block_probes(thing))
    if thing.kind is Kind.ADDRESS:
        return ["i:" + thing.value if thing.stix_type == "ipv4-addr" else "6:"]
    if thing.kind is Kind.DOMAIN:
        return ["d:" + tail(thing.value)]
    if thing.kind is Kind.URL:
        return ["u:" + host_of(thing.value)]
    if thing.kind in PROBED:
        return [f"{thing.kind}:{thing.value}"]
    return [f"{thing.kind}:"]


PROBED: Final = frozenset(
    {
        Kind.HASH,
        Kind.CERTIFICATE,
        Kind.SERIAL,
        Kind.JA3,
        Kind.JA4,
        Kind.HASSH,
        Kind.SSH_KEY,
        Kind.AGENT,
        Kind.FILE,
        Kind.MAC,
    }
)
"""Kinds whose values SQL can spell out; of the others each value is judged, where the set has such entries at all."""


def tail(name: str) -> str:
    """Return the last two labels of a name in its normal spelling, or its only one."""
    return ".".join(name.rsplit(".", 2)[-2:])


def _block_probes(block: Network) -> Iterator[str]:
    if not block.first.startswith(_V4_PREFIX):
        yield "6:"
        return
    first, last = block.first[12:], block.last[12:]
    for number in range(first[0] * 256 + first[1], last[0] * 256 + last[1] + 1):
        yield f"n:{number // 256}.{number % 256}."


def _entries(atom: Atom) -> Iterator[Entry]:
    side = _SIDES.get(atom.path, "")
    if atom.operator == "ISSUBSET":
        yield from _of_block(_checked_block(normalise_network(atom.value)), side)
    elif atom.operator == "LIKE":
        yield from _of_like(atom, side)
    else:
        yield from _of_value(atom, side)


def _checked_block(block: Network) -> Network:
    is_v4 = block.first.startswith(_V4_PREFIX)
    if block.prefix_bits < (MIN_V4_BITS if is_v4 else MIN_V6_BITS):
        raise ValueError(f"{block.text} is too wide to mean anything: it is not searched")
    return block


def _of_block(block: Network, side: Side) -> Iterator[Entry]:
    for probe in _block_probes(block):
        yield Entry(probe, Kind.ADDRESS, "net", block.first, block.last, block.text, side)


def _of_value(atom: Atom, side: Side) -> Iterator[Entry]:
    thing = _read(atom)
    if isinstance(thing, Network):
        yield from _of_block(_checked_block(thing), side)
        return
    for probe in probes(thing):
        yield Entry(probe, thing.kind, "equal", thing.key, b"", thing.value, side)


def _read(atom: Atom) -> Observable | Network:
    errors = []
    for read in _READERS[atom.path]:
        try:
            return read(atom.value)
        except ValueError as error:
            errors.append(str(error))
    # Feeds put addresses into domain-name:value and the like: what a value is, it says itself.
    guessed = guess(atom.value)
    if guessed is None:
        raise ValueError("; ".join(errors))
    return guessed[1]


def _kind_of_like(atom: Atom) -> Kind:
    names = SEARCHABLE[atom.path]
    if names[0] == "url":
        start = atom.value.lower()
        return (
            Kind.SIP
            if start.startswith(("sip:", "sips:"))
            else Kind.PHONE
            if start.startswith("tel:")
            else Kind.URL
        )
    if names[0] == "file":
        return Kind.PATH if "/" in atom.value or "\\" in atom.value else Kind.FILE
    return Kind[names[-1].upper()]


def _of_like(atom: Atom, side: Side) -> Iterator[Entry]:
    kind, value = _kind_of_like(atom), atom.value
    if kind is Kind.PATH:
        value = value.replace("\\", "/")
    if kind is Kind.PHONE:
        value = "".join(sign for sign in value.removeprefix("tel:") if sign in "+%_0123456789")
    if has_wildcard_inside(value):
        yield Entry("*", kind, "like", b"", b"", value.lower(), side)
    elif value.startswith("%.") and kind is Kind.DOMAIN:
        name = normalise(kind, value[2:])
        yield Entry(probes(name)[0], kind, "below", name.key, b"", name.value, side)
    elif value.startswith("%"):
        yield Entry("*", kind, "ends", b"", b"", value[1:].lower(), side)
    elif kind is Kind.URL and value.count("/") > 2:
        url = normalise(kind, value[:-1])
        yield Entry(probes(url)[0], kind, "begins", url.key, b"", url.value, side)
    else:
        yield Entry("*", kind, "starts", b"", b"", value[:-1].lower(), side)
