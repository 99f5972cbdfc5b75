"""A message of a session as a file: signed statement and body, encrypted to the other party with age.

Signed first, then encrypted: nobody outside can take the signature off, and the statement names for whom it is. The
head of a foreign file is looked at before anything opens it (`drop.guard`), and its size is bounded.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from hmac import compare_digest
from typing import Final

from backchannel.drop import guard
from backchannel.drop.armor import Dearmored
from backchannel.drop.frames import COMPARISON_MAGIC
from backchannel.drop.sealing import Keys, decrypt, encrypt
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import MAX_STATEMENT_BYTES
from backchannel.psi.messages import MAX_BODY_BYTES

MAGIC: Final = COMPARISON_MAGIC
LENGTH_BYTES: Final = 4
MAX_FILE_BYTES: Final = 4 * 2**20
"""Largest file of a message (bytes): its body in base64 (2 MiB), its statement, and what age adds."""


def seal_message(envelope: bytes, body: bytes, recipient: str) -> bytes:
    """Return the file of a message.

    Args:
        envelope: the signed statement.
        body: what it carries.
        recipient: the other party's (`age1...`).

    Raises:
        UsageError: it is no recipient.
    """
    parts = (len(one).to_bytes(LENGTH_BYTES, "big") + one for one in (envelope, body))
    return seal_for(MAGIC + b"".join(parts), recipient)


def open_message(data: bytes, identities: Sequence[str]) -> tuple[bytes, bytes]:
    """Return envelope and body of a message. Neither is verified.

    Raises:
        Rejected: it is too large, no age file, not for us, damaged, or holds something else.
    """
    content = open_sealed(data, identities, max_bytes=MAX_FILE_BYTES)
    if not content.startswith(MAGIC):
        raise Rejected(
            Reason.WRONG_TYPE, "it is no message of a comparison: take it with backchannel receive"
        )
    envelope, rest = _part(content[len(MAGIC) :], MAX_STATEMENT_BYTES)
    body, rest = _part(rest, MAX_BODY_BYTES)
    if rest:
        raise Rejected(Reason.BAD_FRAME, "something stands behind its end")
    return envelope, body


def seal_for(content: bytes, recipient: str) -> bytes:
    """Return something encrypted to one recipient (`age1...`).

    Raises:
        UsageError: it is no recipient.
    """
    target = io.BytesIO()
    encrypt(io.BytesIO(content), target, [recipient])
    return target.getvalue()


def open_sealed(data: bytes, identities: Sequence[str], *, max_bytes: int) -> bytes:
    """Return what was encrypted to us, once its head was looked at.

    Raises:
        Rejected: it is too large, no age file, not for us, or damaged.
    """
    if len(data) > max_bytes:
        raise Rejected(Reason.TOO_LARGE, f"{len(data):,} bytes; at most {max_bytes:,} are taken")
    file, opened = io.BytesIO(data), io.BytesIO()
    head = guard.check(file, len(data), has_passphrase=False)
    source = Dearmored(file) if head.is_armored else file
    decrypt(source, opened, Keys(tuple(identities), None), is_passphrase=False)
    return opened.getvalue()


def check_body(body: bytes, digest: str) -> None:
    """See that a body is the one that its statement signs.

    Raises:
        Rejected: `CHUNK_MISMATCH`.
    """
    if not compare_digest(f"sha256:{hashlib.sha256(body).hexdigest()}", digest):
        raise Rejected(Reason.CHUNK_MISMATCH)


def _part(data: bytes, max_bytes: int) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:LENGTH_BYTES], "big")
    if size > max_bytes:
        raise Rejected(Reason.TOO_LARGE, f"a part of {size:,} bytes")
    if len(data) < LENGTH_BYTES + size:
        raise Rejected(Reason.TRUNCATED)
    return data[LENGTH_BYTES : LENGTH_BYTES + size], data[LENGTH_BYTES + size :]
