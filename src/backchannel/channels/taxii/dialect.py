"""How TAXII 2.1 and TAXII 2.0 differ for who reads: media types, and how a listing goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal, NamedTuple

from backchannel.clock import parse_time

Version = Literal["2.1", "2.0"]

TAXII: Final[Mapping[Version, str]] = {
    "2.1": "application/taxii+json;version=2.1",
    "2.0": "application/vnd.oasis.taxii+json; version=2.0",
}
"""Media type of everything but objects."""
OBJECTS: Final[Mapping[Version, str]] = {
    "2.1": "application/taxii+json;version=2.1",
    "2.0": "application/vnd.oasis.stix+json; version=2.0",
}
SKEW: Final = timedelta(minutes=5)
"""How much of what was read is read again where only the server's clock says how far we are."""

_RANGE = re.compile(r"items[ =](\d{1,12})-(\d{1,12})/(\d{1,12}|\*)\Z")


class Span(NamedTuple):
    """`Content-Range` of TAXII 2.0 §3.4.3."""

    first: int
    last: int
    total: int | None
    """None where it is not known."""


def span(headers: Mapping[str, str]) -> Span | None:
    """Return which items an answer holds; None where it does not say."""
    match = _RANGE.match(headers.get("content-range", "").strip())
    if match is None:
        return None
    first, last, total = match.groups()
    return Span(int(first), int(last), None if total == "*" else int(total))


def last_added(headers: Mapping[str, str]) -> datetime | None:
    """Return `X-TAXII-Date-Added-Last` (TAXII 2.1 §3.2); None where it is missing or no time."""
    try:
        return parse_time(headers.get("x-taxii-date-added-last", "").strip())
    except ValueError:
        return None


def server_now(headers: Mapping[str, str]) -> datetime | None:
    """Return what the server's own clock says: its additions are stamped by that one, not by ours."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def stamp(at: datetime) -> str:
    """Write a time as TAXII does: UTC, six digits, `Z` (TAXII 2.1 §2: timestamp)."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
