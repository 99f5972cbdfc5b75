"""The files of the compiled indicator set, and what is still to be compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backchannel.matching.segment import Segment, ToCompile
from backchannel.store.sqlite.connection import Database


class SqliteSegments:
    """Which immutable files make up the compiled set."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Segment]:
        """Return the files in the order of the rows they cover."""
        return [Segment(*row) for row in self._database.execute(_ALL)]

    def pending(self, *, normaliser: int) -> Iterator[ToCompile]:
        """Yield the indicators in complete batches that no file of this normaliser covers, by row."""
        for row in self._database.execute(_PENDING, (normaliser,)):
            yield ToCompile(*row)

    def add(self, segment: Segment, unread: Iterable[tuple[str, int]]) -> None:
        """Let a file count, and keep what of its indicators' patterns is not searched (words, object row)."""
        with self._database.transaction():
            self._database.executemany(_UNCOMPILED, unread)
            self._database.execute(_ADD, segment)

    def replace(self, old: Iterable[str], new: Segment) -> None:
        """Let one file count in place of others that hold the same."""
        with self._database.transaction():
            self._database.executemany("DELETE FROM segment WHERE file = ?", [(file,) for file in old])
            self._database.execute(_ADD, new)

    def drop_older(self, *, normaliser: int) -> list[str]:
        """Forget the files of other normalisers; return their names."""
        with self._database.transaction():
            rows = self._database.execute("SELECT file FROM segment WHERE normaliser <> ?", (normaliser,))
            files = [row[0] for row in rows]
            self._database.execute("DELETE FROM segment WHERE normaliser <> ?", (normaliser,))
        return files


_ALL = """
SELECT first_row, last_row, entries, file, normaliser
FROM segment
ORDER BY first_row
"""

_PENDING = """
SELECT i.object_row, i.pattern, o.spec_version
FROM indicator AS i
JOIN object AS o ON o.object_row = i.object_row
WHERE i.pattern_type = 'stix'
  AND i.object_row > (SELECT coalesce(max(last_row), 0) FROM segment WHERE normaliser = ?)
  AND i.object_row < (
    SELECT coalesce(min(a.object_row), 9223372036854775807)
    FROM batch AS b
    JOIN arrival AS a ON a.batch_id = b.batch_id AND a.arrival_row >= b.first_arrival
    WHERE b.state = 'open' AND a.outcome <> 'known'
  )
ORDER BY i.object_row
"""

_ADD = """
INSERT INTO segment (first_row, last_row, entries, file, normaliser)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (file) DO NOTHING -- another process compiled the same: its name is that of its content
"""

_UNCOMPILED = """
UPDATE indicator
SET uncompiled = ?
WHERE object_row = ?
"""
