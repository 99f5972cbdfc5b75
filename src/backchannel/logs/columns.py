"""Logs of columns: a header names them, or they are fixed; what is in each, a table says.

A later header changes the columns from there on. A line with fewer cells than columns was cut: what it has is read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import Final

from backchannel.logs.layout import Layout, Row, layout_of
from backchannel.logs.records import UNSET, CutLineError, ReadLine
from backchannel.logs.shape import LogShape
from backchannel.logs.tables import ColumnTable
from backchannel.logs.times import Assumed

_JOINED: Final = re.compile(r"([+?])")
"""Stands in a name between those of columns that are read as one: `date+time` with a blank between them,
`stem?query` with the mark of a query, where there is one."""
MAX_COLUMNS: Final = 2_000
LOOKED_AT: Final = 50
"""Lines at the beginning of a log among which its header is."""


def column_shape(table: ColumnTable, sample: Sequence[bytes], assumed: Assumed) -> LogShape | None:
    """Return the shape of a log if it has the columns of a table, None if it has not."""
    if table.columns:
        return _fixed(table, sample, assumed)
    for number, line in enumerate(sample[:LOOKED_AT]):
        text = line.decode("utf-8", "replace")
        if not text.strip():
            continue
        if table.header and text.startswith("#"):
            if text.startswith(table.header):
                lines = number + 1
                while lines < len(sample) and sample[lines].startswith(b"#"):
                    lines += 1
                return _below(table, text, assumed, header_lines=lines)
            continue
        return None if table.header else _named_first(table, text, assumed, header_lines=number + 1)
    return None


def _fixed(table: ColumnTable, sample: Sequence[bytes], assumed: Assumed) -> LogShape | None:
    """Return the shape of a log that does not name its columns, None if not most of its lines look like them."""
    lines = [line for line in sample if line.strip()][:LOOKED_AT]
    like = sum(1 for line in lines if _is_like(table, line.decode("utf-8", "replace")))
    if not like or like * 2 < len(lines):
        return None
    layout, read = _reader(table, table.columns, table.separator, assumed, width=table.least)
    return LogShape(table.format, layout, read, "text")


def _is_like(table: ColumnTable, text: str) -> bool:
    try:
        cells = _cells(text, table.separator)
    except ValueError:
        return False
    places = [(table.columns.index(name), form) for name, form in table.told_by]
    has_width = table.least <= len(cells) <= len(table.columns)
    return has_width and all(re.fullmatch(form, cells[place]) for place, form in places)


def _below(table: ColumnTable, header: str, assumed: Assumed, *, header_lines: int) -> LogShape:
    """Return the shape below a line such as `#Fields:`."""
    text = header.removeprefix(table.header).strip()
    separator = next((mark for mark in (",", "\t") if mark in text), " ")
    layout, read = _reader(table, text.split(separator)[:MAX_COLUMNS], separator, assumed)

    def changed(line: bytes) -> LogShape | None:
        if not line.startswith(b"#"):
            return None
        later = line.decode("utf-8", "replace")
        return _below(table, later, assumed, header_lines=0) if later.startswith(table.header) else shape

    shape = LogShape(table.format, layout, read, "text", header_lines=header_lines, header=changed)
    return shape


def _named_first(table: ColumnTable, header: str, assumed: Assumed, *, header_lines: int) -> LogShape | None:
    """Return the shape below a first line of names, None if it has none of the table's."""
    names = [name.strip() for name in _cells(header.removeprefix("\ufeff"), table.separator)[:MAX_COLUMNS]]
    layout, read = _reader(table, names, table.separator, assumed)
    if not layout.fields:
        return None

    def changed(line: bytes) -> LogShape | None:
        return shape if line.decode("utf-8", "replace") == header else None

    shape = LogShape(table.format, layout, read, "text", header_lines=header_lines, header=changed)
    return shape


def _reader(
    table: ColumnTable, names: Sequence[str], separator: str, assumed: Assumed, *, width: int = 0
) -> tuple[Layout, ReadLine]:
    if table.is_utc:
        assumed = replace(assumed, zone=UTC)
    wanted = {
        *table.fields.time, *table.fields.source, *table.fields.destination, *table.fields.addresses,
        *(one.name for one in table.fields.fields),
        *(part for url in table.fields.urls for part in (url.host, url.port, url.target)),
    }  # fmt: skip
    places = {}
    for name in sorted(wanted - {""}):
        parts = [name] if name in names else _JOINED.split(name)
        if all(part in names for part in parts[::2]):
            mark = "?" if "?" in parts[1::2] else " "
            places[name] = mark, tuple(names.index(part) for part in parts[::2])
    layout = layout_of(table.format, table.fields, {name: [(name,)] for name in places}, assumed)
    picked = [places[path[0]] for path in layout.columns]
    width = width or len(names)

    def read(line: bytes) -> tuple[Layout, Row]:
        cells = _cells(line.decode("utf-8", "replace"), separator)
        row = tuple(_cell(cells, mark, several) for mark, several in picked)
        if len(cells) < width:
            raise CutLineError(
                f"the line has {len(cells)} of {width} columns: it was cut, or its header is another's", row
            )
        return layout, row

    return layout, read


def _cells(text: str, separator: str) -> list[str]:
    if '"' not in text or separator == " ":
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator), [])
    except csv.Error as error:
        raise ValueError(f"its cells cannot be told apart: {error}") from None


def _cell(cells: Sequence[str], mark: str, places: tuple[int, ...]) -> str | None:
    """Return what stands in a column, or in several of them; None where it, or the first of them, is empty."""
    if len(places) == 1:
        cell = cells[places[0]] if places[0] < len(cells) else ""
        return None if cell in UNSET else cell
    parts = [cells[place] for place in places if place < len(cells) and cells[place] not in UNSET]
    has_all = len(parts) == len(places) or (mark == "?" and parts and cells[places[0]] == parts[0])
    return mark.join(parts) if has_all else None
