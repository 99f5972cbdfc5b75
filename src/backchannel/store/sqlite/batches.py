"""Batches in SQLite: opened, completed, undone, or removed when their import was killed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from backchannel.ids import BatchId
from backchannel.stix.findings import ALLOWED_LESS, Finding, Level
from backchannel.store.channel_words import channel_word
from backchannel.store.rows import BatchCounts, BatchRow, InputFile, Opened
from backchannel.store.sqlite.connection import Database
from backchannel.store.sqlite.spelling import respell


class SqliteBatches:
    """What was done: imports, from opening to undoing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, *, channel: str, tlp: str | None, at: str, files: Sequence[InputFile]) -> Opened:
        object_row, arrival_row, finding_row = self._database.execute(_FREE_ROWS).fetchone()
        cursor = self._database.execute(_OPEN, (channel, tlp, at, arrival_row, finding_row))
        batch_id = BatchId(cast("int", cursor.lastrowid))
        self._database.executemany(_ADD_FILE, [(batch_id, *file) for file in files])
        return Opened(batch_id, object_row, arrival_row, finding_row)

    def foresee(self) -> Opened:
        object_row, arrival_row, finding_row = self._database.execute(_FREE_ROWS).fetchone()
        batch_id: int = self._database.execute(_NEXT_BATCH).fetchone()[0]
        return Opened(BatchId(batch_id), object_row, arrival_row, finding_row)

    def complete(self, batch_id: BatchId, counts: BatchCounts, *, party_row: int | None, at: str) -> None:
        self._database.execute(_COMPLETE, (party_row, at, *counts, batch_id))
        self._database.execute(_FREE, {"batch": batch_id, "marking": ALLOWED_LESS})

    def undo(self, batch_id: BatchId, *, at: str) -> None:
        self._database.execute(_UNDO, (at, batch_id))
        for object_row, body in self._database.execute(_OTHER_SPELLINGS, {"batch": batch_id}).fetchall():
            respell(self._database, object_row, body)
        self._database.execute(_NEXT_ARRIVAL, {"batch": batch_id})
        self._database.execute(_HOLD_AGAIN, {"batch": batch_id})

    def abandoned(self) -> list[BatchId]:
        return [BatchId(row[0]) for row in self._database.execute(_OPEN_BATCHES)]

    def remove_open(self, batch_id: BatchId) -> None:
        for statement in _REMOVE:
            self._database.execute(statement, {"batch": batch_id})

    def get(self, batch_id: BatchId) -> BatchRow | None:
        row = self._database.execute(_GET, (batch_id,)).fetchone()
        return None if row is None else _batch(row)

    def newest(self, *, before: BatchId | None, rows: int, party: str | None = None) -> list[BatchRow]:
        bound = 2**62 if before is None else before
        if party is None:
            found = self._database.execute(_NEWEST, (bound, rows))
        else:
            found = self._database.execute(_NEWEST_OF_PARTY, (party, bound, rows))
        return [_batch(row) for row in found]

    def last_complete(self) -> BatchRow | None:
        row = self._database.execute(_LAST_COMPLETE).fetchone()
        return None if row is None else _batch(row)

    def channel_like(self, channel: str) -> str | None:
        row = self._database.execute(_CHANNEL_LIKE, (channel,)).fetchone()
        return None if row is None else str(row[0])

    def completed(self) -> int:
        count: int = self._database.execute(_COMPLETED).fetchone()[0]
        return count

    def files(self, batch_ids: Iterable[BatchId], *, at_most: int) -> dict[BatchId, list[InputFile]]:
        found: dict[BatchId, list[InputFile]] = {}
        for batch_id in batch_ids:
            rows = self._database.execute(_FILES, (batch_id, at_most))
            found[batch_id] = [InputFile(*row) for row in rows]
        return found

    def findings(self, batch_id: BatchId, *, at_most: int) -> tuple[list[Finding], int]:
        # Two bounds of the table's own key: the batch's first finding and the next batch's.
        first, after = self._database.execute(_FINDING_BOUNDS, {"batch": batch_id}).fetchone()
        bounds = (first, after, batch_id)
        total: int = self._database.execute(_FINDINGS_TOTAL, bounds).fetchone()[0]
        rows = self._database.execute(_FINDINGS, (*bounds, at_most))
        return [Finding(cast("Level", row[0]), *row[1:]) for row in rows], total


def _batch(row: tuple[object, ...]) -> BatchRow:
    # STRICT columns have the types of the fields.
    channel = channel_word(cast("str", row[3]))
    return BatchRow(*row[:3], channel, *row[4:8], BatchCounts(*row[8:]))  # type: ignore[arg-type,call-arg]


# A number once covered by a compiled indicator file is never given again, even where its row was removed.
_FREE_ROWS = """
SELECT
  1 + max(
    coalesce((SELECT max(object_row) FROM object), 0),
    coalesce((SELECT max(last_row) FROM segment), 0)
  ),
  1 + coalesce((SELECT max(arrival_row) FROM arrival), 0),
  1 + coalesce((SELECT max(finding_row) FROM finding), 0)
"""

_NEXT_BATCH = """
SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'batch'), 0)
"""

_OPEN = """
INSERT INTO batch (state, channel, tlp, opened_at, first_arrival, first_finding)
VALUES ('open', ?, ?, ?, ?, ?)
"""

_ADD_FILE = """
INSERT INTO batch_file (batch_id, name, bytes, sha256)
VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_COMPLETE = """
UPDATE batch
SET state = 'complete', party_row = ?, completed_at = ?,
  objects = ?, stored = ?, known = ?, conflict = ?, quarantined = ?, refused = ?
WHERE batch_id = ? AND state = 'open'
"""

# Held for how it came, not for what it is: once it comes without a fault, whoever spoiled it before cannot keep it
# from us. Held because a relay allows less than it says of itself, it stays: what came another way allows no more.
_FREE = """
UPDATE object
SET quarantined = 0
WHERE quarantined = 1
  AND EXISTS (
    SELECT 1
    FROM arrival AS a
    WHERE a.object_row = object.object_row AND a.batch_id = :batch
  )
  AND NOT EXISTS (
    SELECT 1
    FROM finding AS f
    WHERE f.object_row = object.object_row AND f.level = 'quarantine'
      AND (
        f.batch_id = :batch
        OR f.clause = :marking AND EXISTS (
          SELECT 1
          FROM batch AS b
          WHERE b.batch_id = f.batch_id AND b.state = 'complete'
        )
      )
  )
"""

_UNDO = """
UPDATE batch
SET state = 'undone', undone_at = ?
WHERE batch_id = ? AND state = 'complete'
"""

# What the batch was the first to bring, and the next one to have brought it spells in another way.
_OTHER_SPELLINGS = """
SELECT o.object_row, n.body
FROM object AS o
JOIN arrival AS n ON n.arrival_row = (
  SELECT min(a.arrival_row)
  FROM complete_arrival AS a
  WHERE a.object_row = o.object_row
)
WHERE o.first_arrival >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
  AND o.first_arrival < coalesce(
    (SELECT first_arrival FROM batch WHERE batch_id > :batch ORDER BY batch_id LIMIT 1),
    9223372036854775807
  )
  AND n.body IS NOT NULL
"""

# What the batch was the first to bring is now first brought by another, or by none.
_NEXT_ARRIVAL = """
UPDATE object
SET first_arrival = (
  SELECT min(a.arrival_row)
  FROM complete_arrival AS a
  WHERE a.object_row = object.object_row
)
WHERE first_arrival >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
  AND first_arrival < coalesce(
    (SELECT first_arrival FROM batch WHERE batch_id > :batch ORDER BY batch_id LIMIT 1),
    9223372036854775807
  )
"""

# What only faulty arrivals still bring is held again.
_HOLD_AGAIN = """
UPDATE object
SET quarantined = 1
WHERE quarantined = 0 AND first_arrival IS NOT NULL
  AND object_row IN (
    SELECT object_row
    FROM arrival
    WHERE arrival_row >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
      AND arrival_row < coalesce(
        (SELECT first_arrival FROM batch WHERE batch_id > :batch ORDER BY batch_id LIMIT 1),
        9223372036854775807
      )
      AND batch_id = :batch
  )
  AND NOT EXISTS (
    SELECT 1
    FROM complete_arrival AS c
    WHERE c.object_row = object.object_row
      AND NOT EXISTS (
        SELECT 1
        FROM finding AS f
        WHERE f.object_row = c.object_row AND f.batch_id = c.batch_id AND f.level = 'quarantine'
      )
  )
"""

_OPEN_BATCHES = """
SELECT batch_id
FROM batch
WHERE state = 'open'
ORDER BY batch_id
"""

# The open batch is the last: what lies from its first number on is its own. What an undone batch had brought
# before keeps its row and goes out of sight again.
_REMOVE = (
    """
    UPDATE object
    SET first_arrival = NULL
    WHERE first_arrival >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
      AND EXISTS (
        SELECT 1
        FROM arrival AS a
        WHERE a.object_row = object.object_row AND a.batch_id < :batch
      )
    """,
    """
    DELETE FROM finding
    WHERE finding_row >= (SELECT first_finding FROM batch WHERE batch_id = :batch) AND batch_id = :batch
    """,
    """
    DELETE FROM arrival
    WHERE arrival_row >= (SELECT first_arrival FROM batch WHERE batch_id = :batch) AND batch_id = :batch
    """,
    """
    DELETE FROM reference
    WHERE object_row IN (
      SELECT object_row
      FROM object
      WHERE first_arrival >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
    )
    """,
    """
    DELETE FROM derivation
    WHERE object_row IN (
      SELECT object_row
      FROM object
      WHERE first_arrival >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
    )
    """,
    """
    DELETE FROM indicator
    WHERE object_row IN (
      SELECT object_row
      FROM object
      WHERE first_arrival >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
    )
    """,
    """
    DELETE FROM object
    WHERE first_arrival >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
    """,
    # A statement stays, for it may be our own or another batch's; out of sight where it is neither.
    "DELETE FROM statement_arrival WHERE batch_id = :batch",
    "DELETE FROM taken WHERE batch_id = :batch",
    "DELETE FROM batch_file WHERE batch_id = :batch",
    "DELETE FROM batch WHERE batch_id = :batch AND state = 'open'",
)

_GET = """
SELECT b.batch_id, b.state, p.name, b.channel, b.tlp, b.opened_at, b.completed_at, b.undone_at,
  b.objects, b.stored, b.known, b.conflict, b.quarantined, b.refused
FROM batch AS b
LEFT JOIN party AS p ON p.party_row = b.party_row
WHERE b.batch_id = ?
"""

_NEWEST = """
SELECT b.batch_id, b.state, p.name, b.channel, b.tlp, b.opened_at, b.completed_at, b.undone_at,
  b.objects, b.stored, b.known, b.conflict, b.quarantined, b.refused
FROM batch AS b
LEFT JOIN party AS p ON p.party_row = b.party_row
WHERE b.batch_id < ? AND b.state <> 'open'
ORDER BY b.batch_id DESC
LIMIT ?
"""

_NEWEST_OF_PARTY = """
SELECT b.batch_id, b.state, p.name, b.channel, b.tlp, b.opened_at, b.completed_at, b.undone_at,
  b.objects, b.stored, b.known, b.conflict, b.quarantined, b.refused
FROM batch AS b
JOIN party AS p ON p.party_row = b.party_row
WHERE p.name = ? AND b.batch_id < ?
ORDER BY b.batch_id DESC
LIMIT ?
"""

_LAST_COMPLETE = """
SELECT b.batch_id, b.state, p.name, b.channel, b.tlp, b.opened_at, b.completed_at, b.undone_at,
  b.objects, b.stored, b.known, b.conflict, b.quarantined, b.refused
FROM batch AS b
LEFT JOIN party AS p ON p.party_row = b.party_row
WHERE b.state = 'complete'
ORDER BY b.batch_id DESC
LIMIT 1
"""

# Reads the table of batches, and stops at the first that has it.
_CHANNEL_LIKE = """
SELECT channel
FROM batch
WHERE channel = ? COLLATE NOCASE
ORDER BY batch_id
LIMIT 1
"""

_COMPLETED = "SELECT count(*) FROM batch WHERE state = 'complete'"

_FILES = """
SELECT name, bytes, sha256
FROM batch_file
WHERE batch_id = ?
ORDER BY name
LIMIT ?
"""

_FINDING_BOUNDS = """
SELECT
  (SELECT first_finding FROM batch WHERE batch_id = :batch),
  coalesce(
    (SELECT first_finding FROM batch WHERE batch_id > :batch ORDER BY batch_id LIMIT 1),
    9223372036854775807
  )
"""

_FINDINGS_TOTAL = """
SELECT count(*)
FROM finding
WHERE finding_row >= ? AND finding_row < ? AND batch_id = ?
"""

_FINDINGS = """
SELECT level, object, place, what, clause
FROM finding
WHERE finding_row >= ? AND finding_row < ? AND batch_id = ?
ORDER BY
  CASE level WHEN 'refuse' THEN 0 WHEN 'quarantine' THEN 1 ELSE 2 END,
  finding_row
LIMIT ?
"""
