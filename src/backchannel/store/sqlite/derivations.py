"""What was derived from what, in SQLite: one row for each `derived-from` relationship, found from both of its ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backchannel import codec
from backchannel.store.derivations import RELATION, Derivation
from backchannel.store.rows import NewObject
from backchannel.store.sqlite.connection import Database


class SqliteDerivations:
    """Implements `store.interface.Derivations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        return self._database.execute(_ANY).fetchone() is not None

    def derived(self, object_rows: Iterable[int]) -> frozenset[int]:
        rows = self._database.execute(_DERIVED, (codec.encode(list(object_rows)).decode(),))
        return frozenset(row[0] for row in rows)

    def origins(self, ids: Iterable[str], *, at_most: int) -> dict[str, list[str]]:
        # One by one: so whoever says much of one object has no more of it read than is asked for.
        return {
            one: origins
            for one in ids
            if (origins := [row[0] for row in self._database.execute(_ORIGINS, (one, at_most))])
        }

    def said_of(self, stix_id: str, *, at_most: int) -> list[Derivation]:
        rows = self._database.execute(_SAID_OF, (stix_id, at_most))
        return [Derivation(*row) for row in rows]

    def derived_from(self, stix_id: str, *, at_most: int) -> list[Derivation]:
        rows = self._database.execute(_DERIVED_FROM, (stix_id, at_most))
        return [Derivation(*row) for row in rows]


def add_derivations(database: Database, objects: Iterable[NewObject]) -> None:
    """Keep what new relationships say was derived from what."""
    rows = [row for one in objects if one.type == "relationship" for row in _rows(one)]
    if rows:
        database.executemany(_ADD, rows)


def _rows(one: NewObject) -> Iterator[tuple[str, str, int]]:
    if RELATION.encode() not in one.body and b"\\u" not in one.body:
        return
    value = codec.decode(one.body)
    derived, origin = value.get("source_ref"), value.get("target_ref")
    if value.get("relationship_type") == RELATION and isinstance(derived, str) and isinstance(origin, str):
        yield derived, origin, one.object_row


_ADD = """
INSERT OR IGNORE INTO derivation (derived, origin, object_row)
VALUES (?, ?, ?)
"""

_ANY = "SELECT 1 FROM derivation LIMIT 1"

_DERIVED = """
SELECT DISTINCT o.object_row
FROM json_each(?) AS wanted
CROSS JOIN object AS o ON o.object_row = wanted.value
CROSS JOIN derivation AS d ON d.derived = o.stix_id
CROSS JOIN current_object AS c ON c.object_row = d.object_row
WHERE c.revoked = 0
"""

_ORIGINS = """
SELECT d.origin
FROM derivation AS d
CROSS JOIN current_object AS c ON c.object_row = d.object_row
WHERE d.derived = ? AND c.revoked = 0
LIMIT ?
"""

_SAID_OF = """
SELECT d.derived, d.origin, d.object_row
FROM derivation AS d
CROSS JOIN current_object AS c ON c.object_row = d.object_row
WHERE d.derived = ? AND c.revoked = 0
LIMIT ?
"""

_DERIVED_FROM = """
SELECT d.derived, d.origin, d.object_row
FROM (SELECT derived, origin, object_row FROM derivation WHERE origin = ? LIMIT 10000) AS d
CROSS JOIN current_object AS c ON c.object_row = d.object_row
CROSS JOIN current_object AS o ON o.stix_id = d.derived
WHERE c.revoked = 0
  AND o.revoked = 0
ORDER BY o.version_key DESC, o.stix_id DESC, d.object_row DESC
LIMIT ?
"""
