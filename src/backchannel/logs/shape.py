"""How the records of one log are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from backchannel.logs.layout import Layout
from backchannel.logs.records import ReadLine


@dataclass(frozen=True, slots=True)
class LogShape:
    """How the records of one file are written."""

    format: str
    layout: Layout
    """Where nearly all records have what; each record says by which it was read."""
    read: ReadLine
    how: Literal["table", "json", "text", "parquet"]
    """Cells between tabs below a header; JSON objects; lines that `read` alone understands; rows of Parquet."""
    names: tuple[str, ...] = ()
    """Columns of a tab-separated log, in order."""
    header_lines: int = 0
    """Lines before its first record."""
    header: Callable[[bytes], LogShape | None] | None = None
    """Returns the shape from a line on that is no record but a header or comment; None for a record."""
