"""Which of our indicators go into a comparison: of the sorts asked for, in force, and as far as the rules let them.

What goes in may be learned by the other party if it holds it too. So the rules are asked about each as about what is
sent: what may not go to the party is not compared with it either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from backchannel.clock import Clock
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.planned import MAX_ABOUT
from backchannel.desk.policy_file import in_force
from backchannel.desk.recipients import Recipient
from backchannel.desk.ways import Ways
from backchannel.desk.weighing import To, Weighing, names_of
from backchannel.policy.decide import Request
from backchannel.psi.items import Item, Sort, item_of
from backchannel.store.comparisons import Comparable

PAGE_ROWS = 1_000
PURPOSE = "compare"
"""What the rules are asked about."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What goes in, and what does not."""

    items: dict[Item, Comparable] = field(default_factory=dict)
    """Each value once, with the newest indicator that has it."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Why, in words: how many indicators."""


def choose(node: Node, clock: Clock, recipient: Recipient, sorts: Sequence[Sort], at_most: int) -> Chosen:
    """Choose what of ours is compared with a party, the newest first.

    Args:
        node: ours.
        clock: the present.
        recipient: the party.
        sorts: what is compared.
        at_most: items that one session takes.
    """
    chosen, wanted = Chosen(), frozenset(sorts)
    ways = Ways(node, clock, pinned_keys(node))
    for page in _pages(node):
        found = [(one, item_of(one.pattern)) for one in page]
        asked = [(one, item) for one, item in found if item is not None and item.sort in wanted]
        chosen.left_out["of another sort"] += len(found) - len(asked)
        may = _allowed(node, clock, recipient, ways, [one for one, _ in asked])
        for one, item in asked:
            if one.object_row not in may:
                chosen.left_out["the rules let it not go to this party"] += 1
            elif item in chosen.items:
                continue
            elif len(chosen.items) < at_most:
                chosen.items[item] = one
            else:
                chosen.left_out[f"beyond the {at_most:,} newest"] += 1
    return chosen


def _pages(node: Node) -> Iterator[list[Comparable]]:
    before: int | None = None
    while page := node.store.comparisons.comparable(before_row=before, at_most=PAGE_ROWS):
        yield page
        before = page[-1].object_row


def _allowed(
    node: Node, clock: Clock, recipient: Recipient, ways: Ways, page: Sequence[Comparable]
) -> frozenset[int]:
    """Return the rows of those objects that may be compared with the party."""
    currents = node.store.objects.currents([one.stix_id for one in page])
    kept = [one for one in currents.values() if not one.quarantined]
    reader = Reader(node, clock)
    reader.markings(map(reader.value, kept))
    firsts = node.store.objects.firsts([one.object_row for one in kept])
    abouts = node.store.statements.abouts(
        [one.digest for one in kept], kinds=("origin", "relay"), at_most=MAX_ABOUT
    )

    to = To(
        party=recipient.party,
        purpose=PURPOSE,
        names=names_of(node, recipient.party, recipient.standing),
        standing=recipient.standing,
    )
    weighing = Weighing(node, clock, to, in_force(node))
    requests: dict[int, Request] = {}
    for one in kept:
        tlp = reader.tlp(one, firsts[one.object_row])
        way = ways.best(one, tlp, abouts.get(one.digest, ()))
        if way is not None and way.chain.marking is not None:
            tlp = max(tlp, way.chain.marking, key=lambda one: one.strictness)
        fault = "what is signed about it does not hold" if way and way.chain.state == "refused" else ""
        asked = weighing.request(one, firsts[one.object_row], tlp)
        requests[one.object_row] = replace(asked, chain_fault=fault)
    decided = weighing.decisions(kept, requests, reader)
    return frozenset(row for row, one in decided.items() if one.allowed)
