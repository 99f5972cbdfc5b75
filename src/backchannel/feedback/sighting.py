"""Seen, how often and when; or searched for and not seen (STIX 2.1 §5.2)."""

from __future__ import annotations

from datetime import datetime

from backchannel.clock import format_time
from backchannel.codec import JsonObject
from backchannel.feedback.envelope import Speaker, answer_head, bounded

MAX_COUNT = 999_999_999
"""Largest `count` (STIX 2.1 §5.2.1)."""


def sighting(
    about: str,
    speaker: Speaker,
    *,
    count: int,
    first_seen: datetime | None,
    last_seen: datetime | None,
    description: str,
    created: datetime,
    modified: datetime,
) -> JsonObject:
    """Return the sighting of the object `about` in our own network.

    Args:
        about: id of an SDO; only those can be sighted.
        speaker: ourselves: who says so, and where it was seen.
        count: log lines; 0 means searched for and not seen. Beyond `MAX_COUNT` it is written as `MAX_COUNT`.
        first_seen: of the lines; for count 0, of the records that were searched through: the window in which it was not
            seen. None where the logs give no time.
        last_seen: likewise; never before `first_seen`.
        description: how it was searched, in a sentence.
        created: when we first said it.
        modified: when we say it now.

    Raises:
        ValueError: the count is negative, or the times are in the wrong order.
    """
    if count < 0:
        raise ValueError(f"a sighting cannot have happened {count} times")
    if first_seen and last_seen and last_seen < first_seen:
        raise ValueError("last_seen lies before first_seen")
    made = answer_head("sighting", speaker, about, created=created, modified=modified)
    made["description"] = bounded(description, what="the sighting's description")
    if first_seen:
        made["first_seen"] = format_time(first_seen)
    if last_seen:
        made["last_seen"] = format_time(last_seen)
    made |= {
        "count": min(count, MAX_COUNT),
        "sighting_of_ref": about,
        "where_sighted_refs": [speaker.id],
        "summary": True,
    }
    return made
