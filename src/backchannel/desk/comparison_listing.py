"""How comparisons stand: whose turn it is, what to do next, and what each side learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.comparing import has_refused, session_named
from backchannel.desk.comparison_documents import (
    ComparedItem,
    Comparison,
    Comparisons,
    ComparisonShown,
    LeftOut,
    Turn,
)
from backchannel.desk.comparison_session import LASTS, Session
from backchannel.desk.node import Node
from backchannel.psi.items import Grade, worst
from backchannel.psi.messages import Step
from backchannel.stix.markings import Tlp
from backchannel.stix.visible import visible

MAX_LISTED: Final = 200
MAX_SHOWN_CHARS: Final = 300
RESULT_TLP: Final = Tlp.AMBER_STRICT
"""Of every result: it says what another organisation holds."""


def list_comparisons(node: Node) -> Comparisons:
    """List the comparisons, the one that changed last first."""
    return Comparisons(comparisons=tuple(_listed(node, only_open=False)))


def waiting_for_us(node: Node, clock: Clock) -> list[Comparison]:
    """Return the comparisons that wait for a person here, the one that changed last first."""
    alive = format_time(clock.now() - LASTS)
    return [one for one in _listed(node, only_open=True) if one.turn == "ours" and one.changed_at > alive]


def show_comparison(node: Node, which: str) -> ComparisonShown:
    """Show one comparison, with the items that both hold once both agreed to show them.

    Raises:
        NotFoundError: there is none of this name.
        UsageError: several begin so.
    """
    return shown(session_named(node, which))


def shown(
    session: Session, *, left_out: tuple[LeftOut, ...] = (), path: str = "", took: str = ""
) -> ComparisonShown:
    """Return a session as it is shown."""
    names = {known.party.party_row: known.party.name for known in session.node.store.membership.known()}
    rows = session.node.store.comparisons.items(session.row.session, only_common=True)
    return ComparisonShown(
        comparison=_comparison(session, names.get(session.row.party_row, "?")),
        items=tuple(
            ComparedItem(sort=row.sort, value=visible(row.value, max_chars=MAX_SHOWN_CHARS), id=row.stix_id)
            for row in rows
        ),
        left_out=left_out,
        path=path,
        took=took,
    )


def _listed(node: Node, *, only_open: bool) -> Iterator[Comparison]:
    names = {known.party.party_row: known.party.name for known in node.store.membership.known()}
    for row in node.store.comparisons.newest(at_most=MAX_LISTED, only_open=only_open):
        session = Session(node, row, node.store.comparisons.messages(row.session, whole=False))
        yield _comparison(session, names.get(row.party_row, "?"))


def _comparison(session: Session, party: str) -> Comparison:
    row, step = session.row, session.step
    turn = _turn(session)
    return Comparison(
        session=session.name,
        party=party,
        side=row.side,
        state=row.state,
        step=int(step),
        turn=turn,
        next=_next(session, turn, party),
        sorts=tuple(codec.decode(row.sorts)),
        overridden=tuple(codec.decode(row.overridden)),
        because=visible(row.because, max_chars=MAX_SHOWN_CHARS),
        suite=row.suite,
        channel=row.channel,
        items=row.items,
        size=row.size,
        their_size=row.their_size,
        common=row.common,
        is_shown=step >= Step.SHOW,
        reason=row.reason,
        detail=visible(row.detail, max_chars=MAX_SHOWN_CHARS),
        marking=RESULT_TLP.label,
        says=_says(session, party),
        began_at=row.began_at,
        changed_at=row.changed_at,
    )


def _turn(session: Session) -> Turn:
    if session.row.state in {"declined", "failed"} or session.next is None:
        return "nobody"
    if session.step is Step.RESULT and session.row.side == "responder":
        return "nobody"  # whether to go on is the initiator's to propose
    return "ours" if session.is_our_turn else "theirs"


def _next(session: Session, turn: Turn, party: str) -> str:
    name, step = session.name[:8], session.step
    if session.row.state in {"failed", "declined"}:
        ended = "It ended."
        if session.row.state == "failed":
            ended = "It ended: do not use its result. Ask them, and see the ledger for the messages."
        tell = f" Tell them: backchannel compare answer {name} -o FILE"
        return ended + tell if has_refused(session) and not session.row.channel else ended
    if turn == "theirs" and session.row.channel:
        return f"Wait for {party}, and ask for what they said: backchannel compare call {name}"
    if turn == "theirs":
        return f"Wait for {party}; what they send: backchannel compare take FILE"
    if turn == "nobody":
        return "Nothing is to be done."
    if step is Step.REQUEST:
        return f"Decide: backchannel compare answer {name}, or backchannel compare decline {name}"
    if step is Step.RESULT:
        return f"To see which, if both agree: backchannel compare reveal {name}"
    if step is Step.PROPOSE:
        return f"Decide whether to show which: backchannel compare reveal {name}, or compare decline {name}"
    return f"Answer: backchannel compare answer {name}"


def _says(session: Session, party: str) -> str:
    """Say what they learn: that a guess cannot be prevented, only limited and later proved."""
    n = session.row.items
    if worst(session.sorts) is Grade.LISTED:
        return (
            f"{_learn(session, party, n)} Lists of nearly every domain can be had: those are guessed easily."
        )
    return _learn(session, party, n)


def _learn(session: Session, party: str, n: int) -> str:
    if session.row.side == "responder" and session.row.secrets is None:
        return (
            f"{party} will learn how many of its items you hold too, and you how many of yours it holds. "
            "They could have guessed; you cannot prevent that, only limit and later prove it."
        )
    which = "which" if session.step >= Step.SHOW else "how many"
    return (
        f"They will learn {which} of your {n:,} items they also have. They could have guessed; "
        "you cannot prevent that, only limit and later prove it."
    )
