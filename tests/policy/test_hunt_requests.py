"""Which hunt requests may be run for whom: persons and what is ours, and rules that name them."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from backchannel.policy.hunt_requests import HuntRule, HuntVerdict, Sensitive, judge_hunt
from backchannel.policy.reading import PolicyFaultsError, read_policy
from backchannel.provenance.reasons import Reason


def is_own(value: str) -> str:
    return f"{value} is ours" if value.startswith("10.") or value.endswith("ours.example") else ""


def judged(
    *patterns: str,
    rules: tuple[HuntRule, ...] = (),
    purpose: str = "intrusion",
    on: Collection[Sensitive] = ("email", "phone", "sip", "account"),
) -> HuntVerdict:
    return judge_hunt(
        patterns,
        party="Beta",
        purpose=purpose,  # type: ignore[arg-type]
        rules=rules,
        is_own=is_own,
        switched_on=on,
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value = '203.0.113.9']",
        "[domain-name:value IN ('evil.example', 'worse.example')]",
        "[url:value = 'http://evil.example/a?id=12345678']",
        "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
        "[file:hashes.MD5 = '11111111111111111111111111111111']",
        "[domain-name:value LIKE '%.evil.example']",
        "[ipv4-addr:value ISSUBSET '203.0.113.0/24'] FOLLOWEDBY [url:value LIKE 'http://evil.example/%']",
    ],
)
def test_what_is_technical_may_be_looked_for(pattern: str):
    assert judged(pattern) == HuntVerdict(touchy=(), unread=(), k_anonymity=1)


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("[email-addr:value = 'a@evil.example']", "email"),
        ("[email-message:from_ref.value = 'a@evil.example']", "email"),
        ("[email-message:subject = 'Invoice']", "email"),
        ("[url:value = 'http://user:word@evil.example/']", "email"),
        ("[domain-name:value = 'a@evil.example']", "email"),
        ("[x-sip:user = '1234']", "sip"),
        ("[url:value = 'sip:1234@evil.example']", "sip"),
        ("[x-phone-number:value = '1234']", "phone"),
        ("[url:value = 'tel:12345']", "phone"),
        ("[url:value = 'http://evil.example/?to=alice%40corp.example']", "email"),
        ("[url:value = 'http://evil.example/?to=alice%2540corp.example']", "email"),
        ("[url:value = 'http://evil.example/%2B4791234567']", "phone"),
        ("[file:name = '+47 912 34 567']", "phone"),
        ("[file:name = '0800 123 4567']", "phone"),
        ("[user-account:user_id = 'root']", "account"),
        ("[process:creator_user_ref.user_id = 'root']", "account"),
        ("[mac-addr:value = '00-00-5E-00-53-01']", "account"),
        ("[x-unheard-of:thing = 'a']", "account"),
        ("[EXISTS user-account:user_id]", "account"),
        ("[file:name = 'a' OR (url:value = 'b' AND user-account:user_id = 'c')]", "account"),
        ("[file:name = 'a'] WITHIN 5 SECONDS OR [email-addr:value LIKE '%@evil.example']", "email"),
    ],
)
def test_what_points_to_a_person_is_refused(pattern: str, kind: str):
    found = judged(pattern)
    assert found.refused is Reason.NAMES_PERSON
    assert {one.kind for one in found.touchy} == {kind}


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value = '10.0.0.5']",
        "[network-traffic:dst_ref.value IN ('203.0.113.9', '10.0.0.5')]",
        "[domain-name:value = 'mail.ours.example']",
        "[domain-name:value LIKE '%.ours.example']",
        "[ipv4-addr:value LIKE '203.%']",
        "[ipv4-addr:value != '203.0.113.9']",
        "[ipv4-addr:value NOT = '203.0.113.9']",
        "[domain-name:value LIKE '%']",
        "[domain-name:value LIKE '%.o_rs.example']",
        "[url:value MATCHES '.']",
        "[EXISTS domain-name:value]",
    ],
)
def test_what_is_ours_or_may_be_is_refused(pattern: str):
    found = judged(pattern)
    assert found.refused is Reason.OWN_ADDRESS
    assert {one.kind for one in found.touchy} == {"own"}


def test_a_rule_lets_a_person_approve_what_it_names_for_that_party_and_purpose_alone():
    rule = HuntRule(party="beta", kinds=("email",), purposes=("phishing",), k_anonymity=3)
    mail = "[email-addr:value = 'a@evil.example']"
    assert judged(mail, rules=(rule,), purpose="phishing").refused is None
    assert judged(mail, rules=(rule,), purpose="phishing").touchy[0].kind == "email"
    assert judged(mail, rules=(rule,), purpose="fraud").refused is Reason.NAMES_PERSON
    other = HuntRule(party="Gamma", kinds=("email",), purposes=("phishing",))
    assert judged(mail, rules=(other,), purpose="phishing").refused is Reason.NAMES_PERSON
    account = "[user-account:user_id = 'root']"
    assert judged(mail, account, rules=(rule,), purpose="phishing").refused is Reason.NAMES_PERSON
    assert judged(mail, rules=(rule, other)).k_anonymity == 3


def test_a_pattern_that_is_none_is_named_and_searched_for_by_nobody():
    found = judged("[[[", "[ipv4-addr:value = '203.0.113.9']")
    assert found.touchy == ()
    assert found.unread[0].startswith("pattern 1 cannot be read: ")


# --- As policy.toml says it ------------------------------------------------------------------------------

HEAD = 'version = 1\ndefault = "deny"\n'


def test_the_policy_names_who_may_ask_for_what():
    section = '[[hunt_request]]\nparty = "CERT Beta"\nkinds = ["email", "own"]\npurposes = ["phishing"]\nk_anonymity = 3\n'
    [rule] = read_policy((HEAD + section).encode()).policy.hunt_requests
    assert rule == HuntRule(party="CERT Beta", kinds=("email", "own"), purposes=("phishing",), k_anonymity=3)
    assert read_policy(HEAD.encode()).policy.hunt_requests == ()


@pytest.mark.parametrize(
    ("section", "field"),
    [
        ("kinds = []", "hunt_request 1: party"),
        ('party = "B"\nkinds = ["everything"]', "hunt_request 1: kinds"),
        ('party = "B"\npurposes = ["curiosity"]', "hunt_request 1: purposes"),
        ('party = "B"\nk_anonymity = 0', "hunt_request 1: k_anonymity"),
        ('party = "B"\nstanding = true', "hunt_request 1: standing"),
    ],
)
def test_a_section_that_is_not_of_its_form_is_named(section: str, field: str):
    with pytest.raises(PolicyFaultsError) as refused:
        read_policy(f"{HEAD}[[hunt_request]]\n{section}\n".encode())
    assert [one.field for one in refused.value.faults] == [field]


def test_what_points_to_a_person_needs_the_rule_and_the_switch():
    rule = HuntRule(party="Beta", kinds=("email", "own"), purposes=("phishing",))
    mail = "[email-addr:value = 'a@evil.example']"
    on = judged(mail, rules=(rule,), purpose="phishing")
    assert (on.refused, on.touchy[0].is_off) == (None, False)
    off = judged(mail, rules=(rule,), purpose="phishing", on=("phone",))
    assert (off.refused, off.touchy[0].is_off) == (Reason.NAMES_PERSON, True)
    only_switch = judged(mail, purpose="phishing")
    assert (only_switch.refused, only_switch.touchy[0].is_off) == (Reason.NAMES_PERSON, False)
