"""The compiled set, open for one hunt: from the cells of logs to the entries they meet.

SQL narrows millions of cells to the few that share a probe with some entry; those are judged exactly in
memory. What a cell meets is remembered, so that a value in a thousand records is judged once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backchannel.logs.cells import Cell, observables
from backchannel.logs.tables import Reading
from backchannel.matching.entries import probes
from backchannel.matching.index import EntryIndex, Filed, Met, block_probe
from backchannel.matching.key_filter import KeyFilter
from backchannel.observables.kinds import PERSONAL, Kind

if TYPE_CHECKING:
    from backchannel.matching.engine import Connection

MEMORY_LIMIT: Final = "384MB"
"""What DuckDB may hold before it goes to disk; a hunt stays under 600 MB with it."""
LASTING_MEMORY_LIMIT: Final = "64MB"
"""The same for a set that is open for long: it only looks up what is met."""
MAX_PLAIN: Final = 1_000
"""Entries that are tried on every value of their kind (`LIKE` without a usable end); more are not searched."""
MAX_REMEMBERED: Final = 200_000
"""Cells whose judgement is kept in memory."""

CellKey = tuple[Reading, bool, Cell]
"""How a cell is read (reading, whether it is a list) and the cell."""


class CompiledSet:
    """The files of the set, open in a database of this hunt's own."""

    def __init__(
        self,
        files: Sequence[Path],
        *,
        threads: int,
        scratch: Path | None = None,
        is_lasting: bool = False,
        country: str | None = None,
    ) -> None:
        """Open the set.

        Args:
            files: of the set; none means that nothing can be found.
            threads: DuckDB's threads.
            scratch: folder for what does not fit into memory.
            is_lasting: whether it is asked a few cells at a time, for long, and never for those of a log in bulk.
            country: of phone numbers in logs that do not say theirs (ISO 3166-1); None: those are none.
        """
        from backchannel.matching import engine  # noqa: PLC0415  # 20 ms that only hunts pay

        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": threads,
            "memory_limit": LASTING_MEMORY_LIMIT if is_lasting else MEMORY_LIMIT,
        }
        if is_lasting:
            config["enable_object_cache"] = True  # what stands where in the files is read once
        if scratch is not None:
            config["temp_directory"] = str(scratch / "duckdb")
        self.database: Connection = engine.connect(config=config)
        self._country = country
        self.database.execute("CREATE TEMP TABLE asked (probe VARCHAR)")
        self.database.execute("CREATE TEMP TABLE wanted (probe UBIGINT, is_block BOOLEAN)")
        self._files: frozenset[Path] = frozenset()
        self._is_lasting = is_lasting
        self._filter = KeyFilter()
        self.set_files(files)

    def set_files(self, files: Sequence[Path]) -> None:
        """Look for what some files hold from now on; of those that were looked for before nothing is read again."""
        kept = self._files if self._files.issubset(files) else frozenset()
        if not kept:
            self.database.execute("DELETE FROM wanted")
            self._filter = KeyFilter()
        new = _source([file for file in files if file not in kept])
        if self._is_lasting:
            self._filter.add(self.database, new)
        else:
            # A hash is compared faster than a text and takes a quarter of the memory; two texts with one hash
            # only let more through.
            self.database.execute(
                f"INSERT INTO wanted SELECT hash(probe), probe LIKE 'n:%' FROM {new} WHERE probe <> '*'"  # noqa: S608
            )
        self.database.execute(f"CREATE OR REPLACE VIEW entry AS SELECT * FROM {_source(files)}")  # noqa: S608
        self._files = frozenset(files)
        plain = self._entries("probe = '*'")
        self.dropped_plain = max(0, len(plain) - MAX_PLAIN)
        self.plain_kinds = frozenset(Kind(entry.kind) for entry in plain[:MAX_PLAIN])
        self.plain = tuple(plain[:MAX_PLAIN])
        self._forget()
        flags = "bool_or(probe = hash('6:')), bool_or(is_block), bool_or(probe = hash('e:'))"
        row = self.database.execute(f"SELECT {flags} FROM wanted").fetchall()[0]  # noqa: S608  # constant
        kinds = self.database.execute("SELECT DISTINCT kind FROM entry").fetchall()
        self.kinds = frozenset(Kind(row[0]) for row in kinds)
        # A lasting set has no such table, and whether there are blocks its filter tells for each address.
        self.has_v6, self.has_blocks, self.has_email = (bool(flag) or self._is_lasting for flag in row)
        lowest = self.database.execute("SELECT min(object_row) FROM entry").fetchall()[0][0]
        self.has_anchors = lowest is not None and lowest < 0
        """Whether there are patterns to be judged as a whole."""

    def _forget(self) -> None:
        """Let go what was judged and loaded."""
        self._index = EntryIndex()
        self._index.add(self.plain)
        self._loaded: set[str] = set()
        self._known: dict[CellKey, tuple[Met, ...]] = {}

    def close(self) -> None:
        """Give everything back."""
        self.database.close()

    def match(
        self, cells: Iterable[CellKey], *, off: Collection[Kind] = ()
    ) -> dict[CellKey, tuple[Met, ...]]:
        """Judge cells.

        Args:
            cells: of one log.
            off: kinds that are not looked for in this log.

        Returns:
            Those that meet something, each with what it meets: of one indicator the closest.
        """
        wanted = set(cells)
        new = [cell for cell in wanted if cell not in self._known]
        if len(self._known) + len(new) > MAX_REMEMBERED:
            self._known.clear()
            new = list(wanted)
        if len(self._loaded) > MAX_REMEMBERED:
            self._forget()
            new = list(wanted)
        seen = {
            cell: list(observables(cell[0], cell[2], is_list=cell[1], country=self._country)) for cell in new
        }
        hopeful = [one for things in seen.values() for one in things]
        if self._is_lasting:
            hopeful = [one for one in hopeful if self._filter.may_meet(one)]
        asked = {probe for thing in hopeful for probe in probes(thing)}
        if self.has_blocks or self.has_v6:
            asked |= {block_probe(thing) for thing in hopeful if thing.kind is Kind.ADDRESS}
        self._load(asked)
        for cell, things in seen.items():
            self._known[cell] = _closest(met for thing in things for met in self._index.met(thing))
        met = {cell: found for cell in wanted if (found := self._known[cell])}
        return _without(met, off) if off else met

    def _load(self, asked: set[str]) -> None:
        new = asked - self._loaded
        if not new:
            return
        self._loaded |= new
        kinds: dict[str, list[str]] = {}
        for probe in new if self._is_lasting else self._shared(new):
            kinds.setdefault(probe[:2], []).append(probe)
        for (
            probes_of_kind
        ) in kinds.values():  # these stand together in the files: the rest of them is not read
            self.database.execute("DELETE FROM asked")
            self.database.execute("INSERT INTO asked SELECT unnest(?::VARCHAR[])", [probes_of_kind])
            self._index.add(self._entries("probe IN (SELECT probe FROM asked)"))

    def _shared(self, asked: Collection[str]) -> list[str]:
        """Return those of some probes under which entries are filed.

        Most of what logs hold is in no indicator: only what is leaves the one column that is in memory.
        """
        self.database.execute("DELETE FROM asked")
        self.database.execute("INSERT INTO asked SELECT unnest(?::VARCHAR[])", [list(asked)])
        # A join builds its table on the smaller side; NOT IN would build it on all that is wanted.
        rows = self.database.execute(
            "SELECT DISTINCT asked.probe FROM asked JOIN wanted ON wanted.probe = hash(asked.probe)"
        )
        return [row[0] for row in rows.fetchall()]

    def _entries(self, where: str) -> list[Filed]:
        query = f"SELECT DISTINCT * FROM entry WHERE {where} ORDER BY ALL"  # noqa: S608  # constants
        return [Filed(*row) for row in self.database.execute(query).fetchall()]


def _closest(met: Iterable[Met]) -> tuple[Met, ...]:
    """Of several ways in which one indicator is met, keep the first exact one, else the first, by side.

    What is met of a personal kind is kept by itself: in another log it may be switched off.
    """
    best: dict[tuple[int, str, bool], Met] = {}
    for one in met:
        key = (one.object_row, one.side, one.observable.kind in _PERSONAL)
        known = best.get(key)
        if known is None or (known.scope != "exact" and one.scope == "exact"):
            best[key] = one
    return tuple(best.values())


def _without(met: dict[CellKey, tuple[Met, ...]], off: Collection[Kind]) -> dict[CellKey, tuple[Met, ...]]:
    kept = {
        cell: tuple(one for one in several if one.observable.kind not in off) for cell, several in met.items()
    }
    return {cell: several for cell, several in kept.items() if several}


_PERSONAL: Final = frozenset(PERSONAL.values())


def _source(files: Sequence[Path]) -> str:
    """Return what is read from, in SQL: our own files."""
    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"read_parquet([{names}])" if files else _NOTHING


_NOTHING: Final = (
    "(SELECT '' AS probe, 0::BIGINT AS object_row, '' AS kind, '' AS operator, '' AS key, '' AS last, "
    "'' AS value, '' AS side WHERE false)"
)
