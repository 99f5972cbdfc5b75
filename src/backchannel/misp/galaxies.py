"""Clusters of MISP galaxies as STIX objects: actors, techniques, malware, tools, sectors, countries.

MISP keeps the UUIDs of ATT&CK for its clusters, so the object is the one that everybody means. It says when
nothing was made or changed; its version is from 1970, and whatever an authority publishes is newer.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from backchannel.clock import format_time
from backchannel.codec import JsonObject, JsonValue
from backchannel.ids import OUR_NAMESPACE, StixId
from backchannel.misp.event import Cluster
from backchannel.stix.markings import Tlp

UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The date of what MISP gives none."""
_CARRIER: Final = "x_misp_cluster"

_MAX_DIGITS: Final = 10
"""Longest version number read: some are times in seconds, which stay within 1970."""
_TYPES: Final = (
    ("attack-pattern", "attack-pattern"),
    ("course-of-action", "course-of-action"),
    ("intrusion-set", "intrusion-set"),
    ("campaign", "campaign"),
    ("threat-actor", "threat-actor"),
    ("activity-group", "threat-actor"),
    ("360net-threat-actor", "threat-actor"),
    ("exploit-kit", "tool"),
    ("tool", "tool"),
    ("malware", "malware"),
    ("ransomware", "malware"),
    ("malpedia", "malware"),
    ("backdoor", "malware"),
    ("banker", "malware"),
    ("botnet", "malware"),
    ("android", "malware"),
    ("stealer", "malware"),
    ("rat", "malware"),
    ("cryptominers", "malware"),
    ("branded-vulnerability", "vulnerability"),
    ("sector", "identity"),
    ("country", "location"),
)
"""End of a galaxy's type to the type of STIX; the first that fits. Of others the tag alone is kept."""
_ATTACK_ID = re.compile(r"[A-Z]{1,4}\d{4}(?:\.\d{3})?\Z")
_INDICATED: Final = frozenset(
    {"attack-pattern", "campaign", "intrusion-set", "malware", "threat-actor", "tool"}
)
_FAMILIES: Final = frozenset({"malware"})


def undated(tlp: Tlp | None, version: str = "") -> str:
    """Return `modified` of an object that MISP gives no date: the later, the newer it is and the further it may go.

    The same organisation or cluster comes with events of different markings: once one says that all the
    world may know it, that version is the newest.

    Args:
        tlp: what marks it.
        version: MISP's own number of a cluster's version.
    """
    number = int(version) if version.isascii() and version.isdigit() and len(version) <= _MAX_DIGITS else 0
    return format_time(
        UNDATED + timedelta(milliseconds=number * 10 + (0 if tlp is None else 5 - tlp.strictness))
    )


def cluster_type(cluster: Cluster) -> str | None:
    """Return the type of STIX that a cluster becomes, None if there is none for its galaxy."""
    found = next(
        (stix for end, stix in _TYPES if cluster.type == end or cluster.type.endswith(f"-{end}")), None
    )
    if found == "location" and not _country(cluster):
        return None
    return found if cluster.value else None


def cluster_id(cluster: Cluster, stix_type: str) -> StixId:
    """Return the id of a cluster's object: its own UUID, or one made from its tag."""
    seed = f"misp\x1fcluster\x1f{cluster.type}\x1f{cluster.value}"
    has_own = cluster.uuid and cluster.collection_uuid
    return StixId(f"{stix_type}--{cluster.uuid if has_own else uuid.uuid5(OUR_NAMESPACE, seed)}")


def verb(stix_type: str, target_type: str) -> str:
    """Return how an attribute's object is related to a cluster's (STIX 2.1 Appendix B)."""
    return "indicates" if stix_type == "indicator" and target_type in _INDICATED else "related-to"


def object_of(cluster: Cluster, stix_type: str, tlp: Tlp | None) -> JsonObject:
    """Return the STIX object of a cluster, without its markings."""
    synonyms = _texts(cluster.meta.get("synonyms"))
    aliases = stix_type in {"threat-actor", "intrusion-set", "malware", "tool", "attack-pattern", "campaign"}
    return {
        "type": stix_type,
        "spec_version": "2.1",
        "id": cluster_id(cluster, stix_type),
        "created": format_time(UNDATED),
        "modified": undated(tlp, cluster.version),
        "name": cluster.value,
        **({"description": cluster.description} if cluster.description else {}),
        **({"aliases": synonyms} if aliases and synonyms else {}),
        **({"is_family": True} if stix_type in _FAMILIES else {}),
        **({"identity_class": "class"} if stix_type == "identity" else {}),
        **({"country": _country(cluster)} if stix_type == "location" else {}),
        **_references(cluster),
        _CARRIER: _carried(cluster),
    }


def cluster_of(value: JsonObject) -> Cluster | None:
    """Return the cluster that an object was made from, None if it was made from none."""
    held = value.get(_CARRIER)
    if not isinstance(held, dict):
        return None
    galaxy = held.get("galaxy")
    frame = galaxy if isinstance(galaxy, dict) else {}
    meta, authors = held.get("meta"), held.get("authors")
    return Cluster(
        uuid=_text(held, "uuid"),
        type=_text(held, "type"),
        value=_text(value, "name"),
        tag_name=_text(held, "tag_name"),
        description=_text(value, "description"),
        source=_text(held, "source"),
        authors=tuple(_texts(authors)),
        version=_text(held, "version"),
        meta=meta if isinstance(meta, dict) else {},
        galaxy_uuid=_text(frame, "uuid"),
        galaxy_name=_text(frame, "name"),
        namespace=_text(frame, "namespace"),
        collection_uuid=_text(held, "collection_uuid"),
    )


def _carried(cluster: Cluster) -> JsonObject:
    """Return what of a cluster has no place of its own in STIX."""
    plain = {
        "uuid": cluster.uuid,
        "type": cluster.type,
        "tag_name": cluster.tag_name,
        "source": cluster.source,
        "version": cluster.version,
        "collection_uuid": cluster.collection_uuid,
    }
    galaxy = {"uuid": cluster.galaxy_uuid, "name": cluster.galaxy_name, "namespace": cluster.namespace}
    return {
        **_said(plain.items()),
        **({"authors": list(cluster.authors)} if cluster.authors else {}),
        **({"meta": cluster.meta} if cluster.meta else {}),
        **({"galaxy": frame} if (frame := _said(galaxy.items())) else {}),
    }


def _said(items: Iterable[tuple[str, str]]) -> JsonObject:
    return {name: text for name, text in items if text}


def _references(cluster: Cluster) -> JsonObject:
    found: list[JsonObject] = [
        {"source_name": "mitre-attack", "external_id": external}
        for external in _texts(cluster.meta.get("external_id"))
        if cluster.type.startswith("mitre-") and _ATTACK_ID.match(external)
    ]
    found.extend(
        {"source_name": "misp-galaxy", "url": url}
        for url in _texts(cluster.meta.get("refs"))
        if url.startswith(("http://", "https://")) and not re.search(r"\s", url)
    )
    return {"external_references": found} if found else {}


def _country(cluster: Cluster) -> str:
    codes = [code for code in _texts(cluster.meta.get("ISO")) if re.fullmatch(r"[A-Z]{2}", code)]
    return codes[0] if codes else ""


def _text(value: JsonObject, name: str) -> str:
    held = value.get(name)
    return held if isinstance(held, str) else ""


def _texts(held: JsonValue) -> list[str]:
    if isinstance(held, str):
        return [held]
    return [one for one in held if isinstance(one, str)] if isinstance(held, list) else []
