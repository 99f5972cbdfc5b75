"""T3, T4 and T6: what is repeated, late, missing, out of time, or two different things under one number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drop.made import VERIFY, draft
from tests.sim.party import ALPHA, BETA, GAMMA, KNOWN, NOW

from backchannel.clock import parse_time
from backchannel.drop.manifest import Manifest, signer, verifier
from backchannel.drop.sequence import Known, Link, contradict, forget_after, in_words, place
from backchannel.errors import InputError
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.verification import Terms


def chain(count: int) -> list[Manifest]:
    """Drops 1 to `count` of a channel, each naming the one before."""
    made: list[Manifest] = []
    for seq in range(1, count + 1):
        prev = made[-1].digest if made else None
        made.append(signer(ALPHA.key)(draft(seq=seq, prev=prev, bundle=f"{seq:032x}")))
    return made


def known(*taken: Manifest) -> Known:
    return Known(
        links={each.release.seq: Link(each.digest, each.release.prev) for each in taken},
        bundles={each.release.bundle: each.digest for each in taken},
    )


FIRST, SECOND, THIRD, FOURTH, FIFTH = CHAIN = chain(5)
OTHER_SECOND = signer(ALPHA.key)(
    draft(seq=2, prev=FIRST.digest, bundle="ee" * 16, created="2026-01-15T11:00:00Z")
)


def standing(one: Manifest, *taken: Manifest):
    return place(one.release, one.digest, known(*taken))


def test_the_first_and_the_next_one_have_nothing_to_be_told_of():
    assert standing(FIRST).reason is None
    assert standing(THIRD).reason is None  # we came to this channel when it was under way
    assert standing(SECOND, FIRST).reason is None


def test_t03_a_repeated_drop_is_told_and_passed_over():
    for taken in ((FIRST,), (FIRST, SECOND), (FIRST, THIRD)):
        where = standing(FIRST, *taken)
        assert where.reason is Reason.REPLAY
        assert not where.is_taken


def test_t04_a_gap_names_the_missing_numbers_and_is_taken():
    where = standing(FIFTH, FIRST)
    assert (where.reason, list(where.missing), where.is_taken) == (Reason.GAP, [2, 3, 4], True)


def test_t04_the_first_one_tells_what_is_missing_before_it_where_the_channel_is_known_from_its_beginning():
    def first(one: Manifest, number: int | None) -> tuple[Reason | None, str]:
        where = place(one.release, one.digest, Known(first=number))
        return where.reason, in_words(where.missing) if where.missing else ""

    assert first(SECOND, 0) == (Reason.GAP, "numbers 0 to 1")
    assert first(FIRST, 0) == (Reason.GAP, "number 0")
    assert first(THIRD, 3) == (None, "")
    assert first(THIRD, None) == (None, "")
    assert place(SECOND.release, SECOND.digest, replace(known(FIRST), first=0)).reason is None


def test_t04_a_late_one_is_taken_and_told():
    where = standing(SECOND, FIRST, THIRD)
    assert (where.reason, where.is_taken) == (Reason.OUT_OF_ORDER, True)
    assert standing(FIRST, THIRD).reason is Reason.OUT_OF_ORDER


def test_t04_two_different_drops_under_one_number_are_refused():
    where = standing(OTHER_SECOND, FIRST, SECOND)
    assert (where.reason, where.is_taken, where.against) == (Reason.EQUIVOCATION, False, SECOND.digest)


def test_t04_a_drop_that_names_another_predecessor_is_refused_from_both_sides():
    assert standing(THIRD, FIRST, OTHER_SECOND).reason is Reason.EQUIVOCATION
    assert standing(OTHER_SECOND, FIRST, THIRD).reason is Reason.EQUIVOCATION


def test_t04_the_evidence_of_an_equivocation_verifies_alone():
    kept = [VERIFY(frame) for frame in (SECOND.frame, OTHER_SECOND.frame)]
    one, other = ((each.release, each.digest) for each in kept)
    assert contradict(one, other)
    assert contradict(other, one)
    assert contradict((OTHER_SECOND.release, OTHER_SECOND.digest), (THIRD.release, THIRD.digest))


@settings(deadline=None)
@given(st.permutations(CHAIN), st.integers(0, 4))
def test_an_honest_channel_is_never_accused_whatever_the_medium_does(order: list[Manifest], again: int):
    taken: list[Manifest] = []
    for one in (*order, order[again]):
        where = standing(one, *taken)
        assert where.reason is not Reason.EQUIVOCATION
        assert where.is_taken == (one not in taken)
        taken.append(one)
    pairs = [((a.release, a.digest), (b.release, b.digest)) for a in order for b in order]
    assert not any(contradict(a, b) for a, b in pairs)


def test_other_senders_and_other_channels_contradict_nobody():
    elsewhere = signer(ALPHA.key)(draft(seq=2, chan="other", bundle="dd" * 16))
    by_gamma = signer(GAMMA.key)(draft(seq=2, from_=GAMMA.kid))
    for each in (elsewhere, by_gamma):
        assert not contradict((SECOND.release, SECOND.digest), (each.release, each.digest))
    twice = signer(ALPHA.key)(draft(seq=9, chan="other", bundle=SECOND.release.bundle))
    assert contradict((SECOND.release, SECOND.digest), (twice.release, twice.digest))


def test_t04_two_keys_of_one_party_are_one_issuer_where_both_follow_the_same_drop():
    other = signer(GAMMA.key)(draft(seq=2, prev=FIRST.digest, from_=GAMMA.kid, bundle="dd" * 16))
    anew = signer(GAMMA.key)(draft(seq=2, prev=THIRD.digest, from_=GAMMA.kid, bundle="dc" * 16))
    one = SECOND.release, SECOND.digest
    same = {"is_same": lambda *kids: set(kids) <= {ALPHA.kid, GAMMA.kid}}
    assert not contradict(one, (other.release, other.digest))
    assert contradict(one, (other.release, other.digest), **same)
    assert not contradict(one, (anew.release, anew.digest), **same), "it may have begun to count anew"
    followers = {FIRST.digest: Link(SECOND.digest, FIRST.digest)}
    where = place(other.release, other.digest, Known(followers=followers))
    assert (where.reason, where.against) == (Reason.EQUIVOCATION, SECOND.digest)
    assert place(anew.release, anew.digest, Known(followers=followers)).reason is not Reason.EQUIVOCATION


def test_what_was_undone_may_come_again_and_counts_against_another():
    undone = replace(known(FIRST, SECOND), undone={SECOND.digest})
    assert place(SECOND.release, SECOND.digest, undone).reason is None
    where = place(OTHER_SECOND.release, OTHER_SECOND.digest, undone)
    assert (where.reason, where.against) == (Reason.EQUIVOCATION, SECOND.digest)
    assert place(THIRD.release, THIRD.digest, undone).reason is None


# --- T5 and T6: for whom, and when ---------------------------------------------------------------------


def reason_of(one: Manifest, **terms: object) -> Reason | None:
    check = verifier(KNOWN.get, Terms(**({"now": NOW, "me": {BETA.kid}, "seen": None} | terms)))  # type: ignore[arg-type]
    try:
        check(one.frame)
    except Rejected as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize(
    ("created_in", "expires_in", "reason"),
    [
        (23, 200, None),
        (25, 200, Reason.NOT_YET_VALID),
        (-200, -23, None),
        (-200, -25, Reason.EXPIRED),
        (-1, 24 * 400 - 1, None),
    ],
)
def test_t06_a_skew_of_23_hours_is_taken_and_one_of_25_is_not(
    created_in: int, expires_in: int, reason: Reason | None
):
    created, expires = (
        (NOW + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (created_in, expires_in)
    )
    assert reason_of(signer(ALPHA.key)(draft(created=created, expires=expires))) is reason


@pytest.mark.parametrize("expires", ["2027-02-20T10:00:00Z", "2026-01-15T10:00:00Z", "2026-01-14T10:00:00Z"])
def test_t06_a_drop_good_for_more_than_400_days_or_for_none_cannot_be_made(expires: str):
    with pytest.raises(InputError):
        signer(ALPHA.key)(draft(expires=expires))


def test_t06_an_expired_one_is_taken_late_and_says_so():
    later = NOW + timedelta(days=60)
    assert reason_of(FIRST, now=later) is Reason.EXPIRED
    late = verifier(KNOWN.get, Terms(now=later, me={BETA.kid}, seen=None, late=True))
    assert late(FIRST.frame).notes == (Reason.EXPIRED,)


def test_t05_a_drop_for_others_and_one_of_another_channel_are_refused():
    assert reason_of(FIRST, chan="alpha-beta") is None
    assert reason_of(FIRST, me={GAMMA.kid}) is Reason.NOT_ADDRESSED
    assert reason_of(FIRST, chan="alpha-gamma") is Reason.WRONG_CHANNEL


def test_a_drop_is_remembered_for_30_days_after_it_expired():
    assert forget_after(draft()) == parse_time(draft().expires) + timedelta(days=30)
