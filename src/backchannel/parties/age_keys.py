"""The spelling of X25519 keys that age has (C2SP age.md): Bech32 (BIP-173) under `age` and `AGE-SECRET-KEY-`.

Only the spelling: what is encrypted to a recipient, or opened by an identity, is the business of drops.
"""

from __future__ import annotations

from collections.abc import Iterable

from backchannel.parties.refusals import KeyRefusedError, Refusal

_RECIPIENT = "age"
_IDENTITY = "age-secret-key-"
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_CHARS = 6
_KEY_BYTES = 32


def to_recipient(public: bytes) -> str:
    """Return how age spells a public X25519 key (32 bytes): `age1...`."""
    return _bech32(_RECIPIENT, public)


def to_identity(private: bytes) -> str:
    """Return how age spells a private X25519 key (32 bytes): `AGE-SECRET-KEY-1...`. It is a secret."""
    return _bech32(_IDENTITY, private).upper()


def from_recipient(text: str) -> bytes:
    """Return the public X25519 key (32 bytes) of an age recipient.

    Raises:
        KeyRefusedError: `bad-form`.
    """
    key = _key(_RECIPIENT, text) if text == text.lower() else None
    if key is None:
        raise KeyRefusedError(
            Refusal.BAD_FORM,
            "this is no age recipient: it begins with age1 and has 62 characters, the last six of which check it",
            hint="Copy it again, whole.",
        )
    return key


def from_identity(text: str) -> bytes:
    """Return the private X25519 key (32 bytes) of an age identity. The error shows nothing of it.

    Raises:
        KeyRefusedError: `bad-form`.
    """
    key = _key(_IDENTITY, text.lower()) if text == text.upper() else None
    if key is None:
        raise KeyRefusedError(Refusal.BAD_FORM, "this is no age identity", hint="Copy it again, whole.")
    return key


def _bech32(prefix: str, data: bytes) -> str:
    fives = _regrouped(data, 8, 5, padded=True) or []
    check = _remainder([*_expanded(prefix), *fives, *[0] * _CHECKSUM_CHARS]) ^ 1
    fives += [check >> 5 * (5 - i) & 31 for i in range(_CHECKSUM_CHARS)]
    return f"{prefix}1" + "".join(_ALPHABET[five] for five in fives)


def _key(prefix: str, text: str) -> bytes | None:
    fives = [_ALPHABET.find(char) for char in text.removeprefix(f"{prefix}1")]
    if not text.startswith(f"{prefix}1") or -1 in fives or len(fives) < _CHECKSUM_CHARS:
        return None
    if _remainder([*_expanded(prefix), *fives]) != 1:
        return None
    eights = _regrouped(fives[:-_CHECKSUM_CHARS], 5, 8, padded=False)
    return bytes(eights) if eights is not None and len(eights) == _KEY_BYTES else None


def _regrouped(values: Iterable[int], width: int, wanted: int, *, padded: bool) -> list[int] | None:
    """Cut a row of bits anew; None where bits are left over that are not 0."""
    held = bits = 0
    groups = []
    for value in values:
        held, bits = held << width | value, bits + width
        while bits >= wanted:
            bits -= wanted
            groups.append(held >> bits)
            held &= (1 << bits) - 1
    if padded and bits:
        groups.append(held << wanted - bits)
    elif bits >= width or held:
        return None
    return groups


def _expanded(prefix: str) -> list[int]:
    return [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]


def _remainder(values: Iterable[int]) -> int:
    """The checksum of BIP-173."""
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, term in enumerate(_GENERATOR):
            check ^= term if top >> i & 1 else 0
    return check
