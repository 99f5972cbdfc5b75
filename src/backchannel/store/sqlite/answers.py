"""What we said back, and the sums that we say it with."""

from __future__ import annotations

from collections.abc import Iterable

from backchannel import codec
from backchannel.store.outgoing import HitSum
from backchannel.store.rows import Answered
from backchannel.store.sqlite.connection import Database


class SqliteAnswers:
    """Notes, sightings and opinions of our own: the newest version of each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, kind: str, about: str, answer_id: str, *, said_at: str, body: bytes) -> None:
        self._database.execute(
            _PUT, {"kind": kind, "about": about, "answer_id": answer_id, "said_at": said_at, "body": body}
        )

    def get(self, answer_id: str) -> Answered | None:
        row = self._database.execute(_GET, (answer_id,)).fetchone()
        return None if row is None else Answered(*row)

    def hit_sum(self, indicator: str) -> HitSum:
        return HitSum(*self._database.execute(_HIT_SUM, (indicator,)).fetchone())

    def last_seen(self, indicators: Iterable[str]) -> dict[str, str]:
        wanted = codec.encode(list(indicators)).decode()
        return dict(self._database.execute(_LAST_SEEN, (wanted,)).fetchall())


_PUT = """
INSERT INTO answer (kind, about, answer_id, said_at, body)
VALUES (:kind, :about, :answer_id, :said_at, :body)
ON CONFLICT (answer_id) DO UPDATE SET said_at = excluded.said_at, body = excluded.body
"""

_GET = """
SELECT kind, answer_id, said_at, body
FROM answer
WHERE answer_id = ?
"""

# The same log hunted twice shows the same lines twice: they count once.
_HIT_SUM = """
SELECT coalesce(sum(lines), 0), min(first_seen), max(last_seen)
FROM (
  SELECT max(h.count) AS lines, min(h.first_seen) AS first_seen, max(h.last_seen) AS last_seen
  FROM hit AS h
  JOIN visible_object AS o ON o.object_row = h.object_row
  WHERE h.indicator = ?
  GROUP BY h.asset, h.field, h.log_id, h.observable_value, h.scope, h.validity
)
"""

# For each one the newest end of `hit_seen`, and backwards over what an undone batch had brought.
_LAST_SEEN = """
SELECT wanted.value, last.last_seen
FROM json_each(?) AS wanted
CROSS JOIN hit AS last ON last.hit_row = (
  SELECT h.hit_row
  FROM hit AS h INDEXED BY hit_seen
  CROSS JOIN visible_object AS o ON o.object_row = h.object_row
  WHERE h.indicator = wanted.value AND h.validity = 'inside' AND h.last_seen IS NOT NULL
  ORDER BY h.last_seen DESC
  LIMIT 1
)
"""
