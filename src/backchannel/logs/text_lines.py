"""Logs of lines of text: a table's shapes tell what stands where, behind an envelope of syslog or without one.

Each shape is a regular expression of our own with named groups. All of one table are joined to one expression, so
that a line is looked at once. A line of none of the shapes holds nothing that is searched; it is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from backchannel import codec
from backchannel.logs.envelope import TIMES, Envelope, envelope, program_of
from backchannel.logs.layout import Layout, Row, json_layout, layout_of
from backchannel.logs.records import ReadLine, json_format, json_reader
from backchannel.logs.tables import LineTable, line_table, names
from backchannel.logs.times import Assumed, TimeReader

SYSLOG: Final = "syslog"
"""The format of a log in which several programs write, each line with an envelope."""
TIME: Final = "time"
"""The group of a line's own time; else it is that of the envelope."""
HOST: Final = "host"
"""The machine that an envelope names."""
MAX_PROGRAMS: Final = 1_000
"""Names of programs remembered for one log; a hostile one could have any number."""

_GROUP = re.compile(r"\(\?P<(\w+)>")


@dataclass(frozen=True, slots=True)
class Joined:
    """All shapes of one table."""

    pattern: re.Pattern[str]
    groups: dict[int, tuple[tuple[str, int], ...]]
    """Number of the group around a shape to the names in it, each with the number of its group."""


@cache
def joined(name: str) -> Joined:
    """Return the shapes of a table as one expression, which matches from where a program's own line begins."""
    shapes = line_table(name).shapes
    # The names of groups are made different, since shapes share them.
    parts = [
        f"(?P<s{n}>{_GROUP.sub(lambda match, n=n: f'(?P<{match[1]}_s{n}>', shape)})"  # type: ignore[misc]
        for n, shape in enumerate(shapes)
    ]
    pattern = re.compile("|".join(parts))
    index = pattern.groupindex
    return Joined(
        pattern,
        {
            index[f"s{n}"]: tuple((one, index[f"{one}_s{n}"]) for one in dict.fromkeys(_GROUP.findall(shape)))
            for n, shape in enumerate(shapes)
        },
    )


Pick = Callable[["re.Match[str]", Envelope | None], Row]


class TableReader:
    """Reads the lines of one table in one log."""

    def __init__(self, table: LineTable, assumed: Assumed, *, has_envelope: bool) -> None:
        """Make ready.

        Args:
            table: of the lines.
            assumed: of times that leave it open.
            has_envelope: whether the lines stand behind one.
        """
        own = joined(table.format)
        self._match = own.pattern.match
        self._shapes = {
            number: _shape(table, groups, assumed, has_envelope=has_envelope)
            for number, groups in own.groups.items()
        }
        self._nothing = nothing(table.format), ()

    def read(self, text: str, before: Envelope | None = None) -> tuple[Layout, Row]:
        """Return the cells of a line; those of a layout without columns where it has no shape that is known."""
        match = self._match(text, before.start if before is not None else 0)
        if match is None or match.lastindex is None:
            return self._nothing
        layout, pick = self._shapes[match.lastindex]
        return layout, pick(match, before)


def _shape(
    table: LineTable, groups: tuple[tuple[str, int], ...], assumed: Assumed, *, has_envelope: bool
) -> tuple[Layout, Pick]:
    """Return the layout of one shape, and how a match becomes the cells of it."""
    numbers = dict(groups)
    own_time = numbers.pop(TIME, None)
    known = [TIME, *([HOST] if has_envelope else []), *numbers]
    fields = replace(
        table.fields, time=(TIME,), addresses=(*table.fields.addresses, *([HOST] if has_envelope else []))
    )
    layout = layout_of(table.format, fields, {name: [(name,)] for name in known}, assumed)
    forms = (*table.fields.times, *(TIMES if has_envelope else ()))
    picked = tuple(numbers.values())

    def pick(match: re.Match[str], before: Envelope | None) -> Row:
        time = match.group(own_time) if own_time is not None else None
        cells = match.group(*picked) if len(picked) > 1 else tuple(match.group(number) for number in picked)
        if before is None:
            return (time, *cells)
        return (time or before.time, before.host, *cells)

    return replace(layout, times=TimeReader(forms, assumed)), pick


@cache
def nothing(format_: str) -> Layout:
    """Return the layout of a line of which nothing is understood."""
    return Layout(format_, (), (), -1, -1, -1, ())


def plain_reader(name: str, assumed: Assumed) -> Callable[[bytes], tuple[Layout, Row]]:
    """Return the reader of a log that one program writes by itself."""
    table = TableReader(line_table(name), assumed, has_envelope=False)

    def read(line: bytes) -> tuple[Layout, Row]:
        return table.read(line.decode("utf-8", "replace"))

    return read


class SyslogReader:
    """Reads a log in which several programs write: each line as its program's, or as the JSON that it is."""

    def __init__(self, assumed: Assumed, *, only: str | None = None) -> None:
        """Make ready.

        Args:
            assumed: of times that leave it open.
            only: the one table that is read; None for all.
        """
        self._assumed, self._only = assumed, only
        self._tables: dict[str, TableReader] = {}
        self._by_program: dict[str, TableReader | None] = {}
        self._in_json: dict[str, ReadLine] = {}
        self._unread = nothing(SYSLOG if only is None else only), ()

    def __call__(self, line: bytes) -> tuple[Layout, Row]:
        """Return the cells of a line; those of a layout without columns where nothing of it is understood."""
        text = line.decode("utf-8", "replace")
        before = envelope(text)
        if before is None:
            return self._unread
        if text.startswith(_JSON, before.start):
            return self._record(text[before.start :].removeprefix(_JSON[1]).strip())
        try:
            table = self._by_program[before.program]
        except KeyError:
            table = self._reader_of(before.program)
            if len(self._by_program) < MAX_PROGRAMS:
                self._by_program[before.program] = table
        return self._unread if table is None else table.read(text, before)

    def _reader_of(self, program: str) -> TableReader | None:
        name = next(filter(None, map(programs().get, program_of(program))), None)
        if name is None or self._only not in {None, name}:
            return None
        if name not in self._tables:
            self._tables[name] = TableReader(line_table(name), self._assumed, has_envelope=True)
        return self._tables[name]

    def _record(self, text: str) -> tuple[Layout, Row]:
        try:
            record = codec.decode(text)
        except ValueError:
            return self._unread
        format_ = json_format(record) if isinstance(record, dict) else None
        if format_ is None or self._only not in {None, format_}:
            return self._unread
        if format_ not in self._in_json:
            layout = json_layout(format_, [record], self._assumed)
            self._in_json[format_] = json_reader(layout, self._assumed)
        return self._in_json[format_](text.encode())


_JSON: Final = ("{", "@cee:")
"""How a line begins that is a record of JSON: Suricata's are, where it writes to syslog."""


@cache
def programs() -> dict[str, str]:
    """Return the table of each program that syslog names."""
    return {program: name for name in names("lines") for program in line_table(name).programs}


def matching(sample: Sequence[str], formats: Iterable[str]) -> dict[str, int]:
    """Return for each format of lines how many of the lines are of it, as far as a single line can tell."""
    found: dict[str, int] = {}
    for name in formats:
        if name != SYSLOG:
            reader = TableReader(line_table(name), Assumed(), has_envelope=False)
            # Behind no envelope a line has to say its time: much else could look like what is left of some.
            found[name] = sum(1 for line in sample if any(reader.read(line)[1][:1]))
    if SYSLOG in formats:
        found[SYSLOG] = sum(1 for line in sample if envelope(line) is not None)
    return found
