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
    for layout, rows in by_layout(batch):
        for one in layout.fields:
            # Most records hold what others hold, too: what is done for each is done for few.
            if len(one.columns) == 1:
                column = one.columns[0]
                cells: set[Cell | None] = {row[column] for row in rows}
            else:
                cells = {cell_of(one, row) for row in rows}
            found.update([(one.reading, one.is_list, cell) for cell in cells if cell is not None])
    return found


def by_layout(batch: Sequence[Record]) -> list[tuple[Layout, list[Row]]]:
    """Return the rows of some records, those of one layout together."""
    groups: dict[int, tuple[Layout, list[Row]]] = {}
    for _, layout, cells in batch:
        group = groups.get(id(layout))
        if group is None:
            groups[id(layout)] = (layout, [cells])
        else:
            group[1].append(cells)
    return list(groups.values())


def holding(batch: Sequence[Record], met: dict[CellKey, tuple[Met, ...]]) -> Iterator[Record]:
    """Yield the records that hold what was met, in their order, and perhaps some besides."""
    places: dict[int, list[tuple[int, frozenset[Cell]]]] = {}
    for record in batch:
        own = places.get(id(record.layout))
        if own is None:
            wanted = conditions(record.layout, met)
            own = places[id(record.layout)] = [
                (int(name[1:]), frozenset(texts)) for name, texts in wanted.items()
            ]
        cells = record.cells
        for column, texts in own:
            if cells[column] in texts:
                yield record
                break


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
