"""Migrations: each once, wholly, and never somebody else's file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from backchannel.errors import StoreError
from backchannel.store.rows import HuntsSince
from backchannel.store.sqlite import migrate
from backchannel.store.sqlite.connection import Database, create
from backchannel.store.sqlite.sightlines import SqliteSightlines
from backchannel.store.sqlite.store import SqliteStore


@pytest.fixture
def database(tmp_path: Path):
    create(tmp_path / "store.sqlite")
    database = Database(tmp_path / "store.sqlite")
    yield database
    database.close()


def test_a_new_file_gets_every_migration_and_says_that_it_is_ours(database: Database):
    assert migrate.migrate(database) == len(list(migrate.MIGRATIONS.glob("*.sql")))
    assert database.execute("PRAGMA application_id").fetchone()[0] == migrate.APPLICATION_ID


def test_migrations_are_numbered_without_a_gap():
    numbers = sorted(int(path.name[:4]) for path in migrate.MIGRATIONS.glob("*.sql"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_store_opened_again_is_left_as_it_is(database: Database):
    migrate.migrate(database)
    before = database.execute("SELECT name, sql FROM sqlite_schema").fetchall()
    migrate.migrate(database)
    assert database.execute("SELECT name, sql FROM sqlite_schema").fetchall() == before


def test_hunts_from_before_a_form_stay_and_show_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    older = tmp_path / "older"
    older.mkdir()
    for path in sorted(migrate.MIGRATIONS.glob("*.sql"))[:4]:
        (older / path.name).write_text(path.read_text("utf-8"))
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "MIGRATIONS", older)
        migrate.migrate(database)
    at = "2026-03-01T00:00:00.000Z"
    with database.transaction():
        database.execute(
            "INSERT INTO hunt (started_at, ended_at, paths, records) VALUES (?, ?, '[]', 7)", (at, at)
        )
    migrate.migrate(database)
    assert SqliteSightlines(database).hunts_since(at) == HuntsSince(at, {})


def test_a_store_of_a_newer_version_is_not_touched(database: Database):
    migrate.migrate(database)
    database.execute("PRAGMA user_version = 9999")
    with pytest.raises(StoreError, match="newer"):
        migrate.migrate(database)


def test_another_programs_database_is_not_touched(database: Database):
    database.execute("CREATE TABLE theirs (n INTEGER)")
    with pytest.raises(StoreError, match="not a Backchannel store"):
        migrate.migrate(database)
    assert database.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


def test_a_migration_that_fails_midway_leaves_the_form_before(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_start.sql").write_text("CREATE TABLE one (n INTEGER) STRICT;\n")
    (folder / "0002_more.sql").write_text(
        "-- a remark; with a semicolon\nALTER TABLE one ADD COLUMN m TEXT; -- ;\nINSERT INTO nowhere VALUES (1);\n"
    )
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    with pytest.raises(sqlite3.OperationalError):
        migrate.migrate(database)
    assert migrate.version(database) == 1
    assert [row[1] for row in database.execute("PRAGMA table_info(one)")] == ["n"]


def test_every_table_is_strict(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", make=True)
    tables = store.database.execute(
        "SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    assert {name for name, strict in tables if not strict} == set()
    assert len(tables) > 10
    store.close()


def test_channels_from_before_drops_stay_with_their_places_and_their_numbers_go_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    older = tmp_path / "older"
    older.mkdir()
    for path in sorted(migrate.MIGRATIONS.glob("*.sql"))[:11]:
        (older / path.name).write_text(path.read_text("utf-8"))
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "MIGRATIONS", older)
        migrate.migrate(database)
    add = "INSERT INTO channel (name, kind, terms, party, every_s, added_at, paused_at) VALUES (?, ?, '{}', 'x', 60, 'now', ?)"
    with database.transaction():
        for values in (("one", "taxii", None), ("two", "feed", "then"), ("gone", "feed", None)):
            database.execute(add, values)
        database.execute(
            "INSERT INTO channel_place (channel_row, place, id, title, stored) VALUES (2, 'p', '', 't', 7)"
        )
        database.execute("DELETE FROM channel WHERE name = 'gone'")
    migrate.migrate(database)
    kept = database.execute(
        "SELECT channel_row, name, kind, paused_at FROM channel ORDER BY channel_row"
    ).fetchall()
    assert kept == [(1, "one", "taxii", None), (2, "two", "feed", "then")]
    assert database.execute("SELECT channel_row, place, stored FROM channel_place").fetchall() == [
        (2, "p", 7)
    ]
    database.execute(add, ("new", "drop", None))
    assert database.execute("SELECT channel_row FROM channel WHERE name = 'new'").fetchone() == (4,)
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_migration_of_channels_leaves_an_empty_store_in_order(database: Database):
    migrate.migrate(database)
    database.execute(
        "INSERT INTO channel (name, kind, terms, party, every_s, added_at) VALUES ('a', 'drop', '{}', 'x', 0, '')"
    )
    assert database.execute("SELECT channel_row FROM channel").fetchone() == (1,)
