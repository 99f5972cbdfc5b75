"""Drops between the node and another: some came, one was altered on the way, one was answered, one is not."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

from tests.desk.drops import indicator, keep, send, take
from tests.web.world import C2, OBJECTS

from backchannel import codec
from backchannel.clock import Clock, FixedClock
from backchannel.desk import membership
from backchannel.desk.node import Node, init_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.receipt_drops import receipts_drop
from backchannel.desk.receipting import Word, acknowledged, decline_reason
from backchannel.desk.receive import receive
from backchannel.desk.releasing import How
from backchannel.parties.card import card_text
from backchannel.provenance.reasons import Rejected

OTHER = "CERT Nordhav"
BUNDLE = "bundle--5a1f1f63-9f4b-4d60-8a55-6f6f5f7c0b02"
BEACON = next(value for value in OBJECTS if value["id"] == C2)
OURS = indicator(1, pattern="[domain-name:value = 'loader.alpha.example']")


def exchange(node: Node, clock: Clock, folder: Path) -> None:
    """Let drops go to and fro; the object `C2` is in the last one that came, which asks what was done."""
    before = FixedClock(clock.now() - timedelta(days=5))
    with init_node(folder, name=OTHER, clock=before) as other:
        for one, card in ((node, own_keys(other, before).card), (other, own_keys(node, before).card)):
            membership.meet(one, before, card_text(card).encode(), handed_over=True)
        own = keep(node, [OURS])
        answered = send(node, other, own, How(ack="assessed"), clock=before)
        send(node, other, own, How(), clock=before)
        take(other, answered.path.read_bytes(), clock=before)
        reason = decline_reason("no-capability", text="We have no such product <yet>.", node=other)
        acknowledged(other, before, str(OURS["id"]), Word(state="declined", reason=reason))
        made = receipts_drop(other, clock, node.party.name)
        assert made is not None
        take(node, made.path.read_bytes(), clock=clock)
        path = folder / "slack-tide.json"
        path.write_bytes(codec.encode({"type": "bundle", "id": BUNDLE, "objects": [BEACON]}))
        batch = receive(other, before, [path], party=OTHER, tlp="green").batch
        sent = [send(other, node, batch, How(ack="acted"), clock=clock).path.read_bytes() for _ in range(3)]
        take(node, sent[0], clock=clock)
        take(node, sent[2], clock=clock)
        with contextlib.suppress(Rejected):
            take(node, sent[1][:-40] + bytes(40), clock=clock)
