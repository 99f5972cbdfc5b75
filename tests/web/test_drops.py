"""The page of drops, and what the item's page lets a person tell those who sent drops."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.exchanged import OTHER, OURS, exchange
from tests.web.visitor import Visitor
from tests.web.world import C2, REPORT

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk import key_care
from backchannel.desk.box import Box
from backchannel.desk.came_drops import drops_of
from backchannel.desk.items import find
from backchannel.desk.node import open_node
from backchannel.parties.passphrase import seal_with
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.statement import content_of, open_envelope

pytestmark = pytest.mark.usefixtures("filled")


@pytest.fixture
def exchanged(filled: None, home: Path, clock: Clock, tmp_path: Path) -> None:
    with open_node(home) as node:
        exchange(node, clock, tmp_path / "other")


def told(home: Path) -> list[Receipt]:
    """What waits to be told, oldest first."""
    with open_node(home) as node:
        party = node.store.parties.by_name(OTHER)
        assert party is not None
        rows = node.store.statements.waiting(party.party_row)
        return [content_of(open_envelope(row.envelope).statement) for row in rows]  # type: ignore[misc]


@pytest.mark.usefixtures("exchanged")
def test_the_page_says_what_came_what_went_and_what_became_of_it(visitor: Visitor):
    found = codec.decode(visitor.ask("/drops.json").body)
    assert [(one["seq"], one["signature"], one["asks"], one["told"]) for one in found["came"]] == [
        (3, "good", "acted", "received"),
        (1, "good", "acted", "received"),
        (0, "good", "none", None),
    ]
    assert [note["code"] for note in found["came"][0]["notes"]] == ["gap"]
    assert [(one["state"], one["silent_days"]) for one in found["sent"]] == [("sent", 5), ("declined", None)]
    assert found["sent"][1]["answers"][1]["about"] == [OURS["id"]]
    assert found["unanswered"] == {"drops": 1, "parties": 1, "longest_days": 5}
    assert [one["refusal"]["code"] for one in found["refused"]] == ["damaged"]
    assert found["waiting"] == [{"to": OTHER, "statements": 2}]
    page = visitor.ask("/drops").text
    for words in (
        "silent for 5 days",
        "Send it again as a rule or query",
        "damaged",
        "We have no such product &lt;yet&gt;.",
    ):
        assert words in page
    assert "<yet>" not in page


@pytest.mark.usefixtures("exchanged")
def test_drops_are_shown_page_by_page(visitor: Visitor):
    first = codec.decode(visitor.ask("/drops.json?limit=2").body)
    second = codec.decode(visitor.ask(f"/drops.json?limit=2&before={first['next']}").body)
    assert [one["seq"] for one in (*first["came"], *second["came"])] == [3, 1, 0]
    assert second["next"] is None
    assert visitor.ask("/drops?before=x").status == 400


def test_a_node_without_drops_says_how_they_begin(visitor: Visitor):
    page = visitor.ask("/drops").text
    assert "backchannel receive FILE" in page
    assert "backchannel release plan" in page


@pytest.mark.usefixtures("exchanged")
def test_the_items_page_tells_the_senders_who_asked(visitor: Visitor, home: Path):
    page = visitor.ask(f"/item/{C2}").text
    assert f"{OTHER} asks what became of drop 3" in page
    answer = visitor.post(f"/item/{C2}/ack", {"told": "hunted-nothing"})
    assert (answer.status, answer.headers["Location"]) == (303, f"/item/{C2}?said=told")
    assert [(one.state, one.acted) for one in told(home)] == [
        ("received", None),
        ("received", None),
        ("acted", "hunted, nothing"),
        ("acted", "hunted, nothing"),
    ]


@pytest.mark.usefixtures("exchanged")
def test_the_items_page_declines_with_a_reason(visitor: Visitor, home: Path):
    form = {"reason": "conflicts-with", "other": REPORT, "text": "See the report."}
    answer = visitor.post(f"/item/{C2}/decline", form)
    assert (answer.status, answer.headers["Location"]) == (303, f"/item/{C2}?said=decline")
    reason = told(home)[-1].reason
    assert reason is not None
    assert (reason.code, reason.text) == ("conflicts-with", "See the report.")
    for wrong in (
        {},
        {"reason": "because"},
        {"reason": "stale", "other": REPORT},
        {"reason": "duplicate-of"},
    ):
        assert visitor.post(f"/item/{C2}/decline", wrong).status == 400
    assert len(told(home)) == 4


def test_what_came_by_no_drop_offers_nothing_to_decline(visitor: Visitor, home: Path):
    assert f"/item/{C2}/decline" not in visitor.ask(f"/item/{C2}").text
    assert visitor.post(f"/item/{C2}/decline", {"reason": "stale"}).status == 400
    with open_node(home) as node:
        assert drops_of(node, find(node.store, C2)) == []


@pytest.mark.usefixtures("exchanged")
def test_a_form_from_elsewhere_tells_nothing(visitor: Visitor, home: Path):
    answer = visitor.post(f"/item/{C2}/decline", {"reason": "stale"}, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert len(told(home)) == 2


def test_the_page_says_what_waits_in_the_drop_box_and_what_takes_it(
    visitor: Visitor, home: Path, clock: Clock
):
    assert visitor.ask("/drops.json").document["box"] is None
    for data in (b"first", b"second"):
        leaving = Box(home).begin()
        leaving.write(data)
        leaving.finish()
    box = visitor.ask("/drops.json").document["box"]
    assert (box["waiting"], box["waiting_bytes"], box["needs_passphrase"]) == (2, 11, False)
    assert (box["max_waiting"], box["max_waiting_bytes"]) == (1_000, 8 * 2**30)
    page = visitor.ask("/drops").text
    assert "2 files wait in the drop box" in page
    assert "at most 1,000 files of together 8.0 GiB" in page
    assert "--passphrase-file" not in page
    with open_node(home) as node:
        key_care.protect(node, clock, seal=seal_with("correct horse battery", work_factor=8))
    assert "serve --drop-box --passphrase-file FILE" in visitor.ask("/drops").text
