"""Cards that do not fit what is known: listed, and decided by a person who asked the party by another way."""

from __future__ import annotations

from backchannel.clock import Clock, format_time
from backchannel.desk.membership import meet
from backchannel.desk.node import Node
from backchannel.desk.party_documents import Alarm
from backchannel.errors import NotFoundError
from backchannel.parties.card import read_card
from backchannel.store.membership import AlarmRow


def open_alarms(node: Node, *, party: str | None = None) -> tuple[Alarm, ...]:
    """Return the alarms that wait for a person, oldest first.

    Args:
        node: ours.
        party: only those about this one.
    """
    rows = node.store.membership.alarms()
    return tuple(_document(row) for row in rows if party in {None, row.party})


def take_card(node: Node, clock: Clock, number: int, *, called: str | None = None) -> str:
    """Take the card that an alarm stopped, and return the name of its party. It is *unknown* at first.

    Args:
        node: ours.
        clock: now.
        number: of the alarm.
        called: what the party is called here, where its own name is taken.

    Raises:
        NotFoundError: somebody decided already.
        UsageError: the name is taken, or the party was revoked.
    """
    return meet(node, clock, _row(node, number).card, called=called or None, decided=True)


def refuse_card(node: Node, clock: Clock, number: int) -> str | None:
    """Close an alarm without taking the card, and return the name of the party that it did not fit.

    Raises:
        NotFoundError: somebody decided already.
    """
    row = _row(node, number)
    with node.store.transaction():
        node.store.membership.decide_alarms(row.card, decision="refused", at=format_time(clock.now()))
    return row.party


def _row(node: Node, number: int) -> AlarmRow:
    found = next((row for row in node.store.membership.alarms() if row.alarm_row == number), None)
    if found is None:
        raise NotFoundError("that alarm was decided already", hint="See `backchannel party list`.")
    return found


def _document(row: AlarmRow) -> Alarm:
    card = read_card(row.card)
    return Alarm(
        number=row.alarm_row,
        at=row.at,
        reason=row.reason,
        sentence=row.sentence,
        party=row.party,
        card_name=card.name,
        card_root=card.root_kid,
    )
