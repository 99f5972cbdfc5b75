"""The private keys of a node, and how they lie on its disk.

The root key stays in its own file, `key.pem` (`keys.py`), so that it can be taken away and kept elsewhere; the keys
of every day are in `keys.json`. How either lies on the disk: `at_rest.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from backchannel.clock import format_time, parse_time
from backchannel.codec import decode_as, encode
from backchannel.errors import SignatureError
from backchannel.parties.at_rest import RESTORE, Seal, Unseal, keep_secret, read_secret
from backchannel.parties.kid import ALGS_OF_USE, Alg, Kid, Use, kid, shown_kid

KEYS_FILE = "keys.json"
SEED_BYTES = 32
"""Length of every private key here (bytes): RFC 8032 §5.1.5, RFC 7748 §5."""


@dataclass(frozen=True, slots=True, repr=False)
class SecretKey:
    """One private key with what it is for. Its text form shows the public name only."""

    use: Use
    alg: Alg
    secret: bytes
    """32 bytes."""
    since: datetime
    until: datetime | None = None
    """When another took its place; what was encrypted to it is still opened with it."""

    def __repr__(self) -> str:
        return f"<{self.use} key {shown_kid(self.kid)}>"

    @property
    def public(self) -> bytes:
        """The public half (32 bytes)."""
        if self.alg == Alg.X25519:
            from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415

            return X25519PrivateKey.from_private_bytes(self.secret).public_key().public_bytes_raw()
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

        return Ed25519PrivateKey.from_private_bytes(self.secret).public_key().public_bytes_raw()

    @property
    def kid(self) -> Kid:
        """Its name."""
        return kid(self.alg, self.public)

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature of `data` (64 bytes).

        Raises:
            SignatureError: it is a key that opens, not one that signs.
        """
        if self.alg != Alg.ED25519:
            raise SignatureError(f"{self!r} does not sign")
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

        return Ed25519PrivateKey.from_private_bytes(self.secret).sign(data)


DAILY_USES = (Use.SIGN, Use.AGE, Use.LOG, Use.COSIGN)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of every day: for each use the present one, and those that it replaced."""

    keys: tuple[SecretKey, ...]

    def present(self, use: Use) -> SecretKey:
        """Return the key that is in use now.

        Raises:
            SignatureError: there is none.
        """
        for key in self.keys:
            if key.use == use and key.until is None:
                return key
        raise SignatureError(f"this node has no key for the use {use!s}", hint=RESTORE)

    def openers(self) -> tuple[SecretKey, ...]:
        """Return every key that opens drops, the present one first."""
        opening = [key for key in self.keys if key.use == Use.AGE]
        return tuple(sorted(opening, key=lambda key: key.until is not None))


def new_key(use: Use, at: datetime, *, random: Callable[[int], bytes] = secrets.token_bytes) -> SecretKey:
    """Make a key for `use` that counts from `at`."""
    alg = Alg.X25519 if use == Use.AGE else Alg.ED25519
    return SecretKey(use, alg, random(SEED_BYTES), at)


def new_keyring(at: datetime, *, random: Callable[[int], bytes] = secrets.token_bytes) -> Keyring:
    """Make one key for each use of every day."""
    return Keyring(tuple(new_key(use, at, random=random) for use in DAILY_USES))


def rotated(
    keyring: Keyring,
    at: datetime,
    *,
    uses: Iterable[Use] = DAILY_USES,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> Keyring:
    """Put new keys in the place of those in use at `at`.

    Of the old ones only those that open drops are kept: a signing key that is gone cannot be stolen.
    """
    changed = tuple(dict.fromkeys(uses))
    kept: list[SecretKey] = []
    for key in keyring.keys:
        if key.use not in changed or key.until is not None:
            kept.append(key)
        elif key.use == Use.AGE:
            kept.append(replace(key, until=at))
    return Keyring((*(new_key(use, at, random=random) for use in changed), *kept))


def with_openers(keyring: Keyring, other: Keyring | None, at: datetime) -> Keyring:
    """Return a keyring that opens what `other` opens too; the keys of `other` are out of use from `at`."""
    known = {key.kid for key in keyring.keys}
    more = [
        replace(key, until=key.until or at)
        for key in (other.openers() if other is not None else ())
        if key.kid not in known
    ]
    return Keyring((*keyring.keys, *more))


class _KeptKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    use: Use
    alg: Alg
    secret: bytes
    since: str
    until: str | None = None


class _KeptKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    keys: list[_KeptKey]


def keyring_bytes(keyring: Keyring) -> bytes:
    """Return the content of `keys.json`. It is a secret."""
    kept = [
        _KeptKey(
            key.use,
            key.alg,
            key.secret,
            format_time(key.since),
            format_time(key.until) if key.until else None,
        )
        for key in keyring.keys
    ]
    return encode(_KeptKeys(1, kept)) + b"\n"


def keyring_of(data: bytes) -> Keyring:
    """Read the content of `keys.json`. The error shows nothing of it.

    Raises:
        SignatureError: it is damaged, or of another version.
    """
    try:
        kept = decode_as(data, _KeptKeys)
        keys = tuple(_checked(one) for one in kept.keys)
    except ValueError:
        raise SignatureError("the file of keys is damaged", hint=RESTORE) from None
    if kept.v != 1:
        raise SignatureError(
            f"the file of keys is of version {kept.v}, and this program reads version 1",
            hint="Use the program that wrote it, or a newer one.",
        )
    return Keyring(keys)


def _checked(kept: _KeptKey) -> SecretKey:
    if len(kept.secret) != SEED_BYTES or kept.alg not in ALGS_OF_USE[kept.use]:
        raise ValueError("not a key")
    until = parse_time(kept.until) if kept.until else None
    return SecretKey(kept.use, kept.alg, kept.secret, parse_time(kept.since), until)


def write_keyring(home: Path, keyring: Keyring, *, seal: Seal | None = None) -> None:
    """Keep a keyring in `home`, encrypted where `seal` is given.

    Raises:
        StoreError: it cannot be written.
    """
    keep_secret(home / KEYS_FILE, keyring_bytes(keyring), seal=seal)


def read_keyring(home: Path, *, unseal: Unseal | None = None) -> Keyring | None:
    """Read the keyring of `home`; None where there is none, as in a node made before there were any.

    Raises:
        SignatureError: it is damaged, or needs a passphrase.
        StoreError: it cannot be read.
    """
    data = read_secret(home / KEYS_FILE, unseal=unseal)
    return keyring_of(data) if data is not None else None
