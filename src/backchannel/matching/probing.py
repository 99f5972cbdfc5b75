"""The coarse text of each value of a column, in SQL: what `entries.probes` files entries under.

It may let too much through, never too little: NULL stands for a value that only the normaliser can judge.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

from backchannel.logs.cells import KINDS
from backchannel.logs.layout import FieldAt
from backchannel.logs.tables import Reading
from backchannel.matching.index import Filed
from backchannel.observables.kinds import Kind
from backchannel.stix.pattern.compound import longest_text


class Flags(Protocol):
    """What kinds of entries the set has at all."""

    has_v6: bool
    has_blocks: bool
    has_email: bool
    kinds: frozenset[Kind]
    plain: tuple[Filed, ...]


_WITHIN: Final[dict[Reading, tuple[Kind, ...]]] = {
    reading: (*kinds, Kind.ADDRESS, Kind.DOMAIN) if reading in {"url", "email"} else kinds
    for reading, kinds in KINDS.items()
}
"""What can be met in a value of each reading: in a URL and in a mail address the host inside it too."""
_TAIL = "regexp_extract({name}, '[^.]*\\.?[^.]*$')"
_BARE = "regexp_replace(v, ':[0-9]{1,5}$', '')"
_ODD_NAME = "strlen(v) <> length(v) OR v[-1] = '.' OR contains(v, ' ') OR v[1] = '['"
"""Names that the normaliser mends: letters beyond ASCII, a last dot, blanks, brackets."""


def values(table: str, field: FieldAt, *, is_json: bool) -> str:
    """Return the query for the distinct cells of a field (`cell`), each with its texts (`v`)."""
    if len(field.columns) > 1:
        host, port, target = (f"c{n}" if n >= 0 else "NULL" for n in field.columns)
        return (
            f"SELECT to_json([host, port, target])::VARCHAR AS cell, host AS v, port, target FROM "  # noqa: S608
            f"(SELECT DISTINCT {host} AS host, {port} AS port, {target} AS target FROM {table} "
            f"WHERE {target} IS NOT NULL)"
        )
    column = f"c{field.columns[0]}"
    distinct = f"SELECT DISTINCT {column} AS cell FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608
    if not field.is_list:
        return f"SELECT cell, cell AS v FROM ({distinct})"  # noqa: S608
    split = "string_split(cell, ',')"
    if is_json:
        split = f"CASE WHEN cell[1] = '[' AND json_valid(cell) THEN from_json(cell, '[\"VARCHAR\"]') ELSE {split} END"
    return f"SELECT cell, unnest({split}) AS v FROM ({distinct})"  # noqa: S608


def probes(table: str, field: FieldAt, flags: Flags, off: Collection[Kind] = ()) -> str:
    """Return the query for (cell, hash of its probe) of a table that `values` gave.

    Args:
        table: of values.
        field: they stand in.
        flags: of the set.
        off: kinds that are not looked for.
    """
    pairs = _url_in_parts(flags) if len(field.columns) > 1 else _probes(field.reading, flags, off)
    odd = " OR ".join(f"({where})" for probe, where in pairs if probe == _ODD)
    parts = [(f"hash({probe})", where) for probe, where in pairs if probe != _ODD]
    if odd:
        parts.append((_ODD, odd))
    return " UNION ALL ".join(
        f"SELECT cell, {probe} AS probe FROM {table} WHERE {where}"  # noqa: S608  # our own words
        for probe, where in parts
    )


_ODD: Final = "NULL"


def _probes(reading: Reading, flags: Flags, off: Collection[Kind]) -> list[tuple[str, str]]:
    """(probe, condition) pairs for one way of reading."""
    if reading in _TEXTS:
        return _of_text(reading, flags, off)
    pairs: list[tuple[str, str]] = []
    if reading in {"address", "host"}:
        text = "v" if reading == "address" else _BARE
        pairs.append((f"'i:' || {text}", "true"))
        if flags.has_blocks:
            pairs.append(
                (f"'n:' || regexp_extract({text}, '^[0-9]+\\.[0-9]+\\.')", f"{text}[1] BETWEEN '0' AND '9'")
            )
        # IPv6 has many spellings, and can hold IPv4; so has an address with a port or blanks.
        pairs.append((_ODD, "instr(v, ':') > 0 AND instr(substr(v, instr(v, ':') + 1), ':') > 0"))
        pairs.append((_ODD, "contains(v, '%') OR contains(v, '/') OR contains(v, ' ')"))
        if reading == "address":
            pairs.append((_ODD, "contains(v, ':')"))
    if reading in {"domain", "host"}:
        pairs.append(("'d:' || " + _TAIL.format(name=f"lower({_BARE})"), "true"))
        pairs.append((_ODD, _ODD_NAME))
    if reading == "url":
        host = "regexp_extract(lower(v), '^[a-z][a-z0-9+.-]*://(?:[^/?#]*@)?([^/:?#]+)', 1)"
        pairs.append((f"'u:' || {host}", f"{host} <> ''"))
        pairs.append(("'d:' || " + _TAIL.format(name=host), f"{host} <> ''"))
        odd = f"{host} = '' OR strlen(v) <> length(v) OR contains(v, '\\\\') OR {host}[-1] = '.' OR {host}[1] = '['"
        pairs.append((_ODD, f"{odd} OR contains({host}, '%') OR {_NUMBER_HOST.format(host=host)}"))
    if reading == "hash":
        pairs.append(("'h:' || lower(v)", "true"))
        pairs.append((_ODD, "contains(v, ' ') OR contains(v, ':')"))
    pairs += _in_texts(reading, flags, off)
    kinds = tuple(kind for kind in _WITHIN[reading] if kind not in off)
    pairs += [(_ODD, condition) for condition in _plain(kinds, flags, "v")]
    return pairs


def _in_texts(reading: Reading, flags: Flags, off: Collection[Kind]) -> list[tuple[str, str]]:
    """(probe, condition) pairs for readings of texts in which values stand."""
    pairs: list[tuple[str, str]] = []
    if reading == "hashes":
        pairs.append(
            (
                "unnest(list_transform(regexp_extract_all(v, '[0-9A-Fa-f]{32,128}'), lambda x: 'h:' || lower(x)))",
                "true",
            )
        )
    if reading == "answers":
        pairs.append((_ODD, "true"))  # text in which several stand
    if reading == "email":
        pairs.append((_names_behind("@", '\\s<>,;:"()'), "contains(v, '@')"))
        is_wanted = flags.has_email and Kind.EMAIL not in off
        pairs.append(
            (_ODD, "contains(v, '@')" if is_wanted else "strlen(v) <> length(v) OR contains(v, '@[')")
        )
    if reading == "holder":
        pairs.append((_names_behind(r"cn\s*=\s*", r'\s,/+;"\\'), "contains(lower(v), 'cn')"))
        pairs.append(
            (_ODD, r"strlen(v) <> length(v) OR regexp_matches(lower(v), 'cn\s*=\s*[0-9a-f.:]+([\s,/+;]|$)')")
        )
    return pairs


_HEX_ODD: Final = "regexp_matches(v, '[^0-9A-Za-z]')"
_EDGE_ODD: Final = "regexp_matches(v, '^[^!-~]|[^!-~]$')"
_TEXTS: Final[dict[Reading, tuple[tuple[Kind, ...], dict[Kind, str], str]]] = {
    "certificate": (KINDS["certificate"], dict.fromkeys((Kind.CERTIFICATE, Kind.HASH), "lower(v)"), _HEX_ODD),
    "ja3": (KINDS["ja3"], dict.fromkeys((Kind.JA3, Kind.HASH), "lower(v)"), _HEX_ODD),
    "hassh": (KINDS["hassh"], dict.fromkeys((Kind.HASSH, Kind.HASH), "lower(v)"), _HEX_ODD),
    "ssh_key": (KINDS["ssh_key"], dict.fromkeys((Kind.SSH_KEY, Kind.HASH), "lower(v)"), _HEX_ODD),
    "ja4": (KINDS["ja4"], {Kind.JA4: "lower(v)"}, "regexp_matches(v, '[^!-~]')"),
    "serial": (KINDS["serial"], {Kind.SERIAL: "ltrim(lower(v), '0')"}, "regexp_matches(v, '[^0-9A-Fa-f]')"),
    "mac": (
        KINDS["mac"],
        {Kind.MAC: "lower(v)"},
        "NOT regexp_full_match(v, '[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}')",
    ),
    "agent": (KINDS["agent"], {Kind.AGENT: "v"}, _EDGE_ODD),
    "file": (
        KINDS["file"],
        {Kind.FILE: r"lower(regexp_extract(v, '([^/\\]+)[/\\]*$', 1))"},
        r"""regexp_matches(v, '[^ !#-~]|^ | $| [/\\]|[/\\] ')""",
    ),
    "phone": (KINDS["phone"], {}, ""),
    "sip": (KINDS["sip"], {}, "true"),  # the host in it may be an address, of many spellings
    "caller": (KINDS["caller"], {}, "true"),
    "account": (KINDS["account"], {}, ""),
    "command": (KINDS["command"], {}, ""),
    "registry": (KINDS["registry"], {}, ""),
    "mutex": (KINDS["mutex"], {}, ""),
}
"""Reading to its kinds, to how SQL spells the values of some of them, and to when only the normaliser can."""


def _of_text(reading: Reading, flags: Flags, off: Collection[Kind]) -> list[tuple[str, str]]:
    """(probe, condition) pairs for what is compared as a text: none where the set has no such entry.

    A kind that SQL cannot spell, or that a LIKE asks for, is judged value by value.
    """
    kinds, spelled, odd = _TEXTS[reading]
    wanted = {kind for kind in (*kinds, *spelled) if kind in flags.kinds and kind not in off}
    if odd == "true" or not wanted <= spelled.keys() or any(Kind(one.kind) in wanted for one in flags.plain):
        return [(_ODD, "true")]
    pairs = [(f"'{kind}:' || {text}", "true") for kind, text in spelled.items() if kind in wanted]
    return [*pairs, (_ODD, odd)] if pairs else []


_NUMBER_HOST = "regexp_matches({host}, '^[0-9a-fx.]*$')"
"""A host in numbers has many spellings (`0x7f.1`)."""


def _names_behind(mark: str, ends: str) -> str:
    """Return the probe of each name that follows `mark` in a value, up to one of the characters `ends`."""
    names = f"regexp_extract_all(lower(v), '{mark}([^{ends}]*[^{ends}.])', 1)"
    return f"unnest(list_transform({names}, lambda x: 'd:' || {_TAIL.format(name='x')}))"


def _plain(kinds: tuple[Kind, ...], flags: Flags, text: str) -> list[str]:
    conditions = []
    for entry in flags.plain:
        if Kind(entry.kind) not in kinds:
            continue
        wanted = longest_text(entry.value) if entry.operator == "like" else entry.value
        value = "'" + wanted.replace("'", "''") + "'"
        # A list's or header's text may stand inside more: that it is there at all is enough here.
        conditions.append(f"contains(lower({text}), {value})")
    return [" OR ".join(conditions[at : at + 100]) for at in range(0, len(conditions), 100)]


def _url_in_parts(flags: Flags) -> list[tuple[str, str]]:
    host = "regexp_replace(lower(v), ':[0-9]{1,5}$', '')"
    odd = (
        "v IS NULL OR strlen(v) <> length(v) OR target[1] <> '/' OR v[1] = '[' OR v[-1] = '.' OR contains(v, '%') "
        f"OR {_NUMBER_HOST.format(host=host)}"
    )
    whole = "'http://' || v || coalesce(':' || port, '') || target"
    plain = [(_ODD, condition) for condition in _plain(KINDS["url"], flags, whole)]
    return [(f"'u:' || {host}", "v IS NOT NULL"), (_ODD, odd), *plain]
