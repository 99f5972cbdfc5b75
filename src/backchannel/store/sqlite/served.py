"""What left without a drop, and which of it the ledger has, in SQLite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from backchannel import codec
from backchannel.ids import sha256
from backchannel.store.leaves import LeafRow
from backchannel.store.object_runs import write_runs
from backchannel.store.served import ObjectList, ServedLeaf, ServedRow, Source, Unentered
from backchannel.store.sqlite.connection import Database

DIGESTS_AT_ONCE: Final = 10_000
NO_BOUND: Final = 2**63 - 1


class SqliteServed:
    """Pages and pushes, and which of them the ledger has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self) -> Unentered:
        return Unentered(*self._database.execute(_WAITING).fetchone())

    def unknown(self) -> int:
        number: int = self._database.execute(_UNKNOWN).fetchone()[0]
        return number

    def mark(self, source: Source) -> int:
        number: int = self._database.execute(_MARK, (source,)).fetchone()[0]
        return number

    def move_mark(self, source: Source, *, before: int, to: int) -> bool:
        return self._database.execute(_MOVE_MARK, (to, source, before)).rowcount == 1

    def rows(
        self, source: Source, *, after: int, upto: int | None = None, at_most: int | None = None
    ) -> list[ServedRow]:
        bounds = (after, NO_BOUND if upto is None else upto, -1 if at_most is None else at_most)
        return [ServedRow(*row) for row in self._database.execute(_ROWS[source], bounds)]

    def list_of(self, source: Source, row: ServedRow) -> ObjectList | None:
        if source == "page":
            (runs,) = self._database.execute(_ON_THAT_PAGE, (row.first_row,)).fetchone()
        else:
            pushed = self._database.execute(_PUSHED, (row.first_row, row.last_row))
            runs = write_runs([number for (number,) in pushed])
        if runs is None:
            return None
        name = sha256(runs)
        return ObjectList(name, runs, *(self._database.execute(_LIST, (name,)).fetchone() or (None, None)))

    def grown(self, made: ObjectList) -> None:
        self._database.execute(_GROWN, made)

    def digests(self, object_rows: Sequence[int]) -> list[bytes]:
        found: list[bytes] = []
        for at in range(0, len(object_rows), DIGESTS_AT_ONCE):
            rows = codec.encode(object_rows[at : at + DIGESTS_AT_ONCE]).decode()
            found += (digest for (digest,) in self._database.execute(_DIGESTS, (rows,)))
        return found

    def add(self, leaf: ServedLeaf) -> None:
        self._database.execute(_ADD, leaf)

    def leaf(self, leaf_row: int) -> ServedLeaf | None:
        row = self._database.execute(_LEAF, (leaf_row,)).fetchone()
        return None if row is None else ServedLeaf(*row)

    def leaf_of(self, source: Source, row: int) -> LeafRow | None:
        found = self._database.execute(_LEAF_OF, (source, row)).fetchone()
        return None if found is None or found[0] > row else LeafRow(*found[1:])

    def went(
        self, object_row: int, *, party: str | None, through: str | None
    ) -> Iterator[tuple[Source, int]]:
        asked = {"object": object_row, "party": party, "through": through}
        ways: tuple[tuple[Source, str, str], ...] = (
            ("page", _ON_PAGE, "objects"),
            ("push", _BY_PUSH, "objects"),
            ("page", _ON_PAGE, "made"),
            ("page", _ON_PAGE, "ids"),
        )
        for source, sql, what in ways:
            for (row,) in self._database.execute(sql, asked | {"what": what}):
                yield source, row


_WAITING = """
SELECT sum(rows), min(since)
FROM (
  SELECT count(*) AS rows, min(sent_at) AS since
  FROM page_sent
  WHERE page_row > (SELECT last_row FROM served_mark WHERE source = 'page')
  UNION ALL
  SELECT count(DISTINCT push_id), min(pushed_at)
  FROM channel_push
  WHERE push_row > (SELECT last_row FROM served_mark WHERE source = 'push')
)
"""

_UNKNOWN = """
SELECT count(*)
FROM page_sent
WHERE what IS NULL
"""

_MARK = """
SELECT last_row
FROM served_mark
WHERE source = ?
"""

_MOVE_MARK = """
UPDATE served_mark
SET last_row = ?
WHERE source = ? AND last_row = ?
"""

# All rows of a push are written in one transaction, so that they lie together, and none comes later.
_ROWS: dict[Source, str] = {
    "page": """
SELECT s.page_row, s.page_row, s.sent_at, s.what, p.name, c.collection_id, s.policy, s.objects, s.sha256
FROM page_sent AS s
JOIN collection AS c ON c.collection_row = s.collection_row
LEFT JOIN party AS p ON p.party_row = s.party_row
WHERE s.page_row > ? AND s.page_row <= ?
ORDER BY s.page_row
LIMIT ?
""",
    "push": """
SELECT min(push_row), max(push_row), min(pushed_at), 'objects', party, place, min(policy), count(*), NULL
FROM channel_push
WHERE push_row > ? AND push_row <= ?
GROUP BY push_id, party, place
ORDER BY 1
LIMIT ?
""",
}

_ON_THAT_PAGE = """
SELECT coalesce(s.runs, l.runs)
FROM page_sent AS s
LEFT JOIN object_list AS l ON l.sha256 = s.list_sha256
WHERE s.page_row = ?
"""

_PUSHED = """
SELECT object_row
FROM channel_push
WHERE push_row BETWEEN ? AND ?
ORDER BY push_row
"""

_LIST = """
SELECT secret, root
FROM object_list
WHERE sha256 = ?
"""

_GROWN = """
INSERT INTO object_list (sha256, runs, secret, root)
VALUES (?, ?, ?, ?)
ON CONFLICT (sha256) DO UPDATE SET secret = excluded.secret, root = excluded.root
WHERE root IS NULL
"""

# SQLite walks the list that it is given, in its order.
_DIGESTS = """
SELECT o.digest
FROM json_each(?) AS wanted
CROSS JOIN object AS o ON o.object_row = wanted.value
"""

_ADD = """
INSERT INTO served (leaf_row, source, first_row, last_row, secret)
VALUES (?, ?, ?, ?, ?)
"""

_LEAF = """
SELECT leaf_row, source, first_row, last_row, secret
FROM served
WHERE leaf_row = ?
"""

_LEAF_OF = """
SELECT s.first_row, l.leaf_row, l.kind, l.about, l.statement, l.blinding, l.recorded_at, l.leaf_index
FROM served AS s
JOIN ledger_leaf AS l ON l.leaf_row = s.leaf_row
WHERE s.source = ? AND s.last_row >= ?
ORDER BY s.last_row
LIMIT 1
"""

_ON_PAGE = """
SELECT s.page_row
FROM page_sent AS s
LEFT JOIN object_list AS l ON l.sha256 = s.list_sha256
JOIN collection AS c ON c.collection_row = s.collection_row
WHERE s.party_row IS (SELECT party_row FROM party WHERE name = :party)
  AND (s.party_row IS NULL) = (:party IS NULL) AND s.what = :what
  AND (:through IS NULL OR :through IN (c.collection_id, c.alias))
  AND EXISTS (
    SELECT 1
    FROM json_each(CAST(coalesce(s.runs, l.runs) AS TEXT)) AS run
    WHERE :object BETWEEN json_extract(run.value, '$[0]') AND json_extract(run.value, '$[1]')
  )
ORDER BY s.page_row
"""

_BY_PUSH = """
SELECT push_row
FROM channel_push
WHERE object_row = :object AND party = :party COLLATE NOCASE AND push_id IS NOT NULL
  AND (:through IS NULL OR :through IN (channel, place)) AND :what = 'objects'
ORDER BY push_row
"""
