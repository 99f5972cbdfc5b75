"""A MISP feed of events: `manifest.json`, one `UUID.json` for each event, and `hashes.csv`.

The layout is the one that MISP publishes and fetches. Readers go by the timestamp of an event, and some of them
take only what is later than the last one seen: so no two events of a feed have the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.misp.event import Attribute, Event
from backchannel.misp.foreign import day_of
from backchannel.misp.writing import write_event, write_tags

MANIFEST: Final = "manifest.json"
HASHES: Final = "hashes.csv"
UNDEFINED: Final = 4
"""Threat level of an event that states none."""


class Feed(NamedTuple):
    """The files of a feed."""

    manifest: bytes
    events: dict[str, bytes]
    """UUID to the content of `UUID.json`."""
    hashes: bytes


def feed_of(events: Iterable[Event]) -> Feed:
    """Return the feed of events; the same events give the same bytes."""
    ordered = distinct(events)
    manifest = {event.uuid: _entry(event) for event in ordered}
    bodies = {event.uuid: codec.encode({"Event": write_event(event)}) for event in ordered}
    hashes = "".join(f"{digest},{event.uuid}\n" for event in ordered for digest in _digests(event))
    return Feed(codec.encode(manifest), bodies, hashes.encode())


def distinct(events: Iterable[Event]) -> list[Event]:
    """Return events by time, each a second later than the one before where both have the same."""
    found: list[Event] = []
    last = -1
    for event in sorted(events, key=lambda event: (event.timestamp, event.uuid)):
        last = max(event.timestamp, last + 1)
        found.append(event if last == event.timestamp else msgspec.structs.replace(event, timestamp=last))
    return found


def attributes_of(event: Event) -> Iterator[Attribute]:
    """Yield every attribute of an event, those of its objects too."""
    yield from event.attributes
    for one in event.objects:
        yield from one.attributes


def values_of_attribute(attribute: Attribute) -> Sequence[str]:
    """Return what readers compare: the value, or each part of a composite one."""
    if "|" in attribute.type or attribute.type == "malware-sample":
        return attribute.value.split("|")
    return (attribute.value,)


def _entry(event: Event) -> JsonObject:
    orgc = event.orgc
    return {
        "Orgc": {"name": orgc.name if orgc else "", "uuid": orgc.uuid if orgc else ""},
        "Tag": write_tags(event.tags),
        "info": event.info,
        "date": event.date or day_of(event.timestamp),
        "analysis": event.analysis or 0,
        "threat_level_id": event.threat_level or UNDEFINED,
        "timestamp": event.timestamp,
    }


def _digests(event: Event) -> Iterator[str]:
    for attribute in attributes_of(event):
        for value in values_of_attribute(attribute):
            yield hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
