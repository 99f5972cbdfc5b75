"""What others ask, answer and say of objects: whether it may be taken, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.following import follow
from backchannel.desk.node import Node
from backchannel.desk.outcomes import hear_outcome
from backchannel.desk.redacted import made_of, speakers
from backchannel.desk.requests import RequestReader
from backchannel.ids import Digest
from backchannel.parties.states import Standing
from backchannel.provenance.predicates import (
    Answer,
    Opinion,
    Outcome,
    Predicate,
    Receipt,
    Retract,
    Rfi,
    Sighting,
)
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.requests import CLOSED, MAX_OPEN, Before, check_answer, check_request, claim_of
from backchannel.provenance.statement import (
    ObjectSubject,
    SigningKey,
    content_of,
    digest_text,
    objects_named,
    open_envelope,
    shown,
)
from backchannel.provenance.verification import Verified
from backchannel.store.requests import NewRequest, RequestRow
from backchannel.store.rows import PartyRow

_DAY = timedelta(days=1)
MAX_SPOKEN_OF = 100
"""Objects that one sighting, opinion, outcome or retraction speaks of."""
MAX_VERSIONS = 100
"""Statements about one content, and arrivals of one object, among which those of who takes it back are looked for."""

MAX_REPLIES = 200
"""What is said to one request or receipt: a request takes 100 answers at most, and each is verified when it is shown."""


def admit(
    node: Node, clock: Clock, one: Verified, before: Iterable[Verified], *, giver: str | None = None
) -> None:
    """Check that a statement may be taken, beyond its signature.

    Args:
        node: ours.
        clock: the present.
        one: the statement.
        before: what was heard in the same drop, and is not kept yet.
        giver: name of the party that it came from.

    Raises:
        Rejected: it may not.
    """
    said = one.predicate
    if isinstance(said, Rfi):
        _check_request(node, clock, one, said, before)
    elif isinstance(said, Answer):
        _check_answer(node, clock, one, said)
        _check_replies(node, said.reply_to, before)
    elif isinstance(said, Retract):
        _check_retraction(node, one, said)
        if said.statement is not None:
            _check_replies(node, said.statement, before)
    elif isinstance(said, Outcome | Opinion | Sighting):
        named = _spoken_of(one)
        parties = speakers(node.store, one.signers[0].name, giver)
        for subject in named:
            if not is_here(node, subject) and not made_of(node.store, subject, parties):
                raise Rejected(Reason.UNKNOWN_OBJECT, shown(subject.id))


def settle(node: Node, clock: Clock, one: Verified, row: int, *, key: SigningKey | None = None) -> None:
    """Keep what follows from a statement that was taken. Inside the transaction that keeps it.

    Args:
        node: ours.
        clock: the present.
        one: the statement.
        row: of it, in the store.
        key: ours, where it is open: it signs what we take back because a party did.
    """
    said, requests = one.predicate, node.store.requests
    if isinstance(said, Rfi):
        party = party_of(node, one)
        asked = parse_time(one.statement.iat)
        requests.add(
            NewRequest(
                statement_row=row,
                party_row=party.party_row,
                is_own=False,
                thread=said.thread,
                claim=_claim(node, one, said),
                asked_at=format_time(asked),
                needed_by=format_time(parse_time(said.needed_by)),
            )
        )
    elif isinstance(said, Answer | Retract):
        name = said.reply_to if isinstance(said, Answer) else said.statement
        request = None if name is None else requests.get(_digest(name))
        if request is not None and RequestReader(node, clock).standing(request)[1].state in CLOSED:
            requests.close(request.statement.statement_row, at=format_time(clock.now()))
    if isinstance(said, Retract):
        follow(node, clock, one, key)
    elif isinstance(said, Outcome) and one.has_weight:
        hear_outcome(node, clock, one, row)


def party_of(node: Node, one: Verified) -> PartyRow:
    """Return the party that signed a statement.

    Raises:
        Rejected: it is gone.
    """
    party = node.store.parties.by_name(one.signers[0].name)
    if party is None:
        raise Rejected(Reason.UNKNOWN_KEY, f"{one.statement.iss[:8]}…")
    return party


def _spoken_of(one: Verified) -> Sequence[ObjectSubject]:
    """Return the objects that a statement speaks of.

    Raises:
        Rejected: `TOO_MANY`.
    """
    named = objects_named(one.statement)
    if len(named) > MAX_SPOKEN_OF:
        raise Rejected(Reason.TOO_MANY, f"{len(named):,} objects, and {MAX_SPOKEN_OF} at most")
    return named


def is_here(node: Node, subject: ObjectSubject) -> bool:
    """Whether we hold an object in the content that a statement names."""
    return node.store.objects.content(subject.id, _digest(subject.jcs)) is not None


def _check_request(node: Node, clock: Clock, one: Verified, rfi: Rfi, before: Iterable[Verified]) -> None:
    party, now, requests = party_of(node, one), clock.now(), node.store.requests
    if node.store.membership.standing(party.party_row) == Standing.SUSPENDED:
        raise Rejected(Reason.PARTY_SUSPENDED, party.name)
    open_at = format_time(now)

    def open_ones(*, is_own: bool) -> list[RequestRow]:
        return requests.newest(is_own=is_own, party_row=party.party_row, at_most=MAX_OPEN, open_at=open_at)

    also = [
        _claim(node, other, other.predicate)
        for other in before
        if isinstance(other.predicate, Rfi) and other.signers[0].party == one.signers[0].party
    ]
    theirs = open_ones(is_own=False)
    check_request(
        rfi,
        _claim(node, one, rfi),
        Before(
            threads={rfi.thread} if any(row.is_own for row in requests.threads(rfi.thread)) else (),
            own_claims={row.claim for row in open_ones(is_own=True)},
            claims={row.claim for row in theirs} | set(also),
            open=len(theirs) + len(also),
            today=requests.came_since(party.party_row, format_time(now - _DAY)) + len(also),
        ),
        now,
    )


def _check_answer(node: Node, clock: Clock, one: Verified, answer: Answer) -> None:
    request = node.store.requests.get(_digest(answer.reply_to))
    if request is not None and request.is_own:
        asked = RequestReader(node, clock).asked(request)
        check_answer(one, {asked.digest: asked})
        return
    if not _helps(node, one, answer):
        check_answer(one, {})


def _check_replies(node: Node, name: str, before: Iterable[Verified]) -> None:
    """Check that no more is said to one statement than is ever shown of it."""
    said = len(node.store.requests.replies(_digest(name)))
    said += sum(_replies_to(other.predicate) == name for other in before)
    if said >= MAX_REPLIES:
        raise Rejected(Reason.TOO_MANY, f"{said:,} statements to {name[:15]}…")


def _replies_to(said: Predicate | None) -> str | None:
    return (
        said.reply_to if isinstance(said, Answer) else said.statement if isinstance(said, Retract) else None
    )


def _helps(node: Node, one: Verified, answer: Answer) -> bool:
    """Whether it answers a receipt by which we declined something of the party's, and asked for help."""
    kept = node.store.statements.get(_digest(answer.reply_to))
    if kept is None or not kept.is_own:
        return False
    statement = open_envelope(kept.envelope).statement
    said: Predicate | None = content_of(statement)
    is_theirs = bool(_kids(node, one) & set(statement.aud))
    return is_theirs and isinstance(said, Receipt) and said.state == "declined"


def _check_retraction(node: Node, one: Verified, said: Retract) -> None:
    """Check that what is taken back was said by who takes it back."""
    kids = _kids(node, one)
    if said.statement is not None:
        kept = node.store.statements.get(_digest(said.statement))
        if kept is None or kept.issuer not in kids:
            raise Rejected(Reason.NOT_THEIRS, f"statement {said.statement[:15]}…")
    for subject in _spoken_of(one):
        digest = _digest(subject.jcs)
        about = node.store.statements.about(digest, kinds=("origin", "relay"), at_most=MAX_VERSIONS)
        if any(other.statement.issuer in kids for other in about):
            continue
        if is_here(node, subject) and not _came_of(node, subject, one.signers[0].name):
            raise Rejected(Reason.NOT_THEIRS, shown(subject.id))


def _kids(node: Node, one: Verified) -> frozenset[str]:
    """Return every key that the party of a statement ever named as its own."""
    party = one.signers[0].party
    return next(
        (row.kids for row in node.store.membership.known() if row.party.party_id == party), frozenset()
    )


def _came_of(node: Node, subject: ObjectSubject, name: str) -> bool:
    arrivals, _ = node.store.objects.arrivals(subject.id, at_most=MAX_VERSIONS)
    return any(one.party == name for one in arrivals)


def _claim(node: Node, one: Verified, rfi: Rfi) -> bytes:
    """Return what a request asks, by our objects: who was given one redacted asks the same as who has it whole."""
    parties, asked = speakers(node.store, one.signers[0].name), dict[str, None]()
    for subject in objects_named(one.statement):
        ours = made_of(node.store, subject, parties)
        asked |= dict.fromkeys(digest_text(form.object_digest) for form in ours) or {subject.jcs: None}
    return claim_of(rfi, list(asked))


def _digest(text: str) -> Digest:
    return Digest(bytes.fromhex(text.removeprefix("sha256:")))
