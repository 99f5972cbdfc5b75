"""An acknowledgement: we have it, and this is what we did with it (STIX 2.1 §4.13)."""

from __future__ import annotations

from datetime import datetime

from backchannel.codec import JsonObject
from backchannel.feedback.envelope import Speaker, answer_head, bounded


def note(
    about: str, speaker: Speaker, *, abstract: str, content: str, created: datetime, modified: datetime
) -> JsonObject:
    """Return a note to the object `about`.

    Args:
        about: id of any object.
        speaker: ourselves.
        abstract: a few words.
        content: what we have to say; at most `MAX_TEXT_CHARS`.
        created: when we first said it.
        modified: when we say it now.

    Raises:
        ValueError: a text is empty or too long.
    """
    made = answer_head("note", speaker, about, created=created, modified=modified)
    made |= {
        "abstract": bounded(abstract, what="the note's abstract"),
        "content": bounded(content, what="the note"),
        "object_refs": [about],
    }
    return made
