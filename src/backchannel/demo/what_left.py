"""Act 11: nothing that is TLP:RED or unmarked left any node, proved from the ledgers of all of them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from backchannel.clock import Clock
from backchannel.demo.telling import Say, counted
from backchannel.desk.node import open_node
from backchannel.desk.what_left import what_left
from backchannel.errors import PolicyError

HOMES: Final = ("home", "cert", "lantern", "mallory", "northpier", "skua")


def prove_what_left(folder: Path, clock: Clock, say: Say) -> None:
    """Go through the ledger of every node.

    Raises:
        PolicyError: something left that should have stayed, or cannot be proved.
    """
    with ExitStack() as nodes:
        opened = [nodes.enter_context(open_node(folder / home)) for home in HOMES]
        found = [what_left(node, clock) for node in opened]
    for one in found:
        say(
            f"   {one.node}: {counted(one.drops, 'drop')} sent with {counted(one.sent, 'object')}, "
            f"{one.pages} pages or pushes with {counted(one.served, 'object')}, {one.came} got "
            f"from others, by a ledger as it was signed; of what stayed, {one.stayed} TLP:RED or unmarked"
        )
    faults = [f"{one.node}: {fault}" for one in found for fault in one.faults]
    if faults:
        raise PolicyError(
            f"what should have stayed left, or nobody can prove that it stayed: {'; '.join(faults)}",
            hint="The ledger of that node says when, and to whom: backchannel ledger show.",
        )
    say(f"   Nothing that is TLP:RED or unmarked left any of the {len(found)} nodes.")
