"""Names of things: typed ids, digests, and the namespaces of the ids that we derive."""

from __future__ import annotations

import hashlib
import uuid
from typing import NewType

StixId = NewType("StixId", str)
"""`type--uuid` (STIX 2.1 §2.9)."""
PartyId = NewType("PartyId", str)
"""`identity--uuid`: the party's STIX identity."""
BatchId = NewType("BatchId", int)
"""Number of a batch in this node's store, from 1."""
Digest = NewType("Digest", bytes)
"""SHA-256, 32 bytes."""

SCO_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""Namespace of deterministic ids of cyber-observable objects (STIX 2.1 §2.9)."""
OUR_NAMESPACE = uuid.UUID("6f3c9a5e-5c0b-4f4e-9d43-2f5f3b1f8f11")
"""Namespace of the ids that Backchannel derives: indicators from lists, sightings from hunts."""


def sha256(data: bytes) -> Digest:
    """Return the SHA-256 of `data` (32 bytes)."""
    return Digest(hashlib.sha256(data).digest())


def new_id(stix_type: str) -> StixId:
    """Return a new random id of `stix_type` (UUIDv4)."""
    return StixId(f"{stix_type}--{uuid.uuid4()}")


def derived_id(stix_type: str, *parts: str) -> StixId:
    """Return the id of `stix_type` that the same `parts` always give (UUIDv5 in `OUR_NAMESPACE`)."""
    return StixId(f"{stix_type}--{uuid.uuid5(OUR_NAMESPACE, chr(0x1F).join((stix_type, *parts)))}")
