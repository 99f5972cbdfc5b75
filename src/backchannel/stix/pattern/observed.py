"""What was observed, as patterns see it: observations with their objects, times and how often.

From `observed-data` objects: of STIX 2.0 with their `objects`, of 2.1 with `object_refs` into the bundle
around them (STIX 2.1 §4.14; STIX 2.0 part 3 §2.8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.visible import visible

MAX_OBSERVATIONS: Final = 10_000
"""Observations that one pattern is matched with."""
MAX_OBJECTS: Final = 200_000
"""Objects in all of them together."""
MAX_COUNT: Final = 999_999_999
"""Largest `number_observed` (STIX 2.1 §4.14)."""

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.([0-9]+))?Z\Z", re.ASCII)


class ObservedError(ValueError):
    """What is given is no observed data; a sentence says which object, which property and what would do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation."""

    objects: Mapping[str, JsonObject]
    """By the name that references use: the key in `objects`, or the id."""
    first: datetime
    last: datetime
    """Not before `first`."""
    count: int = 1
    """How often it was made: so many times it may be used in one match."""
    name: str = ""
    """What a person may call it: its id, or its number."""
    shows: frozenset[str] | None = None
    """Paths that it could show; what is absent of the others is not known to be absent. None: all paths."""


def stix_time(text: str) -> datetime:
    """Read a STIX timestamp: capital T and Z, digits of a second beyond the sixth cut (STIX 2.1 §2.16).

    Raises:
        ValueError: `text` is none, or there is no such day or hour.
    """
    match = _TIME.match(text)
    if match is None:
        raise ValueError("not a STIX timestamp")
    minute, second, fraction = match.groups()
    is_leap = second == "60"
    base = f"{minute}:{'59' if is_leap else second}.{(fraction or '0')[:6]:0<6}+00:00"
    at = datetime.fromisoformat(base).astimezone(UTC)
    try:
        return at + timedelta(seconds=1) if is_leap else at
    except OverflowError:
        raise ValueError("beyond the calendar") from None


def observations(values: Iterable[object]) -> list[Seen]:
    """Return the observations in observed data.

    Args:
        values: decoded JSON: `observed-data` objects of either version, the objects that they name, or bundles
            of both. Other objects (indicators, identities) mean nothing here and are passed over.

    Returns:
        In the order given.

    Raises:
        ObservedError: something is not of that form.
    """
    given = list(_flat(values))
    pool = {
        value["id"]: value
        for value in given
        if isinstance(value.get("id"), str) and not _is_observation(value)
    }
    seen = []
    objects = 0
    for number, value in enumerate(filter(_is_observation, given), 1):
        if number > MAX_OBSERVATIONS:
            raise ObservedError(
                f"more than {MAX_OBSERVATIONS:,} observed-data objects are not matched at once"
            )
        one = _seen(value, pool, number)
        objects += len(one.objects)
        if objects > MAX_OBJECTS:
            raise ObservedError(f"more than {MAX_OBJECTS:,} observed objects are not matched at once")
        seen.append(one)
    return seen


def _is_observation(value: JsonObject) -> bool:
    """Whether it is observed data: by its type, or (2.0) because it holds objects by name."""
    return value.get("type") == "observed-data" or isinstance(value.get("objects"), dict)


def _flat(values: Iterable[object]) -> Iterator[JsonObject]:
    for value in values:
        if not isinstance(value, dict):
            raise ObservedError("a member of the observed data is no JSON object")
        inside = value.get("objects")
        # Only a bundle holds a list of objects; an observed-data of 2.0 holds them by name.
        if isinstance(inside, list):
            for one in inside:
                if not isinstance(one, dict):
                    raise ObservedError("a member of a bundle's objects is no JSON object")
                yield one
        else:
            yield value


def _seen(value: JsonObject, pool: Mapping[str, JsonObject], number: int) -> Seen:
    given = value.get("id")
    name = visible(given, max_chars=60) if isinstance(given, str) else f"observed-data number {number}"
    first, last = _time(value, "first_observed", name), _time(value, "last_observed", name)
    if last < first:
        raise ObservedError(f"{name}: last_observed is before first_observed")
    count = value.get("number_observed")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise ObservedError(f"{name}: number_observed must be a whole number from 1 to {MAX_COUNT:,}")
    return Seen(_objects(value, pool, name), first, last, count, name)


def _objects(value: JsonObject, pool: Mapping[str, JsonObject], name: str) -> Mapping[str, JsonObject]:
    refs = value.get("object_refs")
    if isinstance(refs, list):
        return {ref: pool[ref] for ref in refs if isinstance(ref, str) and ref in pool}
    inside = value.get("objects")
    if not isinstance(inside, dict):
        raise ObservedError(f"{name}: it has neither object_refs (STIX 2.1) nor objects (STIX 2.0)")
    return {key: one for key, one in inside.items() if isinstance(one, dict)}


def _time(value: JsonObject, key: str, name: str) -> datetime:
    text = value.get(key)
    try:
        return stix_time(text if isinstance(text, str) else "")
    except ValueError:
        raise ObservedError(f"{name}: {key} must be a time like 2026-01-31T12:00:00Z") from None
