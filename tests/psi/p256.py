"""The suite `p256` written anew from docs/formats/comparison.md, in plain numbers: slow, and by nobody else's code."""

from __future__ import annotations

import hashlib

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

Point = tuple[int, int]


def hash_to_curve(text: bytes) -> Point:
    x = _oracle(text)
    while True:
        square = (x**3 - 3 * x + B) % PRIME
        y = pow(square, (PRIME + 1) // 4, PRIME)
        if y * y % PRIME == square:
            return x, PRIME - y if y & 1 else y
        x = _oracle(x.to_bytes((x.bit_length() + 7) // 8, "big"))


def _oracle(text: bytes) -> int:
    wide = b"".join(hashlib.sha256(bytes([number]) + text).digest() for number in (1, 2))
    return int.from_bytes(wide, "big") % PRIME


def multiply(scalar: int, point: Point) -> Point:
    found: Point | None = None
    while scalar:
        if scalar & 1:
            found = _added(found, point)
        doubled = _added(point, point)
        assert doubled is not None
        point, scalar = doubled, scalar >> 1
    assert found is not None
    return found


def _added(one: Point | None, other: Point) -> Point | None:
    if one is None:
        return other
    if one[0] == other[0]:
        if (one[1] + other[1]) % PRIME == 0:
            return None
        slope = (3 * one[0] ** 2 - 3) * pow(2 * one[1], -1, PRIME)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, PRIME)
    x = (slope * slope - one[0] - other[0]) % PRIME
    return x, (slope * (one[0] - x) - one[1]) % PRIME


def encode(point: Point) -> bytes:
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")


def decode(element: bytes) -> Point:
    x = int.from_bytes(element[1:], "big")
    y = pow((x**3 - 3 * x + B) % PRIME, (PRIME + 1) // 4, PRIME)
    return x, y if y & 1 == element[0] & 1 else PRIME - y


def blind(key: int, one: bytes) -> bytes:
    """The element of an input (32 bytes)."""
    return encode(multiply(key, hash_to_curve(one.hex().encode())))


def blind_again(key: int, element: bytes) -> bytes:
    return encode(multiply(key, decode(element)))
