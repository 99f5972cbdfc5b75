"""Read JSON values one after the other from a stream of any length, holding only a window of it."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO, Final

from backchannel.stix.limits import MAX_OBJECT_BYTES
from backchannel.stix.objects import NotJsonError, UnfinishedError, UnscannableError, value_end

CHUNK_BYTES: Final = 2**20
"""How much is read at once (bytes)."""
MAX_SKIPPED_MARKS: Final = 5_000_000
"""Most brackets and quotation marks passed over to find the end of a value that is too large (some seconds)."""

_SPACE = re.compile(r"[ \t\r\n]*")
_OUTSIDE = re.compile(r'["\[\]{}]')
_INSIDE = re.compile(r'["\\]')


class NotUtf8Error(ValueError):
    """A stream is not UTF-8."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(what)
        self.what, self.line, self.column = what, line, column


class Window:
    """A stream of UTF-8 text, read forward value by value.

    Every method that reads raises `NotUtf8Error` where the stream is not UTF-8, and what the stream itself raises.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._is_all = False
        self._lines = 1
        self._column = 1
        self._fill(CHUNK_BYTES)
        if self._text.startswith("\ufeff"):
            self._at = 1

    @property
    def at(self) -> int:
        """Index in the window of where reading stands, for `place`."""
        return self._at

    def peek(self) -> str:
        """Return the next character that is not blank without passing it; "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_all:
                return ""
            self._fill(CHUNK_BYTES)

    def expect(self, characters: str) -> str:
        """Pass the next character that is not blank, and return it.

        Raises:
            NotJsonError: it is none of `characters`.
        """
        found = self.peek()
        if found == "" or found not in characters:
            wanted = " or ".join(f"`{character}`" for character in characters)
            raise NotJsonError(f"{wanted} is expected here" if found else "it ends in the middle", self._at)
        self._at += 1
        return found

    def value(self) -> tuple[str, bool]:
        """Pass the next value; return its text, and whether that is only its beginning.

        It is cut where it is longer than `MAX_OBJECT_BYTES` or nested too deeply to be read.

        Raises:
            NotJsonError: no value comes next.
        """
        self.peek()
        step = CHUNK_BYTES
        while len(self._text) - self._at <= MAX_OBJECT_BYTES or self._is_all:
            try:
                end = value_end(self._text, self._at, is_all=self._is_all)
            except UnfinishedError:
                self._fill(step)
                step *= 2
                continue
            except UnscannableError:
                break
            text = self._text[self._at : end]
            self._at = end
            return (text, False) if len(text) <= MAX_OBJECT_BYTES else (text[:MAX_OBJECT_BYTES], True)
        return self._skip(), True

    def place(self, at: int | None = None) -> tuple[int, int]:
        """Return line and column, from 1, of the index `at` of the window, by default of where reading stands."""
        index = self._at if at is None else min(at, len(self._text))
        before = self._text[:index]
        lines = before.count("\n")
        return self._lines + lines, index - before.rfind("\n") if lines else self._column + index

    def _fill(self, size: int) -> None:
        self._lines, self._column = self.place()
        self._text = self._text[self._at :]
        self._at = 0
        data = self._stream.read(size)
        self._is_all = not data
        try:
            self._text += self._decoder.decode(data, self._is_all)
        except UnicodeDecodeError as error:
            self._text += error.object[: error.start].decode()
            what = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
            raise NotUtf8Error(what, *self.place(len(self._text))) from None

    def _skip(self) -> str:
        """Pass a value by its brackets and quotation marks alone; return its beginning."""
        if self._text[self._at] not in '"[{':
            raise NotJsonError("a number is longer than any number needs to be", self._at)
        head = self._text[self._at : self._at + MAX_OBJECT_BYTES]
        depth, is_inside = 0, False
        for _ in range(MAX_SKIPPED_MARKS):
            mark = self._mark(_INSIDE if is_inside else _OUTSIDE)
            if mark == "\\":
                self._pass_escaped()
            elif mark == '"':
                is_inside = not is_inside
            else:
                depth += 1 if mark in "[{" else -1
            if depth == 0 and not is_inside:
                return head
        raise NotJsonError(
            f"a value holds more than {MAX_SKIPPED_MARKS:,} brackets and quotation marks", self._at
        )

    def _mark(self, marks: re.Pattern[str]) -> str:
        while True:
            match = marks.search(self._text, self._at)
            if match is not None:
                self._at = match.end()
                return match.group()
            self._at = len(self._text)
            if self._is_all:
                raise NotJsonError("it ends in the middle of a value", self._at)
            self._fill(CHUNK_BYTES)

    def _pass_escaped(self) -> None:
        if self._at == len(self._text):
            self._fill(CHUNK_BYTES)
        self._at = min(self._at + 1, len(self._text))
