"""Nodes that know one another, and drops between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.desk.made import CLOCK

from backchannel.clock import Clock
from backchannel.desk import membership
from backchannel.desk.choosing import Choice
from backchannel.desk.drop_documents import ReceivedDrop
from backchannel.desk.node import Node, init_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.planning import plan
from backchannel.desk.receive import receive
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How, Made, release
from backchannel.desk.taking import TakeTerms, take_drop
from backchannel.parties.card import card_text

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


@contextmanager
def nodes(folder: Path, *names: str, clock: Clock = CLOCK) -> Iterator[list[Node]]:
    """Open new nodes, each of which verified all others."""
    with ExitStack() as stack:
        found = [stack.enter_context(init_node(folder / name, name=name, clock=clock)) for name in names]
        for one in found:
            for other in found:
                if one is not other:
                    card = card_text(own_keys(other, clock).card).encode()
                    membership.meet(one, clock, card, handed_over=True)
        yield found


def indicator(number: int, marking: str | None = GREEN, **changes: object) -> dict[str, object]:
    marked = {"object_marking_refs": [marking]} if marking else {}
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--8e2e2d2b-17d4-4cbf-938f-{number:012x}",
        "created": "2026-01-02T03:04:05.000Z",
        "modified": "2026-01-02T03:04:05.000Z",
        "name": f"host {number} of the loader",
        "indicator_types": ["malicious-activity"],
        "pattern": f"[domain-name:value = 'h{number}.example.net']",
        "pattern_type": "stix",
        "valid_from": "2026-01-02T03:04:05Z",
        **marked,
        **changes,
    }


def keep(node: Node, objects: Sequence[dict[str, object]], *, by: str | None = None) -> int:
    """Import objects into a node, of a party; returns the batch."""
    path = node.home / "made.json"
    bundle = {
        "type": "bundle",
        "id": "bundle--8e2e2d2b-17d4-4cbf-938f-4cbf938f4cbf",
        "objects": list(objects),
    }
    path.write_text(json.dumps(bundle))
    return receive(node, CLOCK, [path], party=by or node.party.name).batch


def send(
    node: Node,
    to: Node,
    batch: int,
    how: How | None = None,
    clock: Clock = CLOCK,
    *,
    is_deniable: bool = False,
) -> Made:
    """Send all of a batch, approving what its plan withholds."""
    to_whom = recipient_of(node, to.party.name)
    planned = plan(node, clock, to_whom, Choice(batch=batch), is_deniable=is_deniable)
    return release(node, clock, planned, how or How(), approved=planned.sha256)


def take(node: Node, data: bytes, clock: Clock = CLOCK, **terms: object) -> ReceivedDrop:
    """Take a drop out of memory."""
    path = node.home / "came.bcb"
    path.write_bytes(data)
    with path.open("rb") as file:
        return take_drop(node, clock, file, TakeTerms(place="came.bcb", **terms))  # type: ignore[arg-type]
