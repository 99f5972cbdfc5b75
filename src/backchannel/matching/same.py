"""Which indicators name the same values: looked up in the compiled set, so that an import has nothing to do for it.

The set's files are in the order of their probes, so a look-up reads a few blocks of each, however many indicators
there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from backchannel.matching.entries import Entry, entries_of
from backchannel.matching.segment import ToCompile

MAX_ROWS: Final = 100_000
"""Indicators of one value that one look-up finds: a value that more of them name is judged by the first."""
MAX_WAITING: Final = 20_000
"""Indicators that no file covers yet that are looked through."""
MAX_VALUES: Final = 32
"""Values of one pattern by which others are looked for; a pattern of more stands for itself."""


class Value(NamedTuple):
    """One thing that a pattern asks for."""

    kind: str
    operator: str
    key: str
    """Hexadecimal; plain text where the operator has no key."""
    last: str
    value: str
    """In its normal spelling."""


def values_of(pattern: str, *, stix_version: str) -> tuple[tuple[Value, ...], tuple[str, ...]]:
    """Return what a pattern asks for, in a fixed order, and the probes under which it is filed.

    Nothing is returned for a pattern of which a part cannot be searched, or that asks for too much: what it means as
    a whole is not known, so that it is the same as no other.
    """
    entries, left = entries_of(pattern, stix_version=stix_version)
    values = sorted({_value(entry) for entry in entries})
    if left or len(values) > MAX_VALUES:
        return (), ()
    return tuple(values), tuple(sorted({entry.probe for entry in entries}))


def rows_naming(
    files: Sequence[Path], values: Collection[Value], probes: Collection[str]
) -> Mapping[Value, tuple[int, ...]]:
    """Return for each value the object rows of the indicators that ask for it.

    Args:
        files: of the compiled set; one that was replaced meanwhile is an `engine.Error`.
        values: as `values_of` returns them.
        probes: under which these are filed, as `values_of` returns them.
    """
    if not files or not values:
        return {}
    from backchannel.matching import engine  # noqa: PLC0415  # loads DuckDB

    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    # Many values may share a probe: all names below a provider of dynamic names do.
    filed, keys = sorted(probes), sorted({one.key for one in values})
    marks, wanted = ", ".join("?" * len(filed)), ", ".join("?" * len(keys))
    # Bounded for each value: however many name one of them, those who name another are found.
    query = (
        "SELECT kind, operator, key, last, value, list(object_row ORDER BY object_row) FROM ("  # noqa: S608  # our own
        f"SELECT DISTINCT kind, operator, key, last, value, object_row FROM read_parquet([{names}]) "
        f"WHERE probe IN ({marks}) AND key IN ({wanted}) AND object_row >= 0 QUALIFY row_number() OVER "
        f"(PARTITION BY kind, operator, key, last, value ORDER BY object_row) <= {MAX_ROWS}"
        ") GROUP BY kind, operator, key, last, value"
    )
    with engine.connect(config={"threads": 1}) as database:
        rows: Iterable[tuple[str, str, str, str, str, list[int]]] = database.execute(
            query, [*filed, *keys]
        ).fetchall()
    return {Value(*value): tuple(several) for *value, several in rows}


def rows_waiting(waiting: Iterable[ToCompile], probes: Collection[str]) -> Mapping[Value, tuple[int, ...]]:
    """Return the same for indicators that no file covers: an import that was killed left them to be compiled."""
    wanted = frozenset(probes)
    found: dict[Value, dict[int, None]] = {}
    for one in islice(waiting, MAX_WAITING):
        for entry in entries_of(one.pattern, stix_version=one.spec_version)[0]:
            if entry.probe in wanted:
                found.setdefault(_value(entry), {})[one.object_row] = None
    return {value: tuple(several) for value, several in found.items()}


def _value(entry: Entry) -> Value:
    return Value(str(entry.kind), entry.operator, entry.key.hex(), entry.last.hex(), entry.value)
