"""The times of records, as programs write them; a time is read only where somebody asks for it.

A table names the forms its times have: `rfc3339`, `epoch` (seconds since 1970), `epoch_ms`, or a text with `%Y %m %d
%b %a %H %M %S %z` as in C's `strftime`. `%S` takes a fraction too, `%d` a blank before one digit, and names of months
are the English ones, whatever the machine speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

from backchannel.clock import parse_time

NO_ZONE: Final = "zone"
"""Told of times that do not say in which zone they are."""
NO_YEAR: Final = "year"
"""Told of times that do not say in which year they are."""
PLAIN: Final = ("epoch", "rfc3339")
"""What most JSON logs and Zeek's tables write."""
NUMBERS: Final = {"epoch": 1, "epoch_ms": 1000}
"""Forms that are numbers, with how many of them a second has."""
_SORTING: Final = frozenset({"epoch", "epoch_ms", "rfc3339"})
"""Forms whose text sorts as the time does, as one program writes it."""
_SLACK: Final = timedelta(days=1)
"""How far a record may lie behind the last change of its log: clocks differ, and so do zones."""
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_DIRECTIVES: Final = {
    "Y": r"(?P<Y>\d{4})",
    "m": r"(?P<m>\d\d)",
    "d": r" ?(?P<d>\d{1,2})",
    "b": rf"(?P<b>{'|'.join(_MONTHS)})",
    "a": r"[A-Z][a-z]{2}",
    "H": r" ?(?P<H>\d{1,2})",
    "M": r"(?P<M>\d\d)",
    "S": r"(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))?",
    "z": r"(?P<z>Z|UTC|GMT|[+-]\d\d:?\d\d)",
}


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is taken for granted of times that do not say it."""

    zone: tzinfo = UTC
    """In which times without a zone are."""
    written: datetime | None = None
    """When the log was last written to: no record is of a later day. It gives the year where times have none."""


class TimeReader:
    """Reads the times of one log."""

    def __init__(self, forms: tuple[str, ...] = PLAIN, assumed: Assumed = Assumed()) -> None:  # immutable
        """Read times in one of several forms.

        Args:
            forms: tried in this order.
            assumed: of times that leave it open.
        """
        self.forms = forms
        self.assumed = assumed
        self.left_open: set[str] = set()
        """What the times that were read so far did not say: `NO_ZONE`, `NO_YEAR`."""
        self._last: tuple[str | float | None, datetime | None] = (None, None)
        """Many records of one second stand together."""

    def at(self, text: str | float | None) -> datetime | None:
        """Return the time in a cell in UTC, None if it is none."""
        if text is None:
            return None
        if text != self._last[0]:
            self._last = (text, self._at(text))
        return self._last[1]

    def _at(self, text: str | float) -> datetime | None:
        for form in self.forms:
            try:
                if (found := self._read(form, text)) is not None:
                    return found
            except (ValueError, OverflowError, OSError):
                continue
        return None

    def ends(self, cells: Iterable[str | None]) -> tuple[str, ...]:
        """Return few of the cells, the earliest and the latest among them."""
        given = [cell for cell in cells if cell is not None]
        if not given or all(form in _SORTING for form in self.forms):
            return (min(given), max(given)) if given else ()
        # Up to the first colon a time is a day, perhaps with an hour, and what follows sorts as text does: so of each
        # day only two have to be read.
        found: dict[str, tuple[str, str]] = {}
        for cell in given:
            day = cell.partition(":")[0]
            known = found.get(day)
            if known is None:
                found[day] = (cell, cell)
            elif cell < known[0]:
                found[day] = (cell, known[1])
            elif cell > known[1]:
                found[day] = (known[0], cell)
        return tuple(dict.fromkeys(cell for pair in found.values() for cell in pair))

    def _read(self, form: str, text: str | float) -> datetime | None:
        if form == "epoch":
            return datetime.fromtimestamp(float(text), UTC)
        if form == "epoch_ms":
            return datetime.fromtimestamp(float(text) / 1000, UTC)
        if form == "rfc3339":
            found = parse_time(str(text))
            has_zone = str(text)[-1] in "Zz" or "+" in str(text) or str(text)[-6:-5] == "-"
            return found if has_zone else self._in_zone(found)
        match = _form(form).fullmatch(str(text))
        if match is None:
            return None
        parts = match.groupdict()
        year, month = parts.get("Y"), _MONTHS[parts["b"]] if "b" in parts else int(parts["m"])
        rest = (
            month,
            int(parts["d"]),
            int(parts["H"]),
            int(parts["M"]),
            min(int(parts["S"]), 59),  # a leap second
            int(f"{parts['f'] or '0':0<6.6}"),
        )
        if year is not None:
            return self._zoned(datetime(int(year), *rest), parts.get("z"))  # noqa: DTZ001  # its zone comes next
        self.left_open.add(NO_YEAR)
        return self._of_some_year(rest, parts.get("z"))

    def _of_some_year(self, rest: tuple[int, int, int, int, int, int], zone: str | None) -> datetime | None:
        """Return the last such time before the log was last written to."""
        if self.assumed.written is None:
            return None
        latest = self.assumed.written + _SLACK
        for year in range(latest.year, latest.year - 9, -1):  # 29 February is at most eight years back
            try:
                found = self._zoned(datetime(year, *rest), zone)  # noqa: DTZ001
            except (ValueError, OverflowError):
                continue
            if found <= latest:
                return found
        return None

    def _zoned(self, naive: datetime, zone: str | None) -> datetime:
        if zone is None:
            return self._in_zone(naive)
        if zone[0] not in "+-":
            return naive.replace(tzinfo=UTC)
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        return naive.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset)).astimezone(UTC)

    def _in_zone(self, at: datetime) -> datetime:
        self.left_open.add(NO_ZONE)
        return at.replace(tzinfo=self.assumed.zone).astimezone(UTC)


@lru_cache(maxsize=256)
def _form(form: str) -> re.Pattern[str]:
    """Return what times of a form look like.

    Raises:
        ValueError: the form names something that is not known here.
    """
    parts = re.split(r"(%.)", form)
    unknown = [part for part in parts[1::2] if part[1] not in _DIRECTIVES]
    if unknown:
        raise ValueError(f"'{unknown[0]}' in the form of time '{form}' is not known")
    return re.compile(
        "".join(_DIRECTIVES[part[1]] if n % 2 else re.escape(part) for n, part in enumerate(parts))
    )


def check_form(form: str) -> None:
    """Raise `ValueError`, with a sentence, if times of a form cannot be read."""
    if form in _SORTING:
        return
    named = set(re.findall("%.", form))
    missing = sorted({"%d", "%H", "%M", "%S"} - named) + ([] if named & {"%b", "%m"} else ["%m"])
    if missing:
        raise ValueError(f"the form of time {form[:80]!r} lacks {', '.join(missing)}")
    _form(form)


def zone_of(name: str) -> tzinfo:
    """Return a zone by its name.

    Raises:
        ValueError: this machine knows none of that name; a sentence says so.
    """
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # few ask for one

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValueError(f"{name[:80]!r} is no zone of time that this machine knows") from None
