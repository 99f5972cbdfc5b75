"""What validation says about the pattern of an indicator: that there is one, and that it can be read.

Only STIX patterns are read; a pattern of another language (`sigma`, `yara`, ...) passes as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.checks import Problem
from backchannel.stix.pattern.ast import (
    Comparison,
    Exists,
    Joined,
    Observation,
    Observations,
    Observed,
    Path,
    Qualified,
)
from backchannel.stix.pattern.parse import PatternError, fast_equality, parse
from backchannel.stix.vocabulary import OBSERVABLES
from backchannel.stix.wording import quoted

_PATH = re.compile(r"([a-z0-9-]+):'?([A-Za-z0-9_-]+)")
_TYPE_NAME = re.compile(r"-?[a-z0-9]+(?:-[a-z0-9]+)*-?\Z")
_PROPERTY_NAME = re.compile(r"[a-z0-9_]{3,250}\Z")
_OTHER: Final = {"2.0": "2.1", "2.1": "2.0"}
MAX_NAMES_SHOWN: Final = 5
"""How many unknown types or properties one object's findings name."""


def has_usual_pattern(value: JsonObject) -> bool:
    """Whether the pattern of an indicator is one equality, in STIX, of a property that STIX defines."""
    text = value.get("pattern")
    if not isinstance(text, str) or value.get("pattern_type") != "stix":
        return False
    plain = fast_equality(text)
    return plain is not None and _unknown(plain[0]) is None


def pattern(value: JsonObject, version: str) -> Iterator[Problem]:
    """Yield what is wrong with the pattern of an indicator."""
    text = value.get("pattern")
    if not isinstance(text, str) or not text.strip():
        why = "has no pattern" if text is None or text == "" else "has a pattern that is no text"
        yield Problem(
            "quarantine",
            "/pattern",
            f"the indicator {why}: it matches nothing until its producer adds one",
            _clause(version),
        )
        return
    language = value.get("pattern_type")
    if language is None and (version == "2.0" or text.lstrip()[:1] in "[("):
        language = "stix"
    if language != "stix":
        return
    plain = fast_equality(text)
    if plain is not None:  # nearly every pattern
        name = _unknown(plain[0])
        if name:
            yield from _names({name}, version)
        return
    written = value.get("pattern_version")
    own = written if isinstance(written, str) and written in _OTHER else version
    yield from _read(text, own)


def _read(text: str, version: str) -> Iterator[Problem]:
    try:
        root = parse(text, stix_version=version).root
    except PatternError as error:
        try:
            root = parse(text, stix_version=_OTHER[version]).root
        except PatternError:
            yield Problem(
                "quarantine",
                "/pattern",
                f"the pattern cannot be read: {error}; it matches nothing until its producer mends it",
                _clause(version),
            )
            return
        yield Problem(
            "note",
            "/pattern",
            f"the pattern is written in the grammar of STIX {_OTHER[version]}, not {version}: it is read as such",
            _clause(version),
        )
    yield from _names({(path.object_type, str(path.steps[0])) for path in _paths(root)}, version)


def _clause(version: str) -> str:
    return "STIX 2.1 §9" if version == "2.1" else "STIX 2.0 Part 5"


@lru_cache(maxsize=128)
def _unknown(path: str) -> tuple[str, str] | None:
    """Return type and property of an equality's path where STIX might not define them."""
    match = _PATH.match(path)
    if match is None or (match[1] in OBSERVABLES and _PROPERTY_NAME.match(match[2])):
        return None
    return match[1], match[2]


def _names(found: set[tuple[str, str]], version: str) -> Iterator[Problem]:
    unknown = [
        f"{stix_type}:{name}"
        for stix_type, name in sorted(found)
        if not (_PROPERTY_NAME.match(name) and (stix_type in OBSERVABLES or _is_custom(stix_type, version)))
    ]
    if unknown:
        shown = ", ".join(quoted(name) for name in unknown[:MAX_NAMES_SHOWN])
        yield Problem(
            "note", "/pattern", f"the pattern asks for what STIX does not define: {shown}", "STIX 2.1 §9.7"
        )


def _is_custom(stix_type: str, version: str) -> bool:
    """Whether it is the name of a custom type: `x-name`, and `x-source-name` in 2.0 (Part 4 §4)."""
    parts = 2 if version == "2.1" else 3
    return (
        stix_type.startswith("x-")
        and len(stix_type) <= 250
        and stix_type.count("-") >= parts - 1
        and _TYPE_NAME.match(stix_type) is not None
    )


def _paths(root: Observed) -> Iterator[Path]:
    todo: list[object] = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, (Comparison, Exists)):
            yield node.path
        elif isinstance(node, Observation):
            todo.append(node.expression)
        elif isinstance(node, Qualified):
            todo.append(node.observed)
        elif isinstance(node, (Joined, Observations)):
            todo.extend(node.operands)
