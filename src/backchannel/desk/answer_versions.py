"""Versions of what we say of one object: the same said again changes nothing, something else is a new version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from backchannel.clock import parse_time
from backchannel.codec import JsonObject
from backchannel.errors import UsageError
from backchannel.feedback.envelope import Speaker
from backchannel.feedback.sighting import sighting

_TICK = timedelta(milliseconds=1)
"""Smallest step between two versions that every tool keeps (STIX 2.1 §2.16: milliseconds at least)."""


Make = Callable[[datetime, datetime], JsonObject]
"""Makes an answer from the times `created` and `modified`."""


def sighting_maker(
    about: str, speaker: Speaker, *, count: int, first_at: str | None, last_at: str | None, description: str
) -> Make:
    """Return what makes a sighting: of what was seen with the times of the lines, else with those of what was searched."""
    return lambda created, modified: sighting(
        about,
        speaker,
        count=count,
        first_seen=parse_time(first_at) if first_at else None,
        last_seen=parse_time(last_at) if last_at else None,
        description=description,
        created=created,
        modified=modified,
    )


def version_of(make: Make, before: JsonObject | None, now: datetime) -> JsonObject:
    """Return what is said now: what was said before, where it is the same, else its next version.

    Args:
        make: makes it from the times `created` and `modified`.
        before: what was said last; None: nothing.
        now: when.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        if before is None:
            return make(now, now)
        created, modified = parse_time(before["created"]), parse_time(before["modified"])
        same = make(created, modified)
        # A version must be newer than the one before (STIX 2.1 §3.6), also by a clock that was set back.
        return same if same == before else make(created, max(now, modified + _TICK))
    except ValueError as error:
        raise UsageError(str(error), hint="Shorten or correct the text.") from None
