"""Objects, arrivals, findings and references in SQLite.

Many ids or rows are handed to one statement as a JSON list (`json_each`), so that a page costs a few
statements and SQL is never put together from text.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import cast

from msgspec.structs import replace

from backchannel import codec
from backchannel.ids import StixId
from backchannel.stix.findings import Finding, Level
from backchannel.store.channel_words import channel_word
from backchannel.store.rows import Arrived, First, Held, Kept, KeptArrival, NewObject
from backchannel.store.sqlite.connection import Database
from backchannel.store.sqlite.derivations import add_derivations
from backchannel.store.sqlite.floors import SqliteFloors
from backchannel.store.sqlite.kept import content_of, contents_of, kept_of
from backchannel.store.sqlite.referring import rows_with
from backchannel.store.sqlite.spelling import respell

MAX_FINDINGS_READ = 10_000
"""Findings read for one page of objects; a hostile object cannot make the page endless."""
MAX_REFERRING_PROPERTIES = 32
"""Different properties by which one id is referred to that are looked at; STIX 2.1 itself has about 40."""
MAX_TYPES_COUNTED = 50

_BEGINNING = 2**63 - 1


class SqliteObjects:
    """What was received."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._floors = SqliteFloors(database)

    # --- Writing -----------------------------------------------------------------------------------------

    def held(self, ids: Iterable[str]) -> dict[str, list[Held]]:
        found: dict[str, list[Held]] = {}
        for row in self._database.execute(_HELD, (codec.encode(list(ids)).decode(),)):
            held = Held(*row)
            found.setdefault(held.stix_id, []).append(held)
        return found

    def add(self, arrived: Arrived) -> None:
        insert, many = self._database.insert, self._database.executemany
        insert(_ADD_OBJECT, map(_bound, arrived.objects))
        many(_REVIVE, arrived.revived)
        for object_row, body in arrived.respelled:
            respell(self._database, object_row, body)
        insert(_ADD_REFERENCE, arrived.references)
        insert(_ADD_INDICATOR, arrived.indicators)
        add_derivations(self._database, arrived.objects)
        # Two columns less to bind where they are NULL anyway: nearly everywhere.
        insert(_ADD_PLAIN_ARRIVAL, [one[:5] for one in arrived.arrivals if one.original is one.body is None])
        many(_ADD_ARRIVAL, [one for one in arrived.arrivals if not one.original is one.body is None])
        many(_ADD_FINDING, arrived.findings)

    # --- Reading one id ----------------------------------------------------------------------------------

    def current(self, stix_id: str) -> Kept | None:
        return self.currents((stix_id,)).get(stix_id)

    def currents(self, ids: Iterable[str]) -> dict[str, Kept]:
        rows = self._database.execute(_CURRENTS, (_json(ids),))
        return {kept.stix_id: kept for kept in map(kept_of, rows)}

    def all_versions(self, stix_id: str, *, at_most: int) -> list[Kept]:
        return contents_of(self._database, stix_id, at_most=at_most)

    def content(self, stix_id: str, digest: bytes) -> Kept | None:
        return content_of(self._database, stix_id, digest)

    def ids_like(self, prefix: str, *, at_most: int) -> list[StixId]:
        rows = self._database.execute(_IDS_LIKE, (prefix, prefix + "\U0010ffff", at_most))
        return [StixId(row[0]) for row in rows]

    def arrivals(self, stix_id: str, *, at_most: int) -> tuple[list[KeptArrival], int]:
        rows = self._database.execute(_ARRIVALS, (stix_id, at_most))
        newest = [_arrival(row) for row in rows]
        total: int = self._database.execute(_ARRIVALS_TOTAL, (stix_id,)).fetchone()[0]
        return newest, total

    def referring(
        self, target: str, *, properties: Sequence[str] | None, at_most: int
    ) -> list[tuple[str, Kept]]:
        found: list[tuple[str, Kept]] = []
        for name in self._referring_properties(target) if properties is None else properties:
            rows = self._database.execute(_REFERRING, (target, name, at_most))
            found += [(name, kept_of(row)) for row in rows]
        found.sort(key=lambda pair: pair[1].first_arrival, reverse=True)
        return found[:at_most]

    def referring_with(
        self, target: str, *, properties: Sequence[str], beside: str, at_most: int, scan: int
    ) -> tuple[list[tuple[str, Kept]], bool]:
        found, is_whole = rows_with(self._database, target, properties, beside, at_most=at_most, scan=scan)
        return [(name, kept_of(row)) for name, row in found], is_whole

    def _referring_properties(self, target: str) -> list[str]:
        """Step from one property to the next along the key: a much-cited identity is not read through."""
        names: list[str] = []
        last = ""
        while len(names) < MAX_REFERRING_PROPERTIES:
            row = self._database.execute(_NEXT_PROPERTY, (target, last)).fetchone()
            if row[0] is None:
                break
            last = row[0]
            names.append(last)
        return names

    # --- Reading a page ----------------------------------------------------------------------------------

    def newest(
        self, types: Sequence[str] | None, *, before: int | None, rows: int, scan: int
    ) -> tuple[list[Kept], int | None]:
        place = _BEGINNING if before is None else before
        if types is None:
            cursors = [self._database.execute(_NEWEST, (place,))]
        else:
            cursors = [self._database.execute(_NEWEST_OF_TYPE, (name, place)) for name in types]
        found: list[Kept] = []
        try:
            # Each cursor walks its part of an index; the merge asks each for one row at a time.
            for looked_at, (place, object_row) in enumerate(heapq.merge(*cursors, reverse=True), 1):
                row = self._database.execute(_CURRENT_ROW, (object_row,)).fetchone()
                if row is not None:
                    found.append(kept_of(row))
                if len(found) == rows or looked_at == scan:
                    return found, place
        finally:
            for cursor in cursors:  # one left open would hold its snapshot of the file
                cursor.close()
        return found, None

    def firsts(self, object_rows: Iterable[int]) -> dict[int, First]:
        found: dict[int, First] = {}
        for row in self._database.execute(_FIRSTS, (_json(object_rows),)):
            object_row, batch_id, party, channel, received_at, tlp = row
            if (first := found.get(object_row)) is None:
                found[object_row] = First(batch_id, party, channel_word(channel), received_at, 1, (tlp,))
            else:
                found[object_row] = replace(first, tlps=(*first.tlps, tlp))
        for object_row, parties in self._database.execute(_PARTIES_OF, (_json(found),)):
            found[object_row] = replace(found[object_row], parties=max(1, parties))
        for object_row, floors in self._floors.of(found).items():
            found[object_row] = replace(found[object_row], floors=floors)
        return found

    def findings(self, object_rows: Iterable[int]) -> dict[int, tuple[Finding, ...]]:
        found: dict[int, dict[tuple[str, str, str], Finding]] = {}
        for row in self._database.execute(_FINDINGS, (_json(object_rows), MAX_FINDINGS_READ)):
            object_row, level, about, place, what, clause = row
            finding = Finding(cast("Level", level), about, place, what, clause)
            # The same content met again is found to be the same: said once, where it was met first.
            found.setdefault(object_row, {}).setdefault((level, what, clause), finding)
        return {object_row: tuple(by_what.values()) for object_row, by_what in found.items()}

    def conflicts(self, object_rows: Iterable[int]) -> frozenset[int]:
        return frozenset(row[0] for row in self._database.execute(_CONFLICTS, (_json(object_rows),)))

    def uncompiled(self, object_rows: Iterable[int]) -> dict[int, tuple[str, ...]]:
        rows = self._database.execute(_UNCOMPILED, (_json(object_rows),))
        return {object_row: tuple(text.split("\n")) for object_row, text in rows}

    # --- Counting ----------------------------------------------------------------------------------------

    def counts(self) -> tuple[int, int, dict[str, int]]:
        total: int = self._database.execute(_TOTAL).fetchone()[0]
        types = dict(self._database.execute(_TYPES, (MAX_TYPES_COUNTED,)).fetchall())
        return total, self.quarantined(), types

    def quarantined(self) -> int:
        count: int = self._database.execute(_QUARANTINED).fetchone()[0]
        return count


def _json(values: Iterable[str] | Iterable[int]) -> str:
    return codec.encode(list(values)).decode()


def _bound(new: NewObject) -> tuple[object, ...]:
    # sqlite3 looks for an adapter for each bytes and bool (not so for bytearray and int), which takes longer
    # than to write the row.
    return (
        *new[:6],
        int(new.revoked),
        new.created_by_ref,
        int(new.quarantined),
        new.first_arrival,
        bytearray(new.digest),
        bytearray(new.body_digest),
        bytearray(new.body),
    )


def _arrival(row: tuple[object, ...]) -> KeptArrival:
    # STRICT columns have the types of the fields.
    return KeptArrival(*row[:3], channel_word(str(row[3])), *row[4:])  # type: ignore[arg-type,call-arg]


_HELD = """
SELECT object_row, stix_id, version_key, digest, body_digest, first_arrival IS NOT NULL
FROM object
WHERE stix_id IN (SELECT value FROM json_each(?))
ORDER BY object_row
"""

_ADD_OBJECT = """
INSERT INTO object (
  object_row, stix_id, version, version_key, type, spec_version, revoked, created_by_ref, quarantined,
  first_arrival, digest, body_digest, body
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_REVIVE = """
UPDATE object
SET quarantined = ?, first_arrival = ?
WHERE object_row = ? AND first_arrival IS NULL
"""

_ADD_REFERENCE = """
INSERT INTO reference (target, property, object_row)
VALUES (?, ?, ?)
"""

_ADD_INDICATOR = """
INSERT INTO indicator (object_row, pattern, pattern_type, valid_from, valid_until, uncompiled)
VALUES (?, ?, ?, ?, ?, ?)
"""

_ADD_ARRIVAL = """
INSERT INTO arrival (arrival_row, batch_id, object_row, outcome, place, original, body)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_ADD_PLAIN_ARRIVAL = """
INSERT INTO arrival (arrival_row, batch_id, object_row, outcome, place)
VALUES (?, ?, ?, ?, ?)
"""

_ADD_FINDING = """
INSERT INTO finding (finding_row, batch_id, object_row, level, object, place, what, clause, original)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_CURRENTS = """
SELECT object_row, stix_id, version, version_key, type, spec_version, revoked, created_by_ref, quarantined,
  first_arrival, digest, body_digest, body
FROM current_object
WHERE stix_id IN (SELECT value FROM json_each(?))
"""

_CURRENT_ROW = """
SELECT object_row, stix_id, version, version_key, type, spec_version, revoked, created_by_ref, quarantined,
  first_arrival, digest, body_digest, body
FROM current_object
WHERE object_row = ?
"""

_IDS_LIKE = """
SELECT DISTINCT stix_id
FROM visible_object
WHERE stix_id >= ? AND stix_id < ?
ORDER BY stix_id
LIMIT ?
"""

_ARRIVALS = """
SELECT a.object_row, a.batch_id, p.name, a.channel, a.completed_at, a.place, a.outcome, a.tlp, o.version,
  coalesce(a.original, a.body)
FROM object AS o
JOIN complete_arrival AS a ON a.object_row = o.object_row
LEFT JOIN party AS p ON p.party_row = a.party_row
WHERE o.stix_id = ?
ORDER BY a.arrival_row DESC
LIMIT ?
"""

_ARRIVALS_TOTAL = """
SELECT count(*)
FROM object AS o
JOIN complete_arrival AS a ON a.object_row = o.object_row
WHERE o.stix_id = ?
"""

_NEXT_PROPERTY = """
SELECT min(property)
FROM reference
WHERE target = ? AND property > ?
"""

_REFERRING = """
SELECT c.object_row, c.stix_id, c.version, c.version_key, c.type, c.spec_version, c.revoked, c.created_by_ref,
  c.quarantined, c.first_arrival, c.digest, c.body_digest, c.body
FROM reference AS r
CROSS JOIN current_object AS c ON c.object_row = r.object_row
WHERE r.target = ? AND r.property = ? AND c.revoked = 0
  AND NOT (c.type = 'note' AND EXISTS (SELECT 1 FROM carrying_note AS n WHERE n.stix_id = c.stix_id))
ORDER BY r.object_row DESC
LIMIT ?
"""

_NEWEST = """
SELECT first_arrival, object_row
FROM object INDEXED BY object_newest
WHERE first_arrival < ?
ORDER BY first_arrival DESC
"""

# A note that carries a statement is an answer: it is shown where it was asked.
_NEWEST_OF_TYPE = """
SELECT first_arrival, object_row
FROM object AS o INDEXED BY object_type
WHERE type = ? AND first_arrival < ?
  AND NOT (type = 'note' AND EXISTS (SELECT 1 FROM carrying_note AS n WHERE n.stix_id = o.stix_id))
ORDER BY first_arrival DESC
"""

# One row for each different default marking, the earliest arrival first.
_FIRSTS = """
SELECT g.object_row, g.batch_id, p.name, b.channel, b.completed_at, g.tlp
FROM (
  SELECT a.object_row, min(a.batch_id) AS batch_id, a.tlp
  FROM json_each(?) AS wanted
  CROSS JOIN complete_arrival AS a ON a.object_row = wanted.value
  GROUP BY a.object_row, a.tlp
) AS g
JOIN batch AS b ON b.batch_id = g.batch_id
LEFT JOIN party AS p ON p.party_row = b.party_row
ORDER BY g.object_row, g.batch_id
"""

_PARTIES_OF = """
SELECT a.object_row, count(DISTINCT a.party_row)
FROM json_each(?) AS wanted
CROSS JOIN complete_arrival AS a ON a.object_row = wanted.value
GROUP BY a.object_row
"""

_FINDINGS = """
SELECT f.object_row, f.level, f.object, f.place, f.what, f.clause
FROM json_each(?) AS wanted
CROSS JOIN finding AS f ON f.object_row = wanted.value
JOIN batch AS b ON b.batch_id = f.batch_id
WHERE b.state = 'complete'
ORDER BY f.finding_row
LIMIT ?
"""

_CONFLICTS = """
SELECT o.object_row
FROM json_each(?) AS wanted
CROSS JOIN object AS o ON o.object_row = wanted.value
WHERE EXISTS (
  SELECT 1
  FROM visible_object AS v
  WHERE v.stix_id = o.stix_id AND v.version_key = o.version_key AND v.object_row <> o.object_row
)
"""

_UNCOMPILED = """
SELECT object_row, uncompiled
FROM indicator
WHERE object_row IN (SELECT value FROM json_each(?)) AND uncompiled <> ''
"""

_TOTAL = """
SELECT count(*)
FROM visible_object
"""

_TYPES = """
SELECT type, count(*) AS contents
FROM visible_object
GROUP BY type
ORDER BY contents DESC, type
LIMIT ?
"""

_QUARANTINED = """
SELECT count(*)
FROM visible_object
WHERE quarantined = 1
"""
