"""Where in the records of one file the observables are: its columns, and the fields read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from backchannel.codec import JsonObject
from backchannel.logs.tables import (
    ZEEK,
    FieldTable,
    KindOfRecord,
    Reading,
    Side,
    field_table,
    json_table,
)
from backchannel.logs.times import Assumed, TimeReader

Path = tuple[str, ...]
"""Way to a value in a record: keys, `[]` for each member of a list. In a table, one name of a column."""
Row = tuple[str | None, ...]
"""The cells of one record in the order of the columns."""


@dataclass(frozen=True, slots=True)
class FieldAt:
    """A field of this file."""

    name: str
    """As the log spells it."""
    reading: Reading
    columns: tuple[int, ...]
    """Its column; for a URL in parts those of host, port (or -1) and target."""
    side: Side
    is_list: bool
    shows: tuple[str, ...] = ()
    """Kinds of observable that it shows (`logs.shown`)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one file that are read, and what is in them."""

    format: str
    """One of `tables.formats()`."""
    columns: tuple[Path, ...]
    fields: tuple[FieldAt, ...]
    time: int
    """Column of the record's time; -1: none."""
    source: int
    """Column of the address that began; -1: none."""
    destination: int
    others: tuple[int, ...]
    """Columns of addresses that a record is about, where it has no two sides."""
    has_numeric_time: bool = False
    """Every sampled record has its time as a number."""
    watched: tuple[Path, ...] = ()
    """Known fields that the sample did not have: a record that has one is read by a layout of its own."""
    telling: tuple[Path, ...] = ()
    """As few paths as tell of most of `watched`: in bulk each of them costs for each record."""
    always: Path = ()
    """A field that each record of this kind has; one without it is told by that, too. (): none is known."""
    untold: tuple[str, ...] = ()
    """Names of those watched of which nothing tells in a record of this kind."""
    times: TimeReader = field(default_factory=TimeReader, compare=False)
    """Reads what stands in the column of the time."""

    def seen_at(self, cells: Row) -> datetime | None:
        """Return the time of a record in UTC, None where it has none that can be read."""
        return self.times.at(cells[self.time]) if self.time >= 0 else None


def json_layout(format_: str, sample: Iterable[JsonObject], assumed: Assumed) -> Layout:
    """Return the layout of a file of JSON records, from a sample of them."""
    table = json_table(format_).fields
    records = list(sample)
    wanted = _named_paths(table)
    keys = {key for record in records for key in record}  # most fields stand in none of the records
    by_name = {
        name: [path for path in spellings if path[0] in keys and any(has(record, path) for record in records)]
        for name, spellings in wanted.items()
    }
    kind = _kind(table, records)
    told = _told(table, wanted, records, keys, kind)
    watched, telling = _watched(table, wanted, by_name), _watched(table, told, by_name)
    for url in table.urls:
        if not by_name[url.target]:
            by_name[url.port] = []  # a port is read for URLs alone
    layout = layout_of(format_, table, by_name, assumed)
    times = [record.get(layout.columns[layout.time][0]) for record in records] if layout.time >= 0 else []
    return replace(
        layout,
        has_numeric_time=all(isinstance(time, int | float) for time in times),
        watched=watched,
        telling=telling,
        always=() if kind is None else (kind.always,),
        untold=tuple(name for name, own in wanted.items() if told.get(name) is not own and not by_name[name]),
    )


def _kind(table: FieldTable, records: Sequence[JsonObject]) -> KindOfRecord | None:
    """Return the kind that all records are of."""
    return next((kind for kind in table.kinds if all(kind.always in record for record in records)), None)


def _told(
    table: FieldTable,
    wanted: dict[str, list[Path]],
    records: Sequence[JsonObject],
    keys: set[str],
    kind: KindOfRecord | None,
) -> dict[str, list[Path]]:
    """Return for each name the fewest paths that tell of a record with it.

    A field that always has another beside it is told by that, where the sample has no such; and what `kind`
    cannot have is left out: its `always` tells.
    """
    absent = {
        guard
        for guard in set(table.covered.values())
        if not any(
            path[0] in keys and has(record, path) for path in _spellings(table, guard) for record in records
        )
    }
    told: dict[str, list[Path]] = {}
    for name, own in wanted.items():
        guard = table.covered.get(name)
        if kind is not None and name not in kind.names and (guard is not None or name in table.elsewhere):
            continue
        told[name] = _spellings(table, guard) if guard is not None and guard in absent else own
    return told


def _watched(
    table: FieldTable, told: dict[str, list[Path]], by_name: dict[str, list[Path]]
) -> tuple[Path, ...]:
    """Return the paths of `told` that the sample had not.

    A writer spells all names with dots in one way, so another spelling is told by its first key.
    """
    style = _style(table, by_name)
    watched: dict[Path, None] = {}
    for name, spellings in told.items():
        for path in spellings:
            if path in by_name.get(name, ()):
                continue
            if style is not None and len(spellings) > 1 and path != spellings[min(style, len(spellings) - 1)]:
                if (teller := _teller(table, path)) is not None:
                    watched[teller] = None
            else:
                watched[path] = None
    kept = {path for paths in by_name.values() for path in paths}
    tops = {path[0] for path in kept if len(path) > 1}
    return tuple(path for path in watched if path not in kept and not (len(path) == 1 and path[0] in tops))


def _style(table: FieldTable, by_name: dict[str, list[Path]]) -> int | None:
    """Return which of the spellings of names with dots a file uses, None if that is not to be seen."""
    found = {
        number
        for name, paths in by_name.items()
        for number, path in enumerate(_spellings(table, name))
        if "." in name and path in paths
    }
    return found.pop() if len(found) == 1 else None


def _teller(table: FieldTable, path: Path) -> Path | None:
    """Return the path that tells of another style: nearly every record has it; None where none is known."""
    if not table.spelling_told_by:
        return None
    first = _spellings(table, table.spelling_told_by)
    if len(path) > 1:
        return first[0][:1]
    return first[1] if "." in path[0] else first[-1]


def table_layout(format_: str, names: Sequence[str], assumed: Assumed) -> tuple[Layout, tuple[int, ...]]:
    """Return the layout of a file of Zeek's tab-separated records, and the place of each column in a line."""
    known = set(names)
    table = field_table(ZEEK)
    wanted = _named_paths(table)
    by_name: dict[str, list[Path]] = {name: [(name,)] if name in known else [] for name in wanted}
    layout = layout_of(format_, table, by_name, assumed)
    return layout, tuple(names.index(path[0]) for path in layout.columns)


def layout_of(
    format_: str, table: FieldTable, by_name: Mapping[str, Sequence[Path]], assumed: Assumed
) -> Layout:
    """Return the layout of records that have the names of `by_name` at its paths; those of a name without one lack it."""
    order: dict[Path, int] = {}
    for paths in by_name.values():
        for path in paths:
            order.setdefault(path, len(order))

    def columns(names: Iterable[str]) -> list[int]:
        return [order[path] for name in names for path in by_name.get(name, ())]

    fields = [
        FieldAt(_shown(path), one.reading, (order[path],), one.side, one.is_list, one.shows)
        for one in table.fields
        for path in by_name.get(one.name, ())
    ]
    for url in table.urls:
        for host, target in zip(by_name.get(url.host, ()), by_name.get(url.target, ()), strict=False):
            port = columns([url.port])
            parts = (order[host], port[0] if port else -1, order[target])
            fields.append(FieldAt(_shown(target), "url", parts, "", False, url.shows))
    return Layout(
        format_,
        tuple(order),
        tuple(fields),
        (columns(table.time) or [-1])[0],
        (columns(table.source) or [-1])[0],
        (columns(table.destination) or [-1])[0],
        tuple(columns(table.addresses)),
        times=TimeReader(table.times, assumed),
    )


def _named_paths(table: FieldTable) -> dict[str, list[Path]]:
    """Every name that is read, with the ways in which JSON records spell it."""
    names = dict.fromkeys((*table.time, *table.source, *table.destination, *table.addresses))
    names |= dict.fromkeys(field.name for field in table.fields)
    for url in table.urls:
        names |= dict.fromkeys((url.host, url.port, url.target))
    return {name: _spellings(table, name) for name in names}


def _spellings(table: FieldTable, name: str) -> list[Path]:
    if "." not in name:
        return [(name,)]
    nested: list[str] = []
    for part in name.split("."):
        nested += [part.removesuffix("[]"), "[]"] if part.endswith("[]") else [part]
    spellings: list[Path] = [tuple(nested)]
    if "[]" not in nested:
        spellings += [(name,), (name.replace(".", "_"),)]
    return spellings[: table.spellings]


def has(record: JsonObject, path: Path) -> bool:
    """Whether a record has something at `path`."""
    value: object = record
    for key in path:
        if key == "[]":
            return isinstance(value, list)
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def _shown(path: Path) -> str:
    return ".".join(path).replace(".[]", "[]")
