"""Collections as MISP events: made once for each reader, and kept until what it may see has changed.

What a reader may see is asked anew each time; only then are the events that were made of exactly that handed
out again. Whatever goes out is recorded, durably, before its bytes are handed out.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.codec import JsonObject
from backchannel.desk.access import Access, Caller, NotAllowedError, NotThereError, access
from backchannel.desk.deciding import Sight, sight
from backchannel.desk.defining import Definitions, stricter
from backchannel.desk.node import Node
from backchannel.desk.policy_file import in_force
from backchannel.errors import InputError
from backchannel.ids import Digest, sha256
from backchannel.misp.event import Event, Org
from backchannel.misp.feed import Feed, distinct, feed_of
from backchannel.misp.from_stix import Publisher, Returned, from_stix
from backchannel.stix.markings import Tlp
from backchannel.stix.read import raw_object
from backchannel.stix.versions import view
from backchannel.store.exchange import PageSent, Place
from backchannel.store.object_runs import write_runs

MAX_OBJECTS: Final = 50_000
"""Most objects of a collection that are made into events: all of them are in memory at once, some 10 KiB each."""
MAX_KEPT: Final = 8
"""Collections kept in memory as events, each for one kind of reader."""
CHUNK_ROWS: Final = 1_000
CHUNK_BYTES: Final = 8 * 2**20
MAX_BYTES: Final = 32 * 2**20
"""Most bytes of such a collection; decoded, they take some ten times as much."""


class TooMuchError(InputError):
    """A collection holds more than is made into events."""

    http_status = 413
    hint = "Read it over TAXII, or ask for a smaller collection."


class Seen(msgspec.Struct, frozen=True):
    """What of a collection one reader sees."""

    right: Access
    places: tuple[Place, ...]
    """Oldest first."""
    labels: Mapping[int, Tlp]
    """Class of what bears no marking itself to the label under which it came; what the reader sent us itself goes
    back as it came."""
    givers: Mapping[int, int]
    """Class to whom its objects came from (`ClassRow.party_row`)."""


class Objects(NamedTuple):
    """What is made into events."""

    values: list[JsonObject]
    """As STIX 2.1, in their order."""
    defaults: Mapping[str, Tlp]
    """Id of what bears no marking itself to the label under which it came: the strictest, where versions differ."""
    known: Mapping[str, Mapping[str, Tlp | None]]
    """Id of what bears another marking to what that means, as far as whoever gave it may say so."""


class Shelf(msgspec.Struct, frozen=True):
    """One collection as one reader sees it."""

    right: Access
    places: tuple[Place, ...]
    """What of it the reader sees, oldest first."""
    runs: bytes
    """The objects in these places (`store.object_runs`)."""
    events: tuple[Event, ...]
    feed: Feed

    @property
    def changed_at(self) -> int | None:
        """When the newest object was put in: microseconds since 1970."""
        return self.places[-1].added if self.places else None


class Shelves:
    """What was made of collections, kept. One for a running server; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, bool], tuple[State, bytes, Shelf]] = OrderedDict()
        self._lock = threading.Lock()

    def shelf(self, node: Node, clock: Clock, caller: Caller, collection: str) -> Shelf:
        """Return a collection as events.

        Args:
            node: the open node.
            clock: decides the present.
            caller: who asks.
            collection: its id, or its alias.

        Raises:
            NotThereError: there is none in which the caller has any right.
            NotAllowedError: the caller may not read it.
            TooMuchError: it holds more than is made into events.
        """
        with node.store.snapshot():
            right = right_of(node, caller, collection)
            may = sight(node, caller, right, now=clock.now(), purpose="misp")
            key = (right.collection.collection_row, _party(caller), right.is_named_reader)
            state = state_of(node, right, may)
            with self._lock:
                known = self._kept.get(key)
            if known is not None and known[0] == state:
                return self._keep(key, known)
            print_ = print_of(node, right, may)
            if known is not None and known[1] == print_:
                return self._keep(key, (state, print_, known[2]))
            what = seen(node, clock, caller, right)
            objects = read_objects(node, what)
        return self._keep(key, (state, print_, _shelf(node, what, objects)))

    def _keep(self, key: tuple[int, int, bool], made: tuple[State, bytes, Shelf]) -> Shelf:
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return made[2]


State = tuple[object, ...]


def state_of(node: Node, right: Access, what: Sight) -> State:
    """Return what is equal only as long as the same is seen of a collection: to be told without reading it.

    Args:
        node: the open node, inside a snapshot of its store.
        right: what the caller may do in the collection.
        what: what of it the caller may see.
    """
    one = right.collection
    rises = (one.last_added, node.store.collected.generation())
    return (one.collection_row, one.title, what.mark, _labels(what), *rises)


def print_of(node: Node, right: Access, what: Sight) -> bytes:
    """Return what is equal exactly as long as the same is seen: worked out from each place, where `state_of` differs."""
    one = right.collection
    digest = hashlib.sha256(f"{one.title}\x1f{what.force.policy.version}\x1f{sorted(_labels(what))}".encode())
    for place in what.walk(node.store.collected.walk(one.collection_row, after=0)):
        digest.update(b"%d:%d," % (place.added, place.class_row))
    return digest.digest()


def _labels(what: Sight) -> frozenset[tuple[int, str]]:
    """Return how far what is seen may go, by class: what a marking means may change, and its tags with it."""
    return frozenset((row, what.kinds.requests[row].tlp.label) for row in what.classes)


def seen(node: Node, clock: Clock, caller: Caller, right: Access) -> Seen:
    """Return what of a collection a caller sees, inside a snapshot of the store.

    Args:
        node: the open node.
        clock: decides the present.
        caller: who asks.
        right: what the caller may do in the collection.

    Raises:
        TooMuchError: it holds more than is made into events.
    """
    store = node.store
    may = sight(node, caller, right, now=clock.now(), purpose="misp")
    found: list[Place] = []
    for place in may.walk(store.collected.walk(right.collection.collection_row, after=0)):
        found.append(place)
        if len(found) > MAX_OBJECTS:
            raise TooMuchError(
                f"the collection holds more than {MAX_OBJECTS:,} objects: too many to be made into events"
            )
    labels = {
        row: Tlp(kind.default_tlp)
        for row, kind in may.classes.items()
        if kind.default_tlp and not kind.tlp and not (kind.party_row and kind.party_row == _party(caller))
    }
    givers = {row: kind.party_row for row, kind in may.classes.items()}
    return Seen(right, tuple(found), labels, givers)


def read_objects(node: Node, what: Seen) -> Objects:
    """Read what is seen of a collection.

    Raises:
        TooMuchError: it is longer than is made into events.
    """
    found: list[JsonObject] = []
    defaults: dict[str, Tlp] = {}
    known: dict[str, Mapping[str, Tlp | None]] = {}
    definitions = Definitions(node.store)
    rows = [place.object_row for place in what.places]
    at = size = 0
    while at < len(rows):
        # What would be too long for one step is left to the next.
        read = node.store.collected.bodies(rows[at : at + CHUNK_ROWS], at_most_bytes=CHUNK_BYTES)
        for place, (stix_id, _, spec_version, body) in zip(what.places[at:], read, strict=False):
            size += len(body)
            label = what.labels.get(place.class_row)
            if label is not None:
                defaults[stix_id] = max(label, defaults.get(stix_id, label), key=lambda one: one.strictness)
            value = codec.decode(body)
            is_21 = spec_version == "2.1"
            made = [value] if is_21 else view(raw_object(body, value, spec_version)).objects
            found.extend(made)
            means = definitions.known_of(made, what.givers.get(place.class_row, 0))
            for one in made if means else ():
                known[one["id"]] = stricter(known.get(one["id"], {}), means)
        at += len(read)
        if size > MAX_BYTES:
            raise TooMuchError(
                f"the collection holds more than {MAX_BYTES // 2**20} MiB: too much to be made into events"
            )
    return Objects(found, defaults, known)


class Sent(NamedTuple):
    """Something that goes out, and what of a collection it was made of."""

    first_added: int
    last_added: int
    objects: int
    sha256: Digest
    runs: bytes | None
    """Which objects (`store.object_runs`); None: more than `MAX_OBJECTS`."""

    @classmethod
    def of(cls, shelf: Shelf, body: bytes) -> Sent:
        """Return that `body` was made of what is on a shelf."""
        places = shelf.places
        ends = (places[0].added, places[-1].added) if places else (0, 0)
        return cls(*ends, len(places), sha256(body), shelf.runs)


def record(node: Node, clock: Clock, caller: Caller, right: Access, sent: Sent) -> None:
    """Keep that something made of objects goes out; when this returns, it is on the disk."""
    if not sent.objects:
        return
    row = PageSent(
        format_time(clock.now()),
        caller.party.party_row if caller.party else None,
        caller.token_row,
        right.collection.collection_row,
        "objects",
        sent.first_added,
        sent.last_added,
        sent.objects,
        in_force(node).policy.version,
        sent.sha256,
    )
    with node.store.transaction():
        node.store.statuses.sent(row, what="made", runs=sent.runs)


def right_of(node: Node, caller: Caller, collection: str) -> Access:
    """Return what a caller may do in a collection that it may read, by its id or alias.

    Raises:
        NotThereError: there is none in which the caller has any right.
        NotAllowedError: the caller may not read it.
    """
    store = node.store
    row = store.collections.by_id(collection)
    if row is None:
        row = next((one for one in store.collections.all() if one.alias == collection), None)
    if row is None:
        raise NotThereError("there is no such collection")
    right = access(store, caller, row.root_id, row.collection_id)
    if not right.can_read:
        raise NotAllowedError("this collection may be written, but not read, with these credentials")
    return right


def _party(caller: Caller) -> int:
    return caller.party.party_row if caller.party else 0


def _shelf(node: Node, what: Seen, objects: Objects) -> Shelf:
    events = distinct(events_of(node, what, objects).events)
    runs = write_runs([place.object_row for place in what.places])
    return Shelf(what.right, what.places, runs, tuple(events), feed_of(events))


def events_of(node: Node, what: Seen, objects: Objects) -> Returned:
    """Return the events of the objects of a collection."""
    own = Org(node.party.party_id.partition("--")[2], node.party.name)
    publisher = Publisher(own, what.right.collection.title, what.right.collection.collection_id)
    return from_stix(
        objects.values, publisher, known=lambda one: objects.known.get(one, {}), defaults=objects.defaults
    )
