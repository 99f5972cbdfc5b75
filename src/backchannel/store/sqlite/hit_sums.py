"""What hunts found, summed up: by indicator, host and value, by where it leads to, and by day.

Reads only: hits are written where hunts are (`store.sqlite.hunts`). The same lines hunted twice count once: of each
group of hits that may be the same lines, the one with the most counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from backchannel import codec
from backchannel.store.sqlite.connection import Database


class HitFilter(NamedTuple):
    """Which hits are asked for; None asks for all."""

    asset: str | None = None
    indicator: str | None = None
    since: str | None = None
    """Hits seen at or after it; such without a time too."""
    until: str | None = None
    """Hits seen before it; such without a time too."""


class HitDays(NamedTuple):
    """The days of some lines of hits, the same lines hunted twice counted once."""

    indicator: str
    asset: str | None
    days: str
    """JSON object: day to lines; empty for old hits, or where lines have no time."""
    lines: int
    first_seen: str | None
    last_seen: str | None


class HitSum(NamedTuple):
    """The hits of one indicator in one asset, the same lines hunted twice counted once."""

    indicator: str
    object_row: int
    asset: str | None
    kind: str
    value: str
    validity: str
    warninglists: str
    lines: int
    first_seen: str | None
    last_seen: str | None
    scopes: str
    """A line each."""


class HitLink(NamedTuple):
    """What hunts saw of one indicator's value at one host, the same lines hunted twice counted once."""

    indicator: str
    object_row: int
    asset: str | None
    kind: str
    value: str
    scope: str
    lines: int
    first_seen: str | None
    last_seen: str | None


ALL_HITS = HitFilter()


class SqliteHitSums:
    """Asks for hits of indicators in force."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sums(self, wanted: HitFilter = ALL_HITS, *, at_most: int) -> list[HitSum]:
        """Return the hits of indicators in sight by indicator, asset and value, most lines first."""
        return [HitSum(*row) for row in self._database.execute(_SUMS, (*wanted, at_most))]

    def links(self, wanted: HitFilter = ALL_HITS, *, at_most: int) -> Iterator[HitLink]:
        """Yield the hits of indicators in sight by indicator, value, host and scope."""
        for row in self._database.execute(_LINKS, (*wanted, at_most)):
            yield HitLink(*row)

    def days(self, wanted: HitFilter = ALL_HITS, *, at_most: int) -> Iterator[HitDays]:
        """Yield on which days the hits of indicators in sight lie, those found last first."""
        for row in self._database.execute(_DAYS, (*wanted, at_most)):
            yield HitDays(*row)

    def logs_with(self, values: Iterable[str], *, at_most: int) -> list[tuple[str, str]]:
        """Return the logs (path, identity) in which hits on some values stand, those hunted last first."""
        wanted = codec.encode(list(values)).decode()
        return [(row[0], row[1]) for row in self._database.execute(_LOGS_WITH, (wanted, at_most))]


_SUMS = """
SELECT indicator, max(object_row), asset, observable_kind, observable_value, max(validity), max(warninglists),
  sum(lines), min(first_seen), max(last_seen), group_concat(scope, char(10))
FROM (
  SELECT h.indicator, h.object_row, h.asset, h.observable_kind, h.observable_value, h.scope, h.validity, h.warninglists,
    max(h.count) AS lines, min(h.first_seen) AS first_seen, max(h.last_seen) AS last_seen
  FROM hit AS h
  JOIN current_object AS o ON o.object_row = h.object_row
  WHERE (?1 IS NULL OR h.asset = ?1) AND (?2 IS NULL OR h.indicator = ?2)
    AND (?3 IS NULL OR h.last_seen IS NULL OR h.last_seen >= ?3)
    AND (?4 IS NULL OR h.first_seen IS NULL OR h.first_seen < ?4)
  GROUP BY h.indicator, h.asset, h.field, h.log_id, h.observable_value, h.scope, h.validity
)
GROUP BY indicator, asset, observable_value
ORDER BY sum(lines) DESC, indicator, asset
LIMIT ?5
"""

_LINKS = """
SELECT indicator, max(object_row), asset, observable_kind, observable_value, scope, sum(lines), min(first_seen),
  max(last_seen)
FROM (
  SELECT h.indicator, h.object_row, h.asset, h.observable_kind, h.observable_value, h.scope,
    max(h.count) AS lines, min(h.first_seen) AS first_seen, max(h.last_seen) AS last_seen
  FROM hit AS h
  JOIN current_object AS o ON o.object_row = h.object_row
  WHERE (?1 IS NULL OR h.asset = ?1) AND (?2 IS NULL OR h.indicator = ?2)
    AND (?3 IS NULL OR h.last_seen IS NULL OR h.last_seen >= ?3)
    AND (?4 IS NULL OR h.first_seen IS NULL OR h.first_seen < ?4)
  GROUP BY h.indicator, h.asset, h.field, h.log_id, h.observable_value, h.scope, h.validity
)
GROUP BY indicator, asset, observable_value, scope
ORDER BY indicator, observable_value, asset
LIMIT ?5
"""

# With one max() alone, the other columns are those of its row.
_DAYS = """
SELECT h.indicator, h.asset, h.days, max(h.count), h.first_seen, h.last_seen
FROM hit AS h
JOIN current_object AS o ON o.object_row = h.object_row
WHERE (?1 IS NULL OR h.asset = ?1) AND (?2 IS NULL OR h.indicator = ?2)
  AND (?3 IS NULL OR h.last_seen IS NULL OR h.last_seen >= ?3)
  AND (?4 IS NULL OR h.first_seen IS NULL OR h.first_seen < ?4)
GROUP BY h.indicator, h.asset, h.field, h.log_id, h.observable_value, h.scope, h.validity
ORDER BY h.hit_row DESC
LIMIT ?5
"""

_LOGS_WITH = """
SELECT log_path, log_id
FROM hit
WHERE observable_value IN (SELECT value FROM json_each(?))
GROUP BY log_id
ORDER BY max(hit_row) DESC
LIMIT ?
"""
