"""The test cases that a policy file brings along: what they say, how they are read, and what became of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final, Literal, cast, get_args

import msgspec

from backchannel.codec import JsonObject, JsonValue
from backchannel.parties.states import Standing
from backchannel.policy.fields import Fields
from backchannel.stix.markings import Tlp

Outcome = Literal["goes", "redacted", "tear-line", "withheld"]
OUTCOMES: Final = get_args(Outcome)
_KEYS: Final = frozenset(
    {
        "name", "to", "standing", "source", "purpose", "at", "tlp", "object", "tear_line", "expect", "rule",
        "derived_from",
    }
)  # fmt: skip
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
    tear_line: JsonObject | None = None
    """What its originator cleared instead; None: nothing."""
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


def read_case(at: Fields, value: JsonObject, number: int) -> Case | None:
    """Read one case; what is wrong with it is kept in `at`."""
    at.known(value, _KEYS, "")
    name = at.text(value.get("name"), "name", what="names the case")
    at.named[f"test {name}"] = at.line_of("test", number)
    held = value.get("object")
    if not _is_object(held):
        at.fault(
            "object",
            "it is no object with a type",
            'Write: object = { type = "indicator", labels = ["x"] }',
        )
        return None
    tear_line = value.get("tear_line")
    if "tear_line" in value and not _is_object(tear_line):
        at.fault(
            "tear_line",
            "it is no object with a type",
            'Write: tear_line = { type = "indicator", labels = ["tlp:green"] }',
        )
        return None
    expect = value.get("expect")
    if expect not in OUTCOMES:  # what stands there may be a list
        what = "it is none of the four outcomes"
        at.fault("expect", what, f"Write one of: {', '.join(OUTCOMES)}")
        return None
    moment = at.time(value.get("at", "2026-01-01T00:00:00Z"), "at")
    return Case(
        name=name,
        to=at.optional(value, "to"),
        standing=_standing(at, value),
        source=at.optional(value, "source"),
        purpose=at.optional(value, "purpose") or "drop",
        at=moment or datetime(2026, 1, 1, tzinfo=UTC),
        tlp=at.tlp(value["tlp"], "tlp") if "tlp" in value else None,
        derived_from=at.labels(value.get("derived_from", []), "derived_from"),
        object=cast("JsonObject", held),
        tear_line=cast("JsonObject | None", tear_line),
        expect=cast("Outcome", expect),
        rule=at.optional(value, "rule"),
    )


def _standing(at: Fields, value: JsonObject) -> Standing:
    word = at.optional(value, "standing") or Standing.VERIFIED.value
    if word not in set(Standing):
        at.fault("standing", "it is none", f"Write one of: {', '.join(Standing)}")
        return Standing.UNKNOWN
    return Standing(word)


def _is_object(value: JsonValue) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)
