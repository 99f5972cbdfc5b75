"""Follow an object path into what was observed: keys, indexes, references (STIX 2.1 §9.7)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.pattern.ast import AnyIndex, Path

MAX_VALUES: Final = 10_000
"""Values that one path may lead to in one object; hostile lists of references could have any number."""


class TooManyValuesError(ValueError):
    """A path leads to more values than are looked at."""


def values_at(path: Path, root: JsonObject, objects: Mapping[str, JsonObject]) -> list[object]:
    """Return the values that `path` selects, `root` being an object of its type.

    A property that ends in `_ref` or `_refs` stands for the objects it names; a name that is not among `objects`
    for none. One that ends in `_hex` or `_bin` stands for the bytes it spells.

    Raises:
        TooManyValuesError: there are more than `MAX_VALUES`.
    """
    found: list[object] = [root]
    for step in path.steps:
        if isinstance(step, str):
            found = _property(found, step, objects)
        elif isinstance(step, AnyIndex):
            found = [member for value in found if isinstance(value, list) for member in value]
        else:
            found = [value[step] for value in found if isinstance(value, list) and step < len(value)]
        if len(found) > MAX_VALUES:
            raise TooManyValuesError(f"{path} leads to more than {MAX_VALUES:,} values")
        if len(found) > 1:
            found = _once(found)
        if not found:
            break
    return found


def _property(values: list[object], key: str, objects: Mapping[str, JsonObject]) -> list[object]:
    held: list[object] = [value[key] for value in values if isinstance(value, dict) and key in value]
    if key.endswith("_ref"):
        return [objects[name] for name in held if isinstance(name, str) and name in objects]
    if key.endswith("_refs"):
        lists = [
            [objects[name] for name in names if isinstance(name, str) and name in objects]
            for names in held
            if isinstance(names, list)
        ]
        return [one for one in lists if one]
    if key.endswith("_hex"):
        return [_from_hex(value) for value in held]
    return [_from_base64(value) for value in held] if key.endswith("_bin") else held


def _once(values: list[object]) -> list[object]:
    """Leave out an object met twice: references may lead to the same one by many ways, and ways multiply."""
    seen: set[int] = set()
    kept = []
    for value in values:
        if isinstance(value, dict):
            if id(value) in seen:
                continue
            seen.add(id(value))
        kept.append(value)
    return kept


def _from_hex(value: object) -> object:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else value
    except ValueError:
        return value  # it says that it is hexadecimal, and is not: a text


def _from_base64(value: object) -> object:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else value
    except (ValueError, binascii.Error):
        return value
