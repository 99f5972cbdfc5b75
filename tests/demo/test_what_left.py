"""The end of the story would notice: whatever leaves that should have stayed is named, and so is what cannot be proved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import AMBER, GREEN, RED, indicator, nodes, send, take
from tests.desk.made import CLOCK, a_file
from tests.desk.offers import caller, offering, put, read

from backchannel.demo import what_left as proof
from backchannel.demo.what_left import prove_what_left
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.receive import receive
from backchannel.desk.what_left import WhatLeft, what_left
from backchannel.errors import PolicyError
from backchannel.stix.markings import Tlp
from backchannel.store.object_runs import write_runs

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


def test_what_others_read_is_looked_through_by_the_ledger_of_who_gave_it(tmp_path: Path):
    with offering(tmp_path) as (alpha, beta, _):
        reader = caller(alpha, beta)
        put(alpha, reader, OPEN)
        read(alpha, reader)
        found = what_left(alpha, CLOCK)
        assert (found.pages, found.served, found.drops, found.faults) == (1, 1, 0, [])
        # A blunder: a page with what is TLP:RED goes out, and only the sender's ledger is there to tell.
        receive(alpha, CLOCK, [a_file(alpha.home, SECRET)], party="Alpha")
        kept = alpha.store.objects.current(str(SECRET["id"]))
        (page,) = alpha.store.statuses.pages(at_most=1)
        assert kept is not None
        with alpha.store.transaction():
            alpha.store.statuses.sent(page, what="objects", runs=write_runs([kept.object_row]))
        assert what_left(alpha, CLOCK).faults == [SECRET["id"]]


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE object SET digest = zeroblob(32)",
        "UPDATE page_sent SET party_row = 3",
        "UPDATE page_sent SET runs = CAST('[[2,2]]' AS BLOB)",
        "DELETE FROM served",
    ],
)
def test_t36_a_store_that_says_another_thing_of_what_was_read_proves_nothing(tmp_path: Path, forged: str):
    with offering(tmp_path) as (alpha, beta, _):
        reader = caller(alpha, beta)
        put(alpha, reader, OPEN)
        read(alpha, reader)
        assert what_left(alpha, CLOCK).faults == []
        alpha.store.database.execute(forged)
        faults = what_left(alpha, CLOCK).faults
        assert any("other objects than the store says" in fault for fault in faults)


def test_pages_from_before_their_objects_were_kept_are_a_doubt(tmp_path: Path):
    with offering(tmp_path) as (alpha, beta, _):
        reader = caller(alpha, beta)
        put(alpha, reader, OPEN)
        read(alpha, reader)
        what_left(alpha, CLOCK)
        alpha.store.database.execute(
            "INSERT INTO page_sent (sent_at, collection_row, kind, first_added, last_added, objects, policy, sha256)"
            " SELECT sent_at, collection_row, kind, first_added, last_added, objects, policy, sha256 FROM page_sent"
        )
        assert "1 pages went before it was kept what was on them" in what_left(alpha, CLOCK).faults


def test_an_entry_that_nothing_opens_proves_nothing(two: list[Node]):
    one, other = two
    given(one, other, OPEN)
    one.store.database.execute("DELETE FROM ledger_leaf WHERE kind = 'sent'")
    (fault,) = what_left(one, CLOCK).faults
    assert "say nothing that can be checked" in fault
