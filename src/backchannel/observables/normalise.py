"""One normaliser for indicators and logs: the same observable, however spelled, has the same key.

Keys keep an order in which questions are ranges: a network is a range of addresses, the names below a
name and the URLs on a host are what begins with its key. What is mended is told in `repairs`, never
silently. Change anything here, and `NORMALISER_VERSION` rises: compiled indicator sets are made anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from backchannel.observables import texts
from backchannel.observables.calls import phone, sip
from backchannel.observables.hosts import (
    MAX_NAME_CHARS,
    MAX_RAW_NAME_CHARS,
    address,
    address_of_key,
    domain,
    packed_address,
    parent_keys,
    reversed_labels,
    tidy,
)
from backchannel.observables.kinds import Kind, Network, Observable
from backchannel.observables.refang import refang
from backchannel.observables.urls import url
from backchannel.stix.visible import visible

__all__ = [
    "NORMALISER_VERSION",
    "Network",
    "address",
    "domain",
    "email",
    "file_hash",
    "normalise",
    "normalise_network",
    "normaliser",
    "parent_keys",
    "refang",
    "url",
]

NORMALISER_VERSION: Final = 2
"""Stands in every compiled indicator set: another number means that the set must be made anew."""

_HASH, _EMAIL = Kind.HASH, Kind.EMAIL
_HASH_BYTES: Final = frozenset({16, 20, 32, 64})
_HASH_PREFIX = re.compile(r"(?:0x|(?:md5|sha-?(?:1|256|512))\s{0,3}[:=]\s{0,3})", re.IGNORECASE)
_PLAIN_EMAIL = re.compile(
    r"([a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}+)@((?:[a-z0-9_-]{1,63}+\.)++[a-z][a-z0-9_-]{0,62}+)\Z"
)
_IN_ANGLES = re.compile(r"[^<>]*<\s*([^<>]*?)\s*>\s*\Z")
_NO_LOCAL = re.compile(r"[\s\x00-\x20\x7f<>(){}\[\],;:@\\\"]|\A\Z")
_NETMASK_BITS: Final = {
    (0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF).to_bytes(4, "big"): bits for bits in range(33)
}


def normalise(kind: Kind, raw: str) -> Observable:
    """Return the observable that `raw` spells.

    Its `value` normalises to itself, with the same key and nothing to mend.

    Raises:
        ValueError: `raw` is nothing of that kind; the message is a sentence that names it.
    """
    return normaliser(kind)(raw)


def normaliser(kind: Kind) -> Callable[[str], Observable]:
    """Return the function that normalises one kind: for loops over many values."""
    return _BY_KIND[kind]


def file_hash(raw: str) -> Observable:
    """Normalise an MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal, told apart by length.

    Raises:
        ValueError: `raw` is none of them; a sentence.
    """
    try:
        size = len(bytes.fromhex(raw))
    except ValueError:
        size = 0
    if size not in _HASH_BYTES or size * 2 != len(raw):
        return _mended_hash(raw)
    digits = raw.lower()
    return Observable(_HASH, digits, digits.encode(), "file")


def _mended_hash(raw: str) -> Observable:
    shown = visible(raw, max_chars=60)
    if len(raw) > 512:
        raise ValueError(f"'{shown}' is too long for a hash")
    text, repairs = tidy(raw)
    prefix = _HASH_PREFIX.match(text)
    if prefix is not None:
        text, repairs = text[prefix.end() :], (*repairs, f"{visible(prefix[0], max_chars=12)} dropped")
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2}", text):
        text, repairs = text.replace(":", ""), (*repairs, "colons dropped")
    if re.fullmatch(r"[0-9A-Fa-f]+", text) is None:
        raise ValueError(f"'{shown}' is not a hash in hexadecimal")
    if len(text) not in {2 * size for size in _HASH_BYTES}:
        raise ValueError(
            f"'{shown}' has {len(text)} digits: an MD5 has 32, SHA-1 40, SHA-256 64, SHA-512 128"
        )
    digits = text.lower()
    return Observable(_HASH, digits, digits.encode(), "file", repairs)


def email(raw: str) -> Observable:
    """Normalise one e-mail address; a display name and `mailto:` are dropped, which is told.

    The part before the `@` is lower-cased: no server in use tells its letters apart.

    Raises:
        ValueError: `raw` is no address, or several; a sentence.
    """
    value = raw.lower()
    plain = _PLAIN_EMAIL.match(value)
    if plain is None or len(plain[2]) > MAX_NAME_CHARS:
        return _mended_email(raw)
    key = reversed_labels(plain[2]) + b"@" + plain[1].encode()
    return Observable(_EMAIL, value, key, "email-addr")


def _mended_email(raw: str) -> Observable:
    shown = visible(raw, max_chars=60)
    if len(raw) > MAX_RAW_NAME_CHARS:
        raise ValueError(f"'{shown}' is too long for an e-mail address")
    # Angles first: to `refang`, a mailbox in them looks like a dot or an "at" made harmless.
    angles = _IN_ANGLES.match(raw.strip())
    text, repairs = tidy(raw if angles is None else angles[1])
    if angles is not None:
        repairs = ("display name or <> dropped", *repairs)
    if text[:7].lower() == "mailto:":
        text, repairs = text[7:].partition("?")[0], (*repairs, "mailto: dropped")
    local, at, host = text.rpartition("@")
    local = _folded(local)
    if not at or _NO_LOCAL.search(local):
        raise ValueError(f"'{shown}' is not one e-mail address")
    if host.startswith("["):
        raise ValueError(f"'{shown}' has an address where the domain should be")
    name = domain(host)
    key = name.key + b"@" + local.encode("utf-8", "surrogatepass")
    return Observable(_EMAIL, f"{local}@{name.value}", key, "email-addr", repairs + name.repairs)


def _folded(local: str) -> str:
    """Return a local part in lower case and NFC, to the point where neither changes it any more."""
    for _ in range(3):
        folded = unicodedata.normalize("NFC", local.lower())
        if folded == local:
            break
        local = folded
    return local


def normalise_network(raw: str) -> Network:
    """Return the block of addresses that `raw` spells in CIDR (`203.0.113.0/24`), or one address.

    Bits beyond the prefix are dropped, which is told. A wide IPv6 block (`::/0`) holds the keys of
    IPv4 too, because these are mapped into IPv6.

    Raises:
        ValueError: `raw` is no block of addresses; a sentence.
    """
    shown = visible(raw, max_chars=60)
    if len(raw) > MAX_RAW_NAME_CHARS:
        raise ValueError(f"'{shown}' is too long for a network")
    text, repairs = tidy(raw)
    host, _, length = text.partition("/")
    packed = packed_address(host)
    if packed is None:
        raise ValueError(f"'{shown}' is not a network: write it as 203.0.113.0/24 or 2001:db8::/32")
    bits = _prefix_bits(length, is_v4=":" not in host)
    if bits is None:
        raise ValueError(f"'{shown}' has no prefix length that such an address can have")
    rest = (1 << (128 - bits)) - 1
    number = int.from_bytes(packed, "big")
    if number & rest:
        repairs = (*repairs, "bits beyond the prefix dropped")
    first, last = number & ~rest, number | rest
    return _network(first.to_bytes(16, "big"), last.to_bytes(16, "big"), bits, repairs)


def _prefix_bits(length: str, *, is_v4: bool) -> int | None:
    """Return the length of the prefix (of 128) that `length` writes, None if it writes none."""
    if not length:
        return 128
    most = 32 if is_v4 else 128
    mask = packed_address(length) if is_v4 and "." in length else None
    if mask is not None:
        bits = _NETMASK_BITS.get(mask[12:], -1)
    else:
        bits = int(length) if re.fullmatch("[0-9]{1,3}", length) else -1
    return 128 - most + bits if 0 <= bits <= most else None


def _network(first: bytes, last: bytes, bits: int, repairs: tuple[str, ...]) -> Network:
    lowest = address_of_key(first)
    if lowest.stix_type == "ipv4-addr" and bits >= 96:
        return Network(first, last, bits, f"{lowest.value}/{bits - 96}", "ipv4-addr", repairs)
    text = "::" if not any(first) else lowest.value
    return Network(first, last, bits, f"{text}/{bits}", "ipv6-addr", repairs)


_BY_KIND: Final[dict[Kind, Callable[[str], Observable]]] = {
    Kind.ADDRESS: address,
    Kind.DOMAIN: domain,
    Kind.URL: url,
    Kind.HASH: file_hash,
    Kind.EMAIL: email,
    Kind.PHONE: phone,
    Kind.SIP: sip,
    **texts.BY_KIND,
}
