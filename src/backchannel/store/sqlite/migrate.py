"""Bring a store to the form that this program writes: numbered SQL files, each applied once and wholly.

`migrations/NNNN_name.sql` is never changed once released; a change of form is a new file. The number of the
last one applied is the file's `user_version`; `application_id` says that the file is ours.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from backchannel.errors import StoreError
from backchannel.store.sqlite.connection import Database

APPLICATION_ID = 0x42434B31
"""`BCK1` in the file's header (SQLite file format §1.3.15)."""

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> int:
    """Apply what is missing and return the number of the last migration.

    Raises:
        StoreError: the file is another program's, or a newer Backchannel wrote it.
    """
    files = sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    newest = int(files[-1].name[:4])
    found = version(database)
    if found > newest:
        raise StoreError(
            f"a newer Backchannel wrote the store {database.path} (form {found}, this one knows {newest})",
            hint="Install the newer version again, or restore the backup from before it.",
        )
    if found < newest:
        _check_owner(database, found)
        for file in files:
            if int(file.name[:4]) > found:
                _apply(database, file)
    return newest


def version(database: Database) -> int:
    """Return the number of the last migration applied, 0 for an empty file."""
    number: int = database.execute("PRAGMA user_version").fetchone()[0]
    return number


def _check_owner(database: Database, found: int) -> None:
    """Refuse a database that another program made."""
    owner: int = database.execute("PRAGMA application_id").fetchone()[0]
    tables: int = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if owner != APPLICATION_ID and (found or tables or owner):
        raise StoreError(
            f"{database.path} is not a Backchannel store",
            hint="Name the right folder with --home.",
        )


def _apply(database: Database, file: Path) -> None:
    """Run one file and note its number in one transaction; another process may have done so meanwhile."""
    number = int(file.name[:4])
    with database.transaction():
        if version(database) >= number:
            return
        for statement in _statements(file.read_text("utf-8")):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> list[str]:
    """Split a script; `executescript` would commit before it begins."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
