"""Time: the one place that reads the machine's clock, and the one way times are read and written.

Inside, a time is an aware `datetime` in UTC. Outside, it is an RFC 3339 text in UTC with a `Z`
(STIX 2.1 §2.16: `timestamp`). STIX allows any number of fraction digits; a `datetime` keeps six.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a use case gets the time from."""

    def now(self) -> datetime:
        """Return the present as an aware `datetime` in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: for tests and for the demo."""

    at: datetime

    def now(self) -> datetime:
        return self.at


_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,18}))?\s*([Zz]|[+-]\d\d:?\d\d)?\Z"
)


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time; without a zone it is taken as UTC. Digits after the sixth are cut.

    Raises:
        ValueError: `text` is no such time, or no such day or hour exists.
    """
    match = _TIMESTAMP.match(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    base = f"{year}-{month}-{day}T{hour}:{minute}:{second}.{(fraction or '0')[:6]:0<6}"
    offset = "+00:00" if zone in (None, "Z", "z") else zone
    try:
        return datetime.fromisoformat(base + offset).astimezone(UTC)
    except OverflowError:  # the first or last hours of the calendar, in a zone beyond it
        raise ValueError(f"not a time of any calendar in UTC: {text[:40]!r}") from None


def format_time(at: datetime) -> str:
    """Write `at` as STIX does: UTC, milliseconds (or microseconds where it has them), `Z`."""
    utc = at.astimezone(UTC)
    spec = "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
    return utc.replace(tzinfo=None).isoformat(timespec=spec) + "Z"
