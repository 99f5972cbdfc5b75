"""Look at the head of an age file before anything else does.

The header of an age file (C2SP age, "Header") is read by whoever opens it before anything is authenticated, and
each stanza may cost a key exchange or a gigabyte of scrypt. So its form and its limits are checked first, on a
bounded prefix, without a single operation of cryptography.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import IO, Final

from backchannel.drop import limits
from backchannel.drop.armor import Dearmored, is_armored
from backchannel.provenance.reasons import Reason, Rejected

VERSION: Final = b"age-encryption.org/v1\n"
_MAC: Final = re.compile(rb"--- ([A-Za-z0-9+/]{43})\Z")
_STANZA: Final = re.compile(rb"-> ([!-~]+(?: [!-~]+)*)\Z")
_WORK_FACTOR: Final = re.compile(r"[1-9][0-9]*\Z")
_COLUMNS: Final = 64
MAX_DECOYS: Final = 1
"""Stanzas that are no recipient, to keep readers tolerant: rage writes one, whose kind ends with `-grease`."""
_NONCE_AND_TAG: Final = 16 + 16
"""Shortest payload: a nonce and the tag of an empty chunk (bytes)."""


@dataclass(frozen=True, slots=True)
class Stanza:
    """One recipient of the file, or a random one that is no recipient ("grease")."""

    kind: str
    args: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a file says before it is opened."""

    is_armored: bool
    is_passphrase: bool
    header_bytes: int
    """Length of the header, without armour."""
    stanzas: tuple[Stanza, ...]


def check(file: IO[bytes], size: int, *, has_passphrase: bool) -> Head:
    """Check the head of the file that `file` is at the beginning of; leave it there again.

    Reads at most about 25 KiB.

    Args:
        file: the drop; it must be able to `seek`.
        size: of the file (bytes).
        has_passphrase: whether a passphrase is to be tried: a file under one is refused without.

    Raises:
        Rejected: `NOT_A_DROP`, `BAD_ARMOR`, `TOO_LARGE`, `TRUNCATED`, `BAD_HEADER`, `TOO_MANY` (stanzas),
            `WORK_FACTOR`.
    """
    if size > limits.MAX_FILE_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"{size:,} bytes, and at most {limits.MAX_FILE_BYTES:,} are taken")
    begin = file.tell()
    armored = is_armored(file.read(limits.MAX_BLANKS + _COLUMNS))
    file.seek(begin)
    source = Dearmored(file) if armored else file
    prefix = source.read(limits.MAX_HEADER_BYTES + _NONCE_AND_TAG)
    file.seek(begin)
    stanzas, length = read_header(prefix)
    is_passphrase = _check_passphrase(stanzas, has_passphrase=has_passphrase)
    if is_passphrase and size > limits.MAX_PASSPHRASE_FILE_BYTES:
        most = limits.MAX_PASSPHRASE_FILE_BYTES
        raise Rejected(Reason.TOO_LARGE, f"under a passphrase at most {most:,} bytes are taken")
    if len(prefix) - length < _NONCE_AND_TAG:
        raise Rejected(Reason.TRUNCATED, "nothing follows the header")
    return Head(armored, is_passphrase, length, stanzas)


def read_header(prefix: bytes) -> tuple[tuple[Stanza, ...], int]:
    """Return the stanzas of an age header, and how long it is (bytes).

    Args:
        prefix: the beginning of the file, at least `MAX_HEADER_BYTES` of it if it is that long.

    Raises:
        Rejected: as `check`.
    """
    if not prefix.startswith(VERSION):
        if VERSION.startswith(prefix):
            raise Rejected(Reason.TRUNCATED, "it ends within its first line")
        raise Rejected(Reason.NOT_A_DROP, "the first line is not that of an age file")
    at = len(VERSION)
    stanzas: list[Stanza] = []
    decoys = 0
    while True:
        line, at = _line(prefix, at)
        if line.startswith(b"---"):
            mac = _MAC.match(line)
            if mac is None or not _is_base64(mac[1]):
                raise _bad("its last line is not a MAC in base64")
            if not stanzas:
                raise _bad("it names no recipient")
            return tuple(stanzas), at
        stanza, at = _stanza(line, prefix, at)
        stanzas.append(stanza)
        decoys += stanza.kind.endswith("-grease")
        if decoys > MAX_DECOYS or len(stanzas) - decoys > limits.MAX_STANZAS:
            raise _bad(f"more than {limits.MAX_STANZAS} recipients: the sender makes two files")


def _line(prefix: bytes, at: int) -> tuple[bytes, int]:
    end = prefix.find(b"\n", at, limits.MAX_HEADER_BYTES)
    if end < 0:
        if len(prefix) >= limits.MAX_HEADER_BYTES:
            raise _bad(f"it is longer than {limits.MAX_HEADER_BYTES:,} bytes")
        raise Rejected(Reason.TRUNCATED, "it ends within its header")
    return prefix[at:end], end + 1


def _stanza(line: bytes, prefix: bytes, at: int) -> tuple[Stanza, int]:
    match = _STANZA.match(line)
    if match is None:
        raise _bad("a recipient's line is not of the right form")
    kind, *args = match[1].decode("ascii").split(" ")
    body: list[bytes] = []
    while True:
        text, at = _line(prefix, at)
        if len(text) > _COLUMNS or not _is_base64(text):
            raise _bad("a recipient has no body of base64 lines with a short last one")
        body.append(text)
        if len(text) < _COLUMNS:
            break
    joined = b"".join(body)
    stanza = Stanza(kind, tuple(args), base64.b64decode(joined + b"=" * (-len(joined) % 4)))
    _check_kind(stanza)
    return stanza, at


def _is_base64(text: bytes) -> bool:
    """Whether `text` is base64 without padding, in its one right spelling (RFC 4648 §3.5)."""
    padded = text + b"=" * (-len(text) % 4)
    try:
        return b"=" not in text and base64.b64encode(binascii.a2b_base64(padded, strict_mode=True)) == padded
    except binascii.Error:
        return False


def _check_kind(stanza: Stanza) -> None:
    """Check a stanza of the two kinds that are opened here (C2SP age, "Native recipients")."""
    if stanza.kind == "X25519":
        if len(stanza.args) != 1 or not _is_bytes(stanza.args[0], 32) or len(stanza.body) != 32:
            raise _bad("an X25519 recipient is not of the right form")
    elif stanza.kind == "scrypt":
        if len(stanza.args) != 2 or not _is_bytes(stanza.args[0], 16) or len(stanza.body) != 32:
            raise _bad("the passphrase's part is not of the right form")
        if not _WORK_FACTOR.match(stanza.args[1]):
            raise _bad("the work factor is no plain number")


def _is_bytes(text: str, size: int) -> bool:
    data = text.encode("ascii")
    return len(data) == -(-size * 4 // 3) and _is_base64(data)


def _check_passphrase(stanzas: tuple[Stanza, ...], *, has_passphrase: bool) -> bool:
    scrypt = [stanza for stanza in stanzas if stanza.kind == "scrypt"]
    if not scrypt:
        return False
    if len(stanzas) > 1:
        raise _bad("a passphrase stands beside other recipients")
    factor = scrypt[0].args[1]
    if len(factor) > 2 or int(factor) > limits.MAX_WORK_FACTOR:
        raise Rejected(
            Reason.WORK_FACTOR, f"work factor {factor[:4]}, and at most {limits.MAX_WORK_FACTOR} is taken"
        )
    if not has_passphrase:
        raise Rejected(Reason.WORK_FACTOR, "it is under a passphrase, and none was given")
    return True


def _bad(what: str) -> Rejected:
    return Rejected(Reason.BAD_HEADER, what)
