"""Our own networks and names: what no control may ever be told to act against."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backchannel.observables.hosts import packed_address
from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import Network, normalise, normalise_network

_PORT = re.compile(rb"(?<=[^:]):\d+\Z")


@dataclass(frozen=True, slots=True)
class OwnAssets:
    """The networks and domains that the operator named as theirs, ready to be asked."""

    networks: tuple[Network, ...]
    domains: tuple[Observable, ...]

    @classmethod
    def of(cls, networks: Sequence[str], domains: Sequence[str]) -> OwnAssets:
        """Read the settings' texts.

        Raises:
            ValueError: one of them is no network or no name.
        """
        return cls(
            tuple(normalise_network(text) for text in networks),
            tuple(normalise(Kind.DOMAIN, text) for text in domains),
        )

    def why(self, thing: Observable | Network) -> str:
        """Say in words why acting against `thing` would hit ourselves; "" if it would not."""
        if isinstance(thing, Network):
            return self._of_range(thing.first, thing.last, thing.text)
        if thing.kind is Kind.ADDRESS:
            return self._of_range(thing.key, thing.key, thing.value)
        if thing.kind is Kind.DOMAIN:
            return self._of_name(thing.key, thing.value, covers=True)
        if thing.kind in {Kind.EMAIL, Kind.SIP}:
            host = thing.key.split(b"@")[0]
            address = packed_address(host.decode())
            if address is not None:
                return self._of_range(address, address, thing.value)
            return self._of_name(host, thing.value)
        if thing.kind is Kind.URL:
            return self._of_url(thing)
        return ""

    def _of_url(self, url: Observable) -> str:
        host = _PORT.sub(b"", url.key.partition(b"/")[0])
        if host.endswith(b"."):
            return self._of_name(host, url.value)
        try:
            address = normalise(Kind.ADDRESS, host.decode("ascii").strip("[]"))
        except ValueError:
            return ""
        return self._of_range(address.key, address.key, url.value)

    def _of_range(self, first: bytes, last: bytes, value: str) -> str:
        for network in self.networks:
            if network.first <= first and last <= network.last:
                return f"{value} lies in our own network {network.text}"
            if first <= network.last and network.first <= last:
                return f"{value} covers our own network {network.text}"
        return ""

    def _of_name(self, key: bytes, value: str, *, covers: bool = False) -> str:
        # Names at or below our own count, and for a name also the ones above: a control may take a name with
        # all its children.
        if not key.endswith(b"."):
            key += b"."
        for domain in self.domains:
            if key.startswith(domain.key):
                return f"{value} belongs to our own domain {domain.value}"
            if covers and domain.key.startswith(key):
                return f"{value} covers our own domain {domain.value}"
        return ""
