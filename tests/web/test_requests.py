"""The page of requests: what is asked of us, what we ask, who needs help, and the forms that answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.desk.drops import take
from tests.web.exchanged import OTHER, OURS, exchange
from tests.web.visitor import Visitor

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk import membership
from backchannel.desk.asking import Question, ask
from backchannel.desk.node import init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.receipt_drops import receipts_drop
from backchannel.desk.requests import list_requests
from backchannel.parties.card import card_text
from backchannel.provenance.predicates import HuntFor

pytestmark = pytest.mark.usefixtures("filled")
ASKER = "CERT Asks"


@pytest.fixture
def asked(filled: None, home: Path, clock: Clock, tmp_path: Path) -> None:
    """Another party asks three things, of which one names a script."""
    with init_node(tmp_path / "asker", name=ASKER, clock=clock) as other, open_node(home) as node:
        for one, card in ((node, own_keys(other, clock).card), (other, own_keys(node, clock).card)):
            membership.meet(one, clock, card_text(card).encode(), handed_over=True)
        hunt = HuntFor(patterns=["[domain-name:value = 'evil.example']"], purpose="phishing")
        for question in (
            Question(text="Who is <script>alert(1)</script>?"),
            Question(text="Did you see it?", hunt=hunt),
            Question(text="And this?"),
        ):
            ask(other, clock, node.party.name, question)
        ask(node, clock, ASKER, Question(text="What do you know?"))
        made = receipts_drop(other, clock, node.party.name)
        assert made is not None
        take(node, made.path.read_bytes(), clock=clock)


def states(home: Path, clock: Clock) -> dict[str, str]:
    with open_node(home) as node:
        return {one.question: one.state for one in list_requests(node, clock).to_us}


@pytest.mark.usefixtures("asked")
def test_the_page_shows_what_is_asked_and_leads_there_from_the_inbox(visitor: Visitor):
    found = codec.decode(visitor.ask("/requests.json").body)
    assert [one["question"] for one in found["to_us"]][1] == "Did you see it?"
    assert [one["party"] for one in found["ours"]] == [ASKER]
    page = visitor.ask("/requests").text
    assert "Who is &lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "evil[.]example" in page
    assert "waits for the next drop" in page
    inbox = visitor.ask("/").text
    assert inbox.count("asks us to hunt:") == 1
    assert f"/requests#r{found['to_us'][0]['request'][7:19]}" in inbox


@pytest.mark.usefixtures("asked")
def test_the_forms_answer_decline_and_say_that_somebody_works_on_it(
    visitor: Visitor, home: Path, clock: Clock
):
    names = [one["request"] for one in codec.decode(visitor.ask("/requests.json").body)["to_us"]]
    for name, form, said in (
        (names[0], {"do": "answer", "text": "Nobody."}, "answered"),
        (names[1], {"do": "decline", "reason": "no-authority"}, "declined"),
        (names[2], {"do": "working"}, "working"),
    ):
        answer = visitor.post(f"/requests/{name}/answer", form)
        assert (answer.status, answer.headers["Location"]) == (303, f"/requests?said={said}")
    assert set(states(home, clock).values()) == {"answered", "declined", "working"}
    assert "The answer goes with the next drop" in visitor.ask("/requests?said=answered").text
    for name, form, status in (
        (names[0], {"do": "working"}, 400),
        (names[2], {"do": "answer", "text": ""}, 400),
        (names[2], {"do": "decline", "reason": "because"}, 400),
        ("sha256:" + "ab" * 32, {"do": "answer", "text": "x"}, 404),
        ("x", {"do": "answer", "text": "x"}, 400),
    ):
        assert visitor.post(f"/requests/{name}/answer", form).status == status


def test_who_needs_help_is_shown_until_it_is_given(
    visitor: Visitor, home: Path, clock: Clock, tmp_path: Path
):
    with open_node(home) as node:
        exchange(node, clock, tmp_path / "other")
    [wanted] = codec.decode(visitor.ask("/requests.json").body)["help"]
    assert (wanted["party"], wanted["about"]) == (OTHER, [OURS["id"]])
    page = visitor.ask("/requests").text
    assert "We have no such product &lt;yet&gt;." in page
    assert "needs help:" in visitor.ask("/").text
    done = visitor.post(f"/requests/{wanted['receipt']}/answer", {"do": "done", "text": "We called."})
    assert done.headers["Location"] == "/requests?said=done"
    assert codec.decode(visitor.ask("/requests.json").body)["help"] == []
    assert "Send it again as a rule" not in visitor.ask("/drops").text


def test_a_node_that_nobody_asked_says_how_to_ask(visitor: Visitor):
    assert "backchannel ask" in visitor.ask("/requests").text
