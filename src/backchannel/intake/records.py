"""Read records: the flat JSON objects of feeds that name their observable, one object where a table has a row.

Only what is known to be a feed is read: a log in JSON has addresses too, and they are of whoever was there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from backchannel import codec
from backchannel.codec import JsonValue
from backchannel.intake.columns import VALUE_ROLES, Column, Layout, plain_name, role_of
from backchannel.intake.made import Origin
from backchannel.intake.received import Received, Refused, broken, refused
from backchannel.intake.rows import MAX_CELL_CHARS, MAX_COLUMNS
from backchannel.intake.tables import CLAUSE, read_row
from backchannel.stix.objects import members
from backchannel.stix.split import Piece

_FEEDS: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (frozenset({"ip_address", "malware"}), "ip_address"),  # Feodo Tracker; its `hostname` is the provider's
    (frozenset({"cidr", "sblid"}), "cidr"),  # Spamhaus DROP
    (frozenset({"phish_id", "url"}), "url"),  # PhishTank
)
"""Members of a record of a known feed, and which of them is its observable."""
_NAMES: Final = frozenset({"indicator", "indicator_value", "ioc", "ioc_value"})
"""Members that call themselves an observable, whoever's feed it is."""
_TRAILER: Final = frozenset({"type", "timestamp", "records"})
"""Members of the last record of a feed, which tells of the feed."""


class Terms(NamedTuple):
    """What records are read with."""

    source: str
    """Name of the file."""
    party: str
    now: datetime
    """When it arrived: the date of records that have none."""


def is_record(body: bytes) -> bool:
    """Whether a JSON object is a record of a feed."""
    found = members(body)
    return found is not None and (_layout(tuple(found)) is not None or _is_trailer(found.keys()))


def read_record(place: str, piece: Piece, terms: Terms) -> Iterator[Received | Refused]:
    """Yield an indicator for each observable of a record, or why there is none; nothing for what tells of the feed.

    Args:
        place: its address.
        piece: its bytes.
        terms: who sent it, and when.
    """
    if piece.fault:
        yield refused(place, broken(piece.fault), CLAUSE, piece.body)
        return
    held = members(piece.body)
    if held is not None and _is_trailer(held.keys()):
        return
    layout = _layout(tuple(held)) if held is not None else None
    if held is None or layout is None or piece.is_cut:
        yield refused(place, "the record has not the members of those before it", CLAUSE, piece.body)
        return
    found = [_cell(codec.decode(bytes(value))) for value in held.values()]
    yield from read_row(found, layout, Origin(terms.party, terms.source, place, terms.now, piece.body))


@lru_cache(maxsize=256)  # the records of one feed have the same members
def _layout(keys: Sequence[str]) -> Layout | None:
    """Return how to read a record with these members; None where none of them is known to be an observable."""
    if len(keys) > MAX_COLUMNS or {"type", "id"} <= set(keys):
        return None
    known = next((value for signs, value in _FEEDS if signs <= set(keys)), None)
    columns: list[Column] = []
    for key in keys:
        name = plain_name(key)
        role = role_of(name)
        is_value = key == known if known is not None else name in _NAMES
        columns.append(Column(name, role if is_value or role not in VALUE_ROLES else "other"))
    return Layout("", tuple(columns), "") if any(one.role in VALUE_ROLES for one in columns) else None


def _is_trailer(keys: Collection[str]) -> bool:
    return set(keys) >= _TRAILER


def _cell(value: JsonValue) -> str:
    """Return a value as a cell of a table; "" for what has parts of its own."""
    if isinstance(value, list):
        return ",".join(one for one in value if isinstance(one, str))[:MAX_CELL_CHARS]
    if isinstance(value, dict) or value is None:
        return ""
    return str(value).strip()[:MAX_CELL_CHARS]
