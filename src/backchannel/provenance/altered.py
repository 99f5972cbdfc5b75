"""What differs between an object as it came and the original that was signed.

"Verified" is said of exact content only. But tools of the field write objects anew with other spellings of the same
content: those are told apart from changes, and every change is named by property. The spelling that survives the
commonest tool is `normal`; what we make ourselves is in it from the start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from backchannel import codec
from backchannel.clock import parse_time
from backchannel.codec import JsonObject, JsonValue
from backchannel.provenance.reasons import Reason

MAX_DIFFERENCES: Final = 100

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)\Z")
_AT_LEAST_MILLISECONDS: Final = frozenset({"created", "modified"})
"""Written with three digits at least (STIX 2.1 §3.2); all other times without zeros at their end."""
_TIMES: Final = _AT_LEAST_MILLISECONDS | frozenset(
    {
        "account_created",
        "account_expires",
        "account_first_login",
        "account_last_login",
        "analysis_ended",
        "analysis_started",
        "atime",
        "created_time",
        "credential_last_changed",
        "ctime",
        "date",
        "end",
        "first_observed",
        "first_seen",
        "last_observed",
        "last_seen",
        "modified_time",
        "mtime",
        "private_key_usage_period_not_after",
        "private_key_usage_period_not_before",
        "published",
        "start",
        "start_time",
        "stop_time",
        "submitted",
        "valid_from",
        "valid_until",
        "validity_not_after",
        "validity_not_before",
    }
)
"""The properties of the type `timestamp` in STIX 2.1 §4 to §7."""
_FALSE_IS_ABSENT: Final = ("revoked", "defanged", "summary")
"""Properties whose default is `false`."""


def normal(value: JsonObject) -> JsonObject:
    """Return an object in the spelling that does not change when a tool reads it and writes it again.

    A default that is spelled out is left out, the version of the pattern language and of STIX stand there, and
    times are in UTC with no more zeros than needed. `normal(normal(x))` is `normal(x)`.
    """
    kept = {
        name: _with_normal_times(name, inner)
        for name, inner in value.items()
        if not (name in _FALSE_IS_ABSENT and inner is False)
    }
    if kept.get("type") == "indicator" and kept.get("pattern_type") == "stix":
        kept.setdefault("pattern_version", "2.1")
    if "type" in kept:
        kept.setdefault("spec_version", "2.1")
    return kept


def _with_normal_times(name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {inner: _with_normal_times(inner, one) for inner, one in value.items()}
    if isinstance(value, list):
        return [_with_normal_times("", one) for one in value]
    if name in _TIMES and isinstance(value, str) and _TIME.match(value):
        try:
            at = parse_time(value)
        except ValueError:  # 31 February: not ours to mend
            return value
        seconds, _, fraction = at.strftime("%Y-%m-%dT%H:%M:%S.%f").partition(".")
        digits = fraction.rstrip("0")
        if name in _AT_LEAST_MILLISECONDS:
            digits = digits.ljust(3, "0")
        return f"{seconds.zfill(19)}.{digits}Z" if digits else f"{seconds.zfill(19)}Z"
    return value


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two objects differ."""

    pointer: str
    """JSON pointer (RFC 6901)."""
    original: JsonValue
    """None: absent, or null."""
    copy: JsonValue


@dataclass(frozen=True, slots=True)
class Comparison:
    """How an object that came relates to the originals that we hold under its id."""

    kind: Literal["unknown", "same", "respelled", "altered"]
    """`unknown`: nothing of this id and version is held. `respelled`: the same content, written by another tool."""
    differences: tuple[Difference, ...] = ()
    """In the order of the original's properties; at most 100."""

    @property
    def reason(self) -> Reason | None:
        """Why the copy is refused as what was signed; None where it is exactly that, or nothing is known."""
        return Reason.ALTERED if self.kind in {"respelled", "altered"} else None

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties that differ: `altered in transit: revoked, valid_from`."""
        names = (one.pointer.split("/")[1] for one in self.differences)
        return tuple(dict.fromkeys(name.replace("~1", "/").replace("~0", "~") for name in names))


def compare(copy: JsonObject, originals: Sequence[JsonObject]) -> Comparison:
    """Compare an object that came with those of the same id that we hold.

    Args:
        copy: as it came.
        originals: every version held of its id. Its own version counts: of several contents of one version the
            one that is nearest.
    """
    same_version = [held for held in originals if _version(held) == _version(copy)]
    if not same_version:
        return Comparison("unknown")
    found = [(held, tuple(_differences(held, copy, "", MAX_DIFFERENCES))) for held in same_version]
    original, differences = min(found, key=lambda one: len(one[1]))
    if not differences:
        return Comparison("same")
    is_same_content = codec.canonical(normal(original)) == codec.canonical(normal(copy))
    return Comparison("respelled" if is_same_content else "altered", differences)


def _version(value: JsonObject) -> JsonValue:
    stated = value.get("modified") or value.get("created") or ""
    return _with_normal_times("modified", stated)


def _differences(one: JsonValue, other: JsonValue, at: str, left: int) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            if left <= 0:
                return
            step = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in one or name not in other:
                yield Difference(step, one.get(name), other.get(name))
                left -= 1
            else:
                for found in _differences(one[name], other[name], step, left):
                    yield found
                    left -= 1
    elif type(one) is not type(other) or one != other:
        yield Difference(at, one, other)


# --- Versions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One content of an object, and whose word it is."""

    version: str
    """`modified`, letter for letter."""
    digest: bytes
    created_by: str
    """`created_by_ref`, or empty."""
    originator: str | None
    """The party (its STIX identity) whose verified origin statement names it; None: no statement does."""


def version_fault(came: Version, held: Sequence[Version], parties: frozenset[str]) -> Reason | None:
    """Return why a content is not taken for a version of the object that we hold, or None.

    An altered object has to get an id of its own, and only its creator makes new versions (STIX 2.1 §3.6.2).

    Args:
        came: what came.
        held: every version that we hold of its id.
        parties: the identities that are bound to key sets of parties known here.
    """
    if any(one.version == came.version and one.digest != came.digest for one in held):
        return Reason.SAME_ID
    if came.originator is not None and came.created_by in parties and came.created_by != came.originator:
        return Reason.NOT_CREATOR
    for one in held:
        if one.created_by != came.created_by:
            return Reason.NOT_CREATOR
        if one.originator is not None and one.originator != came.originator and one.digest != came.digest:
            return Reason.NOT_CREATOR
    return None
