"""Places of drops in SQLite."""

from __future__ import annotations

from collections.abc import Collection

from backchannel import codec
from backchannel.store.places import NewPlace, PlaceRow
from backchannel.store.sqlite.connection import Database


class SqlitePlaces:
    """Where drops stand that came."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewPlace) -> None:
        self._database.execute(_ADD, new)

    def near(self, issuers: Collection[str], chan: str, seq: int) -> list[PlaceRow]:
        rows = self._database.execute(_NEAR, (_listed(issuers), chan, seq - 1, seq + 1))
        return [_place(row) for row in rows]

    def named(self, issuers: Collection[str], bundle: str) -> list[PlaceRow]:
        return [_place(row) for row in self._database.execute(_NAMED, (bundle, _listed(issuers)))]

    def last(self, issuer: str, chan: str) -> int | None:
        found: int | None = self._database.execute(_LAST, (issuer, chan)).fetchone()[0]
        return found

    def numbers(self, issuer: str, chan: str, *, at_most: int) -> list[int]:
        return [row[0] for row in self._database.execute(_NUMBERS, (issuer, chan, at_most))]

    def unread(self, *, at_most: int) -> list[tuple[int, bytes]]:
        return self._database.execute(_UNREAD, (at_most,)).fetchall()

    def read(self, statement_row: int, *, bundle: str, prev: bytes | None) -> None:
        self._database.execute(_READ, (bundle, prev, statement_row))


def _listed(issuers: Collection[str]) -> str:
    return codec.encode(sorted(issuers)).decode()


def _place(row: tuple[object, ...]) -> PlaceRow:
    # STRICT columns have the types of the fields, but for the one that is 0 or 1.
    return PlaceRow(*row[:7], bool(row[7]))  # type: ignore[arg-type,call-arg]


_ADD = """
INSERT INTO received_drop (statement_row, issuer, chan, seq, bundle, prev)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_NEAR = """
SELECT d.statement_row, d.issuer, d.chan, d.seq, s.digest, d.bundle, d.prev,
  EXISTS (SELECT 1 FROM visible_statement AS v WHERE v.statement_row = d.statement_row)
FROM received_drop AS d
JOIN statement AS s ON s.statement_row = d.statement_row
WHERE d.issuer IN (SELECT value FROM json_each(?)) AND d.chan = ? AND d.seq BETWEEN ? AND ?
ORDER BY d.seq, d.statement_row
"""

_NAMED = """
SELECT d.statement_row, d.issuer, d.chan, d.seq, s.digest, d.bundle, d.prev,
  EXISTS (SELECT 1 FROM visible_statement AS v WHERE v.statement_row = d.statement_row)
FROM received_drop AS d
JOIN statement AS s ON s.statement_row = d.statement_row
WHERE d.bundle = ? AND d.issuer IN (SELECT value FROM json_each(?))
ORDER BY d.statement_row
"""

_LAST = "SELECT max(seq) FROM received_drop WHERE issuer = ? AND chan = ?"

_NUMBERS = """
SELECT DISTINCT seq
FROM received_drop
WHERE issuer = ? AND chan = ?
ORDER BY seq DESC
LIMIT ?
"""

_UNREAD = """
SELECT d.statement_row, s.envelope
FROM received_drop AS d
JOIN statement AS s ON s.statement_row = d.statement_row
WHERE d.bundle IS NULL
LIMIT ?
"""

_READ = "UPDATE received_drop SET bundle = ?, prev = ? WHERE statement_row = ?"
