"""How drops go from hand to hand in the story: between nodes whose people met."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

from backchannel.clock import Clock
from backchannel.desk.choosing import Choice
from backchannel.desk.drop_documents import ReceivedDrop
from backchannel.desk.membership import contact_card, meet
from backchannel.desk.node import Node
from backchannel.desk.planning import plan
from backchannel.desk.receipt_drops import receipts_drop
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import release
from backchannel.desk.stating import How
from backchannel.desk.taking import TakeTerms, take_drop


def exchange_cards(clock: Clock, *nodes: Node) -> None:
    """Let people who sit at one table take one another's cards."""
    for one, other in permutations(nodes, 2):
        meet(one, clock, contact_card(other, clock).text.encode(), handed_over=True)


def hand(source: Node, to: Node, what: str, clock: Clock, how: How | None = None) -> ReceivedDrop:
    """Send an object in a drop, and let the other side take it."""
    planned = plan(source, clock, recipient_of(source, to.party.name), Choice(ids=(what,)))
    return _taken(release(source, clock, planned, how or How(ack="none")).path, to, clock)


def hand_what_waits(source: Node, to: Node, clock: Clock) -> ReceivedDrop | None:
    """Send the statements that wait for a party, if any do, and let it take them."""
    made = receipts_drop(source, clock, to.party.name)
    return None if made is None else _taken(made.path, to, clock)


def _taken(drop: Path, to: Node, clock: Clock) -> ReceivedDrop:
    with drop.open("rb") as file:
        return take_drop(to, clock, file, TakeTerms(place=drop.name))
