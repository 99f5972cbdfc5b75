"""The courses of action tied to an object, and to what it indicates.

Advice and exports ask here, so that no export blocks what our own advice says to leave open.
"""

from __future__ import annotations

from typing import Final

from backchannel import codec
from backchannel.actions.courses import says_not_to_block
from backchannel.codec import JsonObject
from backchannel.store.interface import Store

MAX_RELATIONS_FOLLOWED: Final = 50
"""Relationships that are followed to find courses of action, for each of the two steps."""
MAX_COURSES_READ: Final = 50
MAX_COURSES: Final = 5
"""Courses of action that are told: those first that say not to block, so that no number of others hides one."""

_LEADING: Final = frozenset({"indicates", "based-on", "related-to"})
"""Relations from an indicator to what it shows; the courses of action against that are against it too."""


def courses_for(store: Store, stix_id: str) -> tuple[tuple[str, str], ...]:
    """Return (name, description) of the courses of action tied to the object, else to what it indicates.

    At most MAX_COURSES, and before the others those that say not to block: the first is the one that is quoted.
    """
    near = _tied(store, stix_id)
    found = dict.fromkeys(other for _, other in near if _is_course(other))
    if not found:
        for relation, other in near:
            if relation in _LEADING:
                found |= dict.fromkeys(far for _, far in _tied(store, other) if _is_course(far))
    held = store.objects.currents(list(found)[:MAX_COURSES_READ]) if found else {}
    courses = [
        name_and_text(codec.decode(kept.body))
        for one in found
        if (kept := held.get(one)) and not kept.revoked
    ]
    return tuple(sorted(courses, key=lambda course: not says_not_to_block(course))[:MAX_COURSES])


def has_courses(store: Store) -> bool:
    """Whether there may be a course of action at all: without one nothing needs to be followed."""
    found, more = store.objects.newest(("course-of-action",), before=None, rows=1, scan=1_000)
    return bool(found) or more is not None


def name_and_text(value: JsonObject) -> tuple[str, str]:
    """Return the name and the description of an object, each "" where it is no text."""
    name, text = value.get("name"), value.get("description")
    return (name if isinstance(name, str) else ""), (text if isinstance(text, str) else "")


def _is_course(stix_id: str) -> bool:
    return stix_id.startswith("course-of-action--")


def _tied(store: Store, stix_id: str) -> list[tuple[str, str]]:
    """Return (relationship_type, id of the other end) of the relationships of one object."""
    referring = store.objects.referring(
        stix_id, properties=("source_ref", "target_ref"), at_most=MAX_RELATIONS_FOLLOWED
    )
    found = []
    for name, other in referring:
        if other.type != "relationship":
            continue
        value = codec.decode(other.body)
        far = value.get("target_ref" if name == "source_ref" else "source_ref")
        if isinstance(far, str):
            found.append((str(value.get("relationship_type", "")), far))
    return found
