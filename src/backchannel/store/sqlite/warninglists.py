"""The warning lists that the operator added; the built-in ones are not in the store."""

from __future__ import annotations

from backchannel.store.outgoing import WarningListRow
from backchannel.store.sqlite.connection import Database


class SqliteWarningLists:
    """Added lists by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: WarningListRow) -> bool:
        known = self._database.execute(_KNOWN, (row.name,)).fetchone() is not None
        self._database.execute(_PUT, row)
        return known

    def all(self) -> list[WarningListRow]:
        return [WarningListRow(*row) for row in self._database.execute(_ALL)]

    def stamp(self) -> tuple[tuple[str, str, str], ...]:
        return tuple(self._database.execute(_STAMP).fetchall())

    def remove(self, name: str) -> bool:
        return self._database.execute(_REMOVE, (name,)).rowcount > 0


_KNOWN = """
SELECT 1
FROM warninglist
WHERE name = ?
"""

_PUT = """
INSERT INTO warninglist (name, class, kind, version, description, added_at, entries)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
  class = excluded.class, kind = excluded.kind, version = excluded.version,
  description = excluded.description, added_at = excluded.added_at, entries = excluded.entries
"""

_ALL = """
SELECT name, class, kind, version, description, added_at, entries
FROM warninglist
ORDER BY name
"""

_STAMP = """
SELECT name, class, added_at
FROM warninglist
ORDER BY name
"""

_REMOVE = """
DELETE FROM warninglist
WHERE name = ?
"""
