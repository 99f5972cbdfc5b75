"""RPZ: one response policy zone for BIND, Unbound, Knot Resolver or PowerDNS, which answers NXDOMAIN.

Stage: block, so the strictest gates apply: PAP:GREEN or CLEAR only. A name with scope `exact` blocks that
name alone, `subdomain` the names below it; an address blocks the answers that lead to it (`rpz-ip`).

Withdrawal: a newer zone with a higher serial; the TTL bounds what caches remember.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from backchannel.actions.exports.entry import (
    Export,
    ExportEntry,
    ManifestLine,
    Skipped,
    manifest_lines,
    passing,
    same_value,
    tag,
)
from backchannel.actions.gates import Stage
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import Network

STAGE: Final[Stage] = "block"
ORIGIN = "rpz.backchannel.invalid"
"""The name that we give the zone. `.invalid` (RFC 6761) is never delegated, so it cannot meet a real zone.

The file does not hold it: every owner is relative, so the zone loads under the name that the resolver gives it.
"""
FILE = "backchannel.rpz"
TTL_S = 300
"""Seconds that a resolver's clients may remember an answer after its line is gone."""
MAX_NAME_OCTETS = 255
MAX_LABEL_OCTETS = 63
"""RFC 1035 §2.3.4, in wire form: one length octet a label, one for the root."""
MAX_SERIAL = 2**32 - 1

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\Z")
_MAPPED_BITS = 96


def write(entries: Iterable[ExportEntry], *, at: datetime, serial: int) -> Export:
    """Write the zone file.

    Args:
        entries: in any order.
        at: for validity and expiry; it does not enter the bytes.
        serial: of the SOA record, 1 to 2^32 - 1; the caller raises it when the other lines change.

    Raises:
        ValueError: `serial` is out of range.
    """
    if not 1 <= serial <= MAX_SERIAL:
        raise ValueError(f"an SOA serial lies between 1 and {MAX_SERIAL}: {serial}")
    taken, skipped = passing(entries, stage=STAGE, at=at)
    lines = [
        f"$TTL {TTL_S}\n",
        f"@ IN SOA localhost. hostmaster.localhost. {serial} 3600 600 86400 60\n",
        "@ IN NS localhost.\n",
    ]
    manifest: list[ManifestLine] = []
    for group in same_value(taken):
        owner, why = _owner(group[0])
        if why:
            skipped += [Skipped(e.indicator, e.value, "format", why) for e in group]
            continue
        lines.append(f"{owner} IN CNAME . ; {tag(group, STAGE)}\n")
        manifest += manifest_lines(group, STAGE, file=FILE, line=len(lines))
    return Export({FILE: "".join(lines).encode("ascii")}, tuple(skipped), tuple(manifest))


def _owner(entry: ExportEntry) -> tuple[str, str]:
    """The owner name, or why there can be none."""
    if entry.kind is Kind.ADDRESS:
        return rpz_ip(entry), ""
    if entry.kind is not Kind.DOMAIN:
        return "", "a resolver sees names and addresses only, no URLs, files or mail"
    if entry.scope not in {"exact", "subdomain"}:
        return "", f"a zone has no line for scope {entry.scope}"
    owner = f"*.{entry.value}" if entry.scope == "subdomain" else entry.value
    labels = entry.value.split(".")
    if any(len(label) > MAX_LABEL_OCTETS or not _LABEL.match(label) for label in labels):
        return "", f"{entry.value[:80]} has a label that no zone can hold (at most 63 of a-z 0-9 - _)"
    if len(owner) + len(ORIGIN) + 3 > MAX_NAME_OCTETS:
        return "", f"{entry.value[:80]} is too long for a name in {ORIGIN} ({MAX_NAME_OCTETS} octets)"
    return owner, ""


def rpz_ip(entry: ExportEntry) -> str:
    """Write an address or network as an owner: `32.7.113.0.203.rpz-ip`, `128.1.zz.db8.2001.rpz-ip`."""
    thing = entry.target.thing
    first = thing.first if isinstance(thing, Network) else thing.key
    bits = thing.prefix_bits if isinstance(thing, Network) else 128
    address = ipaddress.IPv6Address(first)
    mapped = address.ipv4_mapped
    if mapped is not None and bits >= _MAPPED_BITS:
        octets = reversed(mapped.packed)
        return f"{bits - _MAPPED_BITS}.{'.'.join(str(octet) for octet in octets)}.rpz-ip"
    return f"{bits}.{'.'.join(_words(address))}.rpz-ip"


def _words(address: ipaddress.IPv6Address) -> list[str]:
    """The eight words from last to first, the longest run of zeros as `zz`: resolvers want that one form."""
    words = [int(word, 16) for word in reversed(address.exploded.split(":"))]
    # (length, start) of the longest run of at least two zeros; of equal ones the last, as BIND writes it.
    best, run_start = (0, 0), 0
    for at, word in enumerate(words):
        if word:
            run_start = at + 1
        elif at - run_start + 1 >= max(2, best[0]):
            best = (at - run_start + 1, run_start)
    length, start = best
    written = [f"{word:x}" for word in words]
    return [*written[:start], "zz", *written[start + length :]] if length else written
