"""Receive files: each is recognised by its content, and what became of it is told; one bad file stops no other.

What is refused is kept as it came, with its reason: in quarantine, where `refusals` finds it.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, BinaryIO, cast

from msgspec import structs

from backchannel.clock import Clock, format_time
from backchannel.desk.coming_documents import ReceivedThing, ReceivedThings
from backchannel.desk.drop_documents import Noted
from backchannel.desk.introducing import take_introduction
from backchannel.desk.node import Node
from backchannel.desk.quarantine import quarantine
from backchannel.desk.receipt_drops import MAX_FILE_BYTES, take_statements
from backchannel.desk.recognising import LOOK_BYTES, Kind, recognise
from backchannel.desk.releasing import PRIVATE
from backchannel.desk.taking import TakeTerms, take_drop
from backchannel.drop import limits, parts, qr
from backchannel.drop.opening import spool
from backchannel.drop.sequence import in_words
from backchannel.errors import BackchannelError, InputError, StoreError
from backchannel.ids import sha256
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.parties.refusals import KeyRefusedError
from backchannel.provenance.reasons import REASONS, Reason, Rejected
from backchannel.stix.visible import visible
from backchannel.store.statements import NewRefused

EXIT_UNREADABLE = InputError.exit_code
MAX_SMALL_BYTES = 100_000
"""Largest text with an introduction (bytes)."""
MAX_MISSING = 1_000
Tell = Callable[[str, int, int], None]
"""Is told of which file how many bytes of how many are worked through."""


def receive_files(
    node: Node,
    clock: Clock,
    files: Iterable[Path | None],
    terms: TakeTerms,
    *,
    unseal: Unseal | None = None,
    tell: Tell = lambda *_: None,
) -> ReceivedThings:
    """Take what is in files: drops in any form, statements, introductions.

    Args:
        node: ours.
        clock: the present.
        files: where they are; None is standard input.
        terms: on what terms drops are taken; their place is named here.
        unseal: opens our keys.
        tell: is told how far it is.

    Raises:
        InputError: a file cannot be read; those before it were taken.
        StoreError: something cannot be kept.
        SignatureError: our keys cannot be opened.
    """
    (node.home / PRIVATE).mkdir(mode=0o700, exist_ok=True)
    coming = _Coming(node, clock, terms, unseal, tell)
    for path in files:
        with _opened(path, node.home / PRIVATE) as file:
            coming.take("standard input" if path is None else str(path), file)
    coming.put_together()
    return ReceivedThings(things=tuple(_without_passing_notes(coming.things)))


def _without_passing_notes(things: Sequence[ReceivedThing]) -> Iterator[ReceivedThing]:
    """Yield what came without what is settled by now: a number that was missing, and came in the same go."""
    drops = [one.drop for one in things if one.drop is not None and one.drop.state == "taken"]
    came = {(drop.sender, drop.deniable, drop.seq) for drop in drops}
    missed = {(drop.sender, drop.deniable, number) for drop in drops for number in drop.missing}
    for one in things:
        drop = one.drop
        if drop is None:
            yield one
            continue
        line = (drop.sender, drop.deniable)
        left = tuple(number for number in drop.missing if (*line, number) not in came)
        settled = {Reason.GAP} if drop.missing and not left else set()
        if (*line, drop.seq) in missed:
            settled.add(Reason.OUT_OF_ORDER)
        notes = [note for note in drop.notes if note.code not in settled]
        if left != drop.missing:
            notes = [
                structs.replace(note, detail=in_words(left)) if note.code == Reason.GAP else note
                for note in notes
            ]
        yield structs.replace(one, drop=structs.replace(drop, missing=left, notes=tuple(notes)))


@contextmanager
def _opened(path: Path | None, private: Path) -> Iterator[IO[bytes]]:
    """Open a file; what can be read only once is copied first."""
    name = "standard input" if path is None else str(path)
    try:
        with sys.stdin.buffer if path is None else path.open("rb") as source:
            if path is not None and stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                yield source
                return
            with spool(source, private) as file:
                yield file
    except OSError as error:
        raise InputError(f"{visible(name)} cannot be read: {error.strerror}") from error


@dataclass(slots=True)
class _Gathered:
    """What came of one drop in pieces."""

    pieces: parts.Gathering | qr.Gathering
    places: dict[str, None] = field(default_factory=dict)
    refusal: Rejected | None = None


class _Coming:
    """What came in one go."""

    def __init__(self, node: Node, clock: Clock, terms: TakeTerms, unseal: Unseal | None, tell: Tell) -> None:
        self._node, self._clock, self._terms, self._unseal, self._tell = node, clock, terms, unseal, tell
        self._gathered: dict[str | bytes, _Gathered] = {}
        self.things: list[ReceivedThing] = []

    def take(self, place: str, file: IO[bytes]) -> None:
        """Take one file, or gather what pieces of drops stand in it."""
        size = os.fstat(file.fileno()).st_size
        kind = recognise(file, size)
        if kind is Kind.DROP:
            self.things.append(self._drop((place,), file, size))
        elif kind in {Kind.PARTS, Kind.FRAMES}:
            try:
                self._gather(place, kind, file, size)
            except Rejected as refusal:
                self.things.append(self._kept((place,), file, refusal))
        elif kind is Kind.STATEMENTS:
            self.things.append(self._statements(place, file.read(MAX_FILE_BYTES + 1)))
        elif kind is Kind.INTRODUCTION:
            self.things.append(self._introduction(place, file.read(MAX_SMALL_BYTES)))
        else:
            self.things.append(_not_for_here(place, kind.value))

    def put_together(self) -> None:
        """Take the drops whose pieces came."""
        for one in self._gathered.values():
            places = tuple(one.places)
            try:
                data = one.pieces.data()
            except Rejected as refusal:
                if refusal.reason is not Reason.MISSING_PART:
                    self.things.append(_refused(places, "drop", refusal))
                    continue
                missing = tuple(one.pieces.missing()[:MAX_MISSING])
                self.things.append(
                    ReceivedThing(
                        places=places,
                        what="drop",
                        state="incomplete",
                        says=f"{refusal.detail}; ask for them, and receive all of them together",
                        refusal=_noted(refusal),
                        exit_code=refusal.exit_code,
                        missing=missing,
                    )
                )
                continue
            with spool(io.BytesIO(data), self._node.home / PRIVATE) as file:
                self.things.append(self._drop(places, file, len(data)))

    # --- Pieces --------------------------------------------------------------------------------------

    def _gather(self, place: str, kind: Kind, file: IO[bytes], size: int) -> None:
        """Gather the pieces in a file.

        Raises:
            Rejected: one of them is damaged, or does not belong to the others of its name.
        """
        if kind is Kind.PARTS:
            # A line that is longer than any of a part is none of a part, however it goes on.
            for part in parts.read_parts(iter(lambda: file.readline(LOOK_BYTES), b"")):
                one = self._gathered.setdefault(part.name, _Gathered(parts.Gathering()))
                cast("parts.Gathering", one.pieces).add(part)
                one.places[place] = None
            return
        if size > limits.MAX_QR_FRAMES * 2 * limits.QR_FRAME_BYTES:
            raise Rejected(Reason.TOO_MANY, f"more than {limits.MAX_QR_FRAMES} QR codes")
        for frame in qr.read_frames(file.read()):
            one = self._gathered.setdefault(qr.name_of(frame), _Gathered(qr.Gathering()))
            cast("qr.Gathering", one.pieces).add(frame)
            one.places[place] = None

    # --- Whole things --------------------------------------------------------------------------------

    def _drop(self, places: tuple[str, ...], file: IO[bytes], size: int) -> ReceivedThing:
        shown = visible(places[0], max_chars=200)
        terms = replace(self._terms, place=shown, progress=lambda done: self._tell(shown, done, size))
        try:
            found = take_drop(self._node, self._clock, cast("BinaryIO", file), terms, unseal=self._unseal)
        except Rejected as refusal:
            file.seek(0)
            kept = self._node.store.statements.refused_as(_digest(file))
            return _refused(places, "drop", refusal, kept)
        return ReceivedThing(
            places=places,
            what="drop",
            state=found.state,
            says=f"number {found.seq} from {visible_name(found.sender)}"
            + (", which came before: nothing was done" if found.state == "replay" else ""),
            drop=found,
        )

    def _statements(self, place: str, body: bytes) -> ReceivedThing:
        try:
            heard = take_statements(self._node, self._clock, body, visible(place, max_chars=200))
        except InputError as error:
            return _not_for_here(place, error.message)
        refusal = next(iter(heard.notes), None)
        taken = heard.statements - heard.refused - heard.known
        says = ", ".join(
            f"{count:,} {word}"
            for count, word in ((taken, "taken"), (heard.known, "came before"), (heard.refused, "refused"))
            if count
        )
        return ReceivedThing(
            places=(place,),
            what="statements",
            state="refused" if refusal else "taken" if taken else "replay",
            says=says + (f"; {heard.receipts:,} for what we sent" if heard.receipts else ""),
            refusal=refusal,
            refused_as=self._node.store.statements.refused_as(sha256(body.strip())) if refusal else None,
            exit_code=REASONS[refusal.code].family.exit_code if refusal else 0,
        )

    def _introduction(self, place: str, content: bytes) -> ReceivedThing:
        try:
            name = take_introduction(self._node, self._clock, content)
        except (StoreError, InputError):
            raise
        except BackchannelError as error:
            refusal = _rejected(error)
            number = self._refuse_introduction(place, content, refusal)
            return _refused((place,), "introduction", refusal, number)
        says = f"{visible_name(name)} is introduced: up to TLP:GREEN goes to it until you verify it"
        return ReceivedThing(places=(place,), what="introduction", state="taken", says=says)

    # --- Refused -------------------------------------------------------------------------------------

    def _kept(self, places: tuple[str, ...], file: IO[bytes], refusal: Rejected) -> ReceivedThing:
        quarantine(
            self._node, self._clock, cast("BinaryIO", file), visible(places[0], max_chars=200), refusal
        )
        file.seek(0)
        return _refused(places, "drop", refusal, self._node.store.statements.refused_as(_digest(file)))

    def _refuse_introduction(self, place: str, body: bytes, refusal: Rejected) -> int:
        with self._node.store.transaction():
            return self._node.store.statements.refuse(
                NewRefused(
                    at=format_time(self._clock.now()),
                    what="statement",
                    place=visible(place, max_chars=200),
                    reason=refusal.reason,
                    detail=refusal.detail,
                    sha256=sha256(body),
                    size=len(body),
                    body=body,
                )
            )


def _not_for_here(place: str, says: str) -> ReceivedThing:
    return ReceivedThing(
        places=(place,), what="other", state="not for here", says=says, exit_code=EXIT_UNREADABLE
    )


def _rejected(error: BackchannelError) -> Rejected:
    if isinstance(error, Rejected):
        return error
    if isinstance(error, KeyRefusedError):
        return Rejected(REASONS[error.reason], error.message)
    # An alarm says its code first: a card that does not fit what is known.
    code, _, said = error.message.partition(": ")
    return Rejected(REASONS.get(code, Reason.NOT_VERIFIED), said or error.message)


def _refused(
    places: tuple[str, ...], what: str, refusal: Rejected, number: int | None = None
) -> ReceivedThing:
    return ReceivedThing(
        places=places,
        what=what,  # type: ignore[arg-type]  # one of its words
        state="refused",
        says=refusal.message,
        refusal=_noted(refusal),
        refused_as=number,
        exit_code=refusal.exit_code,
    )


def _noted(refusal: Rejected) -> Noted:
    reason = refusal.reason
    return Noted(code=reason, means=reason.meaning, mend=reason.mend, detail=refusal.detail)


def _digest(file: IO[bytes]) -> bytes:
    import hashlib  # noqa: PLC0415  # only where something was refused

    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]  # any file of the system
