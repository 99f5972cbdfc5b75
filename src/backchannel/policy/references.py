"""What one object says of others: the ids in it, and the object without some of them.

An id tells that there is something. So what names an object that the recipient may not have either does not go, or goes
without the name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from backchannel import codec
from backchannel.codec import JsonObject, JsonValue
from backchannel.policy.transforms import UnfitError

MARKINGS: Final = frozenset({"object_marking_refs", "granular_markings"})
"""A marking has to be named, so that who reads the object knows how far it may go."""
REQUIRED: Final = frozenset(
    {
        "source_ref",
        "target_ref",
        "sighting_of_ref",
        "object_ref",
        "object_refs",
        "sample_ref",
        "analysis_sco_refs",
    }
)
"""References without which an object says nothing; a list of them may be shortened, and not emptied."""
MAX_DEPTH: Final = 32

_UUID = re.compile(rb"--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
"""The end of an id: it begins with what is seldom met, so that texts are passed over quickly."""
_TYPE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
MAX_TYPE_CHARS: Final = 250
"""Longest type (STIX 2.1 §3.1)."""


def named_in(value: JsonObject) -> frozenset[str]:
    """Return the ids of other objects that an object names, in small letters: as references, or anywhere in its texts."""
    own = str(value.get("id")).lower()
    return frozenset(one.lower() for one in spelled_in(value)) - {own}


def spelled_in(value: JsonObject) -> frozenset[str]:
    """Return the ids that an object names as it spells them: an id is kept as its maker wrote it."""
    about = {key: held for key, held in value.items() if key not in MARKINGS and key != "id"}
    text = codec.encode(about)
    found: set[str] = set()
    for match in _UUID.finditer(text):
        first = end = match.start()
        while first > max(0, end - MAX_TYPE_CHARS) and text[first - 1] in _TYPE:
            first -= 1
        found.add(text[first : match.end()].decode().lstrip("-"))
    return frozenset(found)


def without(value: JsonObject, gone: Collection[str]) -> JsonObject:
    """Return an object without references to objects that are withheld.

    Args:
        value: the object.
        gone: their ids, in small letters.

    Raises:
        UnfitError: without one of them the object says nothing, or one of them stands in the middle of a text.
    """
    made: JsonObject = {}
    for key, held in value.items():
        if key in MARKINGS or key == "id":
            made[key] = held
            continue
        left = _left(key, held, gone)
        if left is not None:
            made[key] = left
        elif key in REQUIRED:
            raise UnfitError(f"`{key}` names only what is withheld, and cannot be left out")
    named = sorted(named_in(made) & set(gone))
    if named:
        raise UnfitError("the id of an object that is withheld stands in one of its texts")
    return made


def _left(key: str, held: JsonValue, gone: Collection[str]) -> JsonValue:
    """Return what is left of a property; None: nothing."""
    if key.endswith("_ref") and isinstance(held, str):
        return None if held.lower() in gone else held
    if key.endswith("_refs") and isinstance(held, list):
        left = [one for one in held if not (isinstance(one, str) and one.lower() in gone)]
        return left or None
    return held


def renamed(value: JsonObject, names: Mapping[str, str]) -> JsonObject:
    """Return an object whose references lead to the new ids of redacted objects.

    Args:
        value: the object.
        names: old id, in small letters, to new one.

    Raises:
        UnfitError: an old one stands in the middle of a text.
    """
    made = {
        key: held if key in MARKINGS or key == "id" else _renamed(key, held, names, 0)
        for key, held in value.items()
    }
    if named_in(made) & set(names):
        raise UnfitError("the id of an object that goes redacted only stands in one of its texts")
    return made


def _renamed(key: str, held: JsonValue, names: Mapping[str, str], depth: int) -> JsonValue:
    if depth > MAX_DEPTH:
        return held
    if isinstance(held, str):
        return names.get(held.lower(), held) if key.endswith(("_ref", "_refs")) else held
    if isinstance(held, list):
        return [_renamed(key, one, names, depth + 1) for one in held]
    if isinstance(held, dict):
        return {inner: _renamed(inner, one, names, depth + 1) for inner, one in held.items()}
    return held
