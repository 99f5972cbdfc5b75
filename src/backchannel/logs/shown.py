"""What logs show: the kinds of observable of which a hunt can say that it looked for them and did not see them.

A kind is named by its STIX type, a file hash with its algorithm (`file:hashes.MD5`), and where a pattern asks
for one side of a record only, with that side (`email-addr sender`). A log shows a kind when one of its records
has a value in a field that the tables say shows it: a column that stands in a header and is never filled in
shows nothing, nor does one for hashes in which no hash of its kind stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from backchannel.logs.records import UNSET

if TYPE_CHECKING:
    from backchannel.logs.layout import FieldAt, Layout, Row
    from backchannel.logs.recognise import Record

HASHES: Final = {
    32: "file:hashes.MD5",
    40: "file:hashes.SHA-1",
    64: "file:hashes.SHA-256",
    128: "file:hashes.SHA-512",
}
"""Digits of a file's hash in hexadecimal to its kind."""
ALL_LIKE: Final = "LIKE"
"""Not shown by a log: every pattern with LIKE that has no usable end was tried (`matching.compiled.MAX_PLAIN`)."""
SWITCHED_OFF: Final = "off:"
"""Stands before a kind that a log has and in which it was not looked for (`logs.personal`)."""
EMPTY: Final = UNSET | {"[]"}
"""Cells that show nothing."""

_WORDS: Final = {
    "ipv4-addr": "IPv4 addresses",
    "ipv6-addr": "IPv6 addresses",
    "domain-name": "domain names",
    "url": "URLs",
    "email-addr": "e-mail addresses",
    "x-phone-number": "phone numbers",
    "sip": "SIP addresses",
    "user-account": "accounts",
    "x509-certificate:hashes.MD5": "MD5 hashes of certificates",
    "x509-certificate:hashes.SHA-1": "SHA-1 hashes of certificates",
    "x509-certificate:hashes.SHA-256": "SHA-256 hashes of certificates",
    "x509-certificate:hashes.SHA-512": "SHA-512 hashes of certificates",
    "x509-certificate:serial_number": "serial numbers of certificates",
    "ja3": "JA3 fingerprints",
    "ja4": "JA4 fingerprints",
    "hassh": "HASSH fingerprints",
    "ssh-key": "SSH host keys",
    "user-agent": "user agents",
    "file:name": "names of files",
    "file:path": "paths of files",
    "process:command_line": "command lines",
    "windows-registry-key": "registry keys",
    "mutex": "mutexes",
    "mac-addr": "MAC addresses",
    "file:hashes.MD5": "MD5 hashes of files",
    "file:hashes.SHA-1": "SHA-1 hashes of files",
    "file:hashes.SHA-256": "SHA-256 hashes of files",
    "file:hashes.SHA-512": "SHA-512 hashes of files",
}
_OF_FILES: Final = " hashes of files"
_SIDES: Final = {
    "": "",
    "source": " of the side that begins",
    "destination": " of the side that is reached",
    "sender": " of senders",
    "recipient": " of recipients",
}


WHERE_OFF: Final = "switched off for these logs: settings.toml, [[personal]]"
"""Why a kind that can point to a person was not looked for, and where that is changed."""
KINDS: Final = tuple(_WORDS)
"""All of them, without sides, in the order in which people are told."""


def with_side(kind: str, side: str) -> str:
    """Return the name of a kind on one side of a record; "" is any side."""
    return f"{kind} {side}" if side else kind


def in_words(kinds: Iterable[str], *, last: str = "and") -> str:
    """Return kinds as people say them, in one order: `domain names, URLs and MD5 hashes of files`."""
    order = list(_WORDS)
    known = sorted(
        (kind.partition(" ")[::2] for kind in kinds if kind.partition(" ")[0] in _WORDS),
        key=lambda parts: (order.index(parts[0]), parts[1]),
    )
    words = _joined([_WORDS[kind] + _SIDES.get(side, "") for kind, side in known])
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def not_shown(kinds: Collection[str], *, off: Collection[str] = ()) -> str:
    """Return in words what was not searched: what no log shows, and what is switched off in those that have it."""
    words = in_words((kind for kind in kinds if kind not in off), last="or")
    hidden = in_words((kind for kind in kinds if kind in off), last="or")
    return f"{words}{' or ' if words and hidden else ''}{hidden}{f' ({WHERE_OFF})' if hidden else ''}"


def _joined(words: list[str]) -> list[str]:
    """Say both kinds of address, and several kinds of hash, in one."""
    addresses = [word for word in words if word in {"IPv4 addresses", "IPv6 addresses"}]
    hashes = [word for word in words if word.endswith(_OF_FILES)]
    rest = [word for word in words if word not in {*addresses, *hashes}]
    if len(addresses) > 1:
        addresses = ["addresses"]
    if len(hashes) == len(HASHES):
        hashes = ["hashes of files"]
    elif len(hashes) > 1:
        hashes = [f"hashes of files ({', '.join(word.removesuffix(_OF_FILES) for word in hashes)})"]
    return [*addresses, *rest, *hashes]


@lru_cache(maxsize=256)
def form_of(kinds: tuple[str, ...], reading: str) -> str:
    """Return the regular expression of the values that show `kinds`; "" where any value does.

    It is one that `re` and DuckDB (RE2) read alike. A hash may stand in a list, and have colons between its bytes;
    where several stand, each is behind its algorithm.
    """
    algorithms = {kind.partition(".")[2] for kind in kinds if ":hashes." in kind}
    sizes = {digits: kind.partition(".")[2] for digits, kind in HASHES.items()}
    forms = [f"(?:[0-9A-Fa-f]:?){{{digits}}}" for digits, name in sizes.items() if name in algorithms]
    if reading == "hashes":
        forms = [
            f"{name.replace('-', '')}=(?:0x)?[0-9A-Fa-f]{{{digits}}}"
            for digits, name in sizes.items()
            if name in algorithms
        ]
    return f"(?:^|[^0-9A-Fa-f])(?:{'|'.join(forms)})(?:[^0-9A-Fa-f]|$)" if forms else ""


class Shown(NamedTuple):
    """In which records of one hunt a kind could have been seen."""

    records: int | None
    """Of the logs that show it; None where only those of a window were looked at, which nobody counts."""
    first: datetime | None
    """Time of the earliest; None where records have no time that can be read."""
    last: datetime | None


@dataclass(slots=True)
class LogShown:
    """What one log shows, gathered while it is read."""

    kinds: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    records: Counter[str] = field(default_factory=Counter)
    """Read of it, by format."""
    missed: Counter[str] = field(default_factory=Counter)
    """Lines of text of which nothing is understood, by format."""
    left_open: set[str] = field(default_factory=set)
    """What its times do not say (`logs.times`)."""

    def miss(self, format_: str) -> None:
        """Count a line of which nothing is understood."""
        self.missed[format_] += 1

    def note(self, batch: Sequence[Record]) -> None:
        """Take in some records."""
        groups: dict[int, list[Record]] = {}
        for record in batch:
            groups.setdefault(id(record.layout), []).append(record)
        for records in groups.values():
            layout, rows = records[0].layout, [record.cells for record in records]
            self.records[layout.format] += len(rows)
            for one in layout.fields:
                if not self.kinds.issuperset(one.shows) and any(_has_value(one, row) for row in rows):
                    self.kinds.update(one.shows)
            self._note_times(layout, rows)

    def _note_times(self, layout: Layout, rows: Sequence[Row]) -> None:
        if layout.time < 0:
            return
        self.span(layout, *layout.times.ends(row[layout.time] for row in rows))

    def span(self, layout: Layout, *cells: str | None) -> None:
        """Take in times of records, as they stand in the log; what is no time is none."""
        times = [at for cell in cells if (at := layout.times.at(cell)) is not None]
        self.left_open |= layout.times.left_open
        if times:
            self.first = min(times if self.first is None else [*times, self.first])
            self.last = max(times if self.last is None else [*times, self.last])


def _has_value(one: FieldAt, row: Row) -> bool:
    """Whether a record has what a field says; a URL in parts needs its host and its target, a hash its form."""
    form = form_of(one.shows, one.reading)
    return all(
        (cell := row[column]) is not None and cell not in EMPTY and (not form or re.search(form, cell))
        for column in {one.columns[0], one.columns[-1]}
    )


class Gap(NamedTuple):
    """Days that no log of a format reaches into, though logs from before and after them were read."""

    format: str
    first: date
    last: date


def gaps(spans: Mapping[str, Collection[tuple[date, date]]]) -> list[Gap]:
    """Return the gaps between logs, by format and day.

    Args:
        spans: by format the first and last day of each log.
    """
    found: list[Gap] = []
    for format_, several in sorted(spans.items()):
        reached: date | None = None
        for first, last in sorted(several):
            if reached is not None and first > reached + _A_DAY:
                found.append(Gap(format_, reached + _A_DAY, first - _A_DAY))
            reached = last if reached is None else max(reached, last)
    return found


_A_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class HuntShown:
    """What all logs of one hunt show, inside its window."""

    since: datetime | None = None
    """Records before it do not count; those without a time do."""
    until: datetime | None = None
    """Exclusive."""
    kinds: dict[str, Shown] = field(default_factory=dict)
    spans: dict[str, set[tuple[date, date]]] = field(default_factory=dict)
    """By format the first and last day of each log."""

    def add(self, log: LogShown, *, records: int, format_: str = "") -> None:
        """Take in what one log of a format shows, if a record of it can lie in the window."""
        first, last = log.first, log.last
        has_window = self.since is not None or self.until is not None
        if first is not None and last is not None:
            if (self.since is not None and last < self.since) or (
                self.until is not None and first >= self.until
            ):
                return
            first = first if self.since is None else max(first, self.since)
            last = last if self.until is None else min(last, self.until)
            self.spans.setdefault(format_, set()).add((first.date(), last.date()))
        count = None if has_window else records
        for kind in log.kinds if records else ():
            self._add(kind, Shown(count, first, last))

    def add_all(self, other: HuntShown) -> None:
        """Take in what other logs of the same hunt show."""
        for kind, shown in other.kinds.items():
            self._add(kind, shown)
        for format_, spans in other.spans.items():
            self.spans.setdefault(format_, set()).update(spans)

    def _add(self, kind: str, one: Shown) -> None:
        before = self.kinds.get(kind, Shown(0, None, None))
        self.kinds[kind] = Shown(
            None if before.records is None or one.records is None else before.records + one.records,
            min((at for at in (before.first, one.first) if at is not None), default=None),
            max((at for at in (before.last, one.last) if at is not None), default=None),
        )
