"""The documents of a hunt: its hits, its end, and the book of all hits so far."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.codec import JsonObject
from backchannel.desk.documents import ItemAdvice
from backchannel.desk.false_alarms import FalseAlarm


class HitObservable(msgspec.Struct, frozen=True):
    """What stands in the log."""

    kind: str
    """STIX type: `ipv4-addr`, `domain-name`, ..."""
    value: str
    """In its normal spelling."""


class HitLog(msgspec.Struct, frozen=True):
    """Where it stands."""

    path: str
    line: int | None
    """Counted from 1 in the uncompressed file; null where the log is gone and only the day index knows of it."""
    format: str
    """Of the line: `zeek-tsv`, `suricata-eve`, `postfix`, ..."""
    field: str
    """As the log spells it; "" where the log is gone."""


class HitSource(msgspec.Struct, frozen=True):
    """Who told of the indicator."""

    party: str | None
    channel: str


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """`hunt --jsonl`, a line: one indicator in one line of a log."""

    schema: Literal["backchannel.hit/1"] = "backchannel.hit/1"
    indicator: str
    pattern: str
    observable: HitObservable
    log: HitLog
    asset: str | None
    """Our side's address or name; null where neither side is ours."""
    seen_at: str | None
    """Null where the record has no time that can be read."""
    scope: str
    """`exact`, `subdomain`, `cidr`, `url prefix`, `prefix`, `suffix`."""
    validity: Literal["inside", "before", "after"]
    """Where `seen_at` lies in the indicator's validity; `inside` where there is no time."""
    warninglists: tuple[JsonObject, ...]
    """{list, class, why} of each list that speaks against it."""
    source: HitSource
    advice: ItemAdvice | None
    false_alarm: FalseAlarm | None = None
    """Our own judgement that the indicator is wrong: the hit is shown all the same."""


class WatchHit(msgspec.Struct, frozen=True, kw_only=True):
    """`watch --jsonl`, a line: one hit, as it was found."""

    schema: Literal["backchannel.watch-hit/1"] = "backchannel.watch-hit/1"
    number: int
    """Rises from hit to hit. After a watch was killed, a hit may be told twice to a pipe, with the same number."""
    hit: msgspec.Raw
    """`backchannel.hit/1`"""


class Skipped(msgspec.Struct, frozen=True):
    """Something that was not hunted through as it should."""

    path: str
    line: int | None
    why: str


class Uncompiled(msgspec.Struct, frozen=True):
    """An indicator of which a part was not searched."""

    indicator: str
    what: tuple[str, ...]


class ShownKind(msgspec.Struct, frozen=True):
    """A kind of observable that the logs of a hunt show: one that is not met there was searched for and not seen."""

    kind: str
    """`ipv4-addr`, `domain-name`, `url`, `email-addr`, `file:hashes.MD5`, ...; `email-addr sender` for one side."""
    records: int | None
    """Of the logs that show it; null where `--since` or `--until` chose among them."""
    first_at: str | None
    """Times of their first and last record inside the window; null where records have no time."""
    last_at: str | None


class ReadFormat(msgspec.Struct, frozen=True):
    """What of one format was read."""

    format: str
    files: int
    """Logs with a line of it."""
    records: int
    missed: int
    """Lines of text of which nothing was understood: they were not searched. Of `syslog`, those of other programs."""


class SwitchedOff(msgspec.Struct, frozen=True):
    """A kind of observable that can point to a person, and that was not looked for where the logs have it."""

    kind: str
    """`email-addr`, ..."""
    logs: int
    """How many logs have it and are not named for it in the settings (`[[personal]]`)."""


class LogGap(msgspec.Struct, frozen=True):
    """Days that no log of a format reaches into, though logs from before and after them were read."""

    format: str
    first_day: str
    """`2026-03-01`"""
    last_day: str


class HuntSummary(msgspec.Struct, frozen=True, kw_only=True):
    """`hunt --jsonl`, the last line."""

    schema: Literal["backchannel.hunt/1"] = "backchannel.hunt/1"
    files: int
    records: int
    bytes: int
    """Uncompressed."""
    hits: int
    """Indicators in lines, those not shown for `--max-evidence` included."""
    values: int
    """Values and ranges that were looked for; those of superseded versions, whose hits do not count, included."""
    indicators: int
    """How many different indicators were seen."""
    assets: int
    """How many of our own addresses or names."""
    before: int
    """Hits from before the indicator was valid."""
    after: int
    formats: dict[str, int]
    """Files of each format; one in which several programs write is `syslog`."""
    read: tuple[ReadFormat, ...]
    """What of each format was read."""
    left_open: tuple[str, ...]
    """What times of records do not say and was assumed: `zone` (that of `--zone`), `year` (the last in which such a
    time lies before the log was last written to)."""
    shown: tuple[ShownKind, ...]
    """What these logs show at all."""
    switched_off: tuple[SwitchedOff, ...]
    """What they have and was not looked for, because it is not switched on."""
    gaps: tuple[LogGap, ...]
    """At most 100."""
    untold: tuple[str, ...]
    """Fields that were read in large JSON logs of Zeek's only where the log's sample has them: a script may have
    added them to records of a kind that has none."""
    skipped: tuple[Skipped, ...]
    uncompiled: tuple[Uncompiled, ...]
    """At most 1,000."""


class RehuntSummary(msgspec.Struct, frozen=True, kw_only=True):
    """`rehunt --jsonl`, the last line."""

    schema: Literal["backchannel.rehunt/1"] = "backchannel.rehunt/1"
    indicators: int
    """How many were looked for in the day index."""
    unanswered: int
    """How many of them ask for something that the index does not keep: only a hunt finds that."""
    logs: int
    """In the index."""
    logs_read: int
    """How many of them were read again, because the index says that something is in them."""
    logs_gone: tuple[str, ...]
    """Where those were that are not there any more, at most 100: their hits are what the index knows."""
    hits: int
    seen: int
    """How many indicators were seen."""
    assets: int
    """How many of our own addresses or names."""
    before: int
    """Hits from before the indicator was valid."""
    after: int
    skipped: tuple[Skipped, ...]


class AssetHits(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen at one of our addresses or names."""

    asset: str | None
    indicators: tuple[str, ...]
    count: int
    """Log lines, the same lines hunted twice counted once."""
    first_seen: str | None
    last_seen: str | None


class IndicatorHits(msgspec.Struct, frozen=True, kw_only=True):
    """Where one indicator was seen."""

    indicator: str
    says: str
    observable: HitObservable
    """The one seen most."""
    assets: tuple[str, ...]
    count: int
    first_seen: str | None
    last_seen: str | None
    warninglists: tuple[JsonObject, ...]
    validity: str
    """`inside` if any hit lies inside."""
    advice: ItemAdvice | None
    scopes: tuple[str, ...] = ()
    """How it was met: `exact`, `subdomain`, `cidr`, ..."""
    false_alarm: FalseAlarm | None = None
    """Our own judgement that it is wrong: its hits are shown all the same."""


class InfrastructureHits(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one address, name or number that indicators lead to."""

    value: str
    kind: str
    """STIX type."""
    host_count: int
    """Addresses, names or extensions of ours."""
    indicator_count: int
    count: int
    """Log lines."""
    first_seen: str | None
    last_seen: str | None


class DayHits(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen on one day (UTC)."""

    day: str
    count: int
    """Log lines; of hits from before days were noted, all count for the day of the first line."""
    asset_count: int
    indicator_count: int


class HuntInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One finished hunt."""

    started_at: str
    ended_at: str
    paths: tuple[str, ...]
    files: int
    records: int
    hits: int


class HitBook(msgspec.Struct, frozen=True, kw_only=True):
    """`hits --json`: everything that hunts found of indicators in force."""

    schema: Literal["backchannel.hits/1"] = "backchannel.hits/1"
    by_asset: tuple[AssetHits, ...]
    """Most lines first."""
    by_indicator: tuple[IndicatorHits, ...]
    by_infrastructure: tuple[InfrastructureHits, ...]
    """What most of our hosts reached first, at most 1,000; `hub` says more."""
    by_day: tuple[DayHits, ...]
    """The last 400 days with hits, newest first."""
    more: bool
    """There are more than are shown."""
    hunts: tuple[HuntInfo, ...]
    """The last ten, newest first."""
