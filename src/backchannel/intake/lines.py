"""Read a stream line by line in bounded memory, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

MAX_LINE_BYTES: Final = 64 * 2**10
"""Longest line of a list or table (bytes); a longer one is no observable."""


class Line(NamedTuple):
    """One line."""

    number: int
    """From 1."""
    data: bytes
    """With its line end; cut if `is_cut`."""
    is_cut: bool


def lines(stream: BinaryIO, *, max_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """Yield each line of `stream`; of one longer than `max_bytes` only its beginning.

    A byte order mark before the first line is left out. Raises whatever the stream raises.
    """
    number = 0
    while data := stream.readline(max_bytes + 2):
        number += 1
        is_cut = len(data) > max_bytes and not data.endswith(b"\n")
        if is_cut:
            _pass_rest(stream, max_bytes)
        if number == 1:
            data = data.removeprefix(b"\xef\xbb\xbf")
        yield Line(number, data, is_cut)


def _pass_rest(stream: BinaryIO, step: int) -> None:
    while (rest := stream.readline(step)) and not rest.endswith(b"\n"):
        pass
