"""A quick look at one object, which says yes only where the whole check would find nothing.

Most objects are right, and asking the whole schema costs more than all else that is done with them. The
looks are read off the OASIS schemas: a text, a reference, a time or a list of them is looked at here, and
what is more than that by a validator of that one rule. `tests/stix/test_looks.py` holds that whatever
passes the look passes the schema and `checks.times`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from backchannel.codec import JsonObject
from backchannel.stix.forms import MAX_WORD_CHARS, Test
from backchannel.stix.rules import OWN, TEXT, property_of, rules_of, whole_of
from backchannel.stix.schemas import Version
from backchannel.stix.vocabulary import COMMON_TIMES, ORDERED, TIMES

MAX_NAMES: Final = 64
"""Most properties of an object that is looked at; real ones have 30."""
REMEMBERED: Final = 1024
"""Arrangements of properties kept: bounds the memory."""

_PLAIN_NAME = re.compile(r"(?:[a-z][a-z0-9_]{2,249}|id)\Z")


class _Look(NamedTuple):
    """What is looked at in objects of one type and with the same properties."""

    texts: tuple[str, ...]
    words: tuple[tuple[str, Test], ...]
    others: tuple[tuple[str, Test], ...]
    own: tuple[str, ...]
    """Properties that no schema knows: they may hold anything but null and an empty list."""
    ordered: tuple[tuple[str, str, bool], ...]
    whole: Callable[[JsonObject], bool] | None


class _NoLookError(LookupError):
    """Only the whole check can tell."""


def is_fine(value: JsonObject, schema: str, version: Version) -> bool:
    """Whether neither the schema nor `checks.times` finds anything; False means: ask them.

    Args:
        value: the decoded object; it has a type and an id.
        schema: name of its schema.
        version: of STIX.
    """
    if len(value) > MAX_NAMES:
        return False
    try:
        look = _look(schema, value["type"], version, tuple(value))
    except _NoLookError:
        return False
    for name in look.texts:
        if type(value[name]) is not str:
            return False
    for name, test in look.words:
        held = value[name]
        if type(held) is not str or len(held) > MAX_WORD_CHARS or not test(held):
            return False
    return (
        _are_others_fine(value, look)
        and _is_ordered(value, look)
        and (look.whole is None or look.whole(value))
    )


def _are_others_fine(value: JsonObject, look: _Look) -> bool:
    for name in look.own:
        held = value[name]
        if not held and (held is None or held == []):
            return False
    for name, test in look.others:
        held = value[name]
        if held is None or held == [] or not test(held):
            return False
    return True


def _is_ordered(value: JsonObject, look: _Look) -> bool:
    for earlier, later, may_be_equal in look.ordered:
        first, last = value[earlier], value[later]
        # Two spellings of one length compare like the moments they name.
        if len(first) != len(last) or first > last or (first == last and not may_be_equal):
            return False
    return True


def _is_anything(value: object) -> bool:  # noqa: ARG001 - one signature for all tests
    return True


@lru_cache(maxsize=REMEMBERED)
def _look(schema: str, stix_type: str, version: Version, names: tuple[str, ...]) -> _Look:
    """Return what to look at.

    Raises:
        _NoLookError: a name or the lack of one asks for the whole check (and is not remembered: it may be long).
    """
    rules = rules_of(schema, version)
    held = set(names)
    if not rules.required <= held or not rules.forbidden.isdisjoint(held):
        raise _NoLookError
    if not all(_PLAIN_NAME.match(name) and not name.endswith(("_hex", "_bin")) for name in names):
        raise _NoLookError
    pairs = (("created", "modified", True), *ORDERED.get(stix_type, ()))
    times = {*COMMON_TIMES, *TIMES.get(stix_type, ())}
    asked = {name: property_of(schema, name, version, is_of_time=name in times) for name in names}
    if version == "2.0" and asked.get("id") == OWN:  # an observable of 2.0 has none
        raise _NoLookError
    tests = {name: one.test for name, one in asked.items() if one not in (TEXT, OWN)}
    if not tests.pop("type", _is_anything)(stix_type):
        raise _NoLookError
    return _Look(
        texts=tuple(name for name, one in asked.items() if one == TEXT),
        words=tuple((name, test) for name, test in tests.items() if asked[name].is_text),
        others=tuple((name, test) for name, test in tests.items() if not asked[name].is_text),
        own=tuple(name for name, one in asked.items() if one == OWN),
        ordered=tuple(pair for pair in pairs if pair[0] in held and pair[1] in held),
        whole=whole_of(schema, version),
    )
