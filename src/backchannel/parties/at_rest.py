"""Secrets on the node's disk: plain and for their owner's eyes only, or encrypted with a passphrase.

A plain file has mode 0600; an encrypted one stands under the same name with `.age` behind it. A file is written
beside the one it replaces and renamed, so that a kill leaves the old one or the new one.

What encrypts is handed in (`Seal`, `Unseal`): this room knows keys, and not age.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from backchannel.errors import SignatureError, StoreError

Seal = Callable[[bytes], bytes]
"""Encrypts with the operator's passphrase (age, scrypt work factor 18)."""
Unseal = Callable[[bytes], bytes]
"""Opens what `Seal` made, or raises a `SignatureError` that names neither passphrase nor content."""

SEALED_SUFFIX = ".age"
MAX_SECRET_BYTES = 64 * 1024
"""Largest file of keys (bytes): about 300 keys, of which a rotation a week makes six years."""

RESTORE = (
    "Restore the key files from your backup: a new key would make you a stranger to the parties you know."
)


def keep_secret(path: Path, data: bytes, *, seal: Seal | None = None) -> None:
    """Write a secret to `path`, or encrypted to `path` with `.age` behind it; the other one is taken away.

    Raises:
        StoreError: it cannot be written.
    """
    sealed = path.with_name(path.name + SEALED_SUFFIX)
    target, other = (path, sealed) if seal is None else (sealed, path)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    content = data if seal is None else seal(data)
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        _settle(target.parent)
        other.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"the keys cannot be written to {target}: {error.strerror}") from error


def read_secret(path: Path, *, unseal: Unseal | None = None) -> bytes | None:
    """Read what `keep_secret` wrote, or None where there is nothing.

    Where a kill between two steps left a plain and an encrypted file, the plain one, which is whole, is read.

    Raises:
        SignatureError: it is encrypted and no passphrase was given, or is larger than any.
        StoreError: it cannot be read.
    """
    sealed = path.with_name(path.name + SEALED_SUFFIX)
    found = next((one for one in (path, sealed) if one.exists()), None)
    if found is None:
        return None
    try:
        with found.open("rb") as file:
            data = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise StoreError(f"the keys {found} cannot be read: {error.strerror}", hint=RESTORE) from error
    if len(data) > MAX_SECRET_BYTES:
        raise SignatureError(f"{found} is larger than a file of keys is", hint=RESTORE)
    if found == path:
        return data
    if unseal is None:
        raise SignatureError(
            f"the keys {found} are kept under a passphrase",
            hint="Give it when asked, or name a file that holds it with --passphrase-file.",
        )
    return unseal(data)


def is_kept(path: Path) -> bool:
    """Whether a secret lies at `path`, plain or encrypted."""
    return path.exists() or path.with_name(path.name + SEALED_SUFFIX).exists()


def put_in_place(source: Path, target: Path) -> None:
    """Let the secret kept at `source` take the place of the one at `target`, plain or encrypted as it is.

    Raises:
        StoreError: it cannot be written.
    """
    plain, sealed = ((path, path.with_name(path.name + SEALED_SUFFIX)) for path in (source, target))
    is_plain = source.exists()
    old, new, other = (plain[0], sealed[0], sealed[1]) if is_plain else (plain[1], sealed[1], sealed[0])
    try:
        # The other form first: were it there beside the new one, it could be read for it. A kill in between leaves
        # the source, which is put in place the next time.
        other.unlink(missing_ok=True)
        old.replace(new)
        _settle(target.parent)
    except OSError as error:
        raise StoreError(f"the keys cannot be written to {target}: {error.strerror}") from error


def forget_secret(path: Path) -> None:
    """Take a secret away that was never used."""
    for one in (path, path.with_name(path.name + SEALED_SUFFIX)):
        one.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Make sure that a rename outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
