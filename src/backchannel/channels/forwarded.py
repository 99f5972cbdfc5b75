"""Whose request it is where a proxy stands in front: what the proxies that the operator trusts say, and nobody else.

`X-Forwarded-For` is a list to which each proxy appends the address it was asked from, so only its end is worth
anything: it is read from the right for as long as trusted proxies wrote it. What a client wrote itself stands
left of that, and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from backchannel.errors import UsageError
from backchannel.stix.visible import visible

HEADER: Final = "x-forwarded-for"
MAX_HOPS: Final = 32
"""Hops that are looked at, from the right: longer chains of trusted proxies are nobody's."""

Network = IPv4Network | IPv6Network


def trusted_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of the proxies that `--trusted-proxy` names.

    Raises:
        UsageError: one is no address or network, or takes in everybody.
    """
    found: list[Network] = []
    for text in texts:
        try:
            network = ip_network(text.strip())
        except ValueError:
            raise UsageError(
                f"{visible(text, max_chars=80)!r} is no address or network of a proxy",
                hint="Write --trusted-proxy 192.0.2.7, or a network such as 10.0.0.0/24.",
            ) from None
        if network.prefixlen == 0:
            raise UsageError(
                f"{network} is everybody: whoever asks could then say to be anybody",
                hint="Name the addresses of your own proxies only.",
            )
        found.append(network)
    return tuple(found)


def client_address(peer: str, lines: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address of the client that a request comes from.

    Args:
        peer: the other end of the connection.
        lines: each `X-Forwarded-For` of the request, in order.
        trusted: the proxies that are believed; none: the peer is the client.

    Returns:
        The last hop that is no trusted proxy. Where a trusted one says nothing, or nothing that is an address,
        that proxy itself: then it is slowed down, and nobody escapes the bounds by what he writes.
    """
    address = _address(peer)
    if address is None or not _is_trusted(address, trusted):
        return peer
    hops = [hop for line in lines for hop in line.split(",")]
    for hop in reversed(hops[-MAX_HOPS:]):
        found = _address(hop)
        if found is None:
            break
        address = found
        if not _is_trusted(address, trusted):
            break
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address as proxies write it: alone, in brackets, or with a port."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_trusted(address: IPv4Address | IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
