"""Each deviation from the standard has a level of our own: the matrix, and what no other tool agrees on."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backchannel.stix import checks, schemas, validate
from backchannel.stix.findings import Finding
from backchannel.stix.limits import MAX_DEPTH, MAX_OBJECT_BYTES, LimitError
from backchannel.stix.markings import pap_of, tlp_defined, tlp_of
from backchannel.stix.read import decode_object, raw_object, spec_version_of
from backchannel.stix.validate import MAX_FINDINGS
from backchannel.stix.versions import view

Value = dict[str, object]
UUID = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


def indicator(**properties: object) -> Value:
    value: Value = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{UUID}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-02T00:00:00.000Z",
        "name": "One",
        "indicator_types": ["malicious-activity"],
        "pattern": "[domain-name:value = 'evil.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **properties,
    }
    return {name: one for name, one in value.items() if one is not None}


def a(stix_type: str, **properties: object) -> Value:
    return {
        "type": stix_type,
        "spec_version": "2.1",
        "id": f"{stix_type}--{UUID}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-02T00:00:00.000Z",
        **properties,
    }


def an_observable(stix_type: str, **properties: object) -> Value:
    return {
        "type": stix_type,
        "spec_version": "2.1",
        "id": f"{stix_type}--8e2e2d2b-17d4-5cbf-938f-98ee46b3cd3f",
        **properties,
    }


def findings(value: object, version: str | None = None) -> tuple[Finding, ...]:
    body = json.dumps(value).encode()
    decoded = decode_object(body).value
    return validate.validate(
        decoded, spec_version=version or spec_version_of(decoded, ""), place="b.json#/objects/3", body=body
    )


def told(value: object, version: str | None = None) -> list[tuple[str, str]]:
    """(level, JSON pointer into the object) of each finding."""
    place = "b.json#/objects/3"
    return [(found.level, found.where.removeprefix(place)) for found in findings(value, version)]


# --- The matrix: one indicator, one deviation each ----------------------------------------------------

MATRIX: list[tuple[str, Value, list[tuple[str, str]]]] = [
    ("nothing wrong", indicator(), []),
    ("created without milliseconds", indicator(created="2026-01-01T00:00:00Z"), [("note", "/created")]),
    ("30 February", indicator(valid_from="2026-02-30T00:00:00Z"), [("quarantine", "/valid_from")]),
    (
        "30 February in modified",
        indicator(modified="2026-02-30T00:00:00.000Z"),
        [("quarantine", "/modified")],
    ),
    (
        "modified before created",
        indicator(modified="2025-01-01T00:00:00.000Z"),
        [("quarantine", "/modified")],
    ),
    ("confidence 101", indicator(confidence=101), [("note", "/confidence")]),
    ("empty labels", indicator(labels=[]), [("note", "/labels")]),
    ("UUIDv7", indicator(id="indicator--018f2d2b-17d4-7cbf-938f-98ee46b3cd3f"), [("note", "/id")]),
    ("uppercase hex in id", indicator(id=f"indicator--{UUID.upper()}"), []),
    ("broken pattern", indicator(pattern="[domain-name:value = 'evil.example"), [("quarantine", "/pattern")]),
    (
        "valid_until before valid_from",
        indicator(valid_until="2025-01-01T00:00:00Z"),
        [("quarantine", "/valid_until")],
    ),
    ("custom property", indicator(x_foo="a", foo="b"), []),
    (
        "unknown property-extension",
        indicator(
            extensions={f"extension-definition--{UUID}": {"extension_type": "property-extension", "rank": 3}}
        ),
        [],
    ),
    ("no spec_version", indicator(spec_version=None), [("note", "/spec_version")]),
    ("no type", indicator(type=None), [("refuse", "/type")]),
    ("no id", indicator(id=None), [("refuse", "/id")]),
    ("id of another type", indicator(id=f"malware--{UUID}"), [("refuse", "/id")]),
    ("malformed id", indicator(id="indicator--1"), [("refuse", "/id")]),
    ("no pattern", indicator(pattern=None), [("quarantine", "/pattern")]),
    ("empty pattern", indicator(pattern=" "), [("quarantine", "/pattern")]),
    ("pattern that is no text", indicator(pattern=["x"]), [("quarantine", "/pattern")]),
    (
        "valid_until at valid_from",
        indicator(valid_until="2026-01-01T00:00:00Z"),
        [("quarantine", "/valid_until")],
    ),
    ("no valid_from", indicator(valid_from=None), [("note", "/valid_from")]),
    ("no created", indicator(created=None), [("note", "/created")]),
    ("null", indicator(description=None) | {"description": None}, [("note", "/description")]),
    ("revoked as text", indicator(revoked="true"), [("note", "/revoked")]),
    ("a name that STIX does not allow", indicator(**{"X-Foo": 1}), [("note", "/X-Foo")]),
]


@pytest.mark.parametrize(("value", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_each_deviation_has_its_level(value: Value, expected: list[tuple[str, str]]):
    assert told(value) == expected


def test_a_finding_says_what_where_and_by_which_rule():
    (found,) = findings(indicator(valid_until="2025-01-01T00:00:00Z"))
    assert found.object == f"indicator--{UUID}"
    assert found.where == "b.json#/objects/3/valid_until"
    assert "`valid_until` (`2025-01-01T00:00:00Z`) is not after `valid_from`" in found.what
    assert "ask the producer" in found.what
    assert found.clause == "STIX 2.1 §4.7"


def test_the_worst_stands_first_and_a_place_is_not_told_twice():
    value = indicator(confidence=101, pattern="[broken", valid_from="yesterday")
    assert [level for level, _ in told(value)] == ["quarantine", "quarantine", "note"]
    assert len({where for _, where in told(value)}) == 3


def test_of_a_thousand_faults_twenty_are_told_and_that_there_are_more():
    value = indicator(kill_chain_phases=[{"kill_chain_name": 1} for _ in range(1000)])
    found = findings(value)
    assert len(found) <= MAX_FINDINGS + 1
    assert "more is wrong" in found[-1].what


# --- Limits -------------------------------------------------------------------------------------------


def nested(depth: int) -> object:
    inner: object = "x"
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize(("depth", "is_refused"), [(MAX_DEPTH - 1, False), (MAX_DEPTH, True)])
def test_depth_has_a_limit(depth: int, is_refused: bool):
    levels = [level for level, _ in told(indicator(x_deep=nested(depth)))]
    assert levels == (["refuse"] if is_refused else [])


def test_many_brackets_that_are_not_inside_each_other_are_no_depth():
    assert told(indicator(x_wide=[[]] * 100, x_text="[" * 1000)) == []


@pytest.mark.parametrize("more", [0, 1])
def test_size_has_a_limit(more: int):
    value = indicator(x_text="")
    value["x_text"] = "x" * (MAX_OBJECT_BYTES - len(json.dumps(value)) + more)
    assert told(value) == ([("refuse", "")] if more else [])


@pytest.mark.parametrize(
    "stix_id",
    ["", "indicator", f"indicator--{UUID}x", f"indicator--{UUID}\n", f"indicator-{UUID}", 7, None, []],
)
def test_an_id_of_the_wrong_form_is_refused(stix_id: object):
    assert told({"type": "indicator", "id": stix_id}) == [("refuse", "/id")]


@pytest.mark.parametrize("stix_type", ["", 7, None, [], {}])
def test_a_type_that_is_no_text_is_refused(stix_type: object):
    assert told({"type": stix_type, "id": f"indicator--{UUID}"}) == [("refuse", "/type")]


def test_a_bundle_in_a_bundle_is_refused():
    assert told({"type": "bundle", "id": f"bundle--{UUID}", "objects": []}) == [("refuse", "")]


def test_what_is_shown_of_a_hostile_value_is_short_and_harmless():
    for found in findings(indicator(id="\u202e\x1b[31m" + "x" * 100_000)):
        assert len(found.what) < 300
        assert found.what.isprintable()
        assert found.object == ""


# --- Times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01",
        "yesterday",
        "",
        7,
        None,
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:60-10:00",
    ],
)
def test_a_deciding_time_that_is_none_quarantines(text: object):
    assert ("quarantine", "/valid_from") in told(indicator() | {"valid_from": text})


@pytest.mark.parametrize(
    "text", ["2024-02-29T00:00:00Z", "2016-12-31T23:59:60Z", "2026-01-01T00:00:00.123456789Z"]
)
def test_a_time_that_exists_is_no_finding(text: str):
    assert told(indicator(valid_from=text)) == []


def test_a_time_that_decides_nothing_is_only_noted():
    assert told(a("report", name="R", published="2026-02-30T00:00:00Z", object_refs=[f"tool--{UUID}"])) == [
        ("note", "/published")
    ]


@pytest.mark.parametrize(
    ("earlier", "later", "contradict"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z", False),
        ("2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.09Z", True),
        ("2026-01-01T00:00:00.0000001Z", "2026-01-01T00:00:00.0000002Z", False),
        ("2026-01-01T00:00:00.0000002Z", "2026-01-01T00:00:00.0000001Z", True),
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00Z", False),
    ],
)
def test_times_are_compared_as_moments(earlier: str, later: str, contradict: bool):
    value = a("campaign", name="C", first_seen=earlier, last_seen=later)
    assert ("quarantine" in dict(told(value))) == contradict


@pytest.mark.parametrize(
    ("stix_type", "earlier", "later"),
    [
        (stix_type, earlier, later)
        for stix_type, pairs in checks.ORDERED.items()
        for earlier, later, _ in pairs
        if stix_type != "network-traffic"
    ],
)
def test_every_pair_of_times_is_held(stix_type: str, earlier: str, later: str):
    value = a(stix_type, **{earlier: "2026-02-01T00:00:00Z", later: "2026-01-01T00:00:00Z"})
    assert ("quarantine", f"/{later}") in told(value)


# --- What a schema cannot hold ------------------------------------------------------------------------

SELECTORS = ["name", "labels", "labels.[1]", "x_a.b_c.[0].d"]
MARKING = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_selector_that_leads_somewhere_is_no_finding(selector: str):
    granular = [{"marking_ref": MARKING, "selectors": [selector]}]
    value = indicator(labels=["a", "b"], x_a={"b_c": [{"d": 1}]}, granular_markings=granular)
    assert told(value) == []


@pytest.mark.parametrize("selector", ["nothing", "labels.[2]", "name.x_y", "x_a.[0]", "labels.[9999999999]"])
def test_a_selector_that_leads_nowhere_is_noted(selector: str):
    granular = [{"marking_ref": MARKING, "selectors": ["name", selector]}]
    value = indicator(labels=["a", "b"], x_a={"b": 1}, granular_markings=granular)
    assert ("note", "/granular_markings/0/selectors") in told(value)


def test_a_marking_that_marks_itself_is_noted():
    own = f"marking-definition--{UUID}"
    value = a("marking-definition", definition_type="statement", definition={"statement": "(c)"})
    value["object_marking_refs"] = [own]
    assert ("note", "/object_marking_refs") in told(value)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (indicator(lang="xx-nonsense"), "/lang"),
        (an_observable("software", name="S", cpe="cpe:/a:old"), "/cpe"),
        (an_observable("software", name="S", languages=["klingonisch"]), "/languages"),
        (an_observable("artifact", payload_bin="YQ==", mime_type="nonsense"), "/mime_type"),
        (an_observable("file", name="a", name_enc="no charset"), "/name_enc"),
        (an_observable("process", pid=3), "/id"),
        (an_observable("ipv6-addr", value="2001:db8::zz"), "/value"),
    ],
)
def test_what_registries_define_is_checked(value: Value, where: str):
    assert ("note", where) in told(value)


@pytest.mark.parametrize(
    "value", ["::ffff:192.0.2.1", "2001:db8::/32", "fe80::1", "::", "2001:db8::192.0.2.1/96"]
)
def test_an_ipv6_address_that_the_schema_misses_is_no_finding(value: str):
    assert told(an_observable("ipv6-addr", value=value)) == []


def test_a_pattern_of_another_language_passes_as_it_is():
    assert told(indicator(pattern="rule x { condition: true }", pattern_type="yara")) == []


def test_a_pattern_of_the_other_grammar_is_read_as_such_and_noted():
    value = indicator(
        pattern="[ipv4-addr:value = '192.0.2.1'] START '2026-01-01T00:00:00Z' STOP '2026-02-01T00:00:00Z'"
    )
    assert told(value) == [("note", "/pattern")]


def test_a_pattern_version_that_is_no_text_is_only_noted():
    assert [where for _, where in told(indicator(pattern="[a:b = 1] AND [c:d = 2]", pattern_version={}))]


def test_a_pattern_that_asks_for_what_no_object_has_is_noted():
    assert told(indicator(pattern="[domain:value = 'evil.example']")) == [("note", "/pattern")]


# --- STIX 2.0 -----------------------------------------------------------------------------------------


def observed(objects: object) -> Value:
    return {
        "type": "observed-data",
        "id": f"observed-data--{UUID}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "first_observed": "2026-01-01T00:00:00Z",
        "last_observed": "2026-01-01T00:00:00Z",
        "number_observed": 1,
        "objects": objects,
    }


def test_the_observables_inside_an_observed_data_are_held_against_their_own_schema():
    value = observed(
        {
            "0": {"type": "ipv4-addr", "value": "192.0.2.300"},
            "1": {"type": "network-traffic", "src_ref": "0", "dst_ref": "9", "protocols": ["tcp"]},
            "2": {"type": "file", "name": "a", "parent_directory_ref": "0"},
            "3": {"type": "x-own-thing", "anything": 1},
        }
    )
    where = [path for _, path in told(value)]
    assert "/objects/1/dst_ref" in where
    assert "/objects/2/parent_directory_ref" in where
    assert all(level == "note" for level, _ in told(value))


@pytest.mark.parametrize(
    "objects", [[], "x", {}, {"0": []}, {"0": {"type": []}}, {"0": {"type": "file", "extensions": []}}]
)
def test_observables_of_the_wrong_form_raise_nothing(objects: object):
    assert all(level == "note" for level, _ in told(observed(objects)))


def test_an_observable_that_calls_itself_2_0_raises_nothing():
    value = an_observable("file", name="a", extensions={"ntfs-ext": {"sid": "x"}}) | {"spec_version": "2.0"}
    assert all(level == "note" for level, _ in told(value))


# --- The quick look takes nothing that the whole schema would not take ---------------------------------


def held(value: object) -> list[Value]:
    """The objects of a bundle, of a list, or the one object."""
    if isinstance(value, list):
        return [inner for one in value for inner in held(one)]
    assert isinstance(value, dict)
    return held(value["objects"]) if isinstance(value.get("objects"), list) else [value]


def test_a_schema_is_compiled_for_every_type_of_both_versions():
    for version in ("2.0", "2.1"):
        for name in schemas._names(version):
            schemas.full(name, version)


# --- Whatever it holds, it raises nothing --------------------------------------------------------------

JUNK = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["2.0", "2.1", "tlp:red", f"tool--{UUID}", "0001-01-01T00:00:00+14:00", "[a:b = 1]"])
    | st.sampled_from([[], {}, [None], [[]], [{}], {"type": []}, {"0": {"type": "file"}}, {"a": {"b": []}}])
)
BASES: list[Value] = [
    indicator(),
    indicator(granular_markings=[{"marking_ref": MARKING, "selectors": ["name"]}], lang="en"),
    {name: one for name, one in indicator(labels=["x"]).items() if name not in {"spec_version", "pattern_type"}},
    observed({"0": {"type": "file", "hashes": {"MD5": "a" * 32}, "parent_directory_ref": "1"}, "1": {"type": "directory", "path": "C:\\"}}),
    a("marking-definition", definition_type="tlp", definition={"tlp": "red"}),
    a("language-content", object_ref=f"tool--{UUID}", contents={"de": {"name": "x"}}),
    a("malware", is_family=False, external_references=[{"source_name": "cve", "external_id": "CVE-2026-1"}]),
    an_observable("email-message", is_multipart=False, subject="x", extensions={"x-ext": {}}),
    an_observable("software", name="S", cpe="cpe:2.3:a:b:c:1:*:*:*:*:*:*:*", languages=["en"]),
    an_observable("windows-registry-key", key="HKEY_LOCAL_MACHINE\\x", values=[{"name": "a"}]),
    an_observable("x509-certificate", hashes={"SHA-1": "a" * 40}, x509_v3_extensions={"key_usage": "x"}),
]  # fmt: skip


def places(value: object) -> list[tuple[object, object]]:
    """Every (container, key) of a value."""
    found: list[tuple[object, object]] = []
    todo = [value]
    while todo:
        one = todo.pop()
        keys = list(one) if isinstance(one, dict) else list(range(len(one))) if isinstance(one, list) else []
        found += [(one, key) for key in keys]
        todo += [one[key] for key in keys]  # type: ignore[index]
    return found


def mutated(draw: Callable[[st.SearchStrategy[object]], object]) -> Value:
    value = copy.deepcopy(draw(st.sampled_from(BASES)))
    assert isinstance(value, dict)
    for _ in range(draw(st.integers(1, 4))):  # type: ignore[call-overload]
        where = places(value)
        if where:
            holder, key = draw(st.sampled_from(where))  # type: ignore[misc]
            holder[key] = copy.deepcopy(draw(JUNK))
    return value


@settings(max_examples=400, deadline=None)
@given(st.composite(mutated)(), st.sampled_from(["", "2.0", "2.1", "9"]))
def test_an_object_of_any_form_is_taken_or_refused_and_nothing_raises(value: Value, bundle_version: str):
    body = json.dumps(value).encode()
    try:
        decoded = decode_object(body).value
        version = spec_version_of(decoded, bundle_version)
        found = validate.validate(decoded, spec_version=version, place="x", body=body)
        if found and found[0].level == "refuse":
            return
        raw = raw_object(body, decoded, version)
    except LimitError:
        return
    assert decoded == json.loads(body), "nobody changes what was decoded"
    assert view(raw) == view(raw)
    tlp_of(decoded, default=None)
    tlp_defined(decoded)
    pap_of(decoded)
