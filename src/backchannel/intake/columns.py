"""Tell what the columns of a table are: by their names where it has a header, else by their values.

Tables of one producer change their columns over the years, and feeds write their header into a comment, in
quotes, or not at all. STIX has a place for: a value, its type, a text, a date, an end, a confidence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Final, Literal, NamedTuple

from backchannel.intake.lines import Line
from backchannel.intake.rows import MAX_COLUMNS, cells, rows
from backchannel.intake.values import cell_values, is_comment

ROWS_TRIED: Final = 50
"""Rows looked at to tell the columns."""
DELIMITERS: Final = (",", "\t", ";", "|")

Role = Literal[
    "value",
    "ip",
    "domain",
    "url",
    "hash",
    "email",
    "type",
    "text",
    "labels",
    "from",
    "until",
    "confidence",
    "reference",
    "other",
]
VALUE_ROLES: Final = frozenset({"value", "ip", "domain", "url", "hash", "email"})

_NAMES: Final[dict[Role, str]] = {
    "value": "value indicator ioc ioc_value indicator_value observable observable_value artifact iocs indicators",
    "ip": "ip ip_address ipaddress ipaddr ip_addr address dst_ip dest_ip destination_ip src_ip source_ip ipv4 ipv6 "
    "cidr netblock network subnet range c2_ip ip_addresses ips",
    "domain": "domain domain_name domains hostname host fqdn host_name hostnames c2_domain domainname",
    "url": "url urls uri associated_url phishing_url phish_url c2_url malware_url link_url full_url",
    "hash": "hash hashes md5 sha1 sha256 sha512 sha_1 sha_256 sha_512 md5_hash sha1_hash sha256_hash sha512_hash "
    "file_hash filehash hash_md5 hash_sha1 hash_sha256 file_md5 file_sha1 file_sha256",
    "email": "email e_mail email_address emailaddress mail sender sender_address from_address emails",
    "type": "type ioc_type entity_type indicator_type observable_type kind value_type",
    "text": "description notes note comment comments app malware malware_printable malware_alias threat threat_type "
    "listingreason category target campaign family malware_family actor title name reason context fk_malware info",
    "labels": "tags labels tag",
    "from": "first_seen first_seen_utc firstseen dateadded date_added date listingdate submission_time created "
    "created_at valid_from timestamp added first_observed published last_seen lastseen last_seen_utc last_online seen",
    "until": "valid_until expires expiration expiration_date expiry expires_at valid_to",
    "confidence": "confidence confidence_level",
    "reference": "reference references urlhaus_link phish_detail_url link source_url permalink report_url report "
    "reference_url ref source_link reporturl",
}
_ROLE_OF: Final[dict[str, Role]] = {name: role for role, names in _NAMES.items() for name in names.split()}
_LAST = re.compile(r"last|seen\Z|online")
_PUNCTUATION = re.compile(r"[^a-z0-9]+")


class Column(NamedTuple):
    """One column."""

    name: str
    """In lower case, words joined by `_`; "" in a table without header."""
    role: Role


class Layout(NamedTuple):
    """How a table is to be read."""

    delimiter: str
    columns: tuple[Column, ...]
    header: str
    """The header line as it stands in the file, to be passed over; "" if there is none among the rows."""

    def indexes(self, *roles: str) -> list[int]:
        """Return the places of the columns that have one of `roles`, from the left."""
        return [index for index, column in enumerate(self.columns) if column.role in roles]


def plain_name(cell: str) -> str:
    """Return a header cell as the tables here spell it: `Associated URL` is `associated_url`."""
    return _PUNCTUATION.sub("_", cell.strip().lower()).strip("_")


def role_of(name: str) -> Role:
    """Return the role of a column by its name (`plain_name`): whole, else by its last words."""
    if name in _ROLE_OF:
        return _ROLE_OF[name]
    words = name.split("_")
    for begin in range(1, len(words)):
        role = _ROLE_OF.get("_".join(words[begin:]))
        if role in {"ip", "domain", "url", "hash", "email", "value"} and words[0] not in {
            "reference",
            "source",
            "report",
        }:
            return role
    return "other"


def layout_of(lines: Sequence[str]) -> Layout | None:
    """Return how to read a table, or None if it is none that has a column of observables.

    Args:
        lines: its first lines as they are, but the blank ones: the header may be a comment.
    """
    best: Layout | None = None
    telling = [line for line in lines if not is_comment(line)]
    for delimiter in DELIMITERS:
        found = _layout(_first_rows(telling, delimiter), lines, delimiter)
        if found is not None and (best is None or len(found.columns) > len(best.columns)):
            best = found
    return best


def _first_rows(lines: Sequence[str], delimiter: str) -> list[str]:
    numbered = (Line(number, f"{line}\n".encode(), False) for number, line in enumerate(lines, 1))
    return [row.data.decode().strip("\r\n") for row in islice(rows(numbered, delimiter), ROWS_TRIED)]


def _layout(first: Sequence[str], lines: Sequence[str], delimiter: str) -> Layout | None:
    read = [(row, found) for row in first if (found := _cells_or_nothing(row, delimiter))]
    table = [found for _, found in read]
    widths = Counter(len(row) for row in table)
    if not widths or len(table) < len(first) * 0.5:
        return None
    width = widths.most_common(1)[0][0]
    if not 2 <= width <= MAX_COLUMNS:
        return None
    named, header = _header(read[0], lines, delimiter, width)
    body = [row for row in (table[1:] if header else table) if len(row) == width]
    if named is None:
        columns = _by_values(body, width)
    else:
        columns = tuple(Column(name, role_of(name)) for name in named)
        if not any(column.role in VALUE_ROLES for column in columns):
            columns = tuple(
                guessed._replace(name=column.name) if column.role == "other" else column
                for column, guessed in zip(columns, _by_values(body, width), strict=True)
            )
    if not any(column.role in VALUE_ROLES for column in columns):
        return None
    return Layout(delimiter, _one_date(_certificates(columns)), header)


def _cells_or_nothing(line: str, delimiter: str) -> list[str]:
    try:
        return cells(line, delimiter)
    except ValueError:
        return []


def _header(
    first: tuple[str, list[str]], lines: Sequence[str], delimiter: str, width: int
) -> tuple[list[str] | None, str]:
    """Return the names of the columns and the header line: the first row, else the last comment that fits."""
    row, found = first
    names = [plain_name(cell) for cell in found]
    known = sum(1 for name in names if role_of(name) != "other")
    if len(names) == width and known and not any(cell_values(cell) for cell in found):
        return names, row
    for line in reversed([line for line in lines if is_comment(line)]):
        names = [plain_name(cell) for cell in _cells_or_nothing(line.lstrip("#;/! \t"), delimiter)]
        if len(names) == width and any(role_of(name) in VALUE_ROLES for name in names):
            return names, ""
    return None, ""


def _by_values(body: Sequence[list[str]], width: int) -> tuple[Column, ...]:
    """Name the one column in which most cells are observables: the others may be references."""
    counts = [sum(1 for row in body if cell_values(row[index])) for index in range(width)]
    best = max(range(width), key=lambda index: (counts[index], -index))
    is_good = bool(body) and counts[best] >= len(body) * 0.5
    return tuple(Column("", "value" if index == best and is_good else "other") for index in range(width))


def _certificates(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """A list of TLS certificates to avoid gives their SHA-1 and a `listingreason`: those are no files."""
    if not any(column.name == "listingreason" for column in columns):
        return columns
    return tuple(
        column._replace(name="certificate_sha1") if column.name == "sha1" else column for column in columns
    )


def _one_date(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Of several dates the one that says when it was first seen counts."""
    dates = [column for column in columns if column.role == "from"]
    firsts = [
        column
        for column in dates
        if _LAST.search(column.name.replace("first_seen", "").replace("firstseen", "")) is None
    ]
    chosen = (firsts or dates)[:1]
    return tuple(
        column if column.role != "from" or column in chosen else column._replace(role="other")
        for column in columns
    )
