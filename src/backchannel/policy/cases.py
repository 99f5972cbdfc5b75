"""The test cases that a policy file brings along, and what became of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final, Literal

import msgspec

from backchannel.codec import JsonObject
from backchannel.parties.states import Standing
from backchannel.stix.markings import Tlp

Outcome = Literal["goes", "redacted", "withheld"]
_NAMESPACE: Final = uuid.UUID("0d5f4f0a-2a55-4d1c-9f0f-9a0c4b9c8e11")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case: an object, to whom it is to go, and what is to come of it."""

    name: str
    to: str
    """A party as groups name it, or a group, whose first member is taken; "": anybody."""
    standing: Standing
    source: str
    purpose: str
    at: datetime
    tlp: Tlp | None
    """Its label; None: as it is marked itself."""
    derived_from: tuple[Tlp, ...]
    object: JsonObject
    expect: Outcome
    rule: str
    """Which rule is to decide; "": whichever."""


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a case."""

    name: str
    expected: str
    found: str
    rule: str
    why: str
    passed: bool


def whole(value: JsonObject) -> JsonObject:
    """Return the object of a case with what every STIX 2.1 object needs, where the case leaves it out."""
    kind = str(value.get("type"))
    made: JsonObject = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid5(_NAMESPACE, kind)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
    }
    if kind == "indicator":
        made |= {
            "pattern": "[domain-name:value = 'case.example']",
            "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00Z",
        }
    return made | value
