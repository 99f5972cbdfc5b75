"""The policy: what no rule allows is denied, and no setting reaches farther than TLP 2.0."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.ids import PartyId
from backchannel.policy.decide import DEFAULT_POLICY, POLICY_VERSION, Policy, Request, decide
from backchannel.stix.markings import Tlp

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BETA = PartyId("identity--00000000-0000-4000-8000-000000000001")

requests = st.builds(
    Request,
    tlp=st.sampled_from(Tlp),
    recipient=st.sampled_from((None, BETA)),
    recipient_is_source=st.booleans(),
    recipient_is_ourselves=st.booleans(),
    collection_allows=st.booleans(),
    is_named_reader=st.booleans(),
    purpose=st.sampled_from(("taxii", "misp", "feed")),
    now=st.just(NOW),
)
policies = st.builds(
    Policy, anybody=st.sampled_from(Tlp), any_party=st.sampled_from(Tlp), named_reader=st.sampled_from(Tlp)
)


def request(tlp: Tlp, **told: object) -> Request:
    return Request(
        **{"tlp": tlp, "recipient": BETA, "collection_allows": True, "now": NOW, **told}  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("told", "reach"),
    [
        ({"recipient": None}, {Tlp.CLEAR}),
        ({}, {Tlp.CLEAR, Tlp.GREEN}),
        ({"is_named_reader": True}, {Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER}),
        ({"recipient_is_source": True}, set(Tlp)),
        ({"recipient_is_ourselves": True}, set(Tlp)),
        ({"collection_allows": False, "is_named_reader": True, "recipient_is_source": True}, set()),
    ],
    ids=["anybody", "any party", "named reader", "its own", "ourselves", "no right"],
)
def test_each_kind_of_reader_gets_what_tlp_lets_it(told: dict[str, object], reach: set[Tlp]):
    assert {tlp for tlp in Tlp if decide(request(tlp, **told)).allowed} == reach


@given(requests, policies)
def test_a_decision_has_a_reason_and_is_always_the_same(asked: Request, policy: Policy):
    decision = decide(asked, policy)
    assert decision.reasons
    assert all(reason.rule and reason.text for reason in decision.reasons)
    assert decide(asked, policy) == decision


@given(requests, policies)
def test_no_policy_allows_more_than_tlp_does(asked: Request, policy: Policy):
    widest = Policy(anybody=Tlp.RED, any_party=Tlp.RED, named_reader=Tlp.RED)
    allowed = decide(asked, policy).allowed
    assert allowed <= decide(asked, widest).allowed
    assert decide(asked, widest).allowed == decide(asked).allowed


@given(requests, st.sampled_from(Tlp))
def test_a_stricter_marking_never_goes_farther(asked: Request, other: Tlp):
    laxer, stricter = sorted((asked.tlp, other), key=lambda tlp: tlp.strictness)
    told = {name: getattr(asked, name) for name in Request.__struct_fields__ if name != "tlp"}
    assert decide(Request(tlp=stricter, **told)).allowed <= decide(Request(tlp=laxer, **told)).allowed


@given(requests)
def test_nobody_known_gets_what_is_nobodys_right_alone(asked: Request):
    if asked.recipient is None and decide(asked).allowed:
        assert asked.tlp is Tlp.CLEAR


@given(policies)
def test_the_version_names_the_rules_and_their_values(policy: Policy):
    assert (policy.version == POLICY_VERSION) == (policy == DEFAULT_POLICY)
