"""API roots and collections in SQLite."""

from __future__ import annotations

from typing import cast

from backchannel.store.exchange import CollectionRow, NewCollection, RootRow
from backchannel.store.sqlite.connection import Database


class SqliteCollections:
    """API roots and the collections in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_root(self, root_id: str, title: str, description: str, *, at: str) -> RootRow:
        cursor = self._database.execute(_ADD_ROOT, (root_id, title, description, at))
        return RootRow(cast("int", cursor.lastrowid), root_id, title, description)

    def roots(self) -> list[RootRow]:
        return [RootRow(*row) for row in self._database.execute(_ROOTS)]

    def root(self, root_id: str) -> RootRow | None:
        row = self._database.execute(_ROOT, (root_id,)).fetchone()
        return None if row is None else RootRow(*row)

    def remove_root(self, root_row: int, *, at: str) -> None:
        self._database.execute(_REMOVE_ROOT, (at, root_row))

    def add(self, collection: NewCollection, *, at: str) -> CollectionRow:
        cursor = self._database.execute(_ADD, (*collection, at))
        found = self.by_row(cast("int", cursor.lastrowid))
        return cast("CollectionRow", found)

    def all(self) -> list[CollectionRow]:
        return [_collection(row) for row in self._database.execute(_ALL)]

    def by_id(self, collection_id: str) -> CollectionRow | None:
        row = self._database.execute(_BY_ID, (collection_id,)).fetchone()
        return None if row is None else _collection(row)

    def by_row(self, collection_row: int) -> CollectionRow | None:
        row = self._database.execute(_BY_ROW, (collection_row,)).fetchone()
        return None if row is None else _collection(row)

    def gathering(self) -> list[CollectionRow]:
        return [one for one in self.all() if one.gather]

    def remove(self, collection_row: int, *, at: str) -> None:
        self._database.execute(_REMOVE, (at, collection_row))

    def set_last_added(self, collection_row: int, added: int) -> None:
        self._database.execute(_SET_LAST_ADDED, (added, collection_row))

    def size(self, collection_row: int, *, at_most: int) -> int:
        count: int = self._database.execute(_SIZE, (collection_row, at_most)).fetchone()[0]
        return count


def _collection(row: tuple[object, ...]) -> CollectionRow:
    # STRICT columns have the types of the fields, but for the two that are 0 or 1.
    return CollectionRow(*row[:8], bool(row[8]), bool(row[9]), row[10])  # type: ignore[arg-type,call-arg]


_ADD_ROOT = """
INSERT INTO api_root (root_id, title, description, added_at)
VALUES (?, ?, ?, ?)
"""

_ROOTS = """
SELECT root_row, root_id, title, description
FROM api_root
WHERE removed_at IS NULL
ORDER BY root_row
"""

_ROOT = """
SELECT root_row, root_id, title, description
FROM api_root
WHERE root_id = ? AND removed_at IS NULL
"""

_REMOVE_ROOT = """
UPDATE api_root
SET removed_at = ?
WHERE root_row = ?
"""

_ADD = """
INSERT INTO collection (
  root_row, collection_id, alias, title, description, default_tlp, anonymous_read, gather, added_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_ALL = """
SELECT c.collection_row, c.root_row, r.root_id, c.collection_id, c.alias, c.title, c.description, c.default_tlp,
  c.anonymous_read, c.gather, c.last_added
FROM collection AS c
JOIN api_root AS r ON r.root_row = c.root_row
WHERE c.removed_at IS NULL
ORDER BY c.collection_row
"""

_BY_ID = """
SELECT c.collection_row, c.root_row, r.root_id, c.collection_id, c.alias, c.title, c.description, c.default_tlp,
  c.anonymous_read, c.gather, c.last_added
FROM collection AS c
JOIN api_root AS r ON r.root_row = c.root_row
WHERE c.collection_id = ? AND c.removed_at IS NULL
"""

_BY_ROW = """
SELECT c.collection_row, c.root_row, r.root_id, c.collection_id, c.alias, c.title, c.description, c.default_tlp,
  c.anonymous_read, c.gather, c.last_added
FROM collection AS c
JOIN api_root AS r ON r.root_row = c.root_row
WHERE c.collection_row = ? AND c.removed_at IS NULL
"""

_REMOVE = """
UPDATE collection
SET removed_at = ?
WHERE collection_row = ?
"""

_SET_LAST_ADDED = """
UPDATE collection
SET last_added = ?
WHERE collection_row = ?
"""

_SIZE = """
SELECT count(*)
FROM (
  SELECT 1
  FROM collected
  WHERE collection_row = ?
  LIMIT ?
)
"""
