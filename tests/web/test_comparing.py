"""The pages of comparisons: what waits for a person, the forms that decide, and what both hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.desk.comparisons import carry, keep_hashes, of_hash
from tests.desk.drops import keep
from tests.web.visitor import Visitor

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk import membership
from backchannel.desk.comparing import answer, begin, session_named
from backchannel.desk.node import Node, init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.parties.card import card_text

pytest.importorskip(
    "nacl", reason="the engine of comparisons is not installed: pip install 'backchannel[psi]'"
)
pytestmark = pytest.mark.usefixtures("filled")
ASKER = "CERT <Asks>"


@dataclass
class Asked:
    """A comparison that another party began with the node whose pages these are."""

    other: Node
    node: Node
    session: str
    clock: Clock

    def brings(self) -> None:
        carry(self.other, self.node, session_named(self.other, self.session), self.clock)

    def fetches(self) -> None:
        carry(self.node, self.other, session_named(self.other, self.session), self.clock)


@pytest.fixture
def asked(filled: None, home: Path, clock: Clock, tmp_path: Path) -> Iterator[Asked]:
    with init_node(tmp_path / "asker", name=ASKER, clock=clock) as other, open_node(home) as node:
        for one, card in ((node, own_keys(other, clock).card), (other, own_keys(node, clock).card)):
            membership.meet(one, clock, card_text(card).encode(), handed_over=True)
        keep_hashes(other, range(500, 520))
        keep(node, [of_hash(number) for number in range(515, 530)])
        session, _ = begin(other, clock, node.party.name, because="<b>incident</b> 7")
        found = Asked(other, node, session.name, clock)
        found.brings()
        yield found


def test_a_person_decides_on_the_pages_whether_to_count_and_whether_to_show(visitor: Visitor, asked: Asked):
    page = visitor.ask("/comparisons").text
    assert "Our turn" in page
    assert "CERT &lt;Asks&gt;" in page
    url = f"/comparisons/{asked.session}"
    one = visitor.ask(url).text
    assert "&lt;b&gt;incident" in one
    assert "you cannot prevent that, only limit and later prove it" in one
    assert (
        visitor.post(url, {"do": "reveal"}).status == 303
    )  # the next message is the answer, whatever the button
    asked.fetches()
    answer(asked.other, asked.clock, asked.session)
    asked.brings()
    assert visitor.post(url, {"do": "answer"}).headers["Location"] == f"{url}?said=answered"
    assert visitor.ask(f"{url}.json").document["comparison"]["common"] == 5
    asked.fetches()
    answer(asked.other, asked.clock, asked.session, shows=True)
    asked.brings()
    assert visitor.post(url, {"do": "answer"}).status == 400
    assert visitor.ask(f"{url}.json").document["items"] == []
    assert visitor.post(url, {"do": "reveal"}).headers["Location"] == f"{url}?said=revealed"
    asked.fetches()
    answer(asked.other, asked.clock, asked.session)
    asked.brings()
    found = visitor.ask(f"{url}.json").document
    assert len(found["items"]) == 5
    shown = visitor.ask(url).text
    assert all(item["value"] in shown for item in found["items"])
    assert codec.decode(visitor.ask("/comparisons.json").body)["comparisons"][0]["session"] == asked.session


def test_a_person_declines(visitor: Visitor, asked: Asked):
    url = f"/comparisons/{asked.session}"
    assert (
        visitor.post(url, {"do": "decline", "why": "not <now>"}).headers["Location"] == f"{url}?said=declined"
    )
    assert "not &lt;now&gt;" in visitor.ask(url).text
    assert visitor.post(url, {"do": "answer"}).status == 400
    asked.fetches()
    assert session_named(asked.other, asked.session).row.detail == "not <now>"


def test_a_session_that_is_not_there_or_a_form_that_says_nothing(visitor: Visitor, asked: Asked):
    assert visitor.ask(f"/comparisons/{'0' * 32}").status == 404
    assert visitor.ask("/comparisons/x").status == 404
    assert visitor.post(f"/comparisons/{asked.session}", {"do": "dance"}).status == 400
    assert visitor.post(f"/comparisons/{asked.session}", {"do": "decline", "why": "x" * 1_001}).status == 400
    assert visitor.post("/comparisons/x", {"do": "answer"}).status == 404


def test_a_node_that_compared_nothing_says_how_to_begin(visitor: Visitor):
    assert "backchannel compare" in visitor.ask("/comparisons").text
