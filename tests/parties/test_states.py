"""A party rises only by what a person or a verified party did, and every other way is closed."""

from __future__ import annotations

import itertools

import pytest
from tests.parties.made import Made

from backchannel.errors import UsageError
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.states import LIMITS, Event, Standing, moved
from backchannel.parties.vouch import check_vouch
from backchannel.stix.markings import Tlp

RANK = [Standing.REVOKED, Standing.SUSPENDED, Standing.UNKNOWN, Standing.INTRODUCED, Standing.VERIFIED]


def after(standing: Standing, event: Event) -> Standing | None:
    try:
        return moved(standing, event)
    except UsageError as refused:
        assert refused.hint  # noqa: PT017 - every refusal says what to do
        return None


@pytest.mark.parametrize(("standing", "event"), list(itertools.product(Standing, Event)))
def test_every_pair_of_state_and_event_keeps_the_rules(standing: Standing, event: Event):
    then = after(standing, event)
    if standing is Standing.REVOKED:
        assert then in {None, Standing.REVOKED}
        return
    if event is Event.REVOKED:
        assert then is Standing.REVOKED
    if event is Event.SUSPENDED:
        assert then is Standing.SUSPENDED
    if then is not None and RANK.index(then) > RANK.index(standing):
        assert event in {Event.VOUCHED, Event.COMPARED, Event.CODE_MATCHED, Event.RESUMED}
    if then is Standing.VERIFIED and standing is not Standing.VERIFIED:
        assert event in {Event.COMPARED, Event.CODE_MATCHED}


def test_recovery_takes_a_verified_party_down_to_introduced_and_lifts_nobody():
    assert moved(Standing.VERIFIED, Event.RECOVERED) is Standing.INTRODUCED
    assert moved(Standing.SUSPENDED, Event.RECOVERED) is Standing.SUSPENDED
    assert moved(Standing.UNKNOWN, Event.RECOVERED) is Standing.UNKNOWN


def test_a_code_does_not_lift_a_suspension():
    assert after(Standing.SUSPENDED, Event.CODE_MATCHED) is None
    assert after(Standing.SUSPENDED, Event.VOUCHED) is None


def test_only_a_verified_party_acts_or_is_sent_more_than_green():
    for standing, limits in LIMITS.items():
        assert limits.may_act == (standing is Standing.VERIFIED)
        assert (limits.most_tlp in {Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED}) == (standing is Standing.VERIFIED)
    assert LIMITS[Standing.INTRODUCED].best_letter == "C"
    assert LIMITS[Standing.SUSPENDED].most_tlp is None


def test_a_verified_party_introduces_by_the_digest_of_the_whole_card():
    card = Made("CERT Beta").card()
    check_vouch(card.digest, card, introducer=Standing.VERIFIED)
    with pytest.raises(KeyRefusedError) as caught:
        check_vouch(Made("Mallory").card(name="CERT Beta").digest, card, introducer=Standing.VERIFIED)
    assert caught.value.reason is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("standing", [one for one in Standing if one is not Standing.VERIFIED])
def test_nobody_else_introduces(standing: Standing):
    card = Made("CERT Beta").card()
    with pytest.raises(KeyRefusedError) as caught:
        check_vouch(card.digest, card, introducer=standing)
    assert caught.value.reason is Refusal.NOT_VERIFIED
