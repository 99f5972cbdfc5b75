"""How the story is told: words that several of its acts use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.documents import Item
from backchannel.desk.hitting import IndicatorHits
from backchannel.desk.inbox import inbox
from backchannel.desk.items import Reader
from backchannel.desk.node import Node

MAX_ITEMS: Final = 100
"""Items of an inbox that the story looks at; its world has fewer."""

Say = Callable[[str], None]
"""Takes a line of the story."""


def head(say: Say, title: str, *commands: str) -> None:
    """Say the heading of an act, and what a person would type who does what it tells."""
    say(f"\n{title}")
    for command in commands:
        say(f"   $ backchannel {command}")


def advise(seen: Iterable[IndicatorHits], say: Say) -> None:
    """Say what is to be done about what was seen."""
    for one in seen:
        if one.advice is None:
            continue
        seen_so = f"{counted(one.count, 'line')}, {counted(len(one.assets), 'host')}"
        say(f"   {one.advice.do.upper():8} {one.observable.value}: {seen_so}")
        say(f"            {one.advice.text}")
        say(f"            because {one.advice.why}")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def came_by(node: Node, clock: Clock, channel: str) -> list[Item]:
    """Return what lies in the inbox and came by a channel of this kind."""
    found = inbox(node, clock, limit=MAX_ITEMS).items
    return [item for item in found if item.source.channel == channel]


def names_of(node: Node, clock: Clock, ids: Iterable[str]) -> list[str]:
    """Return how a node calls its objects."""
    reader = Reader(node, clock)
    return [reader.name_of(one) for one in ids]
