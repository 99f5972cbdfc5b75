"""Make MISP events of STIX objects: those that came from MISP as they were, those of others as well as it goes.

A report or grouping is an event; what stands in none goes into one event for each producer. What MISP has no
place for is told, property by property.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from backchannel.codec import JsonObject
from backchannel.ids import OUR_NAMESPACE
from backchannel.misp import born
from backchannel.misp.born import stamp_of, uuid_of
from backchannel.misp.event import Attribute, Cluster, Event, EventReport, Object, Org, Sighting
from backchannel.misp.foreign import GALAXIES, Foreign, Known, day_of
from backchannel.misp.galaxies import cluster_of
from backchannel.misp.labels import EVENT_MARK, SIGHTING, labelled, text_of
from backchannel.misp.losses import Loss, Losses
from backchannel.misp.tags import tag_of
from backchannel.misp.to_stix import relation_id
from backchannel.stix.markings import Tlp
from backchannel.stix.vocabulary import OBSERVABLES

_ATTRIBUTES: Final = frozenset({"indicator", "observed-data", "vulnerability"}) | OBSERVABLES
_MARKED: Final = _ATTRIBUTES | {"note"}
"""What stands in a gathered event and has a marking of its own."""
_DISAGREE: Final = frozenset({"disagree", "strongly-disagree"})
_EXPLAINING: Final = frozenset({"marking-definition", "extension-definition"})


class Publisher(NamedTuple):
    """Who publishes, and where: for what no report holds."""

    org: Org
    title: str
    """Of the collection: the info of its events."""
    seed: str
    """Its id: part of the UUIDs of its events."""


class Returned(NamedTuple):
    """What a conversion gives."""

    events: tuple[Event, ...]
    losses: tuple[Loss, ...]


class _Parts(NamedTuple):
    """What stands in one event."""

    attributes: list[Attribute]
    objects: list[Object]
    reports: list[EventReport]
    tags: list[str]


def from_stix(
    values: Iterable[JsonObject],
    publisher: Publisher,
    *,
    known: Known = lambda _: {},
    defaults: Mapping[str, Tlp] | None = None,
) -> Returned:
    """Return the MISP events of STIX objects.

    Args:
        values: the objects, in any order; of several versions of one the newest is taken.
        publisher: for what no report holds, and where nobody is named as the producer.
        known: what other marking definitions mean, for each object: only who gave it may say so.
        defaults: id of what bears no marking to the label under which it came: written as a tag, since a reader
            knows only what the event says.
    """
    found: dict[str, JsonObject] = {}
    for value in values:
        stix_id = value.get("id")
        if isinstance(stix_id, str) and isinstance(value.get("type"), str):
            held = found.get(stix_id)
            if held is None or text_of(value, "modified") >= text_of(held, "modified"):
                found[stix_id] = value
    return _Back(found, publisher, known, defaults or {}).returned()


class _Back:
    """One conversion: which objects there are, and which have found their place."""

    def __init__(
        self,
        values: dict[str, JsonObject],
        publisher: Publisher,
        known: Known,
        defaults: Mapping[str, Tlp],
    ) -> None:
        self._values, self._publisher = values, publisher
        self._losses = Losses()
        self._foreign = Foreign(values, self._losses, known, defaults)
        self._placed: set[str] = set()
        self._about: dict[str, list[JsonObject]] = {}
        """Id to the relationships that begin there, and to the sightings and opinions of it."""
        for value in values.values():
            for target in _told_with(value):
                self._about.setdefault(target, []).append(value)

    def returned(self) -> Returned:
        events = [self._event(value) for value in self._values.values() if _is_event(value)]
        events.extend(self._gathered())
        for stix_id, value in self._values.items():
            if stix_id not in self._placed and value["type"] not in _EXPLAINING:
                self._foreign.whole(value, "MISP has no place for it")
        return Returned(tuple(events), self._losses.all)

    def _event(self, value: JsonObject) -> Event:
        self._placed.add(value["id"])
        creator = text_of(value, "created_by_ref")
        event = born.event_of(value, self._org(creator) if creator else None)
        if event is None:
            event = self._foreign.event(value, self._org(creator))
        else:
            self._foreign.lose(value, born.EVENT)
            event = msgspec.structs.replace(event, tags=(*event.tags, *self._foreign.default_tags(value)))
        members = [self._values[ref] for ref in _refs(value) if ref in self._values and ref != value["id"]]
        return _with(event, self._parts(members, creator), self._clusters(value))

    def _gathered(self) -> Iterator[Event]:
        """Yield one event for each producer of what no report holds."""
        by_creator: dict[str, list[JsonObject]] = {}
        for stix_id, value in self._values.items():
            if stix_id not in self._placed:
                by_creator.setdefault(text_of(value, "created_by_ref"), []).append(value)
        for creator, members in by_creator.items():
            parts = self._parts(members, creator)
            if not (parts.attributes or parts.objects or parts.reports):
                if parts.tags:
                    self._losses.add(
                        "", creator, f"nothing is left to bear the tags {', '.join(parts.tags[:5])}"
                    )
                continue
            stamp = max((stamp_of(value) for value in members), default=0)
            seed = f"misp\x1fcollection\x1f{self._publisher.seed}\x1f{creator}"
            event = Event(
                uuid=str(uuid.uuid5(OUR_NAMESPACE, seed)),
                info=self._publisher.title,
                date=day_of(stamp),
                timestamp=stamp,
                published=True,
                publish_timestamp=stamp,
                analysis=2,
                threat_level=4,
                orgc=self._org(creator),
            )
            labels = {self._foreign.label(value) for value in members if value["type"] in _MARKED}
            common = labels.pop() if len(labels) == 1 else None
            if common is not None:
                event = msgspec.structs.replace(event, tags=(tag_of(common),))
            yield _with(event, parts, ())

    def _parts(self, members: Sequence[JsonObject], creator: str) -> _Parts:
        """Return what the members of one event become; each is in its place then, or told."""
        parts = _Parts([], [], [], [])
        inside = {
            ref
            for value in members
            if value["type"] in {"observed-data", "grouping"}
            for ref in _inner(value)
        }
        for value in members:
            if value["id"] not in inside and value["id"] not in self._placed:
                self._part(value, creator, parts)
        return parts

    def _part(self, value: JsonObject, creator: str, parts: _Parts) -> None:
        stix_type = value["type"]
        one, report = born.object_of(value), born.report_of(value)
        if one is not None:
            parts.objects.append(self._object(value, one, creator))
        elif report is not None:
            self._foreign.lose(value, born.REPORT)
            parts.reports.append(report)
        elif stix_type in _ATTRIBUTES or born.attribute_of(value) is not None:
            parts.attributes.extend(self._attributes(value, creator))
        elif stix_type in GALAXIES:
            if cluster_of(value) is None:
                parts.tags.append(self._foreign.tag(value))
        elif stix_type == "note" and labelled(value, (SIGHTING,)) is None:
            told = self._foreign.report(value, creator)
            if told is not None:
                parts.reports.append(told)
        elif cluster_of(value) is None:
            return  # what is told with another object, or has no place: said at the end
        self._placed.add(value["id"])

    def _object(self, value: JsonObject, one: Object, creator: str) -> Object:
        self._foreign.lose(value, born.OBJECT)
        attributes: list[Attribute] = []
        for ref in _refs(value):
            member = self._values.get(ref)
            if member is not None and ref not in self._placed and not _is_event(member):
                self._placed.add(ref)
                attributes.extend(self._attributes(member, creator))
        references = [
            relation
            for relation in self._about.get(value["id"], ())
            if relation["type"] == "relationship" and relation.get("target_ref") in self._values
        ]
        for relation in references:
            self._placed.add(relation["id"])
            self._foreign.lose(relation, born.REFERENCE)
        return msgspec.structs.replace(
            one, attributes=tuple(attributes), references=tuple(map(born.reference_of, references))
        )

    def _attributes(self, value: JsonObject, creator: str) -> list[Attribute]:
        attribute = born.attribute_of(value)
        if value["type"] == "observed-data":
            self._placed.update(_refs(value))
        if attribute is not None:
            self._foreign.lose(value, born.ATTRIBUTE[value["type"]])
            tags = self._foreign.default_tags(value)
            found = [msgspec.structs.replace(attribute, tags=(*attribute.tags, *tags))]
        else:
            found = self._foreign.attributes(value, creator)
        if not found:
            return []
        sightings, indicated = self._told_of(value)
        first = msgspec.structs.replace(
            found[0], clusters=self._clusters(value), sightings=(*found[0].sightings, *sightings)
        )
        return [
            msgspec.structs.replace(one, tags=tuple(dict.fromkeys((*one.tags, *indicated))))
            for one in (first, *found[1:])
        ]

    def _told_of(self, value: JsonObject) -> tuple[list[Sighting], list[str]]:
        """Return the sightings of an object, and the tags of what it indicates."""
        sightings: list[Sighting] = []
        tags: list[str] = []
        for told in self._about.get(value["id"], ()):
            if told["type"] == "relationship":
                tags.extend(self._indicated(told))
                continue
            sighting = self._sighting(told)
            if sighting is not None:
                self._placed.add(told["id"])
                sightings.append(sighting)
        return sightings, tags

    def _indicated(self, relation: JsonObject) -> list[str]:
        source, target = text_of(relation, "source_ref"), text_of(relation, "target_ref")
        held = self._values.get(target)
        if relation["id"] == relation_id(source, text_of(relation, "relationship_type"), target):
            self._placed.add(relation["id"])
            return []
        if held is None or held["type"] not in GALAXIES or cluster_of(held) is not None:
            return []
        self._placed.update((relation["id"], target))
        self._foreign.lose(relation, born.REFERENCE - {"description"})
        return [self._foreign.tag(held)]

    def _sighting(self, told: JsonObject) -> Sighting | None:
        said = labelled(told, (SIGHTING,))
        if said is not None and said[0][SIGHTING] in {"0", "1", "2"}:
            self._foreign.lose(told, born.SIGHTING)
            creator = text_of(told, "created_by_ref")
            org = self._org(creator) if creator else None
            source = text_of(told, "x_misp_source")
            return Sighting(uuid_of(told["id"]), int(said[0][SIGHTING]), stamp_of(told), source, org)
        kind = 0 if told["type"] == "sighting" else 1 if told.get("opinion") in _DISAGREE else None
        if kind is None or told["type"] == "note":
            return None
        self._foreign.lose(told, born.SIGHTING - {"explanation", "count"})
        seen = {**told, "modified": text_of(told, "last_seen") or told.get("modified")}
        return Sighting(
            uuid_of(told["id"]), kind, stamp_of(seen), "", self._org(text_of(told, "created_by_ref"))
        )

    def _clusters(self, value: JsonObject) -> tuple[Cluster, ...]:
        refs = value.get("x_misp_galaxy_refs")
        held = (
            [self._values.get(ref) for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []
        )
        return tuple(found for one in held if one is not None and (found := cluster_of(one)) is not None)

    def _org(self, creator: str) -> Org:
        held = self._values.get(creator)
        if not creator:
            return self._publisher.org
        if held is None:
            self._losses.add("created_by_ref", creator, "who that is was not among the objects")
            return Org(uuid_of(creator), uuid_of(creator))
        self._placed.add(creator)
        return Org(uuid_of(creator), text_of(held, "name"))


def _is_event(value: JsonObject) -> bool:
    return value["type"] in {"report", "grouping"} and (EVENT_MARK in value or born.object_of(value) is None)


def _refs(value: JsonObject) -> list[str]:
    refs = value.get("object_refs")
    return [ref for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []


def _inner(value: JsonObject) -> list[str]:
    return [] if value["type"] == "grouping" and born.object_of(value) is None else _refs(value)


def _told_with(value: JsonObject) -> list[str]:
    """Return the objects with which a relationship, sighting or opinion is told."""
    if value["type"] == "relationship":
        return [text_of(value, "source_ref")]
    if value["type"] == "sighting":
        return [text_of(value, "sighting_of_ref")]
    if value["type"] == "opinion" or labelled(value, (SIGHTING,)) is not None:
        return _refs(value)
    return []


def _with(event: Event, parts: _Parts, clusters: tuple[Cluster, ...]) -> Event:
    return msgspec.structs.replace(
        event,
        attributes=(*event.attributes, *parts.attributes),
        objects=(*event.objects, *parts.objects),
        reports=(*event.reports, *parts.reports),
        tags=tuple(dict.fromkeys((*event.tags, *(tag for tag in parts.tags if tag)))),
        clusters=(*event.clusters, *clusters),
    )
