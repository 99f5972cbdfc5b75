"""The OASIS JSON schemas of STIX 2.1 and 2.0, from this package's own copy; nothing is ever fetched.

A validator for each type, compiled when first asked for: it says what is wrong. Most objects never meet
it, because a quick look (`looks`, read off the same schemas) finds them right.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Final, Literal

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.stix.vocabulary import COMMON_TIMES

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, FancyRegexOptions

Version = Literal["2.0", "2.1"]

CUSTOM: Final = "core"
"""Name of the schema of the common properties: for types that the standard does not define."""
CUSTOM_OBSERVABLE: Final = "cyber-observable-core"
"""The same for cyber-observable objects."""
_ROOMS: Final = ("sdos", "sros", "observables", "common")
_COMMON_TYPES: Final = frozenset(
    {"marking-definition", "language-content", "extension-definition", CUSTOM, CUSTOM_OBSERVABLE}
)
_BACKTRACKS: Final = 100_000
"""Most steps of the one schema expression (2.0: `url-regex`) that needs an engine with look-ahead."""


def has_schema(stix_type: str, version: Version) -> bool:
    """Whether the standard defines `stix_type`: a domain, relationship, observable or meta object."""
    return stix_type in _names(version) and stix_type not in {CUSTOM, CUSTOM_OBSERVABLE}


def name_for(stix_type: str, names: Collection[str], version: Version) -> str:
    """Return the name of the schema of an object of `stix_type` whose properties have these names."""
    if has_schema(stix_type, version):
        return stix_type
    if version == "2.1" and not any(name in names for name in COMMON_TIMES):
        return CUSTOM_OBSERVABLE
    return CUSTOM


@cache
def full(name: str, version: Version) -> Draft202012Validator:
    """Return the validator of the schema `name` (see `name_for`) as OASIS wrote it."""
    return _compiled(_load(version, _names(version)[name], name), version)


def source(name: str, version: Version) -> JsonObject:
    """Return the schema `name` itself, `referred` within it. Read it; never change it."""
    return _trimmed(_load(version, _names(version)[name], name))


def referred(uri: str, version: Version) -> JsonObject:
    """Return the schema that another refers to, less the rules of names where it is one of common properties.

    Raises:
        LookupError: it is not in our copy.
    """
    room, _, name = uri.rpartition("/")
    return _trimmed(_load(version, room.rpartition("/")[2] or "common", name.removesuffix(".json")))


def part(rule: JsonObject, file: JsonObject, version: Version) -> Draft202012Validator:
    """Return the validator of `rule`, which is a part of the schema `file`."""
    around: JsonObject = {key: file[key] for key in ("$id", "$schema", "definitions") if key in file}
    return _compiled({**around, **rule}, version)


def _trimmed(schema: JsonObject) -> JsonObject:
    """Leave out, of the two schemas of common properties, the rules of names."""
    if not schema["$id"].endswith(("/core.json", "/cyber-observable-core.json")):
        return schema
    of_names = {"allOf", "patternProperties", "additionalProperties"}
    return {key: value for key, value in schema.items() if key not in of_names}


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
def _folder(version: Version) -> Traversable:
    return files("backchannel.vendored").joinpath(f"stix{version}-schemas", "schemas")


@cache
def _load(version: Version, room: str, name: str) -> JsonObject:
    schema: JsonObject = codec.decode(_folder(version).joinpath(room, f"{name}.json").read_bytes())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"  # 2.0 writes it with http and a #
    return schema


@cache
def _names(version: Version) -> dict[str, str]:
    folder = _folder(version)
    return {
        entry.name.removesuffix(".json"): room
        for room in _ROOMS
        for entry in folder.joinpath(room).iterdir()
        if room != "common" or entry.name.removesuffix(".json") in _COMMON_TYPES
    }
