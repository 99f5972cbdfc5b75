"""Read one page of a collection: what a caller may see and asked for, oldest added first.

A page costs the same however much is in the collection. It walks along the stamps and skips what is not to
be seen; where it would skip much, it walks along the classes that are to be seen instead, side by side.
Bodies are handed on as they were received, never parsed.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from backchannel.clock import parse_time
from backchannel.desk.deciding import Sight
from backchannel.desk.stamps import format_micros, to_micros
from backchannel.store.exchange import Place, Sibling
from backchannel.store.interface import Store
from backchannel.store.rows import version_key

MAX_PAGE_ROWS: Final = 1_000
"""Most objects of one page."""
MAX_PAGE_BYTES: Final = 16 * 2**20
"""Size at which a page ends: of ten thousand objects in use, and of two that are as large as one may be."""
SKIPPED_FREE: Final = 64
"""How many objects a page skips, beside four for each that it takes, before it walks along classes."""
NEWEST: Final = "last"
OLDEST: Final = "first"
EVERY: Final = "all"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What of a collection is asked for (TAXII 2.1 §3.4). Values within one field are alternatives."""

    added_after: int | None = None
    """Exclusive."""
    limit: int = MAX_PAGE_ROWS
    after: int | None = None
    """Where the page before ended (from the cursor); exclusive."""
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    """`last`, `first`, `all`, timestamps; none: `last`, but all where versions are what is asked for."""
    spec_versions: tuple[str, ...] = ()
    """None: the latest of each object."""


class Record(msgspec.Struct, frozen=True):
    """One object of a page, as a manifest names it."""

    stix_id: str
    added: int
    version: str
    """`modified`, else `created`, else when it was added (TAXII 2.1 §5.3.1)."""
    spec_version: str


class Page(msgspec.Struct):
    """One page, oldest added first."""

    bodies: list[bytes]
    """As they were received; empty for a manifest or a list of versions."""
    records: list[Record]
    object_rows: list[int]
    """The numbers that the store knows them by, in the same order."""
    more: bool
    """Whether there is more behind the last record that this caller may see; then `records` is not empty."""

    @property
    def first(self) -> int | None:
        """Stamp of the first object."""
        return self.records[0].added if self.records else None

    @property
    def last(self) -> int | None:
        """Stamp of the last object."""
        return self.records[-1].added if self.records else None


def read_page(
    store: Store,
    collection_row: int,
    sight: Sight,
    query: Query,
    *,
    with_bodies: bool,
) -> Page:
    """Return one page.

    Args:
        store: inside a snapshot in which `sight` was formed too.
        collection_row: the collection.
        sight: what of it the caller may see.
        query: what of it.
        with_bodies: whether the objects themselves are wanted.
    """
    seen = {
        row
        for row, kind in sight.classes.items()
        if (not query.types or kind.type in query.types)
        and (not query.spec_versions or kind.spec_version in query.spec_versions)
    }
    limit = max(1, min(query.limit, MAX_PAGE_ROWS))
    after = max(query.added_after or 0, query.after or 0)
    chooser = _Chooser(store, collection_row, sight, query)
    if query.ids or chooser.is_pointed:
        found = iter(sorted(one for one in chooser.pointed(seen) if one.added > after))
    elif seen:
        found = chooser.chosen(_walk(store, collection_row, seen, after, limit), limit + 1)
    else:
        found = iter(())
    places = list(islice(found, limit + 1))
    more = len(places) > limit
    del places[limit:]
    return _read(store, places, more=more, with_bodies=with_bodies)


def _read(store: Store, places: Sequence[Place], *, more: bool, with_bodies: bool) -> Page:
    rows = [place.object_row for place in places]
    if with_bodies:
        read = store.collected.bodies(rows, at_most_bytes=MAX_PAGE_BYTES)
        more, places = more or len(read) < len(places), places[: len(read)]
        bodies = [row[3] for row in read]
        heads = [row[:3] for row in read]
    else:
        bodies, heads = [], store.collected.heads(rows)
    records = [
        Record(stix_id, place.added, version or format_micros(place.added), spec_version)
        for place, (stix_id, version, spec_version) in zip(places, heads, strict=True)
    ]
    return Page(bodies, records, rows[: len(places)], more)


def _walk(
    store: Store, collection_row: int, seen: Collection[int], after: int, limit: int
) -> Iterator[Place]:
    """Yield what is of the classes `seen` behind `after`, oldest first."""
    skipped, free = 0, 4 * limit + SKIPPED_FREE
    for place in store.collected.walk(collection_row, after=after):
        if place.class_row in seen:
            yield place
            skipped -= 4
        else:
            skipped += 1
            if skipped > free:
                after = place.added
                break
    else:
        return
    walks = [store.collected.walk_class(collection_row, row, after=after) for row in seen]
    try:
        yield from heapq.merge(*walks)
    finally:
        for walk in walks:
            walk.close()


class _Chooser:
    """Which versions of each object a query takes, as this caller sees them (TAXII 2.1 §3.4.1)."""

    def __init__(self, store: Store, collection_row: int, sight: Sight, query: Query) -> None:
        self._store, self._collection_row, self._sight = store, collection_row, sight
        self._query = query
        self._versions = query.versions or (NEWEST,)
        self._chosen: dict[str, frozenset[int]] = {}
        self.is_pointed = not query.ids and not {NEWEST, OLDEST, EVERY} & set(self._versions)
        """Whether the query names nothing but times of versions, by which objects are found directly."""

    def pointed(self, seen: Collection[int]) -> Iterator[Place]:
        """Yield what the query takes of the objects that it names, in no order."""
        for one in self._named():
            if one.class_row in seen and one.added in self._chosen[one.stix_id]:
                yield Place(one.added, one.object_row, one.class_row, True)

    def _named(self) -> list[Sibling]:
        """Return what the query names by id, or by the time of a version, with what it takes of each id."""
        collected = self._store.collected
        if not self.is_pointed:
            found = collected.siblings(self._collection_row, set(self._query.ids))
            self._choose(found)
            return found
        found = collected.at_versions(
            self._collection_row, {version_key(text) for text in self._versions}, set(_stamps(self._versions))
        )
        self._choose(collected.siblings(self._collection_row, {one.stix_id for one in found}))
        return found

    def chosen(self, places: Iterator[Place], step: int) -> Iterator[Place]:
        """Yield those of `places` that the query takes.

        An object of which no other version was ever in the collection is its own first and last one; the
        others are looked at `step` at once.
        """
        while met := list(islice(places, step)):
            lot = self._sight.visible(met)
            unsure = [place.object_row for place in lot if place.versions]
            ids = dict(zip(unsure, (head[0] for head in self._heads(unsure)), strict=True))
            new = set(ids.values()) - self._chosen.keys()
            if new:
                self._choose(self._store.collected.siblings(self._collection_row, new))
            for place in lot:
                if not place.versions or place.added in self._chosen[ids[place.object_row]]:
                    yield place

    def _heads(self, rows: Sequence[int]) -> Sequence[tuple[str, str, str]]:
        return self._store.collected.heads(rows) if rows else ()

    def _choose(self, siblings: Iterable[Sibling]) -> None:
        listed = list(siblings)
        by_id: dict[str, list[Sibling]] = {one.stix_id: [] for one in listed}
        for one in self._sight.visible(listed):
            by_id[one.stix_id].append(one)
        for stix_id, seen in by_id.items():
            self._chosen[stix_id] = wanted(seen, self._versions, self._query.spec_versions)


def wanted(
    seen: Sequence[Sibling], versions: Collection[str], spec_versions: Collection[str]
) -> frozenset[int]:
    """Return the stamps of those versions of one object that filters take (TAXII 2.1 §3.4.1).

    Args:
        seen: the versions of it in the collection that the caller may see.
        versions: `last`, `first`, `all`, or times.
        spec_versions: none: only what is of the latest version of STIX among `seen`.
    """
    latest = max((one.spec_version for one in seen), default="")
    pool = {
        one.added: _version_of(one)
        for one in seen
        if (one.spec_version in spec_versions if spec_versions else one.spec_version == latest)
    }
    if not pool or EVERY in versions:
        return frozenset(pool)
    keys = {version_key(text) for text in versions}
    keys |= {max(pool.values())} if NEWEST in versions else set()
    keys |= {min(pool.values())} if OLDEST in versions else set()
    return frozenset(added for added, key in pool.items() if key in keys)


def _version_of(one: Sibling) -> str:
    """Return the version of an object; of one without dates, when it was added (TAXII 2.1 §3.4.1)."""
    return one.version_key or version_key(format_micros(one.added))


def _stamps(versions: Iterable[str]) -> Iterator[int]:
    for text in versions:
        try:
            yield to_micros(parse_time(text))
        except ValueError:
            continue
