"""Recovery keys: with any k of them a party that lost its root key comes back. Each is a file of its own, kept apart.

A file is the private key (PKCS #8 in PEM) below a few lines for whoever finds it in a safe years later; under a
passphrase it is that text encrypted by age. What encrypts is handed in: this room knows keys, and not age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from backchannel.errors import SignatureError
from backchannel.parties.keyring import SecretKey
from backchannel.parties.keys import KeyPair, key_bytes, key_of, new_pair
from backchannel.parties.keyset import MAX_RECOVERY_KEYS, Recovery
from backchannel.parties.kid import Alg, Kid, Use

AGE_MAGIC = b"age-encryption.org/"
"""How a file begins that is encrypted (C2SP age.md)."""
MAX_FILE_BYTES = 16 * 1024
"""Largest file of a recovery key (bytes), encrypted: one is about 500."""


@dataclass(frozen=True, slots=True, repr=False)
class RecoveryFile:
    """One recovery key as it is written down. Its text form shows the file's name only."""

    name: str
    content: bytes
    """It is a secret."""
    public: bytes

    def __repr__(self) -> str:
        return f"<recovery key {self.name}>"


def make_recovery_keys(*, party: str, k: int, of: int, at: datetime) -> tuple[Recovery, list[RecoveryFile]]:
    """Make recovery keys, and say how they are listed in a key set.

    Raises:
        ValueError: `k` of `of` is no choice of at most 16 keys.
    """
    if not 0 < k <= of <= MAX_RECOVERY_KEYS:
        raise ValueError(
            f"{k} of {of} recovery keys: at most {MAX_RECOVERY_KEYS}, and no more than there are"
        )
    files = [_file(new_pair(), party, (number, k, of), at) for number in range(1, of + 1)]
    return Recovery(k, [one.public for one in files]), files


def recovery_keys(files: Mapping[str, bytes], wanted: Recovery, at: datetime) -> list[SecretKey]:
    """Return k of the recovery keys that are in `files`.

    Args:
        files: content by name, decrypted.
        wanted: as the party's newest key set lists them.
        at: now.

    Raises:
        SignatureError: a file holds no key, or there are not enough that are listed.
    """
    found: dict[Kid, SecretKey] = {}
    for name, content in files.items():
        pair = key_of(content[content.find(b"-----BEGIN") :], name)
        key = SecretKey(Use.ROOT, Alg.ED25519, pair.private.private_bytes_raw(), at)
        if key.kid in wanted.kids:
            found[key.kid] = key
    if len(found) < wanted.k:
        raise SignatureError(
            f"{wanted.k} of {len(wanted.keys)} recovery keys are needed, and {len(found)} of those given "
            f"{'is' if len(found) == 1 else 'are'} in our newest key set",
            hint="Bring more of them together; older ones that were replaced count no more.",
        )
    return list(found.values())[: wanted.k]


def _file(pair: KeyPair, party: str, numbers: Iterable[int], at: datetime) -> RecoveryFile:
    number, k, of = numbers
    head = (
        f"Recovery key {number} of {of} of {party}, made {at:%Y-%m-%d}.\n"
        f"Any {k} of the {of} make a new root key for the party: backchannel key recover FILE...\n"
        "It is a secret. Keep it apart from the others, and from the node.\n\n"
    )
    return RecoveryFile(f"recovery-{number}-of-{of}.pem", head.encode("utf-8") + key_bytes(pair), pair.public)
