"""One object as a row of `object` has it."""

from __future__ import annotations

from collections.abc import Iterable

from backchannel import codec
from backchannel.store.rows import Kept
from backchannel.store.sqlite.connection import Database


def kept_of(row: tuple[object, ...]) -> Kept:
    """Return the object of a row, its columns in the order of `Kept`."""
    # STRICT columns have the types of the fields, but for the two that are 0 or 1.
    return Kept(*row[:6], bool(row[6]), row[7], bool(row[8]), *row[9:])  # type: ignore[arg-type,call-arg]


def kept_rows(database: Database, object_rows: Iterable[int]) -> dict[int, Kept]:
    """Return objects by their rows, whether they are in force or not."""
    rows = database.execute(_BY_ROWS, (codec.encode(list(object_rows)).decode(),))
    return {one.object_row: one for one in map(kept_of, rows)}


def contents_of(database: Database, stix_id: str, *, at_most: int) -> list[Kept]:
    """Return the visible contents of an id, the newest version first."""
    return [kept_of(row) for row in database.execute(_VERSIONS, (stix_id, at_most))]


def content_of(database: Database, stix_id: str, digest: bytes) -> Kept | None:
    """Return the visible content of an id that has a digest."""
    row = database.execute(_CONTENT, (stix_id, digest)).fetchone()
    return None if row is None else kept_of(row)


_CONTENT = """
SELECT object_row, stix_id, version, version_key, type, spec_version, revoked, created_by_ref, quarantined,
  first_arrival, digest, body_digest, body
FROM visible_object
WHERE stix_id = ? AND digest = ?
ORDER BY first_arrival
LIMIT 1
"""

_VERSIONS = """
SELECT object_row, stix_id, version, version_key, type, spec_version, revoked, created_by_ref, quarantined,
  first_arrival, digest, body_digest, body
FROM visible_object
WHERE stix_id = ?
ORDER BY version_key DESC, first_arrival
LIMIT ?
"""

_BY_ROWS = """
SELECT object_row, stix_id, version, version_key, type, spec_version, revoked, created_by_ref, quarantined,
  first_arrival, digest, body_digest, body
FROM object
WHERE object_row IN (SELECT value FROM json_each(?))
"""
