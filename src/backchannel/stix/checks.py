"""The rules that a JSON schema cannot hold: dates that exist and agree, markings that lead somewhere, ids.

Each check looks at one decoded object, yields `Problem`s and nothing else. Values may have any type:
whatever the schema complains about is passed over here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from backchannel.clock import parse_time
from backchannel.codec import JsonObject, JsonValue
from backchannel.stix.findings import Level
from backchannel.stix.vocabulary import (
    COMMON_TIMES,
    CONTRIBUTING,
    INNER_TIMES,
    OBSERVABLES,
    ORDERED,
    PE_TIME,
    TIMES,
    TIMES_20,
    is_language,
)
from backchannel.stix.wording import pointer, quoted


class Problem(NamedTuple):
    """What a check noticed."""

    level: Level
    path: str
    """JSON pointer into the object."""
    what: str
    clause: str


DECIDING: Final = frozenset({"created", "modified", "valid_from", "valid_until"})
"""Times that say which version counts and when an indicator is matched: unreadable, they decide wrongly."""

_CPE = re.compile(r"cpe:2\.3:[aho*\-](?::(?:[^\s:\\]|\\.)+){10}\Z")
_MEDIA = re.compile(r"(?:application|audio|font|image|message|model|multipart|text|video)/[A-Za-z0-9.+_-]+\Z")
_CHARSET = re.compile(r"[A-Za-z0-9_():+-]+\Z")
_INDEX = re.compile(r"\[(\d{1,9})\]\Z")
_CONTENT_NAME = re.compile(r"[a-z0-9_]{3,250}\Z")


def times(value: JsonObject, version: str) -> Iterator[Problem]:
    """Yield a problem for each time that does not exist, and for each pair that contradicts."""
    stix_type = value["type"]
    table = TIMES if version == "2.1" else TIMES_20
    for name in (*COMMON_TIMES, *table.get(stix_type, ())):
        if name in value:
            yield from existing(value[name], name, "quarantine" if name in DECIDING else "note")
    for earlier, later, may_be_equal in (("created", "modified", True), *ORDERED.get(stix_type, ())):
        yield from in_order(value, earlier, later, may_be_equal=may_be_equal)


def in_order(value: JsonObject, earlier: str, later: str, *, may_be_equal: bool) -> Iterator[Problem]:
    """Yield a problem if the time `later` of `value` is before its time `earlier`."""
    first, second = _moment(value.get(earlier)), _moment(value.get(later))
    if first is None or second is None or second > first or (second == first and may_be_equal):
        return
    yield Problem(
        "quarantine",
        f"/{later}",
        f"`{later}` ({quoted(value[later])}) is not after `{earlier}` ({quoted(value[earlier])}): "
        f"ask the producer which of the two is wrong",
        "",
    )


def existing(value: JsonValue, name: str, level: Level) -> Iterator[Problem]:
    """Yield a problem if `value` is no time at all, or one on a day that no calendar has."""
    if not isinstance(value, str):
        yield Problem(level, f"/{name}", f"`{name}` is {quoted(value)}, not a time", "STIX 2.1 §2.16")
        return
    if _moment(value) is None:
        yield Problem(
            level,
            f"/{name}",
            f"`{name}` is {quoted(value)}, which is no moment of any calendar: ask the producer for the right one",
            "STIX 2.1 §2.16",
        )


def inner_times(value: JsonObject, base: str) -> Iterator[Problem]:
    """Yield a problem for each impossible time inside the object-valued properties of an observable."""
    stix_type = value["type"]
    for (owner, holder), names in INNER_TIMES.items():
        inner = value.get(holder)
        if owner == stix_type and isinstance(inner, dict):
            for name in names:
                if name in inner:
                    for found in existing(inner[name], name, "note"):
                        yield found._replace(path=f"{base}/{holder}{found.path}")
    extension, name = PE_TIME
    extensions = value.get("extensions") if stix_type == "file" else None
    inner = extensions.get(extension) if isinstance(extensions, dict) else None
    if isinstance(inner, dict) and name in inner:
        for found in existing(inner[name], name, "note"):
            yield found._replace(path=f"{base}/extensions/{extension}{found.path}")


def _moment(value: JsonValue) -> tuple[datetime, str] | None:
    """Return what orders times exactly, fractions beyond microseconds included; None if it is no time."""
    if not isinstance(value, str):
        return None
    fraction = ""
    if value.endswith("Z") and "." in value:
        fraction = value.rpartition(".")[2][:-1].rstrip("0")
    try:
        # A leap second is a moment (RFC 3339 §5.6), which datetime does not know.
        return parse_time(value.replace(":60", ":59", 1) if value[16:19] == ":60" else value), fraction
    except ValueError:
        return None


def markings(value: JsonObject, version: str) -> Iterator[Problem]:  # noqa: ARG001 - one signature for all checks
    """Yield a problem for each selector that leads nowhere, and for a marking that marks itself."""
    own = value["id"] if value["type"] == "marking-definition" else None
    granular = value.get("granular_markings")
    for number, marking in enumerate(granular if isinstance(granular, list) else ()):
        if not isinstance(marking, dict):
            continue
        if own is not None and marking.get("marking_ref") == own:
            yield _circular(f"/granular_markings/{number}/marking_ref")
        selectors = marking.get("selectors")
        for selector in selectors if isinstance(selectors, list) else ():
            if isinstance(selector, str) and not _leads_somewhere(value, selector):
                yield Problem(
                    "note",
                    f"/granular_markings/{number}/selectors",
                    f"the selector {quoted(selector)} leads to nothing in the object: what it marks is unmarked",
                    "STIX 2.1 §7.2.3",
                )
        if isinstance(marking.get("lang"), str) and not is_language(marking["lang"]):
            yield _no_language(marking["lang"], f"/granular_markings/{number}/lang")
    refs = value.get("object_marking_refs")
    if own is not None and isinstance(refs, list) and own in refs:
        yield _circular("/object_marking_refs")


def _circular(path: str) -> Problem:
    return Problem("note", path, "the marking marks itself: leave that reference out", "STIX 2.1 §7.2.1")


def _leads_somewhere(value: JsonValue, selector: str) -> bool:
    for step in selector.split("."):
        index = _INDEX.match(step)
        if index is not None:
            if not isinstance(value, list) or int(index[1]) >= len(value):
                return False
            value = value[int(index[1])]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return False
    return True


def _no_language(tag: str, path: str) -> Problem:
    return Problem(
        "note", path, f"{quoted(tag)} is no registered language: write `en`, `pt-BR`", "RFC 5646 §2.2.9"
    )


def language(value: JsonObject, version: str) -> Iterator[Problem]:
    """Yield a problem if `lang` is no language (`lang` of 2.0 is a custom property and may be anything)."""
    if version == "2.1" and isinstance(value.get("lang"), str) and not is_language(value["lang"]):
        yield _no_language(value["lang"], "/lang")


def contents(value: JsonObject, version: str) -> Iterator[Problem]:  # noqa: ARG001 - one signature for all checks
    """Yield the problems of a language content: its keys are languages, and in them names of properties."""
    for tag, texts in _items(value.get("contents")):
        if not is_language(tag):
            yield _no_language(tag, pointer(["contents", tag]))
        for name, _ in _items(texts):
            if _CONTENT_NAME.match(name) is None:
                yield Problem(
                    "note",
                    pointer(["contents", tag, name]),
                    f"{quoted(name)} cannot be the name of a property: three letters or more, a-z, 0-9 and _",
                    "STIX 2.1 §7.1.1",
                )


def _items(value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        yield from value.items()


def observable(value: JsonObject, version: str) -> Iterator[Problem]:
    """Yield what is wrong with a cyber-observable object beyond its schema."""
    stix_type = value["type"]
    yield from inner_times(value, "")
    yield from described(value, "")
    if version == "2.1" and stix_type in CONTRIBUTING and isinstance(value.get("id"), str):
        names = CONTRIBUTING[stix_type]
        if not any(name in value for name in names) and value["id"][-22:-21] != "4":
            why = "none of the properties that make a deterministic id" if names else "no deterministic id"
            yield Problem(
                "note",
                "/id",
                f"a {stix_type} with {why} has a random one (UUIDv4): the producer should give a new id",
                "STIX 2.1 §2.9",
            )


def described(value: JsonObject, base: str) -> Iterator[Problem]:
    """Yield the problems of names that some registry defines: media types, character sets, CPE, languages."""
    stix_type = value["type"]
    for owner, name, form, wanted in (
        ("artifact", "mime_type", _MEDIA, "a registered media type (type/subtype)"),
        ("file", "name_enc", _CHARSET, "a registered character set"),
        ("directory", "path_enc", _CHARSET, "a registered character set"),
        ("software", "cpe", _CPE, "a CPE 2.3 formatted string (cpe:2.3:a:vendor:product:...)"),
    ):
        found = value.get(name)
        if owner == stix_type and isinstance(found, str) and form.match(found) is None:
            yield Problem(
                "note", f"{base}/{name}", f"`{name}` is {quoted(found)}, not {wanted}", "STIX 2.1 §6"
            )
    tags = value.get("languages") if stix_type == "software" else None
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, str) and not is_language(tag):
            yield _no_language(tag, f"{base}/languages")


Check = Callable[[JsonObject, str], Iterator[Problem]]
BY_TYPE: Final[Mapping[str, tuple[Check, ...]]] = {
    **dict.fromkeys(OBSERVABLES, (observable,)),
    "language-content": (contents,),
    "marking-definition": (markings,),
}
"""The checks of one type; `times`, `markings` and `language` are for all where there is something to check."""
