"""Two nodes meet by card, number and code; what does not fit stops; keys are cared for through kills."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, NOW

from backchannel.clock import FixedClock
from backchannel.desk import introducing, invitations, key_care, membership
from backchannel.desk import node as nodes
from backchannel.desk.node import Node, init_node, open_node
from backchannel.desk.own_keys import own_key_sets, own_keys
from backchannel.desk.parties import add_party, list_parties, show_party
from backchannel.errors import NotFoundError, PolicyError, SignatureError, UsageError
from backchannel.parties.card import card_text
from backchannel.parties.keyring import KEYS_FILE, read_keyring
from backchannel.parties.keyset import follow
from backchannel.parties.kid import Use
from backchannel.parties.passphrase import seal_with, unseal_with
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.states import Event
from backchannel.provenance.reasons import Reason, Rejected

SEAL = seal_with("correct horse battery", work_factor=8)
UNSEAL = unseal_with("correct horse battery")


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    with ExitStack() as stack:
        yield tuple(  # type: ignore[misc]
            stack.enter_context(init_node(tmp_path / name, name=f"CERT {name}", clock=CLOCK))
            for name in ("Alpha", "Beta")
        )


def card_of(node: Node) -> bytes:
    return card_text(own_keys(node, CLOCK).card).encode()


def standing(node: Node, name: str) -> str:
    return show_party(node, CLOCK, name).party.standing


def test_a_card_makes_a_party_known_by_its_keys_and_no_more(both: tuple[Node, Node]):
    alpha, beta = both
    assert membership.meet(alpha, CLOCK, card_of(beta)) == "CERT Beta"
    detail = show_party(alpha, CLOCK, "CERT Beta")
    assert detail.party.standing == "unknown"
    assert detail.membership.root == own_keys(beta, CLOCK).card.root_kid
    assert not detail.membership.may_act
    assert "without anybody vouching" in detail.membership.events[0].note


def test_a_party_known_by_name_only_is_given_its_card(both: tuple[Node, Node]):
    alpha, beta = both
    before = add_party(alpha, CLOCK, "CERT Beta")
    assert before.party.standing == "unknown"
    assert before.membership.root is None
    membership.meet(alpha, CLOCK, card_of(beta))
    after = show_party(alpha, CLOCK, "CERT Beta")
    assert after.party.id == before.party.id
    assert after.membership.root is not None


def test_both_sides_read_the_same_number_and_are_verified_by_it(both: tuple[Node, Node]):
    alpha, beta = both
    for ours, theirs in (both, both[::-1]):
        own_keys(ours, CLOCK)
        membership.meet(ours, CLOCK, card_of(theirs))
    seen = membership.safety_of(alpha, "cert beta")
    assert seen.digits == membership.safety_of(beta, "CERT Alpha").digits
    with pytest.raises(PolicyError, match="not the number"):
        membership.verify(alpha, CLOCK, "CERT Beta", seen.digits.replace("1", "2").replace("3", "4"))
    assert standing(alpha, "CERT Beta") == "unknown"
    membership.verify(alpha, CLOCK, "CERT Beta", seen.digits)
    membership.verify(beta, CLOCK, "CERT Alpha", " ".join(seen.words))
    assert standing(alpha, "CERT Beta") == standing(beta, "CERT Alpha") == "verified"


def test_a_number_needs_both_cards(both: tuple[Node, Node]):
    alpha, _ = both
    add_party(alpha, CLOCK, "CERT Beta")
    own_keys(alpha, CLOCK)
    with pytest.raises(NotFoundError, match="no contact card of CERT Beta"):
        membership.safety_of(alpha, "CERT Beta")


def met_by_code(alpha: Node, beta: Node):
    first = invitations.begin(alpha, CLOCK)
    second = invitations.go_on(beta, CLOCK, own_keys(beta, CLOCK), first.message, code=first.code)
    third = invitations.go_on(alpha, CLOCK, own_keys(alpha, CLOCK), second.message)
    last = invitations.go_on(beta, CLOCK, own_keys(beta, CLOCK), third.message)
    return first, second, third, last


def test_two_nodes_meet_by_a_code(both: tuple[Node, Node]):
    alpha, beta = both
    first, second, third, last = met_by_code(alpha, beta)
    assert [one.state for one in (first, second, third, last)] == ["waiting", "answered", "done", "done"]
    assert (third.party, last.party) == ("CERT Beta", "CERT Alpha")
    assert standing(alpha, "CERT Beta") == standing(beta, "CERT Alpha") == "verified"
    assert membership.safety_of(alpha, "CERT Beta").digits == membership.safety_of(beta, "CERT Alpha").digits


def test_an_answer_that_was_lost_is_given_again_and_to_no_other_message(both: tuple[Node, Node]):
    alpha, beta = both
    first, second, third, _ = met_by_code(alpha, beta)
    keys = own_keys(alpha, CLOCK)
    assert invitations.go_on(alpha, CLOCK, keys, second.message) == third
    again = invitations.go_on(beta, CLOCK, own_keys(beta, CLOCK), first.message, code=first.code)
    with pytest.raises(KeyRefusedError) as caught:
        invitations.go_on(alpha, CLOCK, keys, again.message)
    assert caught.value.reason is Refusal.CODE_SPENT


def test_t27_three_wrong_codes_burn_the_invitation_and_each_is_told(both: tuple[Node, Node]):
    alpha, beta = both
    first = invitations.begin(alpha, CLOCK)
    words = first.code.split("-")
    wrong = "-".join([words[0], *reversed(words[1:])])
    said = []
    keys = own_keys(beta, CLOCK)
    for _ in range(3):
        answered = invitations.go_on(beta, CLOCK, keys, first.message, code=wrong)
        with pytest.raises(KeyRefusedError) as caught:
            invitations.go_on(alpha, CLOCK, own_keys(alpha, CLOCK), answered.message)
        assert caught.value.reason is Refusal.WRONG_CODE
        said.append(caught.value.message)
    assert ["2 tries left" in said[0], "1 try left" in said[1], "burnt" in said[2]] == [True] * 3
    with pytest.raises(KeyRefusedError) as caught:
        invitations.go_on(beta, CLOCK, keys, first.message, code=wrong)
    assert caught.value.reason is Refusal.CODE_SPENT
    right = invitations.go_on(beta, CLOCK, keys, first.message, code=first.code)
    with pytest.raises(KeyRefusedError) as caught:
        invitations.go_on(alpha, CLOCK, own_keys(alpha, CLOCK), right.message)
    assert caught.value.reason is Refusal.CODE_SPENT
    assert [one.name for one in list_parties(alpha).parties] == ["CERT Alpha"]


def test_t27_the_joiner_answers_one_code_three_times_whatever_invitation_it_comes_with(
    both: tuple[Node, Node],
):
    alpha, beta = both
    keys = own_keys(beta, CLOCK)
    code = invitations.begin(alpha, CLOCK).code
    for _ in range(3):  # whoever guesses sends a beginning of his own, under the same number
        alpha.store.database.execute("DELETE FROM invitation")
        forged = invitations.begin(alpha, CLOCK).message
        invitations.go_on(beta, CLOCK, keys, forged, code=code)
    alpha.store.database.execute("DELETE FROM invitation")
    forged = invitations.begin(alpha, CLOCK).message
    with pytest.raises(KeyRefusedError) as caught:
        invitations.go_on(beta, CLOCK, keys, forged, code=code)
    assert caught.value.reason is Refusal.CODE_SPENT


def test_t27_an_invitation_of_yesterday_is_over_and_its_secret_gone(both: tuple[Node, Node]):
    alpha, beta = both
    first = invitations.begin(alpha, CLOCK)
    second = invitations.go_on(beta, CLOCK, own_keys(beta, CLOCK), first.message, code=first.code)
    tomorrow = FixedClock(NOW + timedelta(hours=24))
    with pytest.raises(KeyRefusedError) as caught:
        invitations.go_on(alpha, tomorrow, own_keys(alpha, CLOCK), second.message)
    assert caught.value.reason is Refusal.CODE_SPENT
    invitations.begin(alpha, FixedClock(NOW + timedelta(hours=25)))
    kept = alpha.store.database.execute(
        "SELECT count(*) FROM invitation WHERE secret IS NOT NULL"
    ).fetchone()[0]
    assert kept == 1


def test_a_beginning_without_its_code_is_asked_for_it(both: tuple[Node, Node]):
    alpha, beta = both
    first = invitations.begin(alpha, CLOCK)
    with pytest.raises(UsageError, match="needs the code"):
        invitations.go_on(beta, CLOCK, own_keys(beta, CLOCK), first.message)


def test_t28_a_card_with_a_known_name_and_other_keys_stops_until_a_person_decides(
    both: tuple[Node, Node], tmp_path: Path
):
    alpha, beta = both
    membership.meet(alpha, CLOCK, card_of(beta), handed_over=True)
    with init_node(tmp_path / "mallory", name="CERT Beta", clock=CLOCK) as mallory:
        card = card_of(mallory)
    for _ in range(2):
        with pytest.raises(PolicyError, match="name-clash"):
            membership.meet(alpha, CLOCK, card)
    (alarm,) = list_parties(alpha).alarms
    assert (alarm.reason, alarm.party) == ("name-clash", "CERT Beta")
    assert show_party(alpha, CLOCK, "CERT Beta").membership.root == own_keys(beta, CLOCK).card.root_kid
    with pytest.raises(UsageError, match="already, with other keys"):
        membership.meet(alpha, CLOCK, card, decided=True)
    assert membership.meet(alpha, CLOCK, card, decided=True, called="Beta II") == "Beta II"
    assert list_parties(alpha).alarms == ()
    assert show_party(alpha, CLOCK, "Beta II").membership.called == "CERT Beta"
    assert standing(alpha, "CERT Beta") == "verified"


def test_t28_a_card_that_comes_by_code_and_does_not_fit_stops_and_costs_nothing(
    both: tuple[Node, Node], tmp_path: Path
):
    alpha, beta = both
    membership.meet(alpha, CLOCK, card_of(beta))
    with init_node(tmp_path / "mallory", name="CERT-Beta", clock=CLOCK) as mallory:
        first = invitations.begin(alpha, CLOCK)
        second = invitations.go_on(mallory, CLOCK, own_keys(mallory, CLOCK), first.message, code=first.code)
    with pytest.raises(PolicyError, match="name-clash"):
        invitations.go_on(alpha, CLOCK, own_keys(alpha, CLOCK), second.message)
    done = invitations.go_on(alpha, CLOCK, own_keys(alpha, CLOCK), second.message, decided=True)
    assert (done.party, done.state) == ("CERT-Beta", "done")


def three(both: tuple[Node, Node], tmp_path: Path, stack: ExitStack) -> Node:
    """Gamma, who is verified by Alpha and the other way round."""
    gamma = stack.enter_context(init_node(tmp_path / "Gamma", name="CERT Gamma", clock=CLOCK))
    met_by_code(both[0], gamma)
    return gamma


def test_a_party_that_was_verified_introduces_another(both: tuple[Node, Node], tmp_path: Path):
    alpha, beta = both
    met_by_code(alpha, beta)
    with ExitStack() as stack:
        gamma = three(both, tmp_path, stack)
        keys = own_keys(alpha, CLOCK)
        text = introducing.introduce(alpha, CLOCK, keys, "CERT Beta", to="CERT Gamma", how="voice").encode()
        assert introducing.holds_introduction(text)
        for _ in range(2):
            assert introducing.take_introduction(gamma, CLOCK, text) == "CERT Beta"
        assert standing(gamma, "CERT Beta") == "introduced"
        party = gamma.store.parties.by_name("CERT Beta")
        assert gamma.store.membership.introducers(party.party_row) == [("CERT Alpha", "voice", "2026-03-01")]
        with pytest.raises(Rejected) as caught:  # it is for Gamma only
            introducing.take_introduction(beta, CLOCK, text)
        assert caught.value.reason is Reason.NOT_ADDRESSED
        membership.move(gamma, CLOCK, "CERT Alpha", Event.SUSPENDED, "x")
        with pytest.raises(KeyRefusedError) as refused:
            introducing.take_introduction(gamma, CLOCK, text)
        assert refused.value.reason is Refusal.NOT_VERIFIED


def test_t28_an_introduction_with_another_card_in_it_is_refused(both: tuple[Node, Node], tmp_path: Path):
    alpha, beta = both
    met_by_code(alpha, beta)
    with ExitStack() as stack:
        gamma = three(both, tmp_path, stack)
        mallory = stack.enter_context(init_node(tmp_path / "mallory", name="CERT Beta", clock=CLOCK))
        keys = own_keys(alpha, CLOCK)
        text = introducing.introduce(alpha, CLOCK, keys, "CERT Beta", to="CERT Gamma", how="voice")
        swapped = card_of(mallory) + text[text.index("-----BEGIN BACKCHANNEL INTRODUCTION") :].encode()
        with pytest.raises(KeyRefusedError) as caught:
            introducing.take_introduction(gamma, CLOCK, swapped)
        assert caught.value.reason is Refusal.BAD_SIGNATURE
        membership.meet(gamma, CLOCK, card_of(mallory))
        ours = own_keys(gamma, CLOCK)
        with pytest.raises(PolicyError, match="unknown here"):
            introducing.introduce(gamma, CLOCK, ours, "CERT Beta", to="CERT Alpha", how="work")


def test_our_own_card_is_not_taken(both: tuple[Node, Node]):
    with pytest.raises(UsageError, match="our own"):
        membership.meet(both[0], CLOCK, card_of(both[0]))


def test_a_party_is_suspended_resumed_and_revoked_with_the_reason_kept(both: tuple[Node, Node]):
    alpha, beta = both
    met_by_code(alpha, beta)
    membership.move(alpha, CLOCK, "CERT Beta", Event.SUSPENDED, "two drops under one number")
    assert show_party(alpha, CLOCK, "CERT Beta").membership.most_tlp is None
    membership.move(alpha, CLOCK, "CERT Beta", Event.RESUMED, "they explained")
    assert standing(alpha, "CERT Beta") == "introduced"
    membership.move(alpha, CLOCK, "CERT Beta", Event.REVOKED, "closed")
    events = show_party(alpha, CLOCK, "CERT Beta").membership.events
    assert [one.event for one in events] == ["revoked", "resumed", "suspended", "code-matched"]
    with pytest.raises(UsageError, match="revoked"):
        membership.meet(alpha, CLOCK, card_of(beta), handed_over=True)
    with pytest.raises(UsageError, match="ourselves"):
        membership.move(alpha, CLOCK, "CERT Alpha", Event.REVOKED, "x")


# --- Our own keys --------------------------------------------------------------------------------


def test_a_home_of_before_keyrings_is_given_one_and_keeps_its_key(node: Node):
    before = node.party.public_key
    assert read_keyring(node.home) is None
    keys = own_keys(node, CLOCK)
    assert keys.root.public == before == keys.card.root
    assert own_keys(node, CLOCK) == keys
    (said,) = own_key_sets(node)
    assert said.current(Use.SIGN, NOW).pub == keys.card.sign


def test_rotated_keys_follow_each_other_and_old_drops_are_still_opened(node: Node):
    before = own_keys(node, CLOCK)
    later = FixedClock(NOW + timedelta(days=1))
    told = key_care.rotate(node, later)
    after = own_keys(node, later)
    assert told.version == 2
    assert after.card.sign != before.card.sign
    assert before.card.age in [key.public for key in after.keyring.openers()]
    first, second = own_key_sets(node)
    assert follow(first, second, signers={before.root.kid}, root=before.root.kid, at=later.now()) == "rotated"


def test_a_kill_between_the_new_keys_and_the_key_set_that_says_them_is_made_good(
    node: Node, monkeypatch: pytest.MonkeyPatch
):
    own_keys(node, CLOCK)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("backchannel.desk.own_keys.next_key_set", killed)
        with pytest.raises(KeyboardInterrupt):
            key_care.rotate(node, CLOCK)
    assert len(own_key_sets(node)) == 1
    keys = own_keys(node, CLOCK)
    assert len(own_key_sets(node)) == 2
    assert {key.kid for key in own_key_sets(node)[-1].keys} >= {keys.keyring.present(Use.SIGN).kid}


def test_only_what_was_named_is_rotated_and_only_what_there_is(node: Node):
    before = own_keys(node, CLOCK)
    key_care.rotate(node, CLOCK, uses=["sign"])
    assert own_keys(node, CLOCK).card.age == before.card.age
    with pytest.raises(UsageError, match="no key for the use"):
        key_care.rotate(node, CLOCK, uses=["root"])


def test_a_node_whose_root_key_was_taken_away_works_and_cannot_rotate(node: Node):
    before = own_keys(node, CLOCK)
    (node.home / nodes.KEY_FILE).rename(node.home.parent / "stick.pem")
    keys = own_keys(node, CLOCK)
    assert keys.root is None
    assert keys.card == before.card
    with pytest.raises(SignatureError, match="root key is not here"):
        key_care.rotate(node, CLOCK)


def test_keys_under_a_passphrase_open_with_it_only_and_nothing_plain_is_left(node: Node):
    before = own_keys(node, CLOCK)
    told = key_care.protect(node, CLOCK, seal=SEAL)
    assert told.sealed
    assert not (node.home / KEYS_FILE).exists()
    assert not (node.home / nodes.KEY_FILE).exists()
    with pytest.raises(SignatureError, match="passphrase"):
        own_keys(node, CLOCK)
    with pytest.raises(SignatureError, match="wrong"):
        own_keys(node, CLOCK, unseal_with("another passphrase"))
    assert own_keys(node, CLOCK, UNSEAL).keyring == before.keyring
    assert key_care.rotate(node, CLOCK, unseal=UNSEAL, seal=SEAL).sealed
    assert not key_care.protect(node, CLOCK, seal=None, unseal=UNSEAL).sealed
    assert own_keys(node, CLOCK).card.keyset_version == 2


def test_a_backup_brings_every_key_back(node: Node):
    before = own_keys(node, CLOCK)
    data = key_care.back_up(node, CLOCK, seal=SEAL)
    for name in (nodes.KEY_FILE, KEYS_FILE):
        (node.home / name).unlink()
    told = key_care.restore(node, CLOCK, data, unseal=UNSEAL)
    assert told.version == 1
    after = own_keys(node, CLOCK)
    assert (after.keyring, after.card) == (before.keyring, before.card)


def test_keys_made_after_the_backup_still_open_what_came_for_them(node: Node):
    own_keys(node, CLOCK)
    data = key_care.back_up(node, CLOCK, seal=SEAL)
    key_care.rotate(node, CLOCK)
    later = own_keys(node, CLOCK)
    key_care.restore(node, CLOCK, data, unseal=UNSEAL)
    assert later.card.age in [key.public for key in own_keys(node, CLOCK).keyring.openers()]


def test_a_backup_of_another_node_and_a_wrong_passphrase_change_nothing(both: tuple[Node, Node]):
    alpha, beta = both
    before = own_keys(alpha, CLOCK)
    data = key_care.back_up(beta, CLOCK, seal=SEAL)
    with pytest.raises(SignatureError, match="CERT Beta"):
        key_care.restore(alpha, CLOCK, data, unseal=UNSEAL)
    with pytest.raises(SignatureError, match="wrong"):
        key_care.restore(alpha, CLOCK, data, unseal=unseal_with("another passphrase"))
    assert own_keys(alpha, CLOCK).card == before.card


def test_what_was_known_is_known_after_the_node_is_opened_again(both: tuple[Node, Node]):
    alpha, beta = both
    met_by_code(alpha, beta)
    with open_node(alpha.home) as again:
        assert standing(again, "CERT Beta") == "verified"


def test_t70_neither_codes_nor_keys_are_in_what_a_node_tells_of_itself(both: tuple[Node, Node]):
    alpha, beta = both
    first, *_ = met_by_code(alpha, beta)
    keys = own_keys(alpha, CLOCK)
    shown = f"{keys!r} {show_party(alpha, CLOCK, 'CERT Beta')!r} {list_parties(alpha)!r}"
    # One word alone may stand in a safety number, which is read aloud in words of the same list.
    words, told = re.findall(r"[a-z]+", first.code), re.findall(r"[a-z]+", shown)
    assert len(words) > 1
    assert not {*pairwise(words)} & {*pairwise(told)}
    assert not any(key.secret.hex() in shown or repr(key.secret) in shown for key in keys.keyring.keys)
