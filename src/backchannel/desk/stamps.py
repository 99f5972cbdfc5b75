"""Stamps of collections: whole microseconds since 1970 (UTC), and their spelling in TAXII."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Return a time as a stamp."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(stamp: int) -> datetime:
    """Return a stamp as a time."""
    return _EPOCH + timedelta(microseconds=stamp)


def format_micros(stamp: int) -> str:
    """Write a stamp as TAXII does: UTC, six digits, `Z` (TAXII 2.1 §2: timestamp)."""
    return from_micros(stamp).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
