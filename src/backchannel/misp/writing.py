"""Write an `Event` as the JSON of the MISP core format: numbers as texts and flags as booleans, as MISP does.

The same event always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

from backchannel.codec import JsonObject
from backchannel.misp.event import (
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

CLUSTER_COLOUR = "#0088cc"
PLAIN_COLOUR = "#777777"
_TAG_COLOURS = {
    "tlp:red": "#cc0033",
    "tlp:amber": "#ffc000",
    "tlp:amber+strict": "#ffc000",
    "tlp:green": "#339900",
    "tlp:clear": "#ffffff",
    "tlp:white": "#ffffff",
}
"""As FIRST gives them to the labels (TLP 2.0)."""


def write_event(event: Event) -> JsonObject:
    """Return what `{"Event": ...}` holds."""
    return {
        "uuid": event.uuid,
        "info": event.info,
        **({"date": event.date} if event.date else {}),
        "timestamp": str(event.timestamp),
        "published": event.published,
        "publish_timestamp": str(event.publish_timestamp),
        **({"analysis": str(event.analysis)} if event.analysis is not None else {}),
        **({"threat_level_id": str(event.threat_level)} if event.threat_level is not None else {}),
        **({"distribution": str(event.distribution)} if event.distribution is not None else {}),
        "extends_uuid": event.extends_uuid,
        "disable_correlation": event.disable_correlation,
        **({"Orgc": _org(event.orgc)} if event.orgc is not None else {}),
        **_group(event.sharing_group),
        "Tag": write_tags(event.tags),
        "Galaxy": _galaxies(event.clusters),
        "Attribute": [write_attribute(one) for one in event.attributes],
        "Object": [_object(one) for one in event.objects],
        "EventReport": [_report(one) for one in event.reports],
    }


def write_attribute(attribute: Attribute) -> JsonObject:
    """Return one attribute."""
    return {
        "uuid": attribute.uuid,
        "type": attribute.type,
        "category": attribute.category,
        "value": attribute.value,
        "to_ids": attribute.to_ids,
        "timestamp": str(attribute.timestamp),
        "comment": attribute.comment,
        "deleted": attribute.deleted,
        "disable_correlation": attribute.disable_correlation,
        "distribution": str(attribute.distribution),
        **_seen(attribute.first_seen, attribute.last_seen),
        **({"object_relation": attribute.object_relation} if attribute.object_relation else {}),
        **_group(attribute.sharing_group),
        **({"Tag": write_tags(attribute.tags)} if attribute.tags else {}),
        **({"Galaxy": _galaxies(attribute.clusters)} if attribute.clusters else {}),
        **({"Sighting": [_sighting(one) for one in attribute.sightings]} if attribute.sightings else {}),
    }


def write_tags(tags: Iterable[str]) -> list[JsonObject]:
    """Return tags with a colour, which readers of MISP want."""
    return [{"name": tag, "colour": _colour(tag)} for tag in tags]


def _colour(tag: str) -> str:
    return CLUSTER_COLOUR if tag.startswith("misp-galaxy:") else _TAG_COLOURS.get(tag.lower(), PLAIN_COLOUR)


def _seen(first: str, last: str) -> JsonObject:
    return {**({"first_seen": first} if first else {}), **({"last_seen": last} if last else {})}


def _org(org: Org) -> JsonObject:
    return {"uuid": org.uuid, "name": org.name}


def _group(group: SharingGroup | None) -> JsonObject:
    if group is None:
        return {}
    return {
        "SharingGroup": {
            "uuid": group.uuid,
            "name": group.name,
            "releasability": group.releasability,
            "description": group.description,
        }
    }


def _object(one: Object) -> JsonObject:
    return {
        "uuid": one.uuid,
        "name": one.name,
        "meta-category": one.meta_category,
        "description": one.description,
        "template_uuid": one.template_uuid,
        "template_version": one.template_version,
        "timestamp": str(one.timestamp),
        "comment": one.comment,
        "deleted": one.deleted,
        "distribution": str(one.distribution),
        **_seen(one.first_seen, one.last_seen),
        **_group(one.sharing_group),
        "Attribute": [write_attribute(attribute) for attribute in one.attributes],
        "ObjectReference": [_reference(reference) for reference in one.references],
    }


def _reference(reference: Reference) -> JsonObject:
    return {
        "uuid": reference.uuid,
        "referenced_uuid": reference.referenced_uuid,
        "relationship_type": reference.relationship_type,
        "timestamp": str(reference.timestamp),
        "comment": reference.comment,
        "deleted": reference.deleted,
    }


def _report(report: EventReport) -> JsonObject:
    return {
        "uuid": report.uuid,
        "name": report.name,
        "content": report.content,
        "timestamp": str(report.timestamp),
        "distribution": str(report.distribution),
        "deleted": report.deleted,
    }


def _sighting(sighting: Sighting) -> JsonObject:
    return {
        "uuid": sighting.uuid,
        "type": str(sighting.type),
        "date_sighting": str(sighting.at),
        "source": sighting.source,
        **({"Organisation": _org(sighting.org)} if sighting.org is not None else {}),
    }


def _galaxies(clusters: Iterable[Cluster]) -> list[JsonObject]:
    """Return the clusters below their galaxies: neighbours of one galaxy together, in their order."""
    found: list[JsonObject] = []
    frame: tuple[str, str, str, str] | None = None
    for cluster in clusters:
        own = (cluster.galaxy_uuid, cluster.galaxy_name, cluster.namespace, cluster.type)
        if own != frame:
            frame = own
            found.append(
                {
                    "uuid": cluster.galaxy_uuid,
                    "name": cluster.galaxy_name,
                    "type": cluster.type,
                    "namespace": cluster.namespace,
                    "GalaxyCluster": [],
                }
            )
        found[-1]["GalaxyCluster"].append(_cluster(cluster))
    return found


def _cluster(cluster: Cluster) -> JsonObject:
    return {
        "uuid": cluster.uuid,
        "type": cluster.type,
        "value": cluster.value,
        "tag_name": cluster.tag_name,
        "description": cluster.description,
        "source": cluster.source,
        "authors": list(cluster.authors),
        "version": cluster.version,
        "meta": cluster.meta,
        **({"collection_uuid": cluster.collection_uuid} if cluster.collection_uuid else {}),
    }
