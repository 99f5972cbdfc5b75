"""The number of a claim: trust.md §3.11, T40, T43, T45 to T47."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trust.made import a_release, a_report, hidden, straight

from backchannel.provenance.origins import Dependence, Origins, independent_origins
from backchannel.trust.credibility import MOST_BY_ONE, credibility, may_act
from backchannel.trust.reliability import Standing

A, B, C, D, E, F = (straight(*counts) for counts in ((30,), (10,), (4,), (3, 3), (0, 4), (2,)))
LETTERED = {"ann": A, "bea": B, "cid": C, "dan": D, "eva": E, "fay": F, "abe": A, "fox": F}


def said_by(*names: str) -> Origins:
    return independent_origins([a_report(name) for name in names])


@pytest.mark.parametrize(
    ("names", "number"),
    [
        ((), 6),
        (("fay",), 6),
        (("fay", "fox"), 6),
        (("ann",), 3),
        (("eva",), 3),
        (("ann", "fay"), 3),
        (("ann", "eva"), 3),
        (("ann", "dan"), 2),
        (("cid", "bea"), 1),
        (("ann", "abe", "fay"), 1),
    ],
)
def test_the_number_counts_independent_judged_origins(names: tuple[str, ...], number: int):
    assert credibility(said_by(*names), LETTERED).number == number


@pytest.mark.parametrize(
    ("pro", "con", "number"),
    [
        (("ann",), ("cid",), 4),
        (("cid",), ("ann",), 5),
        (("ann", "abe"), ("dan",), 4),
        (("fay",), ("cid",), 5),
        (("ann",), ("fay",), 3),
        (("fay",), ("fox",), 6),
    ],
)
def test_a_contradiction_makes_it_4_or_5_by_the_weight_of_the_evidence(pro, con, number: int):
    grade = credibility(said_by(*pro), LETTERED, opposing=said_by(*con))
    assert grade.number == number


def test_an_open_contradiction_of_a_verified_party_without_a_letter_still_stops_a_1():
    grade = credibility(said_by("ann", "abe"), LETTERED, is_contested=True)
    assert (grade.number, grade.is_contested) == (4, True)


@pytest.mark.parametrize(("own", "number"), [("for", 1), ("against", 5), ("both", 4)])
def test_what_we_saw_ourselves_decides(own, number: int):
    assert credibility(said_by("fay"), LETTERED, own=own).number == number


def test_t47_credibility_6_exports_no_confidence_and_no_probability():
    grade = credibility(said_by("fay"), LETTERED)
    assert (grade.number, grade.confidence, grade.probability) == (6, None, None)
    numbers = {
        credibility(said_by(*names), LETTERED).confidence
        for names in (("ann",), ("ann", "dan"), ("ann", "abe"))
    }
    assert numbers == {50, 70, 90}


@given(
    st.sets(st.sampled_from(["fay", "fox"])), st.sets(st.sampled_from(["ann", "bea", "cid", "dan", "eva"]))
)
def test_t47_f_never_equals_c_it_adds_nothing_to_any_score(unjudged: set[str], judged: set[str]):
    with_f = credibility(said_by(*judged, *unjudged), LETTERED)
    without = credibility(said_by(*judged), LETTERED)
    assert (with_f.number, with_f.confidence, with_f.probability) == (
        without.number,
        without.confidence,
        without.probability,
    )
    as_c = credibility(said_by(*judged, *unjudged), LETTERED | dict.fromkeys(unjudged, C))
    if unjudged:
        assert as_c.n_judged > with_f.n_judged


def test_t40_five_relays_of_one_a_are_no_1():
    found = independent_origins(
        [a_report(f"r{n}", voice=f"relay{n}", origin=a_report("ann").origin) for n in range(5)]
    )
    assert credibility(found, LETTERED).number == 3


def test_t43_what_is_undisclosed_confirms_no_disclosed_origin():
    found = independent_origins([a_report("ann"), a_report("r", origin=hidden("relay", "K7"))])
    assert credibility(found, LETTERED | {"?relay:K7": A}).number == 3


def test_who_copies_confirms_nobody():
    copies = Dependence(left="abe", right="ann", p=0.9, because="shared-errors")
    found = independent_origins([a_report("ann"), a_report("abe")], dependence={("abe", "ann"): copies})
    assert credibility(found, LETTERED).number == 3


def test_t46_no_origin_alone_moves_a_claim_further_than_the_cap():
    sure = straight(100_000)
    grade = credibility(said_by("ann"), {"ann": sure})
    assert grade.supporting[0].log_odds == MOST_BY_ONE
    assert grade.number == 3
    assert grade.probability == pytest.approx(0.9526, abs=1e-4)


def test_t46_one_origin_alone_disrupts_nothing_without_a_person():
    grade = credibility(said_by("ann"), LETTERED)
    block = may_act(grade, is_disruptive=True, verified={"ann"})
    assert block.needs_person
    assert "One origin alone (ann, A)" in block.reasons[0]
    assert not may_act(grade, is_disruptive=False, verified={"ann"}).needs_person
    assert not may_act(
        credibility(said_by("ann", "abe"), LETTERED), is_disruptive=True, verified={"ann", "abe"}
    ).reasons


def test_only_verified_origins_drive_what_nobody_decides():
    grade = credibility(said_by("ann", "abe"), LETTERED)
    assert may_act(grade, is_disruptive=True, verified={"ann"}).needs_person
    assert may_act(grade, is_disruptive=False, verified=set()).needs_person


def test_of_two_with_one_text_the_verified_one_stands_behind_it():
    text = "one two three four five six seven eight nine ten eleven twelve"
    both = independent_origins([a_report("aaa", text=text), a_report("ann", text=text)])
    grade = credibility(both, LETTERED)
    assert grade.supporting[0].names == ("aaa", "ann")
    assert not may_act(grade, is_disruptive=False, verified={"ann"}).needs_person


def test_contested_or_refuted_or_unjudged_claims_are_for_a_person():
    for grade in (
        credibility(said_by("ann", "abe"), LETTERED, is_contested=True),
        credibility(said_by("dan"), LETTERED, opposing=said_by("ann")),
        credibility(said_by("fay"), LETTERED),
    ):
        assert may_act(grade, is_disruptive=False, verified=set(LETTERED)).needs_person


def test_what_we_saw_ourselves_may_be_acted_on():
    assert not may_act(
        credibility(said_by(), LETTERED, own="for"), is_disruptive=True, verified=set()
    ).needs_person


NAMES = sorted(LETTERED)


@settings(deadline=None)
@given(
    st.sets(st.sampled_from(NAMES)),
    st.sampled_from(NAMES),
    st.sampled_from([A, B, C, D, E, F]),
    st.booleans(),
)
def test_an_independent_origin_never_lowers(names: set[str], new: str, standing: Standing, has_hidden: bool):
    reports = [a_report(name) for name in names]
    if has_hidden:
        reports.append(a_report("hid", origin=hidden("relay", "K7")))
    standings = LETTERED | {"?relay:K7": B, "zoe": standing}
    means = {name: one.mean for name, one in standings.items() if one.mean is not None}
    before = credibility(independent_origins(reports, means=means), standings)
    after = credibility(independent_origins([*reports, a_report("zoe")], means=means), standings)
    assert after.number <= before.number
    assert (after.probability or 0) >= (before.probability or 0) - 1e-9


@settings(deadline=None)
@given(st.sets(st.sampled_from(NAMES), min_size=1), st.data())
def test_a_copy_or_an_echo_never_raises(names: set[str], data: st.DataObject):
    reports = [a_report(name) for name in sorted(names)]
    copied = data.draw(st.sampled_from(reports))
    copy = a_report("copy", voice="abe", origin=copied.origin)
    echo = a_report("echo", voice="abe", origin=hidden("abe"), otag="ours")
    release = a_release(otag="ours")
    before = credibility(independent_origins(reports), LETTERED)
    after = credibility(independent_origins([*reports, copy, echo], releases=[release]), LETTERED)
    assert (after.number, after.probability) == (before.number, before.probability)


def test_t45_500_praising_contacts_confirm_nothing():
    crowd = [f"contact-{n}" for n in range(500)]
    alone = credibility(said_by("ann"), LETTERED)
    praised = credibility(said_by("ann", *crowd), LETTERED)
    assert (praised.number, praised.probability) == (alone.number, alone.probability)
