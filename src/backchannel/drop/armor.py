"""The text form of an age file (C2SP age, "ASCII Armor"), strictly: one spelling for each file.

A mail program may rewrite line ends and add blank lines around; both are taken. Anything else around or
within is refused, because a lenient reader would let a sender hide things from a strict one.
"""

from __future__ import annotations

import base64
import binascii
from typing import IO, Final

from backchannel.drop import limits
from backchannel.provenance.reasons import Reason, Rejected

BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
END: Final = b"-----END AGE ENCRYPTED FILE-----"

_COLUMNS: Final = 64
_LINE_BYTES: Final = 48
"""A full line stands for so many bytes (RFC 7468 §2)."""
_BLOCK_BYTES: Final = 65 * 2048
_BLANKS: Final = b" \t\r\n"


def is_armored(prefix: bytes) -> bool:
    """Whether a file that begins with `prefix` is meant to be the text form."""
    return prefix[: limits.MAX_BLANKS + len(BEGIN)].lstrip(_BLANKS).startswith(BEGIN)


def write_armored(source: IO[bytes], target: IO[bytes]) -> None:
    """Write the bytes of `source` as text to `target`, in lines of 64 characters."""
    target.write(BEGIN + b"\n")
    while block := _read_fully(source, _LINE_BYTES * 2048):
        text = base64.b64encode(block)
        lines = (text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS))
        target.write(b"\n".join(lines) + b"\n")
    target.write(END + b"\n")


def _read_fully(source: IO[bytes], size: int) -> bytes:
    parts: list[bytes] = []
    while size and (data := source.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


class Dearmored:
    """The bytes that an armoured file stands for, as a stream that can be read once from its beginning."""

    def __init__(self, source: IO[bytes]) -> None:
        """Begin at the start of `source`.

        Raises:
            Rejected: `BAD_ARMOR`, if it does not begin as the text form does.
        """
        self._source = source
        self._text = b""
        self._ready = b""
        self._given = 0
        self._is_done = False
        self._carry = b""
        if not self._fill(limits.MAX_BLANKS + len(BEGIN) + 2) or not is_armored(self._text):
            raise _bad("it does not begin with the line that an armoured age file begins with")
        rest = self._text.lstrip(_BLANKS)[len(BEGIN) :]
        if not rest.startswith(b"\n"):
            raise _bad("its first line is longer than it should be")
        self._text = rest[1:]

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`; empty at the end.

        Raises:
            Rejected: `BAD_ARMOR`, where the text is not in the one right form; `TRUNCATED`, where it ends too early.
        """
        while not self._is_done and (size < 0 or len(self._ready) - self._given < size):
            self._ready, self._given = self._ready[self._given :] + self._decode(), 0
        end = len(self._ready) if size < 0 else self._given + size
        part = self._ready[self._given : end]
        self._given += len(part)
        return part

    def _fill(self, size: int) -> bool:
        """Hold at least `size` characters of text, or all that are left; whether there are any."""
        while len(self._text) < size and (data := self._source.read(_BLOCK_BYTES)):
            data = self._carry + data
            self._carry = b"\r" if data.endswith(b"\r") else b""
            self._text += data[: len(data) - len(self._carry)].replace(b"\r\n", b"\n")
        if len(self._text) < size:
            self._text, self._carry = self._text + self._carry, b""
        return bool(self._text)

    def _decode(self) -> bytes:
        self._fill(_BLOCK_BYTES + len(END) + limits.MAX_BLANKS + 2)
        if not self._text:
            raise Rejected(Reason.TRUNCATED, "the text ends without its last line")
        line = _COLUMNS + 1
        full = min(self._text.find(b"-") if b"-" in self._text else len(self._text), _BLOCK_BYTES) // line
        # The line before the end may be a full one too; it is decoded with the rest, where padding is allowed.
        block = self._text[: full * line]
        is_full = block[_COLUMNS::line] == b"\n" * full and block.count(b"\n") == full
        if full and is_full and not block.endswith(b"=\n"):
            self._text = self._text[len(block) :]
            return _decoded(block.replace(b"\n", b""), full * _LINE_BYTES)
        return self._decode_last()

    def _decode_last(self) -> bytes:
        """Decode full lines one by one up to the last line, and see what stands behind it."""
        decoded: list[bytes] = []
        while True:
            text, newline, rest = self._text.partition(b"\n")
            if text.rstrip(_BLANKS) == END:
                self._finish(text[len(END) :] + newline + rest)
                return b"".join(decoded)
            if not newline:
                raise _cut_or_bad(text)
            data = _decoded_line(text)
            decoded.append(data)
            self._text = rest
            if len(data) < _LINE_BYTES and not self._text.startswith(END):
                raise _bad("more lines follow the short one that should be the last")

    def _finish(self, rest: bytes) -> None:
        if rest.strip(_BLANKS) or len(rest) > limits.MAX_BLANKS + 2 or self._source.read(1):
            raise _bad("something stands behind its last line")
        self._is_done, self._text = True, b""


def _decoded_line(text: bytes) -> bytes:
    if not text or len(text) > _COLUMNS:
        raise _bad("a line is empty or longer than 64 characters")
    data = _decoded(text)
    if base64.b64encode(data) != text:
        raise _bad("a line is not written as base64 writes it")
    return data


def _decoded(text: bytes, size: int | None = None) -> bytes:
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise _bad("a line holds something that is no base64") from None
    if size is not None and len(data) != size:
        raise _bad("padding stands before the last line")
    return data


def _cut_or_bad(text: bytes) -> Rejected:
    if END.startswith(text) or len(text) <= _COLUMNS:
        return Rejected(Reason.TRUNCATED, "the text ends without its last line")
    return _bad("a line is longer than 64 characters")


def _bad(what: str) -> Rejected:
    return Rejected(Reason.BAD_ARMOR, what)
