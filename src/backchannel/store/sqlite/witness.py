"""Ledgers of others, and cosignatures under ours, in SQLite."""

from __future__ import annotations

from backchannel.store.sqlite.connection import Database
from backchannel.store.witness import Cosigned, EvidenceRow, NewEvidence, SeenRow, Way


class SqliteWitness:
    """Ledgers of others as we saw them, and ours as others saw it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, party_row: int, origin: str, *, is_cosigned: bool) -> SeenRow | None:
        sql = _NEWEST_COSIGNED if is_cosigned else _NEWEST_SHOWN
        row = self._database.execute(sql, (party_row, origin)).fetchone()
        return None if row is None else _seen(row)

    def at_size(self, party_row: int, origin: str, size: int) -> list[SeenRow]:
        return [_seen(row) for row in self._database.execute(_AT_SIZE, (party_row, origin, size))]

    def larger_before(
        self, party_row: int, origin: str, size: int, *, way: Way, shown: str
    ) -> SeenRow | None:
        row = self._database.execute(_LARGER, (party_row, origin, size, way, shown)).fetchone()
        return None if row is None else _seen(row)

    def put_seen(self, new: SeenRow) -> None:
        self._database.execute(_PUT_SEEN, new)

    def newest_of_all(self, *, at_most: int) -> list[SeenRow]:
        return [_seen(row) for row in self._database.execute(_NEWEST_OF_ALL, (at_most,))]

    def forget_told(self, party_row: int, *, keep: int) -> None:
        self._database.execute(_FORGET_TOLD, (party_row, party_row, keep))

    def add_evidence(self, new: NewEvidence) -> bool:
        return bool(self._database.execute(_ADD_EVIDENCE, new).rowcount)

    def evidence(self, party_row: int | None = None) -> list[EvidenceRow]:
        rows = self._database.execute(_EVIDENCE, (party_row, party_row))
        return [EvidenceRow(*row) for row in rows]

    def put_own(self, size: int, root: bytes, note: bytes) -> None:
        self._database.execute(_PUT_OWN, (size, root, note))

    def own(self, size: int) -> bytes | None:
        row = self._database.execute("SELECT note FROM own_checkpoint WHERE size = ?", (size,)).fetchone()
        return None if row is None else bytes(row[0])

    def own_covering(self, index: int) -> bytes | None:
        row = self._database.execute(_OWN_COVERING, (index,)).fetchone()
        return None if row is None else bytes(row[0])

    def put_cosigned(self, party_row: int, size: int, stated_at: str) -> None:
        self._database.execute(_PUT_COSIGNED, (party_row, size, stated_at))

    def cosigned_size(self, party_row: int) -> int:
        sql = "SELECT coalesce(max(size), 0) FROM own_cosignature WHERE party_row = ?"
        return int(self._database.execute(sql, (party_row,)).fetchone()[0])

    def cosigned(self) -> list[Cosigned]:
        return [Cosigned(*row) for row in self._database.execute(_COSIGNED)]


def _seen(row: tuple[object, ...]) -> SeenRow:
    return SeenRow._make((*row[:5], bool(row[5]), *row[6:]))


_SEEN = "SELECT party_row, origin, size, root, note, is_cosigned, way, shown, seen_at FROM seen_checkpoint"

_NEWEST_COSIGNED = f"""
{_SEEN}
WHERE party_row = ? AND origin = ? AND is_cosigned = 1
ORDER BY size DESC, seen_row DESC
LIMIT 1
"""

_NEWEST_SHOWN = f"""
{_SEEN}
WHERE party_row = ? AND origin = ? AND way <> 'told'
ORDER BY size DESC, seen_row DESC
LIMIT 1
"""

_AT_SIZE = f"{_SEEN} WHERE party_row = ? AND origin = ? AND size = ? ORDER BY seen_row"

_LARGER = f"""
{_SEEN}
WHERE party_row = ? AND origin = ? AND size > ? AND way = ? AND shown < ?
ORDER BY size DESC
LIMIT 1
"""

_PUT_SEEN = """
INSERT INTO seen_checkpoint (party_row, origin, size, root, note, is_cosigned, way, shown, seen_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (party_row, origin, size, root) DO UPDATE SET
  note = CASE WHEN excluded.is_cosigned > is_cosigned THEN excluded.note ELSE note END,
  is_cosigned = max(is_cosigned, excluded.is_cosigned),
  way = CASE WHEN way = 'told' THEN excluded.way ELSE way END,
  shown = CASE
    WHEN way = 'told' THEN excluded.shown
    WHEN way = excluded.way THEN min(shown, excluded.shown)
    ELSE shown
  END
"""

_NEWEST_OF_ALL = """
SELECT party_row, origin, max(size), root, note, is_cosigned, way, shown, seen_at
FROM seen_checkpoint
WHERE way <> 'told'
GROUP BY party_row
ORDER BY seen_at DESC
LIMIT ?
"""

_FORGET_TOLD = """
DELETE FROM seen_checkpoint
WHERE party_row = ? AND way = 'told' AND seen_row NOT IN (
  SELECT seen_row FROM seen_checkpoint WHERE party_row = ? AND way = 'told' ORDER BY seen_row DESC LIMIT ?
)
"""

_ADD_EVIDENCE = """
INSERT OR IGNORE INTO ledger_evidence (party_row, told_by, breach, vkey, first, second, other_root, proof, seen_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_EVIDENCE = """
SELECT e.evidence_row, p.name, t.name, e.breach, e.vkey, e.first, e.second, e.other_root, e.proof,
  e.seen_at
FROM ledger_evidence AS e
JOIN party AS p ON p.party_row = e.party_row
LEFT JOIN party AS t ON t.party_row = e.told_by
WHERE ? IS NULL OR e.party_row = ?
ORDER BY e.evidence_row
"""

_PUT_OWN = """
INSERT INTO own_checkpoint (size, root, note) VALUES (?, ?, ?)
ON CONFLICT (size) DO UPDATE SET note = excluded.note WHERE root = excluded.root
"""

_OWN_COVERING = "SELECT note FROM own_checkpoint WHERE size > ? ORDER BY size LIMIT 1"

_PUT_COSIGNED = """
INSERT INTO own_cosignature (party_row, size, stated_at) VALUES (?, ?, ?)
ON CONFLICT (party_row, size) DO UPDATE SET stated_at = min(stated_at, excluded.stated_at)
"""

_COSIGNED = """
SELECT p.name, max(c.size), c.stated_at
FROM own_cosignature AS c
JOIN party AS p ON p.party_row = c.party_row
GROUP BY c.party_row
ORDER BY p.name
"""
