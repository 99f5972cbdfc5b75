"""Poll channels: fetch what is new, keep it as batches, and with each batch the cursor behind it.

A page that was fetched and not yet kept is fetched again; a page that was kept is known. So nothing is lost
and nothing doubled, whatever ends the process and whenever.
"""

from __future__ import annotations

import fcntl
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

import msgspec

from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.carried_documents import CarriedFile
from backchannel.desk.channel import BusyError, Channel, Kind, Opener, Page, Pause, Place, StoppedError
from backchannel.desk.channel_documents import Polled, PolledChannel, PolledCollection
from backchannel.desk.channels import BATCH_CHANNEL, counts_document, find_channel, terms_of
from backchannel.desk.filing import Filing
from backchannel.desk.hearing import Hearing
from backchannel.desk.lock import import_lock
from backchannel.desk.node import Node
from backchannel.desk.polled_ledgers import PolledLedger
from backchannel.desk.receive import import_batch, import_terms, remove_abandoned
from backchannel.desk.told_by_push import ToldByPush, tell_by_push
from backchannel.errors import BackchannelError, UsageError
from backchannel.ids import BatchId
from backchannel.intake.documents import read_pieces
from backchannel.intake.reading import read_stream
from backchannel.intake.received import Received, Refused
from backchannel.parties.at_rest import Unseal
from backchannel.store.polled import ChannelRow, PlaceRow
from backchannel.store.rows import BatchCounts, InputFile

BATCH_OBJECTS: Final = 4_000
"""Objects gathered from several pages before they become a batch with its cursor."""
BATCH_BYTES: Final = 8 * 2**20
"""Bytes of pages after which they do."""
MAX_BACKOFF_S: Final = 6 * 3600.0
"""Longest time between polls of a channel that fails (seconds), where it is not polled more rarely anyway."""
JITTER: Final = 0.1
"""By how much of itself the time to the next poll is blurred: channels made together do not stay together."""

Tell = Callable[[str, int], None]
"""`(collection, objects so far)`: how far a poll is."""


def poll(
    node: Node,
    clock: Clock,
    names: list[str],
    opener: Opener,
    *,
    pause: Pause,
    again: bool = False,
    tell: Tell | None = None,
    unseal: Unseal | None = None,
) -> Polled:
    """Poll channels, one after the other; one that fails costs the others nothing.

    Args:
        node: the open node.
        clock: gives the times.
        names: of the channels; empty: all of them.
        opener: opens a channel.
        pause: waits between tries.
        again: whether to read everything from the beginning.
        tell: called as objects come.
        unseal: opens our keys, for drops.

    Raises:
        NotFoundError: there is no channel of one of the names; nothing is polled then.
        UsageError: there is no channel at all.
    """
    store = node.store
    rows = [find_channel(store, name) for name in names] or store.channels.all()
    if not rows:
        raise UsageError("there is no channel", hint="Add one: `backchannel channel add taxii URL`.")
    polled = []
    for row in rows:
        if again:
            with store.transaction():
                store.channels.forget_cursors(row.channel_row)
                store.carried.forget(row.channel_row)
        polled.append(_Poll(node, clock, row, tell, unseal).run(opener, pause))
    return Polled(channels=tuple(polled))


class _Poll:
    """One poll of one channel."""

    def __init__(
        self, node: Node, clock: Clock, row: ChannelRow, tell: Tell | None, unseal: Unseal | None
    ) -> None:
        self._node, self._clock, self._row, self._tell = node, clock, row, tell
        self._unseal = unseal
        self._retry_after_s = 0.0
        self._files: tuple[CarriedFile, ...] = ()
        self._told = ToldByPush()

    def run(self, opener: Opener, pause: Pause) -> PolledChannel:
        """Poll it and keep how that ended; one that is being polled elsewhere is left alone."""
        with _alone(self._node.home, self._row) as is_ours:
            if is_ours:
                return self._run(opener, pause)
        error = f"{self._row.name} is being polled at this moment"
        hint = "Wait until that poll ends."
        return PolledChannel(channel=self._row.name, state="failed", error=error, hint=hint, collections=())

    def _run(self, opener: Opener, pause: Pause) -> PolledChannel:
        row, found = self._row, list[PolledCollection]()
        failure: BackchannelError | None = None
        try:
            with opener(cast("Kind", row.kind), terms_of(row), pause) as channel:
                places = channel.places()
                for place in places:
                    if place.can_read:
                        found.append(self._collection(channel, place))
                if row.kind == "drop":
                    found += self._drops(channel, pause)
                elif row.kind == "taxii":
                    self._told = self._tell_back(channel, places)
        except StoppedError:
            raise
        except BackchannelError as error:
            failure = error
            self._heed(error)
        told = failure.message if failure else next((one.error for one in found if one.error), None)
        self._keep_end(told)
        return PolledChannel(
            channel=row.name,
            state="failed" if told else "done",
            error=failure.message if failure else None,
            hint=failure.hint if failure else None,
            collections=tuple(found),
            files=self._files,
            told=self._told.statements,
            told_note=self._told.error or self._told.note or None,
        )

    def _tell_back(self, channel: Channel, places: Sequence[Place]) -> ToldByPush:
        """Push what waits for its party; where that fails, what was read is as good as without it."""
        try:
            return tell_by_push(self._node, self._clock, self._row, channel, places)
        except StoppedError:
            raise
        except BackchannelError as error:
            self._heed(error)
            return ToldByPush(error=error.message)

    def _drops(self, channel: Channel, pause: Pause) -> list[PolledCollection]:
        """Hand on what waits, and look into the folder, if it is one."""
        from backchannel.desk.drop_polling import poll_drops  # noqa: PLC0415  # loads what opens drops

        found, self._files = poll_drops(
            self._node, self._clock, self._row, channel, pause=pause, tell=self._tell, unseal=self._unseal
        )
        return found

    def _collection(self, channel: Channel, place: Place) -> PolledCollection:
        ledger = PolledLedger(self._node, self._clock, self._row.party, self._unseal)
        reading = _Reading(self._node, self._clock, self._row, place, self._tell, ledger)
        error: BackchannelError | None = None
        try:
            reading.read(channel)
        except StoppedError:
            reading.end(None)
            raise
        except BackchannelError as caught:
            error = caught
            self._heed(caught)
        reading.end(error)
        return PolledCollection(
            id=place.id,
            title=place.title,
            counts=counts_document(reading.counts),
            batches=tuple(reading.batches),
            notes=tuple(reading.notes),
            error=error.message if error else None,
        )

    def _heed(self, error: BackchannelError) -> None:
        if isinstance(error, BusyError):
            self._retry_after_s = max(self._retry_after_s, error.retry_after_s)

    def _keep_end(self, error: str | None) -> None:
        now = self._clock.now()
        failures = self._row.failures + 1 if error else 0
        wait = max(_wait_s(self._row.every_s, failures), self._retry_after_s)
        ended = msgspec.structs.replace(
            self._row,
            polled_at=format_time(now),
            reached_at=self._row.reached_at if error else format_time(now),
            due_at=format_time(_after(now, wait)),
            failures=failures,
            error=error or "",
        )
        with self._node.store.transaction():
            self._node.store.channels.polled(ended)


class _Reading:
    """The reading of one collection: pages are gathered until they make a batch."""

    def __init__(
        self,
        node: Node,
        clock: Clock,
        row: ChannelRow,
        place: Place,
        tell: Tell | None,
        ledger: PolledLedger,
    ) -> None:
        self._ledger, seen = ledger, ledger.seen()
        place = msgspec.structs.replace(place, ledger_seen=seen)
        self._node, self._clock, self._row, self._place, self._tell = node, clock, row, place, tell
        known = next(
            (one for one in node.store.channels.places(row.channel_row) if one.place == place.place), None
        )
        self._kept = known or PlaceRow(place=place.place, id=place.id, title=place.title)
        self._gathered: list[Page] = []
        self.counts = BatchCounts()
        self.batches: list[BatchId] = []
        self.notes: list[str] = []

    def read(self, channel: Channel) -> None:
        """Read to the end; what came before an error is kept."""
        objects = size = 0
        try:
            asked_at = self._clock.now()
            for page in channel.pages(self._place, self._kept.cursor):
                note = self._ledger.look_at(page, asked_at=asked_at, seen=self._place.ledger_seen)
                self.notes += [note] if note else []
                asked_at = self._clock.now()
                self._gathered.append(page)
                self.notes += page.notes
                objects += len(page.pieces)
                size += page.size
                if objects >= BATCH_OBJECTS or size >= BATCH_BYTES:
                    self._keep()
                    objects = size = 0
        finally:
            self._keep()

    def end(self, error: BackchannelError | None) -> None:
        """Keep how it ended."""
        at = format_time(self._clock.now())
        place = msgspec.structs.replace(
            self._kept,
            id=self._place.id,
            title=self._place.title,
            polled_at=at,
            reached_at=self._kept.reached_at if error else at,
            error=error.message if error else "",
            note="; ".join(self.notes),
        )
        with self._node.store.transaction():
            self._node.store.channels.put_place(self._row.channel_row, place)

    def _keep(self) -> None:
        """Make a batch of what was gathered, with the cursor behind it, in one transaction at its end."""
        pages, self._gathered = self._gathered, []
        if not pages:
            return
        store, row = self._node.store, self._row
        place = msgspec.structs.replace(self._kept, cursor=pages[-1].cursor)

        def at_end(batch_id: BatchId | None, counts: BatchCounts) -> None:
            store.channels.put_place(row.channel_row, place)
            store.channels.count(row.channel_row, place.place, counts, batch_id)

        if any(page.pieces or page.stream is not None for page in pages):
            with import_lock(self._node.home):
                remove_abandoned(store)
                filing = import_batch(
                    store,
                    self._clock,
                    [InputFile(page.name, page.size, page.sha256) for page in pages],
                    import_terms(store, row.party, BATCH_CHANNEL[cast("Kind", row.kind)], row.tlp),
                    lambda now, _: _items(pages, row.party, now),
                    at_end=at_end,
                    repeats=lambda rows: store.channels.repeats(row.channel_row, rows),
                    hearing=Hearing(self._node, self._clock, giver=row.party),
                )
            self._count(filing)
        elif place.cursor != self._kept.cursor:
            with store.transaction():
                store.channels.put_place(row.channel_row, place)
        self._kept = place

    def _count(self, filing: Filing) -> None:
        self.counts = BatchCounts(*map(sum, zip(self.counts, filing.counts, strict=True)))
        if filing.brought:
            self.batches.append(filing.batch_id)
        if self._tell is not None:
            self._tell(self._place.title, self.counts.objects)


def _items(pages: list[Page], party: str, now: datetime) -> Iterator[Received | Refused]:
    for page in pages:
        if page.stream is not None:
            yield from read_stream(page.name, page.stream, party=party, now=now)
        elif page.pieces and page.outline is not None:
            yield from read_pieces(page.name, page.outline, iter(page.pieces))


def _wait_s(every_s: int, failures: int) -> float:
    """Return the time to the next poll (seconds): doubled with each failure in a row, and blurred."""
    longest = max(float(every_s), MAX_BACKOFF_S)
    wait = min(float(every_s) * 2 ** min(max(failures - 1, 0), 30), longest)
    return cast("float", wait * random.uniform(1 - JITTER, 1 + JITTER))


def _after(now: datetime, wait_s: float) -> datetime:
    return parse_time(format_time(now + timedelta(seconds=wait_s)))


@contextmanager
def _alone(home: Path, row: ChannelRow) -> Iterator[bool]:
    """Give whether nobody else polls the channel now; the system lets go of the lock when a process ends."""
    with (home / f"channel-{row.channel_row}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
