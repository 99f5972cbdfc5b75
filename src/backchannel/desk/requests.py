"""Requests as they stand: read with the keys of today, with what answers them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.help_wanted import help_wanted
from backchannel.desk.membership import named
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.redacted import Spoken, spoken_of
from backchannel.desk.request_documents import AnswerShown, HuntAsked, RequestDetail, Requests, RequestShown
from backchannel.errors import NotFoundError, StoreError, UsageError
from backchannel.parties.names import visible_name
from backchannel.provenance.predicates import Answer, Retract, Rfi
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.requests import Asked, RequestStanding, check_answer, standing
from backchannel.provenance.statement import content_of, digest_text, open_envelope
from backchannel.provenance.verification import Terms, verify
from backchannel.store.requests import RequestRow
from backchannel.store.statements import StatementRow

MIN_DIGITS: Final = 8
"""Fewest digits of a digest that name a request."""
PAGE_ROWS: Final = 50
MAX_ALSO: Final = 200
"""Open requests of others among which the same question is looked for."""


def list_requests(node: Node, clock: Clock, *, party: str | None = None, rows: int = PAGE_ROWS) -> Requests:
    """Return what we ask and what we are asked, newest first.

    Args:
        node: ours.
        clock: the present.
        party: only what is between us and this one.
        rows: most of each.

    Raises:
        NotFoundError: there is no such party.
    """
    row = None if party is None else named(node, party).party_row
    found = [
        node.store.requests.newest(is_own=is_own, party_row=row, at_most=rows) for is_own in (False, True)
    ]
    reader = RequestReader(node, clock)
    to_us, ours = (tuple(map(reader.shown, rows)) for rows in found)
    wanted = tuple(one for one in help_wanted(node, clock) if party in {None, one.party})
    return Requests(to_us=to_us, ours=ours, help=wanted)


def show_request(node: Node, clock: Clock, which: str) -> RequestDetail:
    """Return one request.

    Raises:
        NotFoundError: there is no such request.
        UsageError: it is not named by the digits of its digest, or several begin so.
    """
    return RequestDetail(request=RequestReader(node, clock).shown(request_named(node, which)))


def open_for_us(node: Node, clock: Clock) -> list[RequestShown]:
    """Return what we are asked and did not answer yet, what is needed first at the beginning."""
    rows = node.store.requests.newest(
        is_own=False, party_row=None, at_most=MAX_ALSO, open_at=format_time(clock.now())
    )
    reader = RequestReader(node, clock)
    shown = [one for one in map(reader.shown, rows) if one.task is not None]
    return sorted(shown, key=lambda one: one.needed_by)


def request_named(node: Node, which: str) -> RequestRow:
    """Return the request of a digest, or of so much of it that only one has it.

    Raises:
        NotFoundError: there is no such request.
        UsageError: it is not named by the digits of its digest, or several begin so.
    """
    digits = digits_of(which)
    found = node.store.requests.like(digits, at_most=2)
    if not found:
        raise NotFoundError(f"there is no request {digits[:16]}", hint="See `backchannel ask list`.")
    if len(found) > 1:
        raise UsageError(f"several requests begin with {digits}", hint="Write more of it.")
    return found[0]


def digits_of(which: str) -> str:
    """Return the digits of a digest that a person wrote, whole or cut short.

    Raises:
        UsageError: it is none, or too short.
    """
    digits = which.strip().lower().removeprefix("sha256:").removesuffix("…")
    if not re.fullmatch(rf"[0-9a-f]{{{MIN_DIGITS},64}}", digits):
        raise UsageError(
            "a request is named by the first digits of its digest, at least eight",
            hint="See `backchannel ask list`.",
        )
    return digits


def rfi_of(row: RequestRow) -> Rfi:
    """Return what a request asks.

    Raises:
        StoreError: the store is damaged.
    """
    said = content_of(open_envelope(row.statement.envelope).statement)
    if not isinstance(said, Rfi):
        raise StoreError("a request in the store is none", hint="Restore the store from a backup.")
    return said


class RequestReader:
    """Reads many requests with one reading of the keys."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._node, self._store, self._now = node, node.store, clock.now()
        self._keys = pinned_keys(node)
        self._terms = Terms(now=self._now, me=None, seen=None, known_at=known_at(node.store))
        self._open: list[RequestRow] | None = None
        self._waiting: dict[int, frozenset[bytes]] = {}
        """For each party what waits for it: hundreds of requests are shown together, and thousands can wait."""

    def standing(self, row: RequestRow) -> tuple[Asked, RequestStanding]:
        """Return a request and how it stands."""
        asked = self.asked(row)
        answers = [(answer, at) for answer, at, _ in self._answers(row, asked)]
        return asked, standing(asked, answers, self._now)

    def asked(self, row: RequestRow) -> Asked:
        """Return a request as the rules of requests read it."""
        return Asked(
            digest=row.statement.digest,  # type: ignore[arg-type]  # 32 bytes, from the store
            rfi=rfi_of(row),
            at=parse_time(row.asked_at),
            of=row.party_id if row.is_own else self._node.party.party_id,
            cancelled=self._is_cancelled(row),
        )

    def shown(self, row: RequestRow) -> RequestShown:
        """Return a request as it is shown."""
        asked = self.asked(row)
        said = list(self._answers(row, asked))
        found = standing(asked, [(answer, at) for answer, at, _ in said], self._now)
        rfi = asked.rfi
        target = self._keys(rfi.for_) if rfi.for_ else None
        passed = self._passed(row) if rfi.for_ and not row.is_own else None
        spoken = self._spoken(row.statement, by=row.party)
        return RequestShown(
            request=digest_text(row.statement.digest),
            own=row.is_own,
            party=row.party,
            behalf=rfi.behalf,
            pass_on_to=(target.name if target else rfi.for_) if rfi.for_ else None,
            question=rfi.question,
            topic=rfi.topic,
            about=spoken.about,
            forms=spoken.forms,
            hunt=self._hunt(row, rfi),
            tlp=rfi.tlp.label,
            pap=rfi.pap.label,
            asked_at=row.asked_at,
            needed_by=rfi.needed_by,
            duty=rfi.duty,
            state=found.state,
            answers=tuple(
                _shown(answer, at, objects) for answer, at, objects in said if answer in found.answers
            ),
            passed=passed.answers if passed else (),
            also=tuple(self._also(row)) if found.is_open and not row.is_own else (),
            waits=self._waits(row),
            says=_says(row, found),
            task=_task(row, rfi, found, passed),
        )

    def _hunt(self, row: RequestRow, rfi: Rfi) -> HuntAsked | None:
        """Return what a hunt request asks to be looked for."""
        if rfi.hunt is None:
            return None
        run = self._store.requests.run(row.statement.statement_row)
        return HuntAsked(
            patterns=tuple(rfi.hunt.patterns),
            purpose=rfi.hunt.purpose,
            since=rfi.hunt.since,
            until=rfi.hunt.until,
            run_at=run.at if run else None,
        )

    def _answers(self, row: RequestRow, asked: Asked) -> Iterator[tuple[Answer, datetime, tuple[str, ...]]]:
        """Yield the answers that count, with their times and the ids of the objects that they name."""
        for kept in self._store.requests.replies(row.statement.digest):
            if kept.kind != "answer" or kept.is_own is row.is_own:
                continue
            statement = open_envelope(kept.envelope).statement
            if kept.is_own:
                answer = content_of(statement)
                if not isinstance(answer, Answer):
                    continue
            else:
                try:
                    verified = verify(kept.envelope, self._keys, self._terms)
                    answer, _ = check_answer(verified, {asked.digest: asked})
                except Rejected:
                    continue  # its key was given up since: it answers nothing any more
                if not verified.has_weight:
                    continue
            yield answer, parse_time(statement.iat), self._spoken(kept, by=row.party).about

    def _spoken(self, row: StatementRow, *, by: str) -> Spoken:
        return spoken_of(self._store, row.statement_row, open_envelope(row.envelope).statement, by=by)

    def _is_cancelled(self, row: RequestRow) -> bool:
        """Whether who asked took it back."""
        for kept in self._store.requests.replies(row.statement.digest):
            if kept.kind != "retract" or kept.is_own is not row.is_own:
                continue
            if kept.is_own:
                return True
            try:
                verified = verify(kept.envelope, self._keys, self._terms)
            except Rejected:
                continue
            if isinstance(verified.predicate, Retract) and verified.signers[0].party == row.party_id:
                return True
        return False

    def _passed(self, row: RequestRow) -> RequestShown | None:
        """Return the request by which we passed one on."""
        own = [other for other in self._store.requests.threads(row.thread) if other.is_own]
        return self.shown(own[-1]) if own else None

    def _also(self, row: RequestRow) -> Iterator[str]:
        if self._open is None:
            self._open = self._store.requests.newest(
                is_own=False, party_row=None, at_most=MAX_ALSO, open_at=format_time(self._now)
            )
        for other in self._open:
            if other.claim == row.claim and other.party_row != row.party_row:
                yield other.party

    def _waits(self, row: RequestRow) -> bool:
        waiting = self._waiting.get(row.party_row)
        if waiting is None:
            rows = self._store.statements.waiting(row.party_row)
            waiting = self._waiting[row.party_row] = frozenset(one.digest for one in rows)
        said = [row.statement, *self._store.requests.replies(row.statement.digest)]
        return any(one.is_own and one.digest in waiting for one in said)


def _shown(answer: Answer, at: datetime, objects: tuple[str, ...]) -> AnswerShown:
    return AnswerShown(
        state=answer.state,
        text=answer.text or ("" if answer.reason is None else answer.reason.text),
        tlp=answer.tlp.label,
        reason=None if answer.reason is None else answer.reason.code,
        objects=objects,
        hunted=tuple(answer.hunted),
        said_at=format_time(at),
    )


def _says(row: RequestRow, found: RequestStanding) -> str:
    """Say how a request stands."""
    they, we = visible_name(row.party), "we"
    who = they if row.is_own else we
    last = found.answers[-1] if found.answers else None
    if found.state == "declined" and last is not None and last.reason is not None:
        return f"{who} declined: {last.reason.code}"
    return {
        "open": f"{they} has not answered yet" if row.is_own else "not answered yet",
        "acknowledged": f"{who} read it",
        "working": f"{who} {'works' if row.is_own else 'work'} on it",
        "answered": f"{who} answered",
        "expired": "its time is over",
        "cancelled": f"{we if row.is_own else they} took it back",
    }[found.state]


def _task(row: RequestRow, rfi: Rfi, found: RequestStanding, passed: RequestShown | None) -> str | None:
    """Say what we should do now."""
    if not found.is_open or row.is_own:
        return None
    if passed is not None:
        they = visible_name(passed.party)
        return (
            f"{they} {passed.state}: pass the answer on."
            if passed.state in {"answered", "declined"}
            else None
        )
    if rfi.for_ is not None:
        return "Pass it on without naming who asks, or decline."
    if rfi.hunt is not None:
        return "Look at what would be searched for, then approve the run or decline."
    return "Answer it, or decline with a reason."
