"""The limits of one object, and what else makes two readers see different objects in the same bytes.

A message that one reader takes for harmless and another for a block is how a hostile sender gets past a
check (RFC 7493, RFC 8785 §3.1): duplicate keys, integers that lose digits, text that is no Unicode.
"""

from __future__ import annotations

from typing import Final

from backchannel.codec import JsonObject, JsonValue

MAX_OBJECT_BYTES: Final = 10 * 2**20
"""Largest object taken (bytes): the size of a TAXII POST (DESIGN §10); real ones stay under 1 MiB."""
MAX_DEPTH: Final = 32
"""Most objects and lists inside each other: the deepest real STIX has 9."""

MAX_VALUES: Final = 1_000_000
"""Most values inside one object, by its commas and brackets: a short value takes twenty times the memory that it
has in bytes. Real objects stay under 10,000."""

CLAUSE_SIZE: Final = f"limit: object of {MAX_OBJECT_BYTES // 2**20} MiB"
CLAUSE_DEPTH: Final = f"limit: depth {MAX_DEPTH}"
CLAUSE_SAME: Final = "RFC 7493 §2.1-2.3 (I-JSON)"


class LimitError(ValueError):
    """An object is beyond a limit, or cannot be read in one way only."""

    def __init__(self, what: str, clause: str) -> None:
        super().__init__(what)
        self.what, self.clause = what, clause


def check_values(body: bytes, *, at_most: int = MAX_VALUES) -> None:
    """Check, before it is decoded, that an object does not hold a million values.

    Raises:
        LimitError: it does.
    """
    if len(body) > at_most and body.count(b",") + body.count(b"{") + body.count(b"[") > at_most:
        what = f"the object holds more than {at_most:,} values: no STIX object needs that"
        raise LimitError(what, f"limit: {at_most} values")


def check_bounds(value: JsonObject, body: bytes, *, is_plain: bool = False) -> None:
    """Check the size and depth of one object; a plain one (`codec.decode_plain`) is not deep.

    Raises:
        LimitError: it is too large or too deeply nested.
    """
    if len(body) > MAX_OBJECT_BYTES:
        raise LimitError(
            f"the object is {len(body):,} bytes long: split it, or send what it holds apart", CLAUSE_SIZE
        )
    if not is_plain:
        check_depth(value, body)


def check_depth(value: JsonValue, body: bytes) -> None:
    """Check the depth of one object, or of any other JSON value.

    Raises:
        LimitError: it is too deeply nested.
    """
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _is_deep(value):
        raise LimitError(
            f"the object is nested more than {MAX_DEPTH} deep: no STIX object needs that", CLAUSE_DEPTH
        )


def _is_deep(value: JsonValue) -> bool:
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (
                outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
            )
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def may_repeat_keys(body: bytes, canonical: bytes) -> bool:
    """Whether some object in `body` might hold a key twice: False is certain, True asks for a closer look.

    A key that stands twice is lost in `canonical`, and its quotation marks with it; only an escaped
    quotation mark could make up for them.
    """
    # One byte is found far faster than six.
    return body.count(b'"') != canonical.count(b'"') or (b"\\" in body and b"\\u0022" in body)
