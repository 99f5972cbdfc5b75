"""One STIX object exactly as received.

`body` is never re-serialised: it is what is stored, forwarded and shown as original.
"""

from __future__ import annotations

import msgspec

from backchannel.codec import JsonObject
from backchannel.ids import Digest, StixId


class Header(msgspec.Struct, frozen=True):
    """What is read from an object to file it: the rest stays in its bytes."""

    type: str
    id: StixId
    version: str
    """`modified`, else `created`, else "" (a cyber-observable object has neither), letter for letter."""
    spec_version: str
    """"2.1" or "2.0" (an object without `spec_version` inside a 2.0 bundle, or a 2.0-only form)."""
    revoked: bool = False
    created_by_ref: str = ""


class RawObject(msgspec.Struct, frozen=True):
    """One object: its header, its bytes, and the value decoded from them."""

    header: Header
    body: bytes
    value: JsonObject
    """The decoded body. Read it; never change it."""
    digest: Digest
    """SHA-256 of the JCS form (RFC 8785): equal for the same content in another spelling."""
    body_digest: Digest
    """SHA-256 of `body`."""
