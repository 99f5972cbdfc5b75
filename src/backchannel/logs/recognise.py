"""What a log file is, by its content; and its records, line by line, whatever stands between them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import islice
from typing import BinaryIO, Final, NamedTuple

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.logs.columns import column_shape
from backchannel.logs.layout import Layout, Row, json_layout, table_layout
from backchannel.logs.lines import numbered
from backchannel.logs.records import CutLineError, ReadLine, json_format, json_reader, table_reader
from backchannel.logs.shape import LogShape
from backchannel.logs.tables import ColumnTable, column_table, json_tables, names
from backchannel.logs.text_lines import SYSLOG, SyslogReader, matching, plain_reader
from backchannel.logs.times import Assumed

MAX_SAMPLED = 300
"""Records looked at to learn what fields a log has."""
MAX_TEXT_SAMPLED = 200
"""Lines of text that are held against the shapes of every format."""
TEXT_SHARE: Final = 10
"""Of so many lines one at least must be of a format, else the log is taken for none."""
ZEEK_TSV: Final = "zeek-tsv"
NOTHING_ASSUMED: Final = Assumed()


@dataclass(frozen=True, slots=True)
class ReadAs:
    """What the operator says of logs that do not say it themselves."""

    format: str | None = None
    """One of `tables.formats()`: every log is taken for that."""
    zone: tzinfo = UTC
    """Of times that do not say theirs."""
    mapping: ColumnTable | None = None
    """A table of the operator's own, for logs that have its columns."""


AS_THEY_ARE: Final = ReadAs()


class UnknownFormatError(ValueError):
    """The content is no log that is read here; the message says what it looks like."""


def recognise(
    sample: Sequence[bytes],
    *,
    format_: str | None = None,
    assumed: Assumed = NOTHING_ASSUMED,
    mapping: ColumnTable | None = None,
) -> LogShape:
    """Return the shape of a log from lines at its beginning, and some from further on.

    Args:
        sample: lines without their ends, the first ones first.
        format_: one of `tables.formats()` if the operator says so.
        assumed: of times that leave it open.
        mapping: a table of the operator's own, for logs that have its columns.

    Raises:
        UnknownFormatError: it is none of ours.
    """
    for table in _column_tables(format_, mapping):
        shape = column_shape(table, sample, assumed)
        if shape is not None:
            return shape
    if format_ in {None, ZEEK_TSV}:
        shape = _table_shape(sample, assumed)
        if shape is not None:
            return shape
    records = list(_records(sample))
    found = next(filter(None, map(json_format, records[:50])), None)
    if format_ is not None:
        found = format_ if any(table.format == format_ for table in json_tables()) else None
    if found is not None and records:
        alike = [record for record in records if json_format(record) in {None, found}]
        layout = json_layout(found, alike or records, assumed)
        return LogShape(found, layout, json_reader(layout, assumed), "json")
    binary = _binary(b"\n".join(sample[:20]))
    if not binary and found is None:
        shape = _text_shape(sample, format_, assumed)
        if shape is not None:
            return shape
    raise UnknownFormatError(
        binary
        or (f"nothing in it reads as {format_}, which it was said to be" if format_ else "")
        or _looks_like(sample, has_records=bool(records))
    )


def _column_tables(format_: str | None, mapping: ColumnTable | None) -> Iterator[ColumnTable]:
    if mapping is not None and format_ in {None, mapping.format}:
        yield mapping
    yield from (column_table(name) for name in names("columns") if format_ in {None, name})


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


def _table_shape(sample: Sequence[bytes], assumed: Assumed) -> LogShape | None:
    for number, line in enumerate(sample[:50]):
        if line.startswith(b"#fields\t"):
            lines = number + 1
            while lines < len(sample) and sample[lines].startswith(b"#"):
                lines += 1
            return table_shape(line, assumed, header_lines=lines)
        if line.startswith(b"#") or not line.strip():
            continue
        if not line.startswith(b"ts\t"):
            return None
        # What `zeek-cut -c` and the like leave: the names alone.
        return table_shape(b"#fields\t" + line, assumed, header_lines=number + 1)
    return None


def table_shape(header: bytes, assumed: Assumed, *, header_lines: int) -> LogShape:
    """Return the shape that a `#fields` line gives."""
    columns = tuple(header.decode("utf-8", "replace").rstrip("\r\n").split("\t")[1:])
    layout, places = table_layout(ZEEK_TSV, columns, assumed)

    def changed(line: bytes) -> LogShape | None:
        if line.startswith(b"#"):
            return table_shape(line, assumed, header_lines=0) if line.startswith(b"#fields\t") else shape
        is_header = line.startswith(b"ts\t") and line.decode("utf-8", "replace").split("\t") == list(columns)
        return shape if is_header else None

    read = table_reader(layout, places, len(columns))
    shape = LogShape(ZEEK_TSV, layout, read, "table", columns, header_lines, changed)
    return shape


def _text_shape(sample: Sequence[bytes], format_: str | None, assumed: Assumed) -> LogShape | None:
    """Return the shape of a log of lines of text: that of which most lines are, if a tenth is."""
    texts = _texts(sample)
    wanted = [SYSLOG, *names("lines")]
    if format_ is not None:
        wanted = [SYSLOG, format_] if format_ in wanted else []
    counts = matching(texts, wanted)
    best = max(counts, key=lambda name: (counts[name], name != SYSLOG), default=None)
    if best is None or not counts[best] or (format_ is None and counts[best] * TEXT_SHARE < len(texts)):
        return None
    if best != SYSLOG:
        read = plain_reader(best, assumed)
    else:
        read = SyslogReader(assumed, only=None if format_ == SYSLOG else format_)
    return LogShape(best, _layout_of_most(read, texts), read, "text")


def _texts(sample: Sequence[bytes]) -> list[str]:
    """Return some lines of a sample, from all over it."""
    lines = [line for line in sample if line.strip() and not line.startswith(b"#")]
    some = lines[:: 1 + len(lines) // MAX_TEXT_SAMPLED]
    return [line.decode("utf-8", "replace") for line in some]


def _layout_of_most(read: ReadLine, texts: Sequence[str]) -> Layout:
    layouts = [read(text.encode())[0] for text in texts]
    known = [layout for layout in layouts if layout.fields] or layouts
    return max(known, key=lambda layout: sum(layout is one for one in known))


def _binary(head: bytes) -> str:
    """Return what is wrong with a file that holds NUL bytes, "" where it holds none."""
    if b"\0" not in head:
        return ""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(0) * 3 > len(head):
        return "it is text in UTF-16, or filled up with NUL bytes: save it as UTF-8"
    return "it holds binary data: it is no log of text lines"


def _looks_like(sample: Sequence[bytes], *, has_records: bool) -> str:
    first = next((line for line in sample if line.strip()), b"")
    if has_records:
        return "its JSON records are of no format that is read"
    if first.lstrip()[:1] in {b"[", b"{"}:
        return "it looks like JSON, but not like one record a line"
    if not first:
        return "it is empty"
    texts = _texts(sample)
    counts = matching(texts, [SYSLOG, *names("lines")])
    best = max(counts, key=lambda name: counts[name])
    close = f": of {len(texts)} lines looked at, {counts[best]} are of {best}" if counts[best] else ""
    return f"its lines are of no format that is read{close}"


class Record(NamedTuple):
    """One record of a log."""

    line: int
    """Counted from 1 in the uncompressed file."""
    layout: Layout
    cells: Row


def _uncounted(format_: str) -> None:
    """Whoever does not ask is not told."""


class RecordReader:
    """Reads records from the lines of one log, some after others."""

    def __init__(
        self,
        shape: LogShape,
        *,
        on_broken: Callable[[int, str], None],
        on_missed: Callable[[str], None] = _uncounted,
    ) -> None:
        """Begin a log.

        Args:
            shape: of its first record.
            on_broken: told the number of a line that cannot be read as it should, and why.
            on_missed: told the format of each line of text of which nothing is understood.
        """
        self.shape = shape
        """Of the next record; a table's later header changes it from there on."""
        self.header = b""
        """The last such header, to go on behind it."""
        self._on_broken = on_broken
        self._on_missed = on_missed

    def records(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
        """Yield the records on lines, each with its number; a broken line costs only itself."""
        for number, line in lines:
            if not line or line.isspace():
                continue
            if self.shape.header is not None and (changed := self.shape.header(line)) is not None:
                if changed is not self.shape:
                    self.shape, self.header = changed, line
                continue
            try:
                layout, cells = self.shape.read(line)
            except CutLineError as error:
                self._on_broken(number, str(error))
                layout, cells = self.shape.layout, error.cells
            except ValueError as error:
                self._on_broken(number, str(error))
                continue
            if layout.columns or self.shape.how != "text":
                yield Record(number, layout, cells)
            else:
                self._on_missed(layout.format)


def records(
    stream: BinaryIO,
    shape: LogShape,
    *,
    end: int,
    on_broken: Callable[[int, str], None],
    on_missed: Callable[[str], None] = _uncounted,
) -> Iterator[Record]:
    """Yield the records of a log in order; a broken line costs only itself.

    Args:
        stream: at its beginning, uncompressed.
        shape: of the file; a table's later header changes it from there on.
        end: bytes to read; what was written behind them since is for the next hunt.
        on_broken: told the number of a line that cannot be read as it should, and why.
        on_missed: told the format of each line of text of which nothing is understood.
    """
    reader = RecordReader(shape, on_broken=on_broken, on_missed=on_missed)
    return reader.records(numbered(stream, end=end, on_long=on_broken))
