"""Requests and answers: what follows what, whose answer counts, and what is asked too often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.party import NOW

from backchannel.provenance.predicates import Answer, DeclineReason, Hunted, HuntFor, Retract, Rfi
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.requests import (
    CLOSED,
    MAX_A_DAY,
    MAX_OPEN,
    Asked,
    Before,
    check_request,
    claim_of,
    standing,
    step,
)
from backchannel.provenance.statement import digest_text, format_seconds
from backchannel.stix.markings import Pap, Tlp

DIGEST = bytes(range(32))
DAY = timedelta(days=1)


def rfi(**changes: object) -> Rfi:
    said = {
        "question": "Who runs this host?",
        "needed_by": format_seconds(NOW + 7 * DAY),
        "tlp": Tlp.GREEN,
        "pap": Pap.AMBER,
        "thread": "ab" * 16,
    }
    return Rfi(**(said | changes))  # type: ignore[arg-type]


def asked(**changes: object) -> Asked:
    cancelled = bool(changes.pop("cancelled", False))
    return Asked(digest=DIGEST, rfi=rfi(**changes), at=NOW, of="identity--beta", cancelled=cancelled)


def answer(state: str, **changes: object) -> Answer:
    reason = DeclineReason(code="no-authority") if state == "declined" else None
    return Answer(reply_to=digest_text(DIGEST), state=state, reason=reason, **changes)  # type: ignore[arg-type]


STATES = ("acknowledged", "working", "answered", "declined")


def test_a_request_goes_through_its_states_and_never_back():
    said = [(answer(state), NOW + number * DAY) for number, state in enumerate(STATES[:3], 1)]
    for upto, state in enumerate(("open", *STATES[:3])):
        assert standing(asked(), said[:upto], NOW).state == state
    back = [*said, (answer("acknowledged"), NOW + 5 * DAY), (answer("declined"), NOW + 6 * DAY)]
    assert standing(asked(), back, NOW).state == "answered"


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 20)), unique_by=lambda one: one[1]))
def test_the_order_in_which_answers_come_changes_nothing(said: list[tuple[str, int]]):
    answers = [(answer(state), NOW + number * DAY / 4) for state, number in said]
    found = {standing(asked(), order, NOW).state for order in (answers, answers[::-1])}
    assert len(found) == 1


def test_it_expires_is_cancelled_and_may_still_be_answered():
    late = NOW + 8 * DAY
    assert standing(asked(), [], late).state == "expired"
    assert standing(asked(cancelled=True), [], late).state == "cancelled"
    assert standing(asked(), [(answer("working"), late)], late).state == "expired"
    assert standing(asked(), [(answer("answered"), late)], late).state == "answered"
    assert standing(asked(cancelled=True), [(answer("answered"), NOW)], NOW).state == "answered"
    assert {"expired", "cancelled"} < CLOSED


def test_no_more_answers_count_than_were_asked_for():
    many = [(answer("answered", text=str(number)), NOW + number * DAY) for number in range(3)]
    assert [one.text for one in standing(asked(), many, NOW).answers] == ["0"]
    assert [one.text for one in standing(asked(max_answers=2), many, NOW).answers] == ["0", "1"]


def refused(request: Rfi, before: Before) -> Reason | None:
    try:
        check_request(request, claim_of(request, ()), before, NOW)
    except Rejected as refusal:
        return refusal.reason
    return None


def test_a_request_that_loops_repeats_floods_or_never_ends_is_refused_for_its_reason():
    claim = claim_of(rfi(), ())
    assert refused(rfi(), Before()) is None
    assert refused(rfi(), Before(threads={"ab" * 16})) is Reason.REQUEST_LOOP
    assert refused(rfi(), Before(own_claims={claim})) is Reason.REQUEST_LOOP
    assert refused(rfi(), Before(claims={claim})) is Reason.DUPLICATE_REQUEST
    assert refused(rfi(), Before(open=MAX_OPEN)) is Reason.TOO_MANY_REQUESTS
    assert refused(rfi(), Before(today=MAX_A_DAY)) is Reason.TOO_MANY_REQUESTS
    assert refused(rfi(needed_by=format_seconds(NOW)), Before()) is Reason.EXPIRED
    assert refused(rfi(needed_by=format_seconds(NOW + 400 * DAY)), Before()) is Reason.BAD_FORM


def test_the_same_question_in_another_spelling_is_the_same():
    hunt = HuntFor(patterns=["[a:b = 1]", "[c:d =  2]"], purpose="fraud")
    turned = HuntFor(patterns=["[c:d = 2]", "[a:b = 1]"], purpose="fraud")
    assert claim_of(rfi(), ["x"]) == claim_of(
        rfi(question=" who RUNS\n this host?", thread="cd" * 16), ["x", "x"]
    )
    assert claim_of(rfi(), ["x"]) != claim_of(rfi(), [])
    assert claim_of(rfi(hunt=hunt), []) == claim_of(rfi(hunt=turned, question="Once more, please."), [])
    assert claim_of(rfi(hunt=hunt), []) != claim_of(rfi(), [])


def test_what_contradicts_itself_is_no_request_and_no_answer():
    wrong: list[Rfi | Answer] = [
        rfi(question="  "),
        rfi(hide_requester=True),
        rfi(hunt=HuntFor(patterns=["[a:b = 1]"], purpose="fraud", since="2026-01-03", until="2026-01-02")),
        rfi(hunt=HuntFor(patterns=["[a:b = 1]"], purpose="fraud", since="2026-02-30")),
        answer("working", hunted=[Hunted(count="1", first="2026-01-02", last="2026-01-02")]),
        answer("answered", hunted=[Hunted(count="0", first="2026-01-02", last="2026-01-02")]),
        answer("answered", hunted=[Hunted(count="1", first="2026-01-02")]),
        answer("answered", hunted=[Hunted(count="1", first="2026-01-03", last="2026-01-02")]),
    ]
    for one in wrong:
        with pytest.raises(ValueError, match=r"`(question|for|until|hunted|first|last)`|day"):
            one.check()


def test_what_is_taken_back_is_an_object_or_a_statement():
    Retract(reason="wrong").check_subject(is_named=True)
    Retract(reason="", statement=digest_text(DIGEST)).check_subject(is_named=False)
    with pytest.raises(ValueError, match="subject is empty"):
        Retract(reason="wrong").check_subject(is_named=False)


def test_counts_are_told_in_steps():
    assert [step(count) for count in (0, 1, 2, 9, 10, 10**9)] == ["0", "1", "2-9", "2-9", "10+", "10+"]
