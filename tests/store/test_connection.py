"""The file under the store: durable, one connection a thread, errors in plain words."""

from __future__ import annotations

import gc
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from backchannel.errors import StoreError
from backchannel.store.sqlite.connection import ROWS_AT_ONCE, Database, create
from backchannel.store.sqlite.store import SqliteStore


@pytest.fixture
def database(tmp_path: Path):
    create(tmp_path / "store.sqlite")
    database = Database(tmp_path / "store.sqlite")
    database.execute("CREATE TABLE number (n INTEGER NOT NULL UNIQUE) STRICT")
    yield database
    database.close()


def numbers(database: Database) -> list[int]:
    return [row[0] for row in database.execute("SELECT n FROM number ORDER BY n")]


def test_what_is_committed_is_on_the_disk_before_the_call_returns(database: Database):
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert database.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_the_file_is_its_owners_alone(database: Database):
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


def test_a_transaction_that_fails_leaves_nothing(database: Database):
    def begin_and_fail() -> None:
        with database.transaction():
            database.executemany("INSERT INTO number VALUES (?)", [(1,), (2,)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        begin_and_fail()
    assert numbers(database) == []


@pytest.mark.parametrize(
    "count", [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 3 * ROWS_AT_ONCE + 5]
)
def test_many_rows_are_inserted_each_once_and_in_their_order(database: Database, count: int):
    database.execute("CREATE TABLE pair (place INTEGER PRIMARY KEY, n INTEGER NOT NULL, word TEXT) STRICT")
    rows = [(7 * n % 1000, None if n % 3 else f"VALUES {n}") for n in range(count)]
    database.insert("INSERT INTO pair (n, word) VALUES (?, ?)", iter(rows))
    assert database.execute("SELECT n, word FROM pair ORDER BY place").fetchall() == rows


def test_of_many_rows_with_a_bad_one_a_transaction_leaves_nothing(database: Database):
    rows = [(n,) for n in range(2 * ROWS_AT_ONCE)]
    rows[ROWS_AT_ONCE + 3] = (0,)
    with pytest.raises(sqlite3.IntegrityError), database.transaction():
        database.insert("INSERT INTO number VALUES (?)", rows)
    assert numbers(database) == []


def test_a_transaction_inside_another_joins_it(database: Database):
    def begin_twice_and_fail() -> None:
        with database.transaction():
            with database.transaction():
                database.execute("INSERT INTO number VALUES (1)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        begin_twice_and_fail()
    assert numbers(database) == []


def test_a_mistake_of_our_own_is_not_dressed_up_as_the_users(database: Database):
    with pytest.raises(sqlite3.OperationalError):
        database.execute("SELECT nothing FROM nowhere")
    with pytest.raises(sqlite3.IntegrityError):
        database.executemany("INSERT INTO number VALUES (?)", [(1,), (1,)])


def test_another_thread_reads_beside_a_running_transaction_and_sees_none_of_it(database: Database):
    seen: list[list[int]] = []
    with database.transaction():
        database.execute("INSERT INTO number VALUES (1)")
        reader = threading.Thread(target=lambda: seen.append(numbers(database)))
        reader.start()
        reader.join()
    assert seen == [[]]
    assert numbers(database) == [1]


def test_the_connection_of_a_thread_that_ended_is_closed(database: Database):
    kept: list[sqlite3.Connection] = []
    thread = threading.Thread(target=lambda: kept.append(database.connection))
    thread.start()
    thread.join()
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        kept[0].execute("SELECT 1")


def test_close_closes_the_connections_of_all_threads(database: Database):
    ready, done = threading.Event(), threading.Event()
    kept: list[sqlite3.Connection] = []

    def open_and_wait() -> None:
        kept.append(database.connection)
        ready.set()
        done.wait(10)

    thread = threading.Thread(target=open_and_wait)
    thread.start()
    ready.wait(10)
    database.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        kept[0].execute("SELECT 1")
    done.set()
    thread.join()


def test_a_missing_file_is_not_made_in_silence(tmp_path: Path):
    with pytest.raises(StoreError, match="missing"):
        SqliteStore(tmp_path / "store.sqlite")
    with pytest.raises(StoreError, match="cannot be opened"):
        Database(tmp_path / "store.sqlite").execute("SELECT 1")
    assert not (tmp_path / "store.sqlite").exists()


def test_a_file_that_is_no_database_is_named(tmp_path: Path):
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"this is a text, and a long one, not a database" * 100)
    with pytest.raises(StoreError, match="not a Backchannel store"):
        SqliteStore(path)


def test_a_store_cut_short_is_called_damaged(tmp_path: Path):
    path = tmp_path / "store.sqlite"
    SqliteStore(path, make=True).close()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(StoreError, match="damaged"):
        SqliteStore(path).objects.counts()


def test_a_writer_that_waits_too_long_is_told_why(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backchannel.store.sqlite.connection.BUSY_TIMEOUT_S", 0.01)
    other = Database(database.path)
    with database.transaction(), pytest.raises(StoreError, match="busy") as caught, other.transaction():
        pass
    assert caught.value.exit_code == 7
    other.close()


def test_a_full_disk_is_told_and_nothing_is_changed(database: Database):
    def fill() -> None:
        with database.transaction():
            database.execute("CREATE TABLE big (b BLOB) STRICT")
            database.execute("INSERT INTO big VALUES (zeroblob(10000000))")

    database.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="full"):
        fill()
    assert numbers(database) == []
