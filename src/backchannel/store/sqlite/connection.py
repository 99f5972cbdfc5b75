"""One SQLite file, one connection for each thread that asks, and errors in plain words.

What is acknowledged is never lost: WAL with `synchronous=FULL`, so that a commit that returned is on the
disk. A thread of a web server reads beside a running import, because each thread has its own connection.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

from backchannel.errors import StoreError

Parameters = Sequence[object] | Mapping[str, object]

BUSY_TIMEOUT_S = 30.0
"""How long a writer waits for another process's transaction; each of ours lasts well under a second."""
CACHE_KIB = 16 * 1024
"""Memory for pages of one connection."""
ROWS_AT_ONCE = 64
"""Rows that one statement inserts: to run a statement costs as much as to write a short row."""
WAL_PAGES = 2000
"""Pages of 8 KiB after which a commit copies the write-ahead log back into the file: 16 MiB."""

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA cache_size = -{CACHE_KIB}",
    f"PRAGMA wal_autocheckpoint = {WAL_PAGES}",
    "PRAGMA temp_store = MEMORY",
    # A file that somebody else made could carry functions in its views and triggers.
    "PRAGMA trusted_schema = OFF",
)


class Database:
    """The connections to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._open: weakref.WeakSet[_Held] = weakref.WeakSet()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, opened when it first asks.

        Raises:
            StoreError: the file is missing or no database.
        """
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            held = _Held(_connect(self.path))
            self._local.held = held
            self._open.add(held)
        return held.connection

    def execute(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        """Run one statement.

        Raises:
            StoreError: the store is busy, full or damaged.
        """
        try:
            return self.connection.execute(sql, parameters)
        except sqlite3.DatabaseError as error:
            raise _explained(error, self.path) from error

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for each of `rows`; raises as `execute` does."""
        try:
            self.connection.executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            raise _explained(error, self.path) from error

    def insert(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Insert rows, many with each run of a statement.

        Args:
            sql: an `INSERT` of one row, which ends with its `VALUES (?, ...)`.
            rows: what is bound, a row each.

        Raises:
            StoreError: the store is busy, full or damaged.
        """
        left = iter(rows)
        while len(some := list(islice(left, ROWS_AT_ONCE))) == ROWS_AT_ONCE:
            self.execute(_of_many(sql), list(chain.from_iterable(some)))
        self.executemany(sql, some)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen wholly or not at all; one inside another joins it."""
        connection = self.connection
        if connection.in_transaction:
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            connection.rollback()  # does nothing where SQLite has rolled back itself: a full disk
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let everything that is read inside be as it was at one moment, without waiting for a writer."""
        connection = self.connection
        if connection.in_transaction:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            connection.rollback()  # nothing was written

    def close(self) -> None:
        """Close every thread's connection."""
        for held in list(self._open):
            held.connection.close()
        self._local = threading.local()


@lru_cache(maxsize=32)
def _of_many(sql: str) -> str:
    """Return an `INSERT` of one row as one of `ROWS_AT_ONCE`."""
    head, values, row = sql.rpartition("VALUES")
    return f"{head}{values}{', '.join([row] * ROWS_AT_ONCE)}"


class _Held:
    """A connection that closes when its thread is gone."""

    __slots__ = ("__weakref__", "connection")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


def create(path: Path) -> None:
    """Make an empty database file in WAL mode, readable by its owner only."""
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Bodies of a few kilobytes: 8 KiB pages need a third of the overflow pages that 4 KiB do.
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,  # `close` comes from another thread than the one that opened
        )
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.DatabaseError as error:
        raise _explained(error, path) from error
    return connection


_EXPLAINED = {
    "SQLITE_BUSY": (
        "the store is busy: another process has been writing for {seconds} seconds",
        "Wait for the other command to end and run this one again.",
    ),
    "SQLITE_FULL": (
        "the disk that holds the store is full; nothing was changed",
        "Make room on the disk and run the command again.",
    ),
    "SQLITE_CANTOPEN": (
        "the store {path} cannot be opened",
        "See that the file is there and that you may read and write it; `backchannel doctor` tells more.",
    ),
    "SQLITE_READONLY": (
        "the store {path} may be read but not written",
        "Run the command as the user who owns the folder.",
    ),
    "SQLITE_NOTADB": (
        "{path} is not a Backchannel store",
        "Name the right folder with --home, or restore the file from a backup.",
    ),
    "SQLITE_CORRUPT": (
        "the store {path} is damaged",
        "Copy the folder away before anything else, then restore the last backup.",
    ),
}


def _explained(error: sqlite3.DatabaseError, path: Path) -> BaseException:
    """Say what SQLite's error means for the user; a mistake in our own SQL stays what it is."""
    name: str = getattr(error, "sqlite_errorname", "") or ""
    for code, (message, hint) in _EXPLAINED.items():
        if name.startswith(code):
            return StoreError(message.format(path=path, seconds=int(BUSY_TIMEOUT_S)), hint=hint)
    if name.startswith("SQLITE_IOERR"):
        return StoreError(
            f"the disk that holds {path} does not answer as it should ({name})",
            hint="Look at the system's log for errors of the disk; do not write to it until they are mended.",
        )
    return error
