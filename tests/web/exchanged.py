"""Drops between the node and another: some came, one was altered on the way, one was answered, one is not."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

from tests.desk.drops import indicator, keep, send, take
from tests.web.world import C2, OBJECTS

from backchannel import codec
from backchannel.clock import Clock, FixedClock, format_time
from backchannel.desk import membership
from backchannel.desk.items import find
from backchannel.desk.node import Node, init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.receipt_drops import receipts_drop, take_statements, write_statements
from backchannel.desk.receipting import Word, acknowledged, decline_reason
from backchannel.desk.receive import receive
from backchannel.desk.releasing import How
from backchannel.parties.card import card_text
from backchannel.provenance.reasons import Rejected
from backchannel.store.polled import ChannelRow, PushRow

OTHER = "CERT Nordhav"
BUNDLE = "bundle--5a1f1f63-9f4b-4d60-8a55-6f6f5f7c0b02"
BEACON = next(value for value in OBJECTS if value["id"] == C2)
GIVEN = indicator(2, pattern="[domain-name:value = 'stager.alpha.example']")
TOLD = indicator(3, pattern="[domain-name:value = 'told.nordhav.example']")
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


def over_taxii(node: Node, clock: Clock, folder: Path) -> None:
    """Let the other party decline `GIVEN`, which was pushed to it, and give us `TOLD` over TAXII."""
    before = FixedClock(clock.now() - timedelta(days=4))
    keep(node, [GIVEN])
    given = find(node.store, str(GIVEN["id"]))
    row = ChannelRow(
        channel_row=10_000,
        name="nordhav",
        kind="taxii",
        terms="",
        party=OTHER,
        tlp=None,
        every_s=0,
        added_at=format_time(before.now()),
    )
    channels = node.store.channels
    with node.store.transaction():
        push = channels.begin_push(row, withheld={}, at=format_time(before.now()))
        [number] = channels.record(push, row, [PushRow(given.object_row, "x", "1")], title="Shared")
        channels.record_verdict(number, state="accepted", why="")
    with open_node(folder) as other:
        path = folder / "pushed.json"
        path.write_bytes(codec.encode({"type": "bundle", "id": BUNDLE, "objects": [GIVEN]}))
        receive(other, before, [path], party=node.party.name, channel="taxii")
        reason = decline_reason("not-understood", text="Which <log> shows this?", node=other)
        acknowledged(other, before, str(GIVEN["id"]), Word(state="declined", reason=reason))
        assert write_statements(other, before, node.party.name, folder / "said.json") is not None
    took = take_statements(node, clock, (folder / "said.json").read_bytes(), "said.json")
    assert (took.receipts, took.refused) == (1, 0)
    path.write_bytes(codec.encode({"type": "bundle", "id": BUNDLE, "objects": [TOLD]}))
    receive(node, before, [path], party=OTHER, channel="taxii", tlp="green")
