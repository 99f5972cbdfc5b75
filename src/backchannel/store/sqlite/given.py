"""What parties were given without a drop, in SQLite."""

from __future__ import annotations

from backchannel.store.given import GivenRow
from backchannel.store.sqlite.connection import Database
from backchannel.store.sqlite.waiting import statement
from backchannel.store.statements import StatementRow

MAX_PAGES_LOOKED_AT = 1_000
"""Pages of one collection that are looked at for one object: those that end behind it, the nearest first."""


class SqliteGiven:
    """What went to parties over TAXII."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def was_given(self, party_row: int, stix_id: str, digest: bytes, *, is_named: bool = False) -> bool:
        asked = {"id": stix_id, "digest": digest}
        if self._database.execute(_PUSHED, asked | {"party": party_row}).fetchone() is not None:
            return True
        return any(
            self._database.execute(
                _PAGED, asked | {"reader": reader, "pages": MAX_PAGES_LOOKED_AT}
            ).fetchone()
            is not None
            for reader in ((party_row,) if is_named else (party_row, None))  # None: as anybody
        )

    def is_out(self, stix_id: str, digest: bytes) -> bool:
        return self._database.execute(_IS_OUT, (stix_id, digest)).fetchone() is not None

    def ways(self, *, pages: int, pushes: int) -> list[GivenRow]:
        rows = self._database.execute(_WAYS, {"pages": pages, "pushes": pushes})
        return [GivenRow(*row)._replace(is_pushed=bool(row[3])) for row in rows]

    def heard(self, *, rows: int) -> list[StatementRow]:
        return [statement(row) for row in self._database.execute(_HEARD, (rows,))]


_IS_OUT = """
SELECT 1
FROM object AS o
WHERE o.stix_id = ? AND o.digest = ? AND (
  EXISTS (SELECT 1 FROM collected AS c WHERE c.object_row = o.object_row)
  OR EXISTS (SELECT 1 FROM channel_push AS p WHERE p.object_row = o.object_row)
)
LIMIT 1
"""

_PUSHED = """
SELECT 1
FROM object AS o
CROSS JOIN channel_push AS p ON p.object_row = o.object_row
JOIN party AS w ON w.party_row = :party AND w.name = p.party
WHERE o.stix_id = :id AND o.digest = :digest AND p.state <> 'refused'
LIMIT 1
"""

_PAGED = """
SELECT 1
FROM object AS o
CROSS JOIN collected AS c ON c.object_row = o.object_row
WHERE o.stix_id = :id AND o.digest = :digest AND EXISTS (
  SELECT 1
  FROM (
    SELECT s.first_added
    FROM page_sent AS s
    WHERE s.collection_row = c.collection_row AND s.party_row IS :reader AND s.last_added >= c.added
      AND s.kind IN ('objects', 'object')
    ORDER BY s.last_added
    LIMIT :pages
  ) AS near
  WHERE near.first_added <= c.added
)
LIMIT 1
"""

# What nobody acts on, and our own answers, are not waited for.
_WAYS = """
SELECT g.party_row, w.name, g.way, g.is_pushed, g.objects, g.first_at, g.last_at
FROM (
  SELECT s.party_row, c.title AS way, 0 AS is_pushed, sum(s.objects) AS objects,
    min(s.sent_at) AS first_at, max(s.sent_at) AS last_at
  FROM (
    SELECT party_row, collection_row, objects, sent_at, first_added, last_added
    FROM page_sent
    WHERE kind IN ('objects', 'object')
    ORDER BY page_row DESC
    LIMIT :pages
  ) AS s
  JOIN collection AS c ON c.collection_row = s.collection_row
  WHERE s.party_row IS NOT NULL AND EXISTS (
    SELECT 1
    FROM collected AS k
    CROSS JOIN object AS o ON o.object_row = k.object_row
    WHERE k.collection_row = s.collection_row AND k.added BETWEEN s.first_added AND s.last_added
      AND o.type NOT IN ('identity', 'extension-definition', 'marking-definition')
      AND NOT EXISTS (SELECT 1 FROM carrying_note AS n WHERE n.stix_id = o.stix_id)
  )
  GROUP BY s.party_row, s.collection_row
  UNION ALL
  SELECT q.party_row, p.channel, 1, count(*), min(p.pushed_at), max(p.pushed_at)
  FROM (
    SELECT channel, party, object_row, pushed_at, state
    FROM channel_push
    ORDER BY push_row DESC
    LIMIT :pushes
  ) AS p
  JOIN party AS q ON q.name = p.party
  JOIN object AS o ON o.object_row = p.object_row
  WHERE p.state <> 'refused' AND o.type NOT IN ('identity', 'extension-definition', 'marking-definition')
    AND NOT EXISTS (SELECT 1 FROM carrying_note AS n WHERE n.stix_id = o.stix_id)
  GROUP BY q.party_row, p.channel
) AS g
JOIN party AS w ON w.party_row = g.party_row
WHERE w.is_self = 0
ORDER BY g.last_at DESC, w.name, g.way
"""

_HEARD = """
SELECT statement_row, digest, kind, issuer, prev, received_at, envelope, is_own
FROM visible_statement
WHERE kind = 'receipt' AND manifest IS NULL AND is_own = 0
ORDER BY statement_row DESC
LIMIT ?
"""
