"""Hunts and what they found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from backchannel import codec
from backchannel.matching.segment import ToCompile
from backchannel.store.sqlite.connection import Database


class InForce(NamedTuple):
    """What a hit must know of the indicator it belongs to."""

    object_row: int
    stix_id: str
    pattern: str
    valid_from: str | None
    valid_until: str | None
    spec_version: str


class NewHit(NamedTuple):
    """One row of `hit`."""

    hunt_row: int
    object_row: int
    indicator: str
    observable_kind: str
    observable_value: str
    asset: str | None
    log_path: str
    log_id: str
    """Tells its log from others, whatever its name."""
    log_format: str
    field: str
    scope: str
    validity: str
    warninglists: str
    first_seen: str | None
    last_seen: str | None
    lines: int
    evidence: str
    days: str
    """JSON object: day to lines."""


class HuntEnd(NamedTuple):
    """What a finished hunt went through."""

    ended_at: str
    files: int
    records: int
    bytes: int
    hits: int
    skipped: str
    uncompiled: str
    outside: str
    hunt_row: int


class ShownRow(NamedTuple):
    """One row of `hunt_shown`, without its hunt."""

    kind: str
    records: int | None
    first_at: str | None
    last_at: str | None


class PastHunt(NamedTuple):
    """One finished hunt."""

    started_at: str
    ended_at: str
    paths: str
    files: int
    records: int
    hits: int
    outside: str


class SqliteHunts:
    """What was hunted through, and what was found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, *, at: str, paths: str, since: str | None, until: str | None, mode: str = "hunt") -> int:
        """Note that a hunt begins; return its row. It counts when it has ended.

        Args:
            at: when.
            paths: JSON list.
            since: records before it are no hits.
            until: exclusive.
            mode: `hunt`; `rehunt` for one that looks where the day index says; `watch` for a while of one.
        """
        with self._database.transaction():
            cursor = self._database.execute(_BEGIN, (at, paths, since, until, mode))
        return int(cursor.lastrowid or 0)

    def add(self, hits: Iterable[NewHit]) -> None:
        """Keep what was found in one log."""
        with self._database.transaction():
            self._database.executemany(_ADD, hits)

    def add_up(self, hits: Iterable[NewHit], *, kept_lines: int) -> None:
        """Keep what a watch found: added to what watches found of the same in the same log; joins a transaction.

        Args:
            hits: what was found since the last call.
            kept_lines: most lines whose numbers are kept of one indicator at one asset in one log.
        """
        with self._database.transaction():
            for one in hits:
                known = self._database.execute(_WATCHED, _group(one)).fetchone()
                if known is None:
                    self._database.execute(_ADD, one)
                    continue
                hit_row, evidence, before = known
                lines = (codec.decode(evidence) + codec.decode(one.evidence))[:kept_lines]
                days = Counter(codec.decode(before)) + Counter(codec.decode(one.days))
                self._database.execute(
                    _ADD_UP,
                    (
                        one.lines,
                        one.first_seen,
                        one.last_seen,
                        codec.encode(lines).decode(),
                        codec.encode(days).decode(),
                        hit_row,
                    ),
                )

    def end(self, end: HuntEnd, shown: Iterable[ShownRow], *, through: int | None = None) -> None:
        """Let a hunt count, with what its logs show.

        Args:
            end: what it went through.
            shown: each kind once.
            through: the last arrival whose indicators were looked for in all that the day index holds.
        """
        with self._database.transaction():
            self._database.execute(_END, end)
            self._database.executemany(_SHOWN, ((*row, end.hunt_row) for row in shown))
            if through is not None:
                self._database.execute(_THROUGH, (through, end.hunt_row))

    def last_arrival(self) -> int:
        """Return the last arrival before which every batch is complete or undone."""
        return int(self._database.execute(_LAST_ARRIVAL).fetchone()[0])

    def rehunted_through(self) -> int:
        """Return the last arrival whose indicators were looked for in the day index; 0 if none were."""
        return int(self._database.execute(_REHUNTED).fetchone()[0])

    def arrived(self, *, after: int, through: int) -> Iterator[ToCompile]:
        """Yield the indicators in force that came into sight after one arrival and up to another, by row."""
        for row in self._database.execute(_ARRIVED, (after, through)):
            yield ToCompile(*row)

    def in_force(self, object_rows: Iterable[int]) -> dict[int, InForce]:
        """Return those of the indicators that are in force: the newest version, in sight, not revoked."""
        found = {}
        for row in object_rows:
            for one in self._database.execute(_IN_FORCE, (row,)):
                found[row] = InForce(*one)
        return found

    def uncompiled(self, *, at_most: int) -> list[tuple[str, str]]:
        """Return indicators in force of which a part is not searched, with the parts in words, a line each."""
        return [(row[0], row[1]) for row in self._database.execute(_UNCOMPILED, (at_most,))]

    def last(self, *, at_most: int) -> list[PastHunt]:
        """Return the newest finished hunts."""
        return [PastHunt(*row) for row in self._database.execute(_LAST, (at_most,))]


def _group(one: NewHit) -> tuple[object, ...]:
    """Return what hits share that are told as one."""
    return one.object_row, one.observable_value, one.asset, one.log_id, one.field, one.scope, one.validity


_BEGIN = """
INSERT INTO hunt (started_at, paths, since, until, mode)
VALUES (?, ?, ?, ?, ?)
"""

_THROUGH = """
UPDATE hunt
SET through_arrival = ?
WHERE hunt_row = ?
"""

_LAST_ARRIVAL = """
SELECT coalesce(
  (SELECT min(first_arrival) - 1 FROM batch WHERE state = 'open'), (SELECT max(arrival_row) FROM arrival), 0
)
"""

_REHUNTED = """
SELECT coalesce(max(through_arrival), 0)
FROM hunt
WHERE through_arrival IS NOT NULL
"""

_ARRIVED = """
SELECT i.object_row, i.pattern, o.spec_version
FROM object AS new
JOIN indicator AS i ON i.object_row = new.object_row
JOIN current_object AS o ON o.object_row = i.object_row
WHERE new.first_arrival > ? AND new.first_arrival <= ? AND i.pattern_type = 'stix' AND o.revoked = 0
ORDER BY i.object_row
"""

_ADD = """
INSERT INTO hit (hunt_row, object_row, indicator, observable_kind, observable_value, asset, log_path, log_id,
  log_format, field, scope, validity, warninglists, first_seen, last_seen, count, evidence, days)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

# `IS`: an asset may be NULL. Of watches only: a hunt reads its logs whole, so its counts are not added up.
_WATCHED = """
SELECT h.hit_row, h.evidence, h.days
FROM hit AS h
JOIN hunt AS w ON w.hunt_row = h.hunt_row AND w.mode = 'watch'
WHERE h.object_row = ? AND h.observable_value = ? AND h.asset IS ? AND h.log_id = ? AND h.field = ? AND h.scope = ?
  AND h.validity = ?
"""

_ADD_UP = """
UPDATE hit
SET count = count + ?1, first_seen = min(coalesce(first_seen, ?2), coalesce(?2, first_seen)),
  last_seen = max(coalesce(last_seen, ?3), coalesce(?3, last_seen)), evidence = ?4, days = ?5
WHERE hit_row = ?6
"""

_END = """
UPDATE hunt
SET ended_at = ?, files = ?, records = ?, bytes = ?, hits = ?, skipped = ?, uncompiled = ?, outside = ?
WHERE hunt_row = ?
"""

_SHOWN = """
INSERT INTO hunt_shown (kind, records, first_at, last_at, hunt_row, started_at)
VALUES (?1, ?2, ?3, ?4, ?5, (SELECT started_at FROM hunt WHERE hunt_row = ?5))
"""

_IN_FORCE = """
SELECT o.object_row, o.stix_id, i.pattern, i.valid_from, i.valid_until, o.spec_version
FROM current_object AS o
JOIN indicator AS i ON i.object_row = o.object_row
WHERE o.object_row = ? AND o.revoked = 0
"""

_UNCOMPILED = """
SELECT o.stix_id, i.uncompiled
FROM indicator AS i
JOIN current_object AS o ON o.object_row = i.object_row
WHERE i.uncompiled <> '' AND o.revoked = 0
ORDER BY i.object_row
LIMIT ?
"""

_LAST = """
SELECT started_at, ended_at, paths, files, records, hits, outside
FROM hunt
WHERE ended_at IS NOT NULL
ORDER BY hunt_row DESC
LIMIT ?
"""
