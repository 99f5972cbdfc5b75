"""Read JSON that is signed, or that decides about signatures: one meaning, or a refusal that says why.

A message that one reader takes for harmless and another for a permit is an attack. So what is signed has one
spelling (RFC 8785), and nothing is read that two readers could see differently (RFC 7493): a key that stands
twice, a number that loses digits, text that is no Unicode.
"""

from __future__ import annotations

from typing import Final

from backchannel import codec
from backchannel.codec import JsonObject, JsonValue
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.stix.limits import MAX_DEPTH, LimitError, check_depth
from backchannel.stix.objects import NotJsonError, RepeatedKeyError, UnscannableError, check_keys

MAX_SHOWN_CHARS: Final = 60


def read(data: bytes, *, max_bytes: int) -> JsonValue:
    """Read one JSON text, in whatever spelling, that has one meaning only.

    Args:
        data: the text: UTF-8 without a byte order mark.
        max_bytes: its size at most.

    Raises:
        Rejected: `TOO_LARGE`, `NOT_JSON`, `DUPLICATE_KEY`, `TOO_DEEP` (more than 32), `BAD_NUMBER` (beyond
            2^53 or the range of a double), `BAD_TEXT`.
    """
    value, canonical = _decode(data, max_bytes)
    if canonical != data:
        _refuse_repeated_keys(data)
    return value


def read_canonical(data: bytes, *, max_bytes: int) -> JsonObject:
    """Read one JSON object that is in canonical form.

    Raises:
        Rejected: as `read` does; `BAD_FORM`, it is not an object; `NOT_CANONICAL`.
    """
    value, canonical = _decode(data, max_bytes)
    if canonical != data:
        _refuse_repeated_keys(data)
        raise Rejected(Reason.NOT_CANONICAL, f"they differ from byte {_first_difference(data, canonical)}")
    if not isinstance(value, dict):
        raise Rejected(Reason.BAD_FORM, "it is not a JSON object")
    return value


def _decode(data: bytes, max_bytes: int) -> tuple[JsonValue, bytes]:
    """Return the value, and its canonical form: in that there is no repeated key left."""
    if len(data) > max_bytes:
        raise Rejected(Reason.TOO_LARGE, f"{len(data):,} bytes; at most {max_bytes:,} are taken")
    try:
        value: JsonValue = codec.decode(data)
    except ValueError as error:
        raise _why_not(data, str(error)) from None
    try:
        check_depth(value, data)
    except LimitError:
        raise Rejected(Reason.TOO_DEEP, f"more than {MAX_DEPTH} levels") from None
    try:
        return value, codec.canonical(value)
    except ValueError as error:
        raise Rejected(Reason.BAD_NUMBER, str(error)[:MAX_SHOWN_CHARS]) from None


def _why_not(data: bytes, complaint: str) -> Rejected:
    """Say why a text that cannot be decoded cannot."""
    try:
        check_keys(data)
    except NotJsonError as error:
        return Rejected(Reason.NOT_JSON, f"{error.what}, at {error.at}")
    except UnscannableError:
        return Rejected(Reason.TOO_DEEP, f"more than {MAX_DEPTH} levels")
    except RepeatedKeyError as error:
        return Rejected(Reason.DUPLICATE_KEY, repr(error.key[:MAX_SHOWN_CHARS]))
    if "out of range" in complaint:
        return Rejected(Reason.BAD_NUMBER, "a number is beyond what a double holds")
    return Rejected(Reason.BAD_TEXT)


def _refuse_repeated_keys(data: bytes) -> None:
    try:
        check_keys(data)
    except RepeatedKeyError as error:
        raise Rejected(Reason.DUPLICATE_KEY, repr(error.key[:MAX_SHOWN_CHARS])) from None
    except NotJsonError as error:
        raise Rejected(Reason.NOT_JSON, f"{error.what}, at {error.at}") from None


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
