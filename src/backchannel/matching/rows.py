"""From records to what is found in them: which cells are judged, and which indicators a record then holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from backchannel.logs.cells import Cell, cell_of
from backchannel.logs.layout import FieldAt, Layout, Row
from backchannel.logs.recognise import Record
from backchannel.logs.shape import LogShape
from backchannel.matching.compiled import CellKey
from backchannel.matching.index import Met


class Found(NamedTuple):
    """One indicator in one record."""

    path: str
    format: str
    line: int
    """Counted from 1 in the uncompressed file."""
    field: FieldAt
    met: Met
    layout: Layout
    cells: Row


def cells_in(batch: Sequence[Record]) -> set[CellKey]:
    """Return what records hold in the fields that are read."""
    found: set[CellKey] = set()
    for record in batch:
        cells = record.cells
        for one in record.layout.fields:
            cell = cell_of(one, cells)
            if cell is not None:
                found.add((one.reading, one.is_list, cell))
    return found


def conditions(layout: Layout, met: dict[CellKey, tuple[Met, ...]]) -> dict[str, list[Cell]]:
    """Return for each column the texts that hit; a URL in parts is looked up by its target."""
    wanted: dict[str, list[Cell]] = {}
    for one in layout.fields:
        for reading, is_list, cell in met:
            if (reading, is_list) != (one.reading, one.is_list) or isinstance(cell, tuple) != (
                len(one.columns) > 1
            ):
                continue
            text = cell[-1] if isinstance(cell, tuple) else cell
            if text is not None:
                wanted.setdefault(f"c{one.columns[-1]}", []).append(text)
    return wanted


def in_row(
    path: str,
    shape: LogShape,
    line: int,
    cells: Row,
    met: dict[CellKey, tuple[Met, ...]],
    *,
    layout: Layout | None = None,
) -> Iterator[Found]:
    """Yield the indicators in one record, each once: where it is met exactly, else where it is met first."""
    best: dict[int, Found] = {}
    layout = layout or shape.layout
    for one in layout.fields:
        cell = cell_of(one, cells)
        if cell is None:
            continue
        for match in met.get((one.reading, one.is_list, cell), ()):
            if match.side and one.side != match.side:
                continue
            known = best.get(match.object_row)
            if known is None or (known.met.scope != "exact" and match.scope == "exact"):
                best[match.object_row] = Found(path, layout.format, line, one, match, layout, cells)
    yield from best.values()
