"""What a log file is, by its content; and its records, line by line, whatever stands between them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.logs.layout import Layout, Row, json_layout, table_layout
from backchannel.logs.lines import numbered
from backchannel.logs.records import FAMILIES, CutLineError, ReadLine, json_format, json_reader, table_reader

FORMATS = ("zeek-tsv", "zeek-json", "suricata-eve")
MAX_SAMPLED = 300
"""Records looked at to learn what fields a log has."""


class UnknownFormatError(ValueError):
    """The content is no log that is read here; the message says what it looks like."""


@dataclass(frozen=True, slots=True)
class LogShape:
    """How the records of one file are written."""

    format: str
    layout: Layout
    read: ReadLine
    names: tuple[str, ...] = ()
    """Columns of a tab-separated log, in order."""
    header_lines: int = 0
    """Lines before its first record."""


def recognise(sample: Sequence[bytes], *, format_: str | None = None) -> LogShape:
    """Return the shape of a log from lines at its beginning, and some from further on.

    Args:
        sample: lines without their ends, the first ones first.
        format_: one of `FORMATS` if the operator says so.

    Raises:
        UnknownFormatError: it is none of ours.
    """
    first = next((line for line in sample if line.strip()), b"")
    if format_ in {None, "zeek-tsv"}:
        shape = _table_shape(sample)
        if shape is not None:
            return shape
    records = list(_records(sample))
    found = format_ or next(filter(None, map(json_format, records[:50])), None)
    if found is None or found == "zeek-tsv" or not records:
        raise UnknownFormatError(
            _binary(b"\n".join(sample[:20]))
            or (f"nothing in it reads as {format_}, which it was said to be" if format_ else "")
            or _looks_like(first, has_records=bool(records))
        )
    alike = [record for record in records if json_format(record) in {None, found}]
    layout = json_layout(found, FAMILIES[found], alike or records)
    return LogShape(found, layout, json_reader(layout))


def log_id(shape: LogShape, sample: Sequence[bytes]) -> str:
    """Return what tells a log from others: a digest of its beginning, its first record included.

    It stays the same when the log grows, is renamed or packed, and changes when another log takes its name.

    Args:
        shape: of the log.
        sample: its lines, the first ones first.
    """
    beginning = islice((line for line in sample if line.strip()), shape.header_lines + 1)
    return hashlib.sha256(b"\n".join(beginning)).hexdigest()[:32]


def _records(sample: Sequence[bytes]) -> Iterator[JsonObject]:
    for line in (*sample[:50], *sample[50 :: 1 + len(sample) // MAX_SAMPLED]):
        if not line.lstrip().startswith(b"{"):
            continue
        try:
            value = codec.decode(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _table_shape(sample: Sequence[bytes]) -> LogShape | None:
    for number, line in enumerate(sample[:50]):
        if line.startswith(b"#fields\t"):
            lines = number + 1
            while lines < len(sample) and sample[lines].startswith(b"#"):
                lines += 1
            return table_shape(line, header_lines=lines)
        if line.startswith(b"#") or not line.strip():
            continue
        # What `zeek-cut -c` and the like leave: the names alone.
        return table_shape(b"#fields\t" + line, header_lines=number + 1) if line.startswith(b"ts\t") else None
    return None


def table_shape(header: bytes, *, header_lines: int) -> LogShape:
    """Return the shape that a `#fields` line gives."""
    names = tuple(header.decode("utf-8", "replace").rstrip("\r\n").split("\t")[1:])
    layout, places = table_layout("zeek-tsv", names)
    return LogShape("zeek-tsv", layout, table_reader(layout, places, len(names)), names, header_lines)


def _binary(head: bytes) -> str:
    """Return what is wrong with a file that holds NUL bytes, "" where it holds none."""
    if b"\0" not in head:
        return ""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(0) * 3 > len(head):
        return "it is text in UTF-16, or filled up with NUL bytes: save it as UTF-8"
    return "it holds binary data: it is no log of text lines"


def _looks_like(first: bytes, *, has_records: bool) -> str:
    if has_records:
        return "its JSON records are neither Zeek's nor Suricata's (EVE); other formats are not read yet"
    if first.lstrip()[:1] in {b"[", b"{"}:
        return "it looks like JSON, but not like one record a line"
    if not first:
        return "it is empty"
    return "its lines are neither Zeek's (TSV or JSON) nor Suricata's EVE; other formats are not read yet"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a log."""

    line: int
    """Counted from 1 in the uncompressed file."""
    layout: Layout
    cells: Row


def records(
    stream: BinaryIO, shape: LogShape, *, end: int, on_broken: Callable[[int, str], None]
) -> Iterator[Record]:
    """Yield the records of a log in order; a broken line costs only itself.

    Args:
        stream: at its beginning, uncompressed.
        shape: of the file; a table's later header changes it from there on.
        end: bytes to read; what was written behind them since is for the next hunt.
        on_broken: told the number of a line that cannot be read as it should, and why.
    """
    is_table = shape.format == "zeek-tsv"
    for number, line in numbered(stream, end=end, on_long=on_broken):
        if not line or line.isspace():
            continue
        if is_table:
            if line.startswith(b"#"):
                if line.startswith(b"#fields\t"):
                    shape = table_shape(line, header_lines=0)
                continue
            if line.startswith(b"ts\t") and line.decode("utf-8", "replace").split("\t") == list(shape.names):
                continue
        try:
            layout, cells = shape.read(line)
        except CutLineError as error:
            on_broken(number, str(error))
            layout, cells = shape.layout, error.cells
        except ValueError as error:
            on_broken(number, str(error))
            continue
        yield Record(number, layout, cells)
