"""The page of one party: what it shows, what its forms do, and that nobody's name passes for another's."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.web.conftest import Served, Stage
from tests.web.meeting import meet
from tests.web.visitor import MovingClock, Visitor

from backchannel.clock import Clock
from backchannel.desk import key_care
from backchannel.desk.invitations import begin, go_on
from backchannel.desk.node import init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.parties import add_party, show_party
from backchannel.parties.passphrase import seal_with, unseal_with
from backchannel.web.app import create_app
from backchannel.web.auth import Logins

BETA = "/parties/CERT%20Beta"


@pytest.fixture
def number(home: Path, clock: Clock) -> str:
    return meet(home, clock)


def standing(home: Path, clock: Clock, name: str = "CERT Beta") -> str:
    with open_node(home) as node:
        return show_party(node, clock, name).party.standing


def test_the_page_has_number_card_keys_and_the_stopped_card(visitor: Visitor, number: str):
    page = visitor.ask(BETA)
    assert page.status == 200
    assert number in page.text
    assert "BEGIN BACKCHANNEL CONTACT CARD" in page.text
    assert re.search(r"<svg[^>]* class=\"qr\"", page.text)
    assert " style=" not in page.text
    assert "name-clash" in page.text
    found = visitor.ask(f"{BETA}.json").document
    assert found["schema"] == "backchannel.party-page/1"
    assert found["safety_number"]["digits"] == number
    assert {key["use"]: key["revoked"] for key in found["keys"] if key["revoked"]} == {"sign": "stolen"}
    assert [one["version"] for one in found["key_sets"]] == [2, 1]
    assert [one["card_name"] for one in found["alarms"]] == ["CERT Beta"]


def test_the_number_that_was_read_aloud_verifies_and_another_does_not(
    visitor: Visitor, home: Path, clock: Clock, number: str
):
    wrong = visitor.post(f"{BETA}/verify", {"number": "1" * 60})
    assert wrong.status == 403
    assert "one of you has other keys" in wrong.text
    assert standing(home, clock) == "unknown"
    right = visitor.post(f"{BETA}/verify", {"number": number})
    assert (right.status, right.headers["Location"]) == (303, f"{BETA}?said=verified")
    assert 'role="status"' in visitor.ask(right.headers["Location"]).text
    assert standing(home, clock) == "verified"


def test_a_party_is_suspended_resumed_and_revoked_with_a_reason(
    visitor: Visitor, home: Path, clock: Clock, number: str
):
    assert visitor.post(f"{BETA}/suspend", {"why": " "}).status == 400
    for action, then in (("suspend", "suspended"), ("resume", "introduced"), ("revoke", "revoked")):
        assert visitor.post(f"{BETA}/{action}", {"why": f"said by phone {action}"}).status == 303
        assert standing(home, clock) == then
    page = visitor.ask(BETA).text
    assert "said by phone revoke" in page
    assert f'action="{BETA}/suspend"' not in page
    assert number not in page


def test_a_form_from_elsewhere_changes_nothing(visitor: Visitor, home: Path, clock: Clock, number: str):
    for path in (f"{BETA}/verify", f"{BETA}/revoke", "/parties/invite", "/parties/alarms/1"):
        answer = visitor.ask(path, method="POST", headers={"Sec-Fetch-Site": "cross-site"}, body=b"why=x")
        assert answer.status == 403, path
    assert standing(home, clock) == "unknown"
    assert number


def test_t28_a_stopped_card_is_taken_under_another_name_or_not_at_all(
    visitor: Visitor, home: Path, clock: Clock, number: str
):
    [alarm] = visitor.ask("/parties.json").document["alarms"]
    path = f"/parties/alarms/{alarm['number']}"
    assert visitor.post(path, {"decision": "take"}).status == 400  # the name is taken
    taken = visitor.post(path, {"decision": "take", "called": "Beta II"})
    assert taken.headers["Location"] == "/parties/Beta%20II?said=taken"
    assert standing(home, clock, "Beta II") == "unknown"
    assert visitor.post(path, {"decision": "refuse"}).status == 404
    assert visitor.ask("/parties.json").document["alarms"] == []
    assert number


def test_t28_a_refused_card_leaves_no_party_behind(visitor: Visitor, number: str):
    [alarm] = visitor.ask("/parties.json").document["alarms"]
    assert visitor.post(f"/parties/alarms/{alarm['number']}", {"decision": "refuse"}).status == 303
    found = visitor.ask("/parties.json").document
    assert (found["alarms"], len(found["parties"])) == ([], 2)
    assert number


def test_two_parties_meet_by_a_code_through_the_pages(visitor: Visitor, home: Path, clock: Clock):
    page = visitor.post("/parties/invite").text
    code = re.search(r"\d+-[a-z]+-[a-z]+-[a-z]+", page)
    assert code is not None
    with init_node(home.parent / "beta", name="CERT Beta", clock=clock) as beta:
        keys = own_keys(beta, clock)
        answered = go_on(beta, clock, keys, message_of(page), code=code.group())
        last = visitor.post("/parties/join", {"message": str(answered.message).replace("\n", "\r\n")})
        assert last.status == 200
        assert "both sides used the same code" in last.text
        assert go_on(beta, clock, keys, message_of(last.text)).party == "CERT Alpha"
    assert standing(home, clock) == "verified"


def test_a_page_signs_under_a_passphrase_only_where_serve_was_given_it(
    stage: tuple[Stage, str], visitor: Visitor, home: Path, clock: MovingClock
):
    at, url = stage
    with open_node(home) as alpha:
        key_care.protect(alpha, clock, seal=seal_with("correct horse battery", work_factor=8))
    with init_node(home.parent / "beta", name="CERT Beta", clock=clock) as beta:
        begun = begin(beta, clock)
        asked = {"message": str(begun.message), "code": str(begun.code)}
        refused = visitor.post("/parties/join", asked)
        assert refused.status == 400
        assert "--passphrase-file" in refused.text
        logins = Logins(clock)
        unseal = unseal_with("correct horse battery")
        at.app = create_app(home, clock, base_url=url, logins=logins, unseal=unseal)
        joined = Served(url, logins).signed_in()
        page = joined.post("/parties/join", asked)
        assert page.status == 200
        assert go_on(beta, clock, own_keys(beta, clock), message_of(page.text)).party == "CERT Alpha"


def message_of(page: str) -> str:
    found = re.search(
        r"-----BEGIN BACKCHANNEL INVITATION-----.*?-----END BACKCHANNEL INVITATION-----", page, re.DOTALL
    )
    assert found is not None
    return found.group() + "\n"


def test_our_own_page_has_our_card_and_how_to_invite(visitor: Visitor, number: str):
    page = visitor.ask("/parties/CERT%20Alpha").text
    assert "BEGIN BACKCHANNEL CONTACT CARD" in page
    assert 'action="/parties/invite"' in page
    assert "/suspend" not in page
    assert visitor.ask("/parties/CERT%20Alpha.json").document["safety_number"] is None
    assert number


@pytest.mark.parametrize("name", ["A/B", "report.json", "CERT B\u0435ta", "\u0421\u0415RT"])
def test_t28_any_name_has_a_page_and_is_seen_for_what_it_is(
    visitor: Visitor, home: Path, clock: Clock, name: str
):
    with open_node(home) as node:
        identity = add_party(node, clock, name).party.id
    listed = visitor.ask("/parties").text
    address = re.findall(r'href="(/parties/[^"]+)"', listed)[-1]
    page = visitor.ask(address)
    assert page.status == 200
    assert visitor.ask(f"/parties/{identity}.json").document["about"]["party"]["name"] == name
    if not name.isascii():
        assert name not in listed
        assert name not in page.text
        assert "\\u{" in page.text
        assert visitor.ask(f"/parties/{quote(name)}").status == 200
