from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from tests.actions.made import GREEN, NOW, label, target

from backchannel.actions import gates
from backchannel.actions.gates import Stage, Standing, expires_at, refusal
from backchannel.actions.own import OwnAssets
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import normalise, normalise_network
from backchannel.observables.suffixes import is_public_suffix
from backchannel.stix.markings import Pap, Tlp

STAGES: tuple[Stage, ...] = get_args(Stage)


def gate(standing: Standing = GREEN, stage: Stage = "block", **facts: object) -> str | None:
    found = refusal(standing, target("evil.example", **facts), stage=stage, at=NOW)  # type: ignore[arg-type]
    return found.gate if found else None


def test_a_plain_name_with_leave_passes_every_stage():
    assert [gate(stage=stage) for stage in STAGES] == [None, None, None]


@pytest.mark.parametrize(
    ("pap", "passed"),
    [
        (None, {"detect", "alert"}),
        (Pap.RED, set()),
        (Pap.AMBER, {"detect", "alert"}),
        (Pap.GREEN, {"detect", "alert", "block"}),
        (Pap.CLEAR, {"detect", "alert", "block"}),
    ],
)
def test_pap_words_mean_what_the_taxonomy_says(pap: Pap | None, passed: set[str]):
    assert {stage for stage in STAGES if gate(replace(GREEN, pap=pap), stage) is None} == passed


def test_the_first_gate_of_the_order_speaks():
    everything = replace(
        GREEN,
        quarantined=True,
        revoked=True,
        withdrawn="It was the wrong host.",
        disputed=True,
        refuted="It is the printer.",
        contested=True,
        indicator_types=("benign",),
        tlp=Tlp.RED,
        pap=None,
        courses=(("Watch", "Do not block it yet"),),
    )
    order = [name for name, _ in gates.GATES]
    met = []
    for change in (
        {},
        {"quarantined": False},
        {"revoked": False},
        {"withdrawn": ""},
        {"disputed": False},
        {"refuted": ""},
        {"indicator_types": ()},
        {"said_at": NOW},
        {"contested": False},
        {"tlp": Tlp.AMBER},
        {"pap": Pap.GREEN},
        {"courses": ()},
    ):
        everything = replace(everything, **change)  # type: ignore[arg-type]
        if not met:
            everything = replace(everything, said_at=NOW - timedelta(days=999), valid_from=None)
        met.append(gate(everything, own="it is ours", labels=(label("popular"),)))
    assert met == order[: len(met)]


@pytest.mark.parametrize(
    ("courses", "passed"),
    [
        ((("Watch it", "Do not block it yet"),), {"detect", "alert"}),
        ((("Monitor", "Monitor DNS for it"),), {"detect", "alert"}),
        ((("Sinkhole it", "Deny the name"),), set(STAGES)),
        ((("Sinkhole it", "Deny the name"), ("Wait", "but never block the parent")), {"detect", "alert"}),
        ((("Patch", "Update the mail server"),), set(STAGES)),
    ],
)
def test_what_a_course_of_action_says_not_to_block_goes_to_no_control_that_blocks(
    courses: tuple[tuple[str, str], ...], passed: set[str]
):
    standing = replace(GREEN, courses=courses)
    assert {stage for stage in STAGES if gate(standing, stage) is None} == passed
    found = refusal(standing, target("evil.example"), stage="block", at=NOW)
    assert found is None or (found.gate == "course of action" and courses[0][0] in found.why)


@pytest.mark.parametrize(
    ("courses", "why"),
    [
        ((("Watch it", "Do not block it yet"),), "“Watch it” says not to block it"),
        (
            (("Audit", "Inspect the mail server's logs"),),
            "“Audit” asks to look for it, and says nothing of blocking it",
        ),
        ((("Search", "Search for the name"), ("Wait", "Do not block")), "(and 1 more) says not to block it"),
    ],
)
def test_of_a_course_of_action_nothing_is_said_that_it_does_not_say(
    courses: tuple[tuple[str, str], ...], why: str
):
    found = refusal(replace(GREEN, courses=courses), target("evil.example"), stage="block", at=NOW)
    assert found is not None
    assert found.why.endswith(why)


def test_tlp_red_goes_to_no_control():
    assert {gate(replace(GREEN, tlp=Tlp.RED), stage) for stage in STAGES} == {"tlp"}


@pytest.mark.parametrize(
    ("types", "kept_from"),
    [
        (("benign",), {"detect", "alert", "block"}),
        (("benign", "unknown"), {"detect", "alert", "block"}),
        (("compromised",), {"block"}),
        (("anonymization",), {"block"}),
        (("compromised", "malicious-activity"), set()),
        (("unknown",), set()),
        ((), set()),
    ],
)
def test_what_its_source_calls_harmless_or_a_victims_is_not_blocked(
    types: tuple[str, ...], kept_from: set[str]
):
    said = replace(GREEN, indicator_types=types)
    assert {stage for stage in STAGES if gate(said, stage) == "role"} == kept_from
    assert {stage for stage in STAGES if gate(said, stage) is None} == set(STAGES) - kept_from


def test_what_is_contested_may_be_watched_but_not_blocked():
    assert [gate(replace(GREEN, contested=True), stage) for stage in STAGES] == [None, None, "contested"]


@pytest.mark.parametrize(
    ("network", "detect", "block"),
    [
        ("203.0.113.0/24", True, True),
        ("203.0.112.0/23", True, False),
        ("20.0.0.0/8", True, False),
        ("20.0.0.0/7", False, False),
        ("2001:db8::/48", True, True),
        ("2001:db8::/47", True, False),
        ("2001::/18", False, False),
        ("::/0", False, False),
        ("0.0.0.0/0", False, False),
    ],
)
def test_wide_networks_are_kept_out(network: str, detect: bool, block: bool):
    wide = target(network, Kind.ADDRESS)
    assert (refusal(GREEN, wide, stage="detect", at=NOW) is None) == detect
    assert (refusal(GREEN, wide, stage="block", at=NOW) is None) == block


@pytest.mark.parametrize(
    ("kind", "days"),
    [(Kind.ADDRESS, 7), (Kind.DOMAIN, 30), (Kind.URL, 14), (Kind.HASH, 365), (Kind.EMAIL, 30)],
)
def test_a_block_ends_after_its_kinds_days_or_when_its_source_says(kind: Kind, days: int):
    said = Standing(said_at=NOW)
    assert expires_at(said, kind, "block") == NOW + timedelta(days=days)
    assert expires_at(replace(said, valid_until=NOW + timedelta(days=1)), kind, "block") == NOW + timedelta(
        days=1
    )
    far = replace(said, valid_until=NOW + timedelta(days=9999))
    assert expires_at(far, kind, "block") == NOW + timedelta(days=days)
    assert expires_at(far, kind, "alert") == NOW + timedelta(days=9999)


def test_expiry_is_exclusive_and_says_why():
    address = target("203.0.113.7", Kind.ADDRESS)
    said = Standing(said_at=NOW - timedelta(days=7), pap=Pap.GREEN)
    assert refusal(said, address, stage="block", at=NOW - timedelta(seconds=1)) is None
    found = refusal(said, address, stage="block", at=NOW)
    assert found is not None
    assert (
        found.why == "it expired on 2026-11-20: an address is blocked for 7 days after it was last reported"
    )
    renewed = replace(said, seen_at=NOW - timedelta(days=1))
    assert refusal(renewed, address, stage="block", at=NOW) is None


@pytest.mark.parametrize(
    ("name", "is_suffix"),
    [
        ("co.uk", True),
        ("github.io", True),
        ("example", True),
        ("com", True),
        ("evil.example", False),
        ("evil.co.uk", False),
        ("evil.github.io", False),
    ],
)
def test_public_suffixes_are_known(name: str, is_suffix: bool):
    assert is_public_suffix(name) is is_suffix


OWN = OwnAssets.of(["192.0.2.0/24", "2001:db8:1::/48"], ["corp.example", "münchen.example"])


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (Kind.ADDRESS, "192.0.2.7", "lies in our own network 192.0.2.0/24"),
        (Kind.ADDRESS, "2001:db8:1::5", "lies in our own network 2001:db8:1::/48"),
        (Kind.ADDRESS, "192.0.3.1", ""),
        (Kind.DOMAIN, "corp.example", "belongs to our own domain corp.example"),
        (Kind.DOMAIN, "mail.corp.example", "belongs to our own domain corp.example"),
        (Kind.DOMAIN, "notcorp.example", ""),
        (Kind.DOMAIN, "corp.example.com", ""),
        (Kind.DOMAIN, "example", "covers our own domain corp.example"),
        (Kind.DOMAIN, "www.münchen.example", "belongs to our own domain xn--mnchen-3ya.example"),
        (Kind.URL, "https://intranet.corp.example:8443/x", "belongs to our own domain corp.example"),
        (Kind.URL, "http://192.0.2.7:81/x", "lies in our own network 192.0.2.0/24"),
        (Kind.URL, "http://[2001:db8:1::5]:81/x", "lies in our own network 2001:db8:1::/48"),
        (Kind.URL, "http://evil.example/corp.example", ""),
        (Kind.EMAIL, "ceo@corp.example", "belongs to our own domain corp.example"),
        (Kind.EMAIL, "ceo@notcorp.example", ""),
        (Kind.HASH, "0" * 32, ""),
    ],
)
def test_what_is_ours_is_known_as_ours(kind: Kind, value: str, why: str):
    assert OWN.why(normalise(kind, value)).removeprefix(f"{normalise(kind, value).value} ") == why


def test_a_network_that_touches_ours_is_ours_in_both_directions():
    assert "lies in" in OWN.why(normalise_network("192.0.2.128/25"))
    assert "covers" in OWN.why(normalise_network("192.0.0.0/16"))
    assert OWN.why(normalise_network("198.51.100.0/24")) == ""
