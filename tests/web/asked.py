"""Requests between the node and another: a question, a hunt, one of ours that is answered; a tally, and a view of ours."""

from __future__ import annotations

from pathlib import Path

from tests.desk.drops import take
from tests.web.exchanged import OURS

from backchannel.clock import Clock
from backchannel.desk.asking import Question, ask
from backchannel.desk.items import find
from backchannel.desk.node import Node, open_node
from backchannel.desk.receipt_drops import receipts_drop
from backchannel.desk.recipients import recipient_of
from backchannel.desk.replying import Reply, reply
from backchannel.desk.tallying import tally
from backchannel.desk.telling import keep_told, signed, subject_of
from backchannel.provenance.predicates import HuntFor, Opinion

HUNT = HuntFor(
    patterns=["[domain-name:value = 'evil.example']", "[ipv4-addr:value = '203.0.113.9']"],
    purpose="phishing",
    since="2026-01-01",
)


def ask_both_ways(node: Node, clock: Clock, folder: Path) -> None:
    """Let the node of `folder`, which `exchange` made, ask and answer."""
    with open_node(folder) as other:
        made = ask(node, clock, other.party.name, Question(text="What do you know of this host?")).request
        _carry(node, other, clock)
        reply(other, clock, made.request, Reply(text="A hoster; its abuse desk answers."))
        ask(other, clock, node.party.name, Question(text="Who is <script>alert(1)</script>?", is_urgent=True))
        ask(other, clock, node.party.name, Question(text="Did you see any of these?", hunt=HUNT))
        tally(other, clock, node.party.name, send=True)
        to = recipient_of(other, node.party.name)
        about = [subject_of(find(other.store, str(OURS["id"])))]
        view = Opinion(opinion="disagree", text="It is a scanner.")
        with other.store.transaction():
            keep_told(other, clock, signed(other, clock, view, to, about=about), to.party)
        _carry(other, node, clock)


def _carry(node: Node, to: Node, clock: Clock) -> None:
    made = receipts_drop(node, clock, to.party.name)
    assert made is not None
    take(to, made.path.read_bytes(), clock=clock)
