"""Who copies whom, by history: trust.md §3.12."""

from __future__ import annotations

import random
from datetime import timedelta

from tests.trust.made import NOW

from backchannel.trust.dependence import Said, dependences, shared_errors_z


def history(
    wrong: dict[str, list[int]],
    right: dict[str, list[int]] | None = None,
    lag: dict[str, float] | None = None,
) -> list[Said]:
    """What sources said: numbers of false claims and of true ones; with days of lag, or at random."""
    chance = random.Random(7)
    return [
        Said(
            source=source,
            claim=f"{was_right}-{n}",
            at=NOW + timedelta(days=n + (lag or {}).get(source, chance.random() * 5)),
            was_right=was_right,
        )
        for was_right, said in ((False, wrong), (True, right or {}))
        for source, numbers in said.items()
        for n in numbers
    ]


def test_two_who_share_their_errors_depend_on_each_other():
    wrong = {
        "alpha": list(range(20)),
        "copy": list(range(17)),
        "honest": [3, *range(20, 60)],
        "other": [5, 25, *range(60, 90)],
    }
    found = dependences(history(wrong))
    assert list(found) == [("alpha", "copy")]
    assert (found["alpha", "copy"].p, found["alpha", "copy"].because) == (0.9, "shared-errors")
    assert "17 false claims in common" in found["alpha", "copy"].detail


def test_two_who_are_right_together_do_not():
    right = {"alpha": list(range(50)), "bravo": list(range(50))}
    assert dependences(history({"alpha": [1, 2, 3], "bravo": [4, 5, 6]}, right)) == {}


def test_who_says_the_same_always_later_follows():
    right = {"alpha": list(range(30)), "bravo": list(range(5, 30))}
    found = dependences(history({}, right, lag={"alpha": 0, "bravo": 1}))
    assert (found["alpha", "bravo"].p, found["alpha", "bravo"].because) == (0.7, "follows")
    assert "bravo said 25 after alpha" in found["alpha", "bravo"].detail


def test_nineteen_joint_claims_are_too_few_to_tell():
    right = {"alpha": list(range(19)), "bravo": list(range(19))}
    assert dependences(history({}, right, lag={"alpha": 0, "bravo": 1})) == {}


def test_t49_the_order_of_history_changes_nothing():
    said = history({"a": list(range(20)), "b": list(range(18)), "c": list(range(10, 60))})
    shuffled = random.Random(3).sample(said, len(said))
    assert dependences(shuffled) == dependences(said)


def test_chance_alone_is_no_dependence():
    assert abs(shared_errors_z(4, 20, 20, 100)) < 1e-9
    assert shared_errors_z(5, 5, 5, 5) == 0  # two who made every error there is: nothing to compare with
    assert shared_errors_z(0, 0, 0, 0) == 0
