"""The value of a MISP attribute as observables of STIX, and observables as values.

For what a sender tells without meaning it for detection. The observables are plain: what MISP says of the
value stands with the observation, so that the same value has the same object whoever tells it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from backchannel.codec import JsonObject
from backchannel.misp.patterns import Value, parts
from backchannel.misp.types import ADDRESSES, CERTIFICATES, HASHES

_AS = re.compile(r"(?:AS)?([0-9]{1,10})\Z", re.IGNORECASE)


def _of(stix_type: str, name: str) -> Callable[[str], JsonObject]:
    return lambda value: {"type": stix_type, name: value}


_SIMPLE: Final[Mapping[str, Callable[[str], JsonObject]]] = MappingProxyType(
    {
        **dict.fromkeys(("domain", "hostname", "onion-address"), _of("domain-name", "value")),
        **dict.fromkeys(("url", "uri"), _of("url", "value")),
        **dict.fromkeys(
            ("email", "email-src", "email-dst", "target-email", "whois-registrant-email", "dns-soa-email"),
            _of("email-addr", "value"),
        ),
        **dict.fromkeys(("filename", "attachment", "email-attachment"), _of("file", "name")),
        "mac-address": _of("mac-addr", "value"),
        "mutex": _of("mutex", "name"),
        "regkey": _of("windows-registry-key", "key"),
        **dict.fromkeys(
            ("github-username", "twitter-id", "jabber-id", "target-user"),
            _of("user-account", "account_login"),
        ),
        "email-subject": lambda value: {"type": "email-message", "is_multipart": False, "subject": value},
        "email-body": lambda value: {"type": "email-message", "is_multipart": False, "body": value},
    }
)


def observables_of(kind: str, value: str) -> list[JsonObject]:
    """Return the observables of an attribute, without ids; none if STIX has none for its type."""
    halves = parts(kind, value)
    if len(halves) == 1:
        found = _one(kind, value)
        return [] if found is None else [found]
    (left, first), (right, second) = halves
    if left == "filename" and right in HASHES:
        return [{"type": "file", "name": first, "hashes": {HASHES[right]: second}}]
    if left == "regkey":
        return [{"type": "windows-registry-key", "key": first, "values": [{"data": second}]}]
    return [found for found in (_one(left, first), _one(right, second)) if found is not None]


def _one(kind: str, value: str) -> JsonObject | None:
    if kind in ADDRESSES:
        return {"type": "ipv6-addr" if ":" in value else "ipv4-addr", "value": value}
    if kind in HASHES:
        return {"type": "file", "hashes": {HASHES[kind]: value}}
    if kind in CERTIFICATES:
        return {"type": "x509-certificate", "hashes": {CERTIFICATES[kind]: value}}
    if kind == "AS":
        match = _AS.match(value)
        return None if match is None else {"type": "autonomous-system", "number": int(match[1])}
    make = _SIMPLE.get(kind)
    return None if make is None else make(value)


_BACK: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "domain-name": ("domain", "value"),
        "url": ("url", "value"),
        "email-addr": ("email", "value"),
        "ipv4-addr": ("ip-dst", "value"),
        "ipv6-addr": ("ip-dst", "value"),
        "mac-addr": ("mac-address", "value"),
        "mutex": ("mutex", "name"),
        "windows-registry-key": ("regkey", "key"),
        "autonomous-system": ("AS", "number"),
        "user-account": ("text", "account_login"),
        "email-message": ("email-subject", "subject"),
    }
)


def values_in(observable: JsonObject) -> tuple[list[Value], frozenset[str]]:
    """Return the values of an observable of anybody's, and the properties that they come from."""
    stix_type = str(observable.get("type", ""))
    if stix_type in {"file", "artifact", "x509-certificate"}:
        return _hashed(observable, CERTIFICATES if stix_type == "x509-certificate" else HASHES)
    kind, name = _BACK.get(stix_type, ("", ""))
    held = observable.get(name) if name else None
    if not isinstance(held, (str, int)) or isinstance(held, bool) or held == "":
        return [], frozenset()
    return [Value(kind, str(held))], frozenset({name})


def _hashed(observable: JsonObject, table: Mapping[str, str]) -> tuple[list[Value], frozenset[str]]:
    hashes = observable.get("hashes")
    known = {algorithm: kind for kind, algorithm in table.items()}
    found = [
        Value(known[name], value)
        for name, value in (hashes.items() if isinstance(hashes, dict) else ())
        if name in known and isinstance(value, str) and value
    ]
    used = {"hashes"} if found and isinstance(hashes, dict) and len(found) == len(hashes) else set()
    name = observable.get("name")
    if table is HASHES and isinstance(name, str) and name:
        used.add("name")
        found.append(Value("filename", name))
    return found, frozenset(used)
