"""Read and write collections of TAXII servers, of those too that do not keep to the standard.

A listing goes on by `next`; where a server gives none, by the stamps of `X-TAXII-Date-Added-Last`, the last of
which is read twice rather than one object lost. It ends where a page brings nothing that is new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import urlencode, urljoin

import msgspec

from backchannel.channels.http import Answer, Door
from backchannel.channels.reasons import status_error
from backchannel.channels.taxii.bookmark import Bookmark, read_bookmark
from backchannel.channels.taxii.comparing import carry_comparison
from backchannel.channels.taxii.dialect import OBJECTS, last_added, server_now, span, stamp
from backchannel.channels.taxii.envelope import Envelope, read_envelope
from backchannel.channels.taxii.finding import Finder, Root
from backchannel.channels.taxii.sending import send
from backchannel.channels.unpacking import CutOffError
from backchannel.desk.addressing import shown_url
from backchannel.desk.channel import Outgoing, Page, Pause, Place, Terms, Verdict
from backchannel.errors import NetworkError, UsageError
from backchannel.provenance.ledger.headers import SEEN_HEADER, read_checkpoint
from backchannel.stix.split import Outline

PAGE_OBJECTS: Final = 1_000
"""Objects asked for at once; a server gives as many as it wants to."""
MAX_LIMIT: Final = 16_000
"""Most objects asked for at once, where a server has so many with one stamp and gives no `next`."""
MAX_PAGES: Final = 20_000
"""Most pages of one collection in one poll; the next poll goes on."""
MAX_EMPTY: Final = 5
"""Most pages without an object one after the other that still say there is more."""
_FORGOTTEN: Final = frozenset({400, 404, 410, 422, 500})
"""What servers answer to a `next` that they have forgotten."""


class TaxiiChannel:
    """One TAXII server, as the desk asks for it (`desk.channel.Channel`)."""

    def __init__(self, door: Door, terms: Terms, pause: Pause) -> None:
        self._door, self._pause = door, pause
        self._url = terms.url
        self._finder = Finder(door, terms.url, terms.collections)
        self._roots: dict[str, Root] = {}

    def places(self) -> Sequence[Place]:
        found = self._finder.places()
        self._roots = {place.place: root for place, root in found}
        return [place for place, _ in found]

    def pages(self, place: Place, cursor: str) -> Iterator[Page]:
        version = self._roots[place.place].version
        at = msgspec.structs.replace(read_bookmark(cursor), version=version)
        listing = _Listing(self._door, place, at)
        yield from listing.pages()

    def push(self, place: Place, objects: Sequence[Outgoing]) -> Iterator[Verdict]:
        yield from send(self._door, self._pause, place, self._roots[place.place], objects)

    def hand_on(self, file: BinaryIO, size: int) -> str:  # noqa: ARG002  # the protocol's names
        raise UsageError("it takes no drops", hint="Name a channel of kind drop.")

    def compare(self, session: str, message: bytes) -> bytes:
        return carry_comparison(self._door, self._url, session, message)


class _Step(NamedTuple):
    """What comes after a page."""

    bookmark: Bookmark
    is_last: bool = False
    notes: tuple[str, ...] = ()
    problem: str = ""
    """Why the listing ends here although there should be more."""


class _Listing:
    """One reading of one collection."""

    def __init__(self, door: Door, place: Place, at: Bookmark) -> None:
        self._door, self._at = door, at
        self._ledger_seen = place.ledger_seen
        self._url = urljoin(place.place, "objects/")
        self._shown = shown_url(self._url)
        self._limit = PAGE_OBJECTS
        self._digests: set[bytes] = set()
        self._empty = 0

    def pages(self) -> Iterator[Page]:
        """Yield the pages up to the end of the listing.

        Raises:
            NetworkError: a page cannot be had, or the listing does not go on.
        """
        told: set[str] = set()
        for number in range(1, MAX_PAGES + 1):
            answer, envelope = self._page()
            now = server_now(answer.headers)
            began = self._at.began or (stamp(now) if now is not None else "")
            objects = self._at.objects + len(envelope.pieces)
            self._at = msgspec.structs.replace(self._at, began=began, objects=objects)
            step = self._on_2_0(answer, envelope) if self._at.version == "2.0" else self._on(answer, envelope)
            self._at = step.bookmark
            checkpoint, growth = read_checkpoint(answer.headers) or (b"", ())
            notes = [note for note in (*envelope.notes, *step.notes) if note not in told]
            told.update(notes)
            yield Page(
                name=f"{self._shown} page {number}",
                size=answer.size,
                cursor=step.bookmark.text(),
                sha256=hashlib.sha256(answer.body).digest(),
                outline=envelope.outline,
                pieces=envelope.pieces,
                notes=tuple(notes),
                checkpoint=checkpoint,
                growth=growth,
            )
            if step.problem:
                raise NetworkError(step.problem, hint="What came so far is kept. Tell the server's operator.")
            if step.is_last:
                return

    def _on(self, answer: Answer, envelope: Envelope) -> _Step:
        """Say how to go on behind a page of TAXII 2.1 (§3.5)."""
        at = self._at.with_seen(last_added(answer.headers))
        if not envelope.more:
            return _Step(at.ended(server_now(answer.headers)), is_last=True)
        again = self._is_again(envelope)
        self._empty = 0 if envelope.pieces else self._empty + 1
        if self._empty > MAX_EMPTY:
            problem = f"{self._shown} says again and again that there is more, and sends none of it"
            return _Step(at.restarted(), problem=problem)
        if not envelope.next:
            return self._without_next(at)
        if again:
            return _Step(at.restarted(), problem=f"{self._shown} sends the same page again and again")
        return _Step(msgspec.structs.replace(at, next=envelope.next))

    def _without_next(self, at: Bookmark) -> _Step:
        """Go on by stamps: TAXII 2.1 §3.5 leaves `next` to the server."""
        if not at.seen:
            problem = f"{self._shown} says there is more, and neither by `next` nor by stamps how to get it"
            return _Step(at.restarted(), problem=problem)
        following = at.stepped(over=False)
        if following.after > at.after:
            return _Step(following)
        if self._limit < MAX_LIMIT:
            self._limit *= 4
            return _Step(following)
        if at.after >= at.seen:
            return _Step(at, problem=f"{self._shown} sends the same page again and again")
        note = f"more than {MAX_LIMIT:,} objects have the stamp {at.seen}, and there is no `next`: some may be missed"
        return _Step(at.stepped(over=True), notes=(note,))

    def _on_2_0(self, answer: Answer, envelope: Envelope) -> _Step:
        """Say how to go on behind a page of TAXII 2.0 (§3.4)."""
        at = self._at.with_seen(last_added(answer.headers))
        found = span(answer.headers)
        is_all = (
            found is None
            or not envelope.pieces
            or (found.total is not None and found.last + 1 >= found.total)
        )
        if found is None or is_all:
            return _Step(at.ended(server_now(answer.headers)), is_last=True)
        if found.last < at.start or self._is_again(envelope):
            return _Step(at.restarted(), problem=f"{self._shown} sends the same page again and again")
        return _Step(msgspec.structs.replace(at, start=found.last + 1))

    def _is_again(self, envelope: Envelope) -> bool:
        """Whether a page with these objects came before in this poll."""
        if not envelope.pieces:
            return False
        digest = hashlib.sha256(b"\0".join(piece.body for piece in envelope.pieces)).digest()
        known = digest in self._digests
        self._digests.add(digest)
        return known

    def _page(self) -> tuple[Answer, Envelope]:
        """Ask for the page that comes.

        Raises:
            NetworkError: it cannot be had.
        """
        for last in (False, True):
            answer = self._ask()
            if answer.status in _FORGOTTEN and (self._at.next or self._at.start):
                self._at = self._at.restarted()
                answer = self._ask()
            if answer.status == 416 and self._at.version == "2.0":  # behind the end (RFC 9110 §15.5.17)
                return answer, Envelope(Outline("bundle", {}, 0), (), False, "", ())
            if answer.status not in {200, 206}:
                raise status_error(answer.status, self._shown)
            try:
                return answer, read_envelope(answer.body, answer.headers.get("content-type", ""), self._shown)
            except CutOffError:
                if last:
                    raise
        raise AssertionError("the last turn returns or raises")

    def _ask(self) -> Answer:
        at = self._at
        headers = {"Accept": OBJECTS[at.version]}
        if self._ledger_seen:
            headers[SEEN_HEADER] = str(self._ledger_seen)
        query = {"added_after": at.after} if at.after else {}
        if at.version == "2.0":
            headers["Range"] = f"items {at.start}-{at.start + PAGE_OBJECTS - 1}"
        else:
            query |= {"limit": str(self._limit), **({"next": at.next} if at.next else {})}
        return self._door.get(f"{self._url}?{urlencode(query)}" if query else self._url, headers)
