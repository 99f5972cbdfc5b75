"""Make of the bytes of one object what travels through the house: header, bytes, value, digests."""

from __future__ import annotations

from typing import Final, NamedTuple

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.ids import StixId, sha256
from backchannel.stix import objects
from backchannel.stix.limits import CLAUSE_SAME, LimitError, check_values, may_repeat_keys
from backchannel.stix.raw import Header, RawObject
from backchannel.stix.visible import visible
from backchannel.stix.vocabulary import OBSERVABLES, ONLY_21, ONLY_21_PROPERTIES

VERSIONS: Final = ("2.0", "2.1")


class Decoded(NamedTuple):
    """One object, decoded."""

    value: JsonObject
    is_plain: bool
    """Whether it is as `codec.decode_plain` wants it: its depth and numbers need no second look."""


def decode_object(body: bytes) -> Decoded:
    """Decode the bytes of one object.

    Raises:
        LimitError: it is no JSON object, or holds what no two readers read alike, or far too much.
    """
    check_values(body)
    plain = codec.decode_plain(body)
    if plain is not None:
        return Decoded(plain, True)
    try:
        value = codec.decode(body)
    except ValueError as error:
        raise LimitError(f"the object cannot be read: {_why(str(error))}", CLAUSE_SAME) from None
    if not isinstance(value, dict):
        raise LimitError(
            "there is no object here but another JSON value: only STIX objects belong here", "STIX 2.1 §8"
        )
    return Decoded(value, False)


def _why(message: str) -> str:
    if "surrogate" in message or "truncated" in message:
        return "a text in it holds half a surrogate pair, which is no valid Unicode; send whole characters"
    if "out of range" in message:
        return "a number in it is too large; send it as text"
    return "it is nested too deeply; no STIX object needs that" if "deep" in message else message


def raw_object(body: bytes, value: JsonObject, spec_version: str, *, is_plain: bool = False) -> RawObject:
    """Return the object with its header and digests.

    Args:
        body: the bytes of the object, exactly as received.
        value: what they decode to; it has a type and an id, and keeps within `limits.check_bounds`.
        spec_version: "2.1" or "2.0" (`spec_version_of`).
        is_plain: whether it is plain (`Decoded`).

    Raises:
        LimitError: a key stands twice in one of its objects, or an integer is beyond 2^53.
    """
    try:
        canonical = codec.canonical(value, is_plain=is_plain)
    except ValueError:
        what = "an integer in the object is beyond 2^53: readers would see different numbers; send it as text"
        raise LimitError(what, "RFC 7493 §2.2, RFC 8785 §3.2.2.3") from None
    if may_repeat_keys(body, canonical):
        _check_keys(body)
    version = value.get("modified") or value.get("created")
    creator = value.get("created_by_ref")
    header = Header(
        value["type"],
        StixId(value["id"]),
        version if isinstance(version, str) else "",
        spec_version,
        value.get("revoked") is True,
        creator if isinstance(creator, str) else "",
    )
    return RawObject(header, body, value, sha256(canonical), sha256(body))


def _check_keys(body: bytes) -> None:
    try:
        objects.check_keys(body)
    except objects.RepeatedKeyError as error:
        shown = visible(error.key, max_chars=60)
        what = (
            f"the key `{shown}` stands twice: readers would see different objects; the producer must send one"
        )
        raise LimitError(what, CLAUSE_SAME) from None
    except (objects.NotJsonError, objects.UnscannableError):
        raise LimitError("the object cannot be read in one way only", CLAUSE_SAME) from None


def spec_version_of(value: JsonObject, bundle_version: str) -> str:
    """Return the version of STIX that an object is read as: "2.1" or "2.0".

    What it states counts first, then its form (observables stand alone in 2.1 only), then what its bundle
    states; an object of which nothing is known is 2.0 (STIX 2.1 §3.2: the implicit value).

    Args:
        value: the decoded object.
        bundle_version: `spec_version` of the bundle around it, "" if it states none.
    """
    stated = value.get("spec_version")
    if stated is not None:
        return "2.0" if stated == "2.0" else "2.1"
    if _type_of(value) in OBSERVABLES:
        return "2.1"
    if bundle_version in VERSIONS:
        return bundle_version
    return "2.1" if has_form_of_21(value) else "2.0"


def has_form_of_21(value: JsonObject) -> bool:
    """Whether an object is plainly of 2.1: it has a type or a property that 2.0 lacks."""
    stix_type = _type_of(value)
    if stix_type in ONLY_21 or (stix_type == "observed-data" and "object_refs" in value):
        return True
    return not ONLY_21_PROPERTIES.isdisjoint(value)


def _type_of(value: JsonObject) -> str:
    stix_type = value.get("type")
    return stix_type if isinstance(stix_type, str) else ""
