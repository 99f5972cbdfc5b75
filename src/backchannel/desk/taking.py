"""Take a drop: open it, judge it, and keep what is in it as one batch, with the statements behind each object.

Everything about the drop as a whole is judged before anything is kept: a drop that is refused leaves its original
in quarantine, with the reason, and nothing else. An object whose chain does not hold is kept in quarantine; its
neighbours are taken. The last transaction of the batch keeps the statements, the place on the channel and what
must not be taken twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.came_drops import came_now
from backchannel.desk.collecting import narrow_floored
from backchannel.desk.drop_chains import DropChains, finding
from backchannel.desk.drop_documents import Noted, ReceivedDrop
from backchannel.desk.drop_ledgers import Ledgers
from backchannel.desk.hearing import Hearing
from backchannel.desk.key_statements import take_leading
from backchannel.desk.lock import import_lock
from backchannel.desk.node import Node
from backchannel.desk.numbers import known_of_channel, place_digest
from backchannel.desk.own_keys import OwnKeys, own_keys
from backchannel.desk.permits import KeptPermits
from backchannel.desk.pinned import PinnedKeys, own_kids, pinned_keys
from backchannel.desk.provenance import keep_statement, known_at
from backchannel.desk.quarantine import quarantine
from backchannel.desk.receipting import Verdict, Word, receipt_on_arrival, signing_key
from backchannel.desk.receive import ImportTerms, Items, import_batch, remove_abandoned
from backchannel.desk.recipients import check_channel
from backchannel.desk.records import record_signed
from backchannel.desk.releasing import PRIVATE
from backchannel.desk.saying import Said, hear
from backchannel.desk.sweeps import fewer_sweeps
from backchannel.drop import sequence
from backchannel.drop.manifest import Manifest, deniable_verifier, either, verifier
from backchannel.drop.opening import Introduce, Opened, Progress, open_drop
from backchannel.drop.sealing import Keys as OpeningKeys
from backchannel.errors import StoreError
from backchannel.ids import BatchId
from backchannel.intake.documents import read_piece
from backchannel.intake.received import Received, Refused
from backchannel.parties.age_keys import to_identity
from backchannel.parties.at_rest import Unseal
from backchannel.parties.keyring import SecretKey
from backchannel.parties.names import visible_name
from backchannel.parties.states import Event, Standing, moved
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import (
    digest_text,
    open_envelope,
)
from backchannel.provenance.verification import KnownKey, Terms
from backchannel.stix.split import Piece
from backchannel.store.membership import EventRow
from backchannel.store.places import NewPlace
from backchannel.store.rows import BatchCounts, InputFile

MAX_MISSING: Final = 1_000
"""Missing numbers of a channel that are told one by one."""
CHANNEL: Final = "drop"

Also = Callable[[BatchId | None, BatchCounts, Rejected | None], None]
"""Called inside the transaction that takes a drop (with its batch and counts), or that refuses it (with why)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeTerms:
    """On what terms a drop is taken."""

    place: str
    """Where it came from, for people: a file's name."""
    late: bool = False
    """Whether one whose time is over is taken, without weight."""
    passphrase: str | None = None
    files: Path | None = None
    """Folder for its attachments; None: they stay in the drop."""
    progress: Progress = lambda _: None
    also: Also = lambda *_: None
    keeps: Callable[[Rejected, int], bool] = lambda *_: True
    """Whether the original of what is refused is kept, by why and by its size (bytes)."""


def take_drop(
    node: Node, clock: Clock, file: BinaryIO, terms: TakeTerms, *, unseal: Unseal | None = None
) -> ReceivedDrop:
    """Open a drop and keep what is in it; when this returns, it is on the disk.

    Args:
        node: ours.
        clock: the present.
        file: the drop, as a file of the system.
        terms: on what terms.
        unseal: opens our keys.

    Raises:
        Rejected: it is refused as a whole; its original is in quarantine, with the reason, if the terms keep it.
        StoreError: it cannot be kept; nothing of it was taken.
    """
    keys = own_keys(node, clock, unseal)
    (node.home / PRIVATE).mkdir(mode=0o700, exist_ok=True)
    openers: dict[str, SecretKey] = {key.kid: key for key in keys.keyring.openers()}
    identities = tuple(to_identity(key.secret) for key in openers.values())
    pinned = pinned_keys(node)
    asked = Terms(
        now=clock.now(), me=own_kids(node), seen=None, late=terms.late, known_at=known_at(node.store)
    )
    check = either(verifier(pinned, asked), deniable_verifier(openers.get, pinned, asked))
    verified: list[Manifest] = []

    def verify(frame: bytes) -> Manifest:
        verified.append(check(frame))
        return verified[0]

    def tell(refusal: Rejected) -> None:
        word = Word(state="received", verdict="refused", refused=(refusal.reason,))
        for manifest in verified:
            receipt_on_arrival(node, clock, signing_key(keys), came_now(node, manifest, pinned), word)

    try:
        opened = open_drop(
            file,
            keys=OpeningKeys(identities, terms.passphrase),
            verify=verify,
            private=node.home / PRIVATE,
            progress=terms.progress,
            introduce=_introducer(node, clock, pinned),
        )
        with opened:
            return _Taking(node, clock, terms, opened, pinned, asked, keys).take()
    except Rejected as refusal:
        if refusal.reason is not Reason.REPLAY:
            _refuse(node, clock, file, terms, refusal, tell)
        raise


def _refuse(
    node: Node,
    clock: Clock,
    file: BinaryIO,
    terms: TakeTerms,
    refusal: Rejected,
    tell: Callable[[Rejected], None],
) -> None:
    def and_then() -> None:
        tell(refusal)
        terms.also(None, BatchCounts(), refusal)

    if terms.keeps(refusal, file.seek(0, os.SEEK_END)):
        quarantine(node, clock, file, terms.place, refusal, and_then=and_then)
    else:
        with node.store.transaction():
            and_then()


def _introducer(node: Node, clock: Clock, pinned: PinnedKeys) -> Introduce:
    """Return what takes the sender's newest key sets where its signature is of a key that we have not heard of."""

    def introduce(statements: Iterator[bytes]) -> bool:
        was_news = take_leading(node, clock, statements)
        pinned.forget()
        return was_news

    return introduce


class _Taking:
    """One drop that was opened."""

    def __init__(
        self,
        node: Node,
        clock: Clock,
        terms: TakeTerms,
        opened: Opened,
        pinned: PinnedKeys,
        asked: Terms,
        keys: OwnKeys,
    ) -> None:
        self._node, self._store, self._clock, self._terms = node, node.store, clock, terms
        self._opened, self._pinned, self._asked = opened, pinned, asked
        self._key = signing_key(keys)
        self._manifest: Manifest = opened.manifest
        self._release: Release = opened.release
        self._sender: KnownKey = _signer(pinned, self._release.from_)
        self._notes: list[Noted] = [_noted(reason) for reason in self._manifest.notes]
        self._envelopes: dict[str, bytes] = {}
        self._said = Said(key=self._key, giver=self._sender.name)
        self._missing: tuple[int, ...] = ()
        self._is_told = False
        self._ledgers = Ledgers(node, clock, opened.manifest, keys.keyring)

    def take(self) -> ReceivedDrop:
        place = self._place()
        if place.reason is Reason.REPLAY:
            return self._document("replay", None, BatchCounts())
        self._read_statements()
        self._ledgers.check(self._sender.name)
        permits = KeptPermits(self._store, self._pinned, self._asked, self._said.permits)
        chains = DropChains(
            self._node, self._opened, self._envelopes, self._sender, self._pinned, self._asked, permits
        )
        sender = self._store.parties.by_name(self._sender.name)
        if sender is None:
            raise StoreError(f"the party {visible_name(self._sender.name)} is gone", hint="Try again.")
        terms = ImportTerms(self._sender.name, CHANNEL, self._release.tlp_max.label)
        source = InputFile(
            self._terms.place, None, bytes.fromhex(self._manifest.digest.removeprefix("sha256:"))
        )
        kept: list[BatchId | None] = []

        def at_end(batch_id: BatchId | None, counts: BatchCounts) -> None:
            self._keep(batch_id, sender.party_row, chains)
            self._tell(counts, chains)
            self._terms.also(batch_id, counts, None)
            kept.append(batch_id)

        with import_lock(self._node.home), fewer_sweeps():
            remove_abandoned(self._store)
            if self._place().reason is Reason.REPLAY:  # it came twice at once
                return self._document("replay", None, BatchCounts())
            hearing, items = Hearing(self._node, self._clock, giver=self._sender.name), self._reading(chains)
            filing = import_batch(
                self._store, self._clock, [source], terms, items, at_end=at_end, hearing=hearing
            )
            if filing.indicators:
                from backchannel.matching.segments import compile_new  # noqa: PLC0415  # loads the matcher

                compile_new(self._node.home, self._store.segments)
        files = self._save_files()
        return self._document("taken", kept[0] if kept else None, filing.counts, files)

    # --- The drop as a whole -------------------------------------------------------------------------

    def _place(self) -> sequence.Place:
        """Judge where it stands on its channel.

        Raises:
            Rejected: the sender is suspended, signed something else under the same number, or names another line.
        """
        standing = Standing(self._standing())
        if standing is Standing.SUSPENDED:
            raise Rejected(Reason.PARTY_SUSPENDED, self._sender.name)
        check_channel(self._node, self._sender.party, self._release.chan)
        sender = self._store.parties.by_name(self._sender.name)
        known = known_of_channel(self._store, sender, self._release)
        place = sequence.place(self._release, self._manifest.digest, known)
        if place.reason is Reason.EQUIVOCATION:
            self._suspend(f"it signed two drops under the number {self._release.seq}")
            raise Rejected(Reason.EQUIVOCATION, f"number {self._release.seq}, against {place.against}")
        self._notes = [one for one in self._notes if one.code not in {Reason.GAP, Reason.OUT_OF_ORDER}]
        self._missing = tuple(place.missing[:MAX_MISSING])
        if place.reason is Reason.GAP:
            self._notes.append(_noted(Reason.GAP, sequence.in_words(place.missing)))
        elif place.reason is Reason.OUT_OF_ORDER:
            self._notes.append(_noted(Reason.OUT_OF_ORDER, f"number {self._release.seq}"))
        if standing is not Standing.VERIFIED:
            self._notes.append(_noted(Reason.NOT_VERIFIED, self._sender.name))
        return place

    def _standing(self) -> str:
        sender = self._store.parties.by_name(self._sender.name)
        return Standing.UNKNOWN if sender is None else self._store.membership.standing(sender.party_row)

    def _suspend(self, why: str) -> None:
        sender = self._store.parties.by_name(self._sender.name)
        if sender is None:
            return
        with self._store.transaction():
            # The manifest is half of the evidence; the other half was kept when its drop was taken.
            keep_statement(self._store, self._clock, self._manifest.frame, batch_id=None)
            before = Standing(self._store.membership.standing(sender.party_row))
            after = moved(before, Event.SUSPENDED)
            at = format_time(self._clock.now())
            self._store.membership.move(sender.party_row, EventRow(at, Event.SUSPENDED, before, after, why))

    # --- What came along -----------------------------------------------------------------------------

    def _read_statements(self) -> None:
        """Sort what came along: what is behind objects, and what is said to us."""
        for envelope in self._opened.statements():
            try:
                opened = open_envelope(envelope)
            except Rejected as refusal:
                self._refuse(envelope, refusal)
                continue
            self._envelopes[digest_text(opened.digest)] = envelope
            if opened.statement.predicate_type not in {"origin", "relay"}:
                try:
                    hear(self._node, self._clock, envelope, self._pinned, self._asked, self._said)
                except Rejected as refusal:
                    if refusal.reason is not Reason.REPLAY:
                        self._refuse(envelope, refusal)

    def _refuse(self, body: bytes, refusal: Rejected) -> None:
        self._said.refused.append((body, refusal))
        self._notes.append(_noted(refusal.reason, refusal.detail))

    def _reading(self, chains: DropChains) -> Items:
        return lambda *_: self._items(chains)

    def _items(self, chains: DropChains) -> Iterator[Received | Refused]:
        name = self._terms.place
        for number, (salted, faults) in enumerate(chains.objects()):
            item = read_piece(f"{name}#/objects/{number}", Piece(f"/objects/{number}", salted.jcs, False), "")
            if isinstance(item, Received) and faults:
                spoken = tuple(finding(item, what) for what in faults)
                item = msgspec.structs.replace(item, findings=(*spoken, *item.findings))
            yield item

    # --- Keeping -------------------------------------------------------------------------------------

    def _keep(self, batch_id: BatchId | None, sender_row: int, chains: DropChains) -> None:
        """Keep statements and place. Inside the transaction that completes the batch."""
        statements = self._store.statements
        now = self._clock.now()
        row = keep_statement(self._store, self._clock, self._manifest.frame, batch_id=batch_id)
        record_signed(
            self._store, LeafKind.RECEIVED, self._manifest.frame, about=self._manifest.digest, now=now
        )
        release = self._release
        prev = place_digest(release.prev)
        self._store.places.add(NewPlace(row, release.from_, release.chan, release.seq, release.bundle, prev))
        until = format_time(sequence.forget_after(release))
        statements.take(release.from_, release.bundle, batch_id=batch_id, keep_until=until)
        for digest, subjects in chains.subjects():
            keep_statement(
                self._store, self._clock, self._envelopes[digest], batch_id=batch_id, leaves=subjects
            )
        if batch_id is not None and chains.floors:
            floors = ((digest, tlp.value) for digest, tlp in chains.floors.items())
            self._store.floors.add(batch_id, floors)
            narrow_floored(self._store, batch_id)
        chains.widenings.tell(self._node, self._clock, self._key)
        self._said.keep(self._node, self._clock, batch_id, place=self._terms.place, party_row=sender_row)
        self._notes += [_noted(reason, what) for reason, what in self._ledgers.keep(sender_row)]

    def _tell(self, counts: BatchCounts, chains: DropChains) -> None:
        """Give the receipt that was asked for. Inside the transaction that completes the batch."""
        codes = [*chains.refused, *(refusal.reason for _, refusal in self._said.refused)]
        unused = counts.refused + counts.quarantined
        verdict: Verdict = "partly" if unused or codes else "accepted"
        if counts.objects and unused == counts.objects:
            verdict = "refused"
        word = Word(state="received", verdict=verdict, refused=tuple(dict.fromkeys(codes)))
        came = came_now(self._node, self._manifest, self._pinned)
        self._is_told = receipt_on_arrival(self._node, self._clock, self._key, came, word)

    def _save_files(self) -> tuple[str, ...]:
        folder = self._terms.files
        found = self._opened.files()
        if folder is None or not found:
            return tuple(one.name for one in found)
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(str(self._opened.save(one, folder)) for one in found)

    def _document(
        self, state: str, batch: BatchId | None, counts: BatchCounts, files: tuple[str, ...] = ()
    ) -> ReceivedDrop:
        notes = (
            (_noted(Reason.REPLAY, self._manifest.digest[:15]),) if state == "replay" else tuple(self._notes)
        )
        return ReceivedDrop(
            sender=self._sender.name,
            seq=self._release.seq,
            drop=self._manifest.digest,
            state=state,  # type: ignore[arg-type]
            batch=batch,
            **counts._asdict(),
            statements=len(self._envelopes),
            receipts=self._said.receipts,
            deniable=self._manifest.is_deniable,
            missing=() if state == "replay" else self._missing,
            asks=self._release.ack,
            told=self._is_told,
            files=files,
            notes=notes,
        )


def _signer(pinned: PinnedKeys, kid: str) -> KnownKey:
    found = pinned(kid)
    if found is None:
        raise Rejected(Reason.UNKNOWN_KEY, f"{kid[:8]}…")
    return found


def _noted(reason: Reason, detail: str = "") -> Noted:
    return Noted(code=reason, means=reason.meaning, mend=reason.mend, detail=detail)
