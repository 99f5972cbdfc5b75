"""Nodes that compare, and the messages that go between them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tests.desk.drops import GREEN, indicator, keep
from tests.desk.made import CLOCK

from backchannel.clock import Clock
from backchannel.desk.comparing import answer, begin, hand_out, session_named
from backchannel.desk.comparison_session import Session
from backchannel.desk.comparison_taking import Taken, take_message
from backchannel.desk.node import Node


def of_hash(number: int, marking: str | None = GREEN) -> dict[str, object]:
    """An indicator of the SHA-256 of a number."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return indicator(number, marking, pattern=f"[file:hashes.'SHA-256' = '{digest}']")


def keep_hashes(node: Node, numbers: Sequence[int], **changes: str | None) -> None:
    keep(node, [of_hash(number, **changes) for number in numbers])


def message(node: Node, session: Session, clock: Clock = CLOCK) -> bytes:
    """The file of our newest message, read anew from the store."""
    return hand_out(node, clock, session_named(node, session.name))


def carry(giver: Node, taker: Node, session: Session, clock: Clock = CLOCK) -> Taken:
    """Hand the giver's newest message to the taker."""
    return take_message(taker, clock, message(giver, session, clock))


def counted(first: Node, second: Node, **how: object) -> Session:
    """Compare up to where both know how many they have in common; returns the session of the first."""
    session, _ = begin(first, CLOCK, second.party.name, **how)  # type: ignore[arg-type]
    for giver, taker in ((first, second), (second, first), (first, second), (second, first)):
        carry(giver, taker, session)
        answering = session_named(taker, session.name)
        if answering.is_our_turn and answering.row.common is None or answering.step == 3:
            answer(taker, CLOCK, session.name)
    return session_named(first, session.name)


def shown(first: Node, second: Node) -> Session:
    """Compare up to where both know which they have in common."""
    session = counted(first, second)
    answer(first, CLOCK, session.name, shows=True)
    carry(first, second, session)
    answer(second, CLOCK, session.name, shows=True)
    carry(second, first, session)
    answer(first, CLOCK, session.name)
    carry(first, second, session)
    answer(second, CLOCK, session.name)
    carry(second, first, session)
    return session_named(first, session.name)


def names(folder: Path) -> Path:
    return folder
