"""Take a message of a comparison: verified, in its turn, and checked against all that was said before.

What does not hold ends the session: the message is kept as evidence, the reason is told to the other party, and
nothing of it is used. What came before is taken again without any effect.
"""

from __future__ import annotations

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.comparing import spent
from backchannel.desk.comparison_bodies import answer_to, common_of, confirmed, matched
from backchannel.desk.comparison_session import Session, new_session, open_session, write_sorts
from backchannel.desk.node import Node
from backchannel.desk.own_keys import OwnKeys, own_keys
from backchannel.desk.pinned import own_kids, pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.records import record_decision
from backchannel.ids import sha256
from backchannel.parties.age_keys import to_identity
from backchannel.parties.at_rest import Unseal
from backchannel.parties.states import Standing
from backchannel.provenance.predicates import Psi
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Terms, Verified, verify
from backchannel.psi import rounds
from backchannel.psi.budget import check_budget, size_of
from backchannel.psi.files import check_body, open_message
from backchannel.psi.messages import (
    Confirm,
    Decline,
    Request,
    Response,
    Result,
    Setup,
    Show,
    ShowBack,
    Step,
    read_body,
)
from backchannel.psi.suites import suites
from backchannel.store.comparisons import ComparisonRow
from backchannel.store.rows import PartyRow

MAX_REFUSED_PER_DAY = 20
"""Requests of one party that ended before we put anything in, in a day: refused, declined or taken back. Further ones are
refused and not kept."""


class Taken(msgspec.Struct, frozen=True):
    """What became of a message."""

    session: Session
    is_new: bool
    """Else it came before."""
    refusal: Rejected | None = None
    """Why the session ended with it."""


def take_message(
    node: Node,
    clock: Clock,
    data: bytes,
    *,
    by: PartyRow | None = None,
    unseal: Unseal | None = None,
) -> Taken:
    """Take a message that a party handed us; when this returns, it is on the disk.

    Args:
        node: ours.
        clock: the present.
        data: the file.
        by: who brought it, where that is known: it must have signed it.
        unseal: opens our keys.

    Raises:
        Rejected: it is no message that can be taken; nothing of it is kept.
        SignatureError: our keys need a passphrase.
    """
    keys = own_keys(node, clock, unseal)
    identities = tuple(to_identity(key.secret) for key in keys.keyring.openers())
    envelope, body = open_message(data, identities)
    terms = Terms(
        now=clock.now(), me=own_kids(node), seen=None, expect={"psi"}, known_at=known_at(node.store)
    )
    verified = verify(envelope, pinned_keys(node), terms)
    if not verified.has_weight or not isinstance(verified.predicate, Psi):
        raise Rejected(verified.notes[0] if verified.notes else Reason.WRONG_TYPE)
    said = verified.predicate
    check_body(body, said.body)
    party = _party(node, verified, by)
    with node.store.transaction():
        return _Coming(node, clock, keys, party, verified, said, envelope, body).take()


def _party(node: Node, verified: Verified, by: PartyRow | None) -> PartyRow:
    name = verified.signers[0].name
    party = node.store.parties.by_name(name)
    if party is None or party.is_self or (by is not None and by.party_row != party.party_row):
        raise Rejected(Reason.NOT_ADDRESSED, f"it is signed by {name}")
    if node.store.membership.standing(party.party_row) in {Standing.SUSPENDED, Standing.REVOKED}:
        raise Rejected(Reason.PARTY_SUSPENDED, name)
    return party


class _Coming:
    """One message that was verified. Inside a transaction."""

    def __init__(
        self,
        node: Node,
        clock: Clock,
        keys: OwnKeys,
        party: PartyRow,
        verified: Verified,
        said: Psi,
        envelope: bytes,
        body: bytes,
    ) -> None:
        self._node, self._clock, self._keys, self._party = node, clock, keys, party
        self._to = verified.statement.iss
        self._digest, self._said, self._envelope, self._body = verified.digest, said, envelope, body
        self._step = Step(said.step)

    def take(self) -> Taken:
        session = open_session(self._node, bytes.fromhex(self._said.session))
        if session is None:
            return self._begun()
        if session.row.party_row != self._party.party_row:
            raise Rejected(Reason.OUT_OF_TURN, "the session is with another party")
        before = [one for one in session.messages if one.step == self._step and not one.is_ours]
        if before:
            if before[0].digest == self._digest:
                return Taken(session, is_new=False)
            raise Rejected(Reason.EQUIVOCATION, f"message {int(self._step)} of {session.name}")
        if session.row.state in {"declined", "failed"} or session.next is None:
            raise Rejected(Reason.OUT_OF_TURN, "the session is over")
        if self._step is Step.DECLINE:
            return self._declined(session)
        return self._answered(session)

    # --- A new session -----------------------------------------------------------------------------------

    def _begun(self) -> Taken:
        if self._step is not Step.REQUEST:
            raise Rejected(Reason.OUT_OF_TURN, "it does not begin a session, and none of this name is here")
        request = read_body(self._body, Step.REQUEST)
        if not isinstance(request, Request):
            raise Rejected(Reason.BAD_FORM)
        at, row = format_time(self._clock.now()), self._party.party_row
        had = self._node.store.comparisons.had(row, since=at[:10], alive=at)
        if had.refused >= MAX_REFUSED_PER_DAY:
            raise Rejected(Reason.OVER_BUDGET, f"{had.refused} requests came to nothing today")
        session = new_session(
            self._node,
            ComparisonRow(
                session=bytes.fromhex(self._said.session),
                party_row=row,
                side="responder",
                suite=request.suite,
                sorts=write_sorts(request.sorts),
                because=request.because,
                their_size=max(self._said.n - rounds.CANARIES, 0),
                began_at=at,
                changed_at=at,
            ),
        )
        try:
            self._check_request(session, request)
        except Rejected as refusal:
            session.save()
            session.add(self._clock, self._envelope, self._body, is_ours=False)
            return self._refused(session, refusal)
        session.save()
        session.add(self._clock, self._envelope, self._body, is_ours=False)
        return Taken(session, is_new=True)

    def _check_request(self, session: Session, request: Request) -> None:
        size = session.row.their_size
        check_budget(size, spent(self._node, self._clock, self._party.party_row))
        if size_of(size, session.sorts) != size:
            raise Rejected(Reason.WRONG_LENGTH, f"a set of {size:,} items is not filled up to a size of all")
        if request.suite not in suites():
            raise Rejected(Reason.BAD_FORM, f"no way to compare by {request.suite[:40]!r} is installed here")
        self._check_elements(session, request.elements)
        self._check_marks(session, request.marks)

    # --- A session that is under way -----------------------------------------------------------------------

    def _declined(self, session: Session) -> Taken:
        decline = read_body(self._body, Step.DECLINE)
        session.add(self._clock, self._envelope, self._body, is_ours=False)
        if isinstance(decline, Decline):
            session.end(self._clock, "declined", decline.reason, decline.text)
        return Taken(session, is_new=True)

    def _answered(self, session: Session) -> Taken:
        last, first = session.last(), session.first_of(is_ours=False)
        if session.is_our_turn or session.next is not self._step or last is None:
            raise Rejected(Reason.OUT_OF_TURN, f"message {int(self._step)} behind {int(session.step)}")
        if self._said.prev != digest_text(last.digest):
            raise Rejected(Reason.OUT_OF_TURN, "it answers another message than our last one")
        session.add(self._clock, self._envelope, self._body, is_ours=False)
        try:
            if first is not None and (first.root, first.n) != (self._said.root, self._said.n):
                raise Rejected(Reason.BROKEN_SEAL, "it names other inputs than the party's first message")
            self._work(session)
        except Rejected as refusal:
            return self._refused(session, refusal)
        session.save()
        return Taken(session, is_new=True)

    def _refused(self, session: Session, refusal: Rejected) -> Taken:
        session.fail(self._clock, self._keys, self._to, refusal)
        record_decision(
            self._node.store,
            "refuse",
            f"comparison {session.name}",
            now=self._clock.now(),
            digest=sha256(self._envelope),
        )
        return Taken(session, is_new=True, refusal=refusal)

    def _work(self, session: Session) -> None:
        """Check what a message carries, and come to what follows from it."""
        body = read_body(self._body, self._step)
        now = self._clock.now()
        if isinstance(body, Setup):
            self._check_elements(session, body.elements)
            self._check_marks(session, body.marks)
            session.change(now, their_size=max(self._said.n - rounds.CANARIES, 0))
            size_of(session.row.their_size, session.sorts)
            answer_to(session, self._clock, session.elements(body.elements))
        elif isinstance(body, Response):
            self._check_response(session, body.response, session.body(Request).marks)
            session.change(now, common=len(common_of(session)))
        elif isinstance(body, Result):
            setup = session.body(Setup)
            response = session.elements(body.response)
            rounds.check_seal(bytes.fromhex(setup.sealed_response), bytes.fromhex(body.salt), response)
            self._check_response(session, body.response, setup.marks)
            session.change(now, common=len(common_of(session)), state="done")
        elif isinstance(body, Show):
            setup = session.body(Setup)
            said = session.body(Result).response
            self._check_order(session, body, said, setup.sealed_order, setup.marks)
            self._note_common(session)
        elif isinstance(body, ShowBack):
            answered = session.body(Response)
            marks = session.body(Request).marks
            self._check_order(session, body, answered.response, answered.sealed_order, marks)
            self._check_confirmed(session, body.confirm)
            self._note_common(session)
        elif isinstance(body, Confirm):
            self._check_confirmed(session, body.confirm)
            session.change(now, state="done")
            session.forget_key()
        else:  # they propose to show: a person decides
            session.change(now, state="open")

    # --- Checks --------------------------------------------------------------------------------------------

    def _check_elements(self, session: Session, text: str) -> None:
        """See that a set has as many elements as its statement says, each once."""
        elements = session.elements(text)
        if len(elements) != self._said.n or self._said.n < rounds.CANARIES:
            raise Rejected(Reason.WRONG_LENGTH, f"{len(elements):,} in place of {self._said.n:,}")
        if len(set(elements)) < len(elements):
            raise Rejected(Reason.BAD_ELEMENT, "one stands twice")

    def _check_marks(self, session: Session, text: str) -> None:
        marks = session.elements(text)
        if len(marks) != rounds.CANARIES or len(set(marks)) < rounds.CANARIES:
            raise Rejected(Reason.WRONG_LENGTH, f"{len(set(marks))} marks in place of {rounds.CANARIES}")

    def _check_response(self, session: Session, response: str, marks: str) -> None:
        rounds.check_response(
            session.engine, session.own, session.elements(response), session.elements(marks)
        )

    def _check_order(
        self, session: Session, shown: Show | ShowBack, response: str, sealed: str, marks: str
    ) -> None:
        order = session.elements(shown.order)
        rounds.check_seal(bytes.fromhex(sealed), bytes.fromhex(shown.salt), order)
        rounds.check_order(
            session.engine, session.own, session.elements(response), order, session.elements(marks)
        )

    def _check_confirmed(self, session: Session, confirm: str) -> None:
        if confirmed(session).hex() != confirm:
            raise Rejected(Reason.OTHER_RESULT)

    def _note_common(self, session: Session) -> None:
        """Note which of our items both hold."""
        self._node.store.comparisons.set_common(session.row.session, matched(session).values())
