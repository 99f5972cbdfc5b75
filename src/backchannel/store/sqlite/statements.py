"""Statements in SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backchannel import codec
from backchannel.ids import BatchId
from backchannel.store.sqlite.connection import Database
from backchannel.store.sqlite.quarantine import SqliteQuarantine
from backchannel.store.sqlite.waiting import SqliteWaiting, statement
from backchannel.store.statements import (
    About,
    CameRow,
    NewSent,
    NewStatement,
    SentRow,
    StatementRow,
    Subject,
)


class SqliteStatements(SqliteQuarantine, SqliteWaiting):
    """What was signed, and what became of it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    def add(self, new: NewStatement, subjects: Iterable[Subject], *, batch_id: BatchId | None) -> int:
        with self._database.transaction():
            self._database.execute(_ADD, new)
            found: int = self._database.execute(_ROW, (new.digest,)).fetchone()[0]
            if new.is_own:
                self._database.execute(_OWN, (found,))
            if batch_id is not None:
                self._database.execute(_ADD_ARRIVAL, (batch_id, found))
            self._database.executemany(_ADD_SUBJECT, ((found, *subject) for subject in subjects))
        return found

    def speaks_of(self, statement_row: int, subjects: Iterable[Subject]) -> None:
        self._database.executemany(_ADD_SUBJECT, ((statement_row, *subject) for subject in subjects))

    def get(self, digest: bytes) -> StatementRow | None:
        row = self._database.execute(_GET, (digest,)).fetchone()
        return None if row is None else statement(row)

    def about(self, object_digest: bytes, *, kinds: Sequence[str], at_most: int) -> list[About]:
        wanted = codec.encode(list(kinds)).decode()
        rows = self._database.execute(_ABOUT, (object_digest, wanted, at_most))
        return [About(statement(row[:8]), Subject(*row[8:])) for row in rows]

    def abouts(
        self, object_digests: Iterable[bytes], *, kinds: Sequence[str], at_most: int
    ) -> dict[bytes, list[About]]:
        digests, wanted = list(object_digests), codec.encode(list(kinds)).decode()
        statements: dict[int, StatementRow] = {}
        found: dict[bytes, list[About]] = {}
        for first in range(0, len(digests), _ASKED_AT_ONCE):
            some = digests[first : first + _ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = self._database.execute(_SUBJECTS_OF.format(marks=marks), (*some, wanted)).fetchall()
            missing = {row[0] for row in rows} - statements.keys()
            asked = codec.encode(sorted(missing)).decode()
            statements |= {row[0]: statement(row) for row in self._database.execute(_BY_ROWS, (asked,))}
            for statement_row, *subject in rows:
                abouts = found.setdefault(subject[0], [])
                if len(abouts) < at_most:
                    abouts.append(About(statements[statement_row], Subject(*subject)))
        return found

    def subject(self, statement_row: int, object_digest: bytes) -> Subject | None:
        row = self._database.execute(_SUBJECT, (statement_row, object_digest)).fetchone()
        return None if row is None else Subject(*row)

    def subjects(self, statement_row: int, *, at_most: int) -> list[Subject]:
        return [Subject(*row) for row in self._database.execute(_SUBJECTS, (statement_row, at_most))]

    def of_version(self, stix_id: str, version_key: str, *, at_most: int) -> list[About]:
        rows = self._database.execute(_OF_VERSION, (stix_id, version_key, at_most))
        return [About(statement(row[:8]), Subject(*row[8:])) for row in rows]

    def known_at(self, digest: bytes) -> str | None:
        row = self._database.execute(_KNOWN_AT, (digest,)).fetchone()
        return None if row is None else row[0]

    def put_salts(self, object_digest: bytes, salts: Mapping[str, bytes]) -> None:
        body = codec.encode({name: salt.hex() for name, salt in salts.items()})
        self._database.execute(_PUT_SALTS, (object_digest, body))

    def salts(self, object_digest: bytes) -> dict[str, bytes] | None:
        row = self._database.execute(_SALTS, (object_digest,)).fetchone()
        if row is None:
            return None
        return {name: bytes.fromhex(salt) for name, salt in codec.decode(row[0]).items()}

    def was_taken(self, issuer: str, statement_id: str) -> bool:
        return self._database.execute(_WAS_TAKEN, (issuer, statement_id)).fetchone() is not None

    def take(
        self, issuer: str, statement_id: str, *, batch_id: BatchId | None, keep_until: str | None
    ) -> None:
        self._database.execute(_TAKE, (issuer, statement_id, batch_id, keep_until))

    def forget_taken(self, *, before: str) -> int:
        return self._database.execute(_FORGET_TAKEN, (before,)).rowcount

    def came(
        self,
        *,
        batch_ids: Sequence[BatchId] | None = None,
        digest_prefix: str = "",
        before: int | None = None,
        rows: int,
    ) -> list[CameRow]:
        wanted = {
            "batches": None if batch_ids is None else codec.encode(list(batch_ids)).decode(),
            "first": bytes.fromhex(digest_prefix.ljust(64, "0")) if digest_prefix else None,
            "last": bytes.fromhex(digest_prefix.ljust(64, "f")) if digest_prefix else None,
            "before": 2**62 if before is None else before,
            "rows": rows,
        }
        found = self._database.execute(_CAME, wanted)
        return [CameRow(row[8], row[9], row[10], statement(row[:8])) for row in found]

    def add_sent(self, new: NewSent) -> None:
        self._database.execute(_ADD_SENT, new)

    def sent(
        self, *, party_row: int | None, manifest: bytes | None, at_most: int, is_asking: bool = False
    ) -> list[SentRow]:
        wanted = {"party": party_row, "manifest": manifest, "rows": at_most, "asking": is_asking}
        return [SentRow(*row) for row in self._database.execute(_SENT, wanted)]

    def unheard(self) -> list[tuple[str, int, str]]:
        return self._database.execute(_UNHEARD).fetchall()

    def readers(self, object_digest: bytes) -> list[tuple[int, str]]:
        return self._database.execute(_READERS, (object_digest,)).fetchall()

    def had(self, party_row: int, object_digests: Sequence[bytes]) -> frozenset[bytes]:
        found: set[bytes] = set()
        for first in range(0, len(object_digests), _ASKED_AT_ONCE):
            some = object_digests[first : first + _ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            found |= {row[0] for row in self._database.execute(_HAD.format(marks=marks), (*some, party_row))}
        return frozenset(found)

    def next_seq(self, chan: str) -> tuple[int, bytes | None]:
        row = self._database.execute(_LAST_SENT, (chan,)).fetchone()
        return (0, None) if row is None else (row[0] + 1, row[1])

    def receipts(self, manifest: bytes) -> list[StatementRow]:
        return [statement(row) for row in self._database.execute(_RECEIPTS, (manifest,))]

    def own_secret(self, name: str, new: bytes) -> bytes:
        with self._database.transaction():
            self._database.execute(_ADD_OWN, (name, new))
            secret: bytes = self._database.execute(_OWN_KEPT, (name,)).fetchone()[0]
        return secret

    def keep_hidden(self, commitment: str, *, party: str, random: bytes) -> None:
        self._database.execute(_ADD_HIDDEN, (commitment, party, random))

    def hidden_sources(self, *, at_most: int) -> list[str]:
        return [row[0] for row in self._database.execute(_HIDDEN_SOURCES, (at_most,))]


_ADD = """
INSERT INTO statement (digest, kind, issuer, envelope, received_at, prev, manifest, is_own)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (digest) DO NOTHING
"""

_ROW = "SELECT statement_row FROM statement WHERE digest = ?"

_OWN = "UPDATE statement SET is_own = 1 WHERE statement_row = ? AND is_own = 0"

_ADD_ARRIVAL = """
INSERT INTO statement_arrival (batch_id, statement_row)
VALUES (?, ?)
ON CONFLICT DO NOTHING
"""

_ADD_SUBJECT = """
INSERT INTO statement_subject
  (statement_row, object_digest, stix_id, version_key, leaf_index, salt, path, form)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_GET = """
SELECT statement_row, digest, kind, issuer, prev, received_at, envelope, is_own
FROM visible_statement
WHERE digest = ?
"""

_ABOUT = """
SELECT s.statement_row, s.digest, s.kind, s.issuer, s.prev, s.received_at, s.envelope, s.is_own,
  u.object_digest, u.stix_id, u.version_key, u.leaf_index, u.salt, u.path, u.form
FROM statement_subject AS u
CROSS JOIN visible_statement AS s ON s.statement_row = u.statement_row
WHERE u.object_digest = ? AND s.kind IN (SELECT value FROM json_each(?))
ORDER BY s.statement_row
LIMIT ?
"""

_ASKED_AT_ONCE = 500
"""Objects that one query asks for: far below what SQLite takes (32,766 parameters)."""

_SUBJECTS_OF = """
SELECT s.statement_row, u.object_digest, u.stix_id, u.version_key, u.leaf_index, u.salt, u.path, u.form
FROM statement_subject AS u
CROSS JOIN visible_statement AS s ON s.statement_row = u.statement_row
WHERE u.object_digest IN ({marks}) AND s.kind IN (SELECT value FROM json_each(?))
ORDER BY s.statement_row
"""

_BY_ROWS = """
SELECT statement_row, digest, kind, issuer, prev, received_at, envelope, is_own
FROM statement
WHERE statement_row IN (SELECT value FROM json_each(?))
"""

_SUBJECT = """
SELECT object_digest, stix_id, version_key, leaf_index, salt, path, form
FROM statement_subject
WHERE statement_row = ? AND object_digest = ?
"""

_SUBJECTS = """
SELECT object_digest, stix_id, version_key, leaf_index, salt, path, form
FROM statement_subject
WHERE statement_row = ?
ORDER BY leaf_index
LIMIT ?
"""

_OF_VERSION = """
SELECT s.statement_row, s.digest, s.kind, s.issuer, s.prev, s.received_at, s.envelope, s.is_own,
  u.object_digest, u.stix_id, u.version_key, u.leaf_index, u.salt, u.path, u.form
FROM statement_subject AS u
CROSS JOIN visible_statement AS s ON s.statement_row = u.statement_row
WHERE u.stix_id <> '' AND u.stix_id = ? AND u.version_key = ? AND u.form IS NULL
ORDER BY s.statement_row
LIMIT ?
"""

# What an undone batch brought was here all the same.
_KNOWN_AT = "SELECT received_at FROM statement WHERE digest = ?"

_PUT_SALTS = """
INSERT INTO field_salts (object_digest, salts)
VALUES (?, ?)
ON CONFLICT (object_digest) DO UPDATE SET salts = excluded.salts
"""

_SALTS = "SELECT salts FROM field_salts WHERE object_digest = ?"

_WAS_TAKEN = """
SELECT 1
FROM taken AS t
LEFT JOIN batch AS b ON b.batch_id = t.batch_id
WHERE t.issuer = ? AND t.statement_id = ? AND (t.batch_id IS NULL OR b.state <> 'undone')
"""

_TAKE = """
INSERT INTO taken (issuer, statement_id, batch_id, keep_until)
VALUES (?, ?, ?, ?)
ON CONFLICT (issuer, statement_id) DO UPDATE SET batch_id = excluded.batch_id, keep_until = excluded.keep_until
"""

_FORGET_TAKEN = "DELETE FROM taken WHERE keep_until IS NOT NULL AND keep_until < ?"

# A drop that brought no objects has no batch, and is in sight without one.
_CAME = """
SELECT s.statement_row, s.digest, s.kind, s.issuer, s.prev, s.received_at, s.envelope, s.is_own,
  (SELECT max(a.batch_id) FROM statement_arrival AS a JOIN batch AS b ON b.batch_id = a.batch_id
   WHERE a.statement_row = s.statement_row AND b.state = 'complete'),
  d.chan, d.seq
FROM received_drop AS d
JOIN visible_statement AS s ON s.statement_row = d.statement_row
WHERE d.statement_row < :before
  AND (:first IS NULL OR s.digest BETWEEN :first AND :last)
  AND (:batches IS NULL OR d.statement_row IN (
    SELECT statement_row FROM statement_arrival WHERE batch_id IN (SELECT value FROM json_each(:batches))
  ))
ORDER BY d.statement_row DESC
LIMIT :rows
"""

_ADD_SENT = """
INSERT INTO sent_drop (statement_row, party_row, chan, seq, ack, sent_at, secret, objects)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

_SENT = """
SELECT s.digest, d.statement_row, p.party_id, p.name, d.chan, d.seq, d.ack, d.sent_at, d.secret, d.objects
FROM sent_drop AS d
JOIN statement AS s ON s.statement_row = d.statement_row
JOIN party AS p ON p.party_row = d.party_row
WHERE (:party IS NULL OR d.party_row = :party) AND (:manifest IS NULL OR s.digest = :manifest)
  AND (d.ack <> 'none' OR NOT :asking)
ORDER BY d.sent_row DESC
LIMIT :rows
"""

_UNHEARD = """
SELECT p.party_id, count(*), min(d.sent_at)
FROM sent_drop AS d
JOIN statement AS s ON s.statement_row = d.statement_row
JOIN party AS p ON p.party_row = d.party_row
WHERE d.ack <> 'none'
  AND NOT EXISTS (
    SELECT 1 FROM visible_statement AS r WHERE r.manifest = s.digest AND r.is_own = 0
  )
GROUP BY p.party_id
ORDER BY p.party_id
"""

_READERS = """
SELECT DISTINCT p.party_row, p.name
FROM statement_subject AS u
JOIN sent_drop AS d ON d.statement_row = u.statement_row
JOIN party AS p ON p.party_row = d.party_row
WHERE u.object_digest = ?
ORDER BY p.name
"""

_HAD = """
SELECT DISTINCT u.object_digest
FROM statement_subject AS u
JOIN sent_drop AS d ON d.statement_row = u.statement_row
WHERE u.object_digest IN ({marks}) AND d.party_row = ?
"""

_LAST_SENT = """
SELECT d.seq, s.digest
FROM sent_drop AS d
JOIN statement AS s ON s.statement_row = d.statement_row
WHERE d.chan = ?
ORDER BY d.seq DESC
LIMIT 1
"""

_RECEIPTS = """
SELECT statement_row, digest, kind, issuer, prev, received_at, envelope, is_own
FROM visible_statement
WHERE manifest = ? AND kind = 'receipt'
ORDER BY statement_row
"""

_ADD_OWN = "INSERT INTO own_secret (name, secret) VALUES (?, ?) ON CONFLICT DO NOTHING"

_OWN_KEPT = "SELECT secret FROM own_secret WHERE name = ?"

_HIDDEN_SOURCES = "SELECT DISTINCT party FROM hidden_party ORDER BY party LIMIT ?"

_ADD_HIDDEN = "INSERT INTO hidden_party (commitment, party, random) VALUES (?, ?, ?)"
