"""How a claim fades: trust.md §3.11."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.made import NOW

from backchannel.trust.decay import MODELS, Model, Sighted, freshness


def days(n: float) -> timedelta:
    return timedelta(days=n)


def seen(days_ago: float, origin: str = "bravo", *, is_independent: bool = True) -> Sighted:
    return Sighted(at=NOW - days(days_ago), origin=origin, is_independent=is_independent)


@pytest.mark.parametrize(
    ("stix_type", "lifetime"),
    [("domain-name", 30), ("ipv4-addr", 7), ("url", 7), ("file", 400), ("attack-pattern", 720)],
)
def test_each_type_has_its_lifetime(stix_type: str, lifetime: int):
    assert freshness(stix_type, NOW, now=NOW).share == 1
    assert freshness(stix_type, NOW - days(lifetime / 2), now=NOW).share == pytest.approx(
        1 - 0.5 ** (1 / MODELS[stix_type].speed), abs=1e-6
    )
    assert freshness(stix_type, NOW - days(lifetime), now=NOW).share == 0


def test_an_independent_sighting_starts_it_again():
    fresh = freshness("ipv4-addr", NOW - days(20), [seen(1)], now=NOW)
    assert fresh.share == pytest.approx(6 / 7, abs=1e-6)
    assert fresh.restarted_by == "bravo"


def test_an_echo_restarts_nothing():
    fresh = freshness("ipv4-addr", NOW - days(6), [seen(1, is_independent=False)] * 50, now=NOW)
    assert fresh.share == pytest.approx(1 / 7, abs=1e-6)
    assert "50 sighting(s) are echoes or copies" in fresh.reasons[-1]


def test_valid_until_wins_over_any_sighting():
    over = freshness("domain-name", NOW - days(9), [seen(0)], now=NOW, valid_until=NOW)
    assert (over.share, over.is_valid) == (0.0, False)
    fresh = freshness("ipv4-addr", NOW - days(3), [], now=NOW, valid_until=NOW + days(1))
    assert fresh.is_valid
    assert fresh.fades_at == NOW + days(1)


def test_faded_is_not_the_same_as_past_its_end():
    faded = freshness("ipv4-addr", NOW - days(8), now=NOW, valid_until=NOW + days(100))
    assert (faded.share, faded.is_valid) == (0.0, True)


def test_the_operator_may_hand_in_other_models():
    assert freshness("url", NOW - days(50), now=NOW, models={"url": Model(100, 1)}).share == 0.5


SIGHTINGS = st.lists(
    st.builds(seen, st.floats(-20, 60), st.sampled_from("ab"), is_independent=st.booleans()), max_size=6
)


@given(st.sampled_from(sorted(MODELS)), st.floats(0, 900), SIGHTINGS, st.randoms(use_true_random=False))
def test_it_is_a_share_whatever_the_order_and_an_independent_sighting_never_lowers_it(
    stix_type, age, sightings, chance
):
    before = freshness(stix_type, NOW - days(age), sightings, now=NOW)
    chance.shuffle(sightings)
    assert freshness(stix_type, NOW - days(age), sightings, now=NOW) == before
    assert 0 <= before.share <= 1
    assert freshness(stix_type, NOW - days(age), [*sightings, seen(0)], now=NOW).share >= before.share


@pytest.mark.parametrize("said", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_a_claim_from_the_ends_of_the_calendar_is_graded_too(said: datetime):
    fresh = freshness("file", said, now=NOW)
    assert fresh.share in {0.0, 1.0}
    assert fresh.fades_at >= said
