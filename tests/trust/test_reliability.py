"""The letter of a source: trust.md §3.11, T45 to T47."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.made import NOW, an_outcome, straight

from backchannel.trust.reliability import LETTERS, NOT_JUDGED, Outcome, Override, first_key, reliability


@pytest.mark.parametrize(
    ("confirmed", "letter"),
    [(0, "F"), (1, "F"), (2, "F"), (3, "C"), (7, "C"), (8, "B"), (20, "B"), (21, "A"), (500, "A")],
)
def test_so_many_straight_confirmations_make_the_letter(confirmed: int, letter: str):
    assert straight(confirmed).letter == letter


@pytest.mark.parametrize(
    ("confirmed", "refuted", "letter"), [(0, 3, "E"), (2, 2, "E"), (3, 3, "D"), (6, 2, "C"), (40, 5, "B")]
)
def test_refutations_count_against_it(confirmed: int, refuted: int, letter: str):
    assert straight(confirmed, refuted).letter == letter


def test_who_was_never_judged_is_f_and_f_is_no_number():
    assert reliability([], now=NOW).letter == "F"
    few = straight(2)
    assert (few.letter, few.mean, few.quantile, few.n) == ("F", None, None, 2.0)
    assert (NOT_JUDGED.letter, NOT_JUDGED.mean) == ("F", None)


def test_evidence_is_halved_in_180_days():
    old = reliability([an_outcome(f"o{n}", days_ago=180) for n in range(12)], now=NOW)
    assert old.confirmed == pytest.approx(6)
    assert old.letter == straight(6).letter
    assert reliability([an_outcome(f"o{n}", days_ago=720) for n in range(12)], now=NOW).letter == "F"


def test_t45_praise_by_500_contacts_of_one_day_changes_nothing():
    own = [an_outcome(f"own-{n}") for n in range(4)]
    praise = [an_outcome(f"own-{n % 4}", by=f"contact-{n}", others_mean=None) for n in range(500)]
    before, after = reliability(own, now=NOW), reliability([*own, *praise], now=NOW)
    assert (after.letter, after.mean, after.quantile, after.n) == (
        before.letter,
        before.mean,
        before.quantile,
        before.n,
    )


def test_t45_all_other_parties_together_count_as_two_outcomes_however_well_judged():
    others = [an_outcome("x", by=f"contact-{n}", others_mean=0.99) for n in range(500)]
    assert reliability(others, now=NOW).confirmed == pytest.approx(2)
    assert reliability(others, now=NOW).letter == "F"
    blame = [an_outcome("x", "harmful", by=f"contact-{n}", others_mean=0.99) for n in range(500)]
    good = [an_outcome(f"own-{n}") for n in range(30)]
    hurt = reliability([*good, *blame], now=NOW)
    assert hurt.refuted == pytest.approx(2)
    assert hurt.letter == "B"  # thirty good outcomes of ours are not undone by rivals


def test_t46_a_harmful_claim_after_100_right_ones_lowers_the_letter_the_same_day():
    good = [an_outcome(f"right-{n}", days_ago=n % 60) for n in range(100)]
    assert reliability(good, now=NOW).letter == "A"
    burnt = reliability([*good, an_outcome("burn", "harmful", days_ago=0.1)], now=NOW)
    assert burnt.letter == "B"
    assert "broke something here" in burnt.reasons[-1]
    later = NOW + timedelta(days=181)
    assert not any(
        "broke" in reason for reason in reliability([an_outcome("burn", "harmful")], now=later).reasons
    )


def test_own_error_taken_back_within_a_week_costs_half():
    def standing(days: float):
        outcome = Outcome(key="x", result="retracted", at=NOW, asserted_at=NOW - timedelta(days=days))
        return reliability([outcome], now=NOW).refuted

    assert (standing(7), standing(7.1), standing(-1)) == (0.5, 1.0, 1.0)


def test_known_by_introduction_is_c_at_most_and_unknown_is_f():
    assert straight(100, state="introduced").letter == "C"
    assert straight(100, state="introduced").mean <= 0.75
    assert straight(100, state="unknown").letter == "F"
    assert straight(100, state="unknown").mean is None


def test_a_persons_word_is_shown_beside_what_was_computed():
    word = Override(letter="D", reason="their lab was broken into", by="Ada", at=NOW)
    standing = straight(30, override=word)
    assert (standing.letter, standing.computed, standing.mean) == ("D", "A", 0.5)
    assert standing.reasons[-1] == "Ada set it to D: their lab was broken into"
    unjudged = straight(30, override=Override(letter="F", reason="new people there", by="Ada", at=NOW))
    assert (unjudged.letter, unjudged.mean, unjudged.quantile) == ("F", None, None)


def test_a_letter_is_of_a_topic():
    outcomes = [an_outcome(f"n{n}", topic="network") for n in range(8)]
    outcomes += [an_outcome(f"a{n}", "refuted", topic="attribution") for n in range(4)]
    assert reliability(outcomes, now=NOW, topic="network").letter == "B"
    assert reliability(outcomes, now=NOW, topic="attribution").letter == "E"


def test_the_last_word_on_a_claim_counts():
    assert reliability([an_outcome("x", days_ago=3), an_outcome("x", "refuted")], now=NOW).confirmed == 0


def test_new_keys_of_a_party_lead_back_to_its_first():
    previous = {"k3": "k2", "k2": "k1"}
    assert {first_key(kid, previous) for kid in ("k1", "k2", "k3")} == {"k1"}
    assert first_key("new", previous) == "new"


def test_a_circle_of_keys_ends():
    previous = {f"k{n}": f"k{(n + 1) % 1000}" for n in range(1000)}
    assert first_key("k7", previous) == first_key("k999", previous) == "k0"


OUTCOMES = st.lists(
    st.builds(
        Outcome,
        key=st.uuids().map(str),
        result=st.sampled_from(["confirmed", "refuted", "retracted", "harmful"]),
        at=st.integers(0, 900).map(lambda days: NOW - timedelta(days=days)),
        by=st.sampled_from(["", "", "bravo"]),
        others_mean=st.one_of(st.none(), st.floats(-1, 2)),
    ),
    max_size=12,
)


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_t49_the_order_of_outcomes_changes_nothing(outcomes: list[Outcome], chance):
    shuffled = list(outcomes)
    chance.shuffle(shuffled)
    assert reliability(shuffled, now=NOW).letter == reliability(outcomes, now=NOW).letter
    assert reliability(shuffled, now=NOW).n == pytest.approx(reliability(outcomes, now=NOW).n)


@given(OUTCOMES)
def test_t47_f_and_only_f_has_no_number(outcomes: list[Outcome]):
    standing = reliability(outcomes, now=NOW)
    assert (standing.letter == "F") == (standing.mean is None) == (standing.quantile is None)
    assert (standing.letter == "F") == (standing.n < 3 - 1e-6 or standing.n < 3)


@given(OUTCOMES)
def test_a_confirmation_never_lowers_a_letter_and_a_refutation_never_raises_a_judged_one(
    outcomes: list[Outcome],
):
    before = reliability(outcomes, now=NOW)
    better = reliability([*outcomes, an_outcome("new")], now=NOW)
    worse = reliability([*outcomes, an_outcome("new", "refuted")], now=NOW)
    if before.letter != "F":
        assert LETTERS.index(better.letter) <= LETTERS.index(before.letter)
        assert LETTERS.index(worse.letter) >= LETTERS.index(before.letter)
