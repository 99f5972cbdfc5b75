"""Requests for information and what answers them: how one stands, whose answer counts, and what is asked too often.

A request is open until it is answered, declined, taken back, or its time is over. What answers it comes from whom it
was sent to, and from nobody else. A request that comes back to who asked it, one that is open already, and a flood of
them are refused, each for its reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from backchannel import codec
from backchannel.clock import parse_time
from backchannel.ids import Digest, sha256
from backchannel.provenance.predicates import Answer, Rfi, Step
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.verification import Verified

RequestState = Literal["open", "acknowledged", "working", "answered", "declined", "expired", "cancelled"]

NEXT: Final[Mapping[RequestState, frozenset[str]]] = {
    "open": frozenset({"acknowledged", "working", "answered", "declined"}),
    "acknowledged": frozenset({"working", "answered", "declined"}),
    "working": frozenset({"answered", "declined"}),
    "answered": frozenset({"answered"}),
    "declined": frozenset({"answered"}),  # who could not answer then may do so later
    "expired": frozenset(),
    "cancelled": frozenset(),
}
"""What an answer may make of a state: answers get lost or overtake one another, so steps may be left out."""
CLOSED: Final = frozenset({"answered", "declined", "expired", "cancelled"})

MAX_OPEN: Final = 100
"""Requests of one party that may be open here at once."""
MAX_A_DAY: Final = 50
"""Requests of one party that are taken in 24 hours."""
MAX_AHEAD: Final = timedelta(days=100)
"""How long a request may be open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, and between whom."""

    digest: Digest
    """Of its statement."""
    rfi: Rfi
    at: datetime
    of: str
    """The party that was asked."""
    cancelled: bool = False
    """Whether who asked took it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStanding:
    """How a request stands."""

    state: RequestState
    answers: tuple[Answer, ...]
    """Those that count, oldest first."""

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state not in CLOSED


def standing(asked: Asked, answers: Sequence[tuple[Answer, datetime]], now: datetime) -> RequestStanding:
    """Return how a request stands.

    Args:
        asked: the request.
        answers: its checked answers with the times of their statements, in any order.
        now: the present.
    """
    state: RequestState = "open"
    taken: list[Answer] = []
    given = 0
    for answer, at in sorted(answers, key=lambda one: one[1]):
        if answer.state not in NEXT[state] or (answer.state == "answered" and given >= asked.rfi.max_answers):
            continue
        if at > parse_time(asked.rfi.needed_by) and answer.state not in {"answered", "declined"}:
            continue  # that somebody begins when the time is over opens nothing again
        state = answer.state
        given += answer.state == "answered"
        taken.append(answer)
    if state not in {"answered", "declined"}:
        if asked.cancelled:
            state = "cancelled"
        elif now > parse_time(asked.rfi.needed_by):
            state = "expired"
    return RequestStanding(state=state, answers=tuple(taken))


def check_answer(verified: Verified, asked: Mapping[bytes, Asked]) -> tuple[Answer, Asked]:
    """Return an answer, and the request that it answers.

    Args:
        verified: the statement, of the kind `answer`.
        asked: statement digest to the request of ours.

    Raises:
        Rejected: `WRONG_TYPE`, it is no answer; `WRONG_ANSWER`, we asked nothing of the kind of whoever signed it.
    """
    answer = verified.predicate
    if not isinstance(answer, Answer):
        raise Rejected(Reason.WRONG_TYPE, "it is not an answer")
    party, name = verified.signers[0].party, verified.signers[0].name
    found = asked.get(bytes.fromhex(answer.reply_to.removeprefix("sha256:")))
    if found is None or found.of != party:
        raise Rejected(Reason.WRONG_ANSWER, f"no request {answer.reply_to[:15]}… went to {name}")
    patterns = 0 if found.rfi.hunt is None else len(found.rfi.hunt.patterns)
    if answer.hunted and len(answer.hunted) != patterns:
        raise Rejected(
            Reason.WRONG_ANSWER, f"it tells of {len(answer.hunted)} patterns, and {patterns} were asked"
        )
    return answer, found


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was asked before, as far as a new request is measured by it."""

    threads: Collection[str] = ()
    """Of the questions that we asked or passed on ourselves."""
    own_claims: Collection[bytes] = ()
    """What we ask of this party, and is open."""
    claims: Collection[bytes] = ()
    """What this party asks of us, and is open."""
    open: int = 0
    """How many requests of this party are open here."""
    today: int = 0
    """How many came of it in the last 24 hours."""


def check_request(rfi: Rfi, claim: bytes, before: Before, now: datetime) -> None:
    """Check that a request may be taken.

    Args:
        rfi: what is asked.
        claim: what it asks, as `claim_of` names it.
        before: what was asked before.
        now: the present.

    Raises:
        Rejected: `EXPIRED`, `BAD_FORM` where it would be open for too long, `REQUEST_LOOP`, `DUPLICATE_REQUEST` or
            `TOO_MANY_REQUESTS`.
    """
    until = parse_time(rfi.needed_by)
    if until <= now:
        raise Rejected(Reason.EXPIRED, f"the answer was needed by {rfi.needed_by}")
    if until - now > MAX_AHEAD:
        raise Rejected(Reason.BAD_FORM, f"a request is open for {MAX_AHEAD.days} days at most")
    if rfi.thread in before.threads:
        raise Rejected(Reason.REQUEST_LOOP, "we asked it ourselves")
    if claim in before.own_claims:
        raise Rejected(Reason.REQUEST_LOOP, "we ask the same of this party")
    if claim in before.claims:
        raise Rejected(Reason.DUPLICATE_REQUEST)
    if before.open >= MAX_OPEN:
        raise Rejected(Reason.TOO_MANY_REQUESTS, f"{before.open} are open")
    if before.today >= MAX_A_DAY:
        raise Rejected(Reason.TOO_MANY_REQUESTS, f"{before.today} came today")


def claim_of(rfi: Rfi, objects: Collection[str]) -> bytes:
    """Return what a request asks, by its digest: the same whatever its spelling, its date and who asks.

    Args:
        rfi: the request.
        objects: digests of the objects that it is about.
    """
    words = " ".join(unicodedata.normalize("NFKC", rfi.question).casefold().split())
    hunt = rfi.hunt
    asked = {
        "question": words if hunt is None else "",
        "objects": sorted(set(objects)),
        "patterns": [] if hunt is None else sorted({" ".join(pattern.split()) for pattern in hunt.patterns}),
        "since": (hunt.since if hunt else None) or "",
        "until": (hunt.until if hunt else None) or "",
    }
    return sha256(codec.canonical(asked))


def step(count: int) -> Step:
    """Return a count as it is told."""
    if count < 2:
        return "1" if count else "0"
    return "2-9" if count < 10 else "10+"
