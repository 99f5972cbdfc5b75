"""Read JSON values one after the other from a stream of any length, holding only a window of it.

Of a list also values that are no JSON, if their brackets and quotation marks tell where they end.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO, Final, NamedTuple

from backchannel.stix.limits import MAX_OBJECT_BYTES
from backchannel.stix.objects import NotJsonError, UnfinishedError, UnscannableError, value_end

CHUNK_BYTES: Final = 2**20
"""How much is read at once (bytes)."""
MAX_SKIPPED_MARKS: Final = 5_000_000
"""Most brackets and quotation marks passed over to find the end of a value that is too large (some seconds)."""

_SPACE = re.compile(r"[ \t\r\n]*")
MAX_WORD_CHARS: Final = 4_096
"""Longest that may stand in the place of a value and is none: NaN, None, undefined, 'text'."""

_BYTES: Final = "surrogateescape"
"""How bytes that are no UTF-8 travel in a text, so that they cost their object only."""
_OUTSIDE = re.compile(r'["\[\]{}\\]')
_INSIDE = re.compile(r'["\\]')
_WORD = re.compile(r'[^\s,:"\[\]{}\\]+')


class NotUtf8Error(ValueError):
    """A stream is not UTF-8."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(what)
        self.what, self.line, self.column = what, line, column


class Item(NamedTuple):
    """One value of a list."""

    body: bytes
    is_cut: bool
    """Whether `body` is only its beginning: it is longer than `MAX_OBJECT_BYTES`, or nested too deeply to be read."""
    fault: str
    """Why it is no JSON, after its line and column; "" if it is."""


class Window:
    """A stream of UTF-8 text, read forward value by value.

    Every method that reads raises what the stream itself raises; `value` also `NotUtf8Error`.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(_BYTES)
        self._text = ""
        self._at = 0
        self._is_all = False
        self._lines = self._column = 1
        self._counted = 0
        """Index in the window of which `_lines` and `_column` are the place."""
        self._begin = 0
        self._passed: str | None = None
        """What was passed of a value and has left the window, if it is kept at all."""
        self.fault = ""
        """What was wrong first with a value of a list; "" as long as all were JSON."""
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
        text, is_cut = self._value() or (self._skip()[0], True)
        wrong = None if is_cut else _not_utf8(text)
        if wrong is not None:
            raise NotUtf8Error(wrong.what, *self.place(self._at - len(text) + wrong.at))
        return text, is_cut

    def item(self) -> Item:
        """Pass the next value of a list, also one that is broken if only its end can be told.

        Once one was broken, each behind it is parted from the next by its brackets and looked at alone: a
        complaint of the reader costs as much as the text that it is given is long.

        Raises:
            NotJsonError: there is no value, or where a broken one ends cannot be told.
        """
        self.peek()
        self._count()
        place = self._lines, self._column
        try:
            read = None if self.fault else self._value()
        except NotJsonError as error:
            self.fault, read = _fault(error, *self.place(error.at)), None
        text, is_cut = read or self._skip()
        try:
            wrong = _not_utf8(text) or (None if read or is_cut else _not_json(text))
        except UnscannableError:
            wrong, is_cut = None, True
        fault = _fault(wrong, *_place(text, wrong.at, *place)) if wrong else ""
        self.fault = self.fault or fault
        return Item(text.encode("utf-8", _BYTES), is_cut, fault)

    def _value(self) -> tuple[str, bool] | None:
        """Pass the value that begins here; None, and nothing passed, where it is too long or deep to be read.

        Raises:
            NotJsonError: it is no value; nothing is passed either.
        """
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
        if self._text[self._at] not in '"[{':
            raise NotJsonError("a number is longer than any number needs to be", self._at)
        return None

    def place(self, at: int | None = None) -> tuple[int, int]:
        """Return line and column, from 1, of the index `at` of the window, by default of where reading stands."""
        index = self._at if at is None else min(at, len(self._text))
        return _place(self._text[self._counted : index], None, self._lines, self._column)

    def _count(self) -> None:
        """Count the lines up to where reading stands, so that none is counted again for each broken object."""
        self._lines, self._column = self.place()
        self._counted = self._at

    def _fill(self, size: int) -> None:
        self._count()
        if self._passed is not None:
            self._passed += self._text[self._begin : self._at][: MAX_OBJECT_BYTES + 1 - len(self._passed)]
        self._text = self._text[self._at :]
        self._at = self._counted = self._begin = 0
        data = self._stream.read(size)
        self._is_all = not data
        self._text += self._decoder.decode(data, self._is_all)

    def _skip(self) -> tuple[str, bool]:
        """Pass a value by its brackets and quotation marks alone; return it, and whether that is only its beginning."""
        self._begin, self._passed = self._at, ""
        if self._text[self._at : self._at + 1] in {'"', "[", "{"}:
            self._pass_brackets()
        else:
            self._pass_word()
        text = self._passed + self._text[self._begin : self._at]
        self._passed = None
        return text[:MAX_OBJECT_BYTES], len(text) > MAX_OBJECT_BYTES

    def _pass_word(self) -> None:
        """Pass what stands in the place of a value; where there is nothing before a comma or `]`, pass nothing."""
        if len(self._text) - self._at < MAX_WORD_CHARS:
            self._fill(CHUNK_BYTES)
        match = _WORD.match(self._text, self._at)
        self._at = match.end() if match else self._at
        if self._text[self._at : self._at + 1] in {"", *':}{["\\'} or (
            match and len(match[0]) > MAX_WORD_CHARS
        ):
            raise NotJsonError("a value is expected here", self._at)

    def _pass_brackets(self) -> None:
        depth, is_inside = 0, False
        for _ in range(MAX_SKIPPED_MARKS):
            mark = self._mark(_INSIDE if is_inside else _OUTSIDE)
            if mark == "\\" and not is_inside:
                # A quotation mark too many or too few: what now looks like an object may be a part of a text.
                raise NotJsonError("a backslash stands outside of a text", self._at - 1)
            if mark == "\\":
                self._pass_escaped()
            elif mark == '"':
                is_inside = not is_inside
            else:
                depth += 1 if mark in "[{" else -1
            if depth == 0 and not is_inside:
                return
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


def _place(text: str, at: int | None, line: int, column: int) -> tuple[int, int]:
    """Return line and column of the index `at` of `text` (None: of its end), which begins at `line` and `column`."""
    before = text if at is None else text[:at]
    lines = before.count("\n")
    return line + lines, len(before) - before.rfind("\n") if lines else column + len(before)


def _fault(error: NotJsonError, line: int, column: int) -> str:
    return f"{f'line {line}, ' if line > 1 else ''}column {column}: {error.what}"


def _not_json(text: str) -> NotJsonError | None:
    """Return what is wrong with a text that should be one value, if anything is.

    Raises:
        UnscannableError: it is nested too deeply to tell.
    """
    if not text:
        return NotJsonError("a value is expected here", 0)
    try:
        end = value_end(text, 0, is_all=True)
    except NotJsonError as error:
        return error
    return None if end == len(text) else NotJsonError("a comma or the closing bracket is expected here", end)


def _not_utf8(text: str) -> NotJsonError | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = text[error.start].encode("utf-8", _BYTES)[0]
        return NotJsonError(f"byte 0x{byte:02x} is not UTF-8", error.start)
    return None
