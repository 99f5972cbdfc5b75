"""Validate one STIX object: a list of findings, never a yes or no.

No two tools agree on what valid STIX is, so each deviation has a level of our own. `refuse`: it cannot be
filed (no type, no id, a malformed id, beyond a limit). `quarantine`: acting on it would be wrong (an
indicator without a readable pattern, dates that contradict). `note`: the standard says no, and the meaning
is clear. What the standard permits, custom properties among it, is no finding at all.

Rules come from the OASIS schemas (`schemas`), and from `checks`, `embedded` and `patterning` for what no
schema can hold.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from backchannel.codec import JsonObject
from backchannel.stix import checks, schemas
from backchannel.stix.checks import Problem
from backchannel.stix.embedded import embedded
from backchannel.stix.findings import Finding
from backchannel.stix.limits import LimitError, check_bounds
from backchannel.stix.looks import is_fine
from backchannel.stix.patterning import has_usual_pattern, pattern
from backchannel.stix.schemas import Version
from backchannel.stix.vocabulary import OBSERVABLES, ONLY_21_PROPERTIES, section
from backchannel.stix.wording import pointer, quoted, sentence

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

MAX_FINDINGS: Final = 20
"""Most findings told of one object: a hostile one could break a rule in each of a million places."""
MAX_ID_CHARS: Final = 250 + 2 + 36
"""A type (§3.1: at most 250 characters), two hyphens, a UUID."""

_ID = re.compile(
    r"([A-Za-z0-9_-]{1,250})--[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\Z"
)
_POINTER = re.compile(
    r"#/(?:(?:objects/|response/)?\d+|(?:response/)?Event|(?:Attribute|Object|EventReport)/\d+)(?:/.*)?\Z",
    re.DOTALL,
)
"""How an address goes on into a document; a file's own name may hold a `#` too."""
_PLAIN_NAME = re.compile(r"(?:[a-z][a-z0-9_]{2,249}|id)\Z")
_NAMES: Final = {"2.1": _PLAIN_NAME, "2.0": re.compile(r"(?:[a-z0-9_]{3,250}|id)\Z")}
_LOOKED_INTO: Final = frozenset({*checks.BY_TYPE, "observed-data"})
"""Types of which more is checked than the schema and times."""
_SHORT_KEYS: Final = frozenset({"HKLM", "HKCC", "HKCR", "HKCU", "HKU"})


def validate(
    value: JsonObject, *, spec_version: str, place: str, body: bytes, is_plain: bool = False
) -> tuple[Finding, ...]:
    """Return what is noticed about one object, worst first; empty if nothing is.

    Args:
        value: the decoded object.
        spec_version: "2.1" or "2.0": what it is read as (`stix.read.spec_version_of`).
        place: address of the object, as in `bundle.json#/objects/3`; findings go on from there.
        body: its bytes.
        is_plain: whether it is plain (`stix.read.Decoded`).
    """
    version: Version = "2.0" if spec_version == "2.0" else "2.1"
    fine = is_fine(value, version)
    refusal = (None if fine else _unfiled(value)) or _too_much(value, body, is_plain=is_plain)
    if refusal is not None:
        return (_finding(refusal, value, place, spec_version),)
    if fine and _is_settled(value, version):
        return ()
    found = list(islice(_problems(value, version, is_fine=fine), MAX_FINDINGS + 1))
    if not found:
        return ()
    if len(found) > MAX_FINDINGS:
        found[-1] = Problem(
            "note", "", f"more is wrong with it than the {MAX_FINDINGS} findings told here", ""
        )
    graver = {problem.path for problem in found if problem.level != "note"}
    kept = (problem for problem in found if problem.level != "note" or problem.path not in graver)
    told = dict.fromkeys(_finding(problem, value, place, version) for problem in kept)
    return tuple(sorted(told, key=lambda finding: finding.level == "note"))


def address(place: str, path: str) -> str:
    """Return the address of the JSON pointer `path` inside the object at `place`."""
    if not path:
        return place
    return f"{place}{path}" if _POINTER.search(place) else f"{place}#{path}"


def _unfiled(value: JsonObject) -> Problem | None:
    """Return why the object cannot be filed at all, or None: it has a type, and an id of that type."""
    stix_type, stix_id = value.get("type"), value.get("id")
    if not isinstance(stix_type, str) or not stix_type:
        return Problem("refuse", "/type", "the object has no type, so it is no STIX object", "STIX 2.1 §3.2")
    if stix_type == "bundle":
        return Problem(
            "refuse", "", "a bundle cannot be inside a bundle: send its objects themselves", "STIX 2.1 §8"
        )
    if not isinstance(stix_id, str) or not stix_id:
        what = f"the {quoted(stix_type)} has no id, so nothing can refer to it: the producer must give it one"
        return Problem("refuse", "/id", what, "STIX 2.1 §2.9")
    match = _ID.match(stix_id)
    if match is None:
        return Problem(
            "refuse", "/id", f"the id is {quoted(stix_id)}, not of the form type--UUID", "STIX 2.1 §2.9"
        )
    if match[1] != stix_type:
        what = f"the id {quoted(stix_id)} does not begin with the type of the object, {quoted(stix_type)}"
        return Problem("refuse", "/id", what, "STIX 2.1 §2.9")
    return None


def _too_much(value: JsonObject, body: bytes, *, is_plain: bool) -> Problem | None:
    """Return why the object is too large or too deep to be filed, or None."""
    try:
        check_bounds(value, body, is_plain=is_plain)
    except LimitError as error:
        return Problem("refuse", "", error.what, error.clause)
    return None


def _finding(problem: Problem, value: JsonObject, place: str, version: str) -> Finding:
    stix_id, stix_type = value.get("id"), value.get("type")
    named = (
        stix_id if isinstance(stix_id, str) and len(stix_id) <= MAX_ID_CHARS and stix_id.isprintable() else ""
    )
    clause = problem.clause or section(stix_type if isinstance(stix_type, str) else "", version)
    return Finding(problem.level, named, address(place, problem.path), problem.what, clause)


def _is_settled(value: JsonObject, version: Version) -> bool:
    """Whether there is nothing more to ask of an object that is fine: `_problems` would yield nothing."""
    stix_type = value["type"]
    return (
        stix_type not in _LOOKED_INTO
        and "granular_markings" not in value
        and "lang" not in value
        and ("spec_version" in value or version == "2.0")
        and (stix_type != "indicator" or has_usual_pattern(value))
    )


def _problems(value: JsonObject, version: Version, *, is_fine: bool) -> Iterator[Problem]:
    stix_type: str = value["type"]
    if stix_type == "indicator":
        yield from pattern(value, version)
    if not is_fine:
        yield from checks.times(value, version)
        yield from _schema_problems(value, schemas.name_for(stix_type, value, version), version)
    for check in checks.BY_TYPE.get(stix_type, ()):
        yield from check(value, version)
    if "granular_markings" in value and stix_type != "marking-definition":
        yield from checks.markings(value, version)
    if "lang" in value:
        yield from checks.language(value, version)
    if stix_type == "observed-data" and "objects" in value:
        yield from embedded(value, version)
    if version == "2.1" and "spec_version" not in value and stix_type not in OBSERVABLES:
        yield _no_spec_version(value)


def _no_spec_version(value: JsonObject) -> Problem:
    signs = sorted(ONLY_21_PROPERTIES & value.keys())
    why = f"it has {quoted(signs[0])}" if signs else "of its type and of what came with it"
    what = f"`spec_version` is missing; the object is read as 2.1, because {why}"
    return Problem("note", "/spec_version", what, "STIX 2.1 §3.2")


def _schema_problems(value: JsonObject, schema: str, version: Version) -> Iterator[Problem]:
    names = _NAMES[version]
    for name in value:
        if names.match(name) is None:
            what = f"the property {quoted(name)} has no name that STIX allows: 3 to 250 of a-z, 0-9 and _"
            yield Problem(
                "note", pointer([name]), what, "STIX 2.1 §3.1" if version == "2.1" else "STIX 2.0 Part 1 §3.1"
            )
    clause = section(value["type"], version)
    told: set[str] = set()
    for error in schemas.full(schema, version).iter_errors(value):
        path = pointer(_path(error))
        if path not in told and not _is_false_alarm(error, value, version):
            if path:  # two rules of the schema, one fault
                told.add(path)
            yield Problem("note", path, sentence(error), clause)


def _path(error: ValidationError) -> list[str | int]:
    if error.kind.name == "required":
        return [*error.instance_path, str(error.kind.as_dict()["property"])]
    return list(error.instance_path)


def _is_false_alarm(error: ValidationError, value: JsonObject, version: Version) -> bool:
    """Whether the schema is stricter than the standard there, or another check says it better."""
    path, kind, stix_type = error.instance_path, error.kind.name, value["type"]
    last = path[-1] if path else ""
    if not path:
        named = str(error.kind.as_dict().get("property", "")) if kind == "required" else ""
        return (
            kind == "additionalProperties"
            or named == "spec_version"
            or (named == "pattern" and stix_type == "indicator")
        )
    if path[0] == "objects" and len(path) > 1 and stix_type == "observed-data" and version == "2.0":
        return True  # `embedded` holds each observable against the schema of its own type
    if path[0] == "extensions" and len(path) > 1 and str(path[1]).startswith("extension-definition--"):
        return kind == "additionalProperties"
    if last == "value" and stix_type == "ipv6-addr":
        return kind == "pattern" and _is_ipv6(error.instance)
    if path[0] == "languages" or last == "cpe":
        return kind == "pattern"
    if last == "key" and stix_type == "windows-registry-key" and isinstance(error.instance, str):
        return kind == "not" and error.instance.partition("\\")[0].upper() not in _SHORT_KEYS
    return False


def _is_ipv6(text: object) -> bool:
    """Whether `text` is an address or network: the schema's expression misses forms with an IPv4 end."""
    if not isinstance(text, str):
        return False
    host, slash, bits = text.partition("/")
    try:
        socket.inet_pton(socket.AF_INET6, host)
    except (OSError, ValueError):
        return False
    return not slash or (
        bits.isascii() and bits.isdigit() and str(int(bits[:4])) == bits and int(bits) <= 128
    )
