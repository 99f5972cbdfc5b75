"""What a reader of MISP asks: files of a feed, lists of values, searches, one event; and what it has seen.

The same rights and the same policy decide as for TAXII. A sighting that a reader adds is an arrival like any
other: it is posted to the collection in which the attribute stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from backchannel import codec
from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.desk.access import Caller, NotAllowedError, NotThereError, collections_seen, roots_seen
from backchannel.desk.lists import Lists, Spool
from backchannel.desk.node import Node
from backchannel.desk.posting import post
from backchannel.desk.shelves import Sent, Shelf, Shelves, record
from backchannel.errors import UsageError
from backchannel.ids import new_id
from backchannel.misp.event import Event
from backchannel.misp.feed import HASHES, MANIFEST, attributes_of, values_of_attribute
from backchannel.misp.listing import KINDS
from backchannel.misp.search import Found, SearchError, attributes_found, events_found, search_of
from backchannel.misp.sighting import (
    SightingAsked,
    SightingError,
    sighting_asked,
    sighting_objects,
    sighting_type,
)
from backchannel.misp.types import defaults
from backchannel.misp.writing import write_attribute, write_event

MAX_SIGHTED: Final = 100
"""Most attributes that one sighting is told of."""
CATEGORIES: Final = (
    "Internal reference", "Targeting data", "Antivirus detection", "Payload delivery", "Artifacts dropped",
    "Payload installation", "Persistence mechanism", "Network activity", "Payload type", "Attribution",
    "External analysis", "Financial fraud", "Support Tool", "Social network", "Person", "Other",
)  # fmt: skip
"""Categories of the core format."""
_SIGHTABLE: Final = ("indicator", "observed-data", "vulnerability", "note")


class Served(NamedTuple):
    """One file."""

    body: bytes | Spool | None
    """None: the reader has it already. What may be large is in a file."""
    etag: str
    """With its quotation marks (RFC 9110 §8.8.3)."""
    changed_at: int | None
    """When the newest object in it was put in: microseconds since 1970."""


def feed_file(
    node: Node,
    clock: Clock,
    caller: Caller,
    shelves: Shelves,
    collection: str,
    name: str,
    *,
    has: frozenset[str] = frozenset(),
) -> Served:
    """Return one file of a collection's MISP feed.

    Args:
        node: the open node.
        clock: gives the present.
        caller: who asks.
        shelves: where events are kept.
        collection: its id or alias.
        name: `manifest.json`, `hashes.csv` or `UUID.json`.
        has: the entity tags that the reader has; `*`: any.

    Raises:
        NotThereError: there is no such collection or file, for this caller.
        NotAllowedError: the caller may not read it.
        TooMuchError: the collection is larger than a feed.
    """
    shelf = shelves.shelf(node, clock, caller, collection)
    files: Mapping[str, bytes] = {MANIFEST: shelf.feed.manifest, HASHES: shelf.feed.hashes}
    body = files.get(name)
    if body is None:
        body = shelf.feed.events.get(name.removesuffix(".json").lower()) if name.endswith(".json") else None
    if body is None:
        raise NotThereError("there is no such file in this feed")
    sent = Sent.of(shelf, body)
    return _served(body, has, shelf.changed_at, sent, lambda: record(node, clock, caller, shelf.right, sent))


def list_file(
    node: Node,
    clock: Clock,
    caller: Caller,
    lists: Lists,
    collection: str,
    form: str,
    *,
    kind: str | None = None,
    has: frozenset[str] = frozenset(),
) -> Served:
    """Return the values of a collection's indicators that are in force.

    Args:
        node: the open node.
        clock: decides what is in force.
        caller: who asks.
        lists: where lists are kept.
        collection: its id or alias.
        form: `txt` or `csv`.
        kind: one of `misp.listing.KINDS`; None: all.
        has: the entity tags that the reader has.

    Raises:
        UsageError: there is no such kind.
        NotThereError: there is no such collection, for this caller.
        NotAllowedError: the caller may not read it.
        TooMuchError: the collection is larger than a list.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError("there is no such kind of value", hint=f"Ask for one of {', '.join(KINDS)}.")
    right, made = lists.list(node, clock, caller, collection, form, kind)
    return _served(
        made.file,
        has,
        made.sent.last_added or None,
        made.sent,
        lambda: record(node, clock, caller, right, made.sent),
    )


def _served(
    body: bytes | Spool, has: frozenset[str], changed_at: int | None, sent: Sent, keep: Callable[[], None]
) -> Served:
    etag = f'"{sent.sha256.hex()[:32]}"'
    if etag in has or "*" in has:
        return Served(None, etag, changed_at)
    keep()
    return Served(body, etag, changed_at)


# --- The calls of MISP's own interface ---------------------------------------------------------------------


def find_events(node: Node, clock: Clock, caller: Caller, shelves: Shelves, body: JsonObject) -> bytes:
    """Answer `events/restSearch`.

    Raises:
        UsageError: a filter is not understood.
    """
    shelves_seen = list(_shelves(node, clock, caller, shelves))
    try:
        found = events_found(_events(shelves_seen), search_of(body, now=clock.now()))
    except SearchError as error:
        raise UsageError(f"{error}", hint="Leave it out.") from None
    answer = codec.encode({"response": [{"Event": write_event(event)} for event in found]})
    _record(node, clock, caller, shelves_seen, {event.uuid for event in found}, answer)
    return answer


def find_attributes(node: Node, clock: Clock, caller: Caller, shelves: Shelves, body: JsonObject) -> bytes:
    """Answer `attributes/restSearch`; raises as `find_events` does."""
    shelves_seen = list(_shelves(node, clock, caller, shelves))
    try:
        found = attributes_found(_events(shelves_seen), search_of(body, now=clock.now()))
    except SearchError as error:
        raise UsageError(f"{error}", hint="Leave it out.") from None
    answer = codec.encode({"response": {"Attribute": [_attribute(one) for one in found]}})
    _record(node, clock, caller, shelves_seen, {one.event.uuid for one in found}, answer)
    return answer


def view_event(node: Node, clock: Clock, caller: Caller, shelves: Shelves, uuid: str) -> bytes:
    """Answer `events/view/UUID`.

    Raises:
        NotThereError: there is no such event, for this caller.
    """
    shelves_seen = list(_shelves(node, clock, caller, shelves))
    for event in _events(shelves_seen):
        if event.uuid == uuid.lower():
            answer = codec.encode({"Event": write_event(event)})
            _record(node, clock, caller, shelves_seen, {event.uuid}, answer)
            return answer
    raise NotThereError("there is no such event")


def describe_types() -> JsonObject:
    """Answer `attributes/describeTypes.json`: every type with its defaults; any category takes any type."""
    known = defaults()
    return {
        "result": {
            "sane_defaults": {
                name: {"default_category": one.category, "to_ids": int(one.to_ids)}
                for name, one in known.items()
            },
            "types": list(known),
            "categories": list(CATEGORIES),
            "category_type_mappings": {category: list(known) for category in CATEGORIES},
        }
    }


def add_sighting(
    node: Node, clock: Clock, caller: Caller, shelves: Shelves, body: JsonObject, *, attribute: str = ""
) -> JsonObject:
    """Take what a client has seen; when this returns, it is on the disk.

    Args:
        node: the open node.
        clock: gives the time of the arrival.
        caller: who has seen it.
        shelves: where events are kept.
        body: the decoded JSON.
        attribute: UUID of the attribute, where the path names it; "" else.

    Raises:
        UsageError: it is no sighting.
        NotThereError: the caller sees no such attribute.
        NotAllowedError: the caller may write no collection in which it stands.
        BusyError: too much is being written; nothing was taken.
    """
    try:
        asked = sighting_asked(body, attribute=attribute, now=clock.now())
    except SightingError as error:
        raise UsageError(f"{error}", hint="Name a value, or the UUID of an attribute.") from None
    party = caller.party
    if party is None:
        raise NotAllowedError("nobody has said who sees it: a sighting needs a key")
    told: JsonObject = {}
    has_met = False
    for shelf in _shelves(node, clock, caller, shelves):
        targets = _targets(node, shelf, asked)
        has_met = has_met or bool(targets)
        if not targets or not shelf.right.can_write or told:
            continue
        objects: dict[str, JsonObject] = {}
        for target in targets:
            own = new_id(sighting_type(asked))
            made = sighting_objects(
                asked, target, sighting_id=own, by=(party.party_id, party.name), now=clock.now()
            )
            objects |= {one["id"]: one for one in made}
            told = told or _told(asked, own, target)
        one = shelf.right.collection
        done = post(
            node,
            clock,
            caller,
            one.root_id,
            one.collection_id,
            codec.encode({"objects": list(objects.values())}),
        )
        if done.failures:
            raise UsageError(f"the sighting was not taken: {done.failures[0].message}")
    if not told:
        if not has_met:
            raise NotThereError("there is no such attribute")
        raise NotAllowedError("sightings are posted to the collection, and this key may not write it")
    return {"Sighting": told}


def _targets(node: Node, shelf: Shelf, asked: SightingAsked) -> list[str]:
    """Return the objects of a collection that the attributes meant were made of."""
    wanted = set(asked.values)
    uuids = [
        attribute.uuid
        for event in shelf.events
        for attribute in attributes_of(event)
        if attribute.uuid == asked.uuid
        or attribute.value in wanted
        or not wanted.isdisjoint(values_of_attribute(attribute))
    ][:MAX_SIGHTED]
    ids = [f"{stix_type}--{one}" for one in uuids for stix_type in _SIGHTABLE]
    rows = {place.object_row for place in shelf.places}
    found = node.store.collected.siblings(shelf.right.collection.collection_row, ids)
    return list(dict.fromkeys(str(one.stix_id) for one in found if one.object_row in rows))


def _told(asked: SightingAsked, own: str, target: str) -> JsonObject:
    return {
        "uuid": own.partition("--")[2],
        "type": str(asked.type),
        "date_sighting": str(asked.at),
        "source": asked.source,
        "attribute_uuid": target.partition("--")[2],
    }


def _shelves(node: Node, clock: Clock, caller: Caller, shelves: Shelves) -> Iterator[Shelf]:
    for root in roots_seen(node.store, caller):
        for one in collections_seen(node.store, caller, root.root_id):
            if one.can_read:
                yield shelves.shelf(node, clock, caller, one.collection_id)


def _events(shelves: list[Shelf]) -> list[Event]:
    """Return the events of all collections, each once: by time, since readers go on from the last one."""
    found: dict[str, Event] = {}
    for shelf in shelves:
        for event in shelf.events:
            found.setdefault(event.uuid, event)
    return sorted(found.values(), key=lambda event: (event.timestamp, event.uuid))


def _record(
    node: Node, clock: Clock, caller: Caller, shelves: list[Shelf], uuids: set[str], answer: bytes
) -> None:
    for shelf in shelves:
        if any(event.uuid in uuids for event in shelf.events):
            record(node, clock, caller, shelf.right, Sent.of(shelf, answer))


def _attribute(found: Found) -> JsonObject:
    event, orgc = found.event, found.event.orgc
    return {
        **write_attribute(found.attribute),
        **({"object_uuid": found.object.uuid} if found.object else {}),
        "event_uuid": event.uuid,
        "Event": {
            "uuid": event.uuid,
            "info": event.info,
            **({"Orgc": {"uuid": orgc.uuid, "name": orgc.name}} if orgc else {}),
        },
    }
