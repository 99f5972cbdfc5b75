"""Find the rows of a table and their cells: a quoted cell may go over several lines, and a stray quote over none."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from backchannel.intake.lines import MAX_LINE_BYTES, Line
from backchannel.intake.values import is_comment

MAX_COLUMNS: Final = 200
"""Most columns of a table."""
MAX_CELL_CHARS: Final = 16 * 1024
"""Longest cell read (characters)."""
MAX_ROW_LINES: Final = 64
"""Most lines of one row."""

_OPEN_QUOTE: Final = "unexpected end of data"
"""What the reader says of a row whose last quoted cell does not close: it may go on in the next line."""
_UNCLOSED: Final = "a quotation mark in the row never closes: close it, or leave it out"


class Row(NamedTuple):
    """One row as it stands in the file: from `number`, over one line or several."""

    number: int
    data: bytes
    problem: str
    """Why it cannot be read; "" if it can."""


def cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of one row, blanks around them cut.

    Raises:
        ValueError: its quotes do not close, or it has more than `MAX_COLUMNS` cells or too long ones.
    """
    csv.field_size_limit(MAX_CELL_CHARS)
    try:
        rows = list(csv.reader([line.strip("\r\n")], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    found = rows[0] if rows else []
    if len(found) > MAX_COLUMNS:
        raise ValueError(f"more than {MAX_COLUMNS} cells")
    return [cell.strip() for cell in found]


def rows(source: Iterator[Line], delimiter: str) -> Iterator[Row]:
    """Join lines that a quoted cell spans; a quote that never closes costs its own line only."""
    again: deque[Line] = deque()
    held: list[Line] = []
    while True:
        line = again.popleft() if again else next(source, None)
        if line is not None:
            held.append(line)
        elif not held:
            return
        state = "broken" if line is None else _state(held, delimiter)
        if state == "whole":
            yield _row(held, "")
            held = []
        elif state == "broken":
            again.extendleft(reversed(held[1:]))
            yield _row(held[:1], _UNCLOSED)
            held = []


def _state(held: Sequence[Line], delimiter: str) -> Literal["whole", "open", "broken"]:
    """Return whether lines are one row, the beginning of one, or were wrongly joined; but the last, they are open."""
    newest = held[-1]
    is_alone = len(held) == 1
    if newest.is_cut or (
        is_alone and (b'"' not in newest.data or is_comment(newest.data.decode(errors="replace")))
    ):
        return "whole" if is_alone else "broken"
    is_too_long = len(held) > MAX_ROW_LINES or sum(len(line.data) for line in held) > MAX_LINE_BYTES
    if b'"' not in newest.data:
        return "broken" if is_too_long else "open"
    try:
        cells(b"".join(line.data for line in held).decode(errors="replace"), delimiter)
    except ValueError as error:
        if _OPEN_QUOTE not in str(error):
            return "whole" if is_alone else "broken"
        return "broken" if is_too_long else "open"
    return "whole"


def _row(whole: Sequence[Line], problem: str) -> Row:
    data = b"".join(line.data for line in whole)
    if whole[0].is_cut:
        problem = f"the row is longer than {MAX_LINE_BYTES // 2**10} KiB: split it"
    try:
        data.decode()
    except UnicodeDecodeError:
        problem = "the row is not UTF-8: save the file as UTF-8"
    return Row(whole[0].number, data, problem)
