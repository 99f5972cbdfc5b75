"""Take what is posted to a collection: object by object, each with its own verdict, the good ones kept.

A POST is one batch like any other, written with its status resource in one transaction: when the answer goes
out, everything in it is on the disk; killed before that, nothing of it is there. What is posted waits its
turn behind other imports, a bounded time, and no more than a bounded number wait.
"""

from __future__ import annotations

import io
import re
import threading
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.access import Access, Caller, NotAllowedError, NotThereError, access, root_of
from backchannel.desk.collecting import Brought, Placed, collect, collect_batch, terms_of
from backchannel.desk.deciding import sight
from backchannel.desk.filing import Filing
from backchannel.desk.hearing import Hearing
from backchannel.desk.lock import StillHeldError, import_lock
from backchannel.desk.node import Node
from backchannel.desk.receive import remove_abandoned
from backchannel.desk.records import record_received
from backchannel.desk.stamps import format_micros, to_micros
from backchannel.desk.taxii import BusyError, StatusResource, UnreadableError, Verdict
from backchannel.errors import StoreError
from backchannel.ids import BatchId
from backchannel.intake.documents import read_piece
from backchannel.intake.received import Received, Refused
from backchannel.stix.called import called
from backchannel.stix.markings import parse_tlp
from backchannel.stix.split import DocumentError, Piece, split
from backchannel.stix.visible import visible
from backchannel.store.exchange import Collectable
from backchannel.store.rows import Arrived, version_key

MAX_WAITING: Final = 32
"""Most POSTs at once, the one being written included: each holds its body in memory."""
WAIT_S: Final = 20.0
"""How long a POST waits for its turn; most clients give up after 30 s."""
RETRY_AFTER_S: Final = 5
STATUS_KEPT_US: Final = 7 * 24 * 3600 * 10**6
"""How long a status resource is kept, in microseconds: 7 days (TAXII 2.1 §4.3: at least 24 hours)."""
MAX_MESSAGE_CHARS: Final = 1_000
MAX_VERSION_CHARS: Final = 64

CHANNEL: Final = "taxii"

_EMPTY = re.compile(rb"\s*\{\s*\}\s*\Z")

_places = threading.BoundedSemaphore(MAX_WAITING)
_turn = threading.Lock()


def post(
    node: Node, clock: Clock, caller: Caller, root_id: str, collection: str, body: bytes
) -> StatusResource:
    """Take an envelope or a bundle; when this returns, all that it says was kept is on the disk.

    Args:
        node: the open node.
        clock: gives the time of the arrival.
        caller: who posts.
        root_id: the API root.
        collection: id or alias of a collection in it.
        body: JSON.

    Raises:
        NotThereError: there is no such collection in which the caller has any right.
        NotAllowedError: the caller may not write there.
        UnreadableError: the body is not JSON, or no envelope; nothing was taken.
        BusyError: too many POSTs wait, or an import takes long; nothing was taken.
    """
    _writable(node, caller, root_id, collection)
    with _place():
        pieces, items = _read(body)
        with _lock(node):
            posting = _Posting(node, clock, caller, (root_id, collection), pieces, items)
            return posting.write()


def status(node: Node, caller: Caller, root_id: str, status_id: str) -> StatusResource:
    """Return what became of an earlier POST of the same party.

    Raises:
        NotThereError: there was none, it was another party's, or it is longer ago than it is kept.
    """
    root = root_of(node.store, caller, root_id)
    body = None
    if caller.party is not None:
        body = node.store.statuses.get(status_id, root_row=root.root_row, party_row=caller.party.party_row)
    if body is None:
        raise NotThereError("there is no such status")
    value = codec.decode(body)
    verdicts = {name: tuple(Verdict(**one) for one in value.pop(name)) for name in ("successes", "failures")}
    return StatusResource(**(value | verdicts))


def _writable(node: Node, caller: Caller, root_id: str, collection: str) -> Access:
    right = access(node.store, caller, root_id, collection)
    if not right.can_write:
        raise NotAllowedError("this collection may be read, but not written, with these credentials")
    return right


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise BusyError(
            f"{MAX_WAITING} requests to add objects are waiting already", retry_after_s=RETRY_AFTER_S
        )
    try:
        yield
    finally:
        _places.release()


@contextmanager
def _lock(node: Node) -> Iterator[None]:
    """Wait for our turn among the POSTs of this process, then among all imports."""
    if not _turn.acquire(timeout=WAIT_S):
        raise BusyError("other requests to add objects take long", retry_after_s=RETRY_AFTER_S)
    try:
        with import_lock(node.home, wait_s=WAIT_S):
            yield
    except StillHeldError:
        raise BusyError("an import is running", retry_after_s=RETRY_AFTER_S) from None
    finally:
        _turn.release()


def _read(body: bytes) -> tuple[list[Piece], list[Received | Refused]]:
    """Split a body into its objects, and read each."""
    try:
        outline, found = split(io.BytesIO(body))
        pieces = list(found)
    except DocumentError as error:
        raise UnreadableError(
            f"the body is no JSON envelope (line {error.line}, column {error.column}): {error.what}"
        ) from None
    if outline.kind == "object" and _EMPTY.match(body):
        return [], []  # an envelope without objects (TAXII 2.1 §3.7)
    if outline.kind != "bundle":
        raise UnreadableError("the body is JSON, but no envelope and no bundle: it has no list `objects`")
    version = outline.text("spec_version")
    return pieces, [read_piece(f"envelope#{piece.pointer}", piece, version) for piece in pieces]


class _Posting:
    """One POST, once it is its turn."""

    def __init__(
        self,
        node: Node,
        clock: Clock,
        caller: Caller,
        where: tuple[str, str],
        pieces: Sequence[Piece],
        items: Sequence[Received | Refused],
    ) -> None:
        self._node, self._store, self._clock = node, node.store, clock
        self._caller, self._where = caller, where
        self._pieces, self._items = pieces, items
        self._successes: list[Verdict] = []
        self._failures: list[Verdict] = []
        self._hearing = Hearing(node, clock, giver=None if caller.party is None else caller.party.name)
        remove_abandoned(self._store)

    def write(self) -> StatusResource:
        """File, collect and say what became of each object, in one transaction."""
        filing = Filing(self._store.objects, self._store.batches.foresee())
        self._items = [self._hearing.heard(item) for item in self._items]
        arrived = filing.file(self._items)
        with self._store.transaction():
            right = _writable(self._node, self._caller, *self._where)  # it may have changed while we waited
            now = self._clock.now()
            if self._items:
                placed = self._keep(right, filing, arrived)
                self._judge(arrived, placed, self._told(right), to_micros(now))
            found = StatusResource(
                id=str(uuid.uuid4()),
                request_timestamp=to_micros(now),
                total_count=len(self._items),
                success_count=len(self._successes),
                failure_count=len(self._failures),
                successes=tuple(self._successes),
                failures=tuple(self._failures),
            )
            self._keep_status(right, found)
        return found

    def _keep(self, right: Access, filing: Filing, arrived: Arrived) -> dict[int, Placed]:
        """Write the batch and return what became of each arrival in the collection, by its row."""
        store, collection = self._store, right.collection
        now, party = self._clock.now(), self._caller.party
        tlp = parse_tlp(collection.default_tlp).label if collection.default_tlp else None
        opened = store.batches.open(channel=CHANNEL, tlp=tlp, at=format_time(now), files=())
        if opened.batch_id != filing.batch_id:
            raise StoreError(
                "another import ran meanwhile, beside the lock; nothing was taken", hint="Send it again."
            )
        store.objects.add(arrived)
        party_row = party.party_row if party else None
        store.batches.complete(filing.batch_id, filing.counts, party_row=party_row, at=format_time(now))
        self._hearing.keep(filing.batch_id, party_row=party_row)
        brought = Brought(filing.batch_id, party_row, tlp, to_micros(now))
        terms = terms_of(collection, brought)
        store.collected.note_batch(filing.batch_id, collection.collection_row, terms.default_tlp)
        rows, objects, values = [], [], []
        taken = (item for item in self._items if isinstance(item, Received))
        for arrival, item in zip(arrived.arrivals, taken, strict=True):
            if not _is_quarantined(item):
                header = item.raw.header
                rows.append(arrival.arrival_row)
                values.append(item.raw.value)
                objects.append(
                    Collectable(
                        arrival.object_row,
                        header.id,
                        version_key(header.version),
                        header.type,
                        header.spec_version,
                        item.raw.body,
                    )
                )
        placed = collect(store, collection.collection_row, objects, terms, now=brought.now, values=values)
        if store.collections.gathering():
            collect_batch(store, brought)
        self._record(filing.batch_id, now)
        return dict(zip(rows, placed, strict=True))

    def _record(self, batch_id: BatchId, now: datetime) -> None:
        """Enter in the ledger what came."""
        party, digests = self._caller.party, self._store.leaves.digests_of(batch_id)
        name = party.name if party else None
        record_received(self._store, batch_id, party=name, channel=CHANNEL, digests=digests, now=now)

    def _told(self, right: Access) -> Collection[int]:
        """Return the classes of which the caller may know that something was there before it came."""
        party = self._caller.party
        kinds = self._store.collected.classes(right.collection.collection_row)
        own = {kind.class_row for kind in kinds if party is not None and kind.party_row == party.party_row}
        return own | sight(self._node, self._caller, right, now=self._clock.now()).free

    def _judge(self, arrived: Arrived, placed: dict[int, Placed], told: Collection[int], now: int) -> None:
        """Say what became of each object, in their order."""
        arrivals = iter(arrived.arrivals)
        for piece, item in zip(self._pieces, self._items, strict=True):
            if isinstance(item, Refused):
                self._failures.append(_refusal(piece, item, now))
                continue
            header, found = item.raw.header, placed.get(next(arrivals).arrival_row)
            version = header.version or format_micros(now if found is None else found.added)
            if found is None:
                why = next(finding.what for finding in item.findings if finding.level == "quarantine")
                self._failures.append(
                    _verdict(header.id, version, f"kept in quarantine, not in the collection: {why}")
                )
            elif found.outcome == "conflict":
                self._failures.append(_verdict(header.id, version, _CONFLICT))
            elif found.outcome == "already" and found.class_row in told:
                self._successes.append(_verdict(header.id, version, _ALREADY))
            else:
                self._successes.append(_verdict(header.id, version))

    def _keep_status(self, right: Access, found: StatusResource) -> None:
        party = self._caller.party
        if party is None:  # nobody may write without being known
            return
        statuses, at = self._store.statuses, found.request_timestamp
        statuses.prune(before=at - STATUS_KEPT_US)
        body = codec.encode(msgspec.structs.asdict(found))
        statuses.add(
            found.id, root_row=right.collection.root_row, party_row=party.party_row, at=at, body=body
        )


_ALREADY: Final = "the collection has it already"
_CONFLICT: Final = (
    "the collection has another content under the same id and version: send a new version (`modified`)"
)


def _is_quarantined(item: Received) -> bool:
    return any(finding.level == "quarantine" for finding in item.findings)


def _verdict(stix_id: str, version: str, message: str = "") -> Verdict:
    return Verdict(
        stix_id, visible(version, max_chars=MAX_VERSION_CHARS), visible(message, max_chars=MAX_MESSAGE_CHARS)
    )


def _refusal(piece: Piece, item: Refused, now: int) -> Verdict:
    """Say why an object was refused, under whatever it calls itself, else under its place."""
    named = item.findings[0].object or called(piece.body)
    stix_id = visible(named, max_chars=300) if named else piece.pointer.lstrip("/")
    version = called(piece.body, "modified") or called(piece.body, "created") or format_micros(now)
    return _verdict(stix_id, version, f"refused: {item.findings[0].what}")
