"""Which kinds of observable a log must show before it can be said that an indicator was searched for in full."""

from __future__ import annotations

from typing import Final

from backchannel.logs.shown import ALL_LIKE, HASHES, with_side
from backchannel.matching.entries import Entry, whole_of
from backchannel.observables.hosts import IPV4_PREFIX
from backchannel.observables.kinds import Kind


def needs_of(pattern: str, *, stix_version: str) -> frozenset[str]:
    """Return the kinds (`logs.shown`) that what is searched of a pattern needs; none if nothing of it is.

    A pattern that joins several by OR needs all of them. What is judged as a whole needs those of its anchors: where
    none of them stands, it does not hold, whatever else a log does not show.
    """
    whole = whole_of(pattern, stix_version=stix_version)
    entries = (*whole.entries, *whole.anchors)
    needed = {with_side(_kind(entry), entry.side) for entry in entries}
    return frozenset(needed | ({ALL_LIKE} if any(entry.probe == "*" for entry in entries) else set()))


_PLAIN: Final = {
    Kind.DOMAIN: "domain-name",
    Kind.URL: "url",
    Kind.EMAIL: "email-addr",
    Kind.PHONE: "x-phone-number",
    Kind.SIP: "sip",
    Kind.ACCOUNT: "user-account",
    Kind.CERTIFICATE: "x509-certificate:hashes",
    Kind.SERIAL: "x509-certificate:serial_number",
    Kind.JA3: "ja3",
    Kind.JA4: "ja4",
    Kind.HASSH: "hassh",
    Kind.SSH_KEY: "ssh-key",
    Kind.FILE: "file:name",
    Kind.PATH: "file:path",
    Kind.AGENT: "user-agent",
    Kind.COMMAND: "process:command_line",
    Kind.REGISTRY: "windows-registry-key",
    Kind.MUTEX: "mutex",
    Kind.MAC: "mac-addr",
}


def _kind(entry: Entry) -> str:
    if entry.kind is Kind.ADDRESS:
        return "ipv4-addr" if entry.key.startswith(IPV4_PREFIX) else "ipv6-addr"
    if entry.kind is Kind.CERTIFICATE:
        return f"{_PLAIN[entry.kind]}.{HASHES[len(entry.value)].partition('.')[2]}"
    return HASHES[len(entry.value)] if entry.kind is Kind.HASH else _PLAIN[entry.kind]
