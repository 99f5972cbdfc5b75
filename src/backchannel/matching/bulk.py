"""Read a large log with DuckDB: the wanted columns into a table, whose distinct cells are then matched.

Cost is that of parsing, nearly whatever the number of indicators. The table's row numbers are the log's
line numbers only while each line gives one row; `BulkLog.trusted` says so, and a log that cannot be
trusted is read line by line instead. Lines that gave nothing are read again by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backchannel import codec
from backchannel.logs.cells import Cell
from backchannel.logs.layout import FieldAt, Layout, Row
from backchannel.logs.layout import Path as Way
from backchannel.logs.lines import MAX_LINE_BYTES
from backchannel.logs.records import UNSET
from backchannel.logs.shape import LogShape
from backchannel.logs.shown import EMPTY, LogShown, form_of
from backchannel.logs.times import NUMBERS
from backchannel.matching import parquet, probing
from backchannel.matching.compiled import CellKey, CompiledSet
from backchannel.matching.day_index import DAY_SECONDS, NO_DAY
from backchannel.observables.kinds import Kind

if TYPE_CHECKING:
    from backchannel.matching.engine import Connection

MIN_BULK_BYTES: Final = 4 * 2**20
"""A smaller log is read line by line: starting a scan costs more than it saves."""
MAX_ODD_LINES: Final = 10_000
"""Lines of one log that are read again by themselves; with more, all of it is read line by line."""
_COUNTED_BYTES: Final = 2**17
"""Read at once to count lines: fits the processor's cache."""
_HEADER: Final = b"\n#fields"


def is_plain(path: Path, shape: LogShape, size: int) -> bool:
    """Whether a log can be read in bulk: for a table, no line too long, one header, and no stray returns.

    Of JSON DuckDB itself refuses what is no lines; `load` raises then.
    """
    if size < MIN_BULK_BYTES or shape.how != "table":
        return size >= MIN_BULK_BYTES and shape.how == "json"
    with path.open(
        "rb"
    ) as stream:  # and not a map of it: who emptied the log meanwhile would end this process
        head = [stream.readline(MAX_LINE_BYTES + 1) for _ in range(shape.header_lines)]
        if any(len(line) > MAX_LINE_BYTES or b"\r" in line for line in head):
            return False
        left, begun, before = size - sum(map(len, head)), 0, b"\n"
        while left > 0 and (piece := stream.read(min(left, _COUNTED_BYTES))):
            left -= len(piece)
            first = piece.find(b"\n")
            begun += len(piece) if first < 0 else first
            if begun > MAX_LINE_BYTES or b"\r" in piece or _HEADER in before + piece:
                return False
            if first >= 0:
                begun = len(piece) - 1 - piece.rfind(b"\n")
            before = piece[1 - len(_HEADER) :]
    return True


def count_lines(path: Path, size: int) -> int:
    """Return the number of lines in the first `size` bytes, a last one without an end included."""
    lines, left, chunk = 0, size, b"\n"
    with path.open("rb", buffering=0) as stream:
        while left > 0 and (read := stream.read(min(left, _COUNTED_BYTES))):
            chunk = read
            # Making the lines is twice as fast as `count`, which looks at each byte by itself.
            lines += len(BytesIO(chunk).readlines()) - (not chunk.endswith(b"\n"))
            left -= len(chunk)
    return lines + (not chunk.endswith(b"\n"))


@dataclass(frozen=True, slots=True)
class BulkLog:
    """One log as a table."""

    database: Connection
    table: str
    shape: LogShape
    path: Path
    size: int
    rows_read: int

    @property
    def drops_lines(self) -> bool:
        """Whether a line that cannot be read gives no row at all, so that nothing may be said before a count."""
        return self.shape.how == "table"

    def is_trusted(self) -> bool:
        """Whether each line is one row, so that rows have line numbers: counts the lines of the log."""
        if self.shape.how == "parquet":
            return True
        return count_lines(self.path, self.size) - self.shape.header_lines == self.rows_read

    def odd_lines(self) -> list[int]:
        """Return the lines that have to be read by themselves, by number, at most one over `MAX_ODD_LINES`."""
        if self.shape.how == "parquet":
            return []
        where = "odd" if self.shape.how == "table" else f"odd OR ({_all_null(self.shape.layout)})"
        query = f"SELECT rowid FROM {self.table} WHERE {where} LIMIT {MAX_ODD_LINES + 1}"  # noqa: S608
        rows = self.database.execute(query).fetchall()
        return [self.line(row[0]) for row in rows]

    def note_shown(self, shown: LogShown) -> None:
        """Say what the records show that need not be read by themselves."""
        for one in self.shape.layout.fields:
            if shown.kinds.issuperset(one.shows):
                continue
            # A URL in parts needs its host and its target.
            has = " AND ".join(f"c{n} NOT IN {_NO_VALUE}" for n in {one.columns[0], one.columns[-1]})
            if form := form_of(one.shows, one.reading):
                has += f" AND regexp_matches(c{one.columns[0]}::VARCHAR, {_text(form)})"
            query = f"SELECT 1 FROM {self.table} WHERE NOT odd AND {has} LIMIT 1"  # noqa: S608
            if self.database.execute(query).fetchall():
                shown.kinds.update(one.shows)
        if self.shape.layout.time >= 0:
            time = f"c{self.shape.layout.time}"
            ends = f"min({time})::VARCHAR, max({time})::VARCHAR"
            # The text of a time sorts as the time does, as one program writes it.
            is_time = "" if self.shape.layout.has_numeric_time else f"AND {time} NOT IN {_NO_VALUE}"
            query = f"SELECT {ends} FROM {self.table} WHERE NOT odd {is_time}"  # noqa: S608
            shown.span(self.shape.layout, *self.database.execute(query).fetchall()[0])

    def line(self, row: int) -> int:
        """Return the number of the line of a row."""
        return int(row) + 1 + self.shape.header_lines

    def days_query(self, one: FieldAt, *, first_row: int, end_row: int | None) -> str:
        """Return the query for the cells of a field by day: its parts, day, records, first and last second of the day.

        Args:
            one: the field.
            first_row: rows before it are left out, and those that are read by themselves.
            end_row: so are this one and those behind it, unless None.
        """
        is_table = self.shape.how == "table"
        parts = [_or_unset(f"c{n}", is_table=is_table) if n >= 0 else "NULL" for n in one.columns]
        named = ", ".join(f"{part} AS p{n}" for n, part in enumerate(parts))
        cell = ", ".join(f"p{n}" for n in range(len(parts)))
        rows = f"NOT odd AND rowid >= {first_row}" if first_row else "NOT odd"
        rows += "" if end_row is None else f" AND rowid < {end_row}"
        return (
            f"SELECT {cell}, coalesce(moment // {DAY_SECONDS}, {NO_DAY}), count(*), "  # noqa: S608  # our own names
            f"coalesce(min(moment % {DAY_SECONDS}), -1), coalesce(max(moment % {DAY_SECONDS}), -1) "
            f"FROM (SELECT {named}, {self._second()} AS moment FROM {self.table} WHERE {rows}) "
            f"WHERE p{len(parts) - 1} IS NOT NULL GROUP BY {cell}, moment // {DAY_SECONDS}"
        )

    def _second(self) -> str:
        """The second of a record since 1970, NULL where it has no time since then that can be read."""
        layout = self.shape.layout
        if layout.time < 0:
            return "NULL::BIGINT"
        time, forms = f"c{layout.time}", layout.times.forms
        number = time if layout.has_numeric_time else f"try_cast({time} AS DOUBLE)"
        # Without its zone a time would be read as of wherever this runs.
        zoned = f"{time} || CASE WHEN regexp_matches({time}, '{_ZONED}') THEN '' ELSE 'Z' END"
        ways = [f"{number} / {NUMBERS[form]}" for form in forms if form in NUMBERS]
        if "rfc3339" in forms and not layout.has_numeric_time and self.shape.how != "table":
            ways.append(f"epoch(try_cast({zoned} AS TIMESTAMPTZ))")
        found = f"coalesce({', '.join(ways)})"
        return f"CASE WHEN {found} >= 0 AND {found} < {LATEST_SECOND} THEN floor({found})::BIGINT END"

    @property
    def tells_days(self) -> bool:
        """Whether the database can read the times of the log."""
        times, is_number = self.shape.layout.times, self.shape.layout.has_numeric_time
        has_zone = is_number or times.assumed.zone is UTC
        return has_zone and all(form in NUMBERS or form == "rfc3339" for form in times.forms)

    def candidates(self, compiled: CompiledSet, off: Collection[Kind]) -> set[CellKey]:
        """Return the cells that share a probe with some entry that is not of a kind in `off`."""
        fields = self.shape.layout.fields
        values, shared = [], []
        for number, field in enumerate(fields):
            probes = probing.probes(f"value{number}", field, compiled, off)
            if probes:
                distinct = probing.values(self.table, field, is_json=self.shape.how != "table")
                values.append(f"value{number} AS MATERIALIZED ({distinct})")
                shared.append(f"SELECT {number} AS field, cell, probe FROM ({probes})")  # noqa: S608
        if not shared:
            return set()
        seen = f"seen AS MATERIALIZED ({' UNION ALL '.join(shared)})"
        query = f"WITH {', '.join([*values, seen])} {_SHARED}"
        found: set[CellKey] = set()
        for number, cell in self.database.execute(query).fetchall():
            field = fields[number]
            found.add((field.reading, field.is_list, _cell(field, cell)))
        return found

    def rows(self, cells: dict[str, list[Cell]]) -> Iterator[tuple[int, Row]]:
        """Yield line number and cells of the records that hold one of `cells` in the column it came from.

        Args:
            cells: for each condition's column (`c0`, ...), the texts wanted there.
        """
        if not cells:
            return
        layout = self.shape.layout
        self.database.execute("CREATE OR REPLACE TEMP TABLE hitting (col VARCHAR, cell VARCHAR)")
        for column, texts in cells.items():
            self.database.execute(
                "INSERT INTO hitting SELECT ?, unnest(?::VARCHAR[])",
                [column, sorted({str(t) for t in texts})],
            )
        # A join for each column is twice as fast as one pass with all conditions.
        hit = " UNION ".join(
            f"SELECT rowid FROM {self.table} WHERE {column} IN (SELECT cell FROM hitting WHERE col = '{column}')"  # noqa: S608  # our own names
            for column in cells
        )
        shown = ", ".join(f"c{n}::VARCHAR" for n in range(len(layout.columns)))
        query = f"SELECT rowid, {shown} FROM {self.table} WHERE NOT odd AND rowid IN ({hit}) ORDER BY rowid"  # noqa: S608
        cursor = self.database.execute(query)
        while batch := cursor.fetchmany(10_000):
            for row in batch:
                yield self.line(row[0]), _unset(tuple(row[1:]), self.shape)


_NO_VALUE: Final = f"({', '.join(repr(text) for text in sorted(EMPTY))})"

_ZONED: Final = "(?:Z|[+-][0-9]{2}:?[0-9]{2})$"
LATEST_SECOND: Final = 253_402_300_800
"""Second at which the year 10000 begins: no time that we read is later."""

_SHARED: Final = """
SELECT DISTINCT field, cell FROM seen JOIN wanted USING (probe)
UNION
SELECT field, cell FROM seen WHERE probe IS NULL
"""


def load(compiled: CompiledSet, path: Path, shape: LogShape, *, size: int, table: str) -> BulkLog:
    """Read a log into a table; raises `engine.Error` where DuckDB cannot."""
    if shape.how == "parquet":
        source = parquet.source(compiled.database, path, shape.layout)
    else:
        source = _table_source(path, shape) if shape.how == "table" else _json_source(path, shape.layout)
    compiled.database.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {source}")
    rows = compiled.database.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]  # noqa: S608
    return BulkLog(compiled.database, table, shape, path, size, int(rows))


def _cell(field: FieldAt, text: str) -> Cell:
    return tuple(codec.decode(text)) if len(field.columns) > 1 else text


def _or_unset(column: str, *, is_table: bool) -> str:
    return f"CASE WHEN {column} NOT IN {_NO_VALUE} THEN {column} END" if is_table else column


def _unset(cells: Row, shape: LogShape) -> Row:
    if shape.how != "table":
        return cells
    return tuple(None if cell in UNSET else cell for cell in cells)


def _all_null(layout: Layout) -> str:
    return " AND ".join(f"c{n} IS NULL" for n in range(len(layout.columns))) or "true"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _table_source(path: Path, shape: LogShape) -> str:
    names = [f"n{n}" for n in range(len(shape.names))]
    columns = "{" + ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names) + "}"
    picked = [names[shape.names.index(way[0])] for way in shape.layout.columns]
    shown = ", ".join(f"{name} AS c{n}" for n, name in enumerate(picked))
    # A padded cell is NULL: the line was cut. A line that begins with # is a comment.
    odd = f"{names[-1]} IS NULL OR n0[1] = '#' AS odd"
    return (
        f"SELECT {shown + ', ' if shown else ''}{odd} FROM read_csv({_text(str(path))}, auto_detect = false, "  # noqa: S608
        f"header = false, skip = {shape.header_lines}, delim = '\\t', quote = '', escape = '', comment = '', "
        f"nullstr = '\x01', null_padding = true, ignore_errors = true, strict_mode = false, "
        f"max_line_size = {MAX_LINE_BYTES}, columns = {columns})"
    )


def _json_source(path: Path, layout: Layout) -> str:
    ways = (*layout.columns, *layout.telling, *([layout.always] if layout.always else []))
    types = _types(ways)
    if layout.has_numeric_time:
        types[layout.columns[layout.time][0]] = "DOUBLE"  # a third of the memory that text takes
    columns = "{" + ", ".join(f"{_name(key)}: {_text(kind)}" for key, kind in types.items()) + "}"
    shown = ", ".join(f"{_expression(way)} AS c{n}" for n, way in enumerate(layout.columns))
    signs = [f"{_expression(way)} IS NOT NULL" for way in layout.telling]
    if layout.time >= 0:
        # Each record of this format has one: without it, it may be of another.
        signs.append(f"{_expression(layout.columns[layout.time])} IS NULL")
    if layout.always:
        signs.append(f"{_expression(layout.always)} IS NULL")
    odd = " OR ".join(signs) or "false"
    return (
        f"SELECT {shown + ', ' if shown else ''}{odd} AS odd FROM read_json({_text(str(path))}, "  # noqa: S608
        f"format = 'newline_delimited', ignore_errors = true, columns = {columns})"
    )


def _types(ways: tuple[Way, ...]) -> dict[str, str]:
    """Return the type of each key of a record: text, or for what is looked into a struct or a list of them."""
    below: dict[str, list[Way]] = {}
    for way in ways:
        below.setdefault(way[0], []).append(way[1:])
    return {key: _type([rest for rest in rests if rest]) for key, rests in below.items()}


def _type(rests: list[Way]) -> str:
    if not rests:
        return "VARCHAR"
    if any(rest[0] == "[]" for rest in rests):
        return _type([rest[1:] for rest in rests if rest[0] == "[]" and len(rest) > 1]) + "[]"
    inner = _types(tuple(rests))
    return "STRUCT(" + ", ".join(f"{_name(key)} {kind}" for key, kind in inner.items()) + ")"


def _expression(way: Way) -> str:
    if "[]" not in way:
        return ".".join(_name(key) for key in way)
    at = way.index("[]")
    inner = ".".join(_name(key) for key in way[:at])
    member = ".".join(_name(key) for key in way[at + 1 :])
    return f"to_json(list_filter(list_transform({inner}, lambda x: x.{member}), lambda y: y IS NOT NULL))::VARCHAR"
