"""Make a STIX 2.1 indicator of a line or a row: the same row always gives the same object id.

The id comes from who sent it and what it says, never from when it was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from backchannel import codec
from backchannel.clock import format_time
from backchannel.codec import JsonObject
from backchannel.ids import derived_id
from backchannel.intake.doubts import doubt
from backchannel.intake.received import Received
from backchannel.intake.values import Value
from backchannel.observables.kinds import Network
from backchannel.stix.findings import Finding
from backchannel.stix.read import raw_object
from backchannel.stix.visible import visible

MAX_TEXT_CHARS: Final = 4_000
"""Longest description taken from a row (characters)."""
MAX_LABELS: Final = 32
"""Most labels taken from a row."""
MAX_LABEL_CHARS: Final = 200
"""Longest label taken (characters)."""


class Details(NamedTuple):
    """What a line or row says of its values."""

    description: str = ""
    seen_at: datetime | None = None
    """Its own date: since when it is valid."""
    valid_until: datetime | None = None
    confidence: int | None = None
    labels: tuple[str, ...] = ()
    reference: str = ""
    """URL of a page about it."""
    doubts: tuple[str, ...] = ()
    """Why the row should wait for a person, in words."""
    remarks: tuple[str, ...] = ()
    """What had to be passed over or guessed in the row, in words."""


class Origin(NamedTuple):
    """Where a line or row stands, and who sent it when."""

    party: str
    source: str
    """Name of the file."""
    place: str
    """Its address: `list.txt:12`."""
    now: datetime
    original: bytes


def indicator(values: Sequence[Value], details: Details, origin: Origin) -> Received:
    """Return the indicator of one observable, or of several hashes of one file.

    Args:
        values: one or more; several are joined by OR.
        details: what the row says of them.
        origin: where it comes from. `now` is its date where it has none of its own.
    """
    pattern = f"[{' OR '.join(_comparison(value) for value in values)}]"
    description = details.description[:MAX_TEXT_CHARS]
    dated = format_time(details.seen_at) if details.seen_at is not None else ""
    until = format_time(details.valid_until) if details.valid_until is not None else ""
    stix_id = derived_id("indicator", origin.party, pattern, dated, until, description)
    value: JsonObject = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": stix_id,
        "created": dated or format_time(origin.now),
        "modified": dated or format_time(origin.now),
        "name": visible(values[0].text, max_chars=250),
        **({"description": description} if description else {}),
        "pattern": pattern,
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": dated or format_time(origin.now),
        **({"valid_until": until} if until else {}),
        **({"confidence": details.confidence} if details.confidence is not None else {}),
        **({"labels": list(details.labels)} if details.labels else {}),
        **_references(details.reference, origin.source),
    }
    body = codec.encode(value)
    findings = tuple(_findings(stix_id, values, details, origin.place))
    return Received(raw_object(body, value, "2.1"), findings, origin.place, origin.original)


def _comparison(value: Value) -> str:
    operator = "ISSUBSET" if isinstance(value.found, Network) else "="
    quoted = value.text.replace("\\", "\\\\").replace("'", "\\'")
    return f"{value.path} {operator} '{quoted}'"


def _references(url: str, source: str) -> JsonObject:
    if not url.startswith(("http://", "https://")) or any(character.isspace() for character in url):
        return {}
    name = visible(source.rpartition("/")[2], max_chars=100) or "row"
    return {"external_references": [{"source_name": name, "url": url}]}


def _findings(stix_id: str, values: Sequence[Value], details: Details, place: str) -> list[Finding]:
    doubts = [why for value in values if (why := doubt(value.found)) is not None]
    repairs = dict.fromkeys(repair for value in values for repair in value.repairs)
    found = [
        Finding("quarantine", stix_id, place, why, "limit: what an indicator may cover") for why in doubts
    ]
    found.extend(Finding("quarantine", stix_id, place, why, "import: rows") for why in details.doubts)
    if repairs:
        what = f"read as {visible(values[0].text, max_chars=120)} ({'; '.join(repairs)})"
        found.append(Finding("note", stix_id, place, what, "import: values"))
    found.extend(Finding("note", stix_id, place, remark, "import: rows") for remark in details.remarks)
    return found
