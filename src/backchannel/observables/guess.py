"""What a bare value is: a line of a list, a cell of a table, a word somebody typed.

Only what is plainly one thing is named: a name needs a suffix that exists (`setup.exe` is a file, not a
name), a URL a host that could be one. What cannot be told is nothing, never forced into a kind.
"""

from __future__ import annotations

import re
from typing import Final

from backchannel.observables.hosts import tidy
from backchannel.observables.kinds import Kind, Network, Observable
from backchannel.observables.normalise import normalise, normalise_network
from backchannel.observables.suffixes import has_known_suffix

MAX_GUESSED_CHARS: Final = 8 * 1024
"""Longest value looked at (characters)."""
HASH_PATHS: Final = {
    32: "file:hashes.MD5",
    40: "file:hashes.'SHA-1'",
    64: "file:hashes.'SHA-256'",
    128: "file:hashes.'SHA-512'",
}
"""Hexadecimal digits of a hash to the pattern path of the algorithm that gives so many."""

_NETWORK = re.compile(r"[0-9A-Fa-f:.]+/(?:[0-9]{1,3}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})\Z")
_ADDRESS = re.compile(
    r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?\Z|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[^/]*\Z"
)
_HASH = re.compile(r"(?:(?:md5|sha-?(?:1|256|512))\s{0,3}[:=]\s{0,3})?[0-9A-Fa-f]{32,128}\Z", re.IGNORECASE)
_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]|[^/?#@\s]+[.:][^/?#@\s]+[/?]|[^/?#@\s:]+\.[^/?#@\s:]+:[0-9]{1,5}\Z"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")
_BLANK = re.compile(r"\s")
_HOST_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://([^/:]+|\[[^]]*\])")


def guess(raw: str) -> tuple[str, Observable | Network] | None:
    """Return (STIX pattern path, normalised value) of a bare value, or None if it is nothing we know.

    A network of addresses has the path of an address. Defanging is undone, and `repairs` says so.
    """
    if len(raw) > MAX_GUESSED_CHARS:
        return None
    text, _ = tidy(raw)
    try:
        return _guessed(text, raw)
    except ValueError:
        return None


def _guessed(text: str, raw: str) -> tuple[str, Observable | Network] | None:
    if _NETWORK.match(text):
        block = normalise_network(raw)
        if block.prefix_bits < 128:
            return f"{block.stix_type}:value", block
    if _HASH.match(text):
        digest = normalise(Kind.HASH, raw)
        return HASH_PATHS[len(digest.value)], digest
    if _ADDRESS.match(text) or _NETWORK.match(text):
        found = normalise(Kind.ADDRESS, raw)
        return f"{found.stix_type}:value", found
    if "@" in text and not _SCHEME.match(text):
        found = normalise(Kind.EMAIL, raw)
        return ("email-addr:value", found) if has_known_suffix(found.value.rpartition("@")[2]) else None
    if _BLANK.search(text):
        return None
    if _URL.match(text):
        return _guessed_url(raw, has_scheme=_SCHEME.match(text) is not None)
    found = normalise(Kind.DOMAIN, raw)
    return ("domain-name:value", found) if has_known_suffix(found.value) else None


def _guessed_url(raw: str, *, has_scheme: bool) -> tuple[str, Observable] | None:
    found = normalise(Kind.URL, raw)
    host = _HOST_IN_URL.match(found.value)
    if host is None:
        return None
    # Without a scheme, `and/or` and `12/2026` look like URLs: the host must be one beyond doubt.
    is_address = host[1][0] == "[" or (host[1][-1].isdigit() and host[1] in raw)
    if has_scheme or is_address or has_known_suffix(host[1]):
        return "url:value", found
    return None
