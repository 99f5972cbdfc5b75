"""What courses of action ask for: to block, or to watch and leave open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

CourseWay = Literal["block", "look", "other", ""]

_HOLD_BACK: Final = re.compile(
    r"\b(?:(?:do not|don't|not be|avoid|without|never) (?:block|blocking|blocked))\b"
)
_BLOCKING: Final = re.compile(
    r"\b(?:block|deny|denied|denylist|blacklist|sinkhol|filter|reject|drop (?:the )?traffic)"
)
_LOOKING: Final = re.compile(r"\b(?:monitor|detect|hunt|search|inspect|audit|review|alert|observ|watch)")
MAX_COURSE_CHARS = 20_000
"""Of the texts of the courses of action, what is read for their way."""


def way_of(courses: Sequence[tuple[str, str]]) -> CourseWay:
    """Say what kind of measure courses of action ask for, from their English words.

    "look" where they ask to watch only, or say not to block; "" where there are none. A text in another
    language is "other": it is quoted, and changes nothing.
    """
    if not courses:
        return ""
    text = " ".join(f"{name} {description}" for name, description in courses)[:MAX_COURSE_CHARS].lower()
    if _HOLD_BACK.search(text):
        return "look"
    if _BLOCKING.search(text):
        return "block"
    return "look" if _LOOKING.search(text) else "other"
