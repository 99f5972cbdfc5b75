"""What a MISP event says, as values: the part of the core format that is understood.

MISP core format (draft-dulaunoy-misp-core-format): an event, its attributes, objects, tags, galaxies,
reports and sightings. UUIDs are in lower case; times are seconds since 1970 unless said otherwise.
"""

from __future__ import annotations

import msgspec

from backchannel.codec import JsonObject

INHERIT = 5
"""Distribution of an attribute or object that goes as far as its event."""


class Org(msgspec.Struct, frozen=True):
    """An organisation."""

    uuid: str
    name: str


class SharingGroup(msgspec.Struct, frozen=True):
    """The group that distribution 4 names; who is in it is known to its server only."""

    uuid: str
    name: str
    releasability: str = ""
    description: str = ""


class Cluster(msgspec.Struct, frozen=True):
    """A cluster of a galaxy: an actor, a technique, a malware family, ..."""

    uuid: str
    """"" in some exports."""
    type: str
    """Of its galaxy: `threat-actor`, `mitre-attack-pattern`."""
    value: str
    """Its name."""
    tag_name: str
    description: str = ""
    source: str = ""
    authors: tuple[str, ...] = ()
    version: str = ""
    meta: JsonObject = {}
    galaxy_uuid: str = ""
    galaxy_name: str = ""
    namespace: str = ""
    collection_uuid: str = ""
    """Of all clusters of its kind; without it `uuid` is that one (MISP before 2.4.150)."""


class Sighting(msgspec.Struct, frozen=True):
    """Somebody saw an attribute (type 0), says that it is a false positive (1), or that it has expired (2)."""

    uuid: str
    type: int
    at: int
    source: str = ""
    org: Org | None = None


class Attribute(msgspec.Struct, frozen=True):
    """One value with what it is."""

    uuid: str
    type: str
    category: str
    value: str
    to_ids: bool
    timestamp: int
    comment: str = ""
    deleted: bool = False
    disable_correlation: bool = False
    distribution: int = INHERIT
    first_seen: str = ""
    """As MISP spells it."""
    last_seen: str = ""
    object_relation: str = ""
    sharing_group: SharingGroup | None = None
    tags: tuple[str, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    sightings: tuple[Sighting, ...] = ()


class Reference(msgspec.Struct, frozen=True):
    """What an object has to do with another object or attribute of the event."""

    uuid: str
    referenced_uuid: str
    relationship_type: str
    timestamp: int
    comment: str = ""
    deleted: bool = False


class Object(msgspec.Struct, frozen=True):
    """Attributes that belong together: a file, a domain and its address."""

    uuid: str
    name: str
    meta_category: str
    timestamp: int
    description: str = ""
    template_uuid: str = ""
    template_version: str = ""
    comment: str = ""
    deleted: bool = False
    distribution: int = INHERIT
    first_seen: str = ""
    last_seen: str = ""
    sharing_group: SharingGroup | None = None
    attributes: tuple[Attribute, ...] = ()
    references: tuple[Reference, ...] = ()


class EventReport(msgspec.Struct, frozen=True):
    """A text in Markdown about the event."""

    uuid: str
    name: str
    content: str
    timestamp: int
    distribution: int = INHERIT
    deleted: bool = False


class Event(msgspec.Struct, frozen=True):
    """One event."""

    uuid: str
    info: str
    date: str
    """`YYYY-MM-DD`; "" if it says none."""
    timestamp: int
    published: bool = False
    publish_timestamp: int = 0
    analysis: int | None = None
    """0 initial, 1 ongoing, 2 completed."""
    threat_level: int | None = None
    """1 high, 2 medium, 3 low, 4 undefined."""
    distribution: int | None = None
    extends_uuid: str = ""
    disable_correlation: bool = False
    orgc: Org | None = None
    """Who made it."""
    sharing_group: SharingGroup | None = None
    tags: tuple[str, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    objects: tuple[Object, ...] = ()
    reports: tuple[EventReport, ...] = ()
