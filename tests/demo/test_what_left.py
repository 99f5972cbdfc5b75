"""The end of the story would notice: whatever leaves that should have stayed is named, and so is what cannot be proved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import AMBER, GREEN, RED, indicator, nodes, send, take
from tests.desk.made import CLOCK, a_file

from backchannel.demo import what_left as proof
from backchannel.demo.what_left import prove_what_left
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.receive import receive
from backchannel.desk.what_left import WhatLeft, what_left
from backchannel.errors import PolicyError
from backchannel.stix.markings import Tlp

SECRET, OPEN = indicator(1, RED), indicator(2, GREEN)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "home", "cert") as found:
        yield found


def given(one: Node, other: Node, *objects: dict[str, object], tlp: str | None = None) -> list[WhatLeft]:
    """Let a node take objects in and send what may go; return what the ledgers of both say."""
    receipt = receive(one, CLOCK, [a_file(one.home, *objects)], party=one.party.name, tlp=tlp)
    take(other, send(one, other, receipt.batch).path.read_bytes())
    return [what_left(node, CLOCK) for node in (one, other)]


def test_what_may_leave_is_counted_on_both_sides_and_what_stayed_too(two: list[Node]):
    sent, came = given(*two, OPEN, indicator(3, AMBER), SECRET)
    assert (sent.drops, sent.sent, sent.came, sent.stayed, sent.faults) == (1, 2, 0, 1, [])
    assert (came.drops, came.sent, came.came, came.stayed, came.faults) == (0, 0, 2, 0, [])


def test_a_tlp_red_object_that_left_is_named_by_the_ledgers_of_both(
    two: list[Node], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(Reader, "tlp", lambda *_: Tlp.GREEN)  # a blunder: all markings are read as GREEN
    for one in given(*two, OPEN, SECRET):
        assert one.faults == [SECRET["id"]]
    monkeypatch.setattr(proof, "HOMES", ("home", "cert"))
    said: list[str] = []
    with pytest.raises(PolicyError) as refused:
        prove_what_left(tmp_path, CLOCK, said.append)
    assert f"home: {SECRET['id']}; cert: {SECRET['id']}" in refused.value.message
    assert not any("Nothing" in line for line in said)


def test_an_unmarked_object_that_left_is_named(two: list[Node]):
    bare = indicator(4, None)
    for one in given(*two, bare, tlp="green"):  # its marking stands in what was signed, and not in the object
        assert one.faults == [bare["id"]]


def test_a_store_that_says_another_thing_than_the_ledger_proves_nothing(two: list[Node]):
    one, other = two
    given(one, other, OPEN, SECRET)
    for node, forged in (
        (one, "UPDATE statement_subject SET object_digest = zeroblob(32)"),
        (other, "UPDATE object SET digest = zeroblob(32)"),
    ):
        node.store.database.execute(forged)
        (fault, *_) = what_left(node, CLOCK).faults
        assert "other objects than the store says" in fault


def test_an_entry_that_nothing_opens_proves_nothing(two: list[Node]):
    one, other = two
    given(one, other, OPEN)
    one.store.database.execute("DELETE FROM ledger_leaf WHERE kind = 'sent'")
    (fault,) = what_left(one, CLOCK).faults
    assert "say nothing that can be checked" in fault
