"""STIX objects that never were in MISP, as parts of a MISP event: each property is carried over or told."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from backchannel.clock import parse_time
from backchannel.codec import JsonObject
from backchannel.ids import OUR_NAMESPACE
from backchannel.misp.born import stamp_of, uuid_of
from backchannel.misp.event import Attribute, Event, EventReport, Org
from backchannel.misp.labels import text_of
from backchannel.misp.losses import Losses
from backchannel.misp.observed import values_in
from backchannel.misp.patterns import Value, values_of
from backchannel.misp.tags import tag_of, tlp_tagged
from backchannel.misp.types import default_of
from backchannel.stix.markings import Tlp, tlp_of
from backchannel.stix.vocabulary import OBSERVABLES

GALAXIES: Final[Mapping[str, str]] = {
    "attack-pattern": "mitre-attack-pattern",
    "course-of-action": "mitre-course-of-action",
    "intrusion-set": "mitre-intrusion-set",
    "malware": "mitre-malware",
    "tool": "mitre-tool",
    "campaign": "mitre-campaign",
    "threat-actor": "threat-actor",
}
"""Type of STIX to the galaxy whose tags name such things."""
_HEAD: Final = frozenset(
    {"type", "spec_version", "id", "created", "modified", "labels", "revoked", "object_marking_refs",
     "granular_markings", "created_by_ref"}
)  # fmt: skip
_INDICATOR: Final = _HEAD | {
    "name", "description", "pattern", "pattern_type", "pattern_version", "valid_from",
}  # fmt: skip
_OBSERVED: Final = _HEAD | {"first_observed", "last_observed", "object_refs"}
_VULNERABILITY: Final = _HEAD | {"name", "description"}
_NOTE: Final = _HEAD | {"abstract", "content", "object_refs"}
_EVENT: Final = _HEAD | {
    "name", "description", "published", "object_refs", "external_references", "context",
}  # fmt: skip
_NAMED: Final = _HEAD | {"name"}
_NO_PLACE: Final = "MISP has no place for it"


Known = Callable[[str], Mapping[str, Tlp | None]]
"""Id of an object to what its markings mean that are no labels of TLP's own (`stix.markings.tlp_of`)."""


class Foreign:
    """Converts one object after the other; the losses go where they are gathered."""

    def __init__(
        self,
        values: Mapping[str, JsonObject],
        losses: Losses,
        known: Known,
        defaults: Mapping[str, Tlp],
    ) -> None:
        self._values, self._losses, self._known, self._defaults = values, losses, known, defaults

    def lose(self, value: JsonObject, kept: frozenset[str], reason: str = _NO_PLACE) -> None:
        """Tell each property of an object that is not among `kept`."""
        for name, held in value.items():
            if name not in kept and held not in (None, "", [], {}):
                self._losses.add(f"{value['type']}.{name}", value["id"], reason)

    def tags(self, value: JsonObject) -> tuple[str, ...]:
        """Return the tags of an object: its labels, and what its markings say."""
        held = value.get("labels")
        labels = [tag for tag in held if isinstance(tag, str) and tag] if isinstance(held, list) else []
        tlp = self.label(value) if tlp_tagged(labels) is None else None
        return tuple(dict.fromkeys((*labels, tag_of(tlp)) if tlp is not None else labels))

    def label(self, value: JsonObject) -> Tlp | None:
        """Return how far an object may go: by its own markings, else by the label under which it came unmarked."""
        return self._own_label(value) or self._defaults.get(value["id"])

    def _own_label(self, value: JsonObject) -> Tlp | None:
        known = self._known(value["id"])
        found = tlp_of(value, default="clear", known=known)
        return (
            found if found is tlp_of(value, default="red", known=known) else None
        )  # whatever the default is

    def default_tags(self, value: JsonObject) -> tuple[str, ...]:
        """Return the tag of the label under which an object came; none where it bears one itself."""
        tlp = self._defaults.get(value["id"])
        return () if tlp is None or self._own_label(value) is not None else (tag_of(tlp),)

    def attributes(self, value: JsonObject, creator: str) -> list[Attribute]:
        """Return the attributes that say what an object says; none if there are none, which is told.

        Args:
            value: an indicator, an observation, an observable or a vulnerability.
            creator: id of who made the event that they will stand in.
        """
        found, kept, is_ids = self._values_of(value)
        if not found:
            self.whole(value, "no value of MISP says the same")
            return []
        self.lose(value, kept)
        self._untold(value, creator)
        texts = [text for text in (text_of(value, "name"), text_of(value, "description")) if text]
        comment = "; ".join(dict.fromkeys(text for text in texts if text != found[0].value))
        first, last = text_of(value, "first_observed"), text_of(value, "last_observed")
        made: list[Attribute] = []
        for number, (kind, text) in enumerate(found):
            made.append(
                Attribute(
                    uuid=_numbered(value["id"], number),
                    type=kind,
                    category=default_of(kind).category,
                    value=text,
                    to_ids=is_ids,
                    timestamp=stamp_of(value),
                    comment=comment if value["type"] != "vulnerability" else text_of(value, "description"),
                    deleted=value.get("revoked") is True,
                    first_seen=misp_time(first or text_of(value, "valid_from")),
                    last_seen=misp_time(last),
                    tags=self.tags(value),
                )
            )
        return made

    def _values_of(self, value: JsonObject) -> tuple[list[Value], frozenset[str], bool]:
        stix_type = value["type"]
        if stix_type == "indicator":
            language = text_of(value, "pattern_type") or "stix"
            return values_of(text_of(value, "pattern"), language) or [], _INDICATOR, True
        if stix_type == "vulnerability":
            name = text_of(value, "name")
            return [Value("vulnerability", name)] if name else [], _VULNERABILITY, False
        if stix_type == "observed-data":
            refs = value.get("object_refs")
            listed = refs if isinstance(refs, list) else []
            observables = [
                self._values[ref] for ref in listed if isinstance(ref, str) and ref in self._values
            ]
            found: list[Value] = []
            for observable in observables:
                values, kept = values_in(observable)
                found.extend(values)
                self.lose(observable, _HEAD | kept)
            return found, _OBSERVED, False
        values, kept = values_in(value)
        return values, _HEAD | kept, False

    def report(self, value: JsonObject, creator: str) -> EventReport | None:
        """Return the report that a note is."""
        content = text_of(value, "content")
        if not content:
            self.whole(value, "it says nothing")
            return None
        self.lose(value, _NOTE)
        self._untold(value, creator)
        return EventReport(
            uuid=uuid_of(value["id"]),
            name=text_of(value, "abstract") or "Note",
            content=content,
            timestamp=stamp_of(value),
            deleted=value.get("revoked") is True,
        )

    def tag(self, value: JsonObject) -> str:
        """Return the tag that names an actor, a technique, a tool, ...; "" if it has no name."""
        name = text_of(value, "name")
        if not name:
            self.whole(value, "it has no name")
            return ""
        self.lose(value, _NAMED, "MISP knows it by its tag")
        return f'misp-galaxy:{GALAXIES[value["type"]]}="{name}{_attack_id(value)}"'

    def event(self, value: JsonObject, orgc: Org) -> Event:
        """Return the event that a report or grouping of anybody's is, without what stands in it."""
        self.lose(value, _EVENT)
        stamp = stamp_of(value)
        published = _seconds(text_of(value, "published")) or stamp
        description = text_of(value, "description")
        own = value["id"]
        return Event(
            uuid=uuid_of(own),
            info=text_of(value, "name") or "STIX report",
            date=day_of(_seconds(text_of(value, "created")) or stamp),
            timestamp=stamp,
            published=True,
            publish_timestamp=published,
            analysis=2,
            threat_level=4,
            orgc=orgc,
            tags=self.tags(value),
            attributes=tuple(self._links(value)),
            reports=(EventReport(_numbered(own, 1), "Description", description, stamp),)
            if description
            else (),
        )

    def _links(self, value: JsonObject) -> list[Attribute]:
        held = value.get("external_references")
        found: list[Attribute] = []
        for number, reference in enumerate(held if isinstance(held, list) else [], 2):
            url = text_of(reference, "url") if isinstance(reference, dict) else ""
            if not url:
                self._losses.add(f"{value['type']}.external_references", value["id"], "it has no URL")
                continue
            found.append(
                Attribute(
                    uuid=_numbered(value["id"], number),
                    type="link",
                    category="External analysis",
                    value=url,
                    to_ids=False,
                    timestamp=stamp_of(value),
                    comment="; ".join(
                        filter(
                            None,
                            (
                                text_of(reference, name)
                                for name in ("source_name", "external_id", "description")
                            ),
                        )
                    ),
                )
            )
        return found

    def whole(self, value: JsonObject, reason: str) -> None:
        """Tell that nothing of an object is carried over."""
        self._losses.add(str(value.get("type", "")), str(value.get("id", "")), reason)

    def _untold(self, value: JsonObject, creator: str) -> None:
        own = text_of(value, "created_by_ref")
        if own and own != creator:
            self._losses.add(
                f"{value['type']}.created_by_ref", value["id"], "an event of MISP has one producer"
            )
        if value.get("created") != value.get("modified") and value["type"] not in OBSERVABLES:
            self._losses.add(f"{value['type']}.created", value["id"], "MISP keeps the last change only")


def day_of(stamp: int) -> str:
    """Return the day of a time in seconds since 1970, as MISP writes it."""
    return datetime.fromtimestamp(stamp, UTC).date().isoformat()


def misp_time(text: str) -> str:
    """Return a time of STIX as MISP writes it; "" if it is none."""
    try:
        return parse_time(text).isoformat(timespec="microseconds") if text else ""
    except ValueError:
        return ""


def _seconds(text: str) -> int:
    try:
        return max(0, int(parse_time(text).timestamp())) if text else 0
    except ValueError:
        return 0


def _numbered(stix_id: str, number: int) -> str:
    """Return the UUID of the object for the first value, and one made from it for each further one."""
    return (
        uuid_of(stix_id)
        if number == 0
        else str(uuid.uuid5(OUR_NAMESPACE, f"misp\x1fpart\x1f{stix_id}\x1f{number}"))
    )


def _attack_id(value: JsonObject) -> str:
    held = value.get("external_references")
    for reference in held if isinstance(held, list) else []:
        if isinstance(reference, dict) and reference.get("source_name") == "mitre-attack":
            external = text_of(reference, "external_id")
            return f" - {external}" if external else ""
    return ""
