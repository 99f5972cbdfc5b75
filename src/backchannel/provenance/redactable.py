"""Objects from which relays may leave fields out, so that the originator's signature still holds.

The originator signs a digest of each field with 16 random bytes of its own, and says which fields may be left out.
Whoever passes the object on hands over the salts of the fields that remain: without its salt a field that was left
out cannot even be guessed. What says what an object is, how long it holds and how far it may go cannot be left out.

Only where redaction is wanted: such a statement is several times the size of its object.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Final

from backchannel import codec
from backchannel.codec import JsonObject, JsonValue
from backchannel.provenance.predicates import Redactable
from backchannel.provenance.reasons import Reason, Rejected

SALT_BYTES: Final = 16
LOCKED: Final = frozenset(
    {
        "type",
        "id",
        "spec_version",
        "created",
        "modified",
        "revoked",
        "object_marking_refs",
        "granular_markings",
        "pattern",
        "pattern_type",
        "valid_from",
        "valid_until",
    }
)
"""Fields that are never left out."""
_DOMAIN: Final = b"bc-field/v1"

Salts = Mapping[str, bytes]
"""Name of a field to its 16 random bytes."""


def commit(
    value: JsonObject, may_drop: Collection[str], *, random: Callable[[int], bytes] = secrets.token_bytes
) -> tuple[Redactable, dict[str, bytes]]:
    """Return what the originator signs of an object, and the salts that travel with it.

    Args:
        value: the object.
        may_drop: names of the fields that relays may leave out.
        random: where random bytes come from.

    Raises:
        ValueError: a field that may be left out is locked, or not in the object.
    """
    if locked := sorted(LOCKED & set(may_drop)):
        raise ValueError(f"no relay may leave out {', '.join(locked)}")
    if missing := sorted(set(may_drop) - set(value)):
        raise ValueError(f"the object has no {', '.join(missing)}")
    salts = {name: random(SALT_BYTES) for name in value}
    fields = {name: field_digest(name, inner, salts[name]).hex() for name, inner in value.items()}
    return Redactable(fields=fields, may_drop=sorted(may_drop)), salts


def field_digest(name: str, value: JsonValue, salt: bytes) -> bytes:
    """Return SHA-256 over `bc-field/v1`, the salt, and the canonical form of the list of name and value."""
    return hashlib.sha256(_DOMAIN + salt + codec.canonical([name, value])).digest()


def check(value: JsonObject, salts: Salts, signed: Redactable) -> tuple[str, ...]:
    """Check an object from which fields may have been left out; return their names, sorted.

    Args:
        value: the object as it came.
        salts: of the fields that it still has.
        signed: what the originator signed.

    Raises:
        Rejected: `BAD_REDACTION`, with the name of the field.
    """
    if len(set(salts.values())) != len(salts) or any(len(salt) != SALT_BYTES for salt in salts.values()):
        # One salt for two fields would let a reader try values of one with the digest of the other.
        raise Rejected(Reason.BAD_REDACTION, "two fields have one salt, or a salt is not 16 bytes long")
    for name, inner in value.items():
        if name not in signed.fields:
            raise Rejected(Reason.BAD_REDACTION, f"{name[:100]!r} was added")
        if name not in salts or field_digest(name, inner, salts[name]).hex() != signed.fields[name]:
            raise Rejected(Reason.BAD_REDACTION, f"{name[:100]!r} was changed, or its salt is missing")
    if foreign := sorted(set(salts) - set(value)):
        raise Rejected(Reason.BAD_REDACTION, f"there is a salt for {foreign[0][:100]!r}, which is not there")
    gone = sorted(set(signed.fields) - set(value))
    for name in gone:
        if name in LOCKED or name not in signed.may_drop:
            raise Rejected(Reason.BAD_REDACTION, f"{name[:100]!r} may not be left out")
    return tuple(gone)
