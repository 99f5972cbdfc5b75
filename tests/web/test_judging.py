"""The forms about belief: a blind number, how a claim turned out, who is of one origin, a party's letter."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from tests.web.visitor import Visitor
from tests.web.world import C2

from backchannel.clock import Clock
from backchannel.desk.belief_documents import Belief
from backchannel.desk.inbox import why
from backchannel.desk.membership import meet
from backchannel.desk.node import init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.parties import show_party
from backchannel.parties.card import card_text

pytestmark = pytest.mark.usefixtures("filled")


def believed(home: Path, clock: Clock) -> Belief:
    with open_node(home) as node:
        found = why(node, clock, C2).belief
    assert found is not None
    return found


def test_a_number_is_set_blind_before_any_letter_is_shown(visitor: Visitor, home: Path, clock: Clock):
    page = visitor.ask(f"/item/{C2}").text
    assert "How far its sources can be relied on" not in page
    assert 'class="letter' not in page
    shown = visitor.ask(f"/item/{C2}?letters=show").text
    assert 'class="letter' in shown
    answer = visitor.post(f"/item/{C2}/grade", {"number": "2", "why": "It fits.", "letters": "hidden"})
    assert (answer.status, answer.headers["Location"]) == (303, f"/item/{C2}?said=grade")
    page = visitor.ask(answer.headers["Location"]).text
    assert 'class="letter' in page
    assert "Set blind" in page
    given = believed(home, clock).given
    assert given is not None
    assert (given.value, given.is_blind) == ("2", True)
    visitor.post(f"/item/{C2}/grade", {"number": "4", "why": "No.", "letters": "shown"})
    given = believed(home, clock).given
    assert given is not None
    assert (given.value, given.is_blind) == ("4", False)
    visitor.post(f"/item/{C2}/grade", {"number": "computed", "why": "Enough is known.", "letters": "shown"})
    assert believed(home, clock).given is None


def test_how_it_turned_out_is_kept_and_taken_back(visitor: Visitor, home: Path, clock: Clock):
    answer = visitor.post(f"/item/{C2}/outcome", {"outcome": "confirmed", "why": "The log shows it."})
    assert answer.status == 303
    assert "The log shows it." in visitor.ask(f"/item/{C2}").text
    assert [one.outcome for one in believed(home, clock).outcomes] == ["confirmed"]
    assert believed(home, clock).number == 1
    visitor.post(f"/item/{C2}/outcome", {"outcome": "none", "why": "Another host."})
    assert believed(home, clock).outcomes == ()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("outcome", {"outcome": "great", "why": "x"}),
        ("outcome", {"outcome": "confirmed", "why": ""}),
        ("grade", {"number": "7", "why": "x"}),
        ("grade", {"number": "2", "why": " "}),
        ("union", {"first": "1.1", "second": "ours", "result": "perhaps", "why": "x"}),
    ],
)
def test_a_form_that_is_none_of_ours_or_has_no_reason_changes_nothing(
    visitor: Visitor, home: Path, clock: Clock, path: str, form: dict[str, str]
):
    before = believed(home, clock)
    assert visitor.post(f"/item/{C2}/{path}", form).status == 400
    assert believed(home, clock) == before


def test_a_report_is_said_to_be_our_own(visitor: Visitor, home: Path, clock: Clock):
    (report,) = believed(home, clock).reports
    form = {"first": report.key, "second": "ours", "result": "same", "why": "They had it from us."}
    assert visitor.post(f"/item/{C2}/union", form).status == 303
    assert believed(home, clock).origins == ()
    assert visitor.post(f"/item/{C2}/union", form | {"first": "9.9"}).status == 404


def test_a_party_is_told_of_sources_that_are_hidden_from_it_by_the_form_of_its_page(
    visitor: Visitor, home: Path, clock: Clock, tmp_path: Path
):
    with open_node(home) as node, init_node(tmp_path / "Gamma", name="Gamma", clock=clock) as gamma:
        meet(node, clock, card_text(own_keys(gamma, clock).card).encode(), handed_over=True)
        for number, source in enumerate(("Delta", "Echo")):
            with node.store.transaction():
                node.store.statements.keep_hidden(f"sha256:{number:064x}", party=source, random=bytes(32))
    form = {"source": "Delta", "other": "Echo", "result": "different", "why": "Two houses."}
    assert "Sources that you hide from it" in visitor.ask("/parties/Gamma").text
    answer = visitor.post("/parties/Gamma/deconflict", form)
    assert (answer.status, answer.headers["Location"]) == (303, "/parties/Gamma?said=deconflicted")
    with open_node(home) as node:
        assert node.store.statements.waiting_parties() == [("Gamma", 1)]
    assert visitor.post("/parties/Gamma/deconflict", form | {"result": "maybe"}).status == 400
    assert visitor.post("/parties/Gamma/deconflict", form | {"source": "Nobody"}).status == 404


def test_a_partys_letter_is_set_with_a_reason_and_shown_with_the_computed_one(
    visitor: Visitor, home: Path, clock: Clock
):
    with open_node(home) as node:
        name = next(one.party for one in believed(home, clock).reports if one.party)
    answer = visitor.post(f"/parties/{quote(name)}/grade", {"letter": "B", "why": "Years of good work."})
    assert answer.status == 303
    page = visitor.ask(answer.headers["Location"]).text
    assert "Years of good work." in page
    assert "Set by hand to B, computed F" in page
    with open_node(home) as node:
        found = show_party(node, clock, name).reliability
    assert found is not None
    assert (found.own.letter, found.own.computed) == ("B", "F")
    assert visitor.post(f"/parties/{quote(name)}/grade", {"letter": "Z", "why": "x"}).status == 400
    assert visitor.ask(f"/item/{C2}/why.json").status == 200
