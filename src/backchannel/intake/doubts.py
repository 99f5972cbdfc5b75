"""Say what speaks against making an indicator of a value that somebody put on a list.

Public lists hold private ranges, whole continents and public suffixes. An indicator of those would hit
everything, so it waits for a person. What STIX objects say themselves is not judged here.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from backchannel.observables.kinds import Kind, Network, Observable
from backchannel.observables.normalise import normalise_network
from backchannel.observables.suffixes import is_public_suffix

WIDEST_V4_BITS: Final = 96 + 8
"""Shortest prefix taken of an IPv4 network: /8 (of 128 bits, IPv4 mapped)."""
WIDEST_V6_BITS: Final = 19
"""Shortest prefix taken of an IPv6 network."""

# Ranges that no stranger's host can have (IANA special-purpose registries). Documentation ranges are left
# out on purpose: examples and tests live there, and no real machine does.
_SPECIAL: Final = (
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private use"),
    ("100.64.0.0/10", "shared use of providers"),
    ("127.0.0.0/8", "this machine itself"),
    ("169.254.0.0/16", "link-local use"),
    ("172.16.0.0/12", "private use"),
    ("192.168.0.0/16", "private use"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "no use at all"),
    ("::/128", "no address"),
    ("::1/128", "this machine itself"),
    ("fc00::/7", "private use"),
    ("fe80::/10", "link-local use"),
    ("ff00::/8", "multicast"),
)


_OWN_ENDS: Final = (
    "localhost",
    "localdomain",
    "local",
    "lan",
    "internal",
    "home.arpa",
    "in-addr.arpa",
    "ip6.arpa",
)
"""Ends of names that mean something else, or nothing, in every network (RFC 6761, 6762, 8375 and habit)."""


@cache
def _special() -> tuple[tuple[bytes, bytes, str, str], ...]:
    blocks = ((normalise_network(text), text, use) for text, use in _SPECIAL)
    return tuple((block.first, block.last, text, use) for block, text, use in blocks)


def doubt(found: Observable | Network) -> str | None:
    """Return why `found` should wait for a person, in one sentence, or None."""
    if isinstance(found, Network):
        is_v4 = found.stix_type == "ipv4-addr"
        if found.prefix_bits < (WIDEST_V4_BITS if is_v4 else WIDEST_V6_BITS):
            return f"{found.text} is so wide that it would hit everything: name the part of it that is meant"
        return _in_special(found.first, found.last, found.text)
    if found.kind is Kind.ADDRESS:
        return _in_special(found.key, found.key, found.value)
    if found.kind is Kind.DOMAIN and is_public_suffix(found.value):
        return (
            f"{found.value} is a public suffix: strangers have names below it, and all of them would be hit"
        )
    if found.kind is Kind.DOMAIN and found.value.endswith(_OWN_ENDS):
        for end in _OWN_ENDS:
            if found.value == end or found.value.endswith(f".{end}"):
                return f"{found.value} is a name of every own network: it would hit own machines, or none"
    return None


def _in_special(first: bytes, last: bytes, shown: str) -> str | None:
    for low, high, text, use in _special():
        if first <= high and last >= low:
            return f"{shown} lies in {text}, which is for {use}: it would hit own machines, or none"
    return None
