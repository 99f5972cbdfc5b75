"""Logs in Parquet: their rows are read by the database, as records of the JSON format whose names their columns have."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backchannel import codec
from backchannel.logs.layout import Layout
from backchannel.logs.layout import Path as Way
from backchannel.logs.opening import PARQUET_MAGIC, UnreadableLogError
from backchannel.logs.recognise import AS_THEY_ARE, ReadAs, UnknownFormatError, log_id, recognise
from backchannel.logs.shape import LogShape
from backchannel.logs.times import Assumed, TimeReader
from backchannel.matching import engine

if TYPE_CHECKING:
    from backchannel.matching.engine import Connection

PARQUET: Final = "parquet"
_SAMPLED: Final = 200
_TAIL_BYTES: Final = 2**16
"""Of a file's end, where its own table of contents is: other rows give another."""
_NUMBERS: Final = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
)


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its content; False for one that cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) == PARQUET_MAGIC
    except OSError:
        return False


def shape_of(database: Connection, path: Path, read_as: ReadAs) -> tuple[LogShape, list[bytes]]:
    """Return the shape of a log, and a sample of its records as lines of JSON, the first of which tells it from others.

    Raises:
        UnreadableLogError: it is damaged.
        UnknownFormatError: it is empty, or its columns are those of no format.
    """
    query = f"SELECT to_json(t)::VARCHAR FROM read_parquet({_text(path)}) t LIMIT {_SAMPLED}"  # noqa: S608  # quoted
    sample: list[bytes] = []
    try:
        rows = database.execute(query).fetchall()
        if not rows:
            raise UnknownFormatError("it is empty")
        sample = [str(row[0]).encode() for row in rows]
        # A column of a file says nothing of the others: all rows have all of them.
        shape = recognise(sample, format_=read_as.format, assumed=Assumed(read_as.zone))
        layout = _with_time(database, path, shape.layout)
    except engine.Error as error:
        raise UnreadableLogError(f"it is damaged: {str(error).splitlines()[0][:200]}") from None
    except UnknownFormatError:
        raise UnknownFormatError(
            "its columns are those of no format that is read" if sample else "it is empty"
        ) from None
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        told = codec.encode({PARQUET: hashlib.sha256(stream.read(_TAIL_BYTES)).hexdigest()})
    return replace(shape, layout=layout, how=PARQUET), [told, *sample]


def log_id_of(path: Path) -> str:
    """Return what tells a log from others (`logs.recognise.log_id`).

    Raises:
        UnreadableLogError: it is damaged.
        UnknownFormatError: it is empty, or its columns are those of no format.
    """
    with engine.connect(config={"threads": 1}) as database:
        return log_id(*shape_of(database, path, AS_THEY_ARE))


def source(database: Connection, path: Path, layout: Layout) -> str:
    """Return the query for the cells of a log, as `matching.bulk` has them."""
    types = _types(database, path, layout)
    shown = [_as_cell(layout, n, way, types[n]) + f" AS c{n}" for n, way in enumerate(layout.columns)]
    return f"SELECT {', '.join([*shown, 'false AS odd'])} FROM read_parquet({_text(path)})"  # noqa: S608  # quoted


def _with_time(database: Connection, path: Path, layout: Layout) -> Layout:
    """Nothing is watched for; a time that the database reads as such becomes a number of seconds."""
    layout = replace(layout, watched=(), telling=(), always=(), untold=())
    if layout.time < 0:
        return layout
    kind = _types(database, path, layout)[layout.time]
    if kind.startswith("TIMESTAMP"):
        return replace(layout, has_numeric_time=True, times=TimeReader(assumed=layout.times.assumed))
    return replace(layout, has_numeric_time=kind.startswith(_NUMBERS))


def _types(database: Connection, path: Path, layout: Layout) -> list[str]:
    """Return the type of each column, "" for a member that the lists of this file do not have."""
    return [_type(database, path, way) for way in layout.columns]


def _type(database: Connection, path: Path, way: Way) -> str:
    query = f"DESCRIBE SELECT {_expression(way)} FROM read_parquet({_text(path)})"  # noqa: S608  # quoted
    try:
        return str(database.execute(query).fetchall()[0][1])
    except engine.Error:
        if "[]" in way:
            return ""
        raise


def _as_cell(layout: Layout, number: int, way: Way, kind: str) -> str:
    if not kind:
        return "NULL::VARCHAR"
    value = _expression(way)
    if number == layout.time and layout.has_numeric_time:
        return f"epoch_us({value}) / 1e6" if kind.startswith("TIMESTAMP") else f"{value}::DOUBLE"
    return (
        f"to_json({value})::VARCHAR"
        if kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
        else f"{value}::VARCHAR"
    )


def _expression(way: Way) -> str:
    if "[]" not in way:
        return ".".join(_name(key) for key in way)
    at = way.index("[]")
    inner, member = (".".join(_name(key) for key in keys) for keys in (way[:at], way[at + 1 :]))
    return f"list_filter(list_transform({inner}, lambda x: x.{member}), lambda y: y IS NOT NULL)"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
