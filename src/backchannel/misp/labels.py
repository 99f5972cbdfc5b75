"""The labels that say what an object was in MISP, as the converter of the MISP project spells them, and tags.

The first labels of an object are ours to read (`misp:type="domain"`), all others are the tags of the element.
What has no place in STIX stands in properties `x_misp_...`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backchannel.codec import JsonObject
from backchannel.misp.event import SharingGroup

TYPE, CATEGORY, TO_IDS = "misp:type", "misp:category", "misp:to_ids"
NAME, META_CATEGORY = "misp:name", "misp:meta-category"
LAYER, SIGHTING = "misp:data-layer", "misp:sighting-type"
REPORT_LAYER = "Event Report"
EVENT_MARK = "x_misp_event_date"
"""The property that tells a report or grouping that was an event from any other; its date, or ""."""


def label(key: str, value: str) -> str:
    """Return one label."""
    return f'{key}="{value}"'


def labelled(value: JsonObject, keys: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]] | None:
    """Return what the first labels of an object say, and its tags; None if they are not those of `keys`."""
    held = value.get("labels")
    if not isinstance(held, list) or len(held) < len(keys) or not all(isinstance(one, str) for one in held):
        return None
    found: dict[str, str] = {}
    for key, text in zip(keys, held, strict=False):
        if not text.startswith(f'{key}="') or not text.endswith('"') or len(text) < len(key) + 3:
            return None
        found[key] = text[len(key) + 2 : -1]
    return found, tuple(held[len(keys) :])


def carried(pairs: Iterable[tuple[str, object]]) -> JsonObject:
    """Return the properties `x_misp_NAME` for what says something."""
    return {f"x_misp_{name}": held for name, held in pairs if held not in (None, "", False)}


def group_value(group: SharingGroup | None) -> JsonObject | None:
    """Return a sharing group as a property holds it."""
    if group is None:
        return None
    texts = (
        ("uuid", group.uuid),
        ("name", group.name),
        ("releasability", group.releasability),
        ("description", group.description),
    )
    return {name: text for name, text in texts if text} or {"name": ""}


def group_of(value: JsonObject) -> SharingGroup | None:
    """Return the sharing group that an object carries."""
    held = value.get("x_misp_sharing_group")
    if not isinstance(held, dict):
        return None
    return SharingGroup(*(text_of(held, name) for name in ("uuid", "name", "releasability", "description")))


def text_of(value: JsonObject, name: str) -> str:
    """Return a property that is a text; "" if it is none."""
    held = value.get(name)
    return held if isinstance(held, str) else ""


def number_of(value: JsonObject, name: str) -> int | None:
    """Return a property that is a whole number; None if it is none."""
    held = value.get(name)
    return held if isinstance(held, int) and not isinstance(held, bool) else None
