"""The day index: on which days which values stood in which logs, kept when they are hunted through.

It answers for new indicators in microseconds each where in old logs to look, whatever the size of the logs. It is
one SQLite file beside the logs' owner's database, may be deleted at any time, and is then built again by hunting.
What it says is where to look: the log itself is the evidence, as long as it is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from backchannel.errors import StoreError
from backchannel.observables.normalise import NORMALISER_VERSION

KEEP_DAYS: Final = 400
"""Days that are kept: a year and the month in which it is looked back on."""
NO_DAY: Final = -1
"""Day of records whose time cannot be read."""
DAY_SECONDS: Final = 86_400
_BATCH: Final = 10_000
BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for another process's."""
_CACHE_KIB: Final = 64 * 1024


class DayRow(NamedTuple):
    """A value on one day in one log."""

    key: bytes
    day: int
    """Since 1970-01-01 UTC; `NO_DAY` without a time."""
    records: int
    first: int
    """Second of the day; -1 without a time."""
    last: int

    def times(self) -> tuple[datetime, ...]:
        """Return the times of the first and the last record; none where they have none."""
        if self.day == NO_DAY:
            return ()
        start = self.day * DAY_SECONDS
        return tuple(datetime.fromtimestamp(start + second, UTC) for second in (self.first, self.last))


class IndexedLog(NamedTuple):
    """A log that is in the index."""

    row: int
    log_id: str
    """`logs.recognise.log_id`: the same for a log that was renamed, packed or grew."""
    path: str
    """Where it was when it was read last."""
    format: str
    size: int
    """Bytes of it (uncompressed) that are in the index."""


class LogKind(NamedTuple):
    """What one log shows of a kind of observable (`logs.shown`)."""

    kind: str
    records: int | None
    first_at: str | None
    last_at: str | None


class DayIndex:
    """The index of one node, open."""

    def __init__(self, path: Path, *, patience_s: float = BUSY_TIMEOUT_S) -> None:
        """Open the index, or make it; one of another normaliser's is made anew.

        Args:
            path: its file.
            patience_s: how long another process's writing is waited for.

        Raises:
            StoreError: it is busy, damaged or cannot be opened; so do all its methods.
        """
        self._path = path
        with self._told():
            self._database = sqlite3.connect(path, isolation_level=None, timeout=patience_s)
        try:
            path.chmod(0o600)
            self._execute("PRAGMA journal_mode = WAL")
            self._execute("PRAGMA synchronous = FULL")
            self._execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._execute("PRAGMA temp_store = FILE")
            self._prepare()
            for statement in _OWN_TABLES:
                self._execute(statement)
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        (version,) = self._execute("PRAGMA user_version").fetchone()
        if version == NORMALISER_VERSION:
            return
        with self._transaction("BEGIN IMMEDIATE"):
            for table in ("log", "log_kind", "seen"):
                self._execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _TABLES:
                self._execute(statement)
            self._execute(f"PRAGMA user_version = {NORMALISER_VERSION}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in plain words what SQLite says."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"the day index {self._path} cannot be used: {error}",
                hint="Nothing else depends on it. Where it is damaged, delete the file and hunt again.",
            ) from error

    def _execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        with self._told():
            return self._database.execute(sql, parameters)

    def _executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        with self._told():
            self._database.executemany(sql, rows)

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    def logs(self) -> list[IndexedLog]:
        """Return the logs in the index, those read last first."""
        rows = self._execute("SELECT log, log_id, path, format, size FROM log ORDER BY log DESC")
        return [IndexedLog(*row) for row in rows]

    def log(self, log_id: str) -> IndexedLog | None:
        """Return one log."""
        rows = self._execute("SELECT log, log_id, path, format, size FROM log WHERE log_id = ?", (log_id,))
        return next((IndexedLog(*row) for row in rows), None)

    def kinds(self) -> list[LogKind]:
        """Return what the logs in the index show, over all of them."""
        rows = self._execute(
            "SELECT kind, sum(records), min(first_at), max(last_at) FROM log_kind GROUP BY kind ORDER BY kind"
        )
        return [LogKind(*row) for row in rows]

    def draft(self, rows: Iterable[DayRow]) -> None:
        """Take rows of the log that is being read; they count when it is added. Several of one key and day may come."""
        with self._transaction("BEGIN"):
            self._executemany("INSERT INTO draft VALUES (?, ?, ?, ?, ?)", rows)

    def drop_draft(self) -> None:
        """Let go what was drafted."""
        self._execute("DELETE FROM draft")

    def add(self, log: IndexedLog, kinds: Sequence[LogKind]) -> bool:
        """Let what was drafted count; all of it or nothing.

        Args:
            log: `size` is what the index covers with it; `row` is 0 for one that is not in it.
            kinds: what the log shows.

        Returns:
            Whether it counts: another process may have added the same part.
        """
        with self._transaction("BEGIN IMMEDIATE"):
            known = self.log(log.log_id)
            is_new = (0 if known is None else known.row) == log.row and (
                known is None or known.size < log.size
            )
            if is_new:
                number = self._put(log)
                # In the order of the keys: each page of the index is touched once.
                self._execute(_MERGE, (number,))
                self._executemany(_KIND, ((number, *one) for one in kinds))
        self.drop_draft()
        return is_new

    def _put(self, log: IndexedLog) -> int:
        if log.row:
            self._execute(
                "UPDATE log SET path = ?, format = ?, size = ? WHERE log = ?",
                (log.path, log.format, log.size, log.row),
            )
            return log.row
        cursor = self._execute(
            "INSERT INTO log (log_id, path, format, size) VALUES (?, ?, ?, ?)",
            (log.log_id, log.path, log.format, log.size),
        )
        return int(cursor.lastrowid or 0)

    def find(self, ranges: Iterable[tuple[bytes, bytes]]) -> Mapping[tuple[bytes, bytes], list[int]]:
        """Return the rows of the logs in which values of some ranges stood.

        Args:
            ranges: first key, and first key that is not in it (`day_keys.range_of`); the same one is asked once.
                Different ones hold a key together seldom more than as often as a name has labels, so that the
                work is bounded by the size of the index.
        """
        found: dict[tuple[bytes, bytes], list[int]] = {}
        ordered = sorted(set(ranges))
        for at in range(0, len(ordered), _BATCH):
            part = ordered[at : at + _BATCH]
            with self._transaction("BEGIN"):
                self._execute("DELETE FROM wanted")
                self._executemany(
                    "INSERT INTO wanted VALUES (?, ?, ?)",
                    ((n, low, high) for n, (low, high) in enumerate(part)),
                )
            for number, log_row in self._execute(_FIND):
                found.setdefault(part[number], []).append(log_row)
        return found

    def values(self, low: bytes, high: bytes, log_row: int, *, at_most: int) -> list[DayRow]:
        """Return what of a range stood in one log, by key and day."""
        rows = self._execute(_VALUES, (low, high, log_row, at_most))
        return [DayRow(*row) for row in rows]

    def forget(self, *, before: int) -> int:
        """Leave out days before one; return how many rows went. Reads the whole index."""
        with self._transaction("BEGIN IMMEDIATE"):
            gone = self._execute("DELETE FROM seen WHERE day >= 0 AND day < ?", (before,)).rowcount
            (oldest,) = self._execute("SELECT coalesce(max(forgotten), 0) FROM kept").fetchone()
            self._execute("DELETE FROM kept")
            self._execute("INSERT INTO kept VALUES (?)", (max(before, oldest),))
        return gone

    def forgotten(self) -> int:
        """Return the day before which everything was left out."""
        (day,) = self._execute("SELECT coalesce(max(forgotten), 0) FROM kept").fetchone()
        return int(day)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._execute(begin)
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")


_TABLES: Final = (
    """
CREATE TABLE log (
  log INTEGER PRIMARY KEY,
  log_id TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  format TEXT NOT NULL,
  size INTEGER NOT NULL -- bytes, uncompressed, that are in the index
) STRICT
""",
    """
CREATE TABLE log_kind (
  log INTEGER NOT NULL REFERENCES log (log),
  kind TEXT NOT NULL,
  records INTEGER,
  first_at TEXT,
  last_at TEXT,
  PRIMARY KEY (log, kind)
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE seen (
  key BLOB NOT NULL,
  day INTEGER NOT NULL,
  log INTEGER NOT NULL,
  n INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (key, day, log)
) STRICT, WITHOUT ROWID
""",
    "CREATE TABLE IF NOT EXISTS kept (forgotten INTEGER NOT NULL) STRICT",
)

_OWN_TABLES: Final = (
    "CREATE TEMP TABLE draft (key, day, n, first, last)",
    "CREATE TEMP TABLE wanted (number INTEGER PRIMARY KEY, low, high)",
)
"""Only this connection has them: nobody waits for them, and they are gone with it."""

_MERGE: Final = """
INSERT INTO seen (key, day, log, n, first, last)
SELECT key, day, ?1, sum(n), min(first), max(last)
FROM draft
GROUP BY key, day
ORDER BY key, day
ON CONFLICT (key, day, log) DO UPDATE
SET n = n + excluded.n, first = min(first, excluded.first), last = max(last, excluded.last)
"""

_KIND: Final = """
INSERT INTO log_kind (log, kind, records, first_at, last_at)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (log, kind) DO UPDATE
SET records = excluded.records, first_at = excluded.first_at, last_at = excluded.last_at
"""

# CROSS: the few ranges are walked, and each is one place in the index.
_FIND: Final = """
SELECT DISTINCT number, log
FROM wanted CROSS JOIN seen ON seen.key >= wanted.low AND seen.key < wanted.high
"""

_VALUES: Final = """
SELECT key, day, n, first, last
FROM seen
WHERE key >= ? AND key < ? AND log = ?
ORDER BY key, day
LIMIT ?
"""
