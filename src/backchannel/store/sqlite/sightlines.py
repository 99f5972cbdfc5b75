"""What hunts saw and what we answered, asked from the side of an item.

Reads only: hunts and answers are written in rooms of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from backchannel import codec
from backchannel.ids import BatchId, StixId
from backchannel.store.rows import Answered, HuntRow, HuntsSince, Seen, Shown, Sightline, Wanted
from backchannel.store.sqlite.connection import Database

MAX_ASSETS = 10
"""Own addresses or names told with an item; the hits page has all of them."""


class SqliteSightlines:
    """What an item's reader asks first: was it seen here, and have we answered?"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen(self, indicators: Iterable[str]) -> Seen | None:
        wanted = codec.encode(list(indicators)).decode()
        hits, hosts, last_seen = self._database.execute(_SEEN, (wanted,)).fetchone()
        if not hits:
            return None
        assets = tuple(row[0] for row in self._database.execute(_ASSETS, (wanted, MAX_ASSETS)))
        return Seen(hits, hosts, assets, last_seen)

    def seen_ids(self, *, at_most: int) -> list[StixId]:
        return [StixId(row[0]) for row in self._database.execute(_SEEN_IDS, (at_most,))]

    def wanted(self, indicators: Iterable[str]) -> list[Wanted]:
        ids = codec.encode(list(indicators)).decode()
        return [Wanted(*row) for row in self._database.execute(_WANTED, (ids,))]

    def brought(self, batch_id: BatchId, *, at_most: int) -> list[StixId]:
        rows = self._database.execute(_BROUGHT, (batch_id, at_most))
        return [StixId(row[0]) for row in rows]

    def hunts_since(self, at: str) -> HuntsSince:
        with self._database.snapshot():
            started_at = self._database.execute(_HUNTED_SINCE, (at,)).fetchone()[0]
            rows = self._database.execute(_SHOWN_SINCE, (at,)).fetchall()
        shown: dict[str, Shown] = {}
        for kind, *row in rows:
            one, before = Shown(*row), shown.get(kind)
            shown[kind] = one if before is None else _together(before, one)
        return HuntsSince(started_at, shown)

    def hits(self, indicators: Iterable[str], *, at_most: int) -> list[Sightline]:
        wanted = codec.encode(list(indicators)).decode()
        return [Sightline(*row) for row in self._database.execute(_HITS, (wanted, at_most))]

    def answers(self, ids: Iterable[str]) -> dict[str, list[Answered]]:
        found: dict[str, list[Answered]] = {}
        for about, *row in self._database.execute(_ANSWERS, (codec.encode(list(ids)).decode(),)):
            found.setdefault(about, []).append(Answered(*row))
        return found

    def tally(self) -> tuple[int, int]:
        hunts, answers = self._database.execute(_TALLY).fetchone()
        return hunts, answers

    def last_hunt(self) -> HuntRow | None:
        row = self._database.execute(_LAST_HUNT).fetchone()
        return None if row is None else HuntRow(*row)


def _together(older: Shown, newer: Shown) -> Shown:
    """Return what two hunts showed of one kind; the newer one says when, and in how many records."""
    return Shown(
        newer.started_at,
        newer.records,
        min((at for at in (older.first_at, newer.first_at) if at is not None), default=None),
        max((at for at in (older.last_at, newer.last_at) if at is not None), default=None),
    )


# A hit counts while the content that was hunted for is in force: a newer version may ask for something else.
# The same log hunted twice shows the same lines twice: they count once.
_SEEN = """
SELECT coalesce(sum(lines), 0), count(DISTINCT asset), max(last_seen)
FROM (
  SELECT h.asset, max(h.count) AS lines, max(h.last_seen) AS last_seen
  FROM json_each(?) AS wanted
  CROSS JOIN hit AS h ON h.indicator = wanted.value
  JOIN current_object AS o ON o.object_row = h.object_row
  GROUP BY h.indicator, h.asset, h.field, h.log_id, h.observable_value, h.scope, h.validity
)
"""

# Steps from one indicator to the next along the index, whatever number of hits each of them has.
_SEEN_IDS = """
WITH RECURSIVE one (indicator) AS (
  SELECT min(indicator) FROM hit
  UNION ALL
  SELECT (SELECT min(h.indicator) FROM hit AS h WHERE h.indicator > one.indicator)
  FROM one
  WHERE one.indicator IS NOT NULL
)
SELECT indicator
FROM one
WHERE EXISTS (
  SELECT 1
  FROM hit AS h
  JOIN current_object AS o ON o.object_row = h.object_row
  WHERE h.indicator = one.indicator
)
LIMIT ?
"""

_ASSETS = """
SELECT DISTINCT h.asset
FROM json_each(?) AS wanted
CROSS JOIN hit AS h ON h.indicator = wanted.value
JOIN current_object AS o ON o.object_row = h.object_row
WHERE h.asset IS NOT NULL
ORDER BY h.asset
LIMIT ?
"""

# Hunts look for what is in force and not revoked. Content that came again is no reason to hunt again: it was
# there before. What came back into force when a batch was undone was not looked for while that batch lay over it.
_WANTED = """
SELECT i.pattern, o.spec_version, i.uncompiled <> '', max(
    b.completed_at,
    coalesce((
      SELECT max(u.undone_at)
      FROM object AS n
      JOIN arrival AS l ON l.object_row = n.object_row
      JOIN batch AS u ON u.batch_id = l.batch_id
      WHERE n.stix_id = o.stix_id
        AND n.version_key >= o.version_key
        AND n.object_row <> o.object_row
        AND u.state = 'undone'
    ), '')
  ), i.valid_from, i.valid_until
FROM json_each(?) AS wanted
CROSS JOIN current_object AS o ON o.stix_id = wanted.value
JOIN indicator AS i ON i.object_row = o.object_row
JOIN arrival AS a ON a.arrival_row = o.first_arrival
JOIN batch AS b ON b.batch_id = a.batch_id
WHERE o.revoked = 0
"""

# The arrivals of a batch lie side by side.
_BROUGHT = """
SELECT o.stix_id
FROM batch AS b
CROSS JOIN arrival AS a ON a.arrival_row >= b.first_arrival AND a.arrival_row < coalesce(
  (SELECT min(n.first_arrival) FROM batch AS n WHERE n.first_arrival > b.first_arrival), 9223372036854775807
)
JOIN current_object AS o ON o.object_row = a.object_row
JOIN indicator AS i ON i.object_row = o.object_row
WHERE b.batch_id = ? AND a.batch_id = b.batch_id AND b.state = 'complete' AND o.revoked = 0
GROUP BY o.stix_id
ORDER BY min(a.arrival_row)
LIMIT ?
"""

_HUNTED_SINCE = """
SELECT max(started_at)
FROM hunt
WHERE ended_at IS NOT NULL AND records > 0 AND started_at >= ?
"""

_SHOWN_SINCE = """
SELECT kind, started_at, records, first_at, last_at
FROM hunt_shown
WHERE started_at >= ?
ORDER BY started_at, hunt_row
"""

_HITS = """
SELECT h.indicator, h.observable_kind, h.observable_value, h.asset, h.log_path, h.log_format, h.field,
  h.scope, h.validity, h.warninglists, h.first_seen, h.last_seen, max(h.count)
FROM json_each(?) AS wanted
CROSS JOIN hit AS h ON h.indicator = wanted.value
JOIN current_object AS o ON o.object_row = h.object_row
GROUP BY h.indicator, h.asset, h.field, h.log_id, h.observable_value, h.scope, h.validity
ORDER BY max(h.hit_row) DESC
LIMIT ?
"""

_ANSWERS = """
SELECT about, kind, answer_id, said_at, body
FROM answer
WHERE about IN (SELECT value FROM json_each(?))
ORDER BY answer_row
"""

_TALLY = """
SELECT
  (SELECT count(*) FROM hunt WHERE ended_at IS NOT NULL),
  (SELECT count(*) FROM answer)
"""

_LAST_HUNT = """
SELECT started_at, ended_at, paths, files, records, hits
FROM hunt
WHERE ended_at IS NOT NULL
ORDER BY hunt_row DESC
LIMIT 1
"""
