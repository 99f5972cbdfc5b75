"""A small drop as a cycle of QR codes, shown on one screen and filmed by another.

    "BQ1"  name (4)  data frames (1)  parity frames (1)  index (1)  length (4)  payload

Every frame of a cycle has the same length. A tenth are parity: frame i of the data is folded (exclusive or) into
parity frame i modulo their number, so a run of lost frames as long as there are parity frames is made good in
the same cycle; what is lost here and there comes with the next one. Payloads only: drawing and reading the
pictures is a door's business.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backchannel.drop import limits
from backchannel.errors import InputError
from backchannel.provenance.reasons import Reason, Rejected

_MAGIC: Final = b"BQ1"
_HEAD: Final = struct.Struct(">3s4sBBBI")
_PAYLOAD: Final = limits.QR_FRAME_BYTES - _HEAD.size
_SHARE: Final = 10
"""One parity frame for so many data frames."""


def to_frames(data: bytes) -> list[bytes]:
    """Return the frames of one cycle, 700 bytes each at most; each is the content of one QR code (byte mode).

    Raises:
        InputError: there would be more than 60.
    """
    count = max(-(-len(data) // _PAYLOAD), 1)
    parity = -(-count // _SHARE)
    if count + parity > limits.MAX_QR_FRAMES:
        raise InputError(
            f"it would be {count + parity} pictures, and at most {limits.MAX_QR_FRAMES} are shown",
            hint="Send it as a file, or as text in parts.",
        )
    size = -(-len(data) // count)
    pieces = [data[at * size : (at + 1) * size].ljust(size, b"\0") for at in range(count)]
    pieces += [_folded(pieces[first:count:parity], size) for first in range(parity)]
    name = hashlib.sha256(data).digest()[:4]
    return [
        _HEAD.pack(_MAGIC, name, count, parity, index, len(data)) + piece
        for index, piece in enumerate(pieces)
    ]


def _folded(pieces: list[bytes], size: int) -> bytes:
    folded = 0
    for piece in pieces:
        folded ^= int.from_bytes(piece, "big")
    return folded.to_bytes(size, "big")


def is_frames(prefix: bytes) -> bool:
    """Whether a file that begins with `prefix` holds frames."""
    return prefix.startswith(_MAGIC)


def read_frames(data: bytes) -> Iterator[bytes]:
    """Yield the frames that stand in a file one behind the other, as a scanner saved them.

    Raises:
        Rejected: `NOT_A_DROP`, `BAD_FRAME`.
    """
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise Rejected(Reason.BAD_FRAME, "it ends within a QR code")
        _, _, count, _, _, length = _HEAD.unpack_from(data, at)
        size = _HEAD.size + (-(-length // count) if count else 0)
        yield data[at : at + size]
        at += size


def name_of(frame: bytes) -> bytes:
    """Return what the frames of one drop have in common.

    Raises:
        Rejected: `NOT_A_DROP`, `BAD_FRAME`.
    """
    return _read(frame)[0].name


@dataclass(frozen=True, slots=True)
class _Head:
    name: bytes
    count: int
    parity: int
    length: int

    @property
    def size(self) -> int:
        return -(-self.length // self.count)


class Gathering:
    """Gathers frames, in any order and as often as they are seen, until they are enough."""

    def __init__(self) -> None:
        self._head: _Head | None = None
        self._pieces: dict[int, bytes] = {}

    def add(self, frame: bytes) -> bool:
        """Take in the content of one QR code; return whether the drop can be put together now.

        Raises:
            Rejected: `NOT_A_DROP` (another QR code), `BAD_FRAME`, `MIXED_PARTS` (of another drop).
        """
        head, index, piece = _read(frame)
        if self._head is None:
            self._head = head
        if head != self._head or self._pieces.get(index, piece) != piece:
            raise Rejected(Reason.MIXED_PARTS, "QR codes of two drops")
        self._pieces[index] = piece
        return not self.missing()

    def missing(self) -> list[int]:
        """Return the numbers of the data frames that are missing and cannot be made good, from 0."""
        if self._head is None:
            return [0]
        for first in range(self._head.parity):
            self._restore(self._head, first)
        return [index for index in range(self._head.count) if index not in self._pieces]

    def _restore(self, head: _Head, first: int) -> None:
        """Make good the one frame that is missing of a group, if it is one."""
        group = [*range(first, head.count, head.parity), head.count + first]
        lost = [index for index in group if index not in self._pieces]
        if len(lost) == 1:
            held = [self._pieces[index] for index in group if index in self._pieces]
            self._pieces[lost[0]] = _folded(held, head.size)

    def data(self) -> bytes:
        """Return the drop.

        Raises:
            Rejected: `MISSING_PART`, `DAMAGED`.
        """
        missing = self.missing()
        if self._head is None or missing:
            raise Rejected(Reason.MISSING_PART, f"{len(missing)} pictures: show them once more")
        data = b"".join(self._pieces[index] for index in range(self._head.count))[: self._head.length]
        if hashlib.sha256(data).digest()[:4] != self._head.name:
            raise Rejected(Reason.DAMAGED, "the pictures together are not what was shown")
        return data


def _read(frame: bytes) -> tuple[_Head, int, bytes]:
    if len(frame) < _HEAD.size or not frame.startswith(_MAGIC):
        raise Rejected(Reason.NOT_A_DROP, "another QR code")
    _, name, count, parity, index, length = _HEAD.unpack_from(frame)
    piece = frame[_HEAD.size :]
    is_right = (
        count > 0
        and parity == -(-count // _SHARE)
        and count + parity <= limits.MAX_QR_FRAMES
        and index < count + parity
        and -(-length // count) == len(piece) <= _PAYLOAD
    )
    if not is_right:
        raise Rejected(Reason.BAD_FRAME, "a QR code that says something impossible of itself")
    return _Head(name, count, parity, length), index, piece
