"""Credentials of parties in SQLite: of a secret only its digest is kept."""

from __future__ import annotations

from typing import cast

from backchannel.ids import Digest
from backchannel.store.exchange import CredentialRow, Right
from backchannel.store.rows import PartyRow
from backchannel.store.sqlite.connection import Database


class SqliteCredentials:
    """Secrets and certificates of parties."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        party_row: int,
        digest: Digest,
        *,
        certificate: bytes | None,
        compat: str,
        at: str,
        expires_at: str | None,
    ) -> int:
        parameters = (party_row, digest, certificate, compat, at, expires_at)
        return cast("int", self._database.execute(_ADD, parameters).lastrowid)

    def grant(self, token_row: int, collection_row: int, right: Right) -> None:
        self._database.execute(_GRANT, (token_row, collection_row, *right))

    def by_secret(self, digest: Digest) -> CredentialRow | None:
        return self._one(_BY_DIGEST, digest)

    def by_certificate(self, digest: Digest) -> CredentialRow | None:
        return self._one(_BY_CERTIFICATE, digest)

    def _one(self, sql: str, digest: Digest) -> CredentialRow | None:
        row = self._database.execute(sql, (digest,)).fetchone()
        return None if row is None else _credential(row)

    def all(self) -> list[CredentialRow]:
        return [_credential(row) for row in self._database.execute(_ALL)]

    def rights(self, token_row: int) -> dict[int, Right]:
        rows = self._database.execute(_RIGHTS, (token_row,))
        return {row[0]: Right(bool(row[1]), bool(row[2])) for row in rows}

    def right(self, token_row: int, collection_row: int) -> Right | None:
        row = self._database.execute(_RIGHT, (token_row, collection_row)).fetchone()
        return None if row is None else Right(bool(row[0]), bool(row[1]))

    def remove(self, token_row: int, *, at: str) -> bool:
        return self._database.execute(_REMOVE, (at, token_row)).rowcount == 1


def _credential(row: tuple[object, ...]) -> CredentialRow:
    # STRICT columns have the types of the fields, but for the one that is 0 or 1.
    party = PartyRow(*row[:3], bool(row[3]), *row[4:6])  # type: ignore[arg-type,call-arg]
    token_row, certificate, compat, added_at, expires_at = row[6:]
    return CredentialRow(token_row, party, certificate, compat, added_at, expires_at)  # type: ignore[arg-type]


_ADD = """
INSERT INTO token (party_row, sha256, certificate, compat, added_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?)
"""

_GRANT = """
INSERT INTO token_right (token_row, collection_row, can_read, can_write)
VALUES (?, ?, ?, ?)
"""

_BY_DIGEST = """
SELECT p.party_row, p.party_id, p.name, p.is_self, p.public_key, p.added_at,
  t.token_row, t.certificate, t.compat, t.added_at, t.expires_at
FROM token AS t
JOIN party AS p ON p.party_row = t.party_row
WHERE t.sha256 = ? AND t.removed_at IS NULL AND t.certificate IS NULL
"""

_BY_CERTIFICATE = """
SELECT p.party_row, p.party_id, p.name, p.is_self, p.public_key, p.added_at,
  t.token_row, t.certificate, t.compat, t.added_at, t.expires_at
FROM token AS t
JOIN party AS p ON p.party_row = t.party_row
WHERE t.sha256 = ? AND t.removed_at IS NULL AND t.certificate IS NOT NULL
"""

_ALL = """
SELECT p.party_row, p.party_id, p.name, p.is_self, p.public_key, p.added_at,
  t.token_row, t.certificate, t.compat, t.added_at, t.expires_at
FROM token AS t
JOIN party AS p ON p.party_row = t.party_row
WHERE t.removed_at IS NULL
ORDER BY t.token_row
"""

_RIGHTS = """
SELECT collection_row, can_read, can_write
FROM token_right
WHERE token_row = ?
"""

_RIGHT = """
SELECT can_read, can_write
FROM token_right
WHERE token_row = ? AND collection_row = ?
"""

_REMOVE = """
UPDATE token
SET removed_at = ?
WHERE token_row = ? AND removed_at IS NULL
"""
