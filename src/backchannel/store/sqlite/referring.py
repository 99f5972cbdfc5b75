"""What refers to an object and, so far as its text tells, to something else as well."""

from __future__ import annotations

from collections.abc import Sequence

from backchannel.store.sqlite.connection import Database

Row = tuple[object, ...]


def rows_with(
    database: Database, target: str, properties: Sequence[str], beside: str, *, at_most: int, scan: int
) -> tuple[list[tuple[str, Row]], bool]:
    """Return (property, columns of the object), and whether all references were looked at.

    Args:
        database: the store's.
        target: an id.
        properties: by which it is referred to.
        beside: how the id of something else begins.
        at_most: most objects returned, for each property.
        scan: most references looked at, for each property.
    """
    found: list[tuple[str, Row]] = []
    is_whole = True
    for name in properties:
        asked = {"target": target, "property": name}
        bounds = {"beside": beside.encode(), "scan": scan, "rows": at_most}
        found += [(name, row) for row in database.execute(_REFERRING_WITH, asked | bounds)]
        count: int = database.execute(_REFERENCES, (target, name, scan + 1)).fetchone()[0]
        is_whole = is_whole and count <= scan
    return found, is_whole


# A letter may be written as an escape (RFC 8259 §7), so that what holds one is looked at too.
_REFERRING_WITH = """
SELECT c.object_row, c.stix_id, c.version, c.version_key, c.type, c.spec_version, c.revoked, c.created_by_ref,
  c.quarantined, c.first_arrival, c.digest, c.body_digest, c.body
FROM (
  SELECT object_row
  FROM reference
  WHERE target = :target AND property = :property
  ORDER BY object_row DESC
  LIMIT :scan
) AS r
CROSS JOIN current_object AS c ON c.object_row = r.object_row
WHERE c.revoked = 0 AND (instr(c.body, :beside) > 0 OR instr(c.body, CAST('\\u' AS BLOB)) > 0)
LIMIT :rows
"""

_REFERENCES = """
SELECT count(*)
FROM (SELECT 1 FROM reference WHERE target = ? AND property = ? LIMIT ?)
"""
