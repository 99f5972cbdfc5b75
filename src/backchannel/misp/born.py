"""Read back what `to_stix` wrote: elements of a MISP event in their STIX form, letter for letter.

An object whose content no longer agrees with what it says it was in MISP is not read here: somebody else
has made a new version of it.
"""

from __future__ import annotations

from typing import Final

from backchannel.clock import parse_time
from backchannel.codec import JsonObject
from backchannel.misp.event import INHERIT, Attribute, Event, EventReport, Object, Org, Reference
from backchannel.misp.labels import (
    CATEGORY,
    EVENT_MARK,
    LAYER,
    META_CATEGORY,
    NAME,
    REPORT_LAYER,
    TO_IDS,
    TYPE,
    group_of,
    labelled,
    number_of,
    text_of,
)
from backchannel.misp.patterns import pattern_of

HEAD: Final = frozenset(
    {"type", "spec_version", "id", "created", "modified", "created_by_ref", "labels", "revoked",
     "object_marking_refs", "confidence"}
)  # fmt: skip
"""Properties that every element's object has, or may have."""
_CARRIERS: Final = frozenset(
    {"x_misp_pap", "x_misp_distribution", "x_misp_sharing_group", "x_misp_first_seen", "x_misp_last_seen",
     "x_misp_disable_correlation", "x_misp_object_relation", "x_misp_galaxy_refs", "x_misp_value", "x_misp_comment"}
)  # fmt: skip
ATTRIBUTE: Final = {
    "indicator": HEAD | _CARRIERS | {"name", "description", "pattern", "pattern_type", "pattern_version",
                                     "valid_from", "valid_until"},
    "observed-data": HEAD | _CARRIERS | {"first_observed", "last_observed", "number_observed", "object_refs"},
    "vulnerability": HEAD | _CARRIERS | {"name", "description", "external_references"},
    "note": HEAD | _CARRIERS | {"abstract", "content", "object_refs", "external_references"},
}  # fmt: skip
"""Type of STIX to the properties of an attribute's object: what is none of them came later, and is lost."""
EVENT: Final = HEAD | _CARRIERS | {
    "name", "published", "report_types", "context", "object_refs", "x_misp_info_missing", EVENT_MARK,
    "x_misp_publish_timestamp", "x_misp_analysis", "x_misp_threat_level_id", "x_misp_extends_uuid",
}  # fmt: skip
OBJECT: Final = HEAD | _CARRIERS | {
    "name", "description", "context", "object_refs", "x_misp_description", "x_misp_template_uuid",
    "x_misp_template_version",
}  # fmt: skip
REPORT: Final = HEAD | {"x_misp_pap", "x_misp_distribution", "abstract", "content", "object_refs"}
REFERENCE: Final = HEAD | {
    "x_misp_pap", "relationship_type", "description", "source_ref", "target_ref", "x_misp_relationship_type",
}  # fmt: skip
SIGHTING: Final = HEAD | {
    "x_misp_pap", "x_misp_source", "first_seen", "last_seen", "count", "sighting_of_ref", "where_sighted_refs",
    "explanation", "opinion", "object_refs", "abstract", "content",
}  # fmt: skip


def uuid_of(stix_id: object) -> str:
    """Return the UUID in a STIX id; "" if there is none."""
    return stix_id.partition("--")[2].lower() if isinstance(stix_id, str) else ""


def stamp_of(value: JsonObject) -> int:
    """Return when an object was last changed, in whole seconds since 1970; 0 if it does not say."""
    for name in ("modified", "created"):
        try:
            return max(0, int(parse_time(text_of(value, name)).timestamp()))
        except ValueError:
            continue
    return 0


def attribute_of(value: JsonObject) -> Attribute | None:
    """Return the attribute that an object was, without its clusters and sightings; None if it was none."""
    found = labelled(value, (TYPE, CATEGORY, TO_IDS))
    if found is None or value.get("type") not in ATTRIBUTE:
        return None
    said, tags = found
    text = _value(value, said[TYPE])
    if text is None:
        return None
    return Attribute(
        uuid=uuid_of(value.get("id")),
        type=said[TYPE],
        category=said[CATEGORY],
        value=text,
        to_ids=said[TO_IDS] == "True",
        timestamp=stamp_of(value),
        comment=text_of(value, "description") or text_of(value, "x_misp_comment"),
        deleted=value.get("revoked") is True,
        disable_correlation=value.get("x_misp_disable_correlation") is True,
        distribution=_distribution(value),
        first_seen=text_of(value, "x_misp_first_seen"),
        last_seen=text_of(value, "x_misp_last_seen"),
        object_relation=text_of(value, "x_misp_object_relation"),
        sharing_group=group_of(value),
        tags=tags,
    )


def _value(value: JsonObject, kind: str) -> str | None:
    """Return the value of an attribute, None if its object says something else by now."""
    stix_type = value["type"]
    if stix_type == "note":
        return text_of(value, "content") or None
    if stix_type == "observed-data":
        return text_of(value, "x_misp_value") or None
    text = text_of(value, "x_misp_value") or text_of(value, "name")
    if stix_type == "vulnerability":
        return text or None
    pattern = pattern_of(kind, text)
    return text if pattern is not None and pattern[0] == value.get("pattern") else None


def event_of(value: JsonObject, orgc: Org | None) -> Event | None:
    """Return the event that a report or grouping was, without what stands in it; None if it was none."""
    if EVENT_MARK not in value:
        return None
    analysis, distribution = text_of(value, "x_misp_analysis"), text_of(value, "x_misp_distribution")
    tags = value.get("labels")
    return Event(
        uuid=uuid_of(value.get("id")),
        info="" if value.get("x_misp_info_missing") is True else text_of(value, "name"),
        date=text_of(value, EVENT_MARK),
        timestamp=stamp_of(value),
        published=value.get("type") == "report",
        publish_timestamp=number_of(value, "x_misp_publish_timestamp") or 0,
        analysis=int(analysis) if analysis in {"0", "1", "2"} else None,
        threat_level=number_of(value, "x_misp_threat_level_id"),
        distribution=int(distribution) if distribution in {"0", "1", "2", "3", "4"} else None,
        extends_uuid=text_of(value, "x_misp_extends_uuid"),
        disable_correlation=value.get("x_misp_disable_correlation") is True,
        orgc=orgc,
        sharing_group=group_of(value),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
    )


def object_of(value: JsonObject) -> Object | None:
    """Return the object that a grouping was, without what stands in it; None if it was none."""
    found = labelled(value, (NAME, META_CATEGORY)) if value.get("type") == "grouping" else None
    if found is None:
        return None
    return Object(
        uuid=uuid_of(value.get("id")),
        name=found[0][NAME],
        meta_category=found[0][META_CATEGORY],
        timestamp=stamp_of(value),
        description=text_of(value, "x_misp_description"),
        template_uuid=text_of(value, "x_misp_template_uuid"),
        template_version=text_of(value, "x_misp_template_version"),
        comment=text_of(value, "description"),
        deleted=value.get("revoked") is True,
        distribution=_distribution(value),
        first_seen=text_of(value, "x_misp_first_seen"),
        last_seen=text_of(value, "x_misp_last_seen"),
        sharing_group=group_of(value),
    )


def reference_of(value: JsonObject) -> Reference:
    """Return the reference of an object that a relationship was."""
    kind = text_of(value, "x_misp_relationship_type") or text_of(value, "relationship_type")
    if value.get("x_misp_relationship_type") == "":
        kind = ""
    return Reference(
        uuid=uuid_of(value.get("id")),
        referenced_uuid=uuid_of(value.get("target_ref")),
        relationship_type=kind,
        timestamp=stamp_of(value),
        comment=text_of(value, "description"),
        deleted=value.get("revoked") is True,
    )


def report_of(value: JsonObject) -> EventReport | None:
    """Return the report that a note was; None if it was none."""
    found = labelled(value, (LAYER,)) if value.get("type") == "note" else None
    if found is None or found[0][LAYER] != REPORT_LAYER:
        return None
    return EventReport(
        uuid=uuid_of(value.get("id")),
        name=text_of(value, "abstract"),
        content=text_of(value, "content"),
        timestamp=stamp_of(value),
        distribution=_distribution(value),
        deleted=value.get("revoked") is True,
    )


def _distribution(value: JsonObject) -> int:
    held = text_of(value, "x_misp_distribution")
    return int(held) if held in {"0", "1", "2", "3", "4"} else INHERIT
