"""Private comparisons in SQLite."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from backchannel.store.comparisons import Comparable, ComparisonRow, Had, ItemRow, MessageRow
from backchannel.store.sqlite.connection import Database


class SqliteComparisons:
    """Sessions, and what they need."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: ComparisonRow) -> None:
        self._database.execute(_PUT, msgspec.structs.astuple(row))

    def get(self, session: bytes) -> ComparisonRow | None:
        row = self._database.execute(f"{_SESSIONS} WHERE session = ?", (session,)).fetchone()
        return None if row is None else _session(row)

    def like(self, prefix: str, *, at_most: int) -> list[ComparisonRow]:
        sql = f"{_SESSIONS} WHERE lower(hex(session)) GLOB ? || '*' LIMIT ?"
        return [_session(row) for row in self._database.execute(sql, (prefix, at_most))]

    def newest(self, *, at_most: int, only_open: bool = False) -> list[ComparisonRow]:
        where = "WHERE state = 'open'" if only_open else ""
        sql = f"{_SESSIONS} {where} ORDER BY changed_at DESC, session LIMIT ?"
        return [_session(row) for row in self._database.execute(sql, (at_most,))]

    def had(self, party_row: int, *, since: str, alive: str) -> Had:
        row = self._database.execute(_HAD, {"party": party_row, "since": since, "alive": alive}).fetchone()
        return Had(*row)

    def put_message(self, row: MessageRow) -> None:
        self._database.execute("INSERT INTO comparison_message VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def messages(self, session: bytes, *, whole: bool = True) -> list[MessageRow]:
        rows = self._database.execute(_MESSAGES if whole else _BARE_MESSAGES, (session,))
        return [MessageRow._make((*row[:2], bool(row[2]), *row[3:])) for row in rows]

    def put_items(self, rows: Iterable[ItemRow]) -> None:
        self._database.executemany("INSERT INTO comparison_item VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def set_common(self, session: bytes, inputs: Iterable[bytes]) -> None:
        self._database.executemany(
            "UPDATE comparison_item SET is_common = 1 WHERE session = ? AND input = ?",
            ((session, one) for one in inputs),
        )

    def items(self, session: bytes, *, only_common: bool) -> list[ItemRow]:
        rows = self._database.execute(_ITEMS, (session, only_common))
        return [ItemRow._make((*row[:6], bool(row[6]))) for row in rows]

    def comparable(self, *, before_row: int | None, at_most: int) -> list[Comparable]:
        rows = self._database.execute(_COMPARABLE, {"before": before_row, "rows": at_most})
        return [Comparable(*row) for row in rows]


def _session(row: tuple[object, ...]) -> ComparisonRow:
    return ComparisonRow(**dict(zip(ComparisonRow.__struct_fields__, row, strict=True)))  # type: ignore[arg-type]


_COLUMNS = ", ".join(ComparisonRow.__struct_fields__)
_SESSIONS = f"SELECT {_COLUMNS} FROM comparison"  # noqa: S608  # our own names
_PUT = f"""
INSERT INTO comparison ({_COLUMNS})
VALUES ({", ".join("?" * len(ComparisonRow.__struct_fields__))})
ON CONFLICT (session) DO UPDATE SET
  {", ".join(f"{name} = excluded.{name}" for name in ComparisonRow.__struct_fields__[1:])}
"""  # noqa: S608

# What was declined at once took nothing from the budget but is counted by itself: nobody fills the store with it.
_HAD = """
SELECT
  coalesce(sum(their_size) FILTER (WHERE began_at >= :since AND (secrets IS NOT NULL OR state = 'open')), 0),
  count(*) FILTER (WHERE began_at >= :since AND (secrets IS NOT NULL OR state = 'open')),
  count(*) FILTER (WHERE state = 'open' AND changed_at >= :alive),
  count(*) FILTER (WHERE began_at >= :since AND secrets IS NULL AND state <> 'open')
FROM comparison
WHERE party_row = :party
"""

_MESSAGES = """
SELECT session, step, is_ours, digest, envelope, body, at
FROM comparison_message
WHERE session = ?
ORDER BY step = 0, step
"""

_BARE_MESSAGES = _MESSAGES.replace("envelope, body", "x'', x''")

_ITEMS = """
SELECT session, input, sort, value, stix_id, digest, is_common
FROM comparison_item
WHERE session = ? AND is_common >= ?
ORDER BY sort, value
"""

_COMPARABLE = """
SELECT o.object_row, o.stix_id, o.digest, i.pattern
FROM indicator AS i
JOIN current_object AS o ON o.object_row = i.object_row
WHERE o.revoked = 0 AND i.pattern_type = 'stix' AND (:before IS NULL OR i.object_row < :before)
ORDER BY i.object_row DESC
LIMIT :rows
"""
