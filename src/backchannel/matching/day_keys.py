"""Keys of the day index: one order for all kinds, so that every question is a range.

A key is a letter for the kind and the observable's own key (`observables`), made shorter: an IPv4 address takes
five bytes, a hash half of its digits. Kinds that can point to a person have none: they are in no index.
"""

from __future__ import annotations

import hashlib
from typing import Final

from backchannel.matching.entries import Entry
from backchannel.observables.hosts import IPV4_PREFIX, address_of_key
from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import normalise

MAX_KEY_BYTES: Final = 200
"""A longer key is cut, with a digest of the whole behind it: long URLs take no more room than that."""
_DIGEST_BYTES: Final = 12
_LETTERS: Final = {Kind.DOMAIN: b"d", Kind.URL: b"u"}


def is_kept(shown: str) -> bool:
    """Whether the index holds values of a kind (`logs.shown`), so that it can say what was not there."""
    return shown.partition(" ")[0].startswith(
        ("ipv4-addr", "ipv6-addr", "domain-name", "url", "file:hashes.")
    )


def key_of(seen: Observable) -> bytes | None:
    """Return the key under which what stands in a log is kept; None: its kind is not."""
    kind, key = seen.kind, seen.key
    if kind is Kind.ADDRESS:
        return _address(key)
    if kind is Kind.HASH:
        return b"h" + bytes.fromhex(seen.value)
    letter = _LETTERS.get(kind)
    return None if letter is None else _bounded(letter + key)


def range_of(entry: Entry) -> tuple[bytes, bytes] | None:
    """Return the keys that an entry asks for: the first, and the first that is not one; None: the index has no answer.

    It may hold more than the entry means (which side of a record, a name below a public suffix), never less.
    """
    kind, operator = entry.kind, entry.operator
    if kind is Kind.ADDRESS and operator in {"equal", "net"}:
        last = entry.last if operator == "net" else entry.key
        return _address(entry.key), _address(last) + b"\0"
    if kind is Kind.HASH and operator == "equal":
        key = b"h" + bytes.fromhex(entry.value)
        return key, key + b"\0"
    letter = _LETTERS.get(kind)
    if letter is None or operator not in {"equal", "below", "begins"}:
        return None
    key = letter + entry.key
    if operator == "equal" and kind is Kind.URL:
        bounded = _bounded(key)
        return bounded, bounded + b"\0"
    start = key[:MAX_KEY_BYTES]
    return start + (b"\0" if operator == "below" else b""), _after(start)


def seen_of(key: bytes) -> Observable | None:
    """Return what a key stands for; None for one that was cut. The scheme of a URL is not in its key."""
    letter, rest = key[:1], key[1:]
    if letter == b"4":
        return address_of_key(IPV4_PREFIX + rest)
    if letter == b"6":
        return address_of_key(rest)
    if letter == b"h":
        return normalise(Kind.HASH, rest.hex())
    if len(key) > MAX_KEY_BYTES:
        return None
    host, mark, target = rest.partition(b"/")
    name, colon, port = host.partition(b".:") if b".:" in host else (host, b"", b"")
    shown = b".".join(reversed(name.rstrip(b".").split(b"."))) if host.endswith(b".") or colon else host
    text = (shown + (b":" + port if colon else b"") + mark + target).decode()
    return normalise(Kind.DOMAIN, text) if letter == b"d" else normalise(Kind.URL, f"http://{text}")


def _address(key: bytes) -> bytes:
    return b"4" + key[12:] if key.startswith(IPV4_PREFIX) else b"6" + key


def _bounded(key: bytes) -> bytes:
    if len(key) <= MAX_KEY_BYTES:
        return key
    return key[:MAX_KEY_BYTES] + hashlib.sha256(key).digest()[:_DIGEST_BYTES]


def _after(start: bytes) -> bytes:
    """Return the first key that does not begin with `start`; the last byte of a key is never 255."""
    return start[:-1] + bytes([start[-1] + 1])
