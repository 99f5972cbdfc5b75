"""The OASIS JSON schemas of STIX 2.1 and 2.0, from this package's own copy; nothing is ever fetched.

Two validators for each type, compiled when first asked for. `full` is the schema as OASIS wrote it: it
says what is wrong. `screen` is the same without the parts that cost most and that other code decides
faster, so it only says "fine" or "look closer": most objects need no more. `tests/stix` holds that
whatever passes the screen passes the full schema.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from backchannel import codec
from backchannel.codec import JsonObject

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, FancyRegexOptions

Version = Literal["2.0", "2.1"]

CUSTOM: Final = "core"
"""Name of the schema of the common properties: for types that the standard does not define."""
CUSTOM_OBSERVABLE: Final = "cyber-observable-core"
"""The same for cyber-observable objects."""
SHARED: Final = ("extensions", "external_references", "granular_markings")
"""Properties of many types that the screens leave out: `screen_shared` looks at them where they occur."""

_ROOMS: Final = ("sdos", "sros", "observables", "common")
_COMMON_TYPES: Final = frozenset(
    {"marking-definition", "language-content", "extension-definition", CUSTOM, CUSTOM_OBSERVABLE}
)
_BACKTRACKS: Final = 100_000
"""Most steps of the one schema expression (2.0: `url-regex`) that needs an engine with look-ahead."""


def has_schema(stix_type: str, version: Version) -> bool:
    """Whether the standard defines `stix_type`: a domain, relationship, observable or meta object."""
    return stix_type in _names(version) and stix_type not in {CUSTOM, CUSTOM_OBSERVABLE}


@cache
def full(name: str, version: Version) -> Draft202012Validator:
    """Return the validator of the schema `name` (see `schema_name`) as OASIS wrote it."""
    return _compiled(_load(version, _names(version)[name], name), version)


@cache
def screen(name: str, version: Version) -> Draft202012Validator:
    """Return the quick validator of `name`: what it takes is right but for `SHARED` and property names."""
    import jsonschema_rs  # noqa: PLC0415 - 30 ms that only a first validation should pay

    def retrieve(uri: str) -> JsonObject:
        return _trimmed(_by_uri(uri, version))

    schema = _trimmed(_load(version, _names(version)[name], name))
    flat = jsonschema_rs.dereference(schema, retriever=retrieve)
    return jsonschema_rs.Draft202012Validator(flat, pattern_options=_engine(), offline=True)


@cache
def shared(version: Version) -> tuple[str, ...]:
    """Return which properties of `SHARED` are common ones in `version` (2.0 has no common `extensions`)."""
    properties: JsonObject = _load(version, "common", "core")["properties"]
    return tuple(name for name in SHARED if name in properties)


@cache
def screen_shared(name: str, version: Version) -> Draft202012Validator:
    """Return the validator of one property of `shared(version)`."""
    properties: JsonObject = _load(version, "common", "core")["properties"]
    schema: JsonObject = {"$id": _load(version, "common", "core")["$id"], **properties[name]}
    return _compiled(schema, version)


def _trimmed(schema: JsonObject) -> JsonObject:
    """Leave out, of the two schemas of common properties, the rules of names and the properties of `SHARED`."""
    if not schema["$id"].endswith(("/core.json", "/cyber-observable-core.json")):
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"allOf", "patternProperties"}}
    rest.pop("additionalProperties", None)
    rest["properties"] = {name: value for name, value in schema["properties"].items() if name not in SHARED}
    return rest


def _compiled(schema: JsonObject, version: Version) -> Draft202012Validator:
    import jsonschema_rs  # noqa: PLC0415 - as above

    def retrieve(uri: str) -> JsonObject:
        return _by_uri(uri, version)

    return jsonschema_rs.Draft202012Validator(schema, retriever=retrieve, pattern_options=_engine())


def _engine() -> FancyRegexOptions:
    import jsonschema_rs  # noqa: PLC0415 - as above

    return jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS)


def _by_uri(uri: str, version: Version) -> JsonObject:
    room, _, name = uri.partition("#")[0].rpartition("/schemas/")[2].rpartition("/")
    if room not in _ROOMS or not name.endswith(".json"):
        raise LookupError(f"a schema refers to {uri}, which is not in our copy")
    return _load(version, room, name.removesuffix(".json"))


@cache
def _load(version: Version, room: str, name: str) -> JsonObject:
    folder = files("backchannel.vendored").joinpath(f"stix{version}-schemas", "schemas")
    schema: JsonObject = codec.decode(folder.joinpath(room, f"{name}.json").read_bytes())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"  # 2.0 writes it with http and a #
    return schema


@cache
def _names(version: Version) -> dict[str, str]:
    folder = files("backchannel.vendored").joinpath(f"stix{version}-schemas", "schemas")
    return {
        entry.name.removesuffix(".json"): room
        for room in _ROOMS
        for entry in folder.joinpath(room).iterdir()
        if room != "common" or entry.name.removesuffix(".json") in _COMMON_TYPES
    }
