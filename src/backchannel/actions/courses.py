"""What courses of action ask for: to block, or to watch and leave open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

CourseWay = Literal["block", "look", "other", ""]

_BLOCK: Final = (
    r"(?:block|deny|denied|denylist|blacklist|sinkhol|filter|reject|drop (?:the |its |all )?traffic)"
)
_BLOCKING: Final = re.compile(rf"\b{_BLOCK}")
_BETWEEN: Final = r"[^\w.;:!?]{1,20}"
"""What parts the words of one clause; none of its characters ends a clause."""
_HOLD_BACK: Final = (
    # "should not yet block", "do not, under any circumstances, block", "refrain from blocking"
    re.compile(
        rf"\b(?:not|\w+n['\u2019]t|cannot|never|nobody|avoid|refrain|abstain|hold off|wait|wrong|too early)"
        rf"(?:{_BETWEEN}\w+(?:['\u2019]\w+)?){{0,6}}?{_BETWEEN}{_BLOCK}"
    ),
    # "without blocking", "no blocking", "tell us before you block", "rather than block"
    re.compile(
        rf"\b(?:no|without|before|instead of|rather than|stop|delay|postpone)"
        rf"(?:{_BETWEEN}(?:you|we|any|a|the))?{_BETWEEN}{_BLOCK}"
    ),
    # "blocking it would be wrong", "blocks should not be set"
    re.compile(
        rf"\b{_BLOCK}\w*(?:{_BETWEEN}\w+){{0,3}}?{_BETWEEN}(?:is|are|would|should|must|may|can)"
        rf"(?:{_BETWEEN}be)?(?:{_BETWEEN}(?:not|never|wrong|premature|harmful)|n['\u2019]t|not\b)"
    ),
    re.compile(r"\b(?:unblocked|not be (?:block|denied|filtered))"),
)
"""What says not to block. Where the words leave a doubt they count as saying so: a control that is left open
can still be closed by a person, who reads the quoted text."""
_LOOKING: Final = re.compile(r"\b(?:monitor|detect|hunt|search|inspect|audit|review|alert|observ|watch)")
MAX_COURSE_CHARS: Final = 20_000
"""Of the text of one course of action, what is read for its way."""


class Courses(NamedTuple):
    """The courses of action tied to something."""

    told: tuple[tuple[str, str], ...] = ()
    """(name, description)."""
    unread: str = ""
    """What of them was not read, as the end of a sentence; "" where all was. It may say not to block."""


def way_of(courses: Sequence[tuple[str, str]]) -> CourseWay:
    """Say what kind of measure courses of action ask for, from their English words.

    "look" where they ask to watch only, or say not to block; "" where there are none. A text in another
    language is "other": it is quoted, and changes nothing.
    """
    if not courses:
        return ""
    if any(map(says_not_to_block, courses)):
        return "look"
    texts = [_text(course) for course in courses]
    if any(map(_BLOCKING.search, texts)):
        return "block"
    return "look" if any(map(_LOOKING.search, texts)) else "other"


def says_not_to_block(course: tuple[str, str]) -> bool:
    """Whether one course of action, (name, description), says not to block."""
    return _holds_back(_text(course))


def is_too_long(course: tuple[str, str]) -> bool:
    """Whether a course of action has more text than is read."""
    return len(f"{course[0]} {course[1]}") > MAX_COURSE_CHARS


def _text(course: tuple[str, str]) -> str:
    name, description = course
    return f"{name} {description}"[:MAX_COURSE_CHARS].lower()


def _holds_back(text: str) -> bool:
    return any(words.search(text) for words in _HOLD_BACK)
