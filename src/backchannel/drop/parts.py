"""A drop as numbered texts, for media that take only short ones.

    BCB-PART 2/3 4f0c...
    <base64, 64 characters a line>
    BCB-CRC 89abcdef

The name is the first 32 digits of the SHA-256 of the whole, so it tells nothing, and tells apart what does not
belong together. The CRC is for people: it says which part to send again. Parts may come in any order, twice, in
one text or in many, quoted and with other words around them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from backchannel.drop import limits
from backchannel.errors import InputError, UsageError
from backchannel.provenance.reasons import Reason, Rejected

NAME_CHARS: Final = 32
MIN_PART_CHARS: Final = 500
"""Shortest part that is written (characters): its first and last line take 60."""

_COLUMNS: Final = 64
_MARKS: Final = re.compile(rb"\A[ \t>|*]*")
"""What mail and chat programs put before a line that is quoted."""
_FIRST: Final = re.compile(rb"BCB-PART (\d{1,4})/(\d{1,4}) ([0-9a-f]{32})\Z")
_LAST: Final = re.compile(rb"BCB-CRC ([0-9a-f]{8})\Z")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{1,76}={0,2}\Z")
_MAX_MISSING_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One part."""

    number: int
    """From 1."""
    of: int
    name: str
    data: bytes


def split(data: bytes, part_chars: int) -> Iterator[str]:
    """Yield the parts of a drop, each a text of at most `part_chars` characters.

    Args:
        data: the drop, as a file without armour.
        part_chars: how long a text the medium takes; at least 500.

    Raises:
        UsageError: it is too short.
        InputError: there would be more than 1,000 parts.
    """
    if part_chars < MIN_PART_CHARS:
        raise UsageError(
            f"a part of {part_chars} characters is too short",
            hint=f"Say at least {MIN_PART_CHARS} characters.",
        )
    lines = min(part_chars - 120, limits.MAX_PART_BYTES) // (_COLUMNS + 1)
    step = max(lines, 1) * (_COLUMNS * 3 // 4)
    count = -(-len(data) // step)
    if count > limits.MAX_PARTS:
        raise InputError(
            f"it would be {count:,} parts, and at most {limits.MAX_PARTS:,} are taken",
            hint="Make the parts longer, or send it as a file.",
        )
    name = hashlib.sha256(data).hexdigest()[:NAME_CHARS]
    for number in range(1, count + 1):
        piece = data[(number - 1) * step : number * step]
        text = base64.b64encode(piece).decode("ascii")
        body = "\n".join(text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS))
        yield f"BCB-PART {number}/{count} {name}\n{body}\nBCB-CRC {zlib.crc32(piece):08x}\n"


def join(texts: Iterable[bytes]) -> bytes:
    """Put the parts that stand in `texts` together again.

    Raises:
        Rejected: `NOT_A_DROP` (no part in them), `DAMAGED` (a part, or the whole), `MIXED_PARTS`, `MISSING_PART`,
            `TOO_MANY`, `TOO_LARGE`.
    """
    gathering = Gathering()
    for text in texts:
        for part in read_parts(text.splitlines()):
            gathering.add(part)
    return gathering.data()


class Gathering:
    """Gathers the parts of one drop, in any order and as often as they come."""

    def __init__(self) -> None:
        self._found: dict[int, Part] = {}
        self._size = 0

    def add(self, part: Part) -> None:
        """Take in a part.

        Raises:
            Rejected: `MIXED_PARTS` (of another drop, or another one of this number), `TOO_LARGE`.
        """
        other = next(iter(self._found.values()), part)
        if (part.name, part.of) != (other.name, other.of):
            raise Rejected(Reason.MIXED_PARTS, f"{other.name[:8]}… and {part.name[:8]}…")
        same = self._found.get(part.number)
        if same is not None and same.data != part.data:
            raise Rejected(Reason.MIXED_PARTS, f"two different parts have the number {part.number}")
        if same is None:
            self._size += len(part.data)
            if self._size > limits.MAX_TEXT_FILE_BYTES:
                raise Rejected(Reason.TOO_LARGE, "the parts together")
            self._found[part.number] = part

    def missing(self) -> list[int]:
        """Return the numbers of the parts that are missing, from 1."""
        of = next((part.of for part in self._found.values()), 0)
        return [number for number in range(1, of + 1) if number not in self._found]

    def data(self) -> bytes:
        """Return the drop.

        Raises:
            Rejected: `NOT_A_DROP` (there are no parts), `MISSING_PART`, `DAMAGED`.
        """
        if not self._found:
            raise Rejected(Reason.NOT_A_DROP, "no part of a drop stands in it")
        first = next(iter(self._found.values()))
        missing = self.missing()
        if missing:
            shown = ", ".join(map(str, missing[:_MAX_MISSING_SHOWN]))
            hidden = len(missing) - _MAX_MISSING_SHOWN
            more = f" and {hidden} more" if hidden > 0 else ""
            raise Rejected(Reason.MISSING_PART, f"missing of {first.of}: {shown}{more}")
        data = b"".join(self._found[number].data for number in range(1, first.of + 1))
        if hashlib.sha256(data).hexdigest()[:NAME_CHARS] != first.name:
            raise Rejected(Reason.DAMAGED, "the parts together are not what was split")
        return data


def read_parts(lines: Iterable[bytes]) -> Iterator[Part]:
    """Yield the parts that stand in the lines of one text.

    Raises:
        Rejected: `DAMAGED`, `TOO_MANY`, `TOO_LARGE`.
    """
    head: re.Match[bytes] | None = None
    body: list[bytes] = []
    size = 0
    for raw in lines:
        line = _MARKS.sub(b"", raw).rstrip()
        if (match := _FIRST.match(line)) is not None:
            if head is not None:
                raise _damaged(head, "ends before its CRC")
            head, body, size = match, [], 0
        elif head is not None and (match := _LAST.match(line)) is not None:
            yield _part(head, b"".join(body), match[1])
            head = None
        elif head is not None and line:
            size += len(line)
            if size > 2 * limits.MAX_PART_BYTES:
                raise Rejected(Reason.TOO_LARGE, f"part {int(head[1])}")
            if not _BASE64.match(line):
                raise _damaged(head, "holds a line that does not belong to it")
            body.append(line)
    if head is not None:
        raise _damaged(head, "ends before its CRC")


def _part(head: re.Match[bytes], body: bytes, crc: bytes) -> Part:
    number, of, name = int(head[1]), int(head[2]), head[3].decode("ascii")
    if of > limits.MAX_PARTS:
        raise Rejected(Reason.TOO_MANY, f"{of} parts, and at most {limits.MAX_PARTS:,} are taken")
    try:
        data = binascii.a2b_base64(body, strict_mode=True)
    except binascii.Error:
        raise _damaged(head, "is no base64") from None
    if not 1 <= number <= of or zlib.crc32(data) != int(crc, 16):
        raise _damaged(head, "does not have its CRC")
    return Part(number, of, name, data)


def _damaged(head: re.Match[bytes], what: str) -> Rejected:
    return Rejected(Reason.DAMAGED, f"part {int(head[1])} of {int(head[2])} {what}: ask for it again")
