"""What our messages of a comparison carry, and what a side comes to from what the other one sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.comparison_items import Chosen, choose
from backchannel.desk.comparison_session import Session, secrets_of, write_sorts
from backchannel.desk.recipients import Recipient
from backchannel.errors import NotFoundError, UsageError
from backchannel.psi import rounds
from backchannel.psi.budget import MAX_EASY_ITEMS, MAX_ITEMS, check_sorts, size_of
from backchannel.psi.items import Grade, Sort, input_of, worst
from backchannel.psi.messages import (
    Body,
    Confirm,
    Propose,
    Request,
    Response,
    Result,
    Setup,
    Show,
    ShowBack,
    Step,
    pack,
)
from backchannel.store.comparisons import ItemRow


def request(session: Session, because: str) -> Request:
    """Return what begins a session; what we put in is kept with it before."""
    own = session.own
    return Request(
        suite=session.row.suite,
        sorts=session.sorts,
        elements=pack(rounds.elements_of(session.engine, own)),
        marks=pack(rounds.marks_of(session.engine, own)),
        because=because,
    )


def body_of(session: Session, step: Step) -> Body:
    """Return what our message of a step carries: any but the request."""
    return _BODIES[step](session)


def _setup(session: Session) -> Body:
    own, found = session.own, session.answer
    return Setup(
        elements=pack(rounds.elements_of(session.engine, own)),
        marks=pack(rounds.marks_of(session.engine, own)),
        sealed_response=rounds.seal(own.response_salt, sorted(found)).hex(),
        sealed_order=rounds.seal(own.order_salt, found).hex(),
    )


def _response(session: Session) -> Body:
    found = session.answer
    return Response(
        response=pack(sorted(found)), sealed_order=rounds.seal(session.own.order_salt, found).hex()
    )


def _result(session: Session) -> Body:
    return Result(response=pack(sorted(session.answer)), salt=session.own.response_salt.hex())


def _propose(session: Session) -> Body:  # noqa: ARG001  # one signature for all
    return Propose()


def _show(session: Session) -> Body:
    return Show(order=pack(session.answer), salt=session.own.order_salt.hex())


def _show_back(session: Session) -> Body:
    return ShowBack(
        order=pack(session.answer), salt=session.own.order_salt.hex(), confirm=confirmed(session).hex()
    )


def _confirm(session: Session) -> Body:
    return Confirm(confirm=confirmed(session).hex())


_BODIES: Final[Mapping[Step, Callable[[Session], Body]]] = {
    Step.SETUP: _setup,
    Step.RESPONSE: _response,
    Step.RESULT: _result,
    Step.PROPOSE: _propose,
    Step.SHOW: _show,
    Step.SHOW_BACK: _show_back,
    Step.CONFIRM: _confirm,
}


# --- What it comes to ----------------------------------------------------------------------------------


def common_of(session: Session) -> list[bytes]:
    """Return the elements that both have, once the other side answered."""
    is_first = session.row.side == "initiator"
    said = session.body(Result) if is_first else session.body(Response)
    return rounds.common(session.elements(said.response), session.answer)


def matched(session: Session) -> dict[bytes, bytes]:
    """Return for each element that both have the input of ours behind it, once the other side showed."""
    is_first = session.row.side == "initiator"
    shown = session.body(Show) if is_first else session.body(ShowBack)
    return rounds.matches(session.own, session.elements(shown.order), common_of(session))


def confirmed(session: Session) -> bytes:
    """Return what we came to, as both sides compare it."""
    return rounds.confirmation(session.row.session, matched(session))


# --- What goes in --------------------------------------------------------------------------------------


def put_in(session: Session, clock: Clock, recipient: Recipient) -> Chosen:
    """Choose our items, and keep what we put in with the session, in the caller's transaction.

    Raises:
        NotFoundError: we begin, and have nothing that can be compared.
    """
    sorts = session.sorts
    at_most = MAX_EASY_ITEMS if worst(sorts) is Grade.EASY else MAX_ITEMS
    chosen = choose(session.node, clock, recipient, sorts, at_most)
    if not chosen.items and session.row.side == "initiator":
        raise NotFoundError(
            "no indicator of ours can be compared: there is none of these sorts that may go to the party",
            hint="Compare other sorts with --sort, or see `backchannel release plan --to PARTY`.",
        )
    name = session.row.session
    inputs = {item: input_of(name, item) for item in chosen.items}
    size = size_of(len(inputs), sorts)
    own = rounds.put_in(session.engine, name, session.row.side, list(inputs.values()), size)
    session.change(clock.now(), secrets=codec.encode(secrets_of(own)), items=len(inputs), size=size)
    session.save()
    session.node.store.comparisons.put_items(
        ItemRow(name, inputs[item], item.sort.value, item.value, one.stix_id, one.digest)
        for item, one in chosen.items.items()
    )
    return chosen


def put_in_too(
    session: Session, clock: Clock, recipient: Recipient, overridden: Sequence[Sort], because: str
) -> None:
    """Put in what we compare once a person agreed to answer, in the caller's transaction.

    Raises:
        Rejected: `GUESSABLE`.
        UsageError: an override has no reason.
    """
    check_sorts(session.sorts, overridden)
    check_because(overridden, because)
    session.change(clock.now(), overridden=write_sorts(overridden))
    put_in(session, clock, recipient)
    asked = session.body(Request)
    answer_to(session, clock, session.elements(asked.elements))


def answer_to(session: Session, clock: Clock, elements: Sequence[bytes]) -> None:
    """Keep what our key makes of the other side's elements.

    Raises:
        Rejected: `BAD_ELEMENT`.
    """
    found = rounds.answer_to(session.engine, session.own, elements)
    kept = msgspec.structs.replace(session.secrets, answer=b"".join(found))
    session.change(clock.now(), secrets=codec.encode(kept))


def check_because(overridden: Sequence[Sort], because: str) -> None:
    """See that whoever overrides says why.

    Raises:
        UsageError: they do not.
    """
    if overridden and not because.strip():
        raise UsageError(
            "an override needs a reason, which the other party and the ledger get",
            hint="Give --because TEXT.",
        )
