"""Take what one file holds that a carrier brought, whatever its form, and take it once.

A file is recognised by what is in it: a drop in its binary or its text form, numbered parts of one, or a statement by
itself. That it was taken, or why not, is kept by its SHA-256 in the transaction that takes or refuses it; so whatever
ends the process, and whenever, the next look finds either all of it or nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, BinaryIO, Final, cast

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.node import Node
from backchannel.desk.quarantine import quarantine
from backchannel.desk.receipt_drops import take_statements
from backchannel.desk.recognising import Kind, recognise
from backchannel.desk.releasing import PRIVATE
from backchannel.desk.taking import Also, TakeTerms, take_drop
from backchannel.drop import limits, parts
from backchannel.errors import InputError
from backchannel.ids import BatchId
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.store.carried import Carried, CarriedState
from backchannel.store.rows import BatchCounts

MAX_WAITING_PART_BYTES: Final = 4 * limits.MAX_TEXT_FILE_BYTES
"""What parts may wait for others by one carrier (bytes)."""
PARTS_WAIT: Final = timedelta(days=limits.REPLAY_DAYS + limits.DEFAULT_DAYS)
"""How long parts wait for others: a drop is no longer good for anything by then."""
OTHERS: Final = frozenset({Reason.NOT_FOR_US, Reason.NOT_A_DROP})
"""What is no fault where several share a carrier: a drop for another, or a file that is none."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """What brought a file."""

    channel_row: int
    keeps_parts: bool
    """Whether parts wait for others that come in other files."""
    keeps: Callable[[Rejected, int], bool] = lambda refusal, _: refusal.reason not in OTHERS
    """Whether the original of what is refused is kept, by why and by its size (bytes)."""
    count: Callable[[BatchId | None, BatchCounts], None] = lambda *_: None
    """Called inside the transaction that takes a drop."""


def carry(
    node: Node, clock: Clock, carrier: Carrier, source: BinaryIO, name: str, *, unseal: Unseal | None = None
) -> Carried | None:
    """Take what a file holds, and return what became of it; None where the same one came before.

    That it is no drop is not kept: whoever asks does so, for many files at once (`keep_others`).

    Args:
        node: ours.
        clock: the present.
        carrier: what brought it.
        source: the file; it is read once, to its end, and may change afterwards.
        name: what it is called, for people.
        unseal: opens our keys.

    Raises:
        StoreError: it cannot be kept; nothing of it was taken.
        SignatureError: our own keys cannot be opened.
        OSError: it cannot be read.
    """
    with _private_file(node) as file:
        digest = _copied(source, file)
        if node.store.carried.get(carrier.channel_row, digest) is not None:
            return None
        return _Carrying(node, clock, carrier, name, unseal).take(file, digest)


def keep_others(node: Node, files: Iterable[Carried]) -> None:
    """Keep which of these files are no drops. Inside a transaction."""
    for one in files:
        if one.reason == Reason.NOT_A_DROP:
            node.store.carried.put(one)


def carry_joined(
    node: Node, clock: Clock, carrier: Carrier, *, unseal: Unseal | None = None
) -> list[Carried]:
    """Take the drops whose parts have all come; raises as `carry` does."""
    found: list[Carried] = []
    for waiting in node.store.carried.parts(carrier.channel_row, at_most=limits.MAX_PARTS):
        if len(waiting.numbers) == waiting.of:
            carrying = _Carrying(node, clock, carrier, f"{waiting.of} parts {waiting.name[:8]}…", unseal)
            taken = carrying.take_joined(waiting.name)
            found += [] if taken is None else [taken]
    return found


def forget_old_parts(node: Node, clock: Clock) -> None:
    """Forget parts that waited in vain, by whatever carrier they came."""
    before = format_time(clock.now() - PARTS_WAIT)
    with node.store.transaction():
        node.store.carried.forget_old_parts(before=before)


@contextmanager
def _private_file(node: Node) -> Iterator[BinaryIO]:
    """Give a file without a name that nobody else can read."""
    folder = node.home / PRIVATE
    folder.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        yield cast("BinaryIO", file)


def _copied(source: BinaryIO, file: IO[bytes]) -> bytes:
    """Copy a file that others may write to, and return its digest.

    Raises:
        OSError: it cannot be read, or grew beyond what a drop may be.
    """
    found, size = hashlib.sha256(), 0
    while data := source.read(2**20):
        size += len(data)
        if size > limits.MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {limits.MAX_FILE_BYTES:,} bytes")
        found.update(data)
        file.write(data)
    file.flush()
    file.seek(0)
    return found.digest()


class _Carrying:
    """One file."""

    def __init__(self, node: Node, clock: Clock, carrier: Carrier, name: str, unseal: Unseal | None) -> None:
        self._node, self._clock, self._carrier, self._unseal = node, clock, carrier, unseal
        self._kept = node.store.carried
        self._row = Carried(
            channel_row=carrier.channel_row,
            sha256=b"",
            name=name,
            size=0,
            at=format_time(clock.now()),
            state="other",
        )

    def take(self, file: BinaryIO, digest: bytes) -> Carried:
        """Take what it holds."""
        size = file.seek(0, os.SEEK_END)
        self._row = msgspec.structs.replace(self._row, sha256=digest, size=size)
        kind = recognise(file, size)
        try:
            if kind is Kind.DROP:
                return self._take_drop(file)
            if kind is Kind.PARTS:
                return self._take_parts(file)
            if kind is Kind.STATEMENTS:
                return self._take_statements(file.read())
            raise Rejected(Reason.NOT_A_DROP, kind.value)
        except Rejected as refusal:
            return self._refuse(file, refusal)

    def take_joined(self, name: str) -> Carried | None:
        """Take a drop that is put together from its parts, all of which wait; None where it came before."""
        data = b"".join(self._kept.part_data(self._carrier.channel_row, name))
        digest = hashlib.sha256(data).digest()
        self._row = msgspec.structs.replace(self._row, sha256=digest, size=len(data))
        found = None
        if self._kept.get(self._carrier.channel_row, digest) is None:
            with _private_file(self._node) as file:
                file.write(data)
                file.flush()
                if digest.hex()[: parts.NAME_CHARS] == name:
                    found = self._take_drop(file)
                else:
                    why = Rejected(Reason.DAMAGED, "the parts together are not what was split")
                    found = self._refuse(file, why)
        with self._node.store.transaction():
            self._kept.forget_parts(self._carrier.channel_row, name)
        return found

    # --- What a file may hold ------------------------------------------------------------------------

    def _take_drop(self, file: BinaryIO) -> Carried:
        terms = TakeTerms(place=self._row.name, also=self._also(), keeps=self._carrier.keeps)
        try:
            found = take_drop(self._node, self._clock, file, terms, unseal=self._unseal)
        except Rejected as refusal:
            if refusal.reason is not Reason.REPLAY:
                return self._row
            return self._keep("known")
        return self._keep("known") if found.state == "replay" else self._row

    def _take_parts(self, file: BinaryIO) -> Carried:
        """Keep the parts that stand in a text until the others come, or put them together at once."""
        found = list(parts.read_parts(file))
        if not found:
            raise Rejected(Reason.NOT_A_DROP, "no whole part of a drop stands in it")
        if not self._carrier.keeps_parts:
            gathering = parts.Gathering()
            for part in found:
                gathering.add(part)
            return self._take_whole(gathering.data())
        row, kept = self._carrier.channel_row, self._kept
        found = [part for part in found if not kept.has_whole(row, part.name)]
        if not found:
            return self._keep("known", detail="parts of a drop that came")
        if kept.part_bytes(row) + sum(len(part.data) for part in found) > MAX_WAITING_PART_BYTES:
            raise Rejected(Reason.TOO_LARGE, "too many parts of other drops wait already")
        with self._node.store.transaction():
            for part in found:
                is_kept = kept.add_part(
                    row, part.name, number=part.number, of=part.of, data=part.data, at=self._row.at
                )
                if not is_kept:
                    raise Rejected(Reason.MIXED_PARTS, f"another part came as number {part.number}")
            numbers = ", ".join(f"{part.number}/{part.of}" for part in found[:20])
            return self._keep("part", detail=f"{numbers} of {found[0].name[:8]}…")

    def _take_whole(self, data: bytes) -> Carried:
        with _private_file(self._node) as file:
            file.write(data)
            file.flush()
            return self._take_drop(file)

    def _take_statements(self, data: bytes) -> Carried:
        """Take statements that came by themselves: receipts, news of keys. Each that is refused is kept."""
        if not self._carrier.keeps(Rejected(Reason.BAD_FORM, ""), self._row.size):
            why = "too much that was refused waits for a decision"
            return self._keep("refused", reason=Reason.TOO_MANY.value, detail=why)
        with self._node.store.transaction():
            try:
                found = take_statements(self._node, self._clock, data, self._row.name)
            except InputError as error:
                raise Rejected(Reason.NOT_A_DROP, error.message) from None
            if found.refused == found.statements:
                first = found.notes[0]
                return self._keep("refused", reason=first.code, detail=first.detail)
            state: CarriedState = "known" if found.known == found.statements else "taken"
            return self._keep(state, detail=f"statements: {found.statements}, refused: {found.refused}")

    # --- What became of it ---------------------------------------------------------------------------

    def _also(self) -> Also:
        def keep(batch_id: BatchId | None, counts: BatchCounts, refusal: Rejected | None) -> None:
            if refusal is None:
                self._carrier.count(batch_id, counts)
                self._keep("taken", batch_id=batch_id)
            else:
                self._keep_refusal(refusal)

        return keep

    def _refuse(self, file: BinaryIO, refusal: Rejected) -> Carried:
        if refusal.reason is Reason.NOT_A_DROP:
            self._row = msgspec.structs.replace(self._row, reason=refusal.reason.value, detail=refusal.detail)
        elif not self._carrier.keeps(refusal, self._row.size):
            self._keep_refusal(refusal)
        else:
            quarantine(
                self._node,
                self._clock,
                file,
                self._row.name,
                refusal,
                and_then=lambda: self._keep_refusal(refusal),
            )
        return self._row

    def _keep_refusal(self, refusal: Rejected) -> None:
        state: CarriedState = "other" if refusal.reason in OTHERS else "refused"
        self._keep(state, reason=refusal.reason.value, detail=refusal.detail)

    def _keep(self, state: CarriedState, **what: object) -> Carried:
        self._row = msgspec.structs.replace(self._row, state=state, **what)
        with self._node.store.transaction():
            self._kept.put(self._row)
        return self._row
