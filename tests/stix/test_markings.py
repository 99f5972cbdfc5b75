"""How far an object may go: what cannot be read counts as the strictest, what is not there as AMBER+STRICT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.stix.markings import (
    TLP_EXTENSION,
    TLP_IDS,
    UNMARKED,
    Pap,
    Tlp,
    pap_of,
    parse_tlp,
    tlp_defined,
    tlp_of,
)

OTHER = "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
BY_LABEL = {tlp: stix_id for stix_id, tlp in TLP_IDS.items()}
RED, GREEN = BY_LABEL[Tlp.RED], BY_LABEL[Tlp.GREEN]


def an_item(**properties: object) -> dict[str, object]:
    return {"type": "tool", **properties}


@pytest.mark.parametrize(
    ("text", "tlp"),
    [
        ("red", Tlp.RED),
        ("TLP:RED", Tlp.RED),
        ("tlp:Amber", Tlp.AMBER),
        ("amber+strict", Tlp.AMBER_STRICT),
        ("TLP:AMBER+STRICT", Tlp.AMBER_STRICT),
        ("amber-strict", Tlp.AMBER_STRICT),
        ("Amber Strict", Tlp.AMBER_STRICT),
        ("amber_strict", Tlp.AMBER_STRICT),
        ("AMBER + STRICT", Tlp.AMBER_STRICT),
        (" TLP: green ", Tlp.GREEN),
        ("clear", Tlp.CLEAR),
        ("WHITE", Tlp.CLEAR),
    ],
)
def test_a_label_is_read_in_every_spelling_that_people_use(text: str, tlp: Tlp):
    assert parse_tlp(text) is tlp
    assert parse_tlp(tlp.label) is tlp


@pytest.mark.parametrize("text", ["", "tlp:", "purple", "tlp:tlp:red", "red!", "clear red", "amber+", "redd"])
def test_what_is_no_label_is_refused_with_the_labels_there_are(text: str):
    with pytest.raises(ValueError, match="amber\\+strict"):
        parse_tlp(text)


def test_the_labels_are_ordered_by_strictness():
    assert sorted(Tlp, key=lambda tlp: tlp.strictness) == [
        Tlp.CLEAR,
        Tlp.GREEN,
        Tlp.AMBER,
        Tlp.AMBER_STRICT,
        Tlp.RED,
    ]
    assert sorted(Pap, key=lambda pap: pap.strictness) == [Pap.CLEAR, Pap.GREEN, Pap.AMBER, Pap.RED]


def test_what_is_unmarked_is_amber_strict_or_what_it_came_with():
    assert tlp_of(an_item(), default=None) is UNMARKED is Tlp.AMBER_STRICT
    assert tlp_of(an_item(), default="TLP:GREEN") is Tlp.GREEN
    assert tlp_of(an_item(labels=["malicious-activity"]), default="clear") is Tlp.CLEAR


@pytest.mark.parametrize(("stix_id", "tlp"), sorted(TLP_IDS.items()))
def test_the_definitions_of_tlp_1_and_2_are_known(stix_id: str, tlp: Tlp):
    assert tlp_of(an_item(object_marking_refs=[stix_id]), default="red") is tlp
    assert tlp_of({"type": "marking-definition", "id": stix_id}, default="red") is Tlp.CLEAR


@given(st.lists(st.sampled_from(sorted(TLP_IDS)), min_size=1))
def test_of_several_markings_the_strictest_counts(refs: list[str]):
    strictest = max((TLP_IDS[ref] for ref in refs), key=lambda tlp: tlp.strictness)
    assert tlp_of(an_item(object_marking_refs=refs), default="clear") is strictest


def test_a_marking_of_one_part_marks_the_whole():
    granular = [{"marking_ref": RED, "selectors": ["name"]}, {"lang": "en", "selectors": ["name"]}]
    item = an_item(object_marking_refs=[GREEN], granular_markings=granular)
    assert tlp_of(item, default="clear") is Tlp.RED


def test_a_marking_that_we_do_not_hold_is_red_and_one_about_something_else_marks_nothing():
    item = an_item(object_marking_refs=[OTHER])
    assert tlp_of(item, default="clear") is Tlp.RED
    assert tlp_of(item, default="green", known={OTHER: None}) is Tlp.GREEN
    assert tlp_of(item, default="green", known={OTHER: Tlp.AMBER}) is Tlp.AMBER
    assert tlp_of(an_item(object_marking_refs=[RED.upper()]), default="clear") is Tlp.RED


@pytest.mark.parametrize(
    "properties",
    [
        {"object_marking_refs": RED},
        {"object_marking_refs": {"a": 1}},
        {"object_marking_refs": [None]},
        {"object_marking_refs": [[RED]]},
        {"object_marking_refs": 7},
        {"granular_markings": {"marking_ref": RED, "selectors": ["name"]}},
        {"granular_markings": [RED]},
        {"granular_markings": [{"marking_ref": None}]},
        {"labels": "tlp:red"},
    ],
)
def test_a_marking_of_the_wrong_form_never_leaves_an_object_unmarked(properties: dict[str, object]):
    assert tlp_of(an_item(**properties), default="clear") is Tlp.RED


@pytest.mark.parametrize(
    ("tag", "tlp"),
    [
        ("tlp:amber", Tlp.AMBER),
        ("TLP:AMBER+STRICT", Tlp.AMBER_STRICT),
        ('misp:tlp="green"', Tlp.GREEN),
        ("tlp=white", Tlp.CLEAR),
        ("TLP RED", Tlp.RED),
        ("tlp-amber-strict", Tlp.AMBER_STRICT),
        ("TLP_GREEN", Tlp.GREEN),
        ("tlp:purple", Tlp.RED),
        ("tlp:red1", Tlp.RED),
        ("tlp:green (ask us first)", Tlp.RED),
        ("tlp:ex:chr", Tlp.RED),
        ("tlp:", Tlp.RED),
        ("tlp:green" + " " * 300, Tlp.RED),
    ],
)
def test_a_tag_marks_as_a_definition_does_and_one_that_cannot_be_read_is_red(tag: str, tlp: Tlp):
    for holder in ("labels", "x_misp_tags"):
        assert tlp_of(an_item(**{holder: [tag]}), default="red" if tlp is Tlp.CLEAR else "clear") is tlp
    assert tlp_of(an_item(x_misp_tags=[{"name": tag}]), default="amber") is tlp


@pytest.mark.parametrize("tag", ["tlp", "tlp-marked", "tlpt:red", "not tlp:red", "utlp red", "tlp red team"])
def test_a_tag_about_something_else_marks_nothing(tag: str):
    assert tlp_of(an_item(labels=[tag]), default="clear") is Tlp.CLEAR


def test_a_property_of_the_label_alone_is_read_too():
    assert tlp_of(an_item(x_tlp="amber"), default="clear") is Tlp.AMBER
    assert tlp_of(an_item(x_tlp="TLP:RED"), default="clear") is Tlp.RED
    assert tlp_of(an_item(x_misp_tlp="nonsense"), default="clear") is Tlp.RED


IEP = {
    "extension_type": "property-extension",
    "tlp": "green",
    "permitted_actions": "internally-visible-actions",
    "affected_party_notifications": "must-not",
    "iep_version": "2.0",
}


@pytest.mark.parametrize(
    ("definition", "tlp"),
    [
        ({"definition_type": "tlp", "definition": {"tlp": "amber"}}, Tlp.AMBER),
        ({"definition_type": "TLP", "definition": {"tlp": "Amber+Strict"}}, Tlp.AMBER_STRICT),
        ({"definition_type": "tlp", "definition": {}}, Tlp.RED),
        ({"definition_type": "tlp", "definition": "red"}, Tlp.RED),
        ({"extensions": {TLP_EXTENSION: {"tlp_2_0": "green"}}}, Tlp.GREEN),
        ({"extensions": {TLP_EXTENSION: {"tlp_2_0": 3}}}, Tlp.RED),
        ({"extensions": {TLP_EXTENSION: {}}}, Tlp.RED),
        ({"definition_type": "statement", "definition": {"statement": "(c)"}}, None),
        ({"definition_type": "iep", "definition": {"tlp": "green"}}, Tlp.RED),
        ({"extensions": {"extension-definition--" + OTHER[20:]: IEP}}, Tlp.RED),
        ({"extensions": {TLP_EXTENSION: {"tlp_2_0": "clear"}, "x": IEP}}, Tlp.RED),
        (
            {"definition_type": "statement", "definition": {"statement": "(c)", "permitted_actions": "none"}},
            Tlp.RED,
        ),
        ({}, None),
        ({"extensions": []}, None),
    ],
)
def test_a_definition_of_our_partners_own_says_its_label(definition: dict[str, object], tlp: Tlp | None):
    value = {"type": "marking-definition", "id": OTHER, **definition}
    assert tlp_defined(value) is tlp
    assert tlp_of(value, default="amber") is (Tlp.AMBER if tlp is None else Tlp.CLEAR)


def test_a_policy_of_exchange_that_nobody_here_reads_is_the_strictest_beside_any_label():
    marked = an_item(object_marking_refs=[GREEN, OTHER])
    policy = tlp_defined({"type": "marking-definition", "id": OTHER, "extensions": {"x": IEP}})
    assert tlp_of(marked, default="clear", known={OTHER: policy}) is Tlp.RED


def test_a_known_id_says_more_than_what_stands_in_the_definition():
    value = {
        "type": "marking-definition",
        "id": RED,
        "definition_type": "tlp",
        "definition": {"tlp": "white"},
    }
    assert tlp_defined(value) is Tlp.RED


@pytest.mark.parametrize(
    ("labels", "pap"),
    [
        ([], None),
        (["tlp:red"], None),
        (["PAP:GREEN"], Pap.GREEN),
        (["pap:green", "pap:amber"], Pap.AMBER),
        (['misp:pap="white"'], Pap.CLEAR),
        (["pap:purple"], Pap.RED),
        (["pap:green2"], Pap.RED),
        (["pap-red"], Pap.RED),
    ],
)
def test_what_may_be_done_is_the_strictest_tag_or_not_said(labels: list[str], pap: Pap | None):
    assert pap_of(an_item(labels=labels)) is pap


@given(st.text(max_size=60) | st.from_regex(r"\Atlp[:=]?.{0,20}", fullmatch=True), st.sampled_from(list(Tlp)))
def test_a_tag_never_makes_an_object_freer_than_its_markings(tag: str, tlp: Tlp):
    item = an_item(object_marking_refs=[BY_LABEL[tlp]], labels=[tag])
    assert tlp_of(item, default="clear").strictness >= tlp.strictness
