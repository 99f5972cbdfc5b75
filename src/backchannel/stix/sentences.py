"""Small parts of sentences about STIX objects, made of properties that may be missing or of any type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.visible import visible

NameOf = Callable[[str], str]
"""Gives the name of the object with that id, or the id itself where nothing is known of it."""

MAX_NAME: Final = 80
"""Longest name or value in a sentence (characters)."""
_MAX_LISTED: Final = 3
_ID = re.compile(r"([a-z0-9-]+)--[0-9a-fA-F-]{36}\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def text(value: JsonObject, key: str, *, max_chars: int = MAX_NAME) -> str:
    """Return the property `key` as harmless text; "" where it is no text."""
    found = value.get(key)
    return visible(found, max_chars=max_chars) if isinstance(found, str) else ""


def quoted(words: str) -> str:
    """Return `words` in single quotes, "" for nothing."""
    return f"'{words}'" if words else ""


def number(value: JsonObject, key: str) -> int | None:
    """Return the property `key` if it is an integer that STIX can hold, else None."""
    found = value.get(key)
    is_one = isinstance(found, int) and not isinstance(found, bool) and abs(found) < 2**63
    return found if is_one else None


def strings(value: JsonObject, key: str) -> tuple[str, ...]:
    """Return the texts in the list `key`, harmless; empty where it is no list."""
    found = value.get(key)
    if not isinstance(found, list):
        return ()
    return tuple(visible(item, max_chars=MAX_NAME) for item in found[:1000] if isinstance(item, str))


def objects(value: JsonObject, key: str) -> tuple[JsonObject, ...]:
    """Return the objects in the list `key`; empty where it is no list."""
    found = value.get(key)
    return tuple(item for item in found[:1000] if isinstance(item, dict)) if isinstance(found, list) else ()


def listed(words: Sequence[str]) -> str:
    """Return `a, b and c`; of more than a few, the first and how many more there are."""
    if len(words) > _MAX_LISTED:
        words = (*words[: _MAX_LISTED - 1], f"{len(words) - _MAX_LISTED + 1:,} more")
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def spoken(words: Iterable[str]) -> tuple[str, ...]:
    """Return vocabulary entries as people write them: `command-and-control` without hyphens."""
    return tuple(word.replace("-", " ").replace("_", " ") for word in words)


def in_brackets(*parts: str) -> str:
    """Return ` (a, b)` of the parts that are not empty, "" if all are."""
    return clause(" (", ", ".join(part for part in parts if part), ")")


def clause(before: str, words: str, after: str = "") -> str:
    """Return `words` with what belongs before and after them, "" where there are none."""
    return f"{before}{words}{after}" if words else ""


def with_article(noun: str) -> str:
    """Return `a noun` or `an noun`, by its first letter."""
    return f"{'an' if noun[:1].lower() in {'a', 'e', 'i', 'o', 'u'} else 'a'} {noun}"


def counted(count: int, noun: str) -> str:
    """Return `1 object`, `2 objects`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def named(reference: object, name_of: NameOf) -> str:
    """Return the name of what `reference` points to; the kind of thing it is where it has none here."""
    if not isinstance(reference, str):
        return "something not named"
    name = visible(name_of(reference), max_chars=MAX_NAME)
    unknown = _ID.match(name)
    if unknown is not None:
        return f"{with_article(unknown[1].replace('-', ' '))} that is not here"
    return name or "something without a name"


def names(value: JsonObject, key: str, name_of: NameOf) -> tuple[str, ...]:
    """Return the names of what the references in the list `key` point to."""
    return tuple(named(reference, name_of) for reference in strings(value, key))


def author(value: JsonObject, name_of: NameOf) -> str:
    """Return `its author NAME`, or `its author` where no name is known."""
    reference = value.get("created_by_ref")
    name = visible(name_of(reference), max_chars=MAX_NAME) if isinstance(reference, str) else ""
    return f"its author {name}" if name and _ID.match(name) is None else "its author"


def day(value: JsonObject, key: str) -> str:
    """Return the day of a timestamp, "" where there is none."""
    found = _DAY.match(text(value, key, max_chars=40))
    return found[0] if found else ""


def span(first: str, last: str) -> str:
    """Return ` between A and B`, ` on A`, ` from A on`, ` until B`, or "" for two days that may be ""."""
    if first and last:
        return f" on {first}" if first == last else f" between {first} and {last}"
    return clause(" from ", first, " on") or clause(" until ", last)


def phases(value: JsonObject) -> tuple[str, ...]:
    """Return the names of the kill-chain phases, as people write them, each once."""
    found = (text(phase, "phase_name", max_chars=40) for phase in objects(value, "kill_chain_phases"))
    return tuple(dict.fromkeys(spoken(word for word in found if word)))


def outside_id(value: JsonObject) -> str:
    """Return the first id that another catalogue gave it: `T1566.001`, `CVE-2021-44228`."""
    found = (text(item, "external_id", max_chars=30) for item in objects(value, "external_references"))
    return next(filter(None, found), "")
