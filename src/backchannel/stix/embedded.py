"""Check the observables inside an observed-data (`objects`): the way of 2.0, deprecated in 2.1.

The schema of 2.0 only says that an observable fits none of eighteen forms; here each is held against the
schema of its own type. STIX 2.0 Part 3 §2.3 (references), Part 4 (the observables).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backchannel.codec import JsonObject, JsonValue
from backchannel.stix import checks, schemas
from backchannel.stix.checks import Problem
from backchannel.stix.schemas import CUSTOM_OBSERVABLE, Version
from backchannel.stix.vocabulary import OBSERVABLES, ORDERED, REFERENCES_20, TIMES_20
from backchannel.stix.wording import pointer, quoted, sentence

MAX_NESTING: Final = 12
"""How deep references are looked for inside one observable (objects and lists)."""


def embedded(value: JsonObject, version: Version) -> Iterator[Problem]:
    """Yield what is wrong with each observable in `objects`, and with the references between them."""
    objects = value["objects"]
    if not isinstance(objects, dict):
        return
    for key, item in objects.items():
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            continue
        base = pointer(["objects", key])
        yield from _times(item, base)
        yield from checks.described(item, base)
        yield from _references(item, objects, base)
        if version == "2.0":
            yield from _schema(item, base)


def _schema(item: JsonObject, base: str) -> Iterator[Problem]:
    known = schemas.has_schema(item["type"], "2.0") and item["type"] in OBSERVABLES
    validator = schemas.full(item["type"] if known else CUSTOM_OBSERVABLE, "2.0")
    if validator.is_valid(item):
        return
    for error in validator.iter_errors(item):
        yield Problem(
            "note",
            base + pointer(error.instance_path),
            sentence(error),
            f"STIX 2.0 Part 4 ({item['type'][:60]})",
        )


def _times(item: JsonObject, base: str) -> Iterator[Problem]:
    for name in TIMES_20.get(item["type"], ()):
        if name in item:
            for found in checks.existing(item[name], name, "note"):
                yield found._replace(path=base + found.path)
    yield from checks.inner_times(item, base)
    for earlier, later, may_be_equal in ORDERED.get(item["type"], ()):
        for found in checks.in_order(item, earlier, later, may_be_equal=may_be_equal):
            yield found._replace(path=base + found.path, level="note")


def _references(item: JsonObject, objects: JsonObject, base: str) -> Iterator[Problem]:
    allowed = REFERENCES_20.get(item["type"], {})
    for path, name, target in _found(item, [], ""):
        if not isinstance(target, str) or "--" in target:
            continue  # an id: the way of 2.1, which leads out of this object
        where = base + pointer(path)
        found = objects.get(target)
        if not isinstance(found, dict):
            what = f"the reference {quoted(target)} leads to no observable of this object"
            yield Problem("note", where, what, "STIX 2.0 Part 3 §2.3")
            continue
        wanted = allowed.get(name) or allowed.get(name.rpartition(".")[2])
        if wanted and found.get("type") not in wanted:
            what = f"the reference leads to {quoted(found.get('type'))}, and has to lead to {' or '.join(wanted)}"
            yield Problem("note", where, what, "STIX 2.0 Part 4")


def _found(
    value: JsonValue, path: list[str | int], extension: str
) -> Iterator[tuple[list[str | int], str, JsonValue]]:
    """Yield (path, name, target) of each reference; in an extension, the name has the extension before it."""
    if len(path) > MAX_NESTING:
        return
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _found(inner, [*path, number], extension)
        return
    for key, inner in value.items() if isinstance(value, dict) else ():
        name = f"{extension}.{key}" if extension else key
        if key.endswith("_ref"):
            yield [*path, key], name, inner
        elif key.endswith("_refs") and isinstance(inner, list):
            for number, target in enumerate(inner):
                yield [*path, key, number], name, target
        elif isinstance(inner, (dict, list)):
            yield from _found(inner, [*path, key], key if path == ["extensions"] else extension)
