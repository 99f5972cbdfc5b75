"""What is in collections, in SQLite.

A page walks along the primary key (collection, stamp), or along the index of a class; both give the rows in
the order of their stamps without sorting, so that a page costs the same however much is in a collection.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence

from backchannel import codec
from backchannel.errors import StoreError
from backchannel.ids import BatchId, StixId
from backchannel.store.exchange import (
    AlsoPut,
    ClassRow,
    Collectable,
    Definition,
    NewCollected,
    Place,
    Sibling,
)
from backchannel.store.rows import Kept
from backchannel.store.sqlite.connection import Database
from backchannel.store.sqlite.kept import kept_rows


class SqliteCollected:
    """What is in collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- Putting in and taking out -----------------------------------------------------------------------

    def put(self, rows: Sequence[NewCollected]) -> None:
        self._database.executemany(_PUT, rows)

    def ids(self, collection_row: int, *, at_most: int) -> list[StixId]:
        return [StixId(row[0]) for row in self._database.execute(_IDS, (collection_row, at_most))]

    def siblings(self, collection_row: int, ids: Iterable[str]) -> list[Sibling]:
        rows = self._database.execute(_SIBLINGS, {"ids": _json(ids), "collection": collection_row})
        return [Sibling(*row) for row in rows]

    def have_versions(self, collection_row: int, stamps: Iterable[int]) -> None:
        self._database.executemany(_HAVE_VERSIONS, [(collection_row, stamp) for stamp in stamps])

    def class_of(self, collection_row: int, kind: ClassRow) -> ClassRow:
        properties = (
            collection_row,
            kind.type,
            kind.spec_version,
            kind.tlp,
            kind.marked_by,
            kind.default_tlp,
            kind.party_row,
        )
        row = self._database.execute(_CLASS, properties).fetchone()
        if row is None:
            self._database.execute(_ADD_CLASS, properties)
            row = self._database.execute(_CLASS, properties).fetchone()
        return ClassRow(*row)

    def classes(self, collection_row: int) -> list[ClassRow]:
        return [ClassRow(*row) for row in self._database.execute(_CLASSES, (collection_row,))]

    def reclass(self, collection_row: int, added: int, class_row: int) -> None:
        self._database.execute(_RECLASS, (class_row, collection_row, added))

    def take_out(self, collection_row: int, stamps: Iterable[int]) -> None:
        self._database.executemany(_TAKE_OUT, [(collection_row, stamp) for stamp in stamps])

    def of_batch(self, batch_id: BatchId) -> Iterator[Collectable]:
        for row in self._database.execute(_OF_BATCH, {"batch": batch_id}):
            yield Collectable(*row)

    def collectables(self, object_rows: Sequence[int]) -> list[Collectable]:
        rows = self._database.execute(_COLLECTABLES, (_json(object_rows),))
        found = {row[0]: Collectable(*row) for row in rows}
        return [found[row] for row in object_rows]

    def named(self, ids: Iterable[str]) -> list[tuple[Collectable, int, str]]:
        rows = self._database.execute(_NAMED, (_json(ids),))
        return [(Collectable(*row[:6]), row[6], row[7]) for row in rows]

    def note_batch(self, batch_id: BatchId, collection_row: int, default_tlp: str) -> None:
        self._database.execute(_NOTE_BATCH, (batch_id, collection_row, default_tlp))

    def undo(self, batch_id: BatchId) -> list[AlsoPut]:
        rows = self._database.execute(_ALSO_PUT, {"batch": batch_id}).fetchall()
        for statement in (_TAKE_OUT_BATCH, _TAKE_OUT_UNSEEN):
            self._database.execute(statement, {"batch": batch_id})
        return [AlsoPut(row[0], BatchId(row[1]), row[2], row[3], Collectable(*row[4:])) for row in rows]

    # --- Deciding ----------------------------------------------------------------------------------------

    def generation(self) -> int:
        number: int = self._database.execute(_GENERATION).fetchone()[0]
        return number

    def definitions(self, ids: Iterable[str]) -> list[Definition]:
        rows = self._database.execute(_DEFINITIONS, (_json(ids),))
        return [Definition(row[0], row[1], row[2], bool(row[3])) for row in rows]

    # --- Reading a page ----------------------------------------------------------------------------------

    def walk(self, collection_row: int, *, after: int) -> Generator[Place, None, None]:
        return self._places(_WALK, (collection_row, after))

    def walk_class(self, collection_row: int, class_row: int, *, after: int) -> Generator[Place, None, None]:
        return self._places(_WALK_CLASS, (collection_row, class_row, after))

    def _places(self, sql: str, parameters: tuple[int, ...]) -> Generator[Place, None, None]:
        cursor = self._database.execute(sql, parameters)
        try:
            for row in cursor:
                yield Place(*row)
        finally:
            cursor.close()  # one left open would hold its snapshot of the file

    def superseded(self, collection_row: int, *, after: int, upto: int | None = None) -> Iterator[int]:
        parameters = {"collection": collection_row, "after": after, "upto": upto}
        cursor = self._database.execute(_SUPERSEDED, parameters)
        try:
            for (stamp,) in cursor:
                yield stamp
        finally:
            cursor.close()

    def at_versions(self, collection_row: int, keys: Iterable[str], stamps: Iterable[int]) -> list[Sibling]:
        parameters = {"keys": _json(keys), "stamps": _json(stamps), "collection": collection_row}
        return [Sibling(*row) for row in self._database.execute(_AT_VERSIONS, parameters)]

    def kept(self, object_rows: Iterable[int]) -> dict[int, Kept]:
        return kept_rows(self._database, object_rows)

    def bodies(
        self, object_rows: Sequence[int], *, at_most_bytes: int
    ) -> list[tuple[StixId, str, str, bytes]]:
        read: list[tuple[StixId, str, str, bytes]] = []
        left = at_most_bytes
        cursor = self._database.execute(_BODIES, (_json(object_rows),))
        try:
            for wanted, (found, *rest) in zip(object_rows, cursor, strict=False):
                if found != wanted:  # SQLite walks the list that it is given, in its order
                    raise StoreError("an object that a collection names is not in the store")
                left -= len(rest[3])
                if read and left < 0:
                    break
                read.append((rest[0], rest[1], rest[2], rest[3]))
        finally:
            cursor.close()
        return read

    def heads(self, object_rows: Sequence[int]) -> list[tuple[StixId, str, str]]:
        found = {row[0]: row[1:] for row in self._database.execute(_HEADS, (_json(object_rows),))}
        return [found[row] for row in object_rows]


def _json(values: Iterable[str] | Iterable[int]) -> str:
    return codec.encode(list(values)).decode()


_PUT = """
INSERT INTO collected (collection_row, added, object_row, class_row, batch_id, versions)
VALUES (?, ?, ?, ?, ?, ?)
"""

_SIBLINGS = """
SELECT o.stix_id, o.version_key, o.spec_version, c.added, c.object_row, c.class_row
FROM json_each(:ids) AS wanted
CROSS JOIN object AS o ON o.stix_id = wanted.value
CROSS JOIN collected AS c ON c.object_row = o.object_row AND c.collection_row = :collection
"""

_AT_VERSIONS = """
SELECT o.stix_id, o.version_key, o.spec_version, c.added, c.object_row, c.class_row
FROM json_each(:keys) AS wanted
CROSS JOIN object AS o INDEXED BY object_version ON o.version_key = wanted.value
CROSS JOIN collected AS c ON c.object_row = o.object_row AND c.collection_row = :collection
UNION ALL
SELECT o.stix_id, o.version_key, o.spec_version, c.added, c.object_row, c.class_row
FROM json_each(:stamps) AS wanted
CROSS JOIN collected AS c ON c.collection_row = :collection AND c.added = wanted.value
CROSS JOIN object AS o ON o.object_row = c.object_row AND o.version_key = ''
"""

_HAVE_VERSIONS = """
UPDATE collected
SET versions = 1
WHERE collection_row = ? AND added = ? AND versions = 0
"""

_CLASS = """
SELECT class_row, type, spec_version, tlp, marked_by, default_tlp, party_row
FROM class
WHERE collection_row = ? AND type = ? AND spec_version = ? AND tlp = ? AND marked_by = ? AND default_tlp = ?
  AND party_row = ?
"""

_ADD_CLASS = """
INSERT INTO class (collection_row, type, spec_version, tlp, marked_by, default_tlp, party_row)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_CLASSES = """
SELECT class_row, type, spec_version, tlp, marked_by, default_tlp, party_row
FROM class
WHERE collection_row = ?
"""

_RECLASS = """
UPDATE collected
SET class_row = ?
WHERE collection_row = ? AND added = ?
"""

_TAKE_OUT = """
DELETE FROM collected
WHERE collection_row = ? AND added = ?
"""

# Each content once, at its first place in the batch.
_OF_BATCH = """
SELECT o.object_row, o.stix_id, o.version_key, o.type, o.spec_version, o.body
FROM arrival AS a
JOIN object AS o ON o.object_row = a.object_row
WHERE a.arrival_row >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
  AND a.arrival_row < coalesce(
    (SELECT first_arrival FROM batch WHERE batch_id > :batch ORDER BY batch_id LIMIT 1),
    9223372036854775807
  )
  AND a.batch_id = :batch AND o.quarantined = 0
  AND NOT (o.type = 'note' AND EXISTS (SELECT 1 FROM carrying_note AS n WHERE n.stix_id = o.stix_id))
ORDER BY a.arrival_row
"""

_COLLECTABLES = """
SELECT object_row, stix_id, version_key, type, spec_version, body
FROM object
WHERE object_row IN (SELECT value FROM json_each(?))
"""

# Under the label of its first arrival; where it came unmarked under several, the desk takes the strictest.
_NAMED = """
SELECT DISTINCT o.object_row, o.stix_id, o.version_key, o.type, o.spec_version, o.body,
  coalesce(f.party_row, 0), coalesce(a.tlp, '')
FROM json_each(?) AS wanted
CROSS JOIN current_object AS o ON o.stix_id = wanted.value
CROSS JOIN complete_arrival AS f ON f.arrival_row = o.first_arrival
CROSS JOIN complete_arrival AS a ON a.object_row = o.object_row
ORDER BY o.first_arrival
"""

_NOTE_BATCH = """
INSERT INTO batch_collection (batch_id, collection_row, default_tlp)
VALUES (?, ?, ?)
ON CONFLICT DO NOTHING
"""

# What this batch put in and another complete one had put in too, had this one not been first.
_ALSO_PUT = """
SELECT c.collection_row, min(a.batch_id), coalesce(b.party_row, 0), t.default_tlp,
  o.object_row, o.stix_id, o.version_key, o.type, o.spec_version, o.body
FROM collected AS c
JOIN object AS o ON o.object_row = c.object_row
JOIN arrival AS a ON a.object_row = c.object_row AND a.batch_id <> :batch
JOIN batch AS b ON b.batch_id = a.batch_id AND b.state = 'complete'
JOIN batch_collection AS t ON t.batch_id = a.batch_id AND t.collection_row = c.collection_row
WHERE c.batch_id = :batch AND o.quarantined = 0
GROUP BY c.collection_row, c.added
ORDER BY c.collection_row, c.added
"""

_TAKE_OUT_BATCH = """
DELETE FROM collected
WHERE batch_id = :batch
"""

# Put in by hand or by a batch that is still there, and brought by no batch that is.
_TAKE_OUT_UNSEEN = """
DELETE FROM collected
WHERE (collection_row, added) IN (
  SELECT c.collection_row, c.added
  FROM arrival AS a
  JOIN object AS o ON o.object_row = a.object_row
  JOIN collected AS c ON c.object_row = a.object_row
  WHERE a.arrival_row >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
    AND a.arrival_row < coalesce(
      (SELECT first_arrival FROM batch WHERE batch_id > :batch ORDER BY batch_id LIMIT 1),
      9223372036854775807
    )
    AND a.batch_id = :batch AND o.first_arrival IS NULL
)
"""

_GENERATION = "SELECT generation FROM decided"

# Every content under the id counts that somebody sent: which of them is in force would let one party mark
# another's objects anew.
_DEFINITIONS = """
SELECT DISTINCT o.stix_id, o.body, coalesce(a.party_row, 0), coalesce(p.is_self, 0)
FROM json_each(?) AS wanted
CROSS JOIN object AS o ON o.stix_id = wanted.value
CROSS JOIN complete_arrival AS a ON a.object_row = o.object_row
LEFT JOIN party AS p ON p.party_row = a.party_row
WHERE o.type = 'marking-definition' AND o.quarantined = 0
"""

_WALK = """
SELECT added, object_row, class_row, versions
FROM collected
WHERE collection_row = ? AND added > ?
ORDER BY added
"""

# A version counts as it does for `current_object`: in sight, and not in quarantine.
_SUPERSEDED = """
SELECT c.added
FROM collected AS c
CROSS JOIN object AS o ON o.object_row = c.object_row
WHERE c.collection_row = :collection AND c.added > :after AND c.added <= coalesce(:upto, 9223372036854775807)
  AND o.type = 'indicator' AND EXISTS (
  SELECT 1
  FROM visible_object AS n
  WHERE n.stix_id = o.stix_id AND n.version_key > o.version_key AND n.quarantined = 0
)
ORDER BY c.added
"""

_WALK_CLASS = """
SELECT added, object_row, class_row, versions
FROM collected INDEXED BY collected_class
WHERE collection_row = ? AND class_row = ? AND added > ?
ORDER BY added
"""

_BODIES = """
SELECT object.object_row, stix_id, version, spec_version, body
FROM json_each(?) AS wanted
CROSS JOIN object ON object.object_row = wanted.value
"""

_HEADS = """
SELECT object_row, stix_id, version, spec_version
FROM object
WHERE object_row IN (SELECT value FROM json_each(?))
"""

_IDS = """
SELECT o.stix_id
FROM collected AS c
JOIN object AS o ON o.object_row = c.object_row
WHERE c.collection_row = ?
GROUP BY o.stix_id
ORDER BY min(c.added)
LIMIT ?
"""
