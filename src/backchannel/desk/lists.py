"""Lists of values, written once for each kind of reader and kept until they would be others.

A collection may be of any size: it is read page by page, as over TAXII, and written to a file without a name
in the node's folder, from which every answer is sent. What stands in a list changes when something is put in or
taken out, when rights or policy change, and when an indicator begins or ends to be in force; the collection's
sequence, the generation of decisions and the next such moment tell that without reading it; where they have
moved on for another collection's sake, the places in this one tell it, and which of them hold a version that is
no longer the newest.

An indicator of which we hold a newer version is in no list, wherever that one is kept and whoever may see it: it
may be revoked, or may be marked so that it must not go out.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, NamedTuple

from backchannel import codec
from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.desk.access import Access, Caller
from backchannel.desk.deciding import Sight, sight
from backchannel.desk.node import Node
from backchannel.desk.paging import MAX_PAGE_ROWS, Page, Query, read_page
from backchannel.desk.shelves import MAX_OBJECTS, Sent, State, TooMuchError, print_of, right_of, state_of
from backchannel.desk.taxii import BusyError
from backchannel.errors import StoreError
from backchannel.ids import Digest
from backchannel.misp.listing import Lister
from backchannel.stix.read import raw_object
from backchannel.stix.versions import view
from backchannel.store.object_runs import write_runs

MAX_LIST_BYTES: Final = 512 * 2**20
"""Largest list (bytes): as much as we take of a feed ourselves."""
MAX_VALUES: Final = 2_000_000
"""Most values of a list: so that each stands in it once, some 100 bytes of each are in memory while it is written."""
MAX_KEPT: Final = 32
MAX_KEPT_BYTES: Final = 2**30
"""What the lists that are kept may have of the disk together (bytes)."""

WAIT_S: Final = 3.0
"""How long a request waits for another one's list (seconds): it holds one of few threads meanwhile."""
RETRY_S: Final = 10


class Spool:
    """A file without a name, from which several may read at once; it is gone when nobody does any more."""

    def __init__(self, folder: Path) -> None:
        """Make one on the disk of `folder`, which shows nothing of it.

        Raises:
            StoreError: it cannot be made.
        """
        self._descriptor = -1
        try:
            with TemporaryFile(dir=folder) as file:
                self._descriptor = os.dup(file.fileno())
        except OSError as error:
            raise _no_room(error) from error
        self._sha256 = hashlib.sha256()
        self.size = 0
        """Bytes."""

    def write(self, data: bytes) -> None:
        """Add to its end.

        Raises:
            StoreError: there is no room for it.
        """
        self._sha256.update(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise _no_room(error) from error
        self.size += len(data)

    def read(self, at: int, count: int) -> bytes:
        """Return at most `count` bytes from `at` on."""
        return os.pread(self._descriptor, count, at)

    @property
    def digest(self) -> Digest:
        """SHA-256 of what was written."""
        return Digest(self._sha256.digest())

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def _no_room(error: OSError) -> StoreError:
    return StoreError(
        f"a list cannot be written beside the store: {error.strerror}", hint="Make room on that disk."
    )


class Written(NamedTuple):
    """One list."""

    file: Spool
    sent: Sent
    """What it was made of."""
    made_at: datetime
    good_until: datetime | None
    """When the next indicator begins or ends to be in force; None: never."""

    def holds(self, now: datetime) -> bool:
        """Whether no indicator has begun or ended to be in force since."""
        return self.made_at <= now and (self.good_until is None or now < self.good_until)


class _Asked(NamedTuple):
    """What is asked for, and what it is made of now."""

    right: Access
    seen: Sight
    slot: tuple[object, ...]
    """Whose list it is: the same for all who see the same classes."""
    state: State


class Lists:
    """The lists of a running server; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[State, bytes, Written]] = OrderedDict()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        """One list is written at a time: so much memory, and no more."""

    def list(
        self, node: Node, clock: Clock, caller: Caller, collection: str, form: str, kind: str | None
    ) -> tuple[Access, Written]:
        """Return the values of a collection's indicators that are in force.

        Args:
            node: the open node.
            clock: decides what is in force.
            caller: who asks.
            collection: its id or alias.
            form: `txt` or `csv`.
            kind: one of `misp.listing.KINDS`; None: all.

        Raises:
            NotThereError: there is no such collection, for this caller.
            NotAllowedError: the caller may not read it.
            TooMuchError: the list would be larger than one may be.
            BusyError: another one is being written for longer than a request waits.
        """
        asked = _ask(node, clock, caller, collection, form, kind)
        made = self._held(asked, clock.now(), state=asked.state)
        if made is not None:
            return asked.right, made
        if not self._writing.acquire(timeout=WAIT_S):
            raise BusyError("another list is being written", retry_after_s=RETRY_S)
        try:
            asked = _ask(node, clock, caller, collection, form, kind)
            with node.store.snapshot():
                print_ = _print_of(node, asked)
            made = self._held(asked, clock.now(), print_=print_)
            if made is None:
                made = _write(node, clock, caller, asked.right, Lister(form, kind))
            self._keep(asked, print_, made)
        finally:
            self._writing.release()
        return asked.right, made

    def _held(
        self, asked: _Asked, now: datetime, *, state: State | None = None, print_: bytes | None = None
    ) -> Written | None:
        """Return the list that is kept, if it was made of the same and still holds."""
        with self._lock:
            held = self._kept.get(asked.slot)
            if held is None or (held[0] != state and held[1] != print_) or not held[2].holds(now):
                return None
            self._kept.move_to_end(asked.slot)
            return held[2]

    def _keep(self, asked: _Asked, print_: bytes, made: Written) -> None:
        with self._lock:
            kept = self._kept
            kept[asked.slot] = (asked.state, print_, made)
            kept.move_to_end(asked.slot)
            while len(kept) > MAX_KEPT or sum(one.file.size for _, _, one in kept.values()) > MAX_KEPT_BYTES:
                kept.popitem(last=False)


def _ask(node: Node, clock: Clock, caller: Caller, collection: str, form: str, kind: str | None) -> _Asked:
    with node.store.snapshot():
        right = right_of(node, caller, collection)
        seen = sight(node, caller, right, now=clock.now(), purpose="misp")
        # Where objects are looked at one by one, each reader may see others.
        whose = frozenset(seen.classes) if seen.free == seen.classes.keys() else seen.mark
        slot = (right.collection.collection_row, whose, form, kind)
        return _Asked(right, seen, slot, state_of(node, right, seen))


def _print_of(node: Node, asked: _Asked) -> bytes:
    """Return what is equal exactly as long as the same is seen, and the same of it is superseded."""
    digest = hashlib.sha256(print_of(node, asked.right, asked.seen))
    for stamp in node.store.collected.superseded(asked.right.collection.collection_row, after=0):
        digest.update(b"%d," % stamp)
    return digest.digest()


def _write(node: Node, clock: Clock, caller: Caller, right: Access, lister: Lister) -> Written:
    """Write a list, page by page: no snapshot of the store is held for longer than one of them takes."""
    made_at = clock.now()
    file, query = Spool(node.home), Query(types=("indicator",), limit=MAX_PAGE_ROWS)
    file.write(lister.head)
    first = last = count = 0
    object_rows: list[int] = []
    good_until: datetime | None = None
    more = True
    while more:
        with node.store.snapshot():
            seen = sight(node, caller, right, now=made_at, purpose="misp")
            query = Query(types=query.types, limit=query.limit, after=last)
            page = read_page(node.store, right.collection.collection_row, seen, query, with_bodies=True)
            superseded = _superseded(node, right, page, after=last)
        indicators = _indicators(page, superseded)
        file.write(lister.rows(indicators, at=made_at))
        changes = (moment for one in indicators if (moment := lister.changes_at(one, at=made_at)) is not None)
        good_until = min((*changes, *((good_until,) if good_until else ())), default=None)
        if file.size > MAX_LIST_BYTES or lister.count > MAX_VALUES:
            raise TooMuchError(
                f"the list would have more than {MAX_VALUES:,} values or {MAX_LIST_BYTES // 2**20} MiB"
            )
        first, last, count = first or page.first or 0, page.last or last, count + len(page.records)
        if count <= MAX_OBJECTS:
            rows = zip(page.records, page.object_rows, strict=True)
            object_rows += [row for head, row in rows if head.added not in superseded]
        more = page.more
    runs = write_runs(object_rows) if count <= MAX_OBJECTS else None
    return Written(file, Sent(first, last, count, file.digest, runs), made_at, good_until)


def _superseded(node: Node, right: Access, page: Page, *, after: int) -> frozenset[int]:
    """Return the stamps of what a page holds in a version that is no longer the newest."""
    if page.last is None:
        return frozenset()
    row = right.collection.collection_row
    return frozenset(node.store.collected.superseded(row, after=after, upto=page.last))


def _indicators(page: Page, superseded: Collection[int]) -> list[JsonObject]:
    """Return what a page holds as STIX 2.1, without what is superseded."""
    found: list[JsonObject] = []
    for body, head in zip(page.bodies, page.records, strict=True):
        if head.added in superseded:
            continue
        value = codec.decode(body)
        is_21 = head.spec_version == "2.1"
        found.extend([value] if is_21 else view(raw_object(body, value, head.spec_version)).objects)
    return [value for value in found if value.get("type") == "indicator"]
