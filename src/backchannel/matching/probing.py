"""The coarse text of each value of a column, in SQL: what `entries.probes` files entries under.

It may let too much through, never too little: `!` stands for a value that only the normaliser can judge.
"""

from __future__ import annotations

from typing import Final, Protocol

from backchannel.logs.layout import FieldAt
from backchannel.logs.tables import Reading
from backchannel.matching.index import Filed
from backchannel.observables.kinds import Kind


class Flags(Protocol):
    """What kinds of entries the set has at all."""

    has_v6: bool
    has_blocks: bool
    has_email: bool
    plain: tuple[Filed, ...]


_KINDS: Final[dict[Reading, tuple[Kind, ...]]] = {
    "address": (Kind.ADDRESS,),
    "domain": (Kind.DOMAIN,),
    "host": (Kind.ADDRESS, Kind.DOMAIN),
    "url": (Kind.URL,),
    "hash": (Kind.HASH,),
    "email": (Kind.EMAIL,),
}
_BARE = "regexp_replace(v, ':[0-9]{1,5}$', '')"
_ODD_NAME = "strlen(v) <> length(v) OR v[-1] = '.' OR contains(v, ' ') OR v[1] = '['"
"""Names that the normaliser mends: letters beyond ASCII, a last dot, blanks, brackets."""


def queries(table: str, field: FieldAt, flags: Flags, *, is_json: bool) -> list[str]:
    """Return queries that give (cell, probe) for each distinct cell of a field."""
    if len(field.columns) > 1:
        return _url_in_parts(table, field, flags)
    distinct = (
        f"SELECT DISTINCT c{field.columns[0]} AS cell FROM {table} WHERE c{field.columns[0]} IS NOT NULL"  # noqa: S608
    )
    if field.is_list:
        split = (
            "CASE WHEN cell[1] = '[' THEN from_json(cell, '[\"VARCHAR\"]') ELSE string_split(cell, ',') END"
        )
        values = f"SELECT cell, unnest({split if is_json else _SPLIT}) AS v FROM ({distinct})"  # noqa: S608
    else:
        values = f"SELECT cell, cell AS v FROM ({distinct})"  # noqa: S608
    return [
        f"SELECT [cell] AS cell, {probe} AS probe FROM ({values}) WHERE v IS NOT NULL AND ({where})"  # noqa: S608
        for probe, where in _probes(field.reading, flags)
    ]


_SPLIT = "string_split(cell, ',')"


def _probes(reading: Reading, flags: Flags) -> list[tuple[str, str]]:
    """(probe, condition) pairs for one way of reading."""
    pairs: list[tuple[str, str]] = []
    if reading in {"address", "host"}:
        text = "v" if reading == "address" else _BARE
        pairs.append((f"'i:' || {text}", "true"))
        if flags.has_blocks:
            pairs.append(
                (f"'n:' || regexp_extract({text}, '^[0-9]+\\.[0-9]+\\.')", f"{text}[1] BETWEEN '0' AND '9'")
            )
        # IPv6 has many spellings, and can hold IPv4; so has an address with a port or blanks.
        pairs.append(("'!'", "instr(v, ':') > 0 AND instr(substr(v, instr(v, ':') + 1), ':') > 0"))
        pairs.append(("'!'", "contains(v, '%') OR contains(v, '/') OR contains(v, ' ')"))
        if reading == "address":
            pairs.append(("'!'", "contains(v, ':')"))
    if reading in {"domain", "host"}:
        pairs.append((f"'d:' || regexp_extract(lower({_BARE}), '[^.]*\\.?[^.]*$')", "true"))
        pairs.append(("'!'", _ODD_NAME))
    if reading == "url":
        host = "regexp_extract(lower(v), '^[a-z][a-z0-9+.-]*://(?:[^/?#]*@)?([^/:?#]+)', 1)"
        pairs.append((f"'u:' || {host}", f"{host} <> ''"))
        odd = f"{host} = '' OR strlen(v) <> length(v) OR contains(v, '\\\\') OR {host}[-1] = '.' OR {host}[1] = '['"
        pairs.append(("'!'", f"{odd} OR contains({host}, '%') OR {_NUMBER_HOST.format(host=host)}"))
    if reading == "hash":
        pairs.append(("'h:' || lower(v)", "true"))
        pairs.append(("'!'", "contains(v, ' ') OR contains(v, ':')"))
    if reading == "email" and flags.has_email:
        pairs.append(("'!'", "contains(v, '@')"))
    pairs += [("'!'", condition) for condition in _plain(reading, flags, "v")]
    return pairs


_NUMBER_HOST = "regexp_matches({host}, '^[0-9a-fx.]*$')"
"""A host in numbers has many spellings (`0x7f.1`)."""


def _plain(reading: Reading, flags: Flags, text: str) -> list[str]:
    conditions = []
    for entry in flags.plain:
        if Kind(entry.kind) not in _KINDS[reading]:
            continue
        value = "'" + entry.value.replace("'", "''") + "'"
        # A list's or header's text may stand inside more: that it is there at all is enough here.
        conditions.append(f"contains(lower({text}), {value})")
    return [" OR ".join(conditions[at : at + 100]) for at in range(0, len(conditions), 100)]


def _url_in_parts(table: str, field: FieldAt, flags: Flags) -> list[str]:
    host, port, target = (f"c{n}" if n >= 0 else "NULL" for n in field.columns)
    distinct = (
        f"SELECT DISTINCT {host} AS host, {port} AS port, {target} AS target FROM {table} "  # noqa: S608
        f"WHERE {target} IS NOT NULL"
    )
    bare = "regexp_replace(lower(host), ':[0-9]{1,5}$', '')"
    odd = (
        "host IS NULL OR strlen(host) <> length(host) OR target[1] <> '/' OR host[1] = '[' OR "
        f"host[-1] = '.' OR {_NUMBER_HOST.format(host=bare)}"
    )
    cell = "[host, port, target] AS cell"
    found = [
        f"SELECT {cell}, 'u:' || {bare} AS probe FROM ({distinct}) WHERE host IS NOT NULL",  # noqa: S608
        f"SELECT {cell}, '!' AS probe FROM ({distinct}) WHERE {odd}",  # noqa: S608
    ]
    found += [
        f"SELECT {cell}, '!' AS probe FROM ({distinct}) WHERE {condition}"  # noqa: S608
        for condition in _plain("url", flags, "'http://' || host || coalesce(':' || port, '') || target")
    ]
    return found
