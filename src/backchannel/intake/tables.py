"""Read a table: CSV and its kin, with or without header, quoted or not, columns told by name or by value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from backchannel.clock import parse_time
from backchannel.intake.columns import VALUE_ROLES, Column, Layout
from backchannel.intake.containers import Source
from backchannel.intake.lines import lines
from backchannel.intake.made import MAX_LABEL_CHARS, MAX_LABELS, Details, Origin, indicator
from backchannel.intake.received import Received, Refused, refused
from backchannel.intake.rows import cells, rows
from backchannel.intake.values import Value, cell_values, is_comment
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import normalise
from backchannel.stix.visible import visible

CLAUSE: Final = "import: rows"

_HASH_PATH = "file:hashes"
_CERTIFICATE: Final = "x509-certificate:hashes.'SHA-1'"
_KINDS: Final = (
    (re.compile(r"host|domain|fqdn|dns"), Kind.DOMAIN, "domain-name:value"),
    (re.compile(r"url|uri\b"), Kind.URL, "url:value"),
    (re.compile(r"mail(?!.*subject)"), Kind.EMAIL, "email-addr:value"),
)
"""What a type column or the name of a value column says that its cells are."""
_NOT_SEARCHED = re.compile(
    r"file_?(?:name|path)|path|mutex|registry|user_?agent|yara|sigma|snort|suricata|cve|subject|ja[34]|ssdeep|imphash|"
    r"phone|\basn\b|country|bitcoin|btc|wallet|package|cert"
)
"""Types of values that no kind of observable here stands for."""
_NOTHING: Final = frozenset({"", "-", "none", "null", "n/a", "na", "nan", "unknown"})
_NEGATIVE: Final = frozenset({"no", "n", "false", "0"})
_POSITIVE: Final = frozenset({"yes", "y", "true", "1"})
_EPOCH = re.compile(r"\d{10}(?:\d{3})?\Z")
_DATE = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?\s*(?:Z|UTC|GMT|\+00:?00)?\Z",
    re.IGNORECASE,
)


def read_table(source: Source, layout: Layout, *, party: str, now: datetime) -> Iterator[Received | Refused]:
    """Yield an indicator for each observable in each row, and a refusal for each row that names none."""
    for row in rows(lines(source.stream), layout.delimiter):
        place = f"{source.name}:{row.number}"
        if row.problem:
            yield refused(place, row.problem, CLAUSE, row.data)
            continue
        text = row.data.decode().strip("\r\n")
        if not text.strip() or is_comment(text) or (layout.header and text.strip() == layout.header.strip()):
            continue
        try:
            found = cells(text, layout.delimiter)
        except ValueError as error:
            yield refused(
                place, f"the row cannot be split into cells: {error}; mend its quotes", CLAUSE, row.data
            )
            continue
        origin = Origin(party, source.name, place, now, row.data.rstrip(b"\r\n"))
        yield from read_row(found, layout, origin)


def read_row(found: list[str], layout: Layout, origin: Origin) -> Iterator[Received | Refused]:
    """Yield an indicator for each observable in the cells of one row, or why it names none."""
    by_column = [
        (layout.columns[index], found[index])
        for index in layout.indexes(*VALUE_ROLES)
        if index < len(found) and found[index].lower() not in _NOTHING
    ]
    declared = next((found[index].lower() for index in layout.indexes("type") if index < len(found)), "")
    if not by_column:
        names = ", ".join(f"`{layout.columns[i].name or i + 1}`" for i in layout.indexes(*VALUE_ROLES)[:4])
        yield refused(
            origin.place,
            f"the row has nothing in {names}: fill it, or leave the row out",
            CLAUSE,
            origin.original,
        )
        return
    hashes: list[Value] = []
    groups: list[tuple[Value, ...]] = []
    for column, cell in by_column:
        values = _values(column, cell, declared)
        if isinstance(values, str):
            yield refused(origin.place, values, CLAUSE, origin.original)
        elif all(value.path.startswith(_HASH_PATH) for value in values):
            hashes.extend(values)
        else:
            groups.extend((value,) for value in values)
    if hashes:
        groups.append(tuple(dict.fromkeys(hashes)))
    if groups:
        details = _details(found, layout)
        for group in groups:
            yield indicator(group, details, origin)


def _values(column: Column, cell: str, declared: str) -> tuple[Value, ...] | str:
    """Return the observables of one cell, or why there are none."""
    stated = declared or column.name
    shown = visible(cell, max_chars=60)
    if column.name == "certificate_sha1":
        found = cell_values(cell)
        return (
            tuple(value._replace(path=_CERTIFICATE) for value in found)
            or f"`{shown}` is no SHA-1 of a certificate"
        )
    if "|" in declared and "|" in cell:  # as MISP writes a file's name and hash, a host and its port
        joined = tuple(value for part in cell.split("|") for value in cell_values(part))
        if joined:
            return joined
    if (
        declared
        and _NOT_SEARCHED.search(declared)
        and not any(form.search(declared) for form, _, _ in _KINDS)
    ):
        return f"`{shown}` is of the type {visible(declared, max_chars=40)}, which cannot be searched for yet"
    values = cell_values(cell)
    if values:
        return values
    for form, kind, path in _KINDS:
        if form.search(stated):
            try:
                known = normalise(kind, cell)
            except ValueError as error:
                return f"`{shown}` cannot be read: {error}"
            return (Value(path, known, known.repairs),)
    return f"`{shown}` is no address, network, name, URL, hash or e-mail address: mend the cell or leave the row out"


def _details(found: list[str], layout: Layout) -> Details:
    remarks: list[str] = []
    texts = [
        visible(found[i], max_chars=1000)
        for i in layout.indexes("text")
        if i < len(found) and found[i].lower() not in _NOTHING
    ]
    seen_at = _date(found, layout, "from", remarks)
    until = _date(found, layout, "until", remarks)
    if until is not None and seen_at is not None and until <= seen_at:
        remarks.append("its end is not after its beginning, and is passed over")
        until = None
    return Details(
        description="; ".join(dict.fromkeys(texts)),
        seen_at=seen_at,
        valid_until=until,
        confidence=_confidence(found, layout),
        labels=_labels(found, layout),
        reference=next(
            (found[i] for i in layout.indexes("reference") if i < len(found) and "://" in found[i]), ""
        ),
        doubts=_doubts(found, layout),
        remarks=(*remarks, *_hints(found, layout)),
    )


def _doubts(found: list[str], layout: Layout) -> tuple[str, ...]:
    told: list[str] = []
    if _says(found, layout, "verified", _NEGATIVE):
        told.append("its source has not verified it: look at it before it is used")
    if _says(found, layout, "to_ids", _NEGATIVE):
        told.append("its source says that it is not meant for detection: look at it before it is used")
    return tuple(told)


def _hints(found: list[str], layout: Layout) -> tuple[str, ...]:
    if _says(found, layout, "is_compromised", _POSITIVE):
        return ("its source says that the host was broken into: its owner is a victim, and may be told",)
    return ()


def _says(found: list[str], layout: Layout, name: str, words: frozenset[str]) -> bool:
    return any(
        column.name == name and cell.lower() in words
        for column, cell in zip(layout.columns, found, strict=False)
    )


def _date(found: list[str], layout: Layout, role: str, remarks: list[str]) -> datetime | None:
    for index in layout.indexes(role):
        cell = found[index] if index < len(found) else ""
        if cell.lower() in _NOTHING:
            continue
        read = _moment(cell)
        if read is not None:
            return read
        remarks.append(
            f"the date `{visible(cell, max_chars=40)}` cannot be read, and is passed over: write 2026-01-31 12:00:00"
        )
    return None


def _moment(cell: str) -> datetime | None:
    match = _DATE.match(cell)
    try:
        if match is not None:
            year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
            found = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        elif _EPOCH.match(cell):
            found = datetime.fromtimestamp(int(cell[:10]), UTC)
        else:
            found = parse_time(cell)
    except (ValueError, OverflowError):
        return None
    return found if 1990 <= found.year <= 2100 else None


def _confidence(found: list[str], layout: Layout) -> int | None:
    for index in layout.indexes("confidence"):
        cell = found[index] if index < len(found) else ""
        if cell.isascii() and cell.isdigit() and len(cell) <= 3 and int(cell) <= 100:
            return int(cell)
    return None


def _labels(found: list[str], layout: Layout) -> tuple[str, ...]:
    tags = [
        visible(tag.strip(), max_chars=MAX_LABEL_CHARS)
        for index in layout.indexes("labels")
        if index < len(found)
        for tag in found[index].split(",")
        if tag.strip().lower() not in _NOTHING
    ]
    return tuple(dict.fromkeys(tags))[:MAX_LABELS]
