"""Read the JSON of a MISP event into an `Event`, and name every field that is not carried over.

What has no UUID gets one from what it says, so that reading it again gives the same.
"""

from __future__ import annotations

import re
import uuid
from datetime import date
from typing import Final, NamedTuple

from backchannel.codec import JsonObject
from backchannel.ids import OUR_NAMESPACE
from backchannel.misp.event import (
    INHERIT,
    Attribute,
    Cluster,
    Event,
    EventReport,
    Object,
    Org,
    Reference,
    SharingGroup,
    Sighting,
)
from backchannel.misp.fields import Fields
from backchannel.misp.losses import Loss, Losses

MAX_ATTRIBUTES: Final = 100_000
"""Most attributes, and most objects, of one event: what one import transaction may hold (DESIGN §10)."""
MAX_CHILDREN: Final = 1_000
"""Most tags, clusters, sightings, references or reports of one element."""

_DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])\Z")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(?:Z|[+-][0-9]{2}:?[0-9]{2})?\Z")


class EventError(ValueError):
    """A JSON object is no MISP event."""


class EventRead(NamedTuple):
    """One event, and what of it was left out."""

    event: Event
    losses: tuple[Loss, ...]
    places: dict[str, str]
    """UUID of each attribute, object and report to its JSON pointer in the event."""


def read_event(value: JsonObject) -> EventRead:
    """Read one event; `value` is what `Event` holds.

    Raises:
        EventError: it says nothing, or neither has a UUID nor says what it is about.
    """
    losses = Losses()
    fields = Fields(value, "Event", losses)
    info, day = fields.text("info"), _date(fields)
    fields.owner = fields.uuid("uuid") or _derived("event", info, day)
    if not info and not fields.has("uuid"):
        raise EventError("a MISP event has a UUID and an info, and this has neither; export the whole event")
    if not any(fields.has(key) for key in ("info", "Attribute", "Object", "EventReport")):
        raise EventError("the MISP event says nothing: it has no info, no attribute and no object")
    stamp = fields.number("timestamp")
    places: dict[str, str] = {}
    reader = _Reader(fields.owner, stamp or 0, places)
    event = Event(
        uuid=fields.owner,
        info=info,
        date=day,
        timestamp=stamp or 0,
        published=fields.flag("published"),
        publish_timestamp=fields.number("publish_timestamp") or 0,
        analysis=fields.number("analysis", at_most=2),
        threat_level=fields.number("threat_level_id", at_least=1, at_most=4),
        distribution=fields.number("distribution", at_most=4),
        extends_uuid=fields.uuid("extends_uuid"),
        disable_correlation=fields.flag("disable_correlation"),
        orgc=_org(fields, "Orgc"),
        sharing_group=_group(fields),
        tags=_tags(fields),
        clusters=_clusters(fields),
        attributes=reader.attributes(fields, ""),
        objects=reader.objects(fields),
        reports=reader.reports(fields),
    )
    fields.done()
    return EventRead(event, losses.all, places)


class _Reader:
    """Reads what stands in an event; a UUID that stands twice is taken once."""

    def __init__(self, event: str, stamp: int, places: dict[str, str]) -> None:
        self._event, self._stamp, self._places = event, stamp, places
        self._refs: set[str] = set()

    def attributes(self, parent: Fields, at: str) -> tuple[Attribute, ...]:
        found: list[Attribute] = []
        for number, fields in parent.children("Attribute", at_most=MAX_ATTRIBUTES):
            kind, value = fields.text("type"), fields.text("value")
            fields.owner = fields.uuid("uuid") or _derived(self._event, at, kind, value)
            if not kind or not value:
                parent.losses.add(
                    fields.path, fields.owner, "an attribute without a type or value says nothing"
                )
            elif self._is_new(fields, f"{at}/Attribute/{number}"):
                found.append(self._attribute(fields, kind, value))
        return tuple(found)

    def _attribute(self, fields: Fields, kind: str, value: str) -> Attribute:
        found = Attribute(
            uuid=fields.owner,
            type=kind,
            category=fields.text("category"),
            value=value,
            to_ids=fields.flag("to_ids"),
            timestamp=self._time(fields),
            comment=fields.text("comment"),
            deleted=fields.flag("deleted"),
            disable_correlation=fields.flag("disable_correlation"),
            distribution=_distribution(fields),
            first_seen=_moment(fields, "first_seen"),
            last_seen=_moment(fields, "last_seen"),
            object_relation=fields.text("object_relation"),
            sharing_group=_group(fields),
            tags=_tags(fields),
            clusters=_clusters(fields),
            sightings=self._sightings(fields),
        )
        fields.done()
        return found

    def objects(self, parent: Fields) -> tuple[Object, ...]:
        found: list[Object] = []
        for number, fields in parent.children("Object", at_most=MAX_ATTRIBUTES):
            at, name = f"/Object/{number}", fields.text("name")
            fields.owner = fields.uuid("uuid") or _derived(self._event, "object", str(number), name)
            if not name:
                parent.losses.add(fields.path, fields.owner, "an object without a name says nothing")
            elif self._is_new(fields, at):
                found.append(self._object(fields, name, at))
        return tuple(found)

    def _object(self, fields: Fields, name: str, at: str) -> Object:
        found = Object(
            uuid=fields.owner,
            name=name,
            meta_category=fields.text("meta-category"),
            timestamp=self._time(fields),
            description=fields.text("description"),
            template_uuid=fields.uuid("template_uuid"),
            template_version=fields.text("template_version"),
            comment=fields.text("comment"),
            deleted=fields.flag("deleted"),
            distribution=_distribution(fields),
            first_seen=_moment(fields, "first_seen"),
            last_seen=_moment(fields, "last_seen"),
            sharing_group=_group(fields),
            attributes=self.attributes(fields, at),
            references=self._references(fields),
        )
        fields.done()
        return found

    def reports(self, parent: Fields) -> tuple[EventReport, ...]:
        found: list[EventReport] = []
        for number, fields in parent.children("EventReport", at_most=MAX_CHILDREN):
            name, content = fields.text("name"), fields.text("content")
            fields.owner = fields.uuid("uuid") or _derived(self._event, "report", name, content)
            if self._is_new(fields, f"/EventReport/{number}"):
                found.append(
                    EventReport(
                        uuid=fields.owner,
                        name=name,
                        content=content,
                        timestamp=self._time(fields),
                        distribution=_distribution(fields),
                        deleted=fields.flag("deleted"),
                    )
                )
                fields.done()
        return tuple(found)

    def _references(self, parent: Fields) -> tuple[Reference, ...]:
        found: list[Reference] = []
        for number, fields in parent.children("ObjectReference", at_most=MAX_CHILDREN):
            target = fields.uuid("referenced_uuid")
            kind = fields.text("relationship_type")
            fields.owner = fields.uuid("uuid") or _derived(parent.owner, str(number), target, kind)
            if not target:
                fields.losses.add(fields.path, fields.owner, "a reference without a target says nothing")
            elif self._is_once(fields):
                found.append(
                    Reference(
                        uuid=fields.owner,
                        referenced_uuid=target,
                        relationship_type=kind,
                        timestamp=self._time(fields),
                        comment=fields.text("comment"),
                        deleted=fields.flag("deleted"),
                    )
                )
                fields.done()
        return tuple(found)

    def _sightings(self, parent: Fields) -> tuple[Sighting, ...]:
        found: list[Sighting] = []
        for number, fields in parent.children("Sighting", at_most=MAX_CHILDREN):
            stamp = fields.number("date_sighting")
            at = self._stamp if stamp is None else stamp
            fields.owner = fields.uuid("uuid") or _derived(parent.owner, "sighting", str(number), str(at))
            kind = fields.number("type", at_most=2) or 0
            org = _org(fields, "Organisation")
            if self._is_once(fields):
                found.append(Sighting(fields.owner, kind, at, fields.text("source"), org))
                fields.done()
        return tuple(found)

    def _is_new(self, fields: Fields, place: str) -> bool:
        if fields.owner in self._places or fields.owner in self._refs or fields.owner == self._event:
            fields.losses.add(
                fields.path, fields.owner, "its UUID stands twice in the event: the first is taken"
            )
            return False
        self._places[fields.owner] = place
        return True

    def _is_once(self, fields: Fields) -> bool:
        if fields.owner in self._refs or fields.owner in self._places:
            fields.losses.add(
                fields.path, fields.owner, "its UUID stands twice in the event: the first is taken"
            )
            return False
        self._refs.add(fields.owner)
        return True

    def _time(self, fields: Fields) -> int:
        stamp = fields.number("timestamp")
        return self._stamp if stamp is None else stamp


def _derived(*parts: str) -> str:
    return str(uuid.uuid5(OUR_NAMESPACE, chr(0x1F).join(("misp", *parts))))


def _date(fields: Fields) -> str:
    found = fields.text("date")
    if found and (_DATE.match(found) is None or not _is_day(found)):
        fields.lose("date", "it is no day of any calendar")
        return ""
    return found


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).year >= 1970
    except ValueError:
        return False


def _moment(fields: Fields, key: str) -> str:
    found = fields.text(key)
    if found and _MOMENT.match(found) is None:
        fields.lose(key, "it is no time as MISP writes it")
        return ""
    return found


def _distribution(fields: Fields) -> int:
    found = fields.number("distribution", at_most=INHERIT)
    return INHERIT if found is None else found


def _org(parent: Fields, key: str) -> Org | None:
    for _, fields in parent.children(key, at_most=1):
        name = fields.text("name")
        fields.owner = fields.uuid("uuid") or (_derived("org", name) if name else "")
        fields.done()
        if fields.owner:
            return Org(fields.owner, name)
    return None


def _group(parent: Fields) -> SharingGroup | None:
    for _, fields in parent.children("SharingGroup", at_most=1):
        fields.owner = fields.uuid("uuid")
        found = SharingGroup(
            fields.owner, fields.text("name"), fields.text("releasability"), fields.text("description")
        )
        fields.done()
        return found
    return None


def _tags(parent: Fields) -> tuple[str, ...]:
    found: list[str] = []
    for _, fields in parent.children("Tag", at_most=MAX_CHILDREN):
        fields.owner = parent.owner
        name = fields.text("name")
        if name:
            found.append(name)
        fields.done()
    return tuple(dict.fromkeys(found))


def _clusters(parent: Fields) -> tuple[Cluster, ...]:
    found: list[Cluster] = []
    for _, galaxy in parent.children("Galaxy", at_most=MAX_CHILDREN):
        galaxy.owner = galaxy.uuid("uuid")
        frame = (galaxy.owner, galaxy.text("name"), galaxy.text("namespace"))
        kind = galaxy.text("type")
        for _, fields in galaxy.children("GalaxyCluster", at_most=MAX_CHILDREN):
            fields.owner = fields.uuid("uuid")
            cluster = _cluster(fields, kind, frame)
            if cluster.type != kind:
                galaxy.lose("type", "its clusters name another type, which is taken")
            if cluster not in found:
                found.append(cluster)
        if not galaxy.has("GalaxyCluster"):
            galaxy.losses.add(galaxy.path, galaxy.owner, "a galaxy without clusters says nothing")
        galaxy.done()
    return tuple(found)


def _cluster(fields: Fields, kind: str, frame: tuple[str, str, str]) -> Cluster:
    found = Cluster(
        uuid=fields.owner,
        type=fields.text("type") or kind,
        value=fields.text("value"),
        tag_name=fields.text("tag_name"),
        description=fields.text("description"),
        source=fields.text("source"),
        authors=fields.texts("authors"),
        version=fields.text("version"),
        meta=fields.value("meta"),
        galaxy_uuid=frame[0],
        galaxy_name=frame[1],
        namespace=frame[2],
        collection_uuid=fields.uuid("collection_uuid"),
    )
    fields.done()
    return found
