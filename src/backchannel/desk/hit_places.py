"""Where hits lead to: the address, name or number behind each, by which they are brought together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backchannel.desk.node import Node
from backchannel.matching.hubs import Link
from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import normalise
from backchannel.observables.urls import host_of
from backchannel.store.sqlite.hit_sums import ALL_HITS, HitFilter, HitLink

NUMBERS: Final = frozenset({"x-phone-number", "x-sip-uri"})
"""STIX types of what is called by telephone."""
PLACES: Final = frozenset({"ipv4-addr", "ipv6-addr", "domain-name", "url"})
"""STIX types of what is a place in a network."""


def hit_links(node: Node, wanted: HitFilter = ALL_HITS, *, at_most: int) -> Iterator[Link]:
    """Yield hits by where they lead; what is no place in a network (a hash, a mail address) is passed over.

    Args:
        node: whose hits.
        wanted: which of them.
        at_most: sums of hits that are gone through.
    """
    named = _Named(node)
    for one in node.store.hit_sums.links(wanted, at_most=at_most):
        place = _place(one, named)
        if place is not None:
            kind, value = place
            yield Link(value, kind, one.asset, one.indicator, one.lines, one.first_seen, one.last_seen)


def _place(one: HitLink, named: _Named) -> tuple[str, str] | None:
    if one.kind in NUMBERS:
        return one.kind, one.value
    if one.kind not in PLACES:
        return None
    value = host_of(one.value).strip("[]") if one.kind == "url" else one.value
    seen = read_place(value)
    if seen is None:
        return None
    if one.scope == "subdomain" and seen.kind is Kind.DOMAIN:
        return seen.stix_type, named.above(one.object_row, seen.value)
    return seen.stix_type, seen.value


class _Named:
    """Says which name of an indicator another is below: thousands below one name lead to one place."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._names: dict[int, tuple[str, ...]] = {}

    def above(self, object_row: int, name: str) -> str:
        if object_row not in self._names:
            from backchannel.matching.entries import entries_of  # noqa: PLC0415

            indicator = self._node.store.hunts.in_force([object_row]).get(object_row)
            entries = entries_of(indicator.pattern, stix_version="2.1")[0] if indicator else ()
            self._names[object_row] = tuple(one.value for one in entries if one.kind is Kind.DOMAIN)
        above = [one for one in self._names[object_row] if name.endswith(f".{one.lstrip('.')}")]
        return max(above, key=len, default=name).lstrip(".")


def read_place(text: str) -> Observable | None:
    """Return the address or name that `text` is; None where it is neither."""
    for kind in (Kind.ADDRESS, Kind.DOMAIN):
        try:
            return normalise(kind, text)
        except ValueError:
            continue
    return None
