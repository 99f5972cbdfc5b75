"""The compiled indicator set: immutable Parquet files, named by their digest, made when an import ends.

A file covers a range of object rows and is never changed, so any number of hunts may read it while imports
go on. What is in force (revoked, undone, a newer version) is no business of the files: a hit asks the store.
A negative row is an anchor: where it is met, that row's pattern has to be judged as a whole (`compound`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Final

import msgspec

from backchannel import codec
from backchannel.matching.entries import Entry, entries_of, whole_of
from backchannel.matching.segment import Segment, Segments, ToCompile
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import NORMALISER_VERSION

if TYPE_CHECKING:
    from backchannel.matching.engine import Connection

FOLDER: Final = "indicators"
"""Folder of the files in a node's home."""
CHUNK_INDICATORS: Final = 100_000
"""Indicators compiled into one file: bounds the memory of an import."""
ROW_GROUP: Final = 8_192
"""Rows of a file that are read or passed over together. They are in the order of their probes, so that what is
looked for among addresses leaves names unread."""
MAX_SEGMENTS: Final = 12
"""More files than that are joined into one, so that opening the set stays cheap."""


def compile_new(home: Path, segments: Segments) -> None:
    """Compile the indicators of complete batches that no file covers; after a crash the next call mends it.

    Args:
        home: the node's folder; files go into `indicators` below it.
        segments: say what is to be compiled, and keep which files count.
    """
    for file in segments.drop_older(normaliser=NORMALISER_VERSION):
        (home / FOLDER / file).unlink(missing_ok=True)
    waiting = segments.pending(normaliser=NORMALISER_VERSION)
    while chunk := list(islice(waiting, CHUNK_INDICATORS)):
        table = _Table()
        for one in chunk:
            table.compile(one, with_anchors=True)
        made = _write(home, table, first_row=chunk[0].object_row, last_row=chunk[-1].object_row)
        segments.add(made, table.unread)
    if len(segments.all()) > MAX_SEGMENTS:
        _join(home, segments)


def compile_apart(
    home: Path, wanted: Sequence[ToCompile], *, with_anchors: bool = False
) -> tuple[Path, dict[int, tuple[str, ...]]]:
    """Compile patterns into a file of their own, which belongs to no set of a node.

    Args:
        home: a folder that is the caller's alone; the file lies in `indicators` below it.
        wanted: in the order of their rows.
        with_anchors: whether patterns are to be judged as a whole; rows begin with 1 then.

    Returns:
        The file, and for each row of which a part is not searched, what in words.
    """
    table = _Table()
    for one in wanted:
        table.compile(one, with_anchors=with_anchors)
    first, last = (wanted[0].object_row, wanted[-1].object_row) if wanted else (0, 0)
    made = _write(home, table, first_row=first, last_row=last)
    return home / FOLDER / made.file, {row: tuple(words.split("\n")) for words, row in table.unread}


@dataclass(slots=True)
class _Table:
    """Entries on their way into a file, a JSON object each: DuckDB reads those faster than Python lists."""

    lines: list[bytes] = field(default_factory=list)
    unread: list[tuple[str, int]] = field(default_factory=list)

    def compile(self, one: ToCompile, *, with_anchors: bool = False) -> None:
        if with_anchors:
            entries, anchors, left = whole_of(one.pattern, stix_version=one.spec_version)
            self.lines += [_line(-one.object_row, entry) for entry in anchors]
        else:
            entries, left = entries_of(one.pattern, stix_version=one.spec_version)
        self.lines += [_line(one.object_row, entry) for entry in entries]
        if left:
            self.unread.append(("\n".join(left), one.object_row))


class _Line(msgspec.Struct, gc=False):
    """One entry as DuckDB reads it."""

    probe: str
    object_row: int
    kind: Kind
    operator: str
    key: str
    last: str
    value: str
    side: str


def _line(object_row: int, entry: Entry) -> bytes:
    probe, kind, operator, key, last, value, side = entry
    return codec.encode(_Line(probe, object_row, kind, operator, key.hex(), last.hex(), value, side))


_COLUMNS = ", ".join(
    f"{name}: '{'BIGINT' if name == 'object_row' else 'VARCHAR'}'"
    for name in ("probe", "object_row", "kind", "operator", "key", "last", "value", "side")
)


def _write(home: Path, table: _Table, *, first_row: int, last_row: int) -> Segment:
    from backchannel.matching import engine  # noqa: PLC0415  # 20 ms that only imports of indicators pay

    folder = home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    draft = folder / f"draft-{_mine()}.json"
    try:
        draft.write_bytes(b"\n".join(table.lines))
        with engine.connect(config={"threads": 1}) as database:
            database.execute(
                f"CREATE VIEW entry AS SELECT * FROM read_json({_text(str(draft))}, "  # noqa: S608  # quoted
                f"format = 'newline_delimited', columns = {{{_COLUMNS}}})"
            )
            file = _copy(home, database, "entry", f"{first_row}-{last_row}")
    finally:
        draft.unlink(missing_ok=True)
    return Segment(first_row, last_row, len(table.lines), file, NORMALISER_VERSION)


def _join(home: Path, segments: Segments) -> None:
    from backchannel.matching import engine  # noqa: PLC0415

    old = segments.all()
    files = [str(home / FOLDER / one.file) for one in old]
    with engine.connect(config={"threads": 1}) as database:
        database.execute(f"CREATE VIEW entry AS SELECT * FROM read_parquet({_quoted(files)})")  # noqa: S608  # quoted
        file = _copy(home, database, "entry", f"{old[0].first_row}-{old[-1].last_row}")
    new = Segment(
        old[0].first_row, old[-1].last_row, sum(one.entries for one in old), file, NORMALISER_VERSION
    )
    segments.replace([one.file for one in old], new)
    # A hunt that runs has the old ones open, and keeps them until it ends.
    for one in files:
        Path(one).unlink(missing_ok=True)


def _copy(home: Path, database: Connection, table: str, covers: str) -> str:
    """Write a table into a file that is whole or absent; return its name."""
    folder = home / FOLDER
    draft = folder / f"draft-{_mine()}.parquet"
    database.execute(
        f"COPY (FROM {table} ORDER BY ALL) TO {_text(str(draft))} "
        f"(FORMAT parquet, ROW_GROUP_SIZE {ROW_GROUP})"
    )
    with draft.open("rb") as stream:
        name = f"{covers}-{hashlib.file_digest(stream, 'sha256').hexdigest()[:40]}.parquet"
        os.fsync(stream.fileno())
    draft.rename(folder / name)
    return name


def _mine() -> str:
    """Return what no other process and no other thread calls its drafts: an import and a hunt may compile at once."""
    return f"{os.getpid()}-{get_ident()}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(values: Sequence[str]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"
