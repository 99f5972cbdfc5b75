"""Addresses and names of hosts: one spelling and one key for each.

An address is 16 bytes, big-endian, IPv4 mapped into `::ffff:0:0/96`: a network is a range of keys.
A name is its labels from the top, each followed by a dot (`com.evil.www.`): what lies below a name
begins with its key. Names are A-labels in lower case (RFC 5890), mapped as in UTS #46.
"""

from __future__ import annotations

import re
import socket
from typing import Final

from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.refang import refang
from backchannel.stix.visible import visible

MAX_NAME_CHARS: Final = 253
"""Longest name, without a last dot (RFC 1035 §3.1: 255 bytes on the wire)."""
MAX_RAW_NAME_CHARS: Final = 1024
"""Longest text that is looked at as a name: one in Unicode can be longer than its A-labels."""

IPV4_PREFIX: Final = bytes(10) + b"\xff\xff"
"""What stands before the four bytes of an IPv4 address in its key (RFC 4291 §2.5.5.2)."""

_ADDRESS, _DOMAIN = Kind.ADDRESS, Kind.DOMAIN
_V4, _V6 = socket.AF_INET, socket.AF_INET6
_NAME_BYTES: Final = b"abcdefghijklmnopqrstuvwxyz0123456789_-."
_PLAIN_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}+\.)*+[a-z0-9_-]{1,63}+\Z")
_ADDRESS_AND_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?\Z")
_NAME_AND_PORT = re.compile(r"([^:/]+):([0-9]{1,5})\Z")


def address(raw: str) -> Observable:
    """Normalise an IPv4 or IPv6 address.

    An address with a port, in brackets, with a zone or written as a `/32` loses those, which is told in
    `repairs`. An IPv6 address that maps an IPv4 one becomes that.

    Raises:
        ValueError: `raw` is no address; a sentence.
    """
    try:
        if ":" in raw:
            return _of_v6(socket.inet_pton(_V6, raw))
        return Observable(_ADDRESS, raw, IPV4_PREFIX + socket.inet_pton(_V4, raw), "ipv4-addr")
    except (OSError, ValueError):
        return _mended_address(raw)


def _of_v6(packed: bytes, repairs: tuple[str, ...] = ()) -> Observable:
    if packed.startswith(IPV4_PREFIX):
        value = socket.inet_ntop(_V4, packed[12:])
        return Observable(_ADDRESS, value, packed, "ipv4-addr", (*repairs, "IPv4 address, mapped into IPv6"))
    return Observable(_ADDRESS, socket.inet_ntop(_V6, packed), packed, "ipv6-addr", repairs)


def packed_address(text: str) -> bytes | None:
    """Return the key of an address in plain spelling (16 bytes), or None if `text` is none."""
    try:
        if ":" in text:
            return socket.inet_pton(_V6, text)
        return IPV4_PREFIX + socket.inet_pton(_V4, text)
    except (OSError, ValueError):
        return None


def address_of_key(key: bytes, repairs: tuple[str, ...] = ()) -> Observable:
    """Return the address that has `key` (16 bytes)."""
    if key.startswith(IPV4_PREFIX):
        return Observable(_ADDRESS, socket.inet_ntop(_V4, key[12:]), key, "ipv4-addr", repairs)
    return Observable(_ADDRESS, socket.inet_ntop(_V6, key), key, "ipv6-addr", repairs)


def tidy(raw: str) -> tuple[str, tuple[str, ...]]:
    """Return `raw` without outer blanks and defanging, and what was mended."""
    repairs: tuple[str, ...] = ()
    text = raw.strip()
    if text != raw:
        repairs = ("blanks around it dropped",)
    plain = refang(text)
    if plain != text:
        repairs = (*repairs, "refanged")
    return plain.strip(), repairs


def _mended_address(raw: str) -> Observable:
    if len(raw) > MAX_RAW_NAME_CHARS:
        raise ValueError(f"'{visible(raw, max_chars=60)}' is too long for an IP address")
    text, repairs = tidy(raw)
    zone = text.find("%")
    if zone > 0:
        text, repairs = text[:zone], (*repairs, "zone dropped")
    bare, slash, bits = text.partition("/")
    if slash and bits in {"32", "128"} and (":" in bare) == (bits == "128"):
        text, repairs = bare, (*repairs, f"/{bits} dropped: it is one address")
    elif slash:
        raise ValueError(f"'{visible(raw, max_chars=60)}' is a network, not one address")
    key = packed_address(text)
    match = _ADDRESS_AND_PORT.match(text)
    if key is None and match is not None:
        key = packed_address(match[1] or match[2])
        repairs = (*repairs, f"port {match[3]} dropped" if match[3] else "brackets dropped")
    if key is None:
        raise ValueError(f"'{visible(raw, max_chars=60)}' is not an IP address")
    return _of_v6(key, repairs) if ":" in text and match is None else address_of_key(key, repairs)


def domain(raw: str) -> Observable:
    """Normalise a domain name: of any depth, a single label too.

    A leading `*.` or dot and a port are dropped, which is told in `repairs`.

    Raises:
        ValueError: `raw` is no name, or it is an address; a sentence.
    """
    name = raw.lower()
    if not name.isascii():
        return _mended_domain(raw)
    wire = name.encode()
    if wire.translate(None, _NAME_BYTES) or (len(wire) > 63 and _PLAIN_NAME.match(name) is None):
        return _mended_domain(raw)
    labels = wire.split(b".")
    labels.reverse()
    if b"" in labels or labels[0].isdigit() or len(wire) > MAX_NAME_CHARS:
        return _mended_domain(raw)
    labels.append(b"")
    return Observable(_DOMAIN, name, b".".join(labels), "domain-name")


def _mended_domain(raw: str) -> Observable:
    if len(raw) > 1 and raw[-1] == "." != raw[-2]:
        return domain(raw[:-1])
    if len(raw) > MAX_RAW_NAME_CHARS:
        raise ValueError(f"'{visible(raw, max_chars=60)}' is too long for a domain name")
    text, repairs = tidy(raw)
    if "/" in text:
        raise ValueError(f"'{visible(raw, max_chars=60)}' has a path: it is a URL, not a domain name")
    port = _NAME_AND_PORT.match(text)
    if port is not None:
        text, repairs = port[1], (*repairs, f"port {port[2]} dropped")
    for prefix, what in (("*.", "wildcard *. dropped"), (".", "leading dot dropped")):
        if text.startswith(prefix):
            text, repairs = text[len(prefix) :], (*repairs, what)
    if not text.isascii():
        text, repairs = ascii_name(text), (*repairs, "written in A-labels")
    name = text.lower().removesuffix(".")
    if len(name) > MAX_NAME_CHARS:
        raise ValueError(f"'{visible(raw, max_chars=60)}' is longer than a domain name may be")
    if _PLAIN_NAME.match(name) is None:
        raise ValueError(f"'{visible(raw, max_chars=60)}' is not a domain name")
    if name.rpartition(".")[2].isdigit():
        raise ValueError(f"'{visible(raw, max_chars=60)}' ends in a number: it is not a domain name")
    return Observable(_DOMAIN, name, reversed_labels(name), "domain-name", repairs)


def ascii_name(text: str) -> str:
    """Return a name with letters beyond ASCII in A-labels.

    As browsers do: mapped by UTS #46, non-transitional, and what IDNA 2008 does not allow (an emoji)
    is encoded all the same, because such names resolve.

    Raises:
        ValueError: it holds a character that no name can have.
    """
    import idna  # noqa: PLC0415 - only names beyond ASCII pay for its tables

    try:
        mapped = idna.uts46_remap(text[:MAX_RAW_NAME_CHARS], std3_rules=False, transitional=False)
        return ".".join(
            label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
            for label in mapped.split(".")
        )
    except (idna.IDNAError, UnicodeError):
        raise ValueError(f"'{visible(text, max_chars=60)}' cannot be a domain name") from None


def reversed_labels(name: str) -> bytes:
    """Return the key of a name in its normal spelling."""
    labels = name.split(".")
    labels.reverse()
    return (".".join(labels) + ".").encode()


def parent_keys(domain_key: bytes) -> list[bytes]:
    """Return the keys of the names above a name, nearest first: `com.evil.`, then `com.`."""
    parents = []
    end = domain_key.rfind(b".", 0, len(domain_key) - 1)
    while end >= 0:
        parents.append(domain_key[: end + 1])
        end = domain_key.rfind(b".", 0, end)
    return parents
