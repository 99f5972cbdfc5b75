"""Until when something is to count, as a person writes it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from backchannel.clock import Clock, parse_time
from backchannel.errors import UsageError
from backchannel.stix.visible import visible

_DAYS = re.compile(r"([1-9][0-9]{0,4})d\Z")
MAX_SHOWN_CHARS = 40


def expiry(text: str, clock: Clock) -> datetime:
    """Read a time to come: a day (`2027-01-31`), a time in UTC, or days from now (`90d`).

    Raises:
        UsageError: it is none, or over already.
    """
    now, shown = clock.now(), visible(text, max_chars=MAX_SHOWN_CHARS)
    days = _DAYS.match(text)
    try:
        if days is not None:
            at = now + timedelta(days=int(days[1]))
        else:
            at = parse_time(text if "T" in text else f"{text}T00:00:00Z")
    except (ValueError, OverflowError):
        raise UsageError(f"{shown!r} is no time", hint="Write 2027-01-31, a time in UTC, or 90d.") from None
    if at <= now:
        raise UsageError(f"{shown} is over already", hint="Give a time to come.")
    return at
