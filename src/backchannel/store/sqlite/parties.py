"""Parties in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from backchannel.ids import BatchId, PartyId, StixId
from backchannel.store.rows import PartyRow, PartyTally
from backchannel.store.sqlite.connection import Database


class SqliteParties:
    """Whom we exchange with, and ourselves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        party_id: PartyId,
        name: str,
        *,
        at: str,
        is_self: bool = False,
        public_key: bytes | None = None,
        made_by: BatchId | None = None,
    ) -> PartyRow:
        cursor = self._database.execute(_ADD, (party_id, name, is_self, public_key, made_by, at))
        return PartyRow(cast("int", cursor.lastrowid), party_id, name, is_self, public_key, at)

    def by_name(self, name: str) -> PartyRow | None:
        return _party(self._database.execute(_BY_NAME, (name,)).fetchone())

    def name_of(self, party_row: int) -> str | None:
        row = self._database.execute("SELECT name FROM party WHERE party_row = ?", (party_row,)).fetchone()
        return None if row is None else str(row[0])

    def ourselves(self) -> PartyRow | None:
        return _party(self._database.execute(_OURSELVES).fetchone())

    def keep(self, party_row: int) -> bool:
        return self._database.execute(_KEEP, (party_row,)).rowcount == 1

    def gave(self, party_row: int, *, at_most: int) -> list[StixId]:
        return [StixId(row[0]) for row in self._database.execute(_GAVE, (party_row, at_most))]

    def tallies(self, *, party_row: int | None = None) -> Iterator[PartyTally]:
        objects = dict(self._database.execute(_OBJECTS, {"party": party_row}))
        for row in self._database.execute(_IN_SIGHT, {"party": party_row}):
            party = _party(row[:6])
            if party is not None:
                yield PartyTally(party, row[6], objects.get(party.party_row, 0), row[7])

    def others(self) -> int:
        return sum(1 for row in self._database.execute(_IN_SIGHT, {"party": None}) if not row[3])


def _party(row: tuple[object, ...] | None) -> PartyRow | None:
    if row is None:
        return None
    # STRICT columns have the types of the fields, but for the one that is 0 or 1.
    return PartyRow(*row[:3], bool(row[3]), *row[4:])  # type: ignore[arg-type,call-arg]


_ADD = """
INSERT INTO party (party_id, name, is_self, public_key, made_by, added_at)
VALUES (?, ?, ?, ?, ?, ?)
"""

_BY_NAME = """
SELECT party_row, party_id, name, is_self, public_key, added_at
FROM party
WHERE name = ?
"""

_OURSELVES = """
SELECT party_row, party_id, name, is_self, public_key, added_at
FROM party
WHERE is_self = 1
"""

_KEEP = """
UPDATE party
SET made_by = NULL
WHERE party_row = ? AND made_by IS NOT NULL
"""

_IN_SIGHT = """
SELECT p.party_row, p.party_id, p.name, p.is_self, p.public_key, p.added_at,
  count(b.batch_id), max(b.completed_at)
FROM party AS p
LEFT JOIN batch AS b ON b.party_row = p.party_row AND b.state = 'complete'
WHERE :party IS NULL OR p.party_row = :party
GROUP BY p.party_row
HAVING p.made_by IS NULL OR count(b.batch_id) > 0
ORDER BY p.is_self DESC, p.name COLLATE NOCASE
"""

# Reads the index `arrival_object` and no table of arrivals: 0.03 s for each 100,000 of them.
_OBJECTS = """
SELECT b.party_row, count(DISTINCT a.object_row)
FROM arrival AS a
JOIN batch AS b ON b.batch_id = a.batch_id
WHERE b.state = 'complete' AND b.party_row IS NOT NULL AND (:party IS NULL OR b.party_row = :party)
GROUP BY b.party_row
"""

# The batches of a party are few; what each brought stands together in `arrival`.
_GAVE = """
SELECT o.stix_id
FROM complete_arrival AS a
JOIN object AS o ON o.object_row = a.object_row
WHERE a.party_row = ?
GROUP BY o.stix_id
ORDER BY min(a.arrival_row)
LIMIT ?
"""
