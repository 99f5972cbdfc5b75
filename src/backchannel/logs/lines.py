"""The lines of a log, whatever stands between them: bounded in length, with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

MAX_LINE_BYTES = 2**20
"""Longest line that is read (DESIGN §10); a longer one is passed over and named."""
BOM = b"\xef\xbb\xbf"
"""What some programs write before UTF-8."""


def numbered(
    stream: BinaryIO, *, end: int, on_long: Callable[[int, str], None]
) -> Iterator[tuple[int, bytes]]:
    """Yield the lines in the first `end` bytes with their numbers; one over `MAX_LINE_BYTES` is passed over.

    NUL bytes around a line are left out: a log that was emptied while it was written to begins with them, and
    one of a machine that lost power ends with them.
    """
    number, left = 0, end
    while left > 0:
        line = stream.readline(min(MAX_LINE_BYTES + 1, left))
        if not line:
            return
        left -= len(line)
        number += 1
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            while left > 0 and line and not line.endswith(b"\n"):
                line = stream.readline(min(MAX_LINE_BYTES, left))
                left -= len(line)
            on_long(number, f"the line is longer than {MAX_LINE_BYTES:,} bytes: it is passed over")
            continue
        if number == 1:
            line = line.removeprefix(BOM)
        yield number, line.rstrip(b"\r\n").strip(b"\0")
