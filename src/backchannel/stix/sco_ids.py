"""The ids of cyber-observable objects: the same observable has the same id, whoever writes it.

STIX 2.1 §2.9: a UUIDv5 over the canonical form of the properties that each type lists as contributing.
"""

from __future__ import annotations

import uuid
from typing import Final

from backchannel import codec
from backchannel.codec import JsonObject, JsonValue
from backchannel.ids import SCO_NAMESPACE, StixId, sha256
from backchannel.stix.vocabulary import CONTRIBUTING

HASH_ORDER: Final = ("MD5", "SHA-1", "SHA-256", "SHA-512")
"""Of several hashes only the first of these contributes (§2.9); of others the first by name."""


def observable_id(value: JsonObject) -> StixId | None:
    """Return the deterministic id of an observable, or None if nothing in it makes one.

    Args:
        value: the observable as in 2.1: its references are ids.

    Raises:
        ValueError: a contributing property has no canonical form.
    """
    stix_type: str = value["type"]
    names = CONTRIBUTING.get(stix_type, ())
    parts = {name: _part(name, value[name]) for name in names if value.get(name) not in (None, "", [], {})}
    if not parts:
        return None
    return StixId(f"{stix_type}--{uuid.uuid5(SCO_NAMESPACE, codec.canonical(parts).decode())}")


def _part(name: str, value: JsonValue) -> JsonValue:
    if name != "hashes" or not isinstance(value, dict):
        return value
    chosen = next((algorithm for algorithm in HASH_ORDER if algorithm in value), min(value))
    return {chosen: value[chosen]}


def stable_id(stix_type: str, *parts: bytes) -> StixId:
    """Return an id of the form that random ones have (UUIDv4), the same whenever `parts` are.

    For observables that have no deterministic id (§2.9 wants a UUIDv4 then), read again and again from
    the same stored bytes.
    """
    digest = sha256(b"\x1f".join((stix_type.encode(), *parts)))
    return StixId(f"{stix_type}--{uuid.UUID(bytes=digest[:16], version=4)}")
