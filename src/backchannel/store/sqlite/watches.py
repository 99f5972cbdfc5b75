"""Where watches stand, and what they have yet to tell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from backchannel.store.sqlite.connection import Database


class WatchPlace(NamedTuple):
    """Where a watch stands in one log."""

    log_id: str
    path: str
    target: str
    """What was named to be watched."""
    offset: int
    """Bytes that were read."""
    line: int
    began: int
    """Bytes that were passed over at the beginning: those that stood there when it was watched first."""
    header: str
    """Of a table: the last header behind its first; "" if there was none."""
    is_done: int
    """1: read to its end, after another log took its name."""


class SqliteWatches:
    """Places in logs, and hits that wait to be told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def places(self, target: str) -> list[WatchPlace]:
        """Return where the watch of one target stands in its logs."""
        return [WatchPlace(*row) for row in self._database.execute(_PLACES, (target,))]

    def put(self, places: Iterable[WatchPlace]) -> None:
        """Keep where a watch stands; joins a transaction."""
        with self._database.transaction():
            self._database.executemany(_PUT, places)

    def is_known(self, target: str) -> bool:
        """Whether a target was watched before."""
        rows = self._database.execute("SELECT 1 FROM watch_target WHERE target = ?", (target,))
        return rows.fetchone() is not None

    def know(self, target: str) -> None:
        """Note that a target is watched; joins a transaction."""
        with self._database.transaction():
            self._database.execute("INSERT OR IGNORE INTO watch_target VALUES (?)", (target,))

    def wait(self, bodies: Iterable[str]) -> None:
        """Let hits wait to be told; joins a transaction."""
        with self._database.transaction():
            self._database.executemany("INSERT INTO watch_hit (body) VALUES (?)", ((one,) for one in bodies))

    def waiting(self, *, after: int, at_most: int) -> list[tuple[int, str]]:
        """Return the hits that wait behind a number, each with its own, in order."""
        return [
            (row[0], row[1])
            for row in self._database.execute(
                "SELECT number, body FROM watch_hit WHERE number > ? ORDER BY number LIMIT ?",
                (after, at_most),
            )
        ]

    def told(self, through: int) -> None:
        """Forget the hits up to a number: they were told."""
        with self._database.transaction():
            self._database.execute("DELETE FROM watch_hit WHERE number <= ?", (through,))

    def changes(self) -> int:
        """Return a number that changes when another connection has changed the store."""
        return int(self._database.execute("PRAGMA data_version").fetchone()[0])


_PLACES = """
SELECT log_id, path, target, offset, line, began, header, is_done
FROM watch_place
WHERE target = ?
ORDER BY log_id
"""

_PUT = """
INSERT INTO watch_place (log_id, path, target, offset, line, began, header, is_done)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (log_id) DO UPDATE
SET path = excluded.path, target = excluded.target, offset = excluded.offset, line = excluded.line,
  header = excluded.header, is_done = excluded.is_done
"""
