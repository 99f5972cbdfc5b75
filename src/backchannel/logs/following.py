"""Follow one log file as it grows: whole lines only, each once, with the place after them.

A file is followed by what was opened, not by its name: where it is renamed, it is read to its end. One that was
emptied in place (`copytruncate`) begins anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from backchannel.logs.lines import BOM, MAX_LINE_BYTES

MAX_READ_BYTES: Final = 8 * 2**20
"""Read of one file at once: bounds memory, and how long the other files wait."""


class Lines(NamedTuple):
    """Some whole lines of a file."""

    lines: list[tuple[int, bytes]]
    """Each with its number, counted from 1, without its end."""
    end: int
    """Bytes of the file up to the end of the last of them."""
    too_long: tuple[int, ...] = ()
    """Numbers of lines that were passed over (`MAX_LINE_BYTES`)."""


class Followed:
    """One open file."""

    def __init__(self, path: Path, *, offset: int = 0, line: int = 0) -> None:
        """Open a file.

        Args:
            path: of it.
            offset: bytes that were read before.
            line: lines that these are.

        Raises:
            OSError: it cannot be opened.
        """
        self.path = path
        self.offset = offset
        self.line = line
        # Not to wait for a writer where somebody put a FIFO in the place of a log.
        self._stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)
        self._is_in_long_line = False

    def close(self) -> None:
        """Give it back."""
        self._stream.close()

    @property
    def key(self) -> tuple[int, int]:
        """Device and inode: which file it is, whatever its name."""
        status = os.fstat(self._stream.fileno())
        return status.st_dev, status.st_ino

    def size(self) -> int:
        """Return how long it is now (bytes)."""
        return os.fstat(self._stream.fileno()).st_size

    def beginning(self, size: int) -> bytes:
        """Return its first bytes, at most so many."""
        return os.pread(self._stream.fileno(), size, 0)

    def was_emptied(self) -> bool:
        """Whether it is shorter than what was read of it."""
        return self.size() < self.offset

    def begin_anew(self) -> None:
        """Read from its beginning again."""
        self.offset = self.line = 0
        self._is_in_long_line = False

    def read(self, *, at_most: int = MAX_READ_BYTES, to_end: bool = False) -> Lines:
        """Return the whole lines that came since; none if there are none.

        Args:
            at_most: bytes read.
            to_end: take a last line without an end, too: nobody writes to the file any more.
        """
        start = self.offset
        chunk = os.pread(self._stream.fileno(), at_most, start)
        whole = chunk.rfind(b"\n") + 1
        if not whole and len(chunk) > MAX_LINE_BYTES:
            return self._pass_over(len(chunk))
        if to_end and len(chunk) < at_most:
            whole = len(chunk)
        if not whole:
            return Lines([], start)
        self.offset = start + whole
        pieces = chunk[:whole].split(b"\n")
        if not pieces[-1]:
            pieces.pop()
        if start == 0:
            pieces[0] = pieces[0].removeprefix(BOM)
        lines: list[tuple[int, bytes]] = []
        long: list[int] = []
        for piece in pieces:
            self.line += 1
            if self._is_in_long_line or len(piece) > MAX_LINE_BYTES:
                long.append(self.line)
                self._is_in_long_line = False
            else:
                lines.append((self.line, piece.rstrip(b"\r").strip(b"\0")))
        return Lines(lines, self.offset, tuple(long))

    def _pass_over(self, size: int) -> Lines:
        """Leave out a part of a line that is too long; its end comes later."""
        self.offset += size
        self._is_in_long_line = True
        return Lines([], self.offset)
