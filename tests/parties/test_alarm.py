"""A card that does not fit what is known stops, and says what it does not fit."""

from __future__ import annotations

import pytest
from tests.parties.made import Made

from backchannel.parties.alarm import Known, alarms
from backchannel.parties.card import Card
from backchannel.parties.kid import Use
from backchannel.parties.refusals import Refusal

ALPHA, BETA, MALLORY = Made("CERT Alpha"), Made("CERT Beta"), Made("Mallory")


def known(made: Made) -> Known:
    card = made.card()
    return Known(made.party, made.name, card.root_kid, frozenset(card.kids))


KNOWN = [known(ALPHA), known(BETA)]


def reasons(card: Card) -> list[Refusal]:
    return [alarm.reason for alarm in alarms(card, KNOWN)]


def test_a_card_of_a_stranger_and_a_newer_card_of_a_known_party_raise_none():
    assert reasons(MALLORY.card()) == []
    assert reasons(ALPHA.card()) == []
    assert reasons(ALPHA.card(keyset_version=2, sign=MALLORY.root.public)) == []


@pytest.mark.parametrize("name", ["CERT Alpha", "cert alpha", "CERT Alph\u0430", "CERT-A1pha"])
def test_t28_a_known_name_or_one_like_it_with_other_keys_raises_the_alarm(name: str):
    (alarm,) = alarms(MALLORY.card(name=name), KNOWN)
    assert alarm.reason is Refusal.NAME_CLASH
    assert alarm.known == KNOWN[0]
    assert "other keys" in alarm.sentence
    assert alarm.sentence.isprintable()


def test_t28_a_known_identity_with_other_keys_raises_the_alarm():
    assert reasons(MALLORY.card(party=ALPHA.party)) == [Refusal.NAME_CLASH]


def test_t28_a_known_root_key_under_another_name_raises_the_alarm():
    assert reasons(ALPHA.card(name="CERT Omega")) == [Refusal.KEY_CLASH]


@pytest.mark.parametrize("use", [Use.SIGN, Use.AGE])
def test_t28_a_known_key_on_the_card_of_another_raises_the_alarm(use: Use):
    key = BETA.keyring.present(use)
    (alarm,) = alarms(MALLORY.card(**{use: key.public}), KNOWN)
    assert alarm.reason is Refusal.KEY_CLASH
    assert key.kid[:8] in alarm.sentence
    assert "CERT Beta" in alarm.sentence


def test_t28_a_root_key_that_is_another_partys_key_for_statements_raises_the_alarm():
    thief = Made("Thief")
    thief.root = BETA.keyring.present(Use.SIGN)
    assert reasons(thief.card()) == [Refusal.KEY_CLASH]


def test_a_party_known_by_name_only_takes_its_first_card_under_that_name_and_no_like_name():
    by_name = Known(ALPHA.party, "Mallory", None, frozenset())
    assert alarms(MALLORY.card(), [by_name]) == ()
    (alarm,) = alarms(MALLORY.card(name="Ma11ory"), [by_name])
    assert alarm.reason is Refusal.NAME_CLASH
