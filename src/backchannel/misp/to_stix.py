"""Make STIX 2.1 objects of a MISP event, so that the event can be made of them again.

The ids are those of MISP (`indicator--UUID of the attribute`, `report--UUID of the event`), as its own
converter gives them. What is meant for detection becomes an indicator, what is only told an observation;
what STIX has no property for is a note. Nothing of an `Event` is lost, except what the report says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from backchannel import codec
from backchannel.clock import format_time
from backchannel.codec import JsonObject
from backchannel.ids import StixId, derived_id
from backchannel.misp.elements import indicator, moment, note, observed_times, vulnerability
from backchannel.misp.event import (
    INHERIT,
    Attribute,
    Cluster,
    Event,
    EventReport,
    Object,
    Org,
    Reference,
    Sighting,
)
from backchannel.misp.galaxies import UNDATED, cluster_id, cluster_of, cluster_type, object_of, undated, verb
from backchannel.misp.labels import (
    CATEGORY,
    EVENT_MARK,
    LAYER,
    META_CATEGORY,
    NAME,
    REPORT_LAYER,
    SIGHTING,
    TO_IDS,
    TYPE,
    carried,
    group_value,
    label,
)
from backchannel.misp.losses import Loss, Losses
from backchannel.misp.observed import observables_of
from backchannel.misp.tags import confidence_of, marking_of, marking_ref, pap_tagged, widest_marking
from backchannel.stix.markings import Tlp
from backchannel.stix.sco_ids import observable_id, stable_id

RELATION_FORM = re.compile(r"[a-z0-9][a-z0-9-]{1,248}[a-z0-9]\Z")
"""What STIX takes for the type of a relationship (2.1 §5.1, §3.1)."""


class Made(NamedTuple):
    """One STIX object, and what of the event it was made from."""

    value: JsonObject
    source: str
    """UUID of the attribute, object or report; "" for the event itself."""


class Converted(NamedTuple):
    """What a conversion gives."""

    objects: tuple[Made, ...]
    """The organisation first and the report or grouping of the event last; each id once."""
    losses: tuple[Loss, ...]


def to_stix(event: Event) -> Converted:
    """Return the STIX objects of an event."""
    return _Maker(event).make()


def event_id(event: Event) -> StixId:
    """Return the id of an event's own object: a report if it is published, else a grouping."""
    return StixId(f"{'report' if event.published else 'grouping'}--{event.uuid}")


class _Maker:
    """One event's conversion: gathers objects, each id once."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._losses = Losses()
        self._made: dict[str, Made] = {}
        self._tlp = marking_of(event.tags, event.distribution)
        self._widest = widest_marking(event, self._tlp)
        self._pap = pap_tagged(event.tags)
        self._dated = _dated(event)
        self._creator: str | None = None
        self._by_uuid: dict[str, str] = {}
        """UUID of each attribute and object to the id of what it became."""

    def make(self) -> Converted:
        event = self._event
        if event.orgc is not None:
            self._creator = self._org(event.orgc)
        for attribute in event.attributes:
            self._attribute(attribute, "Event.Attribute")
        for one in event.objects:
            self._object(one)
        for one in event.objects:
            for reference in one.references:
                self._reference(one, reference)
        for report in event.reports:
            self._report(report)
        refs = self._clusters(event.clusters, "Event", self._tlp)
        value = self._event_object(refs)
        self._made.pop(value["id"], None)
        self._add(value, "")
        return Converted(tuple(self._made.values()), self._losses.all)

    def _add(self, value: JsonObject, source: str) -> str:
        stix_id: str = value["id"]
        self._made.setdefault(stix_id, Made(value, source))
        return stix_id

    def _event_object(self, cluster_refs: Sequence[str]) -> JsonObject:
        event = self._event
        published = max(event.publish_timestamp, 0) or event.timestamp
        specific: JsonObject = (
            {"published": moment(published), "report_types": ["threat-report"]}
            if event.published
            else {"context": "unspecified"}
        )
        return {
            **self._head(event_id(event), event.timestamp, self._tlp),
            "name": event.info or "MISP event",
            **specific,
            "object_refs": list(self._made) or [event_id(event)],
            **_labels((), event.tags),
            **_confidence(event.tags),
            EVENT_MARK: event.date,
            **carried(
                (
                    ("info_missing", not event.info),
                    ("publish_timestamp", event.publish_timestamp),
                    ("analysis", str(event.analysis) if event.analysis is not None else ""),
                    ("threat_level_id", event.threat_level),
                    ("distribution", str(event.distribution) if event.distribution is not None else ""),
                    ("extends_uuid", event.extends_uuid),
                    ("disable_correlation", event.disable_correlation),
                    ("sharing_group", group_value(event.sharing_group)),
                )
            ),
            **({"x_misp_galaxy_refs": list(cluster_refs)} if cluster_refs else {}),
        }

    # --- Attributes ---

    def _attribute(self, attribute: Attribute, where: str) -> str:
        tlp = marking_of(attribute.tags, attribute.distribution, around=self._tlp)
        made = (
            indicator(attribute, created=self._created(attribute.timestamp))
            or vulnerability(attribute)
            or self._observation(attribute, tlp)
        )
        specific = made if made is not None else note(attribute, about=event_id(self._event))
        stix_type: str = specific.pop("type")
        stix_id = StixId(f"{stix_type}--{attribute.uuid}")
        clusters = self._clusters(attribute.clusters, where, tlp)
        own = (
            label(TYPE, attribute.type),
            label(CATEGORY, attribute.category),
            label(TO_IDS, str(attribute.to_ids)),
        )
        value = {
            **self._head(stix_id, attribute.timestamp, tlp),
            **specific,
            **({"revoked": True} if attribute.deleted else {}),
            **_labels(own, attribute.tags),
            **_confidence((*attribute.tags, *self._event.tags)),
            **carried(
                (
                    ("disable_correlation", attribute.disable_correlation),
                    ("distribution", _distribution(attribute.distribution)),
                    ("first_seen", attribute.first_seen),
                    ("last_seen", attribute.last_seen),
                    ("object_relation", attribute.object_relation),
                    ("sharing_group", group_value(attribute.sharing_group)),
                )
            ),
            **({"x_misp_galaxy_refs": clusters} if clusters else {}),
        }
        self._by_uuid[attribute.uuid] = self._add(value, attribute.uuid)
        for target in clusters:
            self._relate(stix_id, verb(stix_type, target.partition("--")[0]), target, attribute, tlp)
        for sighting in attribute.sightings:
            self._sighting(sighting, stix_id, attribute, tlp)
        return stix_id

    def _observation(self, attribute: Attribute, tlp: Tlp | None) -> JsonObject | None:
        found = [] if attribute.to_ids else observables_of(attribute.type, attribute.value)
        if not found:
            return None
        refs = [self._observable(one, attribute, tlp) for one in found]
        return {
            "type": "observed-data",
            **observed_times(attribute),
            "number_observed": 1,
            "object_refs": list(dict.fromkeys(refs)),
            **carried((("value", attribute.value), ("comment", attribute.comment))),
        }

    def _observable(self, value: JsonObject, attribute: Attribute, tlp: Tlp | None) -> str:
        # An observable is nobody's and has no versions: marked in one way here and in another there, one id would
        # have two contents. The id that STIX gives is for the unmarked one, as other sources send it (§2.9: SHOULD).
        own = observable_id(value) if tlp is None else None
        stix_id = own or stable_id(value["type"], codec.canonical(value), *([tlp.encode()] if tlp else []))
        head = {"type": value["type"], "spec_version": "2.1", "id": stix_id}
        return self._add({**head, **value, **_marked(tlp)}, attribute.uuid)

    # --- What stands around them ---

    def _object(self, one: Object) -> None:
        tlp = marking_of((), one.distribution, around=self._tlp)
        refs = [self._attribute(attribute, "Event.Object.Attribute") for attribute in one.attributes]
        stix_id = StixId(f"grouping--{one.uuid}")
        own = (label(NAME, one.name), label(META_CATEGORY, one.meta_category))
        value = {
            **self._head(stix_id, one.timestamp, tlp),
            "name": one.name,
            **({"description": one.comment} if one.comment else {}),
            "context": "unspecified",
            "object_refs": refs or [event_id(self._event)],
            **({"revoked": True} if one.deleted else {}),
            **_labels(own, ()),
            **carried(
                (
                    ("description", one.description),
                    ("template_uuid", one.template_uuid),
                    ("template_version", one.template_version),
                    ("distribution", _distribution(one.distribution)),
                    ("first_seen", one.first_seen),
                    ("last_seen", one.last_seen),
                    ("sharing_group", group_value(one.sharing_group)),
                )
            ),
        }
        self._by_uuid[one.uuid] = self._add(value, one.uuid)

    def _reference(self, one: Object, reference: Reference) -> None:
        target = self._by_uuid.get(reference.referenced_uuid)
        if target is None:
            self._losses.add(
                "Event.Object.ObjectReference", reference.uuid, "it refers to something outside of the event"
            )
            return
        kind = reference.relationship_type
        is_stix = RELATION_FORM.match(kind) is not None
        value = {
            **self._head(StixId(f"relationship--{reference.uuid}"), reference.timestamp, self._tlp),
            "relationship_type": kind if is_stix else "related-to",
            **({"description": reference.comment} if reference.comment else {}),
            "source_ref": f"grouping--{one.uuid}",
            "target_ref": target,
            **({"revoked": True} if reference.deleted else {}),
            **({} if is_stix else {"x_misp_relationship_type": kind}),
        }
        self._add(value, one.uuid)

    def _report(self, report: EventReport) -> None:
        tlp = marking_of((), report.distribution, around=self._tlp)
        value = {
            **self._head(StixId(f"note--{report.uuid}"), report.timestamp, tlp),
            **({"abstract": report.name} if report.name else {}),
            "content": report.content,
            "object_refs": [event_id(self._event)],
            **({"revoked": True} if report.deleted else {}),
            **_labels((label(LAYER, REPORT_LAYER),), ()),
            **carried((("distribution", _distribution(report.distribution)),)),
        }
        self._add(value, report.uuid)

    def _sighting(self, sighting: Sighting, target: str, attribute: Attribute, tlp: Tlp | None) -> None:
        org = self._org(sighting.org) if sighting.org is not None else None
        kind = ("sighting", "opinion", "note")[sighting.type]
        by_kind: dict[str, JsonObject] = {
            "sighting": {
                "first_seen": moment(sighting.at),
                "last_seen": moment(sighting.at),
                "count": 1,
                "sighting_of_ref": target,
                **({"where_sighted_refs": [org]} if org else {}),
            },
            "opinion": {
                "explanation": "Reported as a false positive.",
                "opinion": "strongly-disagree",
                "object_refs": [target],
            },
            "note": {
                "abstract": "Expiration",
                "content": f"Expires at {moment(sighting.at)}.",
                "object_refs": [target],
            },
        }
        specific = by_kind[kind]
        head = self._head(StixId(f"{kind}--{sighting.uuid}"), sighting.at, tlp)
        head["created"] = head["modified"]
        head.pop("created_by_ref", None)
        if org is not None:
            head["created_by_ref"] = org
        own = (label(SIGHTING, str(sighting.type)),)
        self._add(
            {**head, **specific, **_labels(own, ()), **carried((("source", sighting.source),))},
            attribute.uuid,
        )

    def _org(self, org: Org) -> str:
        value = {
            "type": "identity",
            "spec_version": "2.1",
            "id": f"identity--{org.uuid}",
            "created": format_time(UNDATED),
            "modified": undated(self._widest),
            "name": org.name,
            "identity_class": "organization",
            **_marked(self._widest),
        }
        return self._add(value, "")

    def _clusters(self, clusters: Sequence[Cluster], where: str, tlp: Tlp | None) -> list[str]:
        return list(dict.fromkeys(self._cluster_ids(clusters, where, tlp)))

    def _cluster_ids(self, clusters: Sequence[Cluster], where: str, tlp: Tlp | None) -> Iterator[str]:
        for cluster in clusters:
            stix_type = cluster_type(cluster)
            if stix_type is None:
                reason = "STIX has no type for such a cluster: its tag is kept"
                self._losses.add(f"{where}.Galaxy", cluster.uuid, reason)
                continue
            stix_id = cluster_id(cluster, stix_type)
            known = self._made.get(stix_id)
            if known is None:
                self._add({**object_of(cluster, stix_type, tlp), **_marked(tlp)}, "")
            elif cluster_of(known.value) != cluster:
                reason = "it stands in the event twice, with another content: the first is taken"
                self._losses.add(f"{where}.Galaxy.GalaxyCluster", cluster.uuid, reason)
            yield stix_id

    def _relate(self, source: str, kind: str, target: str, attribute: Attribute, tlp: Tlp | None) -> None:
        stix_id = relation_id(source, kind, target)
        head = self._head(stix_id, attribute.timestamp, tlp)
        relation = {"relationship_type": kind, "source_ref": source, "target_ref": target}
        self._add({**head, **relation}, attribute.uuid)

    def _head(self, stix_id: StixId, stamp: int, tlp: Tlp | None) -> JsonObject:
        stix_type = stix_id.partition("--")[0]
        return {
            "type": stix_type,
            "spec_version": "2.1",
            "id": stix_id,
            **({"created_by_ref": self._creator} if self._creator else {}),
            "created": self._created(stamp),
            "modified": moment(stamp),
            **_marked(tlp),
            **({"x_misp_pap": self._pap.value} if self._pap is not None else {}),
        }

    def _created(self, stamp: int) -> str:
        """Return when it was made: MISP keeps the last change only, but no part is older than the event's date."""
        return moment(min(stamp, self._dated))


def relation_id(source: str, kind: str, target: str) -> StixId:
    """Return the id of the relationship of an attribute's object to a cluster's."""
    return derived_id("relationship", "misp", source, kind, target)


def _dated(event: Event) -> int:
    if not event.date:
        return event.timestamp
    return int(datetime.fromisoformat(event.date).replace(tzinfo=UTC).timestamp())


def _distribution(held: int) -> str:
    return "" if held == INHERIT else str(held)


def _marked(tlp: Tlp | None) -> JsonObject:
    return {} if tlp is None else {"object_marking_refs": [marking_ref(tlp)]}


def _labels(own: Sequence[str], tags: Sequence[str]) -> JsonObject:
    found = [*own, *tags]
    return {"labels": found} if found else {}


def _confidence(tags: Sequence[str]) -> JsonObject:
    found = confidence_of(tags)
    return {} if found is None else {"confidence": found}
