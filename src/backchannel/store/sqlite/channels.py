"""Channels in SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec

from backchannel import codec
from backchannel.ids import BatchId
from backchannel.store.polled import ChannelRow, PlaceRow, PushedRow, PushReason, PushRow
from backchannel.store.rows import BatchCounts, Kept
from backchannel.store.sqlite.connection import Database


class SqliteChannels:
    """Where we fetch and send by ourselves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: ChannelRow) -> ChannelRow:
        values = (row.name, row.kind, row.terms, row.party, row.tlp, row.every_s, row.added_at)
        cursor = self._database.execute(_ADD, values)
        return msgspec.structs.replace(row, channel_row=cast("int", cursor.lastrowid))

    def get(self, name: str) -> ChannelRow | None:
        row = self._database.execute(_GET, (name,)).fetchone()
        return None if row is None else _channel(row)

    def all(self) -> list[ChannelRow]:
        return [_channel(row) for row in self._database.execute(_ALL)]

    def remove(self, channel_row: int) -> None:
        for statement in _REMOVE:
            self._database.execute(statement, (channel_row,))

    def polled(self, row: ChannelRow) -> None:
        values = (row.polled_at, row.reached_at, row.failures, row.error, row.due_at, row.channel_row)
        self._database.execute(_POLLED, values)

    def places(self, channel_row: int) -> list[PlaceRow]:
        return [_place(row) for row in self._database.execute(_PLACES, (channel_row,))]

    def put_place(self, channel_row: int, place: PlaceRow) -> None:
        values = (
            channel_row,
            place.place,
            place.id,
            place.title,
            place.cursor,
            place.polled_at,
            place.reached_at,
            place.error,
            place.note,
        )
        self._database.execute(_PUT_PLACE, values)

    def count(self, channel_row: int, place: str, counts: BatchCounts, batch_id: BatchId | None) -> None:
        self._database.execute(_COUNT, (*counts, channel_row, place))
        if batch_id is not None:
            self._database.execute(_ADD_BATCH, (batch_id, channel_row, place))

    def forget_cursors(self, channel_row: int) -> None:
        self._database.execute(_FORGET, (channel_row,))

    def repeats(self, channel_row: int, object_rows: Iterable[int]) -> frozenset[int]:
        rows = codec.encode(list(object_rows)).decode()
        found = self._database.execute(_REPEATS, {"rows": rows, "channel": channel_row})
        return frozenset(row[0] for row in found)

    def batches(self, channel_row: int, *, at_most: int) -> list[BatchId]:
        return [BatchId(row[0]) for row in self._database.execute(_BATCHES, (channel_row, at_most))]

    def rejecting(self, channel_row: int, *, at_most: int) -> list[BatchId]:
        return [BatchId(row[0]) for row in self._database.execute(_REJECTING, (channel_row, at_most))]

    def objects_of(self, batch_id: BatchId) -> list[Kept]:
        return [_kept(row) for row in self._database.execute(_OBJECTS_OF, {"batch": batch_id})]

    def pushed(self, channel_row: int, object_rows: Iterable[int]) -> dict[int, str]:
        rows = codec.encode(list(object_rows)).decode()
        return dict(self._database.execute(_PUSHED, (rows, channel_row)).fetchall())

    def pause(self, channel_row: int, *, at: str | None) -> None:
        self._database.execute(_PAUSE, (at, channel_row))

    def want(self, channel_row: int, *, at: str) -> None:
        self._database.execute(_WANT, (at, channel_row))

    def begin_push(self, row: ChannelRow, *, withheld: Mapping[str, int], at: str) -> int:
        values = (row.channel_row, row.name, at, codec.encode(withheld).decode())
        return cast("int", self._database.execute(_BEGIN_PUSH, values).lastrowid)

    def end_push(self, push_id: int, *, error: str) -> None:
        self._database.execute(_END_PUSH, (error, push_id))

    def pushes(self, channel_row: int, *, at_most: int, reasons: int) -> list[PushedRow]:
        ask = self._database.execute
        return [
            PushedRow(
                push_id=push_id,
                title=title,
                pushed_at=pushed_at,
                withheld=codec.decode(withheld),
                error=error,
                states=dict(ask(_STATES, (push_id,)).fetchall()),
                reasons=tuple(PushReason(*found) for found in ask(_REASONS, (push_id, reasons))),
            )
            for push_id, title, pushed_at, withheld, error in ask(_PUSHES, (channel_row, at_most)).fetchall()
        ]

    def record(self, push_id: int, row: ChannelRow, pushes: Sequence[PushRow], *, title: str) -> list[int]:
        self._database.execute(_PUSH_TITLE, (title, push_id))
        numbers: list[int] = []
        for one in pushes:
            values = (row.channel_row, row.name, row.party, one.place, one.object_row, one.policy, push_id)
            numbers.append(cast("int", self._database.execute(_RECORD, values).lastrowid))
        return numbers

    def record_verdict(self, push_row: int, *, state: str, why: str) -> None:
        self._database.execute(_VERDICT, (state, why, push_row))


def _channel(row: tuple[object, ...]) -> ChannelRow:
    return ChannelRow(**dict(zip(ChannelRow.__struct_fields__, row, strict=True)))  # type: ignore[arg-type]


def _place(row: tuple[object, ...]) -> PlaceRow:
    names = PlaceRow.__struct_fields__[:-1]
    counts = BatchCounts(*row[len(names) :])  # type: ignore[arg-type]
    return PlaceRow(**dict(zip(names, row, strict=False)), counts=counts)  # type: ignore[arg-type]


def _kept(row: tuple[object, ...]) -> Kept:
    # STRICT columns have the types of the fields, but for the two that are 0 or 1.
    return Kept(*row[:6], bool(row[6]), row[7], bool(row[8]), *row[9:])  # type: ignore[arg-type,call-arg]


_ADD = """
INSERT INTO channel (name, kind, terms, party, tlp, every_s, added_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_GET = """
SELECT channel_row, name, kind, terms, party, tlp, every_s, added_at,
  polled_at, reached_at, due_at, failures, error, paused_at
FROM channel
WHERE name = ?
"""

_ALL = """
SELECT channel_row, name, kind, terms, party, tlp, every_s, added_at,
  polled_at, reached_at, due_at, failures, error, paused_at
FROM channel
ORDER BY name COLLATE NOCASE
"""

_REMOVE = (
    "DELETE FROM channel_place WHERE channel_row = ?",
    "DELETE FROM channel_batch WHERE channel_row = ?",
    "DELETE FROM carried WHERE channel_row = ?",
    "DELETE FROM waiting_part WHERE channel_row = ?",
    "DELETE FROM seen_file WHERE channel_row = ?",
    "DELETE FROM channel WHERE channel_row = ?",
)

_POLLED = """
UPDATE channel
SET polled_at = ?, reached_at = ?, failures = ?, error = ?,
  due_at = CASE WHEN paused_at IS NULL AND every_s > 0 THEN ? END
WHERE channel_row = ?
"""

_PLACES = """
SELECT place, id, title, cursor, polled_at, reached_at, error, note,
  objects, stored, known, conflict, quarantined, refused
FROM channel_place
WHERE channel_row = ?
ORDER BY title COLLATE NOCASE, place
"""

# A channel that was removed while it was polled keeps nothing.
_PUT_PLACE = """
INSERT INTO channel_place (channel_row, place, id, title, cursor, polled_at, reached_at, error, note)
SELECT c.channel_row, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
FROM channel AS c
WHERE c.channel_row = ?1
ON CONFLICT (channel_row, place) DO UPDATE SET
  id = excluded.id, title = excluded.title, cursor = excluded.cursor, polled_at = excluded.polled_at,
  reached_at = excluded.reached_at, error = excluded.error, note = excluded.note
"""

_COUNT = """
UPDATE channel_place
SET objects = objects + ?, stored = stored + ?, known = known + ?,
  conflict = conflict + ?, quarantined = quarantined + ?, refused = refused + ?
WHERE channel_row = ? AND place = ?
"""

_ADD_BATCH = """
INSERT INTO channel_batch (batch_id, channel_row, place)
VALUES (?, ?, ?)
"""

_FORGET = """
UPDATE channel_place
SET cursor = ''
WHERE channel_row = ?
"""

_REPEATS = """
SELECT r.value
FROM json_each(:rows) AS r
WHERE EXISTS (
  SELECT 1
  FROM arrival AS a
  JOIN channel_batch AS c ON c.batch_id = a.batch_id
  JOIN batch AS b ON b.batch_id = a.batch_id
  WHERE a.object_row = r.value AND c.channel_row = :channel AND b.state = 'complete'
)
"""

_BATCHES = """
SELECT batch_id
FROM channel_batch
WHERE channel_row = ?
ORDER BY batch_id DESC
LIMIT ?
"""

_REJECTING = """
SELECT c.batch_id
FROM channel_batch AS c
JOIN batch AS b ON b.batch_id = c.batch_id
WHERE c.channel_row = ? AND b.state = 'complete' AND b.refused + b.quarantined > 0
ORDER BY c.batch_id DESC
LIMIT ?
"""

# The arrivals of a batch lie side by side: its first one and the next batch's bound them.
_OBJECTS_OF = """
SELECT o.object_row, o.stix_id, o.version, o.version_key, o.type, o.spec_version, o.revoked,
  o.created_by_ref, o.quarantined, o.first_arrival, o.digest, o.body_digest, o.body
FROM visible_object AS o
WHERE o.object_row IN (
  SELECT a.object_row
  FROM complete_arrival AS a
  WHERE a.batch_id = :batch
    AND a.arrival_row >= (SELECT first_arrival FROM batch WHERE batch_id = :batch)
    AND a.arrival_row < coalesce(
      (SELECT first_arrival FROM batch WHERE batch_id > :batch ORDER BY batch_id LIMIT 1),
      9223372036854775807
    )
)
ORDER BY o.object_row
"""

_RECORD = """
INSERT INTO channel_push (channel_row, channel, party, place, object_row, pushed_at, policy, state, push_id)
SELECT ?1, ?2, ?3, ?4, ?5, p.pushed_at, ?6, 'sending', p.push_id
FROM push AS p
WHERE p.push_id = ?7
"""

_BEGIN_PUSH = """
INSERT INTO push (channel_row, channel, pushed_at, withheld)
VALUES (?, ?, ?, ?)
"""

_PUSH_TITLE = """
UPDATE push
SET title = ?
WHERE push_id = ?
"""

_END_PUSH = """
UPDATE push
SET error = ?
WHERE push_id = ?
"""

_PUSHES = """
SELECT push_id, title, pushed_at, withheld, error
FROM push
WHERE channel_row = ?
ORDER BY push_id DESC
LIMIT ?
"""

_STATES = """
SELECT state, count(*)
FROM channel_push
WHERE push_id = ?
GROUP BY state
"""

_REASONS = """
SELECT state, why, count(*) AS objects
FROM channel_push
WHERE push_id = ? AND state <> 'accepted' AND why <> ''
GROUP BY state, why
ORDER BY objects DESC, why
LIMIT ?
"""

_PUSHED = """
SELECT p.object_row, p.state
FROM json_each(?) AS wanted
CROSS JOIN channel_push AS p ON p.object_row = wanted.value
WHERE p.channel_row = ?
ORDER BY p.push_row
"""

_PAUSE = """
UPDATE channel
SET paused_at = ?, due_at = NULL
WHERE channel_row = ?
"""

_WANT = """
UPDATE channel
SET due_at = ?
WHERE channel_row = ?
"""

_VERDICT = """
UPDATE channel_push
SET state = ?, why = ?
WHERE push_row = ?
"""
