"""See a STIX 2.0 object as STIX 2.1: a derived view, for reading and matching; what is stored stays 2.0.

Every change is told. What 2.1 has no place for stays in the view under its own name (a custom property),
so nothing is lost. STIX 2.1 Appendix E lists the differences.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

import msgspec

from backchannel.codec import JsonObject, JsonValue
from backchannel.ids import StixId
from backchannel.stix.findings import Finding
from backchannel.stix.raw import RawObject
from backchannel.stix.sco_ids import observable_id, stable_id
from backchannel.stix.validate import address
from backchannel.stix.vocabulary import CONTRIBUTING
from backchannel.stix.wording import pointer, quoted

CLAUSE: Final = "STIX 2.1 Appendix E"
MAX_CHAIN: Final = 40
"""Longest chain of observables whose ids depend on each other; real ones have two."""
MAX_CHANGES_TOLD: Final = 100
"""Changes of one object that are told when it comes: an observed-data may hold any number of observables."""

_TYPE_NAME = re.compile(r"[a-z][a-z0-9-]{1,248}[a-z0-9]\Z")
TYPES_IN_LABELS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "indicator": (
        "indicator_types",
        frozenset(
            [
                "anomalous-activity",
                "anonymization",
                "attribution",
                "benign",
                "compromised",
                "malicious-activity",
            ]
        ),
    ),
    "malware": (
        "malware_types",
        frozenset(
            [
                "adware",
                "backdoor",
                "bot",
                "ddos",
                "dropper",
                "exploit-kit",
                "keylogger",
                "ransomware",
                "remote-access-trojan",
                "resource-exploitation",
                "rogue-security-software",
                "rootkit",
                "screen-capture",
                "spyware",
                "trojan",
                "virus",
                "worm",
            ]
        ),
    ),
    "report": (
        "report_types",
        frozenset(
            [
                "attack-pattern",
                "campaign",
                "identity",
                "indicator",
                "intrusion-set",
                "malware",
                "observed-data",
                "threat-actor",
                "threat-report",
                "tool",
                "vulnerability",
            ]
        ),
    ),
    "threat-actor": (
        "threat_actor_types",
        frozenset(
            [
                "activist",
                "competitor",
                "crime-syndicate",
                "criminal",
                "hacker",
                "insider-accidental",
                "insider-disgruntled",
                "nation-state",
                "sensationalist",
                "spy",
                "terrorist",
            ]
        ),
    ),
    "tool": (
        "tool_types",
        frozenset(
            [
                "credential-exploitation",
                "denial-of-service",
                "exploitation",
                "information-gathering",
                "network-capture",
                "remote-access",
                "vulnerability-scanning",
            ]
        ),
    ),
}
"""What 2.0 writes into `labels` and 2.1 into a property of its own: its name, and the vocabulary of 2.0."""
RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "directory": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "file": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "process": {"created": "created_time", "binary_ref": "image_ref"},
    "user-account": {"password_last_changed": "credential_last_changed"},
    "windows-registry-key": {"modified": "modified_time"},
}
"""Properties of observables that have another name in 2.1."""


class View(msgspec.Struct, frozen=True):
    """An object as STIX 2.1."""

    objects: tuple[JsonObject, ...]
    """The object first; behind it, of an observed-data of 2.0, its observables. Read them; never change them."""
    changes: tuple[Finding, ...]
    """One note for each change; empty for an object of 2.1."""


def view(raw: RawObject) -> View:
    """Return `raw` as STIX 2.1: the object itself, or what is derived from a 2.0 one.

    The same object always gives the same view, the ids of its observables included.
    """
    if raw.header.spec_version != "2.0":
        return View((raw.value,), ())
    changes = _Changes(raw.header.id)
    value = _common(raw.value, changes)
    if raw.header.type == "observed-data" and isinstance(value.get("objects"), dict):
        return View(_opened(raw, value, changes), changes.told())
    return View((value,), changes.told())


def changes(raw: RawObject, place: str) -> tuple[Finding, ...]:
    """Return a note for each change in the 2.1 view of what stands at `place`; `()` for an object of 2.1."""
    if raw.header.spec_version != "2.0":
        return ()
    prefix = f"{raw.header.id}#"
    found = [
        msgspec.structs.replace(one, where=address(place, one.where.removeprefix(prefix)))
        for one in view(raw).changes
    ]
    if len(found) > MAX_CHANGES_TOLD:
        what = (
            f"the 2.1 view has {len(found) - MAX_CHANGES_TOLD:,} changes more: `backchannel show` tells all"
        )
        found[MAX_CHANGES_TOLD:] = [Finding("note", raw.header.id, place, what, CLAUSE)]
    return tuple(found)


class _Changes:
    """The notes of one view."""

    def __init__(self, stix_id: str) -> None:
        self._id = stix_id
        self._found: list[Finding] = []

    def note(self, path: str, what: str) -> None:
        self._found.append(Finding("note", self._id, f"{self._id}#{path}", what, CLAUSE))

    def told(self) -> tuple[Finding, ...]:
        return tuple(dict.fromkeys(self._found))


def _common(old: JsonObject, changes: _Changes) -> JsonObject:
    stix_type: str = old["type"]
    new: JsonObject = {
        "type": stix_type,
        "spec_version": "2.1",
        **{k: v for k, v in old.items() if k != "type"},
    }
    new["spec_version"] = "2.1"
    changes.note("/spec_version", "an object of STIX 2.0, shown as 2.1")
    if stix_type in TYPES_IN_LABELS:
        name, vocabulary = TYPES_IN_LABELS[stix_type]
        labels = old.get("labels")
        listed = labels if isinstance(labels, list) else []
        types = [label for label in listed if isinstance(label, str) and label in vocabulary]
        if types and name not in old:
            new[name] = types
            changes.note(f"/{name}", f"`{name}` is taken from `labels`, where 2.0 keeps it")
    if stix_type == "indicator" and "pattern_type" not in old:
        new["pattern_type"] = "stix"
        new["pattern_version"] = "2.0"
        changes.note("/pattern_type", "the pattern is a STIX pattern: 2.0 knows no other")
        changes.note("/pattern_version", "the pattern is written in the grammar of 2.0")
    if stix_type == "malware" and "is_family" not in old:
        new["is_family"] = True
        changes.note(
            "/is_family", "taken for a family: 2.0 does not say whether a malware is one or a single sample"
        )
    return new


def _opened(raw: RawObject, value: JsonObject, changes: _Changes) -> tuple[JsonObject, ...]:
    """Take the observables out of an observed-data; return it with references to them, and them."""
    opened = _Opened(raw, value.pop("objects"), changes)
    found = opened.observables()
    value["object_refs"] = list(found)
    changes.note("/objects", f"the {len(found)} observables inside became objects of their own")
    changes.note("/object_refs", "leads to the observables that stood in `objects`")
    return (value, *found.values())


class _Opened:
    """The observables of one observed-data, by their keys, on their way to become objects."""

    def __init__(self, raw: RawObject, objects: JsonObject, changes: _Changes) -> None:
        self._digest = raw.digest
        self._changes = changes
        self._ids: dict[str, StixId] = {}
        self._items: dict[str, JsonObject] = {}
        for key, item in objects.items():
            stix_type = item.get("type") if isinstance(item, dict) else None
            if not isinstance(stix_type, str) or _TYPE_NAME.match(stix_type) is None:
                changes.note(
                    pointer(["objects", key]), "left out: an observable needs a type that is a type name"
                )
            else:
                self._items[key] = self._renamed(key, item)

    def observables(self) -> dict[StixId, JsonObject]:
        """Return them by id, in the order of their keys; the same observable twice is one object."""
        for key in self._items:
            self._identify(key, ())
        found: dict[StixId, JsonObject] = {}
        for key, item in self._items.items():
            stix_id = self._ids[key]
            rest = {name: value for name, value in item.items() if name not in {"type", "id", "spec_version"}}
            new = {
                "type": item["type"],
                "spec_version": "2.1",
                "id": stix_id,
                **cast("JsonObject", self._linked(rest, ["objects", key])),
            }
            found[stix_id] = {**new, **found[stix_id]} if stix_id in found else new
        return found

    def _renamed(self, key: str, item: JsonObject) -> JsonObject:
        names = RENAMED.get(item["type"], {})
        for name in names.keys() & item.keys():
            self._changes.note(pointer(["objects", key, name]), f"`{name}` is `{names[name]}` in 2.1")
        return {names.get(name, name): value for name, value in item.items()}

    def _identify(self, key: str, chain: tuple[str, ...]) -> StixId:
        if key in self._ids:
            return self._ids[key]
        item = self._items[key]
        stix_id: StixId | None = None
        if key not in chain and len(chain) < MAX_CHAIN:
            names = CONTRIBUTING.get(item["type"], ())
            parts = {name: self._resolved(item[name], name, (*chain, key)) for name in names if name in item}
            try:
                stix_id = observable_id({**parts, "type": item["type"]})
            except ValueError:
                stix_id = None
        if stix_id is None:
            stix_id = stable_id(item["type"], self._digest, key.encode("utf-8", "surrogatepass"))
        self._ids[key] = stix_id
        return stix_id

    def _resolved(self, value: JsonValue, name: str, chain: tuple[str, ...]) -> JsonValue:
        """Return a contributing property with ids for the keys it refers to."""
        if name.endswith("_ref"):
            return self._identify(value, chain) if isinstance(value, str) and value in self._items else value
        if isinstance(value, list):
            inner = name.removesuffix("s") if name.endswith("_refs") else ""
            return [self._resolved(item, inner, chain) for item in value]
        if isinstance(value, dict):
            return {key: self._resolved(item, key, chain) for key, item in value.items()}
        return value

    def _linked(self, value: JsonValue, path: list[str]) -> JsonValue:
        """Return `value` with ids for keys in every reference; a reference that leads nowhere is left out."""
        if isinstance(value, list):
            return [self._linked(item, path) for item in value]
        if not isinstance(value, dict):
            return value
        new: JsonObject = {}
        for name, item in value.items():
            if name.endswith("_ref"):
                if self._leads(item, [*path, name]):
                    new[name] = self._ids.get(str(item), item)
            elif name.endswith("_refs") and isinstance(item, list):
                refs = [self._ids.get(str(ref), ref) for ref in item if self._leads(ref, [*path, name])]
                if refs:
                    new[name] = refs
            else:
                new[name] = self._linked(item, [*path, name])
        return new

    def _leads(self, ref: JsonValue, path: list[str]) -> bool:
        if isinstance(ref, str) and (ref in self._ids or "--" in ref):
            return True
        self._changes.note(
            pointer(path), f"the reference {quoted(ref)} leads to no observable, and is left out"
        )
        return False
