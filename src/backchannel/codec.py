"""JSON in and out: the one place, with `stix/objects`, that encodes and decodes.

Decoding is strict UTF-8. Encoding for people and machines keeps the order of the fields; canonical
encoding follows RFC 8785 (JCS), which is what digests and signatures are made over.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

import msgspec
import rfc8785

_T = TypeVar("_T")

JsonValue = dict[str, "JsonValue"] | list["JsonValue"] | str | int | float | bool | None
JsonObject = dict[str, Any]
"""A decoded JSON object. `Any` because what comes from outside has no type until it is checked."""

MAX_SAFE_INTEGER = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 8785 §3.2.2.3, RFC 7493 §2.2)."""

_PLAIN_DEPTH = 8
"""Most objects and lists inside each other in a plain value."""

_Shape = TypeVar("_Shape")
_MENTIONED = re.compile(r"(?<=value )'.*'", re.DOTALL)
"""What a message about a closed list quotes: content, which may be a secret that stands in the wrong place."""

_encoder = msgspec.json.Encoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()

_SafeInteger = Annotated[int, msgspec.Meta(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]


def _plain_object(depth: int) -> Any:
    """Return the type of objects at most so deep, without floats and large integers."""
    scalar: Any = str | bool | _SafeInteger | None
    plain: Any = scalar
    for _ in range(depth - 1):
        plain = scalar | list[plain] | dict[str, plain]
    return dict[str, plain]


_plain_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_plain_object(_PLAIN_DEPTH))

# JCS sorts keys by UTF-16 code units and writes numbers as ECMAScript does. A text without floats, without
# integers of 16 digits or more and without characters beyond U+FFFF is the same in both forms (both escape
# the same characters in the same way), so the fast encoder may write it. Each expression looks for one
# literal first: that is what makes them fast.
_NUMBER = re.compile(rb'":-?\d+(?:[.eE]|\d{15})')
_LIST_OF_NUMBERS = re.compile(rb"\[-?\d")
_NUMBER_IN_LIST = re.compile(rb',(?<=["}\]el],)-?\d')


def decode(data: bytes | str) -> Any:
    """Decode one JSON text (RFC 8259).

    Raises:
        ValueError: it is not JSON, not UTF-8, or too deeply nested.
    """
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decode_as(data: bytes, shape: type[_Shape]) -> _Shape:
    """Decode one JSON text into a value of `shape` (a `msgspec.Struct` or another type that it knows).

    The error names the field and what is wrong with it; it holds nothing of the content.

    Raises:
        ValueError: it is not JSON, not UTF-8, too deeply nested, or not of that shape.
    """
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.DecodeError as error:
        raise ValueError(_MENTIONED.sub("'…'", str(error))) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decode_plain(data: bytes) -> JsonObject | None:
    """Decode one JSON object, or return None where it is not plain or not one at all: ask `decode` then.

    A plain object is nested at most 8 deep and holds no number but integers that every reader keeps exactly.
    """
    try:
        plain: JsonObject = _plain_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return plain


def into(value: JsonValue, kind: type[_T]) -> _T:
    """Return decoded JSON as a value of `kind`.

    Raises:
        ValueError: it is not of that form; the message says where.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def encode(value: Any) -> bytes:
    """Encode `value` as compact JSON in UTF-8, keys in their own order."""
    return _encoder.encode(value)


def canonical(value: Any, *, is_plain: bool = False) -> bytes:
    """Encode `value` in canonical form (RFC 8785).

    Args:
        value: what is encoded.
        is_plain: whether it comes from `decode_plain`, so that its numbers need no care.

    Raises:
        ValueError: it holds a number that has no canonical form (an integer beyond 2^53, NaN).
    """
    fast = _sorted_encoder.encode(value)
    if not _keys_need_care(fast) and (is_plain or not _numbers_need_care(fast)):
        return fast
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from None


def _numbers_need_care(fast: bytes) -> bool:
    """Whether a number in `fast` might have another canonical form; in doubt, True."""
    return (
        fast[:1] not in b"{["
        or _NUMBER.search(fast) is not None
        or _LIST_OF_NUMBERS.search(fast) is not None
        or _NUMBER_IN_LIST.search(fast) is not None
    )


def _keys_need_care(fast: bytes) -> bool:
    """Whether keys in `fast` might have another canonical order; in doubt, True."""
    return not fast.isascii() and (
        b"\xf0" in fast or b"\xf1" in fast or b"\xf2" in fast or b"\xf3" in fast or b"\xf4" in fast
    )
