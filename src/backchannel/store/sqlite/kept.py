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


_BY_ROWS = """
SELECT object_row, stix_id, version, version_key, type, spec_version, revoked, created_by_ref, quarantined,
  first_arrival, digest, body_digest, body
FROM object
WHERE object_row IN (SELECT value FROM json_each(?))
"""
