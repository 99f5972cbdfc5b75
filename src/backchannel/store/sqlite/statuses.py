"""Status resources and the record of pages sent, in SQLite."""

from __future__ import annotations

from typing import Final

from backchannel.ids import sha256
from backchannel.store.exchange import PageSent
from backchannel.store.served import What
from backchannel.store.sqlite.connection import Database

MAX_RUNS_BYTES: Final = 256
"""Largest list of objects that is kept with the page itself: another row costs more than to write it again."""


class SqliteStatuses:
    """What became of what was posted, and which pages went out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, status_id: str, *, root_row: int, party_row: int, at: int, body: bytes) -> None:
        self._database.execute(_ADD, (status_id, root_row, party_row, at, body))

    def get(self, status_id: str, *, root_row: int, party_row: int) -> bytes | None:
        row = self._database.execute(_GET, (status_id, root_row, party_row)).fetchone()
        return None if row is None else row[0]

    def prune(self, *, before: int) -> None:
        self._database.execute(_PRUNE, (before,))

    def sent(self, page: PageSent, *, what: What, runs: bytes | None) -> None:
        name = None
        if runs is not None and len(runs) > MAX_RUNS_BYTES:
            name = sha256(runs)
            self._database.execute(_KEEP_LIST, (name, runs))
        self._database.execute(_SENT, (*page, what, runs if name is None else None, name))

    def pages(self, *, at_most: int) -> list[PageSent]:
        return [PageSent(*row) for row in self._database.execute(_PAGES, (at_most,))]


_ADD = """
INSERT INTO status (status_id, root_row, party_row, at, body)
VALUES (?, ?, ?, ?, ?)
"""

_GET = """
SELECT body
FROM status
WHERE status_id = ? AND root_row = ? AND party_row = ?
"""

_PRUNE = """
DELETE FROM status
WHERE at < ?
"""

_SENT = """
INSERT INTO page_sent (
  sent_at, party_row, token_row, collection_row, kind, first_added, last_added, objects, policy, sha256,
  what, runs, list_sha256
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_KEEP_LIST = """
INSERT INTO object_list (sha256, runs)
VALUES (?, ?)
ON CONFLICT (sha256) DO NOTHING
"""

_PAGES = """
SELECT sent_at, party_row, token_row, collection_row, kind, first_added, last_added, objects, policy, sha256
FROM page_sent
ORDER BY page_row DESC
LIMIT ?
"""
