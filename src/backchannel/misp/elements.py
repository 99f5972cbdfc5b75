"""One attribute of MISP as the object of STIX that says the same: what is special to each type."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from backchannel.clock import format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.misp.event import Attribute
from backchannel.misp.labels import carried
from backchannel.misp.patterns import pattern_of
from backchannel.stix.visible import visible

MAX_NAME_CHARS: Final = 1000
"""Longest value that is the name of its indicator too (characters)."""


def indicator(attribute: Attribute, *, created: str) -> JsonObject | None:
    """Return the indicator of what is meant for detection, None if it is not, or has no pattern."""
    found = pattern_of(attribute.type, attribute.value) if attribute.to_ids else None
    if found is None:
        return None
    pattern, language = found
    name = (
        attribute.value if len(attribute.value) <= MAX_NAME_CHARS else visible(attribute.value, max_chars=250)
    )
    since = seen(attribute.first_seen) or created
    ends = [moment(one.at) for one in attribute.sightings if one.type == 2 and one.at]
    return {
        "type": "indicator",
        "name": name,
        **({"description": attribute.comment} if attribute.comment else {}),
        "pattern": pattern,
        "pattern_type": language,
        **({"pattern_version": "2.1"} if language == "stix" else {}),
        "valid_from": since,
        **({"valid_until": max(ends)} if ends and parse_time(max(ends)) > parse_time(since) else {}),
        **({} if name == attribute.value else {"x_misp_value": attribute.value}),
    }


def vulnerability(attribute: Attribute) -> JsonObject | None:
    """Return the vulnerability that an attribute names, None if it names none."""
    if attribute.type != "vulnerability":
        return None
    reference = {"source_name": "cve", "external_id": attribute.value}
    return {
        "type": "vulnerability",
        "name": attribute.value,
        **({"description": attribute.comment} if attribute.comment else {}),
        **({"external_references": [reference]} if attribute.value.startswith("CVE-") else {}),
    }


def note(attribute: Attribute, *, about: str) -> JsonObject:
    """Keep what STIX has no property for: the value is the text."""
    is_url = attribute.value.startswith(("http://", "https://")) and not re.search(r"\s", attribute.value)
    reference = {"source_name": attribute.type, "url": attribute.value}
    return {
        "type": "note",
        "abstract": f"{attribute.type} ({attribute.category or 'no category'})",
        "content": attribute.value,
        "object_refs": [about],
        **({"external_references": [reference]} if attribute.type == "link" and is_url else {}),
        **carried((("comment", attribute.comment),)),
    }


def observed_times(attribute: Attribute) -> JsonObject:
    """Return when what an attribute tells was seen: when it was told, if nobody says."""
    first = seen(attribute.first_seen) or seen(attribute.last_seen) or moment(attribute.timestamp)
    last = seen(attribute.last_seen) or first
    ordered = sorted((first, last), key=parse_time)
    return {"first_observed": ordered[0], "last_observed": ordered[1]}


def moment(stamp: int) -> str:
    """Return a time in seconds since 1970 as STIX writes it."""
    return format_time(datetime.fromtimestamp(stamp, UTC))


def seen(text: str) -> str:
    """Return a time of MISP as STIX writes it; "" if there is none that exists."""
    try:
        return format_time(parse_time(text)) if text else ""
    except ValueError:
        return ""
