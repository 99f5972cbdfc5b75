"""The demonstration: parties tell a clinic something, the clinic looks, acts and answers; then it exchanges with others.

Every line below a heading comes from an answer of the desk; change the world, and the story changes. The other
nodes are real ones, each in a folder of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from backchannel.clock import Clock, FixedClock
from backchannel.demo.by_hand import LATER, exchange_by_hand
from backchannel.demo.later import look_again
from backchannel.demo.over_taxii import exchange_over_taxii
from backchannel.demo.own_logs import answer_all, look, mail_addresses_in, take_in, write_rules
from backchannel.demo.telling import MAX_ITEMS, Say, advise, head
from backchannel.demo.what_left import prove_what_left
from backchannel.demo.whom_to_believe import judge_what_was_told
from backchannel.desk.hitbook import hits
from backchannel.desk.inbox import inbox
from backchannel.desk.node import Node, init_node

DAY: Final = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
"""The evening on which the story is told."""
OWN_NETWORKS: Final = ("10.20.0.0/16", "192.0.2.16/28")
OWN_DOMAINS: Final = ("harbour.example",)
CERT: Final = "CERT Vessland"
"""Whose node the clinic's exchanges with."""


def tell(folder: Path, clock: Clock, say: Say, *, world: Path | None = None) -> None:
    """Tell the whole story.

    Args:
        folder: for the clinic's node (`home`), the exports (`exports`), the other nodes, and what goes between them.
        clock: gives the time of the story.
        say: takes a line of it.
        world: the files it is about; by default those that come with the program.
    """
    if world is not None:
        _tell(folder, clock, say, world)
        return
    with as_file(files("backchannel.demo") / "world") as shipped:
        _tell(folder, clock, say, shipped)


def _tell(folder: Path, clock: Clock, say: Say, world: Path) -> None:
    with (
        init_node(
            folder / "home",
            name="Harbour Clinic",
            own_networks=OWN_NETWORKS,
            own_domains=OWN_DOMAINS,
            personal=[mail_addresses_in(world)],
            clock=clock,
        ) as node,
        init_node(folder / "cert", name=CERT, clock=clock) as cert,
    ):
        head(say, "1. What we were told", 'import cert-vessland-slack-tide.json --from "CERT Vessland"')
        take_in(node, clock, say, world)
        head(say, "2. What came of it when we looked into our own logs", "hunt logs")
        look(node, clock, say, world)
        head(say, "3. What to do", "hits")
        seen = hits(node, clock).by_indicator
        advise(seen, say)
        head(say, "4. Rules for our controls", "export zeek -o exports/zeek")
        write_rules(node, clock, say, folder / "exports")
        head(say, "5. What we tell them back", "sight ID")
        answer_all(node, clock, seen, say)
        head(say, "6. What two nodes tell each other over TAXII", "channel poll vessland")
        exchange_over_taxii(node, cert, clock, say, world, folder)
        head(
            say,
            "7. What goes by hand, through a folder that somebody else keeps",
            "party invite",
            "channel poll shared",
        )
        exchange_by_hand(node, cert, clock, say, world, folder)
        later = FixedClock(clock.now() + LATER)
        judge_what_was_told(node, cert, later, say, world, folder)
        head(say, "11. What our logs say a week later")
        look_again(node, clock, say, world, folder)
        head(say, "12. What left, and what did not", "ledger verify")
        prove_what_left(folder, later, say)
        _say_rest(node, clock, say)


def _say_rest(node: Node, clock: Clock, say: Say) -> None:
    waiting = inbox(node, clock, limit=MAX_ITEMS)
    unseen = [item for item in waiting.items if item.type == "indicator" and item.concerns.state != "yes"]
    say(f"\nOf {len(waiting.items)} items in the inbox, {len(unseen)} indicators were not seen here.")
