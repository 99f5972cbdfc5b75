"""Put objects in collections: each with a stamp of its own, in the order in which it is committed.

Stamps are given inside the write transaction from the collection's own row, so a poller that has read up to
one of them has missed nothing before it. The last one of what is put in at once lies on a whole millisecond:
a client that keeps milliseconds only goes on exactly there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import Final, Literal

import msgspec

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.desk.stamps import format_micros
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import BatchId
from backchannel.stix.markings import UNMARKED, Tlp, marked, parse_tlp
from backchannel.store.exchange import AlsoPut, ClassRow, Collectable, CollectionRow, NewCollected
from backchannel.store.interface import Store

CHUNK_OBJECTS: Final = 10_000
"""Objects put in at once: bounds memory."""
MAX_CLASSES: Final = 4_096
"""Most classes of a collection: a page looks at each. Real ones have some dozens; what would need more is
kept as TLP:RED."""
MAX_MARKINGS: Final = 16
"""Most markings of one object that are looked up; one that names more is TLP:RED."""

_MILLISECOND: Final = 1_000
_MARKING = re.compile(r"marking-definition--[0-9a-fA-F-]{36}\Z")


class Terms(msgspec.Struct, frozen=True):
    """On which terms objects are put in a collection."""

    batch_id: int
    """The batch that brings them; 0: by hand."""
    party_row: int
    """Whom they came from, or whom what we answer is for; 0: nobody named."""
    default_tlp: str
    """Label of what comes unmarked, as `Tlp` spells its values; "": none."""


class Brought(msgspec.Struct, frozen=True):
    """A batch that was completed."""

    batch_id: BatchId
    party_row: int | None
    """Whom it came from."""
    tlp: str | None
    """Label of what came in it unmarked."""
    now: int
    """Microseconds since 1970."""


Put = Callable[[Store, Brought], int]
"""Puts what a batch brought in collections, inside the transaction that completes it; returns how many."""

Outcome = Literal["added", "already", "conflict"]


class Placed(msgspec.Struct, frozen=True):
    """What became of one object."""

    outcome: Outcome
    """`conflict`: another content is in the collection under the same id and version."""
    added: int
    """Stamp of it; of a conflict, of the other one."""
    class_row: int
    """Its class; of a conflict, that of the other one."""


def terms_of(collection: CollectionRow, brought: Brought) -> Terms:
    """Return the terms of a batch in a collection: its own default marking counts, else the collection's."""
    label = brought.tlp or collection.default_tlp
    return Terms(brought.batch_id, brought.party_row or 0, parse_tlp(label).value if label else "")


def collect_batch(store: Store, brought: Brought, into: Sequence[CollectionRow] = ()) -> list[int]:
    """Put what a batch brought in the named collections, and in those that gather everything.

    Args:
        store: inside the transaction that completes the batch.
        brought: the batch.
        into: the collections named.

    Returns:
        How many were added to each of `into`.
    """
    rows = {one.collection_row: one for one in (*into, *store.collections.gathering())}
    counts = {row: put_batch_in(store, brought, one)["added"] for row, one in rows.items()}
    return [counts[one.collection_row] for one in into]


def put_batch_in(store: Store, brought: Brought, collection: CollectionRow) -> Counter[Outcome]:
    """Put what a batch brought in one collection; return how many had which outcome."""
    terms = terms_of(collection, brought)
    store.collected.note_batch(brought.batch_id, collection.collection_row, terms.default_tlp)
    outcomes: Counter[Outcome] = Counter()
    for chunk in _chunks(store.collected.of_batch(brought.batch_id)):
        placed = collect(store, collection.collection_row, chunk, terms, now=brought.now)
        outcomes.update(one.outcome for one in placed)
    return outcomes


def put_by_hand(store: Store, collection: CollectionRow, ids: Sequence[str], *, now: int) -> list[Placed]:
    """Put the versions in force of objects that we hold in a collection, in their order of arrival."""
    found: dict[int, tuple[Collectable, int, Tlp]] = {}
    for one, party_row, came_as in store.collected.named(ids):
        label = came_as or collection.default_tlp
        tlp = parse_tlp(label) if label else UNMARKED
        _, _, before = found.get(one.object_row, (one, party_row, tlp))
        found[one.object_row] = (one, party_row, max(before, tlp, key=lambda label: label.strictness))
    placed: list[Placed] = []
    for (party_row, tlp), group in groupby(found.values(), key=lambda row: row[1:]):
        terms = Terms(0, party_row, tlp.value)
        placed += collect(store, collection.collection_row, [row[0] for row in group], terms, now=now)
    return placed


def put_back(store: Store, left: Sequence[AlsoPut], *, now: int) -> None:
    """Put in what an undone batch had been the first to put in, and another one had brought too."""
    key = attrgetter("collection_row", "batch_id", "party_row", "default_tlp")
    for (collection_row, batch_id, party_row, tlp), group in groupby(sorted(left, key=key), key=key):
        if store.collections.by_row(collection_row) is not None:
            terms = Terms(batch_id, party_row, tlp)
            collect(store, collection_row, [one.object for one in group], terms, now=now)


def collect(
    store: Store,
    collection_row: int,
    objects: Sequence[Collectable],
    terms: Terms,
    *,
    now: int,
    values: Sequence[JsonObject] | None = None,
    stamps: Sequence[int] | None = None,
) -> list[Placed]:
    """Put objects in a collection.

    Args:
        store: inside a write transaction.
        collection_row: the collection.
        objects: in the order in which they are to stand.
        terms: the terms of all of them.
        now: microseconds since 1970.
        values: the decoded objects, where they are at hand.
        stamps: a stamp for each object, rising and above all that the collection has given; else made of `now`.

    Returns:
        What became of each, in their order.

    Raises:
        NotFoundError: the collection was removed.
        UsageError: a new object's stamp is not above all that the collection has given.
    """
    collection = store.collections.by_row(collection_row)
    if collection is None:
        raise NotFoundError(
            "the collection was removed meanwhile", hint="See `backchannel taxii collection list`."
        )
    kinds = _Kinds(store, collection_row, terms)
    floors = store.floors.of([one.object_row for one in objects])
    private = _private(store, objects)
    here: dict[str, list[_Here]] = {}
    for sibling in store.collected.siblings(collection_row, {one.stix_id for one in objects}):
        here.setdefault(sibling.stix_id, []).append(_Here(*sibling[1:], False))
    found: list[tuple[Outcome, _Here]] = []
    fresh: list[_Here] = []
    joined: list[int] = []
    for n, one in enumerate(objects):
        held = here.setdefault(one.stix_id, [])
        outcome, other = _met(one, held)
        kind = None
        if outcome != "conflict":
            kind = (
                kinds.private(one)
                if one.stix_id in private
                else kinds.of(one, None if values is None else values[n], floors.get(one.object_row, ()))
            )
        if other is None and kind is not None:
            other = _Here(one.version_key, one.spec_version, n, one.object_row, kind.class_row, bool(held))
            joined += [version.added for version in held if not version.is_fresh]
            for version in held:
                version.versions = True
            held.append(other)
            fresh.append(other)
            other.is_fresh = True
        elif other is not None and kind is not None and not other.is_fresh:
            kinds.narrow(other, kind)
        if other is not None:
            found.append((outcome, other))
    _stamp(store, collection, fresh, terms, now, stamps)
    store.collected.have_versions(collection_row, joined)
    return [Placed(outcome, other.added, other.class_row) for outcome, other in found]


def narrow_floored(store: Store, batch_id: BatchId) -> None:
    """Let nothing go on from a collection further than the relays of a batch allow. Inside its transaction."""
    kinds: dict[int, _Kinds] = {}
    places = list(store.floors.places(batch_id))
    floors = store.floors.of({one.object_row for one in places})
    for one in places:
        of_collection = kinds.get(one.collection_row)
        if of_collection is None:
            of_collection = kinds[one.collection_row] = _Kinds(store, one.collection_row, Terms(0, 0, ""))
        stricter = of_collection.lower(one.class_row, floors.get(one.object_row, ()))
        if stricter is not None:
            store.collected.reclass(one.collection_row, one.added, stricter.class_row)


def _private(store: Store, objects: Sequence[Collectable]) -> frozenset[str]:
    """Return the notes among objects that carry what is said between two parties."""
    notes = [one.stix_id for one in objects if one.type == "note"]
    found = store.statements.carrying(notes) if notes else {}
    return frozenset(stix_id for stix_id, note in found.items() if note.is_private)


class _Here:
    """One object of a collection."""

    __slots__ = ("added", "class_row", "is_fresh", "object_row", "spec_version", "version_key", "versions")

    def __init__(
        self, version_key: str, spec_version: str, added: int, object_row: int, class_row: int, versions: bool
    ) -> None:
        self.version_key, self.spec_version, self.object_row = version_key, spec_version, object_row
        self.added = added
        """Its stamp; of a fresh one, until it has its stamp, its place in the list of objects."""
        self.class_row, self.versions, self.is_fresh = class_row, versions, False


def _met(one: Collectable, held: Sequence[_Here]) -> tuple[Outcome, _Here | None]:
    """Return whether an object is in the collection already, or what contradicts it there."""
    contradicting: _Here | None = None
    for other in held:
        if other.object_row == one.object_row:
            return "already", other
        if other.version_key == one.version_key:
            contradicting = other
    return ("added" if contradicting is None else "conflict"), contradicting


def _stamp(
    store: Store,
    collection: CollectionRow,
    fresh: Sequence[_Here],
    terms: Terms,
    now: int,
    stamps: Sequence[int] | None,
) -> None:
    """Give each fresh object its stamp and put it in."""
    if not fresh:
        return
    last = max(now, collection.last_added + len(fresh))
    last += -last % _MILLISECOND
    for n, one in enumerate(fresh, 1):
        one.added = last - len(fresh) + n if stamps is None else stamps[one.added]
    if stamps is not None and fresh[0].added <= collection.last_added:
        raise UsageError(
            f"the collection has given {format_micros(collection.last_added)} already, and an object would come "
            f"with {format_micros(fresh[0].added)}: who has read so far would never see it",
            hint="Nothing was imported. Import into a new collection.",
        )
    store.collected.put(
        [
            NewCollected(
                collection.collection_row,
                one.added,
                one.object_row,
                one.class_row,
                terms.batch_id,
                one.versions,
            )
            for one in fresh
        ]
    )
    store.collections.set_last_added(collection.collection_row, fresh[-1].added)


class _Kinds:
    """The classes of one collection, as far as one lot of objects needs them."""

    def __init__(self, store: Store, collection_row: int, terms: Terms) -> None:
        self._store, self._collection_row, self._terms = store, collection_row, terms
        self._by_row = {kind.class_row: kind for kind in store.collected.classes(collection_row)}
        self._by_key = {_key(kind): kind for kind in self._by_row.values()}

    def of(self, one: Collectable, value: JsonObject | None, floors: Sequence[str] = ()) -> ClassRow:
        """Return the class of an object on these terms, and below what relays let it go as."""
        tlp, refs = marked(codec.decode(one.body) if value is None else value)
        if len(refs) > MAX_MARKINGS or not all(map(_MARKING.match, refs)):
            tlp, refs = Tlp.RED, []
        marked_by = "\n".join(sorted(set(refs))) if refs else ""
        return self._floored(self._class(one, "" if tlp is None else tlp.value, marked_by), floors)

    def lower(self, class_row: int, floors: Sequence[str]) -> ClassRow | None:
        """Return the class for what is in another one and may go no further than `floors`; None: it goes no further now."""
        had = self._by_row.get(class_row)
        found = None if had is None else self._floored(had, floors)
        return None if found is None or found.class_row == class_row else found

    def _floored(self, kind: ClassRow, floors: Sequence[str]) -> ClassRow:
        """Return the class of what relays let go less far: a label of its own, or of what comes unmarked, is raised."""
        if not floors:
            return kind
        floor = max(map(Tlp, floors), key=lambda tlp: tlp.strictness)
        if not kind.tlp and not kind.marked_by:
            default = max(_default(kind), floor, key=lambda tlp: tlp.strictness)
            return self._known(msgspec.structs.replace(kind, default_tlp=default.value))
        own = floor if not kind.tlp else max(Tlp(kind.tlp), floor, key=lambda tlp: tlp.strictness)
        return self._known(msgspec.structs.replace(kind, tlp=own.value))

    def private(self, one: Collectable) -> ClassRow:
        """Return the class of what only the party of these terms sees, however it is marked."""
        return self._class(one, Tlp.RED.value, "")

    def _class(self, one: Collectable, tlp: str, marked_by: str) -> ClassRow:
        terms = self._terms
        return self._known(
            ClassRow(0, one.type, one.spec_version, tlp, marked_by, terms.default_tlp, terms.party_row)
        )

    def narrow(self, other: _Here, kind: ClassRow) -> None:
        """Put what is in the collection in a stricter class, where it comes unmarked under a stricter label."""
        had = self._by_row.get(other.class_row)
        if had is None or _default(kind).strictness <= _default(had).strictness:
            return
        stricter = self._known(msgspec.structs.replace(had, default_tlp=kind.default_tlp))
        self._store.collected.reclass(self._collection_row, other.added, stricter.class_row)
        other.class_row = stricter.class_row

    def _known(self, kind: ClassRow) -> ClassRow:
        found = self._by_key.get(_key(kind))
        if found is None:
            if len(self._by_key) >= MAX_CLASSES:
                kind = ClassRow(0, "", "", Tlp.RED.value, "", "", 0)
            found = self._store.collected.class_of(self._collection_row, kind)
            self._by_row[found.class_row] = self._by_key[_key(found)] = found
        return found


def _key(kind: ClassRow) -> tuple[str | int, ...]:
    return msgspec.structs.astuple(kind)[1:]


def _default(kind: ClassRow) -> Tlp:
    return Tlp(kind.default_tlp) if kind.default_tlp else UNMARKED


def _chunks(objects: Iterator[Collectable]) -> Iterator[list[Collectable]]:
    while chunk := list(islice(objects, CHUNK_OBJECTS)):
        yield chunk
