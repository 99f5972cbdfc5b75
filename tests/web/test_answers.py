"""What the forms do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.visitor import Visitor
from tests.web.world import C2, REPORT

from backchannel.clock import Clock
from backchannel.desk.inbox import inbox, why
from backchannel.desk.node import open_node

pytestmark = pytest.mark.usefixtures("filled")


def said_about(home: Path, clock: Clock, stix_id: str) -> list[str]:
    with open_node(home) as node:
        return [answer.kind for answer in why(node, clock, stix_id).answers]


def test_acknowledging_is_recorded_and_the_page_says_so(visitor: Visitor, home: Path, clock: Clock):
    answer = visitor.post(f"/item/{C2}/ack", {"text": "We looked, thank you."})
    assert (answer.status, answer.headers["Location"]) == (303, f"/item/{C2}?said=ack")
    page = visitor.ask(answer.headers["Location"])
    assert 'role="status"' in page.text
    assert "Answered already" in page.text
    assert said_about(home, clock, C2) == ["ack"]


def test_disputing_is_recorded_with_its_reason(visitor: Visitor, home: Path, clock: Clock):
    assert (
        visitor.post(f"/item/{REPORT}/dispute", {"text": "It is our own test.", "strongly": "yes"}).status
        == 303
    )
    assert said_about(home, clock, REPORT) == ["dispute"]
    with open_node(home) as node:
        (value,) = why(node, clock, REPORT).answers
    assert "our own test" in visitor.ask(f"/item/{REPORT}").text
    assert value.id.startswith("opinion--")


def test_a_dispute_without_a_reason_says_what_is_missing(visitor: Visitor, home: Path, clock: Clock):
    answer = visitor.post(f"/item/{REPORT}/dispute", {"text": "  "})
    assert answer.status == 400
    assert "Say why" in answer.text
    assert said_about(home, clock, REPORT) == []


def test_a_sighting_before_any_hunt_says_what_to_do_first(visitor: Visitor, home: Path, clock: Clock):
    answer = visitor.post(f"/item/{C2}/sight")
    assert answer.status == 400
    assert "hunt" in answer.text
    assert said_about(home, clock, C2) == []


def test_an_answer_about_nothing_is_not_found(visitor: Visitor):
    assert visitor.post("/item/indicator--00000000-0000-4000-8000-000000000000/ack").status == 404


def test_a_text_that_is_too_long_is_refused_with_its_length(visitor: Visitor, home: Path, clock: Clock):
    answer = visitor.post(f"/item/{C2}/ack", {"text": "é" * 4_001})
    assert answer.status == 400
    assert "4,000 characters" in answer.text
    assert said_about(home, clock, C2) == []


def test_undoing_a_batch_empties_the_inbox_and_cannot_be_done_twice(
    visitor: Visitor, home: Path, clock: Clock
):
    assert C2 in visitor.ask("/").text
    answer = visitor.post("/batches/1/undo")
    assert (answer.status, answer.headers["Location"]) == (303, "/batches?said=undone")
    assert "Undone." in visitor.ask(answer.headers["Location"]).text
    with open_node(home) as node:
        assert inbox(node, clock).items == ()
    assert visitor.post("/batches/1/undo").status == 400
    assert visitor.post("/batches/7/undo").status == 404
    assert visitor.post("/batches/99999999999999999999/undo").status == 404
