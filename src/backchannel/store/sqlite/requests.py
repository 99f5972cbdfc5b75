"""Requests for information in SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backchannel import codec
from backchannel.ids import PartyId
from backchannel.store.requests import HuntRun, NewRequest, RequestRow
from backchannel.store.rows import PartyRow
from backchannel.store.sqlite.connection import Database
from backchannel.store.sqlite.waiting import statement
from backchannel.store.statements import StatementRow


class SqliteRequests:
    """What parties ask of one another."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewRequest) -> None:
        self._database.execute(_ADD, new)

    def get(self, digest: bytes) -> RequestRow | None:
        row = self._database.execute(f"{_SELECT} WHERE s.digest = ?", (digest,)).fetchone()
        return None if row is None else _request(row)

    def like(self, digest_prefix: str, *, at_most: int) -> list[RequestRow]:
        first = bytes.fromhex(digest_prefix.ljust(64, "0"))
        last = bytes.fromhex(digest_prefix.ljust(64, "f"))
        rows = self._database.execute(_LIKE, (first, last, at_most))
        return [_request(row) for row in rows]

    def newest(
        self, *, is_own: bool, party_row: int | None, at_most: int, open_at: str | None = None
    ) -> list[RequestRow]:
        wanted = {"own": is_own, "party": party_row, "rows": at_most, "open": open_at}
        return [_request(row) for row in self._database.execute(_NEWEST, wanted)]

    def threads(self, thread: str) -> list[RequestRow]:
        rows = self._database.execute(f"{_SELECT} WHERE r.thread = ? ORDER BY s.statement_row", (thread,))
        return [_request(row) for row in rows]

    def came_since(self, party_row: int, at: str) -> int:
        count: int = self._database.execute(_CAME_SINCE, (party_row, at)).fetchone()[0]
        return count

    def close(self, statement_row: int, *, at: str) -> None:
        self._database.execute(_CLOSE, (at, statement_row))

    def run(self, statement_row: int) -> HuntRun | None:
        row = self._database.execute(_RUN, (statement_row,)).fetchone()
        return None if row is None else HuntRun(*row)

    def begin_run(self, statement_row: int, *, at: str, plan: str) -> bool:
        return self._database.execute(_BEGIN_RUN, (statement_row, at, plan)).rowcount == 1

    def end_run(self, statement_row: int, found: bytes) -> None:
        self._database.execute(_END_RUN, (found, statement_row))

    def helped(self, digest: bytes) -> str | None:
        row = self._database.execute(_HELPED, (digest,)).fetchone()
        return None if row is None else row[0]

    def help(self, digest: bytes, *, at: str, how: str) -> None:
        self._database.execute(_HELP, (digest, at, how))

    def replies(self, digest: bytes) -> list[StatementRow]:
        return [statement(row) for row in self._database.execute(_REPLIES, (digest,))]

    def of_issuers(self, issuers: Iterable[str], kinds: Sequence[str], *, at_most: int) -> list[StatementRow]:
        wanted = codec.encode(list(issuers)).decode(), codec.encode(list(kinds)).decode(), at_most
        return [statement(row) for row in self._database.execute(_OF_ISSUERS, wanted)]

    def about_id(self, stix_id: str, kinds: Sequence[str], *, at_most: int) -> list[StatementRow]:
        wanted = stix_id, codec.encode(list(kinds)).decode(), at_most
        return [statement(row) for row in self._database.execute(_ABOUT_ID, wanted)]

    def gave(self, party_row: int, *, since: str, until: str, at_most: int) -> list[str]:
        return [row[0] for row in self._database.execute(_GAVE, (party_row, since, until, at_most))]

    def own_outcomes(self, stix_ids: Iterable[str]) -> dict[str, int]:
        return dict(
            self._database.execute(_OWN_OUTCOMES, (codec.encode(list(stix_ids)).decode(),)).fetchall()
        )

    def went_to(self, object_digest: bytes) -> list[PartyRow]:
        rows = self._database.execute(_WENT_TO, (object_digest,))
        return [PartyRow(row[0], PartyId(row[1]), row[2], bool(row[3]), row[4], row[5]) for row in rows]


def _request(row: tuple[object, ...]) -> RequestRow:
    # STRICT columns have the types of the fields, but for the one that is 0 or 1.
    party_row, party, party_id, is_own, *rest = row[8:]
    return RequestRow(statement(row[:8]), party_row, party, party_id, bool(is_own), *rest)  # type: ignore[arg-type]


_ADD = """
INSERT INTO request (statement_row, party_row, is_own, thread, claim, asked_at, needed_by)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_SELECT = """
SELECT s.statement_row, s.digest, s.kind, s.issuer, s.prev, s.received_at, s.envelope, s.is_own,
  p.party_row, p.name, p.party_id, r.is_own, r.thread, r.claim, r.asked_at, r.needed_by, r.closed_at
FROM request AS r
JOIN visible_statement AS s ON s.statement_row = r.statement_row
JOIN party AS p ON p.party_row = r.party_row
"""

_LIKE = f"{_SELECT} WHERE s.digest BETWEEN ? AND ? ORDER BY s.statement_row DESC LIMIT ?"

_NEWEST = f"""{_SELECT}
WHERE r.is_own = :own AND (:party IS NULL OR r.party_row = :party)
  AND (:open IS NULL OR (r.closed_at IS NULL AND r.needed_by > :open))
ORDER BY s.statement_row DESC
LIMIT :rows
"""

_CAME_SINCE = """
SELECT count(*)
FROM request AS r
JOIN visible_statement AS s ON s.statement_row = r.statement_row
WHERE r.party_row = ? AND r.is_own = 0 AND s.received_at > ?
"""

_CLOSE = "UPDATE request SET closed_at = ? WHERE statement_row = ? AND closed_at IS NULL"

_RUN = "SELECT at, plan, found FROM hunt_run WHERE statement_row = ?"

_BEGIN_RUN = "INSERT INTO hunt_run (statement_row, at, plan) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

_END_RUN = "UPDATE hunt_run SET found = ? WHERE statement_row = ?"

_HELPED = "SELECT how FROM helped WHERE digest = ?"

_HELP = "INSERT INTO helped (digest, at, how) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

_REPLIES = """
SELECT statement_row, digest, kind, issuer, prev, received_at, envelope, is_own
FROM visible_statement
WHERE manifest = ? AND kind <> 'receipt'
ORDER BY statement_row
"""

_OF_ISSUERS = """
SELECT statement_row, digest, kind, issuer, prev, received_at, envelope, is_own
FROM visible_statement
WHERE issuer IN (SELECT value FROM json_each(?)) AND kind IN (SELECT value FROM json_each(?))
ORDER BY statement_row DESC
LIMIT ?
"""

_ABOUT_ID = """
SELECT DISTINCT s.statement_row, s.digest, s.kind, s.issuer, s.prev, s.received_at, s.envelope, s.is_own
FROM statement_subject AS u
CROSS JOIN visible_statement AS s ON s.statement_row = u.statement_row
WHERE u.stix_id <> '' AND u.stix_id = ? AND s.kind IN (SELECT value FROM json_each(?))
  AND (u.form IS NULL OR EXISTS (
    SELECT 1
    FROM redacted_form AS f
    WHERE f.form_digest = u.form AND f.object_digest = u.object_digest AND f.says_same = 1
  ))
ORDER BY s.statement_row
LIMIT ?
"""

_GAVE = """
SELECT DISTINCT o.stix_id
FROM batch AS b
CROSS JOIN arrival AS a
  ON a.arrival_row >= b.first_arrival AND a.arrival_row < b.first_arrival + b.objects AND a.batch_id = b.batch_id
JOIN visible_object AS o ON o.object_row = a.object_row
WHERE b.party_row = ? AND b.state = 'complete' AND b.completed_at >= ? AND b.completed_at < ?
LIMIT ?
"""

_OWN_OUTCOMES = """
SELECT outcome, count(DISTINCT about)
FROM standing_outcome
WHERE said_by IS NULL AND about IN (SELECT value FROM json_each(?))
GROUP BY outcome
"""

_WENT_TO = """
SELECT DISTINCT p.party_row, p.party_id, p.name, p.is_self, p.public_key, p.added_at
FROM statement_subject AS u
JOIN sent_drop AS d ON d.statement_row = u.statement_row
JOIN party AS p ON p.party_row = d.party_row
WHERE u.object_digest = ?
ORDER BY p.party_row
"""
