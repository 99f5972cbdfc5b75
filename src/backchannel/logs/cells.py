"""From a cell of a record to the observables in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from backchannel import codec
from backchannel.logs.layout import FieldAt, Row
from backchannel.logs.tables import Reading
from backchannel.observables.calls import phone, user_and_host
from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import normalise
from backchannel.observables.texts import last_part, login_of
from backchannel.observables.urls import host_of

MAX_VALUES = 1_000
"""Values read of one cell; a hostile record could have any number."""
MAX_VALUE_CHARS = 8_192
"""A longer value is no observable that we match (urls.MAX_URL_CHARS)."""

Cell = str | tuple[str | None, ...]
"""Text, or for a URL in parts its host, port and target."""

_MAIL = re.compile(r"[^\s<>,;:\"()\[\]]{1,128}@[^\s<>,;:\"()]{1,255}")
_COMMON_NAME = re.compile(r"\bCN\s{0,4}=\s{0,4}([^\s,/+;\"\\]{1,255})", re.IGNORECASE)
_HASH = re.compile(r"=(?:0x)?([0-9A-Fa-f]{32,128})(?![0-9A-Fa-f])")
_ANSWER = re.compile(r"[0-9A-Za-z_-]{0,63}[.:][0-9A-Za-z_.:-]{1,255}")
"""Names have a dot and addresses a dot or colon; words and numbers of DNS have none."""
_PORT = re.compile(r":[0-9]{1,5}\Z")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)


def cell_of(one: FieldAt, cells: Row) -> Cell | None:
    """Return what a record holds in a field; None if nothing."""
    if len(one.columns) == 1:
        return cells[one.columns[0]]
    parts = tuple(cells[column] if column >= 0 else None for column in one.columns)
    return None if parts[-1] is None else parts


def observables(
    reading: Reading, cell: Cell, *, is_list: bool, country: str | None = None
) -> Iterator[Observable]:
    """Yield the observables in a cell, and those inside them; what cannot be read is none.

    Args:
        reading: of its field.
        cell: as the record has it.
        is_list: whether it holds several.
        country: of phone numbers that do not say theirs.
    """
    for text in values(reading, cell, is_list=is_list):
        found = _first(KINDS[reading], text, country)
        if found is None:
            continue
        yield found
        # A URL in parts has its host in a field of its own, unless its target is a whole URL: a proxy was asked for it.
        if not isinstance(cell, tuple) or _SCHEME.match(cell[-1] or ""):
            yield from _inside(found)


def _first(kinds: tuple[Kind, ...], text: str, country: str | None = None) -> Observable | None:
    """Return what `text` spells of the first kind that it can be."""
    for kind in kinds:
        try:
            return phone(text, country=country) if kind is Kind.PHONE else normalise(kind, text)
        except ValueError:
            continue
    return None


def _inside(found: Observable) -> Iterator[Observable]:
    """Yield what stands inside an observable: the host of a URL, the file at the end of a path, ..."""
    for kinds, text in _parts(found):
        inner = _first(kinds, text)
        if inner is not None:
            yield inner


def _parts(found: Observable) -> tuple[tuple[tuple[Kind, ...], str], ...]:
    kind, value = found.kind, found.value
    if kind is Kind.URL:
        return ((_HOST, host_of(value).strip("[]")),)
    if kind is Kind.EMAIL:
        return ((_HOST, value.rpartition("@")[2]),)
    if kind is Kind.SIP:
        user, host = user_and_host(value)
        return ((_HOST, host), ((Kind.PHONE,), user))
    if kind is Kind.PATH:
        return (((Kind.FILE,), last_part(value)),)
    if kind is Kind.REGISTRY:  # events name a value with the key that it is in
        return (((Kind.REGISTRY,), value.rpartition("\\")[0]),)
    if kind is Kind.ACCOUNT:
        login = login_of(value)
        return () if login is None else (((Kind.ACCOUNT,), login),)
    # Feeds write fingerprints of certificates and of handshakes as hashes of files, and always were met so.
    return (((Kind.HASH,), value),) if kind in HASH_LIKE else ()


def values(reading: Reading, cell: Cell, *, is_list: bool) -> list[str]:
    """Return the texts in a cell that are to be read as observables."""
    if isinstance(cell, tuple):
        joined = join_url(*cell)
        return [] if joined is None else [joined]
    parts = _members(cell) if is_list else [cell]
    read = _READERS.get(reading)
    kept = [part for part in parts[:MAX_VALUES] if len(part) <= MAX_VALUE_CHARS]
    return kept if read is None else [value for part in kept for value in read(part)]


def _members(cell: str) -> list[str]:
    """A list is a JSON array in JSON logs, and comma-separated in Zeek's tables."""
    if cell.startswith("["):
        try:
            found = codec.decode(cell)
        except ValueError:
            found = None
        if isinstance(found, list):
            return [item for item in found if isinstance(item, str)]
    return cell.split(",")


def join_url(host: str | None, port: str | None, target: str | None) -> str | None:
    """Return the URL of a request: a proxy's target is one already, another's is joined to its host."""
    if target is None or not target:
        return None
    if _SCHEME.match(target):
        return target
    if host is None or not target.startswith("/"):
        return None
    if _PORT.search(host) or port in {None, "80", "443"}:
        return f"http://{host}{target}"
    return f"http://[{host}]:{port}{target}" if host.count(":") > 1 else f"http://{host}:{port}{target}"


def _host(text: str) -> list[str]:
    if text.startswith("["):
        return [text[1:].partition("]")[0]]
    return [_PORT.sub("", text) if text.count(":") == 1 else text]


_HOST = (Kind.ADDRESS, Kind.DOMAIN)
HASH_LIKE: Final = frozenset({Kind.CERTIFICATE, Kind.JA3, Kind.HASSH, Kind.SSH_KEY})
"""Kinds whose values are also met as the hash that they are."""
KINDS: Final[dict[Reading, tuple[Kind, ...]]] = {
    "address": (Kind.ADDRESS,),
    "domain": (Kind.DOMAIN,),
    "host": _HOST,
    "url": (Kind.URL,),
    "hash": (Kind.HASH,),
    "hashes": (Kind.HASH,),
    "answers": _HOST,
    "email": (Kind.EMAIL,),
    "holder": _HOST,
    "phone": (Kind.PHONE,),
    "sip": (Kind.SIP,),
    "caller": (Kind.SIP, Kind.PHONE),
    "account": (Kind.ACCOUNT,),
    "certificate": (Kind.CERTIFICATE,),
    "serial": (Kind.SERIAL,),
    "ja3": (Kind.JA3,),
    "ja4": (Kind.JA4,),
    "hassh": (Kind.HASSH,),
    "ssh_key": (Kind.SSH_KEY,),
    "file": (Kind.FILE, Kind.PATH),
    "agent": (Kind.AGENT,),
    "command": (Kind.COMMAND,),
    "registry": (Kind.REGISTRY,),
    "mutex": (Kind.MUTEX,),
    "mac": (Kind.MAC,),
}
"""What a value is tried as, in this order; what stands inside it is read besides (`observables`)."""
_READERS: dict[Reading, Callable[[str], list[str]]] = {
    "host": _host,
    "domain": _host,
    "hashes": lambda text: _HASH.findall(text)[:MAX_VALUES],
    "answers": lambda text: _ANSWER.findall(text)[:MAX_VALUES],
    "email": lambda text: _MAIL.findall(text)[:MAX_VALUES],
    "holder": lambda text: _COMMON_NAME.findall(text)[:MAX_VALUES],
}
