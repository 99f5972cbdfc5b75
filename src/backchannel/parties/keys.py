"""The key pair of a party: Ed25519 (RFC 8032), the private half in one file that only its owner may read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backchannel.errors import SignatureError, StoreError
from backchannel.ids import sha256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLIC_KEY_BYTES = 32
MAX_KEY_FILE_BYTES = 4096
"""A private key in PEM is about 120 bytes: a larger file is something else."""


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
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  # 10 ms that few need
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    try:
        # O_EXCL: a key is never overwritten, and nobody can put a link of theirs in its place.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"the key cannot be written to {path}: {error.strerror}") from error
    return KeyPair(private, private.public_key().public_bytes_raw())


def read_key(path: Path) -> KeyPair:
    """Read the key pair that `make_key` wrote.

    Raises:
        SignatureError: the file is missing, or holds no Ed25519 private key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    hint = "Restore key.pem from your backup: a new key would make you a stranger to the parties you know."
    try:
        with path.open("rb") as file:
            pem = file.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise SignatureError(f"the key {path} cannot be read: {error.strerror}", hint=hint) from error
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise SignatureError(f"{path} holds no Ed25519 private key", hint=hint)
    return KeyPair(private, private.public_key().public_bytes_raw())
