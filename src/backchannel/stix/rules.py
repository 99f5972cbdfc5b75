"""The OASIS schemas, read into tests of single values for a quick look (`looks`).

A text, a reference, a time or a list of them is a test of our own (`forms`); whatever is more than that is
left to a validator of that one rule, made when it is first needed. No test takes what its rule would not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial, reduce
from typing import Final, NamedTuple, TypeVar

from backchannel.codec import JsonObject
from backchannel.stix import schemas
from backchannel.stix.forms import (
    MAX_WORD_CHARS,
    OF_WORDS,
    REMEMBERED,
    Test,
    WordTest,
    are_texts,
    begins,
    each,
    has_length,
    has_members,
    is_between,
    is_boolean,
    is_exact_time,
    is_external_reference,
    is_id,
    is_id_20,
    is_malware,
    is_statement,
    is_text,
    is_time,
    matches,
    remembered,
)
from backchannel.stix.schemas import Version

_Value = TypeVar("_Value")

MAX_PROPERTIES: Final = 4096
"""Properties of which it is remembered what to look at: bounds the memory."""

_PLAIN_NAME = re.compile(r"(?:[a-z][a-z0-9_]{2,249}|id)\Z")
_PREFIX = re.compile(r"\^([a-z-]+--)\Z")
_EXACT_TIME = r"T\d{2}:\d{2}:\d{2}\.\d{3,}Z$"
_EXPRESSIONS: Final[Mapping[str, re.Pattern[str]]] = {
    r"^[a-z0-9\-]+$": re.compile(r"\A[a-z0-9-]+\Z"),
    r"^([a-z][a-z0-9]*)+(-[a-z0-9]+)*\-?$": re.compile(r"\A[a-z][a-z0-9]*(?:-[a-z0-9]+)*-?\Z"),
}
"""Expressions of the schemas as Python writes them: with ASCII digits, and an end that is the end."""
_DENIED: Final = {
    r"^(relationship|sighting|bundle|marking-definition|language-content)--.+$": re.compile(
        r"\A(?:relationship|sighting|bundle|marking-definition|language-content)--"
    ),
}
"""The same for what stands under a `not`: these may take more."""
_REMARKS: Final = frozenset({"$id", "$schema", "title", "description", "definitions"})


class Rules(NamedTuple):
    """One schema, taken apart."""

    properties: dict[str, list[tuple[JsonObject, JsonObject]]]
    """Each rule with the file that it is a part of; read when an object has the property."""
    required: set[str]
    forbidden: set[str]
    whole: list[tuple[JsonObject, JsonObject]]
    """What else is asked of the object, with its file."""


class Property(NamedTuple):
    """What is looked at in one property."""

    is_text: bool
    word: WordTest | None = None
    """Asked of a text."""
    test: Test | None = None
    """Asked of anything else."""


OWN: Final = Property(is_text=False)
"""No schema knows the property."""


@cache
def rules_of(name: str, version: Version) -> Rules:
    """Return the schema `name`, taken apart."""
    rules = Rules({}, set(), set(), [])
    file = schemas.source(name, version)
    _gather(file, file, version, rules)
    return rules


def _gather(schema: JsonObject, file: JsonObject, version: Version, rules: Rules) -> None:
    """Add what `schema` (a part of `file`) asks of an object."""
    left: JsonObject = {}
    for keyword, asked in schema.items():
        if keyword in _REMARKS or (keyword == "type" and asked == "object"):
            continue
        if keyword == "$ref" and not asked.startswith("#"):
            found = schemas.referred(asked, version)
            _gather(found, found, version, rules)
        elif keyword == "allOf":
            for part in asked:
                _gather(part, file, version, rules)
        elif keyword == "properties":
            for name, rule in asked.items():
                rules.properties.setdefault(name, []).append((rule, file))
        elif keyword == "required":
            rules.required.update(asked)
        elif keyword == "not" and _names_forbidden(asked):
            rules.forbidden.update(name for one in asked["anyOf"] for name in one["required"])
        else:
            left[keyword] = asked
    if left:  # keywords that bear on each other (if, then) stay together
        rules.whole.append(({**schema, **left} if "additionalProperties" in left else left, file))


def _names_forbidden(asked: JsonObject) -> bool:
    return asked.keys() == {"anyOf"} and all(
        one.keys() == {"required"} and len(one["required"]) == 1 for one in asked["anyOf"]
    )


def _tests(rule: JsonObject, file: JsonObject, version: Version) -> list[Test]:
    """Return tests that together take nothing that `rule` (a part of `file`) does not take."""
    asked = {keyword: part for keyword, part in rule.items() if keyword not in _REMARKS}
    if "allOf" in asked:
        parts = [*asked.pop("allOf"), *([asked] if asked else [])]
        return [test for part in parts for test in _tests(part, file, version)]
    kind = asked.get("type")
    if asked.keys() == {"$ref"} and not asked["$ref"].startswith("#"):
        return _of_reference(asked["$ref"], version)
    if asked.keys() <= {"type", "format", "pattern", "enum", "minLength", "maxLength", "not"}:
        found = _of_text(asked)
    elif kind == "integer" and asked.keys() == {"type", "minimum", "maximum"}:
        found = [partial(is_between, asked["minimum"], asked["maximum"])]
    elif kind == "array" and asked.keys() <= {"type", "items", "minItems"} and asked.get("minItems", 1) == 1:
        found = [_each(_tests(asked.get("items", {}), file, version))]
    elif kind == "object" and asked.keys() == {"type", "properties", "required"}:
        inner = {name: _all_of(_tests(one, file, version)) for name, one in asked["properties"].items()}
        found = [partial(has_members, inner, frozenset(asked["required"]))]
    else:
        found = []
    return found or [_validator(rule, file, version)]


def _each(tests: list[Test]) -> Test:
    if set(tests) == {is_text}:
        return are_texts
    return each(remembered(_all_of(tests)) if is_text in tests else _all_of(tests))


def _of_reference(uri: str, version: Version) -> list[Test]:
    known = _SHARED.get((uri.rpartition("/")[2], version))
    if known is not None:
        return list(known)
    found = schemas.referred(uri, version)
    return _tests(found, found, version)


def _of_text(asked: JsonObject) -> list[Test]:
    """Return the tests of a rule about texts; none where it is no such rule, or not a simple one."""
    if asked == {"type": "boolean"}:
        return [is_boolean]
    expressions = [_expression(asked["pattern"])] if "pattern" in asked else []
    if asked.get("type", "string") != "string" or None in expressions:
        return []
    found: list[Test] = [is_text, *(test for test in expressions if test is not None)]
    if "enum" in asked:
        found.append(frozenset(asked["enum"]).__contains__)
    if "minLength" in asked or "maxLength" in asked:
        found.append(partial(has_length, asked.get("minLength", 0), asked.get("maxLength", MAX_WORD_CHARS)))
    if "not" in asked:
        denied = _denied(asked["not"])
        return [] if denied is None else [*found, denied]
    return found


def _denied(asked: JsonObject) -> Test | None:
    """Return the test that a text is nothing of what `asked` takes."""
    if asked.keys() == {"enum"}:
        words = frozenset(asked["enum"])
        return lambda value: value not in words
    expression = _DENIED.get(asked.get("pattern", ""))
    if expression is None or asked.keys() != {"pattern"}:
        return None
    return lambda value: type(value) is str and expression.search(value) is None


def _expression(text: str) -> Test | None:
    if text == _EXACT_TIME:
        return is_exact_time
    prefix = _PREFIX.match(text)
    if prefix is not None:
        return partial(begins, prefix[1])
    known = _EXPRESSIONS.get(text)
    return None if known is None else partial(matches, known)


def _validator(rule: JsonObject, file: JsonObject, version: Version) -> Test:
    return schemas.part(rule, file, version).is_valid


@lru_cache(maxsize=MAX_PROPERTIES)
def property_of(schema: str, name: str, version: Version, *, is_of_time: bool) -> Property | None:
    """Return what is looked at in the property `name`, None if only the whole schema can tell.

    Args:
        schema: name of the schema.
        name: of the property.
        version: of STIX.
        is_of_time: whether it names a moment.
    """
    if not _PLAIN_NAME.match(name) or name.endswith(("_hex", "_bin")):
        return None
    rules = rules_of(schema, version).properties.get(name, ())
    tests = [test for rule, file in rules for test in _tests(rule, file, version)]
    if is_of_time:
        tests += [is_text, is_time]
    if not tests:
        return OWN
    if is_text not in tests:
        return Property(is_text=False, test=_all_of(tests))
    rest = [test for test in tests if test is not is_text]
    if is_exact_time in rest:  # which is more than any time
        rest = [test for test in rest if test is not is_time]
    if not rest:
        return Property(is_text=True)
    words: list[WordTest] = [OF_WORDS.get(test, test) for test in rest]
    return Property(is_text=True, word=lru_cache(maxsize=REMEMBERED)(_all_of(words)))


@cache
def whole_of(schema: str, version: Version) -> Callable[[JsonObject], bool] | None:
    """Return the test of what is asked of the object as a whole, if anything is."""
    asked = rules_of(schema, version).whole
    if not asked:
        return None
    short = _SHORT_CUTS.get((schema, version))

    @cache
    def validators() -> list[Test]:
        return [_validator(rule, file, version) for rule, file in asked]

    def test(value: JsonObject) -> bool:
        return (short is not None and short(value)) or all(valid(value) for valid in validators())

    return test


def _all_of(tests: Sequence[Callable[[_Value], object]]) -> Callable[[_Value], object]:
    return reduce(_both, dict.fromkeys(tests))


def _both(
    first: Callable[[_Value], object], second: Callable[[_Value], object]
) -> Callable[[_Value], object]:
    return lambda value: first(value) and second(value)


_SHORT_CUTS: Final[Mapping[tuple[str, Version], Callable[[JsonObject], bool]]] = {
    ("malware", "2.1"): is_malware,
    ("marking-definition", "2.1"): is_statement,
}
"""What alone fulfils the rules of a type that are about more than one property, in the usual case."""
_SHARED: Final[Mapping[tuple[str, Version], tuple[Test, ...]]] = {
    ("identifier.json", "2.0"): (is_text, is_id_20),
    ("identifier.json", "2.1"): (is_text, is_id),
    ("timestamp.json", "2.0"): (is_text, is_time),
    ("timestamp.json", "2.1"): (is_text, is_time),
    ("external-reference.json", "2.1"): (is_external_reference,),
}
"""Schemas that many properties share, in one step each (2.0 wants URLs of a form that only it knows)."""
