"""The ledger's leaves and what opens them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from backchannel.store.leaves import LeafRow, Pending
from backchannel.store.sqlite.connection import Database


class SqliteLeaves:
    """Leaves in the transactions of what they are about."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: LeafRow) -> int:
        """Keep a leaf that is to be appended."""
        return cast("int", self._database.execute(_ADD, row[1:]).lastrowid)

    def waiting(self) -> Pending:
        """Return how much is still to be appended."""
        return Pending(*self._database.execute(_WAITING).fetchone())

    def pending(self, *, at_most: int) -> list[LeafRow]:
        """Return leaves that are still to be appended."""
        return [LeafRow(*row) for row in self._database.execute(_PENDING, (at_most,))]

    def entered(self, places: Iterable[tuple[int, int]]) -> None:
        """Keep where leaves were appended."""
        with self._database.transaction():
            self._database.executemany(_ENTERED, [(index, row) for row, index in places])

    def at(self, index: int) -> LeafRow | None:
        """Return the leaf appended at `index`."""
        row = self._database.execute(_AT, (index,)).fetchone()
        return LeafRow(*row) if row else None

    def last(self) -> LeafRow | None:
        """Return the leaf with the highest index."""
        row = self._database.execute(_NEWEST, (_NO_BOUND, 1)).fetchone()
        return LeafRow(*row) if row else None

    def about(self, about: Iterable[str], *, at_most: int) -> list[LeafRow]:
        """Return leaves about any of these."""
        rows = [row for name in about for row in self._database.execute(_ABOUT, (name, at_most))]
        return sorted(LeafRow(*row) for row in rows)[:at_most]

    def newest(self, *, before: int | None, rows: int) -> list[LeafRow]:
        """Return appended leaves, highest index first."""
        bound = _NO_BOUND if before is None else before
        return [LeafRow(*row) for row in self._database.execute(_NEWEST, (bound, rows))]

    def counts(self) -> dict[str, int]:
        """Return how many leaves of each kind were appended."""
        return dict(self._database.execute(_COUNTS).fetchall())

    def digests_of(self, batch_id: int) -> list[bytes]:
        """Return the digests of a batch's objects."""
        return [row[0] for row in self._database.execute(_DIGESTS, {"batch": batch_id})]


_NO_BOUND = 2**63 - 1

_ADD = """
INSERT INTO ledger_leaf (kind, about, statement, blinding, recorded_at, leaf_index)
VALUES (?, ?, ?, ?, ?, ?)
"""

_WAITING = """
SELECT count(*), min(recorded_at)
FROM ledger_leaf
WHERE leaf_index IS NULL
"""

_PENDING = """
SELECT leaf_row, kind, about, statement, blinding, recorded_at, leaf_index
FROM ledger_leaf
WHERE leaf_index IS NULL
ORDER BY leaf_row
LIMIT ?
"""

_ENTERED = """
UPDATE ledger_leaf
SET leaf_index = ?
WHERE leaf_row = ?
"""

_AT = """
SELECT leaf_row, kind, about, statement, blinding, recorded_at, leaf_index
FROM ledger_leaf
WHERE leaf_index = ?
"""

_ABOUT = """
SELECT leaf_row, kind, about, statement, blinding, recorded_at, leaf_index
FROM ledger_leaf
WHERE about = ?
ORDER BY leaf_row
LIMIT ?
"""

_NEWEST = """
SELECT leaf_row, kind, about, statement, blinding, recorded_at, leaf_index
FROM ledger_leaf
WHERE leaf_index < ?
ORDER BY leaf_index DESC
LIMIT ?
"""

_COUNTS = """
SELECT kind, count(*)
FROM ledger_leaf
WHERE leaf_index IS NOT NULL
GROUP BY kind
ORDER BY kind
"""

# The arrivals of a batch lie together: from its first one up to the next batch's.
_DIGESTS = """
SELECT o.digest
FROM arrival AS a
JOIN object AS o ON o.object_row = a.object_row
WHERE a.batch_id = :batch
  AND a.arrival_row >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
  AND a.arrival_row < (
    SELECT coalesce(min(first_arrival), 9223372036854775807) FROM batch WHERE batch_id > :batch
  )
ORDER BY a.arrival_row
"""
