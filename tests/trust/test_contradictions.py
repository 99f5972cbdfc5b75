"""Both sides are kept: trust.md §3.13."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.trust.made import NOW, a_digest

from backchannel.trust.contradictions import Position, find_contradictions, is_contested


def says(origin: str, *, may_open: bool = True, **more) -> Position:
    return Position(key=f"key-{origin}", origin=origin, may_open=may_open, **more)


def test_malicious_and_benign_is_contested_with_both_sides():
    found = find_contradictions([says("alpha", polarity="malicious"), says("bravo", polarity="benign")])
    assert [(one.kind, one.is_open) for one in found] == [("polarity", True)]
    assert [(side.says, side.origins) for side in found[0].sides] == [
        ("benign", ("bravo",)),
        ("malicious", ("alpha",)),
    ]
    assert is_contested(found)


def test_a_strangers_benign_is_shown_and_opens_nothing():
    positions = [says("alpha", polarity="malicious")]
    positions += [says(f"stranger-{n}", may_open=False, polarity="benign") for n in range(500)]
    found = find_contradictions(positions)
    assert found[0].is_open is False
    assert len(found[0].sides[0].origins) == 500
    assert not is_contested(found)


def test_the_origin_that_takes_it_back_contests_what_others_uphold():
    found = find_contradictions([says("alpha", is_retraction=True), says("bravo", polarity="malicious")])
    assert [(one.kind, one.is_open) for one in found] == [("retraction", True)]
    assert is_contested(found)


def test_taken_back_by_all_is_no_contradiction():
    assert find_contradictions([says("alpha", is_retraction=True)]) == []


def test_two_actors_are_a_contradiction_that_stops_no_action():
    found = find_contradictions(
        [
            says("alpha", attributed_to="Slack Tide"),
            says("bravo", attributed_to="slack tide"),
            says("charlie", attributed_to="Grey Heron"),
        ]
    )
    assert [(one.kind, len(one.sides)) for one in found] == [("attribution", 2)]
    assert not is_contested(found)


def test_times_that_do_not_meet():
    early = says("alpha", seen_from=NOW - timedelta(days=30), seen_until=NOW - timedelta(days=20))
    late = says("bravo", seen_from=NOW - timedelta(days=2), seen_until=NOW)
    long = says("charlie", seen_from=NOW - timedelta(days=25), seen_until=NOW)
    assert [one.kind for one in find_contradictions([early, late])] == ["time"]
    assert find_contradictions([early, long]) == []


def test_markings_are_compared_for_the_same_content_only():
    same = {"content": a_digest("it")}
    found = find_contradictions(
        [says("alpha", marking="TLP:RED", **same), says("bravo", marking="TLP:GREEN", **same)]
    )
    assert [one.kind for one in found] == ["marking"]
    other = {"content": a_digest("other")}
    assert (
        find_contradictions(
            [says("alpha", marking="TLP:RED", **same), says("bravo", marking="TLP:GREEN", **other)]
        )
        == []
    )


def test_of_a_flood_of_actors_some_are_told_and_the_rest_counted():
    found = find_contradictions([says(f"s{n}", attributed_to=f"actor {n}") for n in range(1000)])
    assert len(found[0].sides) + found[0].more_sides == 1000
    assert len(found[0].sides) == 16


POSITIONS = st.lists(
    st.builds(
        Position,
        key=st.uuids().map(str),
        origin=st.sampled_from("abc"),
        may_open=st.booleans(),
        polarity=st.sampled_from([None, "malicious", "benign"]),
        attributed_to=st.sampled_from(["", "x", "y"]),
        is_retraction=st.booleans(),
    ),
    max_size=8,
)


@given(POSITIONS, st.randoms(use_true_random=False))
def test_t49_the_order_changes_nothing_and_nobody_is_left_out(positions: list[Position], chance):
    found = find_contradictions(positions)
    chance.shuffle(positions)
    assert find_contradictions(positions) == found
    for one in found:
        if one.kind == "polarity":
            keys = {key for side in one.sides for key in side.keys}
            assert keys == {p.key for p in positions if p.polarity and not p.is_retraction}
