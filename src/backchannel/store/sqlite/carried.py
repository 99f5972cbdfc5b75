"""What carries drops, in SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backchannel import codec
from backchannel.store.carried import Carried, CarriedState, PartsOf, SeenFile
from backchannel.store.sqlite.connection import Database


class SqliteCarriedFiles:
    """What came and went by the carriers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, channel_row: int, sha256: bytes) -> Carried | None:
        row = self._database.execute(_GET, (channel_row, sha256)).fetchone()
        return None if row is None else _carried(row)

    def has_whole(self, channel_row: int, name: str) -> bool:
        return self._database.execute(_HAS_WHOLE, (channel_row, bytes.fromhex(name))).fetchone() is not None

    def put(self, row: Carried) -> None:
        values = tuple(getattr(row, name) for name in Carried.__struct_fields__)
        self._database.execute(_PUT, values)

    def newest(self, channel_row: int, states: Sequence[CarriedState], *, at_most: int) -> list[Carried]:
        wanted = codec.encode(list(states)).decode()
        return [_carried(row) for row in self._database.execute(_NEWEST, (channel_row, wanted, at_most))]

    def counts(self, channel_row: int) -> Mapping[str, int]:
        return dict(self._database.execute(_COUNTS, (channel_row,)).fetchall())

    def undecided(self, channel_row: int) -> int:
        count: int = self._database.execute(_UNDECIDED, (channel_row,)).fetchone()[0]
        return count

    def forget(self, channel_row: int) -> None:
        for statement in _FORGET:
            self._database.execute(statement, (channel_row,))

    def keep_newest(self, channel_row: int, *, at_most: int) -> None:
        self._database.execute(_KEEP_NEWEST, (channel_row, at_most))

    def refused_bytes(self, place: str) -> int:
        count: int = self._database.execute(_REFUSED_BYTES, (place,)).fetchone()[0]
        return count

    def seen(self, channel_row: int) -> list[SeenFile]:
        return [
            SeenFile(name, size, changed, bool(done), why)
            for name, size, changed, done, why in self._database.execute(_SEEN, (channel_row,))
        ]

    def put_seen(self, channel_row: int, files: Iterable[SeenFile]) -> None:
        self._database.executemany(_PUT_SEEN, ((channel_row, *one) for one in files))

    def forget_seen(self, channel_row: int, names: Iterable[bytes]) -> None:
        self._database.executemany(_FORGET_SEEN, ((channel_row, name) for name in names))

    def add_part(self, channel_row: int, name: str, *, number: int, of: int, data: bytes, at: str) -> bool:
        self._database.execute(_ADD_PART, (channel_row, name, number, of, at, data))
        kept = self._database.execute(_PART, (channel_row, name, number)).fetchone()
        return tuple(kept) == (of, data)

    def parts(self, channel_row: int, *, at_most: int) -> list[PartsOf]:
        return [
            PartsOf(name, of, tuple(sorted(codec.decode(numbers))))
            for name, of, numbers in self._database.execute(_PARTS, (channel_row, at_most))
        ]

    def part_bytes(self, channel_row: int) -> int:
        count: int = self._database.execute(_PART_BYTES, (channel_row,)).fetchone()[0]
        return count

    def part_data(self, channel_row: int, name: str) -> list[bytes]:
        return [row[0] for row in self._database.execute(_PART_DATA, (channel_row, name))]

    def forget_parts(self, channel_row: int, name: str) -> None:
        self._database.execute(_FORGET_PARTS, (channel_row, name))

    def forget_old_parts(self, *, before: str) -> None:
        self._database.execute(_FORGET_OLD_PARTS, (before,))


def _carried(row: tuple[object, ...]) -> Carried:
    return Carried(**dict(zip(Carried.__struct_fields__, row, strict=True)))  # type: ignore[arg-type]


_GET = """
SELECT channel_row, sha256, name, bytes, at, state, reason, detail, batch_id
FROM carried
WHERE channel_row = ? AND sha256 = ?
"""

_HAS_WHOLE = """
SELECT 1
FROM carried
WHERE channel_row = ?1 AND sha256 >= ?2 AND substr(sha256, 1, length(?2)) = ?2
ORDER BY sha256
LIMIT 1
"""

_PUT = """
INSERT INTO carried (channel_row, sha256, name, bytes, at, state, reason, detail, batch_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (channel_row, sha256) DO UPDATE SET
  name = excluded.name, bytes = excluded.bytes, at = excluded.at, state = excluded.state,
  reason = excluded.reason, detail = excluded.detail, batch_id = excluded.batch_id
"""

_NEWEST = """
SELECT channel_row, sha256, name, bytes, at, state, reason, detail, batch_id
FROM carried
WHERE channel_row = ? AND state IN (SELECT value FROM json_each(?))
ORDER BY carried_row DESC
LIMIT ?
"""

_COUNTS = """
SELECT state, count(*)
FROM carried
WHERE channel_row = ?
GROUP BY state
"""

_UNDECIDED = """
SELECT count(*)
FROM carried AS c
WHERE c.channel_row = ? AND c.state = 'refused'
  AND EXISTS (SELECT 1 FROM refused AS r WHERE r.sha256 = c.sha256 AND r.decided_at IS NULL)
"""

_FORGET = (
    "DELETE FROM carried WHERE channel_row = ? AND state NOT IN ('sending', 'sent')",
    "DELETE FROM seen_file WHERE channel_row = ?",
)

_KEEP_NEWEST = """
DELETE FROM carried
WHERE channel_row = ?1
  AND carried_row <= (SELECT carried_row FROM carried WHERE channel_row = ?1 ORDER BY carried_row DESC LIMIT 1 OFFSET ?2)
"""

_REFUSED_BYTES = """
SELECT coalesce(sum(bytes + 1024), 0) -- a row takes some room, however small what it keeps
FROM refused
WHERE decided_at IS NULL AND substr(place, 1, length(?1)) = ?1
"""

_SEEN = """
SELECT name, bytes, changed_ns, is_done, why
FROM seen_file
WHERE channel_row = ?
"""

_PUT_SEEN = """
INSERT INTO seen_file (channel_row, name, bytes, changed_ns, is_done, why)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (channel_row, name) DO UPDATE SET
  bytes = excluded.bytes, changed_ns = excluded.changed_ns, is_done = excluded.is_done, why = excluded.why
"""

_FORGET_SEEN = "DELETE FROM seen_file WHERE channel_row = ? AND name = ?"

_ADD_PART = """
INSERT INTO waiting_part (channel_row, name, number, of_parts, at, data)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (channel_row, name, number) DO NOTHING
"""

_PART = "SELECT of_parts, data FROM waiting_part WHERE channel_row = ? AND name = ? AND number = ?"

_PARTS = """
SELECT name, max(of_parts), json_group_array(number)
FROM waiting_part
WHERE channel_row = ?
GROUP BY name
ORDER BY min(at), name
LIMIT ?
"""

_PART_BYTES = "SELECT coalesce(sum(length(data)), 0) FROM waiting_part WHERE channel_row = ?"

_PART_DATA = "SELECT data FROM waiting_part WHERE channel_row = ? AND name = ? ORDER BY number"

_FORGET_PARTS = "DELETE FROM waiting_part WHERE channel_row = ? AND name = ?"

_FORGET_OLD_PARTS = """
DELETE FROM waiting_part
WHERE (channel_row, name) IN (
  SELECT channel_row, name FROM waiting_part GROUP BY channel_row, name HAVING max(at) < ?
)
"""
