"""The root key of a party: Ed25519 (RFC 8032), the private half in one file that only its owner may read.

It signs contact cards, key sets and revocations, and nothing else; so its file may be kept away from the node.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backchannel.errors import SignatureError, StoreError
from backchannel.ids import sha256
from backchannel.parties.at_rest import Seal, Unseal, keep_secret, read_secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLIC_KEY_BYTES = 32
MAX_KEY_FILE_BYTES = 4096
"""A private key in PEM is about 120 bytes: a larger file is something else."""

_KEY_RESTORE = (
    "Restore key.pem from your backup: a new key would make you a stranger to the parties you know."
)


@dataclass(frozen=True, slots=True, repr=False)
class KeyPair:
    """A party's own keys. Its text form never shows the private one."""

    private: Ed25519PrivateKey
    public: bytes
    """32 bytes (RFC 8032 §5.1.5)."""


def fingerprint(public: bytes) -> str:
    """Return the SHA-256 of a public key, in hexadecimal."""
    return sha256(public).hex()


def make_key(path: Path) -> KeyPair:
    """Make a new key pair and write its private half to `path` (PKCS #8 in PEM, mode 0600).

    Raises:
        StoreError: `path` is there already, or cannot be written.
    """
    keys = new_pair()
    pem = key_bytes(keys)
    try:
        # O_EXCL: a key is never overwritten, and nobody can put a link of theirs in its place.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"the key cannot be written to {path}: {error.strerror}") from error
    return keys


def new_pair() -> KeyPair:
    """Make a new key pair, kept nowhere yet."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415  # 10 ms that few need
        Ed25519PrivateKey,
    )

    private = Ed25519PrivateKey.generate()
    return KeyPair(private, private.public_key().public_bytes_raw())


def read_key(path: Path, *, unseal: Unseal | None = None) -> KeyPair:
    """Read the key pair that `make_key` wrote, plain or encrypted.

    Raises:
        SignatureError: the file is missing, needs a passphrase, or holds no Ed25519 private key.
        StoreError: the file cannot be read.
    """
    pem = read_secret(path, unseal=unseal)
    if pem is None:
        raise SignatureError(f"the key {path} cannot be read: there is no such file", hint=_KEY_RESTORE)
    return key_of(pem, path.name)


def key_of(pem: bytes, name: str) -> KeyPair:
    """Read a key pair from the content of its file, which is called `name`. The error shows nothing of it.

    Raises:
        SignatureError: it holds no Ed25519 private key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        private = load_pem_private_key(pem, password=None) if len(pem) <= MAX_KEY_FILE_BYTES else None
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise SignatureError(f"{name} holds no Ed25519 private key", hint=_KEY_RESTORE)
    return KeyPair(private, private.public_key().public_bytes_raw())


def key_bytes(keys: KeyPair) -> bytes:
    """Return the content of a key's file: PKCS #8 in PEM. It is a secret."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415

    return keys.private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())


def keep_key(path: Path, keys: KeyPair, *, seal: Seal | None) -> None:
    """Keep a key pair at `path` encrypted, or plain again where `seal` is None.

    Raises:
        StoreError: it cannot be written.
    """
    keep_secret(path, key_bytes(keys), seal=seal)
