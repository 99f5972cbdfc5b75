"""Encrypt something small under a passphrase, as an age file (C2SP age, "The scrypt recipient type").

Written here and not by pyrage, because that chooses the work factor by the speed of the machine that writes:
what a fast one wrote would be beyond the limit of every reader. Drops are opened by pyrage, like any other; the keys
of a node are opened here (`unseal_with`), and only what is written here: one scrypt stanza, of a bounded work factor.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Callable
from typing import Final

from backchannel.errors import SignatureError, UsageError
from backchannel.parties.at_rest import Seal, Unseal

WORK_FACTOR: Final = 18
"""scrypt with N = 2^18, r = 8, p = 1: 256 MiB and about a second."""

MAX_WORK_FACTOR: Final = 18
MIN_PASSPHRASE_CHARS: Final = 12
"""Three or four words."""
MAX_PASSPHRASE_CHARS: Final = 1000
MAX_SEALED_BYTES: Final = 32 * 2**20

_CHUNK_BYTES: Final = 64 * 1024
_TAG_BYTES: Final = 16
_NONCE_BYTES: Final = 16
_FILE_KEY_BYTES: Final = 16
_MAX_SCRYPT_BYTES: Final = 320 * 2**20
_HEADER: Final = re.compile(
    rb"(age-encryption\.org/v1\n-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n---) ([A-Za-z0-9+/]{43})\n"
)
_HINT: Final = "Give the passphrase again, or take the file from your backup."


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
    wrap = _wrapping(passphrase, salt, work_factor)
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


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is too short to keep keys under.

    Raises:
        UsageError: it is too short, or longer than any.
    """
    if not MIN_PASSPHRASE_CHARS <= len(passphrase) <= MAX_PASSPHRASE_CHARS:
        raise UsageError(
            f"a passphrase has {MIN_PASSPHRASE_CHARS} to {MAX_PASSPHRASE_CHARS:,} characters",
            hint="Take four words that have nothing to do with each other.",
        )


def seal_with(passphrase: str, *, work_factor: int = WORK_FACTOR) -> Seal:
    """Return what encrypts with `passphrase`."""
    return lambda data: encrypt_with_passphrase(data, passphrase, work_factor=work_factor)


def unseal_with(passphrase: str) -> Unseal:
    """Return what opens a file that `seal_with` made with the same passphrase.

    It raises a SignatureError, which shows neither passphrase nor content: the passphrase is wrong, or the file is
    none of ours, or damaged.
    """

    def unseal(data: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        found = _HEADER.match(data[:400])
        if found is None or len(data) > MAX_SEALED_BYTES:
            raise SignatureError(
                "the file is not one that is kept under a passphrase here, or it is damaged", hint=_HINT
            )
        if int(found[3]) > MAX_WORK_FACTOR:
            raise SignatureError(
                f"the file asks for a work factor of {int(found[3])}; at most {MAX_WORK_FACTOR} is taken",
                hint=_HINT,
            )
        try:
            return _opened(passphrase, found, data[found.end() :])
        except (InvalidTag, ValueError):
            raise SignatureError("the passphrase is wrong, or the file is damaged", hint=_HINT) from None

    return unseal


def _opened(passphrase: str, header: re.Match[bytes], rest: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    signed, salt, factor, body, mac = header.groups()
    wrap = _wrapping(passphrase, _unbase64(salt), int(factor))
    file_key = ChaCha20Poly1305(wrap).decrypt(bytes(12), _unbase64(body), None)
    if not hmac.compare_digest(
        hmac.digest(_derived(file_key, b"", b"header"), signed, "sha256"), _unbase64(mac)
    ):
        raise ValueError("another header")
    cipher = ChaCha20Poly1305(_derived(file_key, rest[:_NONCE_BYTES], b"payload"))
    step = _CHUNK_BYTES + _TAG_BYTES
    chunks = [rest[at : at + step] for at in range(_NONCE_BYTES, len(rest), step)]
    if not chunks or (len(chunks) > 1 and len(chunks[-1]) == _TAG_BYTES):
        raise ValueError("no last chunk, or an empty one")
    last = len(chunks) - 1
    return b"".join(
        cipher.decrypt(number.to_bytes(11, "big") + (b"\x01" if number == last else b"\x00"), chunk, None)
        for number, chunk in enumerate(chunks)
    )


def _wrapping(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(),
        salt=b"age-encryption.org/v1/scrypt" + salt,
        n=1 << work_factor,
        r=8,
        p=1,
        maxmem=_MAX_SCRYPT_BYTES,
        dklen=32,
    )


def _unbase64(text: bytes) -> bytes:
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not base64") from None
    if _base64(data) != text:
        raise ValueError("not in its one spelling")
    return data


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(SHA256(), 32, salt, info).derive(key)
