"""Say in one plain sentence what a JSON schema's complaint means, and what would mend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from backchannel.stix.visible import visible

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

MAX_SHOWN_CHARS: Final = 60
"""How much of a wrong value a sentence quotes."""

_FORMS: Final = (
    ("^[0-9]{4}-(0[1-9]|1[012])", "is not a timestamp: write it as 2026-01-31T12:00:00.000Z"),
    (r"T\d{2}:\d{2}:\d{2}\.\d{3", "has no milliseconds: created and modified are precise to the millisecond"),
    (
        "^[a-z][a-z0-9-]+[a-z0-9]--[0-9a-fA-F]{8}",
        "is not an identifier: write type--UUID, UUID version 4 or 5",
    ),
    (r"^\-?[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*\-?--[0-9a-fA-F]{8}", "is not an identifier: write type--UUIDv4"),
    ("^marking-definition--", "does not refer to a marking definition, as it has to"),
    ("^[a-fA-F0-9]{32}$", "is not an MD5: 32 hexadecimal digits"),
    ("^[a-fA-F0-9]{40}$", "is not a SHA-1: 40 hexadecimal digits"),
    ("^[a-fA-F0-9]{64}$", "is not a hash of 64 hexadecimal digits"),
    ("^[a-fA-F0-9]{128}$", "is not a hash of 128 hexadecimal digits"),
    ("^(([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4]", "is not an IPv4 address or network"),
    ("^s*((([0-9A-Fa-f]{1,4}:)", "is not an IPv6 address or network"),
    (r"^\s*((([0-9A-Fa-f]{1,4}:)", "is not an IPv6 address or network"),
    (r"^([a-z0-9_-]{3,2", "is not a selector: write property.[index].property"),
    ("^([a-z][a-z0-9]*)+(-[a-z0-9]+)*", "is not a type name: lower-case letters, digits and single hyphens"),
    (r"^\-?[a-z", "is not a type name: lower-case letters, digits and single hyphens"),
    (r"^[a-z0-9\-]+$", "may hold lower-case letters, digits and hyphens only"),
    ("^(application|audio|font", "is not a media type of the form type/subtype"),
    ("^(([^:/?#]+):)?", "is not a URL"),
    ("^([a-zA-Z][a-zA-Z0-9+.-]*):", "is not a URL with a scheme"),
)
"""How an expression of the schemas begins, and what it asks for."""
_TYPES: Final = {"array": "a list", "object": "an object", "integer": "an integer", "null": "null"}


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON pointer of `path` (RFC 6901): "" for the whole object."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def quoted(value: object) -> str:
    """Return a scalar as it may stand in a sentence: harmless, on one line, cut at `MAX_SHOWN_CHARS`."""
    if isinstance(value, str):
        return f"`{visible(value, max_chars=MAX_SHOWN_CHARS)}`"
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return "null" if value is None else visible(str(value).lower(), max_chars=MAX_SHOWN_CHARS)


def sentence(error: ValidationError) -> str:
    """Return what is wrong: the property, what it is, what it should be."""
    name = _name(error.instance_path)
    return f"{name} {_complaint(error)}" if error.kind.name != "required" else _missing(error)


def _name(path: Sequence[str | int]) -> str:
    return (
        f"`{visible('/'.join(str(step) for step in path), max_chars=MAX_SHOWN_CHARS)}`"
        if path
        else "the object"
    )


def _missing(error: ValidationError) -> str:
    name = _name([*error.instance_path, str(error.kind.as_dict()["property"])])
    return f"{name} is missing, and the standard requires it: ask the producer to add it"


def _complaint(error: ValidationError) -> str:
    kind, facts = error.kind.name, error.kind.as_dict()
    if kind == "pattern":
        return _pattern(str(facts["pattern"]), error.instance)
    if kind == "type":
        wanted = " or ".join(_TYPES.get(str(name), f"a {name}") for name in facts["types"])
        return f"is {quoted(error.instance)}, and has to be {wanted}"
    if kind in {"maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"}:
        bound = "most" if "aximum" in kind else "least"
        return f"is {quoted(error.instance)}, and has to be at {bound} {facts['limit']}"
    if kind in {"minItems", "minProperties"}:
        return "is empty: leave the property out instead"
    if kind in {"enum", "const"}:
        wanted = ", ".join(quoted(option) for option in list(facts.get("options", []))[:8])
        return (
            f"is {quoted(error.instance)}, and has to be one of {wanted}"
            if wanted
            else "is not the value that is due"
        )
    if kind == "additionalProperties":
        names = ", ".join(quoted(str(name)) for name in list(facts["unexpected"])[:5])
        return f"has a property whose name the standard does not allow there: {names}"
    if kind == "not":
        return _forbidden(error)
    if kind in {"anyOf", "oneOf", "oneOfNotValid"}:
        return _choice(error)
    return f"breaks the rule `{kind}` of the schema"


def _pattern(expression: str, value: object) -> str:
    for begins, meaning in _FORMS:
        if expression.startswith(begins):
            return f"is {quoted(value)}, which {meaning}"
    if expression.startswith("^") and expression.endswith("--"):
        return f"is {quoted(value)}, and has to begin with `{expression[1:]}`"
    return f"is {quoted(value)}, which has not the form that the standard asks for"


def _forbidden(error: ValidationError) -> str:
    value = error.instance
    if isinstance(value, dict):
        for rule in error.kind.as_dict()["schema"].get("anyOf", []):
            names = rule.get("required", [])
            if names and all(name in value for name in names):
                return f"uses the reserved property {', '.join(quoted(name) for name in names)}: give it another name"
        return "has properties that may not stand together"
    return f"is {quoted(value)}, which may not stand there"


def _choice(error: ValidationError) -> str:
    value, path = error.instance, error.instance_path
    if value is None:
        return "is null: leave the property out instead"
    if value == []:
        return "is empty: leave the property out instead"
    if len(path) > 1 and path[-2] == "external_references":
        return (
            "is not a reference: it needs a source_name and one of description, url or external_id; source "
            "`cve` goes with CVE-YYYY-NNNN and source `capec` with CAPEC-N, and no other source with those"
        )
    branches = [branch for branch in error.kind.as_dict().get("context", []) if branch]
    if not branches:
        return "fits more than one of the forms that the standard allows there"
    closest = min(branches, key=len)[0]
    if closest.kind.name in {"anyOf", "oneOf", "not"}:
        return "fits none of the forms that the standard allows there"
    return f"fits none of the forms that the standard allows there (nearest: {sentence(closest)})"
