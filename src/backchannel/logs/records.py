"""Read one line of a log into the cells of its layout."""

from __future__ import annotations

from collections.abc import Callable

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.logs.layout import Layout, Path, Row, has, json_layout
from backchannel.logs.tables import Mark, json_tables
from backchannel.logs.times import Assumed

UNSET = frozenset({"-", "(empty)", ""})
"""What Zeek's ASCII writer puts for no value and for an empty list."""

ReadLine = Callable[[bytes], tuple[Layout, Row]]
"""Returns the cells of a line (without its line end) and where they are from; raises `ValueError` with a
sentence for a broken one."""


MAX_LAYOUTS = 1_000
"""Layouts kept of records that are read by one of their own."""
MAX_KEPT_LINE_BYTES = 2**14
"""A longer record's is not kept: bounds the memory that hostile keys take."""


def json_format(record: JsonObject) -> str | None:
    """Return the format that a JSON record is of by its keys, None if it is none of ours."""
    for table in json_tables():
        if any(_bears(record, mark) for mark in table.marks):
            return table.format
    return None


def _bears(record: JsonObject, mark: Mark) -> bool:
    return record.keys() >= mark.every and (
        not mark.some
        or not mark.some.isdisjoint(record)
        or any(isinstance(record.get(key), dict) for key in mark.objects)
    )


def json_reader(layout: Layout, assumed: Assumed) -> ReadLine:
    """Return the reader of JSON records.

    A record with a known field that the sample lacked, or of another format, is read by a layout of its own.
    A line that is not UTF-8 is read with its wrong bytes replaced: what else is in it still counts.
    """
    watched: dict[str, list[Path]] = {}
    for path in layout.watched:
        watched.setdefault(path[0], []).append(path)
    time = layout.columns[layout.time] if layout.time >= 0 else ()
    keys, tells = _plain_keys(layout), frozenset(watched)
    own: dict[object, Layout] = {}

    def own_layout(record: JsonObject, format_: str, size: int) -> Layout:
        key = (format_, _keys(record)) if size <= MAX_KEPT_LINE_BYTES else None
        known = own.get(key)
        if known is None:
            known = json_layout(format_, [record], assumed)
            if key is not None and len(own) < MAX_LAYOUTS:
                own[key] = known
        return known

    def read(line: bytes) -> tuple[Layout, Row]:
        try:
            record = codec.decode(line)
        except ValueError:
            record = _repaired(line)
        if not isinstance(record, dict):
            raise ValueError("the line is no JSON object")  # noqa: TRY004  # a line of a log, not a type of ours
        if keys and time[0] in record and tells.isdisjoint(record):  # nearly every record
            return layout, _plain_cells(record, keys)
        here = layout
        if time and not has(record, time):
            here = own_layout(record, json_format(record) or layout.format, len(line))
            if not here.columns:
                raise ValueError("the record is of no format that is read: nothing in it is searched")
        elif any(has(record, path) for key in record if key in watched for path in watched[key]):
            here = own_layout(record, layout.format, len(line))
        return here, tuple(_cell(record, path) for path in here.columns)

    return read


def _plain_keys(layout: Layout) -> tuple[str, ...]:
    """Return the key of each column where no column lies deeper, the time among them; else none."""
    keys = tuple(path[0] for path in layout.columns if len(path) == 1)
    return keys if len(keys) == len(layout.columns) and layout.time >= 0 else ()


def _plain_cells(record: JsonObject, keys: tuple[str, ...]) -> Row:
    get = record.get
    return tuple(
        [
            value if (value := get(key)) is None or isinstance(value, str) else codec.encode(value).decode()
            for key in keys
        ]
    )


def _keys(record: JsonObject) -> tuple[object, ...]:
    """Return all that a layout depends on: which keys a record has, and which of their values are lists."""
    return tuple(
        (key, _keys(value) if isinstance(value, dict) else isinstance(value, list))
        for key, value in record.items()
    )


def table_reader(layout: Layout, places: tuple[int, ...], width: int) -> ReadLine:
    """Return the reader of Zeek's tab-separated records.

    Args:
        layout: of the file.
        places: place of each column of the layout in a line.
        width: number of columns in the header.
    """

    def read(line: bytes) -> tuple[Layout, Row]:
        cells = line.decode("utf-8", "replace").split("\t")
        if len(cells) < width:
            raise CutLineError(
                f"the line has {len(cells)} of {width} columns: it was cut, or its header is another's",
                _picked(cells, places),
            )
        return layout, _picked(cells, places)

    return read


class CutLineError(ValueError):
    """A line that ends too early; what it has is still read."""

    def __init__(self, what: str, cells: Row) -> None:
        super().__init__(what)
        self.cells = cells


def _picked(cells: list[str], places: tuple[int, ...]) -> Row:
    count = len(cells)
    return tuple(None if place >= count or cells[place] in UNSET else cells[place] for place in places)


def _repaired(line: bytes) -> object:
    text = line.decode("utf-8", "replace")
    if "\ufffd" not in text:
        raise ValueError("the line is no JSON: it was cut, or something else was written into it")
    try:
        found: object = codec.decode(text)
    except ValueError:
        raise ValueError("the line is no JSON, and no UTF-8 either") from None
    return found


def _cell(record: JsonObject, path: Path) -> str | None:
    value: object = record
    for step, key in enumerate(path):
        if key == "[]":
            return _members(value, path[step + 1 :])
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return _text(value)


def _members(value: object, rest: Path) -> str | None:
    if not isinstance(value, list):
        return None
    cells = [_cell(item, rest) for item in value if isinstance(item, dict)]
    return codec.encode([cell for cell in cells if cell is not None]).decode()


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return codec.encode(value).decode()
