"""The values of indicators as plain text, one a line, and as CSV: for readers that know no STIX.

Text has nothing but values: no header and no comment, which readers disagree about. What is revoked, expired,
not yet valid or no plain value is not listed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from backchannel.clock import parse_time
from backchannel.codec import JsonObject
from backchannel.misp.labels import number_of, text_of
from backchannel.misp.patterns import parts, values_of
from backchannel.misp.types import HASHES
from backchannel.stix.visible import visible

COLUMNS: Final = ("value", "type", "id", "name", "valid_from", "valid_until", "confidence", "labels")
MAX_TEXT_CHARS: Final = 200
"""Longest name, and longest list of labels, in a row (characters)."""

KINDS: Final = ("ip", "domain", "url", "email", "hash")
"""What a list may be asked for: `?type=url`."""
_KIND_OF: Final = {
    **dict.fromkeys(("ip-src", "ip-dst"), "ip"),
    **dict.fromkeys(("domain", "hostname"), "domain"),
    "url": "url",
    **dict.fromkeys(("email", "email-src", "email-dst"), "email"),
    **dict.fromkeys(HASHES, "hash"),
}
_FORMULA = re.compile(r"[=+\-@\t\r]")


class Listed(NamedTuple):
    """One value of one indicator."""

    value: str
    type: str
    """A type of MISP attributes: `ip-dst`, `domain`, `sha256`."""
    indicator: JsonObject


class Lister:
    """Writes one list in parts, in which each value stands once."""

    def __init__(self, form: str, kind: str | None) -> None:
        """Begin a list.

        Args:
            form: `txt` or `csv`.
            kind: one of `KINDS`, or None for all of them.
        """
        self._form, self._kind = form, kind
        self._seen: set[bytes] = set()
        self.head = as_csv(()) if form == "csv" else b""
        """What it begins with."""

    @property
    def count(self) -> int:
        """How many values there are so far."""
        return len(self._seen)

    def rows(self, indicators: Iterable[JsonObject], *, at: datetime) -> bytes:
        """Return the part for indicators that are in force at `at`; what was listed before is not again."""
        new: list[Listed] = []
        for one in listed(indicators, at=at, kind=self._kind):
            key = hashlib.blake2b(f"{_KIND_OF[one.type]}\n{one.value}".encode(), digest_size=16).digest()
            if key not in self._seen:
                self._seen.add(key)
                new.append(one)
        return as_csv(new)[len(self.head) :] if self._form == "csv" else as_text(new)

    def changes_at(self, indicator: JsonObject, *, at: datetime) -> datetime | None:
        """Return when, after `at`, an indicator begins or ends to be in force; None: never."""
        if indicator.get("revoked") is True:
            return None
        moments = (_moment(indicator, "valid_from"), _moment(indicator, "valid_until"))
        return min((one for one in moments if one is not None and one > at), default=None)


def listed(indicators: Iterable[JsonObject], *, at: datetime, kind: str | None = None) -> list[Listed]:
    """Return the values of indicators that are in force, each once, in their order.

    Args:
        indicators: decoded objects of STIX; others are passed over.
        at: the present.
        kind: one of `KINDS`, or None for all of them.
    """
    found: dict[tuple[str, str], Listed] = {}
    for indicator in indicators:
        if indicator.get("type") != "indicator" or not _is_current(indicator, at):
            continue
        for name, value in _values(indicator):
            own = _KIND_OF.get(name)
            if own is not None and (kind is None or own == kind) and not re.search(r"[\r\n\0]", value):
                found.setdefault((own, value), Listed(value, name, indicator))
    return list(found.values())


def as_text(values: Iterable[Listed]) -> bytes:
    """Return values one a line."""
    return "".join(f"{one.value}\n" for one in values).encode()


def as_csv(values: Iterable[Listed]) -> bytes:
    """Return values as a table with a header (RFC 4180, lines ended by LF)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in values:
        indicator = one.indicator
        confidence = number_of(indicator, "confidence")
        labels = indicator.get("labels")
        names = [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []
        writer.writerow(
            (
                one.value,
                one.type,
                text_of(indicator, "id"),
                _harmless(visible(text_of(indicator, "name"), max_chars=MAX_TEXT_CHARS)),
                text_of(indicator, "valid_from"),
                text_of(indicator, "valid_until"),
                "" if confidence is None else confidence,
                _harmless(visible(" ".join(names), max_chars=MAX_TEXT_CHARS)),
            )
        )
    return out.getvalue().encode()


def _values(indicator: JsonObject) -> Iterator[tuple[str, str]]:
    language = text_of(indicator, "pattern_type") or "stix"
    if language != "stix":
        return
    for kind, value in values_of(text_of(indicator, "pattern"), "stix") or ():
        # Of what must be seen together a part alone is no hit; of a file's name and hash the hash is one.
        halves = parts(kind, value)
        if len(halves) == 1:
            yield kind, value
        elif halves[0].type == "filename":
            yield halves[1].type, halves[1].value


def _is_current(indicator: JsonObject, at: datetime) -> bool:
    """Whether an indicator is in force; `valid_until` is exclusive (STIX 2.1 §4.7)."""
    if indicator.get("revoked") is True:
        return False
    since, until = _moment(indicator, "valid_from"), _moment(indicator, "valid_until")
    return (since is None or since <= at) and (until is None or at < until)


def _moment(indicator: JsonObject, name: str) -> datetime | None:
    try:
        return parse_time(text_of(indicator, name))
    except ValueError:
        return None


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text
