"""Statements to verify, and objects that they are about."""

from __future__ import annotations

from base64 import b64decode

import pytest
from tests.sim.party import ALPHA, BETA, KNOWN, NOW, SimParty

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.ids import sha256
from backchannel.provenance.predicates import Origin, Permit, Predicate, Receipt, Retract
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import (
    EVERYBODY,
    ObjectSubject,
    digest_text,
    make,
    seal,
)
from backchannel.provenance.verification import Terms, Verified, verify

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
AMBER_STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
INDICATOR: JsonObject = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
    "created": "2026-01-02T03:04:05.000Z",
    "modified": "2026-01-02T03:04:05.000Z",
    "name": "C2 of the loader",
    "description": "seen at a partner",
    "pattern": "[domain-name:value = 'c2.example.net']",
    "pattern_type": "stix",
    "pattern_version": "2.1",
    "valid_from": "2026-01-02T03:04:05Z",
    "object_marking_refs": [GREEN],
}
ORIGIN = Origin(collection="first-hand", otag="0f" * 32)
PERMIT = Permit(to=[BETA.kid], until="2026-06-01T00:00:00Z")
RETRACT = Retract(reason="a host of a test")
RECEIPT = Receipt(
    manifest="sha256:" + "ab" * 32, seq=3, verdict="accepted", state="received", when="2026-01-14"
)
TERMS = Terms(now=NOW, me={BETA.kid}, seen=lambda *_: False)


def digest_of(value: JsonObject) -> bytes:
    return sha256(codec.canonical(value))


def about(value: JsonObject) -> ObjectSubject:
    return ObjectSubject(
        id=value["id"], modified=value.get("modified", ""), jcs=digest_text(digest_of(value))
    )


def said(
    predicate: Predicate = ORIGIN, *, by: SimParty = ALPHA, value: JsonObject = INDICATOR, **fields
) -> bytes:
    """A statement by a party about an object."""
    fields = {"subject": [about(value)], "aud": EVERYBODY, "iat": NOW} | fields
    return make(predicate, key=by.key, **fields)


def verified(envelope: bytes, **changes) -> Verified:
    return verify(envelope, KNOWN.get, TERMS if not changes else _terms(**changes))


def _terms(**changes) -> Terms:
    fields = {name: getattr(TERMS, name) for name in Terms.__dataclass_fields__}
    return Terms(**(fields | changes))


def refused(envelope: bytes, reason: Reason, **changes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        verified(envelope, **changes)
    assert caught.value.reason is reason, caught.value.message
    return caught.value


def payload_of(envelope: bytes) -> JsonObject:
    """The signed value, to change it."""
    return codec.decode(b64decode(codec.decode(envelope)["payload"]))


def resigned(payload: bytes, by: SimParty = ALPHA) -> bytes:
    """What a party could sign with a program of its own."""
    return seal(payload, [by.key])
