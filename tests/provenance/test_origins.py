"""Who stands behind a claim, however many repeat it: trust.md §3.12, T40 to T44 and T49."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trust.made import NOW, STORY, a_digest, a_release, a_report, by_key, hidden, reworded

from backchannel.provenance.origins import Dependence, independent_origins
from backchannel.provenance.reports import OURS, Deconflicted, OriginRef, Override, Report

OTHER_STORY = (
    "Our mail gateway caught forty letters in one night, all with the same invoice and a link to the domain; two "
    "people clicked, both machines asked for it within minutes, and the proxy kept the answers, which we unpacked."
)


def test_t40_one_origin_through_five_relays_counts_once():
    reports = [a_report(f"r{n}", voice=f"relay{n}", origin=by_key("alpha")) for n in range(5)]
    found = independent_origins(reports)
    assert (found.n_reports, found.n_voices) == (5, 5)
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (1, 0, 1.0)
    assert {union.because for union in found.origins[0].unions} == {"same-origin"}
    assert {union.strength for union in found.origins[0].unions} == {"hard"}
    assert len(found.origins[0].unions) == 4


def test_t40_relays_that_hide_the_origin_but_pass_its_otag_on_count_once():
    reports = [a_report(f"r{n}", origin=hidden(f"relay{n}"), otag="0f" * 32) for n in range(5)]
    found = independent_origins([*reports, a_report("alpha", otag="0f" * 32)])
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (1, 0, 1.0)


def test_t41_what_two_reworded_and_say_so_adds_nothing():
    first = a_report("alpha", statements=("sha256:aa",), text=STORY)
    others = [
        a_report(f"r{n}", text=reworded(STORY, n), derived_from=("sha256:aa",), origin=by_key(f"relay{n}"))
        for n in (3, 4)
    ]
    found = independent_origins([first, *others])
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (1, 0, 1.0)
    assert [built.on for built in found.built] == [("alpha",), ("alpha",)]


def test_t41_what_five_reworded_slightly_and_do_not_say_counts_once_with_the_reason():
    reports = [a_report(f"r{n}", text=reworded(STORY, 30 + n)) for n in range(5)]
    found = independent_origins(reports)
    assert (found.m_independent, found.n_eff) == (1, 1.0)
    for union in found.origins[0].unions:
        assert (union.because, union.strength) == ("same-text", "inferred")
        assert union.likeness >= 0.8


def test_t41_what_five_reworded_more_is_possibly_one_and_never_five():
    reports = [
        a_report("r0", text=STORY),
        *(a_report(f"r{n}", text=reworded(STORY, 8 + n)) for n in range(1, 5)),
    ]
    found = independent_origins(reports)
    assert 1 <= found.n_eff < 2.5
    reasons = {one.because for origin in found.origins for one in origin.possibly}
    assert found.m_independent == 1 or reasons == {"possible-same-text"}


def test_t42_our_own_report_back_after_three_hops_reworded_is_an_echo_with_its_way_and_days():
    release = a_release(to=("bravo",), stix_id="indicator--7a0b1f6c-7e0c-4a3e-9c55-111111111111", text=STORY)
    back = a_report(
        "r1",
        voice="delta",
        origin=hidden("delta"),
        text=reworded(STORY, 6),
        path=("?", "charlie", "delta"),
        days=2,
    )
    found = independent_origins([back], releases=[release])
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (0, 0, 0.0)
    (echo,) = found.echoes
    assert (echo.report, echo.release, echo.days, echo.path) == (
        "r1",
        "release-1",
        5,
        ("?", "charlie", "delta"),
    )
    assert (echo.because, echo.strength) == ("same-text", "inferred")


@pytest.mark.parametrize(
    ("mark", "because"),
    [
        ({"otag": "0f" * 32}, "same-otag"),
        ({"digest": a_digest("it")}, "same-content"),
        ({"stix_id": "indicator--7a0b1f6c-7e0c-4a3e-9c55-111111111111"}, "same-object"),
        ({}, "same-claim"),
    ],
)
def test_t42_an_echo_is_known_by_its_mark_or_as_the_same_claim_of_nobody_shown(mark: dict, because: str):
    back = a_report("r1", voice="delta", origin=hidden("delta"), **mark)
    (echo,) = independent_origins([back], releases=[a_release(**mark)]).echoes
    assert echo.because == because
    assert echo.strength == ("inferred" if because == "same-claim" else "hard")


def test_t42_what_came_before_our_release_or_is_first_hand_of_a_proven_party_is_no_echo():
    before = a_report("r1", origin=hidden("delta"), days=-4)
    again = a_report("r2", voice="delta", origin=by_key("echo"), is_first_hand=True)
    older = a_report("r3", voice="delta", origin=by_key("golf"), created=NOW - timedelta(days=9))
    found = independent_origins([before, again, older], releases=[a_release()])
    assert found.echoes == ()
    assert (found.m_independent, found.k_undisclosed) == (2, 1)


def test_t42_a_party_that_tells_again_what_it_told_before_we_passed_it_on_is_no_echo():
    mark = {"stix_id": "indicator--7a0b1f6c-7e0c-4a3e-9c55-111111111111", "digest": a_digest("it")}
    reports = [a_report(f"r{n}", voice="delta", days=days, **mark) for n, days in enumerate((-9, 0))]
    found = independent_origins(reports, releases=[a_release(**mark)])
    assert (found.echoes, found.m_independent) == ((), 1)


def test_t42_the_operator_knows_better_whether_it_is_ours():
    back = a_report("r1", origin=hidden("delta"))
    release = a_release()
    apart = Override(left="r1", right=OURS, result="different")
    assert independent_origins([back], releases=[release], overrides=[apart]).echoes == ()
    ours = Override(left="r1", right=OURS, result="same")
    found = independent_origins([back], overrides=[ours])
    assert found.echoes[0].because == "operator"
    assert found.n_eff == 0


def four_relays() -> list[Report]:
    return [a_report(f"r{n}", origin=hidden(f"relay{n}", f"K{n}")) for n in range(4)]


def test_t43_what_four_relays_hide_is_one_slot():
    found = independent_origins(four_relays())
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (0, 1, 1.0)


def told_apart(left: int, right: int, *signers: str) -> Deconflicted:
    return Deconflicted(
        left=f"?relay{left}:K{left}", right=f"?relay{right}:K{right}", result="different", signers=signers
    )


def test_t43_after_both_relays_of_each_pair_signed_different_it_is_four():
    told = [told_apart(a, b, f"relay{a}", f"relay{b}") for a, b in combinations(range(4), 2)]
    found = independent_origins(four_relays(), deconflicted=told)
    assert (found.k_undisclosed, found.n_eff) == (4, 4.0)
    some = independent_origins(four_relays(), deconflicted=told[:3])  # 0 differs from 1, 2, 3
    assert some.k_undisclosed == 2


@pytest.mark.parametrize("signers", [(), ("relay0",), ("relay0", "mallory"), ("mallory", "trudy")])
def test_t43_different_signed_by_one_side_or_by_strangers_counts_nothing(signers: tuple[str, ...]):
    found = independent_origins(four_relays(), deconflicted=[told_apart(0, 1, *signers)])
    assert found.k_undisclosed == 1


def test_t43_whoever_signs_both_same_and_different_leaves_one():
    told = told_apart(0, 1, "relay0", "relay1")
    same = Deconflicted(left=told.right, right=told.left, result="same", signers=("relay1",))
    assert independent_origins(four_relays(), deconflicted=[told, same]).k_undisclosed == 1


def test_t43_beside_a_disclosed_origin_what_is_hidden_counts_for_half():
    found = independent_origins([*four_relays(), a_report("alpha")])
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (1, 1, 1.5)
    assert found.origins[1].possibly[0].because == "undisclosed"


def test_t44_two_who_saw_it_themselves_are_two():
    reports = [
        a_report("alpha", is_first_hand=True, text=STORY),
        a_report("bravo", is_first_hand=True, text=OTHER_STORY),
    ]
    found = independent_origins(reports)
    assert (found.m_independent, found.n_eff) == (2, 2.0)
    assert [origin.is_first_hand for origin in found.origins] == [True, True]


def test_t44_two_who_describe_the_same_address_have_the_same_object_and_are_two():
    same = {
        "stix_id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd",  # UUIDv5: anybody's id of this address
        "digest": a_digest("the address"),
    }
    found = independent_origins([a_report("alpha", **same), a_report("bravo", **same)])
    assert found.m_independent == 2


def test_t44_who_hides_its_source_cannot_tie_two_proven_ones_together_by_imitating_both():
    reports = [
        a_report("alpha", text=STORY, attachments=(b"1",)),
        a_report("bravo", text=OTHER_STORY),
        a_report("mallory", origin=hidden("mallory"), text=OTHER_STORY, attachments=(b"1",)),
    ]
    found = independent_origins(reports)
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (2, 0, 2.0)
    assert {name for origin in found.origins for name in origin.also_like} == {"bravo"}


def test_the_operator_tells_two_apart_or_joins_them():
    reports = [a_report("alpha", text=STORY), a_report("bravo", text=STORY)]
    assert independent_origins(reports).m_independent == 1
    apart = independent_origins(
        reports, overrides=[Override(left="bravo", right="alpha", result="different")]
    )
    assert apart.m_independent == 2
    assert "as the operator said" in apart.notes[0]
    others = [a_report("alpha"), a_report("bravo")]
    joined = independent_origins(others, overrides=[Override(left="alpha", right="bravo", result="same")])
    assert joined.m_independent == 1
    assert joined.origins[0].unions[0].because == "operator"


def test_what_merges_two_neither_joins_nor_adds_to_them():
    merged = a_report("charlie", derived_from=("alpha", "bravo"))
    found = independent_origins([a_report("alpha"), a_report("bravo"), merged])
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (2, 0, 2.0)
    assert found.built[0].on == ("alpha", "bravo")


def test_what_was_made_of_something_that_was_made_of_others_is_led_back_to_their_origins():
    reports = [
        a_report("r1", voice="alpha"),
        a_report("r2", voice="bravo", derived_from=("r1",)),
        a_report("r3", voice="charlie", derived_from=("r2", "r4")),
        a_report("r4", voice="delta", origin=hidden("delta", "K1")),
    ]
    found = independent_origins(reports)
    assert [(built.reports, built.on) for built in found.built] == [
        (("r2",), ("alpha",)),
        (("r3",), ("?delta:K1", "alpha")),
    ]


def test_what_rests_on_something_that_is_not_here_is_undisclosed():
    found = independent_origins([a_report(f"r{n}", derived_from=(f"sha256:{n}",)) for n in range(3)])
    assert (found.m_independent, found.k_undisclosed) == (0, 1)


def test_reports_that_rest_on_one_another_in_a_circle_are_undisclosed():
    reports = [a_report(f"r{n}", derived_from=(f"r{(n + 1) % 5}",)) for n in range(5)]
    found = independent_origins(reports)
    assert (found.m_independent, found.k_undisclosed, found.n_eff) == (0, 1, 1.0)
    assert "circle" in found.notes[0]


def test_who_is_known_to_copy_adds_little():
    known = Dependence(left="alpha", right="bravo", p=0.9, because="shared-errors", detail="7 false claims")
    found = independent_origins(
        [a_report("alpha"), a_report("bravo"), a_report("charlie")], dependence={("alpha", "bravo"): known}
    )
    assert found.n_eff == pytest.approx(2.1)
    assert [origin.possibly for origin in found.origins] == [(), (known,), ()]


# --- Laws ------------------------------------------------------------------------------------------

PARTIES = ("alpha", "bravo", "charlie", "delta")
ORIGINS = st.one_of(
    st.sampled_from(PARTIES).map(by_key),
    st.tuples(st.sampled_from(PARTIES), st.sampled_from(["", "K1", "K2"])).map(lambda pair: hidden(*pair)),
    st.sampled_from(["t1", "t2"]).map(lambda tag: OriginRef("otag", tag)),
)
TEXTS = st.sampled_from(["", STORY, OTHER_STORY, reworded(STORY, 30), reworded(STORY, 9)])


@st.composite
def many_reports(draw: st.DrawFn) -> list[Report]:
    n = draw(st.integers(0, 9))
    names = st.sampled_from([f"r{i}" for i in range(n + 1)] + ["elsewhere"])
    return [
        a_report(
            f"r{number}",
            voice=draw(st.sampled_from(PARTIES)),
            origin=draw(ORIGINS),
            text=draw(TEXTS),
            otag=draw(st.sampled_from(["", "", "t1", "t2"])),
            attachments=tuple(draw(st.sets(st.sampled_from([b"1", b"2"]), max_size=1))),
            derived_from=tuple(sorted(draw(st.sets(names, max_size=2)))) if draw(st.booleans()) else (),
            is_first_hand=draw(st.booleans()),
            days=draw(st.integers(-5, 5)),
        )
        for number in range(n)
    ]


@settings(max_examples=150, deadline=None)
@given(many_reports(), st.randoms(use_true_random=False))
def test_t49_the_order_in_which_reports_are_handed_in_changes_nothing(
    reports: list[Report], chance: random.Random
):
    shuffled = list(reports)
    chance.shuffle(shuffled)
    release = a_release(text=STORY, otag="t1")
    assert independent_origins(shuffled) == independent_origins(reports)
    assert independent_origins(shuffled, releases=[release]) == independent_origins(
        reports, releases=[release]
    )


@settings(max_examples=150, deadline=None)
@given(many_reports(), st.randoms(use_true_random=False))
def test_t49_the_order_in_which_reports_came_changes_nothing(reports: list[Report], chance: random.Random):
    times = [report.arrived_at for report in reports]
    chance.shuffle(times)
    moved = [
        Report(**{f: getattr(report, f) for f in report.__struct_fields__} | {"arrived_at": at})
        for report, at in zip(reports, times, strict=True)
    ]
    assert independent_origins(moved) == independent_origins(reports)


@settings(max_examples=150, deadline=None)
@given(many_reports(), st.data())
def test_a_copy_never_raises_the_count(reports: list[Report], data: st.DataObject):
    if not reports:
        return
    copied = data.draw(st.sampled_from(reports))
    copy = a_report(
        "copy",
        voice="mallory",
        origin=hidden("mallory"),
        otag=copied.otag or (copied.origin.value if copied.origin.kind == "otag" else ""),
        derived_from=("elsewhere",) if copied.derived_from else (copied.key,),
    )
    before, after = independent_origins(reports), independent_origins([*reports, copy])
    assert after.m_independent <= before.m_independent
    assert after.m_independent + after.k_undisclosed <= before.m_independent + max(before.k_undisclosed, 1)
    if not copied.derived_from:
        assert after.n_eff <= before.n_eff + 1e-9


@settings(max_examples=150, deadline=None)
@given(many_reports())
def test_an_echo_changes_nothing_that_counts(reports: list[Report]):
    echo = a_report("back", voice="mallory", origin=hidden("mallory"), otag="ours", days=9)
    release = a_release(otag="ours", days=8)
    before = independent_origins(reports, releases=[release])
    after = independent_origins([*reports, echo], releases=[release])
    assert (after.origins, after.n_eff) == (before.origins, before.n_eff)
    assert {one.report for one in after.echoes} - {one.report for one in before.echoes} == {"back"}


@settings(max_examples=150, deadline=None)
@given(many_reports())
def test_an_independent_origin_adds_one_and_takes_nothing(reports: list[Report]):
    independent = a_report("zulu", is_first_hand=True)
    before, after = independent_origins(reports), independent_origins([*reports, independent])
    assert after.m_independent == before.m_independent + 1
    assert after.n_eff >= before.n_eff


@settings(max_examples=150, deadline=None)
@given(many_reports())
def test_every_report_is_somewhere_once(reports: list[Report]):
    found = independent_origins(reports, releases=[a_release()])
    places = [key for origin in found.origins for key in origin.reports]
    places += [key for built in found.built for key in built.reports]
    places += [echo.report for echo in found.echoes]
    assert sorted(places) == sorted(report.key for report in reports)
    assert found.n_eff <= len(found.origins)
