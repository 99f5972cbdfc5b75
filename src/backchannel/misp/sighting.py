"""What a client of MISP says when it adds a sighting, and the STIX objects that say the same."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from backchannel.clock import format_time
from backchannel.codec import JsonObject
from backchannel.ids import StixId
from backchannel.misp.elements import moment
from backchannel.misp.fields import UUID_FORM
from backchannel.misp.galaxies import UNDATED
from backchannel.misp.labels import SIGHTING, carried, label, text_of

MAX_VALUES: Final = 100
"""Most values that one request names."""
MAX_CHARS: Final = 4_000
"""Longest value, and longest source (characters)."""


class SightingError(ValueError):
    """What is asked for is no sighting."""


class SightingAsked(msgspec.Struct, frozen=True):
    """What a client has seen."""

    values: tuple[str, ...]
    uuid: str
    """Of an attribute; "" where values are named."""
    type: int
    """0 seen, 1 a false positive, 2 expired."""
    at: int
    """Seconds since 1970."""
    source: str


def sighting_asked(body: JsonObject, *, attribute: str = "", now: datetime) -> SightingAsked:
    """Read the body of `sightings/add`.

    Args:
        body: the decoded JSON.
        attribute: the UUID in the path; "" if there is none.
        now: when it is said; nothing is seen later than that.

    Raises:
        SightingError: it names no value and no attribute, or has another form.
    """
    one = body.get("Sighting")
    asked = one if isinstance(one, dict) else body
    listed = asked.get("values", [])
    values = [
        *(listed if isinstance(listed, list) else [listed]),
        *([asked["value"]] if "value" in asked else []),
    ]
    if (
        not all(isinstance(value, str) and 0 < len(value) <= MAX_CHARS for value in values)
        or len(values) > MAX_VALUES
    ):
        raise SightingError(f"values are at most {MAX_VALUES} texts")
    uuid = (attribute or text_of(asked, "uuid") or text_of(asked, "attribute_uuid")).lower()
    if uuid and UUID_FORM.match(uuid) is None:
        raise SightingError("attributes are named by their UUID here")
    if not values and not uuid:
        raise SightingError("name a value or the UUID of an attribute")
    kind = str(asked.get("type") or "0")
    if kind not in {"0", "1", "2"}:
        raise SightingError("the type is 0 (seen), 1 (false positive) or 2 (expired)")
    return SightingAsked(
        tuple(values), uuid, int(kind), _time(asked, now), text_of(asked, "source")[:MAX_CHARS]
    )


def _time(asked: JsonObject, now: datetime) -> int:
    latest = int(now.timestamp())
    for name in ("timestamp", "date_sighting"):
        text = str(asked.get(name) or "")
        if re.fullmatch(r"[0-9]{1,12}", text):
            return min(int(text), latest)
        if text:
            raise SightingError(f"`{name}` is no time in seconds since 1970")
    return latest


def sighting_objects(
    asked: SightingAsked, target: str, *, sighting_id: StixId, by: tuple[str, str], now: datetime
) -> list[JsonObject]:
    """Return the STIX of a sighting, a false positive or an expiration: who says so, and what.

    Args:
        asked: what was said.
        target: id of what it is about.
        sighting_id: its own; its type is that of `sighting_type(asked)`.
        by: id and name of the party that says so.
        now: when it is said.
    """
    said_at = format_time(now)
    head: JsonObject = {
        "type": sighting_type(asked),
        "spec_version": "2.1",
        "id": sighting_id,
        "created_by_ref": by[0],
        "created": said_at,
        "modified": said_at,
        "labels": [label(SIGHTING, str(asked.type))],
        **carried((("source", asked.source),)),
    }
    seen = moment(asked.at)
    specific: dict[int, JsonObject] = {
        0: {
            "first_seen": seen,
            "last_seen": seen,
            "count": 1,
            "sighting_of_ref": target,
            "where_sighted_refs": [by[0]],
        },
        1: {
            "explanation": "Reported as a false positive.",
            "opinion": "strongly-disagree",
            "object_refs": [target],
        },
        2: {"abstract": "Expiration", "content": f"Expires at {seen}.", "object_refs": [target]},
    }
    who = {
        "type": "identity",
        "spec_version": "2.1",
        "id": by[0],
        "created": format_time(UNDATED),
        "modified": format_time(UNDATED),
        "name": by[1],
        "identity_class": "organization",
    }
    return [who, {**head, **specific[asked.type]}]


def sighting_type(asked: SightingAsked) -> str:
    """Return the type of STIX that says it."""
    return ("sighting", "opinion", "note")[asked.type]
