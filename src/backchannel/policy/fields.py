"""Values of `policy.toml`, each asked for in its form: what is not of it becomes a fault with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from backchannel.clock import parse_time
from backchannel.codec import JsonObject, JsonValue
from backchannel.stix.markings import Tlp, parse_tlp
from backchannel.stix.visible import visible

MAX_VALUES: Final = 1_000
"""Values of one condition."""
MAX_TEXT_CHARS: Final = 300
MAX_FAULTS: Final = 50
"""Faults of one file that are named."""

_ID = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\Z")
_HEADER = re.compile(r"\s*\[(\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s.="']+))\s*[.=]""")
_T = TypeVar("_T")


class Fault(msgspec.Struct, frozen=True):
    """One thing in the file that is not of its form."""

    line: int | None
    """From 1; None: it is about the whole file."""
    field: str
    """As in `rule 2: when.tlp`."""
    what: str
    mend: str

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}, "
        return f"{where}{self.field}: {self.what}"


class Fields:
    """The values of one file, and what is wrong with them."""

    def __init__(self, value: JsonObject, text: str) -> None:
        self.value, self._lines = value, Lines(text)
        self.faults: list[Fault] = []
        self.place: tuple[str, int] = ("", 0)
        """The table that is being read, and its number among those of its name."""
        self.named: dict[str, int] = {}
        """Name of a part to its line."""

    def line_of(self, table: str, number: int = 0, key: str = "") -> int:
        """Return the line of a part, 0 where it is not found."""
        return self._lines.of(table, number, key) or 0

    def ident_of(self, name: str) -> bool:
        """Whether a text can name a part."""
        return _ID.match(name) is not None

    def listed(self, name: str, read: Callable[[JsonObject, int], _T | None], at_most: int) -> list[_T]:
        """Return the parts of a list of tables, each read by `read`."""
        value = self.value.get(name, [])
        if (
            not isinstance(value, list)
            or len(value) > at_most
            or not all(isinstance(one, dict) for one in value)
        ):
            what = f"it is no list of tables, or has more than {at_most:,}"
            self.fault(name, what, f"Begin each with a line [[{name}]].")
            return []
        found: list[_T] = []
        for number, one in enumerate(value):
            self.place = (name, number)
            made = read(one, number)
            if made is not None:
                found.append(made)
        self.place = ("", 0)
        return found

    def table(self, name: str) -> JsonObject:
        """Return a table; an empty one where it is missing or none."""
        value = self.value.get(name, {})
        if not isinstance(value, dict):
            self.fault(name, "it is no table", f"Begin it with a line [{name}].")
            return {}
        return value

    def ident(self, value: JsonObject, kind: str, number: int) -> str:
        """Return the name of a part; one made up where it has none."""
        ident = value.get("id")
        if not isinstance(ident, str) or _ID.match(ident) is None:
            what = "its name is missing" if ident is None else "its name is not of the form"
            self.fault("id", what, 'Write small letters, digits and dashes: id = "share-technical"')
            return f"{kind}-{number + 1}"
        self.named[f"{kind} {ident}"] = self.line_of(kind, number)
        return ident

    def unique(self, kind: str, idents: Sequence[str]) -> None:
        """See that no two parts of a kind have one name."""
        seen: set[str] = set()
        for number, ident in enumerate(idents):
            if ident in seen:
                self.place = (kind, number)
                self.fault("id", f"another {kind} is called {ident}", "Give each its own name.")
            seen.add(ident)
        self.place = ("", 0)

    def recipients(self, value: JsonObject, field: str) -> tuple[str, ...]:
        """Return groups and parties, at least one where the field is there."""
        if field not in value:
            return ()
        names = self.names(value[field], field)
        if not names:
            self.fault(
                field, "it names nobody", "Name groups or parties; a denial without `to` is for everybody."
            )
        return names

    def names(self, value: JsonValue, field: str) -> tuple[str, ...]:
        """Return a text or a list of texts as a list."""
        return self.texts([value] if isinstance(value, str) else value, field, MAX_VALUES)

    def texts(self, value: JsonValue, field: str, at_most: int) -> tuple[str, ...]:
        """Return a list of texts, each once."""
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.fault(field, "it is no list of texts", f'Write: {field.rpartition(".")[2]} = ["...", "..."]')
            return ()
        if len(value) > at_most:
            self.fault(field, f"it has more than {at_most:,} values", "Name fewer, or use a group.")
            return ()
        return tuple(dict.fromkeys(self.text(one, field, what="is no text of its form") for one in value))

    def text(self, value: JsonValue, field: str, *, what: str) -> str:
        """Return a text that can be seen, without blanks around it."""
        if (
            not isinstance(value, str)
            or not value.strip()
            or len(value) > MAX_TEXT_CHARS
            or visible(value) != value.strip()
        ):
            shown = f"it {what}, with 1 to {MAX_TEXT_CHARS} characters that can be seen"
            self.fault(field, shown, f'Write it as a text in quotation marks: {field} = "..."')
            return ""
        return value.strip()

    def optional(self, value: JsonObject, field: str) -> str:
        """Return a text; "" where it is missing."""
        return self.text(value[field], field, what="is a text") if field in value else ""

    def labels(self, value: JsonValue, field: str) -> tuple[Tlp, ...]:
        """Return labels of TLP."""
        texts = self.texts(value, field, MAX_VALUES)
        return tuple(tlp for text in texts if (tlp := self.tlp(text, field)) is not None)

    def tlp(self, value: JsonValue, field: str) -> Tlp | None:
        """Return a label of TLP."""
        word = value if isinstance(value, str) else ""
        try:
            return parse_tlp(word)
        except ValueError:
            mend = "Write one of: CLEAR, GREEN, AMBER, AMBER+STRICT, RED"
            self.fault(field, f"there is no label {visible(word, max_chars=40)}", mend)
            return None

    def time(self, value: object, field: str) -> datetime | None:
        """Return a time in UTC."""
        try:
            if isinstance(value, datetime):
                return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
            return parse_time(value if isinstance(value, str) else "")
        except (ValueError, OverflowError):  # a time before the year 1, or after 9999, in UTC
            self.fault(field, "it is no time", f"Write: {field} = 2026-03-01T00:00:00Z")
            return None

    def number(self, field: str, least: int, most: int) -> int:
        """Return a whole number of the file, `least` where it is missing."""
        value = self.value.get(field, least)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.fault(field, f"it is no number from {least} to {most:,}", f"Write for example: {field} = 3")
            return least
        return value

    def known(self, value: JsonObject, keys: set[str] | frozenset[str], prefix: str) -> None:
        """See that a table has no key that nobody knows."""
        for key in value:
            if key not in keys:
                what, mend = (
                    "nothing of that name is known",
                    f"Correct or remove it; known are {', '.join(sorted(keys))}",
                )
                self.fault(prefix + visible(str(key), max_chars=60), what, mend)

    def fault(self, field: str, what: str, mend: str) -> None:
        """Note what is wrong with a field of the table that is being read, of the first `MAX_FAULTS`."""
        if len(self.faults) >= MAX_FAULTS:
            return
        table, number = self.place
        line = self._lines.of(table, number, field.split(".", maxsplit=1)[0])
        place = (
            f"{table} {number + 1}: "
            if table in {"rule", "embargo", "hunt_request", "test"}
            else f"{table}."
            if table
            else ""
        )
        found = Fault(line, place + field, what, mend)
        if found not in self.faults:
            self.faults.append(found)


class Lines:
    """Where each part of the file stands: `tomllib` tells no lines of what it has read."""

    def __init__(self, text: str) -> None:
        self._tables: dict[tuple[str, int], int] = {}
        self._keys: dict[tuple[str, int, str], int] = {}
        counts: dict[str, int] = {}
        table, number = "", 0
        for line, words in enumerate(text.splitlines(), start=1):
            header = _HEADER.match(words)
            if header is not None:
                table = header[2].split(".")[0]
                if header[1]:
                    counts[table] = counts.get(table, 0) + 1
                number = max(counts.get(table, 1) - 1, 0)
                self._tables.setdefault((table, number), line)
            elif (key := _KEY.match(words)) is not None:
                self._keys.setdefault((table, number, key[1] or key[2] or key[3] or ""), line)

    def of(self, table: str, number: int, key: str = "") -> int | None:
        """Return the line of a key in a table, else of the table itself, from 1; None: there is none."""
        return self._keys.get((table, number, key)) or self._tables.get((table, number))
