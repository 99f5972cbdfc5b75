"""Write a MISP feed into a folder: what we hold, or a collection has, and may give to its reader, as events.

The policy decides object by object; what it withholds is counted with the reason. The folder belongs to the
feed: `feed.json` beside its files says what was written, and what is no longer given is taken away. A folder
that holds anything else is never written over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from backchannel import codec
from backchannel.clock import Clock, FixedClock
from backchannel.codec import JsonObject
from backchannel.desk.access import Caller, access_of_party
from backchannel.desk.deciding import Sight, decisions, sight
from backchannel.desk.exporting import ExportFile
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.policy_file import in_force
from backchannel.desk.publishing import collection_named
from backchannel.desk.shelves import events_of, read_objects, seen
from backchannel.desk.weighing import Weighing, to_party
from backchannel.desk.writing import write_files
from backchannel.errors import InputError, UsageError
from backchannel.ids import sha256
from backchannel.misp.event import Event, Org
from backchannel.misp.feed import HASHES, MANIFEST, attributes_of, feed_of
from backchannel.misp.fields import UUID_FORM
from backchannel.misp.from_stix import Publisher, Returned, from_stix
from backchannel.misp.losses import Loss
from backchannel.stix.markings import Tlp
from backchannel.stix.visible import visible
from backchannel.store.exchange import CollectionRow, Place
from backchannel.store.rows import First, Kept, PartyRow

STATE: Final = "feed.json"
MAX_OBJECTS: Final = 200_000
"""Most objects of one feed: an event is made as a whole, so all of them are in memory at once."""
MAX_LOSSES_TOLD: Final = 1_000
"""Kinds of losses that one report names; it counts all of them."""
MAX_STATE_BYTES: Final = 64 * 2**20
PAGE_ROWS: Final = 500
PAGE_SCAN: Final = 5_000


class FeedLoss(msgspec.Struct, frozen=True, kw_only=True):
    """What MISP has no place for."""

    field: str
    """`indicator.valid_until`, or the type of an object that was left out."""
    reason: str
    count: int
    id: str
    """The first object that it was lost of."""


class FeedReport(msgspec.Struct, frozen=True, kw_only=True):
    """`export misp-feed -o DIR --json`."""

    schema: Literal["backchannel.feed/1"] = "backchannel.feed/1"
    folder: str
    to: str | None
    """The party whom it is for; None: anybody."""
    collection: str | None
    """Its id; None: whatever we hold."""
    files: tuple[ExportFile, ...]
    changed: bool
    """Some file's content differs from what lay there before."""
    objects: int
    """In force, and looked at; of a collection every version in it."""
    events: int
    attributes: int
    withheld: int
    """Objects that the policy does not let go."""
    withheld_by_reason: dict[str, int]
    losses: tuple[FeedLoss, ...]
    """The most frequent first; at most 1,000 kinds."""
    losses_total: int


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """`feed.json`."""

    schema: Literal["backchannel.feed-files/1"] = "backchannel.feed-files/1"
    to: str | None
    collection: str | None = None
    files: tuple[ExportFile, ...]


def export_feed(
    node: Node,
    clock: Clock,
    folder: Path,
    *,
    to: str | None = None,
    collection: str | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> FeedReport:
    """Write what may go to a party as a MISP feed.

    Args:
        node: whose store is exported.
        clock: decides the present.
        folder: for this feed alone; made where it is missing.
        to: name of the party whom it is for; None: anybody may read it.
        collection: id, alias or title of a collection, of which the party gets what its rights and the policy let it
            read over TAXII too; None: whatever we hold.
        on_progress: called with the number of objects read so far.

    Raises:
        NotFoundError: there is no such collection.
        UsageError: there is no such party, or the folder holds files that are not ours or another party's feed.
        InputError: the folder cannot be written, or there is more than a feed holds.
    """
    recipient = _recipient(node, to)
    row = None if collection is None else collection_named(node.store, collection)
    state = FeedState(
        to=recipient.name if recipient else None, collection=row.collection_id if row else None, files=()
    )
    before = _before(folder, state)
    if row is None:
        sorted_ = _of_node(node, clock, recipient, on_progress)
    else:
        sorted_ = _of_collection(node, clock, recipient, row)
    made = sorted_.made
    feed = feed_of(made.events)
    contents = {
        **{f"{name}.json": body for name, body in feed.events.items()},
        HASHES: feed.hashes,
        MANIFEST: feed.manifest,  # last: whoever fetches what it names finds it
    }
    _only_ours(folder, contents, before)
    files = tuple(_file(name, data) for name, data in contents.items())
    state = msgspec.structs.replace(state, files=files)
    write_files(folder, {**contents, STATE: codec.encode(state) + b"\n"})
    _take_away(folder, before.keys() - contents.keys())
    return FeedReport(
        folder=str(folder),
        to=state.to,
        collection=state.collection,
        files=files,
        changed={file.name: file.sha256 for file in files} != before,
        objects=sorted_.looked_at,
        events=len(made.events),
        attributes=_count(made.events),
        withheld=sorted_.withheld.total(),
        withheld_by_reason=dict(sorted_.withheld.most_common()),
        losses=_grouped(made.losses),
        losses_total=len(made.losses),
    )


class _Sorted(NamedTuple):
    """What may go, made into events, and what stays."""

    made: Returned
    looked_at: int
    withheld: Counter[str]


def _of_node(
    node: Node, clock: Clock, recipient: PartyRow | None, on_progress: Callable[[int], None] | None
) -> _Sorted:
    sorting = _Sorting(node, recipient, clock.now())
    values = sorting.values(Reader(node, clock), on_progress)
    own = Org(_uuid(node.party.party_id), node.party.name)
    publisher = Publisher(own, f"{node.party.name}: indicators", "feed")
    made = from_stix(
        values, publisher, known=lambda one: sorting.markings.get(one, {}), defaults=sorting.defaults
    )
    return _Sorted(made, sorting.looked_at, sorting.withheld)


def _of_collection(node: Node, clock: Clock, recipient: PartyRow | None, row: CollectionRow) -> _Sorted:
    """Sort a collection as its server does: by the rights that the recipient has there, and the policy.

    Raises:
        InputError: it holds more than is made into events.
    """
    now, store = clock.now(), node.store
    with store.snapshot():
        right = access_of_party(store, recipient, row, now=now)
        caller = Caller(recipient)
        may = sight(node, caller, right, now=now, purpose="misp")
        reasons = {
            kind.class_row: decision.reasons[-1].text
            for kind, decision in decisions(node, caller, right, now=now, purpose="misp")
        }
        withheld: Counter[str] = Counter()
        looked_at = 0
        places = store.collected.walk(row.collection_row, after=0)
        while lot := list(islice(places, PAGE_ROWS)):
            looked_at += len(lot)
            withheld.update(_why(may, lot, reasons))
        what = seen(node, clock, caller, right)
        objects = read_objects(node, what)
    return _Sorted(events_of(node, what, objects), looked_at, withheld)


def _why(may: Sight, lot: Sequence[Place], reasons: Mapping[int, str]) -> Iterator[str]:
    """Yield why each of those stays that stay."""
    shown = {place.object_row for place in may.visible(lot)}
    hidden = [place for place in lot if place.object_row not in shown]
    looked_at = may.decided([place for place in hidden if place.class_row in may.classes])
    for place in hidden:
        own = looked_at.get(place.object_row)
        yield own.reasons[-1].text if own is not None else reasons[place.class_row]


class _Sorting:
    """Reads what is in force, and asks the policy of each object."""

    def __init__(self, node: Node, recipient: PartyRow | None, now: datetime) -> None:
        self._node, self._recipient = node, recipient
        to, force = to_party(node, recipient, "feed"), in_force(node)
        self._weighing = Weighing(node, FixedClock(now), to, force)
        self.looked_at = 0
        self.withheld: Counter[str] = Counter()
        self.markings: dict[str, Mapping[str, Tlp | None]] = {}
        """Id of what may go to what its markings mean that are no labels of TLP's own."""
        self.defaults: dict[str, Tlp] = {}
        """Id of what may go to the strictest label under which it came."""

    def values(self, reader: Reader, on_progress: Callable[[int], None] | None) -> list[JsonObject]:
        """Return what may go, as STIX 2.1, oldest first.

        Raises:
            InputError: there is more than a feed holds.
        """
        found: list[JsonObject] = []
        for page in _pages(self._node):
            firsts = self._node.store.objects.firsts([kept.object_row for kept in page])
            decided = self._weighing.decisions(page, self._weighing.requests(page, reader), reader)
            for kept in page:
                self.looked_at += 1
                first, decision = firsts[kept.object_row], decided[kept.object_row]
                if not decision.allowed:
                    self.withheld[decision.reasons[-1].text] += 1
                else:
                    made = reader.view(kept).objects
                    found.extend(made)
                    if known := reader.known(made, first.party):
                        self.markings |= {value["id"]: known for value in made}
                    if any(first.tlps) and not self._is_source(first):
                        self.defaults[kept.stix_id] = reader.tlp(kept, first)
            if len(found) > MAX_OBJECTS:
                raise InputError(
                    f"there are more than {MAX_OBJECTS:,} objects, which is more than one MISP feed holds",
                    hint="Offer them as a TAXII collection.",
                )
            if on_progress is not None:
                on_progress(self.looked_at)
        return found[::-1]

    def _is_source(self, first: First) -> bool:
        """Whether the recipient alone sent it to us: it goes back as it came."""
        return self._recipient is not None and first.party == self._recipient.name and first.parties == 1


def _pages(node: Node) -> Iterator[list[Kept]]:
    place: int | None = None
    while True:
        page, place = node.store.objects.newest(None, before=place, rows=PAGE_ROWS, scan=PAGE_SCAN)
        shown = [kept for kept in page if not kept.quarantined]
        if shown:
            yield shown
        if place is None:
            return


def _recipient(node: Node, name: str | None) -> PartyRow | None:
    if name is None:
        return None
    found = node.store.parties.by_name(name)
    if found is None:
        raise UsageError(
            f"there is no party {visible(name, max_chars=80)}", hint="See `backchannel party list`."
        )
    return found


def _before(folder: Path, own: FeedState) -> dict[str, str]:
    """Return name and SHA-256 of what the feed before wrote; nothing for a folder without one.

    Raises:
        UsageError: it is the feed of another party or collection, or its `feed.json` is none of ours.
    """
    path = folder / STATE
    if not path.exists():
        return {}
    hint = "Give each feed a folder of its own with -o, or move that file away."
    try:
        if path.stat().st_size > MAX_STATE_BYTES:
            raise ValueError("too large")
        value = codec.decode(path.read_bytes())
        if value["schema"] != "backchannel.feed-files/1":
            raise ValueError("another schema")
        files = {str(file["name"]): str(file["sha256"]) for file in value["files"]}
        held = FeedState(to=value["to"], collection=value.get("collection"), files=())
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is not of a feed of ours, so nothing is written there", hint=hint) from None
    if held != own:
        raise UsageError(f"{folder} holds the feed for {_named(held)}, not for {_named(own)}", hint=hint)
    return {name: digest for name, digest in files.items() if _is_name(name)}


def _named(state: FeedState) -> str:
    to = "anybody" if state.to is None else visible(str(state.to), max_chars=80)
    return to if state.collection is None else f"{to} of {visible(str(state.collection), max_chars=80)}"


def _is_name(name: str) -> bool:
    """Whether a file of that name can be of a feed: its names are taken away, so no other is believed."""
    return name in {MANIFEST, HASHES} or (name.endswith(".json") and UUID_FORM.match(name[:-5]) is not None)


def _only_ours(folder: Path, files: Mapping[str, bytes], before: Mapping[str, str]) -> None:
    for name in files:
        if name not in before and (folder / name).exists():
            raise UsageError(
                f"{folder / name} was there before and is not ours, so it is not written over",
                hint="Name an empty folder with -o.",
            )


def _take_away(folder: Path, names: Iterator[str] | set[str]) -> None:
    for name in names:
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{folder / name} cannot be taken away: {error.strerror}") from error


def _grouped(losses: Sequence[Loss]) -> tuple[FeedLoss, ...]:
    counts = Counter((loss.field, loss.reason) for loss in losses)
    first: dict[tuple[str, str], str] = {}
    for loss in losses:
        first.setdefault((loss.field, loss.reason), loss.id)
    return tuple(
        FeedLoss(field=field, reason=reason, count=count, id=visible(first[field, reason]))
        for (field, reason), count in counts.most_common(MAX_LOSSES_TOLD)
    )


def _count(events: Sequence[Event]) -> int:
    return sum(1 for event in events for _ in attributes_of(event))


def _file(name: str, data: bytes) -> ExportFile:
    return ExportFile(name=name, sha256=sha256(data).hex(), bytes=len(data), lines=data.count(b"\n"))


def _uuid(party_id: str) -> str:
    return party_id.partition("--")[2]
