"""What became of what we sent: told no further than was asked, believed only of what was sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.provenance.made import RETRACT, said, verified
from tests.sim.party import ALPHA, BETA, GAMMA, KNOWN, NOW, SimParty

from backchannel.provenance.predicates import DeclineReason, Receipt
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.receipts import NEXT, TASKS, Sent, answer, check_receipt, standing
from backchannel.provenance.statement import digest_text

MANIFEST = b"m" * 32
BETA_ID, GAMMA_ID = KNOWN[BETA.kid].party, KNOWN[GAMMA.kid].party


def sent(**changes) -> Sent:
    fields = {"manifest": MANIFEST, "seq": 3, "recipient": BETA_ID, "at": NOW, "ack": "received"} | changes
    return Sent(**fields)


OUTBOX = {MANIFEST: [sent(recipient=GAMMA_ID, seq=9), sent()]}


def receipt(state: str = "received", **changes) -> Receipt:
    fields = {
        "manifest": digest_text(MANIFEST),
        "seq": 3,
        "verdict": "accepted",
        "state": state,
        "when": "2026-01-15",
    } | changes
    return Receipt(**fields)


def wrong(predicate: Receipt, by: SimParty = BETA) -> None:
    with pytest.raises(Rejected) as caught:
        check_receipt(verified(said(predicate, by=by, subject=[])), OUTBOX)
    assert caught.value.reason is Reason.WRONG_RECEIPT


def test_t30_a_receipt_is_believed_of_the_party_that_got_the_drop():
    found, of = check_receipt(verified(said(receipt(), by=BETA, subject=[])), OUTBOX)
    assert (found.state, of.recipient) == ("received", BETA_ID)


def test_t30_a_receipt_for_another_manifest_or_number_is_refused():
    wrong(receipt(manifest=digest_text(b"x" * 32)))
    wrong(receipt(seq=4))
    wrong(receipt(seq=9))


def test_t30_a_receipt_of_a_party_to_whom_nothing_was_sent_is_refused():
    wrong(receipt(), by=ALPHA)


def test_t30_a_forged_receipt_is_refused_before_it_is_read():
    with pytest.raises(Rejected) as caught:
        verified(said(receipt(), by=SimParty("Mallory"), subject=[]))
    assert caught.value.reason is Reason.UNKNOWN_KEY


def test_t30_another_statement_is_no_receipt():
    with pytest.raises(Rejected) as caught:
        check_receipt(verified(said(RETRACT, by=BETA)), OUTBOX)
    assert caught.value.reason is Reason.WRONG_TYPE


def test_t30_a_receipt_that_is_missing_shows_as_silence_where_one_was_asked_for():
    later = NOW + timedelta(days=3)
    assert standing(sent(), [], later).silent_for == timedelta(days=3)
    assert standing(sent(ack="none"), [], later).silent_for is None
    assert standing(sent(), [(receipt(), NOW)], later).silent_for is None
    awaited = standing(sent(ack="acted"), [(receipt("read"), NOW)], later)
    assert (awaited.state, awaited.silent_for) == ("read", timedelta(days=3))
    declined = receipt("declined", reason=DeclineReason(code="stale"))
    assert standing(sent(ack="acted"), [(declined, NOW)], later).silent_for is None


@pytest.mark.parametrize("before", NEXT)
@pytest.mark.parametrize("after", [state for state in NEXT if state != "sent"])
def test_every_pair_of_states_follows_or_does_not(before: str, after: str):
    def made(state: str) -> Receipt:
        return receipt(state, reason=DeclineReason(code="stale") if state == "declined" else None)

    first = [] if before == "sent" else [(made(before), NOW)]
    found = standing(sent(), [*first, (made(after), NOW + timedelta(hours=1))], NOW)
    assert found.state == (after if after in NEXT[before] else before)


def test_receipts_that_overtake_one_another_count_by_the_time_of_their_statements():
    late = [(receipt("acted", acted="blocked"), NOW + timedelta(hours=2)), (receipt(), NOW)]
    found = standing(sent(), late, NOW)
    assert found.state == "acted"
    assert found.receipt is not None
    assert found.receipt.acted == "blocked"


@pytest.mark.parametrize("code", ["not-understood", "no-capability", "need-more"])
def test_a_decline_that_asks_for_help_gives_the_sender_a_task(code: str):
    found = standing(sent(), [(receipt("declined", reason=DeclineReason(code=code)), NOW)], NOW)
    assert found.task == TASKS[code]
    assert standing(sent(), [], NOW).task is None


@pytest.mark.parametrize(
    ("ack", "state", "told"),
    [
        ("none", "acted", None),
        ("received", "acted", "received"),
        ("received", "read", "received"),
        ("assessed", "acted", "assessed"),
        ("assessed", "read", "read"),
        ("acted", "acted", "acted"),
    ],
)
def test_a_receipt_tells_no_more_than_was_asked_for(ack: str, state: str, told: str | None):
    acted = "blocked" if state == "acted" else None
    found = answer(MANIFEST, 3, ack=ack, state=state, day="2026-01-15", acted=acted)
    assert (None if found is None else found.state) == told
    if found is not None and told != "acted":
        assert found.acted is None


def test_a_decline_says_why():
    found = answer(
        MANIFEST, 3, ack="received", state="declined", day="2026-01-15", reason=DeclineReason(code="stale")
    )
    assert found is not None
    assert found.state == "declined"
    with pytest.raises(ValueError, match="reason"):
        answer(MANIFEST, 3, ack="received", state="declined", day="2026-01-15")
    with pytest.raises(ValueError, match="not"):
        answer(MANIFEST, 3, ack="received", state="received", day="15.1.2026")


def test_what_was_done_is_told_in_three_coarse_words_only():
    with pytest.raises(ValueError, match="acted"):
        said(receipt("acted", acted="blocked at the proxy of the Berlin office"), by=BETA, subject=[])
