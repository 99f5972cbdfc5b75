"""The frames inside a drop: `BCB1`, a line end, then frames of type, length and body.

    M manifest   S statement   L links   O objects   Z objects, packed   A attachment   P padding   E end

M stands first and once, E last and once, P only before E. Everything between is listed in the manifest.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Final

from backchannel.drop import limits
from backchannel.provenance.reasons import Reason, Rejected

MAGIC: Final = b"BCB1\n"
COMPARISON_MAGIC: Final = b"BCC1\n"
"""What stands in the same place of a message of a comparison, so that neither is taken for the other."""
HEAD: Final = struct.Struct(">cI")
"""Type (one ASCII letter) and length of the body (unsigned, big-endian)."""
DIGEST_BYTES: Final = 32


class Kind(StrEnum):
    """What a frame holds."""

    MANIFEST = "M"
    STATEMENT = "S"
    LINKS = "L"
    OBJECTS = "O"
    PACKED = "Z"
    ATTACHMENT = "A"
    PADDING = "P"
    END = "E"


MAX_BYTES: Final = {
    Kind.MANIFEST: limits.MAX_MANIFEST_BYTES,
    Kind.STATEMENT: limits.MAX_STATEMENT_BYTES,
    Kind.LINKS: limits.MAX_CHUNK_BYTES,
    Kind.OBJECTS: limits.MAX_CHUNK_BYTES,
    Kind.PACKED: limits.MAX_CHUNK_BYTES,
    Kind.ATTACHMENT: limits.MAX_CHUNK_BYTES,
    Kind.PADDING: limits.MAX_CHUNK_BYTES,
    Kind.END: DIGEST_BYTES,
}
"""Longest body of each kind (bytes)."""

LISTED: Final = frozenset({Kind.STATEMENT, Kind.LINKS, Kind.OBJECTS, Kind.PACKED, Kind.ATTACHMENT})
"""The kinds that the manifest lists, called chunks."""
OBJECTS: Final = frozenset({Kind.OBJECTS, Kind.PACKED})
"""The chunks that hold objects."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: Kind
    at: int
    """Where its body begins (bytes from the beginning of the drop)."""
    body: bytes


def to_bytes(kind: Kind, body: bytes) -> bytes:
    """Return a frame as it stands in a drop.

    Raises:
        ValueError: the body is longer than its kind may be.
    """
    if len(body) > MAX_BYTES[kind]:
        raise ValueError(f"a frame {kind} of {len(body):,} bytes")
    return HEAD.pack(kind.encode(), len(body)) + body


def read_frames(file: IO[bytes]) -> Iterator[Frame]:
    """Yield each frame from the beginning of `file`, M first and E last, in memory one at a time.

    The digest in E, the padding and the order are checked; that chunks are the listed ones is not.

    Raises:
        Rejected: `NOT_A_DROP`, `BAD_FRAME`, `TOO_LARGE`, `TRUNCATED`, `DAMAGED` (the digest in E).
    """
    magic = file.read(len(MAGIC))
    if magic != MAGIC:
        if MAGIC.startswith(magic):
            raise Rejected(Reason.TRUNCATED, "nothing is inside")
        if magic == COMPARISON_MAGIC:
            raise Rejected(
                Reason.NOT_A_DROP, "it is a message of a comparison: backchannel compare take FILE"
            )
        raise Rejected(Reason.NOT_A_DROP, "it was opened, and what is inside is no drop")
    digest = hashlib.sha256()
    before: Kind | None = None
    at = len(MAGIC)
    while True:
        head, kind, length = _read_head(file, at)
        _check_order(kind, before, at)
        body = file.read(length)
        if len(body) < length:
            raise Rejected(Reason.TRUNCATED, f"it ends within the frame at byte {at:,}")
        if kind is Kind.END:
            _check_end(file, body, digest.digest())
            yield Frame(kind, at + HEAD.size, body)
            return
        if kind is Kind.PADDING and body.count(0) != length:
            raise Rejected(Reason.BAD_FRAME, f"the padding at byte {at:,} is not empty")
        digest.update(head)
        digest.update(body)
        yield Frame(kind, at + HEAD.size, body)
        before, at = kind, at + HEAD.size + length


def _read_head(file: IO[bytes], at: int) -> tuple[bytes, Kind, int]:
    head = file.read(HEAD.size)
    if len(head) < HEAD.size:
        raise Rejected(Reason.TRUNCATED, "it ends without its last frame")
    letter, length = HEAD.unpack(head)
    try:
        kind = Kind(letter.decode("ascii"))
    except ValueError:
        raise Rejected(Reason.BAD_FRAME, f"the frame at byte {at:,} is of no known kind") from None
    if length > MAX_BYTES[kind]:
        raise Rejected(
            Reason.TOO_LARGE,
            f"the frame {kind} at byte {at:,} claims {length:,} bytes, and {MAX_BYTES[kind]:,} are allowed",
        )
    return head, kind, length


def _check_order(kind: Kind, before: Kind | None, at: int) -> None:
    is_right = (
        kind is Kind.MANIFEST
        if before is None
        else kind is not Kind.MANIFEST and not (before is Kind.PADDING and kind in LISTED)
    )
    if not is_right:
        raise Rejected(Reason.BAD_FRAME, f"a frame {kind} may not stand at byte {at:,}")


def _check_end(file: IO[bytes], body: bytes, digest: bytes) -> None:
    if len(body) != DIGEST_BYTES:
        raise Rejected(Reason.BAD_FRAME, "the last frame has the wrong length")
    if body != digest:
        raise Rejected(Reason.DAMAGED, "what is inside does not have the digest that its last frame says")
    if file.read(1):
        raise Rejected(Reason.BAD_FRAME, "something stands behind the last frame")
