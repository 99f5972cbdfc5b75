"""Receive finished intelligence: read files, keep what they hold exactly as it came, and say what was found.

One import is one batch, written in transactions of bounded size while it is `open` and seen by nobody until
one last small transaction makes it `complete`. Whatever ends the process before that leaves nothing in
sight; the next import removes what is left.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.collecting import Brought, Put, collect_batch
from backchannel.desk.documents import Receipt, Validation
from backchannel.desk.filing import Filing, Repeats
from backchannel.desk.hearing import Hearing
from backchannel.desk.lock import import_lock
from backchannel.desk.node import Node
from backchannel.desk.records import record_received
from backchannel.desk.stamps import to_micros
from backchannel.desk.sweeps import fewer_sweeps
from backchannel.errors import InputError, StoreError, UsageError
from backchannel.ids import BatchId, PartyId, new_id
from backchannel.intake.reading import read
from backchannel.intake.received import Received, Refused
from backchannel.settings import checked_name
from backchannel.stix.markings import parse_tlp
from backchannel.stix.versions import changes
from backchannel.store.channel_words import CHANNEL_WORDS, channel_word
from backchannel.store.interface import Store
from backchannel.store.rows import Arrived, BatchCounts, InputFile

TRANSACTION_OBJECTS = 4_096
"""Most objects written in one transaction; bounds memory, and how long a writer beside us waits."""
TRANSACTION_BYTES = 8 * 2**20
"""Bytes of bodies after which a transaction ends; one object more may come on top."""

SORTED_TOGETHER = 256
"""Objects of which one question asks whether they are known."""

STDIN_NAME = "-"
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Progress(msgspec.Struct, frozen=True):
    """How far an import is."""

    file: str
    bytes_read: int
    """Of this file."""
    bytes_total: int | None
    """None for standard input."""
    objects: int
    """Of the whole import, read so far."""


class ImportTerms(msgspec.Struct, frozen=True):
    """On which terms an import comes: what its arrivals record."""

    party: str | None
    channel: str
    tlp: str | None


def receive(
    node: Node,
    clock: Clock,
    paths: Sequence[Path | None],
    *,
    party: str | None = None,
    channel: str = "file",
    tlp: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    put: Put | None = None,
) -> Receipt:
    """Import files as one batch.

    Args:
        node: the open node.
        clock: gives the time of the arrival.
        paths: files, or None for standard input.
        party: name of the party they come from; a new name makes a party. None: nobody is named.
        channel: how they came.
        tlp: the marking of what arrives unmarked, in any case, with or without `TLP:`.
        on_progress: called as the files are read.
        put: puts what came in collections; without it, into those that gather everything.

    Raises:
        UsageError: party, channel or tlp is not of its form, or no file is named.
        InputError: a file is missing or cannot be opened; nothing was imported then.
        StoreError: the store is busy, full or damaged; nothing of the batch is in sight then.
    """
    terms = import_terms(node.store, party, channel, tlp)
    if not paths:
        raise UsageError("no file is named", hint="Name files to import, or - for standard input.")
    files = [_input_file(path) for path in paths]
    with import_lock(node.home), fewer_sweeps():
        remove_abandoned(node.store)
        inputs = list(zip(paths, files, strict=True))

        def items(now: datetime, filing: Filing) -> Iterator[Received | Refused]:
            return _items(inputs, terms, now, filing, on_progress)

        hearing = Hearing(node, clock, giver=terms.party)
        filing = import_batch(node.store, clock, files, terms, items, put=put, hearing=hearing)
        if filing.indicators:
            # Under the lock: the compiled set covers rows that no later import gives again.
            from backchannel.matching.segments import compile_new  # noqa: PLC0415  # loads the matcher

            compile_new(node.home, node.store.segments)
    return Receipt(
        batch=filing.batch_id,
        **filing.counts._asdict(),
        findings=filing.findings,
        findings_total=filing.findings_total,
        party=terms.party,
        channel=terms.channel,
        tlp=terms.tlp,
        collected=filing.collected,
    )


def check(paths: Sequence[Path | None], clock: Clock) -> Iterator[Validation]:
    """Yield what an import would find in each object of `paths`, in order, storing nothing.

    Raises:
        UsageError: no file is named.
        InputError: a file is missing or cannot be opened.
    """
    if not paths:
        raise UsageError("no file is named", hint="Name files to check, or - for standard input.")
    for path in paths:
        _look_at(path)
    n = 0
    for path in paths:
        for item in read(path, party="", now=clock.now()):
            n += 1
            header = item.raw.header if isinstance(item, Received) else None
            derived = changes(item.raw, item.place) if isinstance(item, Received) else ()
            yield Validation(
                n=n,
                findings=item.findings + derived,
                place=item.place,
                id=header.id if header else None,
                type=header.type if header else None,
            )


Items = Callable[[datetime, Filing], Iterator[Received | Refused]]
"""Reads what comes: given when the batch was opened, and the filing that counts what was written so far."""
AtEnd = Callable[[BatchId | None, BatchCounts], None]
"""Writes what belongs to a batch in the transaction that completes it; None: nothing was kept of it."""


def import_batch(
    store: Store,
    clock: Clock,
    files: Sequence[InputFile],
    terms: ImportTerms,
    items: Items,
    *,
    at_end: AtEnd | None = None,
    repeats: Repeats | None = None,
    put: Put | None = None,
    hearing: Hearing | None = None,
) -> Filing:
    """Write one batch and complete it; on any failure take back what was written. The caller holds the import lock.

    Args:
        store: where to.
        clock: gives the time of the arrival.
        files: what is read, by name.
        terms: what the arrivals record.
        items: reads it.
        at_end: called in the last transaction.
        repeats: says what this channel brought before; a batch of nothing else is not kept.
        put: called in the last transaction, too; by default the collections that gather everything are filled.
        hearing: hears what is said in statements that come along; None: they are objects like any other.
    """
    opened_at = clock.now()
    with store.transaction():
        opened = store.batches.open(
            channel=terms.channel, tlp=terms.tlp, at=format_time(opened_at), files=files
        )
    filing = Filing(store.objects, opened, repeats=repeats)
    try:
        read_items = items(opened_at, filing)
        for arrived in _rows(read_items if hearing is None else hearing.over(read_items), filing):
            with store.transaction():
                store.objects.add(arrived)
        digests = store.leaves.digests_of(filing.batch_id)  # complete already: the lock is ours
        with store.transaction():
            ends = at_end or _nothing_more
            _complete(store, clock, filing, terms, digests, ends, put or _gather, hearing)
    except BaseException:
        # The next import would remove it too: a full disk may not let us now.
        with suppress(StoreError), store.transaction():
            store.batches.remove_open(filing.batch_id)
        raise
    return filing


def _gather(store: Store, brought: Brought) -> int:
    collect_batch(store, brought)
    return 0


def _complete(
    store: Store,
    clock: Clock,
    filing: Filing,
    terms: ImportTerms,
    digests: Sequence[bytes],
    at_end: AtEnd,
    put: Put,
    hearing: Hearing | None,
) -> None:
    if at_end is not _nothing_more and not filing.brought:
        store.batches.remove_open(filing.batch_id)
        if hearing is not None:  # what could not be judged when it came first may be known now
            hearing.keep(None, party_row=None)
        at_end(None, filing.counts)
        return
    now = clock.now()
    at = format_time(now)
    party_row = _party_row(store, terms.party, filing.batch_id, at)
    store.batches.complete(filing.batch_id, filing.counts, party_row=party_row, at=at)
    if hearing is not None:
        hearing.keep(filing.batch_id, party_row=party_row)
    filing.collected = put(store, Brought(filing.batch_id, party_row, terms.tlp, to_micros(now)))
    record_received(
        store, filing.batch_id, party=terms.party, channel=terms.channel, digests=digests, now=now
    )
    at_end(filing.batch_id, filing.counts)


def _nothing_more(batch_id: BatchId | None, counts: BatchCounts) -> None:
    """A batch to which nothing belongs beside its objects."""


def _items(
    inputs: Iterable[tuple[Path | None, InputFile]],
    terms: ImportTerms,
    now: datetime,
    filing: Filing,
    on_progress: Callable[[Progress], None] | None,
) -> Iterator[Received | Refused]:
    """Read the files one after the other, telling how far it is."""
    for path, file in inputs:

        def tell(bytes_read: int, file: InputFile = file) -> None:
            if on_progress is not None:
                on_progress(Progress(file.name, bytes_read, file.size, filing.counts.objects))

        yield from read(path, party=terms.party or "", now=now, on_bytes=tell)


def _rows(items: Iterable[Received | Refused], filing: Filing) -> Iterator[Arrived]:
    """Sort items, and yield what one transaction after the other writes.

    They are sorted a few at a time, so that what was decoded of them is not kept until it is written.
    """
    some: list[Received | Refused] = []
    count = size = 0
    for item in items:
        some.append(item)
        count += 1
        size += len(item.raw.body) if isinstance(item, Received) else len(item.original)
        is_full = count == TRANSACTION_OBJECTS or size >= TRANSACTION_BYTES
        if is_full or len(some) == SORTED_TOGETHER:
            filing.sort(some)
            some.clear()
        if is_full:
            yield filing.take()
            count = size = 0
    if count:
        filing.sort(some)
        yield filing.take()


def import_terms(store: Store, party: str | None, channel: str, tlp: str | None) -> ImportTerms:
    """Return on which terms something comes, as it is recorded.

    Raises:
        UsageError: party, channel or tlp is not of its form.
    """
    if _CHANNEL.match(channel) is None:
        raise UsageError(
            f"the channel {channel[:80]!r} is not of the right form",
            hint="Use at most 64 letters (a to z), digits, dots, dashes and underscores, for example file or taxii.",
        )
    name = None
    if party is not None:
        name = checked_name(party)
        known = store.parties.by_name(name)
        name = known.name if known else name  # in its first spelling: ids made from rows depend on it
    try:
        label = parse_tlp(tlp).label if tlp is not None else None
    except ValueError as error:
        raise UsageError(f"{error}", hint="TLP 2.0 has CLEAR, GREEN, AMBER, AMBER+STRICT and RED.") from None
    return ImportTerms(name, _spelled(store, channel), label)


def _spelled(store: Store, channel: str) -> str:
    """Return a channel in the spelling of its own: known words in lower case, others as they came first."""
    word = channel_word(channel)
    return word if word in CHANNEL_WORDS else store.batches.channel_like(word) or word


def _party_row(store: Store, name: str | None, batch_id: BatchId, at: str) -> int | None:
    if name is None:
        return None
    known = store.parties.by_name(name)
    if known is not None:
        return known.party_row
    return store.parties.add(PartyId(new_id("identity")), name, at=at, made_by=batch_id).party_row


def _look_at(path: Path | None) -> bool:
    """Return whether `path` is a file that can be read more than once.

    Raises:
        InputError: it is missing or a folder.
    """
    if path is None:
        return False
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder", hint="Name the files in it, for example with a *.")
        path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="Correct the name.") from error
    return path.is_file()


def _input_file(path: Path | None) -> InputFile:
    """Return name, size and digest of a file, before anything is stored."""
    if path is None:
        return InputFile(STDIN_NAME, None, None)
    if not _look_at(path):
        return InputFile(str(path), None, None)  # a pipe: reading it once is all there is
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return InputFile(str(path), file.tell(), digest.digest())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def remove_abandoned(store: Store) -> None:
    """Remove what imports left that were killed: the lock must be ours, so that nobody is writing them."""
    for batch_id in store.batches.abandoned():
        with store.transaction():
            store.batches.remove_open(batch_id)
