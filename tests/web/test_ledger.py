"""The page of the ledger: what stands in it, and never what opens a leaf."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from tests.web.conftest import Served
from tests.web.test_pages import words
from tests.web.visitor import MovingClock
from tests.web.world import OBJECTS

from backchannel import codec
from backchannel.desk.auditing import show_ledger
from backchannel.desk.entering import append_entered
from backchannel.desk.node import open_node


def test_before_the_first_entry_the_page_says_how_it_begins(served: Served):
    assert "backchannel import" in words(served.signed_in().ask("/ledger").text)


def test_the_page_shows_key_checkpoint_and_leaves_and_its_twin_is_the_desks_document(
    served: Served, home: Path, clock: MovingClock, bring: Callable[..., None]
):
    bring(OBJECTS)
    visitor = served.signed_in()
    assert "1 leaf waits for the next checkpoint" in words(visitor.ask("/ledger").text)
    with open_node(home) as node:
        append_entered(node, clock)
        found = show_ledger(node, rows=50)
        row = node.store.leaves.at(0)
    assert row is not None
    page = visitor.ask("/ledger").text
    told = words(page)
    assert found.vkey is not None
    assert found.checkpoint is not None
    assert found.vkey in told
    assert found.checkpoint.splitlines()[2] in told
    assert "Leaf 0" in told
    assert "waits" not in told
    assert visitor.ask("/ledger.json").body == codec.encode(found)
    for secret in (row.blinding.hex(), b64encode(row.blinding).decode(), "bc/record"):
        assert secret not in page


def test_a_place_that_is_none_shows_the_newest(served: Served, bring: Callable[..., None]):
    bring(OBJECTS)
    visitor = served.signed_in()
    for place in ("x", "-1", "9" * 30):
        assert visitor.ask(f"/ledger?before={place}").status == 200
    assert "/ledger" in visitor.ask("/batches").text
