"""Read the fields of one JSON object of MISP, in either spelling, and name what nobody asked for.

MISP writes numbers as numbers or as texts, flags as booleans, numbers or texts, and a list of one sometimes
as the one itself. A field that says nothing (null, "", [] or {}) is no loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from backchannel.codec import JsonObject, JsonValue
from backchannel.misp.losses import Losses

MAX_STAMP: Final = 4_102_444_800
"""Latest time read (seconds since 1970): the year 2100."""
UUID_FORM = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z", re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]{1,15}\Z")
_NOTHING: Final[tuple[JsonValue, ...]] = (None, "", [], {})

_LOCAL = "a number in the sender's own database"
_DISPLAY = "how the sender's server shows it"
_STATE = "a state of the sender's server"
_REASONS: Final = {
    **dict.fromkeys(
        (
            "id", "event_id", "org_id", "orgc_id", "object_id", "galaxy_id", "tag_id", "user_id", "attribute_id",
            "sharing_group_id", "event_tag_id", "attribute_tag_id", "referenced_id", "referenced_type", "old_id",
            "galaxy_cluster_id",
        ),
        _LOCAL,
    ),
    **dict.fromkeys(
        ("colour", "exportable", "hide_tag", "numerical_value", "is_galaxy", "is_custom_galaxy", "icon", "enabled",
         "kill_chain_order", "local_only"),
        _DISPLAY,
    ),
    **dict.fromkeys(
        ("proposal_email_lock", "locked", "local", "warnings", "validationIssue", "default", "distribution_name",
         "event_info", "ShadowAttributeCount"),
        _STATE,
    ),
    "attribute_count": "it is counted, not told",
    "event_creator_email": "an address of the sender's staff",
    "Org": "whose server wrote the file; who made the event is in Orgc",
    "RelatedEvent": "links to other events on the sender's server",
    "ShadowAttribute": "proposals that nobody has accepted",
    "CryptographicKey": "keys of the sender's server: signatures are not checked yet",
    "protected": "signatures are not checked yet",
    "data": "the file itself is not taken, its name and hashes are",
    "relationship_type": "how a tag or cluster belongs to what bears it has no place in STIX",
    "SharingGroupOrg": "who is in the group is known to the sender's server",
    "SharingGroupServer": "which servers are in the group is known to the sender's server",
    "source_uuid": "its object says the same",
    "object_uuid": "its object says the same",
    "attribute_uuid": "its attribute says the same",
    "event_uuid": "its event says the same",
    "Object": "the object referred to says the same",
    "Attribute": "the attribute referred to says the same",
    **dict.fromkeys(
        ("description", "version", "extends_version", "GalaxyClusterRelation",
         "TargetingClusterRelation", "Orgc", "published", "deleted", "extends_uuid", "distribution"),
        "what a galaxy says of itself: of its clusters name, text, source, authors and meta are taken",
    ),
    "EventTag": "tags are taken from Tag",
    "AttributeTag": "tags are taken from Tag",
}  # fmt: skip
_UNKNOWN = "it is no field of the MISP core format that is understood here"


class Fields:
    """One JSON object, and which of its fields have been asked for."""

    def __init__(self, value: JsonObject, path: str, losses: Losses) -> None:
        self._value = value
        self._asked: set[str] = set()
        self.path = path
        """By names: `Event.Attribute`."""
        self.owner = ""
        """UUID of the element; the losses name it."""
        self.losses = losses

    def lose(self, key: str, reason: str) -> None:
        """Tell that the field `key` is not carried over."""
        self._asked.add(key)
        self.losses.add(f"{self.path}.{key}", self.owner, reason)

    def has(self, key: str) -> bool:
        """Whether the field says anything."""
        return self._value.get(key) not in _NOTHING

    def text(self, key: str) -> str:
        """Return a text, or a number as one; "" if there is none."""
        found = self._ask(key)
        if isinstance(found, str):
            return found
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        if found not in _NOTHING:
            self.lose(key, "it is no text")
        return ""

    def uuid(self, key: str) -> str:
        """Return a UUID in lower case; "" if there is none."""
        found = self.text(key)
        if found and UUID_FORM.match(found) is None:
            self.lose(key, "it is no UUID")
            return ""
        return found.lower()

    def number(self, key: str, *, at_least: int = 0, at_most: int = MAX_STAMP) -> int | None:
        """Return a whole number within bounds, None if there is none."""
        found = self._ask(key)
        if isinstance(found, str) and _NUMBER.match(found):
            found = int(found)
        if isinstance(found, int) and not isinstance(found, bool) and at_least <= found <= at_most:
            return found
        if found not in _NOTHING:
            self.lose(key, f"it is no whole number from {at_least} to {at_most}")
        return None

    def flag(self, key: str) -> bool:
        """Return whether the field says yes."""
        found = self._ask(key)
        if found in (True, 1, "1", "true", "True"):
            return True
        if found not in (*_NOTHING, False, 0, "0", "false", "False"):
            self.lose(key, "it is neither yes nor no")
        return False

    def value(self, key: str) -> JsonObject:
        """Return a JSON object; {} if there is none."""
        found = self._ask(key)
        if isinstance(found, dict):
            return found
        if found not in _NOTHING:
            self.lose(key, "it is no object")
        return {}

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; () if there is none."""
        found = self._ask(key)
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            return tuple(str(one) for one in found)
        if found not in _NOTHING:
            self.lose(key, "it is no list of texts")
        return ()

    def children(self, key: str, *, at_most: int) -> Iterator[tuple[int, Fields]]:
        """Yield the objects of a list with their places; one that stands alone is a list of one."""
        found = self._ask(key)
        listed = found if isinstance(found, list) else [] if found in _NOTHING else [found]
        for number, one in enumerate(listed):
            if number == at_most:
                self.lose(key, f"more than {at_most:,} are not taken")
                return
            if isinstance(one, dict):
                yield number, Fields(one, f"{self.path}.{key}", self.losses)
            elif one is not None:
                self.lose(key, "it is no object")

    def done(self) -> None:
        """Name whatever says something and was not asked for."""
        for key, held in self._value.items():
            if key not in self._asked and held not in _NOTHING:
                self.losses.add(f"{self.path}.{key}", self.owner, _REASONS.get(key, _UNKNOWN))

    def _ask(self, key: str) -> JsonValue:
        self._asked.add(key)
        held: JsonValue = self._value.get(key)
        return held
