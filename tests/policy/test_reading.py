"""`policy.toml` is read strictly: what is wrong is named with its line and what mends it; a file with a fault is none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.made import ALLOW, TRANSFORMS, policy, read

from backchannel.policy.doubts import doubts
from backchannel.policy.leaks import scan_of
from backchannel.policy.reading import MAX_POLICY_BYTES, PolicyFaultsError, Read, _Reading, read_policy
from backchannel.policy.transforms import parse_transform
from backchannel.policy.trying import try_cases
from backchannel.stix.markings import Tlp

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "policy.toml"
HEAD = 'version = 1\ndefault = "deny"\n'


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyFaultsError) as caught:
        read_policy(text.encode())
    assert all(fault.mend for fault in caught.value.faults)
    return [str(fault) for fault in caught.value.faults]


def test_the_example_is_a_policy_whose_own_cases_hold():
    found = read_policy(EXAMPLE.read_bytes())
    results = try_cases(
        found.policy, found.cases, scan_of(hosts=found.policy.leaks.hosts if found.policy.leaks else ())
    )
    assert [one for one in results if not one.passed] == []
    assert {one.expected for one in results} == {"goes", "redacted", "withheld"}
    assert found.policy.approval == (Tlp.AMBER, Tlp.AMBER_STRICT)
    assert [one.about for one in doubts(found.policy, found.lines)] == ["group own-organisation"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('default = "deny"', "version: it says not which form it has"),
        ("version = 1", "default: what no rule allows is denied"),
        ('version = 1\ndefault = "allow"', "line 2, default: what no rule allows is denied"),
        (HEAD + "colour = 1", "line 3, colour: nothing of that name is known"),
        (HEAD + "[groups]\nverified = []", "line 4, groups.verified: it is there already"),
        (HEAD + '[groups]\n"A B" = []', "line 4, groups.A B: it is no name of a group"),
        (HEAD + "[groups]\na = [1]", "line 4, groups.a: it is no list of texts"),
        (HEAD + ALLOW + '[[rule]]\nid = "x"\nto = ["parties"]', "line 7, rule 2: rule: it says nothing"),
        (HEAD + ALLOW + 'deny = "no"', "line 7, rule 1: deny: it says both allow and deny"),
        (HEAD + ALLOW + 'whem = { tlp = "CLEAR" }', "line 7, rule 1: whem: nothing of that name is known"),
        (HEAD + ALLOW + 'when = { tpl = "CLEAR" }', "line 7, rule 1: when.tpl: nothing of that name is known"),
        (HEAD + ALLOW + 'when = { tlp = "PINK" }', "line 7, rule 1: when.tlp: there is no label PINK"),
        (HEAD + ALLOW + "when.tlp = []", "line 7, rule 1: when.tlp: no value is named, so it is never met"),
        (HEAD + ALLOW + 'when = { purpose = "pigeon" }', "line 7, rule 1: when.purpose: there is no way pigeon"),
        (HEAD + ALLOW + ALLOW, "line 8, rule 2: id: another rule is called all"),
        (HEAD + '[[rule]]\nid = "a"\nallow = true', "line 3, rule 1: to: it says to nobody whom it allows something"),
        (HEAD + '[[rule]]\nid = "a"\nto = []\ndeny = "x"', "line 5, rule 1: to: it names nobody"),
        (HEAD + '[[rule]]\nid = "a"\nto = ["parties"]\nallow = false', "line 6, rule 1: allow: it is not true"),
        (HEAD + '[[rule]]\nid = "A"\nto = ["parties"]\nallow = true', "line 4, rule 1: id: its name is not of the form"),
        (HEAD + '[[rule]]\nid = "a"\nto = "parties"\ntransform = ["blur:/x"]', "line 6, rule 1: transform: there is no transform 'blur:/x'"),
        (HEAD + '[[rule]]\nid = "a"\nto = "parties"\ntransform = ["drop:/revoked"]', "line 6, rule 1: transform: /revoked says what"),
        (HEAD + '[[embargo]]\nid = "e"\nuntil = "soon"', "line 5, embargo 1: until: it is no time"),
        (HEAD + '[reach]\nanybody = "AMBER"', "line 4, reach.anybody: TLP:AMBER is more than TLP lets it have"),
        (HEAD + '[pap]\nPINK = ["a"]', "line 4, pap.PINK: there is no such label of PAP"),
        (HEAD + "k_anonymity = true", "line 3, k_anonymity: it is no number from 0 to 1,000"),
        (HEAD + 'references = "maybe"', "line 3, references: it is none of the three ways"),
        (HEAD + '[leaks]\nhosts = ["a"]', "line 4, leaks.hosts: 'a' is in every text"),
        (HEAD + '[[test]]\nname = "t"\nobject = { type = "note" }\nexpect = "maybe"', "line 6, test 1: expect: it is none"),
        (HEAD + "rule = 1", "line 3, rule: it is no list of tables"),
        (HEAD + "[[rule]\n", "line 3, file: it is no TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(text: str, said: str):
    assert any(one.startswith(said) for one in faults(text)), faults(text)


def test_all_that_is_wrong_is_named_at_once_and_never_without_end():
    assert len(faults('colour = 1\n[[rule]]\nid = "a"\nallow = 1')) >= 4
    assert len(faults(HEAD + "\n".join(f"k{n} = 1" for n in range(500)))) == 50
    assert "larger than 1 MiB" in faults("#" * (MAX_POLICY_BYTES + 1))[0]
    assert "no list of tables, or has more than 1,000" in faults(HEAD + '[[rule]]\nid="a"\n' * 1_001)[0]
    with pytest.raises(PolicyFaultsError, match="no UTF-8"):
        read_policy(b"\xff")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("k_anonymity = " + "9" * 5_000, "file: a number in it has more than 16 digits"),
        ("[reach]\nanybody = 0x" + "f" * 5_000, "file: a number in it has more than 16 digits"),
        ("[reach]\nanybody = 7", "line 4, reach.anybody: there is no label"),
        ("[reach]\nanybody" + ".a" * 100 + " = 1", "file: names or tables in it stand more than 16 deep"),
        ('[[test]]\nobject."\\"\".x' + " . y" * 200_000 + " = 1", "file: names or tables in it stand more than 16 deep"),
        ("a" + ".a" * 400_000 + " = 1", "file: names or tables in it stand more than 16 deep"),
        ("a" + """."a".'a'""" * 100_000 + " = 1", "file: names or tables in it stand more than 16 deep"),
        ("x = " + "[" * 100_000, "file: it is no TOML"),
        ('[[embargo]]\nid = "e"\nuntil = 0001-01-01T00:00:00+14:00', "line 5, embargo 1: until: it is no time"),
    ],
)  # fmt: skip
def test_what_is_too_deep_too_large_or_too_early_is_a_fault_and_never_an_error_of_ours(text: str, said: str):
    assert faults(HEAD + text)[0].startswith(said)


def test_a_long_name_in_a_text_is_no_long_name_of_a_table():
    host = ".".join("0123456789abcdef0123456789abcdef") + ".ip6.arpa"
    assert read(f'[leaks]\nhosts = ["{host}"]\n' + ALLOW).policy.leaks is not None


def test_faults_without_end_and_lines_without_end_cost_no_time_without_end():
    """Work, not time: each line is looked at once, however many faults there are and wherever they stand."""
    looked = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal looked
        looked += event in {"call", "c_call"}

    text = HEAD + "[groups]\n" + "\n" * 20_000 + "\n".join(f"{n} = 1" for n in range(900))
    sys.setprofile(count)
    try:
        with pytest.raises(PolicyFaultsError):
            read_policy(text.encode())
    finally:
        sys.setprofile(None)
    assert looked < 50 * 21_000


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_a_file_holds_it_is_a_policy_or_its_faults_are_named(data: bytes):
    assert _policy_or_faults(lambda: read_policy(data))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["id", "to", "when", "tlp", "allow", "deny", "until", "object", "expect", "x"]), inner, max_size=3), max_leaves=12),
       st.sampled_from(["groups", "reach", "rule", "embargo", "orcon", "feedback", "k_anonymity", "pap", "approval",
                        "references", "leaks", "test"]))  # fmt: skip
def test_a_part_of_any_shape_is_named_never_an_error_of_ours(value: object, part: str):
    assert _policy_or_faults(_Reading({"version": 1, "default": "deny", part: value}, "").read)


def _policy_or_faults(reading: Callable[[], Read]) -> object:
    try:
        return reading().policy
    except PolicyFaultsError as error:
        return error.faults


def test_a_transform_reads_as_it_is_written():
    for one in TRANSFORMS:
        assert parse_transform(str(one)) == one


def test_a_version_names_what_the_policy_says_and_nothing_else():
    assert policy(ALLOW).version == policy("# a word\n" + ALLOW).version
    assert policy(ALLOW).version != policy(ALLOW.replace("parties", "verified")).version


@pytest.mark.parametrize(
    ("text", "about", "what"),
    [
        ("[groups]\ncerts = []\n" + ALLOW.replace("parties", "certs"), "group certs", "it is empty"),
        ("[groups]\ncerts = []\n" + ALLOW.replace("parties", "certs"), "rule all", "is empty, so it is to nobody"),
        ('[groups]\ncerts = ["Beta"]\n' + ALLOW, "group certs", "nothing names it"),
        ('[groups]\ncerts = ["Omega"]\n' + ALLOW.replace("parties", "certs"), "group certs", "Omega is no party that is known"),
        (ALLOW.replace("parties", "Omega"), "rule all", "Omega is no group and no party"),
        (ALLOW + '[[rule]]\nid = "no"\ndeny = "x"', "rule all", "whatever it allows, no denies: it never decides"),
        (ALLOW + 'when = { tlp = "GREEN", type = "indicator" }\n[[rule]]\nid = "no"\nto = ["parties"]\nwhen = { tlp = ["GREEN"] }\ndeny = "x"',
         "rule all", "it never decides"),
        (ALLOW.replace("parties", "anybody") + 'when = { tlp = "GREEN" }', "rule all", "TLP:GREEN never goes to whom it names"),
        (ALLOW + 'when = { tlp = "AMBER+STRICT" }', "rule all", "TLP:AMBER+STRICT never goes"),
        (ALLOW + ALLOW.replace('"all"', '"two"'), "rule two", "it says the same as all"),
        (ALLOW + '[[embargo]]\nid = "e"\nuntil = 2026-01-01T00:00:00Z\nexcept = ["Omega"]', "embargo e", "Omega is no group"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(text: str, about: str, what: str):
    found = read(text)
    named = doubts(found.policy, found.lines, {"beta"})
    assert any(one.about == about and what in one.what for one in named), named
    assert all(one.mend for one in named)


def test_a_denial_that_holds_for_some_is_no_contradiction():
    for denial in (
        'when = { label = "x" }',
        'to = ["Beta"]',
        'when = { tlp = "CLEAR" }',
        'when = { has = "name" }',
    ):
        found = read(ALLOW + f'[[rule]]\nid = "no"\n{denial}\ndeny = "x"')
        assert doubts(found.policy, found.lines, {"beta"}) == ()
