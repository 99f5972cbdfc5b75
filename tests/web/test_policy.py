"""The pages of what may leave: the policy in words, what is wrong with it, and a plan before and after."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.desk.drops import GREEN, RED, indicator
from tests.desk.test_tear_lines import RULES, TORN, WHOLE, derived
from tests.web.conftest import Served
from tests.web.test_pages import words
from tests.web.visitor import MovingClock

from backchannel import codec
from backchannel.desk.approving import approve, note_plan
from backchannel.desk.choosing import Choice
from backchannel.desk.membership import meet
from backchannel.desk.node import init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.planning import plan
from backchannel.desk.policy_checking import check_policy
from backchannel.desk.recipients import recipient_of
from backchannel.parties.card import card_text

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "policy.toml"


def test_without_a_file_the_page_says_that_tlp_decides(served: Served):
    visitor = served.signed_in()
    assert "TLP alone decides" in words(visitor.ask("/policy").text)
    assert "What may leave" in words(visitor.ask("/drops").text)


def test_the_page_tells_the_policy_in_words_and_its_twin_is_the_desks_document(
    served: Served, home: Path, clock: MovingClock
):
    (home / "policy.toml").write_bytes(EXAMPLE.read_bytes())
    visitor = served.signed_in()
    told = words(visitor.ask("/policy").text)
    assert "never goes to anybody: source protection." in told
    assert "a client gets an amber one without its maker" in told
    assert "is no party that is known here" in told
    with open_node(home) as node:
        assert visitor.ask("/policy.json").body == codec.encode(check_policy(node, None))


def test_a_broken_file_is_named_with_its_line_and_taxii_says_nothing_of_it(served: Served, home: Path):
    (home / "policy.toml").write_text('version = 1\ndefault = "deny"\n<b>colour = 1\n')
    visitor = served.signed_in()
    page = visitor.ask("/policy").text
    assert "nothing leaves" in words(page)
    assert "Line 3" in words(page)
    assert "<b>" not in page


def test_a_plan_shows_what_it_changes_and_who_approved_it(
    served: Served, home: Path, clock: MovingClock, tmp_path: Path, bring: Callable[..., None]
):
    bring([indicator(1), indicator(2, RED)], party="CERT Alpha")
    text = (
        'version = 1\ndefault = "deny"\nreferences = "let"\n[[rule]]\nid = "t"\nto = ["CERT Beta"]\n'
        'transform = ["drop:/name"]\n[approval]\ntwo_persons = ["GREEN", "CLEAR"]\n'
    )
    (home / "policy.toml").write_text(text)
    with init_node(tmp_path / "beta", name="CERT Beta", clock=clock) as beta:
        card = card_text(own_keys(beta, clock).card).encode()
    with open_node(home) as node:
        meet(node, clock, card, handed_over=True)
        choice = Choice(batch=1)  # type: ignore[arg-type]
        found = plan(node, clock, recipient_of(node, "CERT Beta"), choice)
        assert found.redacted
        note_plan(node, clock, found, choice)
    visitor = served.signed_in()
    assert found.sha256[:12] in visitor.ask("/policy").text
    page = visitor.ask(f"/plans/{found.sha256}").text
    shown = next(one for one in found.objects if one.outcome == "redacted")
    assert str(shown.as_id) in page
    assert re.search(r"<del>.+</del> → <ins>nothing</ins>", page)
    assert "A second person has to approve it" in words(page)
    with open_node(home) as node:
        approve(node, clock, found, "ann")
    assert "Approved by ann" in words(visitor.ask(f"/plans/{found.sha256}").text)
    twin = codec.decode(visitor.ask(f"/plans/{found.sha256}.json").body)
    assert twin["schema"] == "backchannel.release-plan/1"
    assert visitor.ask("/plans/" + "0" * 64).status == 404


def test_a_plan_says_what_goes_as_its_tear_line(
    served: Served, home: Path, clock: MovingClock, tmp_path: Path, bring: Callable[..., None]
):
    bring([indicator(1, RED), indicator(2, GREEN), derived(3, TORN, WHOLE)], party="CERT Alpha")
    (home / "policy.toml").write_text('version = 1\ndefault = "deny"\n' + RULES)
    with init_node(tmp_path / "beta", name="CERT Beta", clock=clock) as beta:
        card = card_text(own_keys(beta, clock).card).encode()
    with open_node(home) as node:
        meet(node, clock, card, handed_over=True)
        choice = Choice(ids=(WHOLE,))
        found = plan(node, clock, recipient_of(node, "CERT Beta"), choice)
        note_plan(node, clock, found, choice)
    visitor = served.signed_in()
    page = visitor.ask(f"/plans/{found.sha256}").text
    assert "1 goes as its tear-line" in words(page)
    assert f"goes as its tear-line {TORN}" in words(page)
    assert f'href="/item/{TORN}"' in page
    [shown] = codec.decode(visitor.ask(f"/plans/{found.sha256}.json").body)["objects"]
    assert (shown["outcome"], shown["goes"], shown["as_id"]) == ("tear-line", False, TORN)
