"""When an object's tear-line goes instead of it, as far as the policy decides: laws, and each reason (T69)."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy.made import ALLOW, marked, policies, policy, read, request, rules, some_request

from backchannel.policy.decide import decide
from backchannel.policy.doubts import doubts
from backchannel.policy.reading import PolicyFaultsError, read_policy
from backchannel.policy.request import Reason, TearLine
from backchannel.policy.rules import Policy, Rule
from backchannel.policy.tear_lines import NONE_HERE, NONE_OURS
from backchannel.policy.transforms import TEAR_LINE
from backchannel.policy.trying import try_cases
from backchannel.policy.words import words_of
from backchannel.stix.markings import Tlp

TORN = (
    '[[rule]]\nid = "torn"\nwhen = { tlp = ["AMBER", "RED"] }\nto = ["parties"]\ntransform = ["tear-line"]\n'
)
NO = Reason("tlp", "it may not")


def one(number: int, version: str = "1", refused: Reason | None = None) -> TearLine:
    return TearLine(f"indicator--{number}", version, Tlp.GREEN, refused)


@pytest.mark.parametrize("tlp", [Tlp.AMBER, Tlp.RED])
def test_an_object_stays_and_its_tear_line_goes_whether_tlp_holds_it_back_or_not(tlp: Tlp):
    asked, value = policy(TORN), marked(tlp)
    first = decide(request(value), asked)
    assert (first.allowed, first.wants_tear_line, first.instead) == (False, True, "")
    assert first.reasons[-1].rule == ("tlp" if tlp is Tlp.RED else "result")
    found = decide(request(value, tear_lines=(one(1),)), asked)
    assert (found.allowed, found.value, found.instead) == (False, None, "indicator--1")


def test_of_several_that_may_go_the_newest_does_then_that_with_the_higher_id():
    asked = policy(TORN)
    some = (one(1, "3", NO), one(2, "2"), one(4, "2"), one(3, "2"), one(9, "1"))
    assert decide(request(marked(Tlp.RED), tear_lines=some), asked).instead == "indicator--4"


def test_it_is_said_why_nothing_goes():
    asked, value = policy(TORN), marked(Tlp.RED)
    refused = decide(request(value, tear_lines=(one(1, "1", NO), one(2, "2", NO))), asked)
    assert "indicator--2" in refused.reasons[-1].text
    assert "it may not" in refused.reasons[-1].text
    for source, said in (("delta", NONE_HERE), ("ourselves", NONE_OURS)):
        assert decide(request(value, tear_lines=(), source=source), asked).reasons[-1].text == said
    why = decide(request(value, tear_lines=(), no_tear_line="another made it"), asked)
    assert [reason.rule for reason in why.reasons] == ["tlp", "tear-line"]
    assert why.reasons[-1].text == "another made it"


@pytest.mark.parametrize(
    "more",
    [
        '[[rule]]\nid = "no"\ndeny = "not this"\n',
        '[[embargo]]\nid = "e"\nuntil = 2030-01-01T00:00:00Z\n',
        '[pap]\nRED = ["gamma"]\n',
    ],
)
@pytest.mark.parametrize("tlp", [Tlp.AMBER, Tlp.RED])
def test_what_the_operator_denies_has_no_tear_line(more: str, tlp: Tlp):
    found = decide(request(marked(tlp, labels=["pap:red"]), tear_lines=(one(1),)), policy(TORN + more))
    assert (found.allowed, found.wants_tear_line, found.instead) == (False, False, "")


def test_what_may_only_go_as_its_tear_line_goes_whole_where_it_is_one():
    asked = policy('[[rule]]\nid = "all"\nto = ["parties"]\ntransform = ["tear-line"]\n')
    assert not decide(request(marked(Tlp.GREEN)), asked).allowed
    found = decide(request(marked(Tlp.GREEN), is_tear_line=True, hand=None), asked)
    assert (found.allowed, found.value) == (True, None)
    assert not decide(request(marked(Tlp.RED), is_tear_line=True), asked).allowed


def test_of_a_class_relationships_are_looked_at_one_by_one_where_tear_lines_go():
    about = msgspec.structs.replace(request(marked(Tlp.GREEN)), value=None, type="relationship")
    let = 'references = "let"\n[orcon]\nhonour = false\n'
    assert decide(about, policy(let + ALLOW)).allowed
    assert decide(about, policy(let + ALLOW + TORN)).depends


@pytest.mark.parametrize("listed", ['"tear-line", "drop:/name"', '"aggregate", "tear-line"'])
def test_nothing_else_is_done_to_a_tear_line(listed: str):
    text = f'version = 1\ndefault = "deny"\n[[rule]]\nid = "r"\nto = ["parties"]\ntransform = [{listed}]\n'
    with pytest.raises(PolicyFaultsError, match="letter for letter") as caught:
        read_policy(text.encode())
    assert (caught.value.faults[0].field, caught.value.faults[0].line) == ("rule 1: transform", 6)
    assert "alone" in caught.value.faults[0].mend


CASE = """
[[test]]
name = "red goes as its tear-line"
to = "Beta"
tlp = "RED"
object = { type = "report" }
tear_line = { type = "report", labels = ["tlp:green"] }
expect = "tear-line"
"""


def test_the_file_can_bring_cases_with_a_tear_line_along():
    wide = ALLOW + 'when = { tlp = "GREEN" }\n'
    for text, outcome in (
        (TORN + wide + CASE, "tear-line"),
        (TORN + CASE, "withheld"),
        (TORN + wide + CASE.replace("tlp:green", "tlp:amber+strict"), "withheld"),
        (TORN + wide + "\n".join(line for line in CASE.splitlines() if "tear_line" not in line), "withheld"),
    ):
        asked = read(text)
        [result] = try_cases(asked.policy, asked.cases)
        assert (result.found, result.rule) == (outcome, "tear-line"), text
        assert result.passed is (outcome == "tear-line")
    with pytest.raises(PolicyFaultsError, match="tear_line: it is no object with a type"):
        read(CASE.replace('{ type = "report", labels = ["tlp:green"] }', '"GREEN"'))


def test_a_rule_says_in_words_what_goes():
    said = dict(words_of(policy(TORN)))["rule torn"]
    assert (
        said
        == "What is TLP:AMBER or TLP:RED goes to parties as its tear-line, which its originator cleared instead."
    )


def test_a_label_that_never_goes_is_no_doubt_where_the_tear_line_goes():
    named = policy(TORN.replace("parties", "verified"))
    assert doubts(named, {}) == ()
    assert doubts(policy(ALLOW + 'when = { tlp = "RED" }\n'), {})


tear_lines = st.lists(
    st.builds(one, st.integers(0, 5), st.sampled_from("123"), st.sampled_from((None, NO))), max_size=4
).map(tuple)


@given(policies, tear_lines, rules(effects=("deny",)), st.randoms(use_true_random=False))
@settings(max_examples=500)
def test_t69_only_what_may_go_itself_goes_instead_and_no_denial_lets_more_go(
    asked: Policy, some: tuple[TearLine, ...], denial: Rule, draw: random.Random
):
    about = some_request(draw)
    plain, found = (decide(msgspec.structs.replace(about, tear_lines=given), asked) for given in (None, some))
    assert found.allowed == plain.allowed, "a tear-line lets nothing go but itself"
    assert found.wants_tear_line == plain.wants_tear_line
    if found.instead:
        assert found.instead in {one.id for one in some if one.refused is None}
        assert any(TEAR_LINE in rule.transforms for rule in asked.rules or ())
    if not found.wants_tear_line:
        assert found == plain
    denying = msgspec.structs.replace(asked, rules=(*(asked.rules or ()), denial))
    after = decide(msgspec.structs.replace(about, tear_lines=some), denying)
    assert after.instead in {"", found.instead}
