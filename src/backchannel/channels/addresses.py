"""Which addresses an outgoing request may be sent to: those of the public internet, unless the operator says otherwise.

A feed's name may lead anywhere, and its owner may change where from one moment to the next (DNS rebinding),
so it is the address that a connection is really made to which is asked here.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_METADATA: Final = frozenset({ip_address("169.254.169.254"), ip_address("fd00:ec2::254")})
"""Where machines of a cloud ask for their own credentials: no channel is there, whatever is allowed."""
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1
_COMPATIBLE: Final = IPv6Network("::/96")  # RFC 4291 §2.5.5.1


def refusal(text: str, *, allow_private: bool) -> str | None:
    """Return why no connection may be made to the address `text`, in words; None if one may.

    Args:
        text: an IPv4 or IPv6 address, with or without a zone (`fe80::1%eth0`).
        allow_private: whether loopback, link-local and private ranges are open to this channel.

    Source: the special-purpose registries of RFC 6890, as `ipaddress` has them.
    """
    address = _embedded(ip_address(text.partition("%")[0]))
    if address.is_unspecified or address.is_multicast:
        return "it is no address of one machine"
    if address in _METADATA:
        return "machines of a cloud ask there for their own credentials"
    if address.is_global or (allow_private and not _is_beyond_use(address)):
        return None
    if address.is_loopback:
        return "it is this machine itself"
    if address.is_link_local:
        return "it is a link-local address"
    return "it lies in a private or reserved range"


def is_private(text: str) -> bool:
    """Whether the address `text` is one that the public internet does not lead to."""
    return not _embedded(ip_address(text.partition("%")[0])).is_global


def _is_beyond_use(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is reserved for what is no network at all (240.0.0.0/4)."""
    return isinstance(address, IPv4Address) and address.is_reserved


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address leads to, where there is one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
