"""JSON in and out: the one place, with `stix/objects`, that encodes and decodes.

Decoding is strict UTF-8. Encoding for people and machines keeps the order of the fields; canonical
encoding follows RFC 8785 (JCS), which is what digests and signatures are made over.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import rfc8785

JsonValue = dict[str, "JsonValue"] | list["JsonValue"] | str | int | float | bool | None
JsonObject = dict[str, Any]
"""A decoded JSON object. `Any` because what comes from outside has no type until it is checked."""

MAX_SAFE_INTEGER = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 8785 §3.2.2.3, RFC 7493 §2.2)."""

_encoder = msgspec.json.Encoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()

# JCS sorts keys by UTF-16 code units and writes numbers as ECMAScript does. A text without floats, without
# integers of 16 digits or more and without characters beyond U+FFFF is the same in both forms, so the fast
# encoder may write it. Each expression looks for one literal first: that is what makes them fast.
_NUMBER = re.compile(rb'":-?\d+(?:[.eE]|\d{15})')
_LIST_OF_NUMBERS = re.compile(rb"\[-?\d")
_NUMBER_IN_LIST = re.compile(rb',(?<=["}\]el],)-?\d')
_BEYOND_FFFF = re.compile(rb"[\xf0-\xf4]")


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


def encode(value: Any) -> bytes:
    """Encode `value` as compact JSON in UTF-8, keys in their own order."""
    return _encoder.encode(value)


def canonical(value: Any) -> bytes:
    """Encode `value` in canonical form (RFC 8785).

    Raises:
        ValueError: it holds a number that has no canonical form (an integer beyond 2^53, NaN).
    """
    fast = _sorted_encoder.encode(value)
    if not _needs_care(fast):
        return fast
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from None


def _needs_care(fast: bytes) -> bool:
    """Whether the canonical form of `fast` might differ from it; in doubt, True."""
    return (
        fast[:1] not in b"{["
        or _NUMBER.search(fast) is not None
        or _LIST_OF_NUMBERS.search(fast) is not None
        or _NUMBER_IN_LIST.search(fast) is not None
        or (b"\\" in fast and b"\\u" in fast)
        or (not fast.isascii() and _BEYOND_FFFF.search(fast) is not None)
    )
