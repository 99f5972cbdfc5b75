"""Disagreement with what a source said: a false alarm, or something that is ours (STIX 2.1 §4.15)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backchannel.codec import JsonObject
from backchannel.feedback.envelope import Speaker, answer_head, bounded

Opinion = Literal["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]
"""opinion-enum (STIX 2.1 §10.17)."""


def opinion(
    about: str, speaker: Speaker, *, value: Opinion, explanation: str, created: datetime, modified: datetime
) -> JsonObject:
    """Return our opinion of the object `about`.

    Args:
        about: id of any object.
        speaker: ourselves.
        value: how strongly we agree or not.
        explanation: why, in a person's words; at most `MAX_TEXT_CHARS`.
        created: when we first said it.
        modified: when we say it now.

    Raises:
        ValueError: the explanation is empty or too long.
    """
    made = answer_head("opinion", speaker, about, created=created, modified=modified)
    made |= {
        "explanation": bounded(explanation, what="the explanation"),
        "opinion": value,
        "object_refs": [about],
    }
    return made
