"""What the forms do."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.web.visitor import Visitor
from tests.web.world import C2, REPORT

from backchannel.clock import Clock
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel, find_channel
from backchannel.desk.due import due_channels
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


def test_a_channel_is_paused_resumed_and_polled_by_its_buttons(visitor: Visitor, home: Path, clock: Clock):
    with open_node(home) as node:
        add_channel(node, clock, "feed", Terms(url="https://lists.example/c2.csv"), name="c2", every_s=3600)
        later = msgspec.structs.replace(find_channel(node.store, "c2"), due_at="2199-01-01T00:00:00Z")
        with node.store.transaction():
            node.store.channels.polled(later)
    assert due_channels(home, clock) == []
    answer = visitor.post("/channels/c2/poll")
    assert (answer.status, answer.headers["Location"]) == (303, "/channels/c2?said=poll")
    assert due_channels(home, clock) == ["c2"]
    assert "It is polled within seconds." in visitor.ask(answer.headers["Location"]).text
    answer = visitor.post("/channels/c2/pause")
    page = visitor.ask(answer.headers["Location"]).text
    assert 'action="/channels/c2/resume"' in page
    assert 'action="/channels/c2/pause"' not in page
    assert due_channels(home, clock) == []
    visitor.post("/channels/c2/resume")
    assert due_channels(home, clock) == ["c2"]
    assert visitor.post("/channels/nowhere/poll").status == 404


def test_the_buttons_of_a_channel_work_from_our_own_pages_only(visitor: Visitor, home: Path, clock: Clock):
    with open_node(home) as node:
        add_channel(node, clock, "feed", Terms(url="https://lists.example/c2.csv"), name="c2")
    for what in ("poll", "pause", "resume"):
        forged = visitor.post(f"/channels/c2/{what}", **{"Sec-Fetch-Site": "cross-site"})
        assert forged.status == 403, what
        assert visitor.ask(f"/channels/c2/{what}").status == 405, what
