"""Warning lists: the small ones that are always there, and those the operator adds."""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast, get_args
from weakref import WeakKeyDictionary

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.node import Node
from backchannel.errors import InputError, NotFoundError, UsageError
from backchannel.stix.visible import visible
from backchannel.store.outgoing import WarningListRow
from backchannel.store.sqlite.store import SqliteStore
from backchannel.warninglists.classes import CLASSES, ListClass
from backchannel.warninglists.lists import (
    MAX_LIST_BYTES,
    MatchKind,
    WarningList,
    WarningLists,
    builtin_lists,
    parse_warninglist,
)


class WarningListInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One list, without its entries."""

    name: str
    cls: ListClass = msgspec.field(name="class")
    kind: MatchKind
    """How it is compared, as MISP says it: `cidr`, `hostname`, `string`, `substring`."""
    entries: int
    unread: int
    """Entries of kinds that are not matched, or that are no value at all."""
    version: int
    description: str
    builtin: bool
    added_at: str | None
    """Null for a built-in list."""


class WarningListBook(msgspec.Struct, frozen=True, kw_only=True):
    """`warninglist list --json`: built-in lists first, then the added ones by name."""

    schema: Literal["backchannel.warninglists/1"] = "backchannel.warninglists/1"
    lists: tuple[WarningListInfo, ...]


class WarningListAdded(msgspec.Struct, frozen=True, kw_only=True):
    """`warninglist add FILE --json`."""

    schema: Literal["backchannel.warninglist/1"] = "backchannel.warninglist/1"
    list: WarningListInfo
    replaced: bool
    """A list of the same name was there."""


def add_warninglist(node: Node, clock: Clock, path: Path, *, cls: str | None = None) -> WarningListAdded:
    """Add a list in MISP's JSON form, plain or gzip; one of the same name is replaced.

    Args:
        node: where to keep it.
        clock: gives the time of adding.
        path: its file.
        cls: `infrastructure`, `popular` or `context`; by default what our table says for its name.

    Raises:
        UsageError: `cls` is none of the three.
        InputError: the file cannot be read or is no such list.
    """
    if cls is not None and cls not in CLASSES:
        raise UsageError(
            f"{visible(cls, max_chars=40)} is no class of warning list",
            hint=f"Say one of: {', '.join(CLASSES)}.",
        )
    try:
        added = parse_warninglist(_read(path), cls=cls)
    except ValueError as error:
        raise InputError(
            f"{path}: {error}", hint="Take a list.json of the MISP warning lists, or write one like it."
        ) from None
    if any(item.name == added.name for item in builtin_lists()):
        raise InputError(f"{path}: a built-in list has the name {added.name}", hint="Give it another name.")
    added_at = format_time(clock.now())
    row = WarningListRow(
        added.name,
        added.cls,
        added.kind,
        added.version,
        added.description,
        added_at,
        codec.encode(added.entries),
    )
    with node.store.transaction():
        replaced = node.store.warninglists.put(row)
    return WarningListAdded(list=_info(added, added_at), replaced=replaced)


def list_warninglists(node: Node) -> WarningListBook:
    """Return every list that labels here."""
    added = tuple((_of_row(row), row.added_at) for row in node.store.warninglists.all())
    return WarningListBook(
        lists=(
            *(_info(item, None) for item in builtin_lists()),
            *(_info(item, added_at) for item, added_at in added),
        )
    )


def remove_warninglist(node: Node, name: str) -> None:
    """Remove an added list.

    Raises:
        NotFoundError: no added list has that name.
    """
    with node.store.transaction():
        removed = node.store.warninglists.remove(name)
    if not removed:
        raise NotFoundError(
            f"no added warning list is called {visible(name)}",
            hint="`backchannel warninglist list` names them; built-in ones stay.",
        )


_loaded: WeakKeyDictionary[SqliteStore, tuple[tuple[tuple[str, str, str], ...], WarningLists]] = (
    WeakKeyDictionary()
)


def load_warninglists(node: Node) -> WarningLists:
    """Return all lists of the node, indexed; made anew only when a list was added or removed."""
    stamp = node.store.warninglists.stamp()
    if not stamp:
        return _builtin()
    known = _loaded.get(node.store)
    if known is None or known[0] != stamp:
        added = [_of_row(row) for row in node.store.warninglists.all()]
        known = (stamp, WarningLists.load([*builtin_lists(), *added]))
        _loaded[node.store] = known
    return known[1]


@lru_cache(maxsize=1)
def _builtin() -> WarningLists:
    return WarningLists.load(builtin_lists())


def _info(item: WarningList, added_at: str | None) -> WarningListInfo:
    alone = WarningLists.load([item])
    return WarningListInfo(
        name=visible(item.name),
        cls=item.cls,
        kind=item.kind,
        entries=len(item.entries),
        unread=alone.unread.get(item.name, 0),
        version=item.version,
        description=visible(item.description),
        builtin=added_at is None,
        added_at=added_at,
    )


def _of_row(row: WarningListRow) -> WarningList:
    assert row.cls in CLASSES and row.kind in get_args(MatchKind)  # noqa: S101, PT018 - written by `add_warninglist`
    return WarningList(
        row.name,
        row.cls,
        cast("MatchKind", row.kind),
        row.version,
        row.description,
        tuple(codec.decode(row.entries)),
    )


def _read(path: Path) -> bytes:
    """Read a file, unpacking gzip, never more than a list may have.

    Raises:
        InputError: it cannot be read.
        ValueError: it is too large, or broken gzip.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(data, MAX_LIST_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"broken gzip ({error})") from None
    if not unpacker.eof and len(unpacked) <= MAX_LIST_BYTES:
        raise ValueError("gzip that ends in the middle")
    return unpacked
