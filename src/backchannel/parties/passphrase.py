"""Encrypt something small under a passphrase, as an age file (C2SP age, "The scrypt recipient type").

Written here and not by pyrage, because that chooses the work factor by the speed of the machine that writes:
what a fast one wrote would be beyond the limit of every reader. Files are opened by pyrage, like any other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Final

WORK_FACTOR: Final = 18
"""scrypt with N = 2^18, r = 8, p = 1: 256 MiB and about a second."""

_CHUNK_BYTES: Final = 64 * 1024
_FILE_KEY_BYTES: Final = 16
_MAX_SCRYPT_BYTES: Final = 320 * 2**20


def encrypt_with_passphrase(
    data: bytes,
    passphrase: str,
    *,
    work_factor: int = WORK_FACTOR,
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Return `data` as an age file under `passphrase`.

    Args:
        data: what is encrypted, in memory.
        passphrase: in UTF-8, as it is.
        work_factor: the power of two that scrypt works; other than 18 only in tests.
        random: gives so many random bytes.
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415  # 10 ms that few need

    file_key, salt, nonce = random(_FILE_KEY_BYTES), random(16), random(16)
    wrap = hashlib.scrypt(
        passphrase.encode(),
        salt=b"age-encryption.org/v1/scrypt" + salt,
        n=1 << work_factor,
        r=8,
        p=1,
        maxmem=_MAX_SCRYPT_BYTES,
        dklen=32,
    )
    body = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
    header = b"age-encryption.org/v1\n-> scrypt %s %d\n%s\n---" % (_base64(salt), work_factor, _base64(body))
    mac = hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")
    cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
    parts = [header, b" ", _base64(mac), b"\n", nonce]
    last = max(len(data) - 1, 0) // _CHUNK_BYTES
    for number in range(last + 1):
        counter = number.to_bytes(11, "big") + (b"\x01" if number == last else b"\x00")
        parts.append(cipher.encrypt(counter, data[number * _CHUNK_BYTES : (number + 1) * _CHUNK_BYTES], None))
    return b"".join(parts)


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(SHA256(), 32, salt, info).derive(key)
