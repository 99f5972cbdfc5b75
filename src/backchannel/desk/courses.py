"""The courses of action tied to an object, and to what it indicates.

Advice and exports ask here, so that no export blocks what our own advice says to leave open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from backchannel import codec
from backchannel.actions.courses import MAX_COURSE_CHARS, Courses, is_too_long, says_not_to_block
from backchannel.codec import JsonObject
from backchannel.store.interface import Store
from backchannel.store.rows import Kept

MAX_RELATIONS_FOLLOWED: Final = 50
"""Relationships that are followed from an object, and those with courses of action from what it indicates."""
MAX_RELATIONS_SCANNED: Final = 20_000
"""Relationships of what is indicated that are looked through for those with courses of action."""
MAX_COURSES_READ: Final = 50
MAX_COURSES: Final = 5
"""Courses of action that are told: those first that say not to block, so that no number of others hides one."""
MAX_KEPT: Final = 10_000
"""Objects whose courses of action are kept in memory: many indicators show the same few."""

_LEADING: Final = frozenset({"indicates", "based-on", "related-to"})
"""Relations from an indicator to what it shows; the courses of action against that are against it too."""
_COURSE: Final = "course-of-action--"


@dataclass(frozen=True, slots=True)
class _Tied:
    """The courses of action tied to one object."""

    ids: tuple[str, ...]
    leads_to: tuple[str, ...] = ()
    """What an indicator shows."""
    unread: str = ""


class CourseFinder:
    """Finds courses of action for one answer: what was found of an object is not looked for again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._far: dict[str, _Tied] = {}

    @cached_property
    def _has_any(self) -> bool:
        """Whether there may be a course of action at all: without one nothing needs to be followed."""
        found, more = self._store.objects.newest(("course-of-action",), before=None, rows=1, scan=1_000)
        return bool(found) or more is not None

    def of(self, stix_id: str) -> Courses:
        """Return the courses of action tied to the object, else to what it indicates.

        At most MAX_COURSES, and before the others those that say not to block: the first is the one that is quoted.
        Where a bound is met, it is said what was not read.
        """
        if not self._has_any:
            return Courses()
        near = self._near(stix_id)
        found, unread = dict.fromkeys(near.ids), near.unread
        if not found:
            for other in near.leads_to:
                far = self._of_shown(other)
                found |= dict.fromkeys(far.ids)
                unread = unread or far.unread
        if len(found) > MAX_COURSES_READ:
            unread = unread or f"it has more than {MAX_COURSES_READ} courses of action"
        held = self._store.objects.currents(list(found)[:MAX_COURSES_READ]) if found else {}
        courses = [
            name_and_text(codec.decode(kept.body))
            for one in found
            if (kept := held.get(one)) and not kept.revoked
        ]
        if any(map(is_too_long, courses)):
            unread = unread or f"a course of action of it is longer than {MAX_COURSE_CHARS:,} characters"
        told = sorted(courses, key=lambda course: not says_not_to_block(course))[:MAX_COURSES]
        return Courses(tuple(told), unread)

    def _near(self, stix_id: str) -> _Tied:
        referring = self._store.objects.referring(
            stix_id, properties=_ENDS, at_most=MAX_RELATIONS_FOLLOWED + 1
        )
        ties = _ties(referring[:MAX_RELATIONS_FOLLOWED])
        unread = ""
        if len(referring) > MAX_RELATIONS_FOLLOWED:
            unread = f"it has more than {MAX_RELATIONS_FOLLOWED} relationships"
        courses = tuple(other for _, other in ties if other.startswith(_COURSE))
        return _Tied(courses, tuple(other for relation, other in ties if relation in _LEADING), unread)

    def _of_shown(self, stix_id: str) -> _Tied:
        """Return those of what an indicator shows: a family of malware may have any number of indicators."""
        known = self._far.get(stix_id)
        if known is not None:
            return known
        referring, is_whole = self._store.objects.referring_with(
            stix_id,
            properties=_ENDS,
            beside=_COURSE,
            at_most=MAX_RELATIONS_FOLLOWED + 1,
            scan=MAX_RELATIONS_SCANNED,
        )
        ids = tuple(other for _, other in _ties(referring) if other.startswith(_COURSE))
        unread = ""
        if not is_whole:
            unread = f"what it indicates has more than {MAX_RELATIONS_SCANNED:,} relationships"
        elif len(referring) > MAX_RELATIONS_FOLLOWED:
            unread = f"what it indicates has more than {MAX_RELATIONS_FOLLOWED} courses of action"
        if len(self._far) >= MAX_KEPT:
            self._far.clear()
        self._far[stix_id] = found = _Tied(ids, unread=unread)
        return found


def name_and_text(value: JsonObject) -> tuple[str, str]:
    """Return the name and the description of an object, each "" where it is no text."""
    name, text = value.get("name"), value.get("description")
    return (name if isinstance(name, str) else ""), (text if isinstance(text, str) else "")


_ENDS: Final = ("source_ref", "target_ref")


def _ties(referring: Iterable[tuple[str, Kept]]) -> list[tuple[str, str]]:
    """Return (relationship_type, id of the other end) of the relationships among what refers to an object."""
    found = []
    for name, other in referring:
        if other.type != "relationship":
            continue
        value = codec.decode(other.body)
        far = value.get("target_ref" if name == "source_ref" else "source_ref")
        if isinstance(far, str):
            found.append((str(value.get("relationship_type", "")), far))
    return found
