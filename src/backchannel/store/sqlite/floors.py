"""Floors in SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backchannel import codec
from backchannel.ids import BatchId
from backchannel.store.floors import FlooredPlace
from backchannel.store.sqlite.connection import Database


class SqliteFloors:
    """The strictest label that an object may not go wider than, of each batch that brought one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batch_id: BatchId, floors: Iterable[tuple[bytes, str]]) -> None:
        self._database.executemany(_ADD, ((digest, batch_id, tlp) for digest, tlp in floors))

    def of(self, object_rows: Iterable[int]) -> dict[int, tuple[str, ...]]:
        found: dict[int, tuple[str, ...]] = {}
        for object_row, tlp in self._database.execute(_OF, (codec.encode(list(object_rows)).decode(),)):
            found[object_row] = (*found.get(object_row, ()), tlp)
        return found

    def places(self, batch_id: BatchId) -> Iterator[FlooredPlace]:
        for row in self._database.execute(_PLACES, {"batch": batch_id}):
            yield FlooredPlace(*row)


_ADD = """
INSERT INTO object_floor (object_digest, batch_id, tlp)
VALUES (?, ?, ?)
ON CONFLICT DO NOTHING
"""

_OF = """
SELECT o.object_row, f.tlp
FROM json_each(?) AS wanted
CROSS JOIN object AS o ON o.object_row = wanted.value
JOIN object_floor AS f ON f.object_digest = o.digest
JOIN batch AS b ON b.batch_id = f.batch_id
WHERE b.state = 'complete'
"""

_PLACES = """
SELECT DISTINCT c.object_row, c.collection_row, c.added, c.class_row
FROM arrival AS a
JOIN object AS o ON o.object_row = a.object_row
JOIN object_floor AS f ON f.object_digest = o.digest AND f.batch_id = :batch
JOIN collected AS c ON c.object_row = o.object_row
WHERE a.arrival_row >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
  AND a.arrival_row < coalesce(
    (SELECT first_arrival FROM batch WHERE batch_id > :batch ORDER BY batch_id LIMIT 1),
    9223372036854775807
  )
  AND a.batch_id = :batch
"""
