"""Help that others need with what we sent: they declined it and said that they cannot read or use it, or need more.

"I do not know how to react" is an answer like any other. It makes a task here, to send a rule or a query, to explain, or
to call; the task is done when it is answered, when a person says so, or when they say that they acted after all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from backchannel.clock import Clock
from backchannel.desk.heard_back import said_over_taxii
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.receipt_documents import SaidBack
from backchannel.desk.request_documents import HelpWanted
from backchannel.desk.sent_drops import list_sent
from backchannel.errors import NotFoundError, UsageError
from backchannel.provenance.predicates import Answer
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import objects_named, open_envelope
from backchannel.provenance.verification import Terms, verify

MAX_LOOKED_AT: Final = 200
"""Drops of ours, the newest, whose answers are looked at."""


def help_wanted(node: Node, clock: Clock) -> list[HelpWanted]:
    """Return who needs help with what we sent, and was not given it yet; newest first."""
    return list(_wanted(node, clock))


def help_named(node: Node, clock: Clock, digits: str) -> HelpWanted:
    """Return the help that is wanted by a receipt, by the first digits of its digest.

    Raises:
        NotFoundError: no such receipt asks for help.
        UsageError: several begin so.
    """
    found = [one for one in _wanted(node, clock) if one.receipt.startswith(f"sha256:{digits}")]
    if not found:
        raise NotFoundError(
            f"nothing {digits[:16]} waits to be answered", hint="See `backchannel ask list` and the inbox."
        )
    if len(found) > 1:
        raise UsageError(f"several begin with {digits}", hint="Write more of it.")
    return found[0]


def _wanted(node: Node, clock: Clock) -> Iterator[HelpWanted]:
    for drop in list_sent(node, clock, at_most=MAX_LOOKED_AT).sent:
        yield from _of_party(drop.to, drop.seq, drop.answers)
    for party, answers in said_over_taxii(node, clock, rows=MAX_LOOKED_AT).items():
        yield from _of_party(party, None, answers)


def _of_party(party: str, seq: int | None, answers: Iterable[SaidBack]) -> Iterator[HelpWanted]:
    for said in answers:
        if said.task is not None and said.reason is not None:
            yield HelpWanted(
                receipt=said.receipt,
                party=party,
                seq=seq,
                about=said.about,
                reason=said.reason,
                text=said.text,
                task=said.task,
                when=said.when,
            )


class HelpGiven(msgspec.Struct, frozen=True, kw_only=True):
    """What a party answered to something that we declined."""

    receipt: str
    party: str
    about: tuple[str, ...]
    """Ids of the objects that we declined, then those that the answer brought."""
    state: str
    text: str
    at: str


def help_given(node: Node, clock: Clock) -> Iterator[HelpGiven]:
    """Yield what parties answered where we declined and asked for help, newest first."""
    statements, keys = node.store.statements, pinned_keys(node)
    terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(node.store))
    others = [kid for one in node.store.membership.known() if not one.party.is_self for kid in one.kids]
    for row in node.store.requests.of_issuers(others, ["answer"], at_most=MAX_LOOKED_AT):
        try:
            verified = verify(row.envelope, keys, terms)
        except Rejected:
            continue  # its key was given up since: it says nothing any more
        answer = verified.predicate
        if not isinstance(answer, Answer) or not verified.has_weight:
            continue
        ours = statements.get(bytes.fromhex(answer.reply_to.removeprefix("sha256:")))
        if ours is None or not ours.is_own or ours.kind != "receipt":
            continue
        declined = objects_named(open_envelope(ours.envelope).statement)
        yield HelpGiven(
            receipt=answer.reply_to,
            party=verified.signers[0].name,
            about=tuple(one.id for one in (*declined, *objects_named(verified.statement))),
            state=answer.state,
            text=answer.text or ("" if answer.reason is None else answer.reason.code),
            at=verified.statement.iat,
        )
