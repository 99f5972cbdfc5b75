"""Refuse public keys under which anybody could sign or read, before one is ever trusted.

Some points of the curve are so weak that one signature under them fits every message, or that everybody
knows what is encrypted to them. Libraries take them; a party that hands one out could say of each statement
that anybody may have made it. A key made as the standards say is never refused here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from backchannel.parties.kid import PUBLIC_BYTES, Alg, kid, shown_kid
from backchannel.parties.refusals import KeyRefusedError, Refusal

# edwards25519 (RFC 8032 §5.1).
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)

MAX_KEYS_KNOWN: Final = 4_096
"""Keys whose weakness is not looked for again: the same ones stand in every key set and card that is read."""

_Point = tuple[int, int, int, int]
"""Extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, T = XY/Z (RFC 8032 §5.1.4)."""


def check_public(alg: str, public: bytes) -> None:
    """Refuse a public key that is not one, or a weak one.

    Raises:
        KeyRefusedError: `weak-key`, or `bad-form` for a wrong length or an algorithm not known here.
    """
    if alg not in PUBLIC_BYTES:
        raise KeyRefusedError(Refusal.BAD_FORM, f"no keys of the kind {alg[:20]!r} are known here")
    size = PUBLIC_BYTES[Alg(alg)]
    if len(public) != size:
        raise KeyRefusedError(
            Refusal.BAD_FORM, f"a public {alg} key is {size} bytes long, and this one {len(public)}"
        )
    if alg == Alg.ED25519:
        why = _weakness_of_ed25519(public)
    elif alg == Alg.X25519:
        why = _weakness_of_x25519(public)
    else:
        why = None  # every 1,312 bytes are a public key of ML-DSA-44 (FIPS 204 §7.2)
    if why is not None:
        raise KeyRefusedError(
            Refusal.WEAK_KEY,
            f"the {alg} key {shown_kid(kid(alg, public))} is weak: {why}",
            hint="Do not use it. Ask the party by phone who made this key.",
        )


@lru_cache(maxsize=MAX_KEYS_KNOWN)
def _weakness_of_ed25519(public: bytes) -> str | None:
    encoded = int.from_bytes(public, "little")
    sign, y = encoded >> 255, encoded & (2**255 - 1)
    if y >= _P:
        return "its number is not reduced, so that it has a second spelling"
    x = _x_of(y, sign)
    if x is None:
        return "it is no point of the curve, or is spelled with a sign that it cannot have"
    point = (x, y, 1, x * y % _P)
    if _is_identity(_times(8, point)):
        return "it has a small order: one signature would fit every message"
    if not _is_identity(_times(_L, point)):
        return "it has a part of small order, so that two programs could judge one signature differently"
    return None


def _x_of(y: int, sign: int) -> int | None:
    """Return the x that belongs to `y`, or None where there is none (RFC 8032 §5.1.3)."""
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P == -u % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    if v * x * x % _P != u:
        return None
    if x == 0:
        return None if sign else 0
    return _P - x if x & 1 != sign else x


def _times(factor: int, point: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    # The keys are public: how long it takes tells nothing that is secret.
    while factor:
        if factor & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        factor >>= 1
    return total


def _sum(one: _Point, other: _Point) -> _Point:
    """Add two points (RFC 8032 §5.1.4; complete, so that it serves for doubling as well)."""
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _is_identity(point: _Point) -> bool:
    x, y, z, _ = point
    return x == 0 and y == z


def _weakness_of_x25519(public: bytes) -> str | None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import (  # noqa: PLC0415  # 10 ms that few need
        X25519PrivateKey,
        X25519PublicKey,
    )

    if int.from_bytes(public, "little") >= _P:
        return "its number is not reduced, so that it has a second spelling"
    # Every private key is a multiple of 8: with a point of small order each of them gives 0 (RFC 7748 §6.1).
    probe = X25519PrivateKey.from_private_bytes(bytes(range(32)))
    try:
        shared = probe.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        shared = bytes(32)
    return "everybody knows what is agreed with it" if shared == bytes(32) else None
