"""A quick look at one object, which says yes only where the whole check would find nothing.

Most objects are right, and asking the whole schema costs more than all else that is done with them. The
looks are read off the OASIS schemas: a text, a reference, a time or a list of them is looked at here, and
what is more than that by a validator of that one rule. `tests/stix/test_looks.py` holds that whatever
passes the look passes the schema and `checks.times`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from backchannel.codec import JsonObject
from backchannel.stix import schemas
from backchannel.stix.forms import MAX_WORD_CHARS, Test, WordTest, id_of, is_boolean
from backchannel.stix.rules import OWN, property_of, rules_of, whole_of
from backchannel.stix.schemas import Version
from backchannel.stix.vocabulary import COMMON_TIMES, ORDERED, TIMES

MAX_NAMES: Final = 64
"""Most properties of an object that is looked at; real ones have 30."""
REMEMBERED: Final = 1024
"""Arrangements of properties and types kept: bounds the memory."""


class _Look(NamedTuple):
    """What is looked at in objects of one type, with the same properties of the same types."""

    lists: tuple[str, ...]
    """Properties that must not be empty."""
    words: tuple[tuple[str, WordTest], ...]
    others: tuple[tuple[str, Test], ...]
    ordered: tuple[tuple[str, str, bool], ...]
    whole: Callable[[JsonObject], bool] | None


def is_fine(value: JsonObject, version: Version) -> bool:
    """Whether it can be filed, and neither the schema nor `checks.times` finds anything; False means: ask them.

    Filed is what has a type, and an id of that type (`validate`).

    Args:
        value: any decoded object.
        version: of STIX.
    """
    stix_type = value.get("type")
    if type(stix_type) is not str or len(value) > MAX_NAMES:
        return False
    look = _look(stix_type, version, tuple(value), tuple(map(type, value.values())))
    if look is None:
        return False
    for name in look.lists:
        if not value[name]:
            return False
    for name, word_test in look.words:
        word = value[name]
        if len(word) > MAX_WORD_CHARS or not word_test(word):
            return False
    for name, test in look.others:
        if not test(value[name]):
            return False
    for earlier, later, may_be_equal in look.ordered:
        first, last = value[earlier], value[later]
        # Two spellings of one length compare like the moments they name.
        if len(first) != len(last) or first > last or (first == last and not may_be_equal):
            return False
    return look.whole is None or look.whole(value)


class _NoLookError(LookupError):
    """Only the whole check can tell."""


def _look(stix_type: str, version: Version, names: tuple[str, ...], kinds: tuple[type, ...]) -> _Look | None:
    """Return what to look at, None if only the whole check can tell."""
    try:
        return _made(stix_type, version, names, kinds)
    except _NoLookError:
        return None


@lru_cache(maxsize=REMEMBERED)
def _made(stix_type: str, version: Version, names: tuple[str, ...], kinds: tuple[type, ...]) -> _Look:
    """Return what to look at.

    Raises:
        _NoLookError: only the whole check can tell (which is not remembered: a name may be long).
    """
    is_id = id_of(stix_type, version)
    held = dict(zip(names, kinds, strict=True))
    if is_id is None or held.get("id") is not str or stix_type == "bundle" or type(None) in kinds:
        raise _NoLookError
    schema = schemas.name_for(stix_type, names, version)
    rules = rules_of(schema, version)
    if not rules.required <= held.keys() or not rules.forbidden.isdisjoint(names):
        raise _NoLookError
    times = {*COMMON_TIMES, *TIMES.get(stix_type, ())}
    asked = {name: property_of(schema, name, version, is_of_time=name in times) for name in names}
    if version == "2.0" and asked["id"] == OWN:  # an observable of 2.0 has none
        raise _NoLookError
    del asked["id"]
    of_type = asked.pop("type")
    if of_type is None or not all(test(stix_type) for test in (of_type.word, of_type.test) if test):
        raise _NoLookError
    words, others = [("id", is_id)], []
    for name, one in asked.items():
        if one is None or (one.is_text and held[name] is not str):
            raise _NoLookError
        if one.word is not None:
            words.append((name, one.word))
        elif one.test is not None and not (one.test is is_boolean and held[name] is bool):
            others.append((name, one.test))
    pairs = (("created", "modified", True), *ORDERED.get(stix_type, ()))
    return _Look(
        lists=tuple(name for name, kind in held.items() if kind is list),
        words=tuple(words),
        others=tuple(others),
        ordered=tuple(pair for pair in pairs if pair[0] in held and pair[1] in held),
        whole=whole_of(schema, version),
    )
