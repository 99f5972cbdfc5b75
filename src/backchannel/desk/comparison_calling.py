"""Carry the messages of a comparison by a channel: ours to the party's server, and its back, as far as it goes by itself."""

from __future__ import annotations

from typing import Final, cast

from backchannel.clock import Clock
from backchannel.desk.channel import Kind, Opener, Pause
from backchannel.desk.channels import find_channel, terms_of
from backchannel.desk.comparing import answer, hand_out, newest_of_ours, recipient_in, session_named
from backchannel.desk.comparison_serving import FOLLOWS
from backchannel.desk.comparison_session import Session
from backchannel.desk.comparison_taking import take_message
from backchannel.desk.node import Node
from backchannel.errors import UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.store.polled import ChannelRow

MAX_ROUNDS: Final = 8
"""Messages carried in one call: a whole session has eight."""


def call(
    node: Node, clock: Clock, which: str, opener: Opener, *, pause: Pause, unseal: Unseal | None = None
) -> Session:
    """Bring our newest message to the party's server and take what it answers, until a person has to decide.

    Args:
        node: ours.
        clock: the present.
        which: the session, by the beginning of its name.
        opener: opens the channel.
        pause: waits between tries.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such session, or its channel is gone.
        UsageError: the session has no channel, or it is one that carries no comparisons.
        NetworkError: the server cannot be reached, or does not take it: call again later.
        Rejected: what it answers cannot be taken.
    """
    session = session_named(node, which)
    if not session.row.channel:
        raise UsageError(
            "the messages of this comparison go by hand",
            hint=f"backchannel compare answer {session.name[:8]} -o FILE",
        )
    row = check_caller_channel(node, session.row.channel)
    with opener(cast("Kind", row.kind), terms_of(row), pause) as channel:
        for _ in range(MAX_ROUNDS):
            ours = newest_of_ours(session)
            is_news = ours is not None and (not ours.step or ours.step == session.step)
            data = hand_out(node, clock, session, unseal=unseal) if is_news else b""
            theirs = channel.compare(session.name, data)
            if not theirs:
                break
            party = recipient_in(session).party
            taken = take_message(node, clock, theirs, by=party, unseal=unseal)
            session = session_named(node, session.name)
            if not taken.is_new or taken.session.name != session.name:
                break
            if session.is_our_turn and session.next in FOLLOWS and session.row.state == "open":
                session = answer(node, clock, session.name, unseal=unseal)
            elif session.row.state != "failed":
                break
    return session


def check_caller_channel(node: Node, name: str) -> ChannelRow:
    """Return the channel of a name by which comparisons can go.

    Raises:
        NotFoundError: there is none of this name.
        UsageError: it is not one of kind `taxii`.
    """
    row = find_channel(node.store, name)
    if row.kind != "taxii":
        raise UsageError(
            f"the channel {row.name} carries no comparisons",
            hint="Name one of kind taxii, or write files with -o.",
        )
    return row
