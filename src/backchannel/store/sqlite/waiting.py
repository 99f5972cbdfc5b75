"""What waits to be told to a party, and the notes that carry statements, in SQLite."""

from __future__ import annotations

from collections.abc import Iterable

from backchannel import codec
from backchannel.store.sqlite.connection import Database
from backchannel.store.statements import CarryingNote, StatementRow


class SqliteWaiting:
    """What goes to whom, and what came in STIX."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_waiting(self, party_row: int) -> bool:
        return self._database.execute(_IS_WAITING, (party_row,)).fetchone() is not None

    def wait(self, statement_row: int, *, party_row: int) -> None:
        self._database.execute(_WAIT, (party_row, statement_row))

    def waiting(self, party_row: int) -> list[StatementRow]:
        return [statement(row) for row in self._database.execute(_WAITING, (party_row,))]

    def waiting_parties(self) -> list[tuple[str, int]]:
        return self._database.execute(_WAITING_PARTIES).fetchall()

    def went(self, party_row: int, statement_rows: Iterable[int]) -> None:
        self._database.executemany(_WENT, ((party_row, row) for row in statement_rows))

    def note_carrying(self, notes: Iterable[CarryingNote]) -> None:
        self._database.executemany(_NOTE_CARRYING, notes)

    def carrying(self, stix_ids: Iterable[str]) -> dict[str, CarryingNote]:
        rows = self._database.execute(_CARRYING, (codec.encode(list(stix_ids)).decode(),))
        return {row[0]: CarryingNote(row[0], row[1], bool(row[2])) for row in rows}


def statement(row: tuple[object, ...]) -> StatementRow:
    """Return a row of `statement` by its columns."""
    # STRICT columns have the types of the fields, but for the one that is 0 or 1.
    return StatementRow(*row[:7], bool(row[7]))  # type: ignore[arg-type,call-arg]


_WAIT = "INSERT INTO waiting_statement (party_row, statement_row) VALUES (?, ?) ON CONFLICT DO NOTHING"

_IS_WAITING = "SELECT 1 FROM waiting_statement WHERE party_row = ? LIMIT 1"

_WAITING = """
SELECT s.statement_row, s.digest, s.kind, s.issuer, s.prev, s.received_at, s.envelope, s.is_own
FROM waiting_statement AS w
JOIN statement AS s ON s.statement_row = w.statement_row
WHERE w.party_row = ?
ORDER BY s.statement_row
"""

_WAITING_PARTIES = """
SELECT p.name, count(*)
FROM waiting_statement AS w
JOIN party AS p ON p.party_row = w.party_row
GROUP BY w.party_row
ORDER BY p.name
"""

_WENT = "DELETE FROM waiting_statement WHERE party_row = ? AND statement_row = ?"

# What was private once stays so, whoever puts another note of that id around it.
_NOTE_CARRYING = """
INSERT INTO carrying_note (stix_id, digest, is_private)
VALUES (?, ?, ?)
ON CONFLICT (stix_id) DO NOTHING
"""

_CARRYING = """
SELECT stix_id, digest, is_private
FROM carrying_note
WHERE stix_id IN (SELECT value FROM json_each(?))
"""
