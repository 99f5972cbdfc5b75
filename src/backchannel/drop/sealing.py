"""Encrypt and open files in the age format (C2SP age): the one place that calls pyrage.

Whoever can read a file may not be the one who wrote it: age says nothing of its sender. The signed manifest
inside does. What is opened is released before its end was reached, so it goes into a private file and
nowhere else until all of it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

import pyrage

from backchannel.drop import limits
from backchannel.errors import InputError, UsageError
from backchannel.provenance.reasons import Reason, Rejected

STEP_BYTES: Final = limits.MIB


class Readable(Protocol):
    """What can be read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most `size`; empty at the end."""
        ...


class Writable(Protocol):
    """What can be written to."""

    def write(self, data: bytes, /) -> int:
        """Write all of `data`; return its length."""
        ...

    def flush(self) -> None:
        """Hand on what is held back."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What opens a drop. Its text form shows nothing of it."""

    identities: tuple[str, ...] = ()
    """age identities: `AGE-SECRET-KEY-1...`."""
    passphrase: str | None = None


def new_identity() -> tuple[str, str]:
    """Return a new age identity (a secret), and the recipient that belongs to it."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def to_recipient(identity: str) -> str:
    """Return the recipient (`age1...`) that belongs to an identity.

    Raises:
        InputError: it is no age identity. The error shows nothing of it.
    """
    try:
        return str(pyrage.x25519.Identity.from_str(identity).to_public())
    except pyrage.IdentityError:
        raise InputError("a key is no age identity", hint="Copy it again, whole.") from None


def check_recipients(recipients: Sequence[str]) -> None:
    """See that a drop can be encrypted to `recipients`.

    Raises:
        UsageError: there are none or more than 32, one stands twice, or one is no age recipient.
    """
    if not 0 < len(recipients) <= limits.MAX_STANZAS:
        raise UsageError(
            f"a drop is for 1 to {limits.MAX_STANZAS} recipients, and {len(recipients)} are named",
            hint="Make a drop for each group of them.",
        )
    if len(set(recipients)) < len(recipients):
        raise UsageError("a recipient is named twice", hint="Name each once.")
    _parsed(recipients)


def _parsed(recipients: Sequence[str]) -> list[object]:
    try:
        return [pyrage.x25519.Recipient.from_str(one) for one in recipients]
    except pyrage.RecipientError:
        raise UsageError(
            "one of the recipients is no age recipient (age1...)",
            hint="Ask the party for its newest contact card.",
        ) from None


def encrypt(source: Readable, target: BinaryIO, recipients: Sequence[str]) -> None:
    """Encrypt what `source` holds to `recipients` (`age1...`), as a stream.

    Raises:
        UsageError: as `check_recipients`.
        InputError: it cannot be written.
    """
    check_recipients(recipients)
    watched = _Watched(source)
    try:
        pyrage.encrypt_io(watched, target, _parsed(recipients))
    except (pyrage.EncryptError, OSError) as error:
        if watched.problem is not None:
            raise watched.problem from None
        raise InputError(
            f"the drop cannot be written: {error}", hint="See that there is room on the disk."
        ) from None


def decrypt(source: Readable, target: Writable, keys: Keys, *, is_passphrase: bool) -> None:
    """Open what `source` holds into `target`, a private file, as a stream.

    The guard must have passed it. What stands in `target` after an error is to be thrown away.

    Args:
        source: an age file without armour.
        target: where it goes.
        keys: what opens it.
        is_passphrase: whether it is under a passphrase (`guard.Head`); it is then opened in memory.

    Raises:
        Rejected: `NOT_FOR_US`, `DAMAGED`, or whatever reading `source` raised.
    """
    watched = _Watched(source)
    try:
        if is_passphrase:
            target.write(_under_passphrase(watched, keys.passphrase or ""))
            return
        identities = [pyrage.x25519.Identity.from_str(one) for one in keys.identities]
        if not identities:
            raise Rejected(Reason.NOT_FOR_US, "there is no key to try")
        pyrage.decrypt_io(watched, target, identities)
    except (pyrage.DecryptError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's, and not the library's
            raise
        raise watched.problem or _refusal(str(error)) from None


def _under_passphrase(source: Readable, passphrase: str) -> bytes:
    data = source.read(limits.MAX_PASSPHRASE_FILE_BYTES + 1)
    while more := source.read(STEP_BYTES):
        data += more
    opened: bytes = pyrage.passphrase.decrypt(data, passphrase)
    return opened


def _refusal(said: str) -> Rejected:
    if "No matching keys" in said or "Decryption failed" in said:  # none of the keys, or not this passphrase
        return Rejected(Reason.NOT_FOR_US)
    return Rejected(Reason.DAMAGED)


class _Watched:
    """Reads from a source, and keeps what that raised: the library would turn it into words of its own."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.problem: Rejected | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._source.read(size)
        except Rejected as problem:
            self.problem = problem
            raise
