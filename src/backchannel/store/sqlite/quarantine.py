"""What was refused, in SQLite: the originals with their reasons."""

from __future__ import annotations

from typing import cast

from backchannel.store.sqlite.connection import Database
from backchannel.store.statements import NewRefused, RefusedRow


class SqliteQuarantine:
    """What was refused."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def refuse(self, new: NewRefused) -> int:
        same = self._database.execute(_REFUSED_SAME, (new.sha256, new.reason)).fetchone()
        if same is not None:
            return cast("int", same[0])
        fields = (
            new.at,
            new.what,
            new.party_row,
            new.place,
            new.reason,
            new.detail,
            new.sha256,
            new.size,
            new.body,
        )
        return cast("int", self._database.execute(_REFUSE, fields).lastrowid)

    def refused(self, *, before: int | None, rows: int, is_open: bool) -> list[RefusedRow]:
        bound = 2**62 if before is None else before
        found = self._database.execute(_REFUSED_OPEN if is_open else _REFUSED, (bound, rows))
        names = RefusedRow.__struct_fields__
        return [RefusedRow(**dict(zip(names, row, strict=True))) for row in found]

    def refused_as(self, sha256: bytes) -> int | None:
        row = self._database.execute(_REFUSED_AS, (sha256,)).fetchone()
        return None if row is None else row[0]

    def refused_row(self, refused_row: int) -> RefusedRow | None:
        rows = self.refused(before=refused_row + 1, rows=1, is_open=False)
        return next((row for row in rows if row.refused_row == refused_row), None)

    def open_refused(self) -> int:
        count: int = self._database.execute(_OPEN_REFUSED).fetchone()[0]
        return count

    def discard(self, refused_row: int) -> None:
        self._database.execute(_DISCARD, (refused_row,))

    def refused_body(self, refused_row: int) -> bytes | None:
        row = self._database.execute(_REFUSED_BODY, (refused_row,)).fetchone()
        return None if row is None else row[0]

    def decide(self, refused_row: int, decision: str, *, at: str) -> bool:
        return self._database.execute(_DECIDE, (at, decision, refused_row)).rowcount == 1


_REFUSE = """
INSERT INTO refused (at, what, party_row, place, reason, detail, sha256, bytes, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_REFUSED = """
SELECT r.refused_row, r.at, r.what, p.name, r.place, r.reason, r.detail, r.sha256, r.bytes,
  r.decided_at, r.decision
FROM refused AS r
LEFT JOIN party AS p ON p.party_row = r.party_row
WHERE r.refused_row < ?
ORDER BY r.refused_row DESC
LIMIT ?
"""

_REFUSED_OPEN = """
SELECT r.refused_row, r.at, r.what, p.name, r.place, r.reason, r.detail, r.sha256, r.bytes,
  r.decided_at, r.decision
FROM refused AS r
LEFT JOIN party AS p ON p.party_row = r.party_row
WHERE r.refused_row < ? AND r.decided_at IS NULL
ORDER BY r.refused_row DESC
LIMIT ?
"""

_REFUSED_BODY = "SELECT body FROM refused WHERE refused_row = ?"

_REFUSED_SAME = "SELECT refused_row FROM refused WHERE sha256 = ? AND reason = ? AND decided_at IS NULL"

_REFUSED_AS = """
SELECT refused_row
FROM refused
WHERE sha256 = ? AND decided_at IS NULL
ORDER BY refused_row DESC
LIMIT 1
"""

_OPEN_REFUSED = "SELECT count(*) FROM refused WHERE decided_at IS NULL"

_DISCARD = "UPDATE refused SET body = NULL WHERE refused_row = ?"

_DECIDE = """
UPDATE refused
SET decided_at = ?, decision = ?
WHERE refused_row = ? AND decided_at IS NULL
"""
