"""A backup of a node's keys: one file, encrypted with a passphrase, that brings them all back.

Inside the encryption (age with a passphrase; what encrypts is handed in) it is JSON:

    {"v":1,"party":"identity--…","name":"…","made_at":"…Z","root":"<PEM, base64>"|null,"keys":"<keys.json, base64>",
     "keysets":[{"at":"…Z","change":"first","body":"<canonical JSON of a key set that was said, base64>",
                 "statement":"<its signed envelope, base64>"|null}, …]}

It holds every secret of the node's identity and nothing of its intelligence. Whoever has the file and the
passphrase is the party.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backchannel.codec import decode_as, encode
from backchannel.errors import SignatureError
from backchannel.ids import PartyId
from backchannel.parties.keyring import Keyring, keyring_bytes, keyring_of
from backchannel.parties.keys import KeyPair, key_bytes, key_of
from backchannel.parties.keyset import Change, KeySet, read_keyset

MAX_KEYSETS = 100
MAX_BACKUP_BYTES = 24 * 2**20
"""Largest backup (bytes, decrypted)."""


class SaidKeySet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key set of ours, with the statement that said it: without that nobody else could follow to the next one."""

    at: str
    change: Change
    body: bytes
    statement: bytes | None


class Backup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds. It is a secret."""

    v: int
    party: PartyId
    name: str
    made_at: str
    root: bytes | None
    """None: the root key was kept away from the node."""
    keys: bytes
    keysets: list[SaidKeySet]

    def __repr__(self) -> str:
        return f"<backup of the keys of {self.name!r}, {self.made_at}>"

    @property
    def root_key(self) -> KeyPair | None:
        """The root key, if it is inside."""
        return key_of(self.root, "the root key in the backup") if self.root is not None else None

    @property
    def keyring(self) -> Keyring:
        """The keys of every day."""
        return keyring_of(self.keys)

    @property
    def said(self) -> tuple[KeySet, ...]:
        """The key sets that were said, oldest first."""
        return tuple(read_keyset(one.body) for one in self.keysets)


def make_backup(
    *,
    party: PartyId,
    name: str,
    at: str,
    root: KeyPair | None,
    keyring: Keyring,
    keysets: Sequence[SaidKeySet],
) -> bytes:
    """Return the content of a backup, to be encrypted before it is written anywhere."""
    whole = Backup(
        1,
        party,
        name,
        at,
        key_bytes(root) if root is not None else None,
        keyring_bytes(keyring),
        list(keysets[-MAX_KEYSETS:]),
    )
    return encode(whole)


def read_backup(data: bytes) -> Backup:
    """Read the content of a backup and check every key in it. The error shows nothing of it.

    Raises:
        SignatureError: it is damaged, or of another version.
    """
    hint = "Take another backup, if there is one."
    if len(data) > MAX_BACKUP_BYTES:
        raise SignatureError("this is no backup of keys: it is too large", hint=hint)
    try:
        backup = decode_as(data, Backup)
    except ValueError:
        raise SignatureError("this is no backup of keys, or it is damaged", hint=hint) from None
    if backup.v != 1:
        raise SignatureError(
            f"the backup is of version {backup.v}, and this program reads version 1", hint=hint
        )
    _ = backup.root_key, backup.keyring, backup.said
    return backup
