"""Compare with a party which indicators both hold, without showing the rest: what we begin, answer, show and refuse.

Each step is a message that is kept in the transaction that makes it, and entered into the ledger before it is handed
out. Asked for again, it is the same message: whatever ends the process, and whenever, nothing is made twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from backchannel.clock import Clock, format_time
from backchannel.desk.comparison_bodies import body_of, check_because, put_in, put_in_too, request
from backchannel.desk.comparison_documents import LeftOut
from backchannel.desk.comparison_items import PURPOSE
from backchannel.desk.comparison_session import LASTS, Session, new_session, open_session, write_sorts
from backchannel.desk.entering import append_entered
from backchannel.desk.node import Node
from backchannel.desk.own_keys import OwnKeys, own_keys
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.records import record_decision
from backchannel.desk.weighing import may_say
from backchannel.errors import NotFoundError, PolicyError, UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi.budget import Spent, check_budget, check_sorts
from backchannel.psi.files import seal_message
from backchannel.psi.items import DEFAULT_SORTS, Sort
from backchannel.psi.messages import Decline, Step
from backchannel.psi.suites import SODIUM, engine
from backchannel.stix.markings import Tlp
from backchannel.stix.visible import visible
from backchannel.store.comparisons import ComparisonRow, MessageRow

DAY: Final = timedelta(hours=24)
AGREED: Final = frozenset({Step.PROPOSE, Step.SHOW})
"""Messages that a person has to agree to: they show which items are in common."""


def begin(
    node: Node,
    clock: Clock,
    party: str,
    *,
    sorts: Sequence[Sort] = DEFAULT_SORTS,
    overridden: Sequence[Sort] = (),
    because: str = "",
    suite: str = SODIUM,
    channel: str = "",
    unseal: Unseal | None = None,
) -> tuple[Session, tuple[LeftOut, ...]]:
    """Begin to compare with a party; returns the session, and what of ours does not go in.

    Args:
        node: ours.
        clock: the present.
        party: its name.
        sorts: what is compared.
        overridden: of these, what can be guessed and is compared all the same.
        because: why, for whoever decides about it over there; needed where something is overridden.
        suite: the way to compare.
        channel: of ours by which the messages go; "" by hand.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such party, or nothing of ours goes in.
        PolicyError: the rules do not let us.
        Rejected: `GUESSABLE`, `OVER_BUDGET`, `TOO_MANY`.
        UsageError: the suite is not installed; or an override has no reason.
    """
    check_sorts(sorts, overridden)
    check_because(overridden, because)
    recipient = recipient_of(node, party)
    check_rules(node, clock, recipient)
    engine(suite)
    check_budget(0, spent(node, clock, recipient.party.party_row))
    at = format_time(clock.now())
    row = ComparisonRow(
        session=secrets.token_bytes(16),
        party_row=recipient.party.party_row,
        side="initiator",
        suite=suite,
        sorts=write_sorts(sorts),
        overridden=write_sorts(overridden),
        because=because,
        channel=channel,
        began_at=at,
        changed_at=at,
    )
    session = new_session(node, row)
    keys = own_keys(node, clock, unseal)
    with node.store.transaction():
        chosen = put_in(session, clock, recipient)
        session.say(clock, keys, recipient.sign, Step.REQUEST, request(session, because))
    return session, tuple(LeftOut(why=why, n=n) for why, n in sorted(chosen.left_out.items()) if n)


def answer(
    node: Node,
    clock: Clock,
    which: str,
    *,
    shows: bool = False,
    overridden: Sequence[Sort] = (),
    because: str = "",
    unseal: Unseal | None = None,
) -> Session:
    """Make our next message, if it is our turn; one that was made is not made again.

    Args:
        node: ours.
        clock: the present.
        which: the session, by the beginning of its name.
        shows: whether it is agreed to show which items are in common.
        overridden: sorts that can be guessed, and are compared all the same.
        because: why.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such session.
        UsageError: it is over, it is not our turn, or the next message shows which items are in common.
        PolicyError: the rules do not let us.
        Rejected: `GUESSABLE`; `BAD_ELEMENT`, of theirs: the session has ended, and they are told.
    """
    session = session_named(node, which)
    recipient = recipient_in(session)
    if session.row.state in {"declined", "failed"}:
        raise UsageError("this session is over", hint=f"See `backchannel compare show {session.name[:8]}`.")
    if not session.is_our_turn:
        return session
    step = session.next or Step.CONFIRM
    if step in AGREED and not shows:
        raise UsageError(
            "the next message would show which items both hold",
            hint=f"If that is agreed here: backchannel compare reveal {session.name[:8]}",
        )
    check_rules(node, clock, recipient)
    keys = own_keys(node, clock, unseal)
    try:
        with node.store.transaction():
            if step is Step.SETUP:
                put_in_too(session, clock, recipient, overridden, because)
            _say(session, clock, keys, recipient, step)
    except Rejected as refusal:
        if refusal.reason is Reason.BAD_ELEMENT:  # theirs; all else is ours to mend
            _end_for(session_named(node, session.name), clock, keys, recipient, refusal)
        raise
    return session


def _say(session: Session, clock: Clock, keys: OwnKeys, recipient: Recipient, step: Step) -> None:
    session.say(clock, keys, recipient.sign, step, body_of(session, step), shows=step >= Step.PROPOSE)
    is_end = step in {Step.RESULT, Step.CONFIRM}
    session.change(clock.now(), state="done" if is_end else "open")
    if step is Step.CONFIRM:
        session.forget_key()
    session.save()


def _end_for(session: Session, clock: Clock, keys: OwnKeys, recipient: Recipient, refusal: Rejected) -> None:
    """End a session for what the other side sent, of which nothing was used."""
    with session.node.store.transaction():
        session.fail(clock, keys, recipient.sign, refusal)
        record_decision(session.node.store, "refuse", f"comparison {session.name}", now=clock.now())


def decline(
    node: Node, clock: Clock, which: str, *, because: str = "", unseal: Unseal | None = None
) -> Session:
    """Say no, or no further; the other party is told with a message, which is made once.

    Raises:
        NotFoundError: there is no such session.
        UsageError: it is over.
    """
    session = session_named(node, which)
    if session.row.state == "declined" and has_refused(session):
        return session
    if session.row.state != "open":
        raise UsageError("this session is over", hint=f"See `backchannel compare show {session.name[:8]}`.")
    recipient = recipient_in(session)
    keys = own_keys(node, clock, unseal)
    with node.store.transaction():
        session.say(
            clock, keys, recipient.sign, Step.DECLINE, Decline(reason="declined", text=because[:1_000])
        )
        session.end(clock, "declined", "declined", because)
        record_decision(node.store, "decline", f"comparison {session.name}", now=clock.now())
    return session


def hand_out(node: Node, clock: Clock, session: Session, *, unseal: Unseal | None = None) -> bytes:
    """Return our newest message of a session as a file for the other party, once the ledger holds it.

    Raises:
        UsageError: we have said nothing in it yet, or the other side has it already and answered.
        SignatureError: the ledger's key needs a passphrase.
    """
    row = newest_of_ours(session)
    if row is None:
        raise UsageError(
            "there is no message of ours to hand out",
            hint=f"See `backchannel compare show {session.name[:8]}`.",
        )
    append_entered(node, clock, unseal)
    return seal_message(row.envelope, row.body, recipient_in(session).age_recipient)


def newest_of_ours(session: Session) -> MessageRow | None:
    """Return the message of ours that the other side needs now: a refusal before all."""
    ours = [one for one in session.messages if one.is_ours]
    refusal = next((one for one in ours if not one.step), None)
    return refusal or max(ours, key=lambda one: one.step, default=None)


def ended_by_us(node: Node, which: str) -> Session | None:
    """Return a session that we ended, whose refusal can be handed out again; None: we did not end it.

    Raises:
        NotFoundError: there is no such session.
    """
    session = session_named(node, which)
    return session if has_refused(session) else None


def has_refused(session: Session) -> bool:
    """Whether a session ended by us: whoever it is with has to be told."""
    return any(one.is_ours and not one.step for one in session.messages)


def session_named(node: Node, which: str) -> Session:
    """Return the session whose name begins so.

    Raises:
        NotFoundError: there is none.
        UsageError: several begin so.
    """
    wanted = which.strip().lower()
    is_name = bool(wanted) and all(letter in "0123456789abcdef" for letter in wanted)
    rows = node.store.comparisons.like(wanted, at_most=2) if is_name else []
    if not rows:
        raise NotFoundError(
            f"there is no comparison {visible(wanted, max_chars=40)!r}",
            hint="See `backchannel compare list`.",
        )
    if len(rows) > 1:
        raise UsageError(f"several comparisons begin with {wanted}", hint="Write more of its name.")
    found = open_session(node, rows[0].session)
    if found is None:
        raise NotFoundError("it is gone", hint="See `backchannel compare list`.")
    return found


def recipient_in(session: Session) -> Recipient:
    """Return the other party of a session, with its newest keys; raises as `recipient_of`."""
    party = next(
        known.party
        for known in session.node.store.membership.known()
        if known.party.party_row == session.row.party_row
    )
    return recipient_of(session.node, party.name)


def spent(node: Node, clock: Clock, party_row: int) -> Spent:
    """Return what a party had of us within the last day."""
    now = clock.now()
    had = node.store.comparisons.had(party_row, since=format_time(now - DAY), alive=format_time(now - LASTS))
    return Spent(items=had.items, sessions=had.sessions, open=had.open)


def check_rules(node: Node, clock: Clock, recipient: Recipient) -> None:
    """Ask the rules whether we compare with this party at all: a count tells what we hold, as far as TLP:AMBER goes.

    Raises:
        PolicyError: they say no.
    """
    decision = may_say(node, clock, recipient.party, Tlp.AMBER, PURPOSE)
    if not decision.allowed:
        raise PolicyError(
            f"we do not compare with this party: {decision.reasons[-1].text}",
            hint="See `backchannel party show` for how far it is known: verify it first.",
        )
