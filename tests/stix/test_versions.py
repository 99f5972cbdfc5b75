"""STIX 2.0 seen as 2.1: each change told, nothing lost, the same whenever it is asked."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backchannel.stix.raw import RawObject
from backchannel.stix.read import decode_object, raw_object
from backchannel.stix.validate import validate
from backchannel.stix.versions import MAX_CHANGES_TOLD, RENAMED, TYPES_IN_LABELS, View, changes, view
from backchannel.stix.vocabulary import OBSERVABLES

Value = dict[str, object]
UUID = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


def old(stix_type: str, **properties: object) -> Value:
    return {
        "type": stix_type,
        "id": f"{stix_type}--{UUID}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        **properties,
    }


def observed(objects: object) -> Value:
    return old(
        "observed-data",
        first_observed="2026-01-01T00:00:00Z",
        last_observed="2026-01-01T00:00:00Z",
        number_observed=1,
        objects=objects,
    )


def raw(value: Value, version: str = "2.0") -> RawObject:
    body = json.dumps(value).encode()
    return raw_object(body, decode_object(body).value, version)


def seen(value: Value) -> View:
    return view(raw(value))


def noted(found: View) -> set[str]:
    """The JSON pointers that the notes of a view lead to."""
    assert all(note.level == "note" for note in found.changes)
    return {note.where.partition("#")[2] for note in found.changes}


def changed(before: Value, after: Value) -> set[str]:
    """The top-level properties in which two objects differ, as JSON pointers."""
    return {f"/{name}" for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


# --- Every change has a note ------------------------------------------------------------------------------

SAMPLES = [
    old("indicator", labels=["malicious-activity", "ours"], pattern="[a:b = 1]", valid_from="2026-01-01T00:00:00Z"),
    old("malware", labels=["ransomware", "trojan"], name="M"),
    old("report", labels=["threat-report"], name="R", published="2026-01-01T00:00:00Z", object_refs=[f"tool--{UUID}"]),
    old("threat-actor", labels=["criminal"], name="T"),
    old("tool", labels=["remote-access"], name="T"),
    old("identity", name="I", identity_class="organization", labels=["criminal"]),
    old("x-own-type", anything=[1, {"b": 2}]),
    old("relationship", relationship_type="uses", source_ref=f"malware--{UUID}", target_ref=f"tool--{UUID}"),
]  # fmt: skip


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: str(value["type"]))
def test_each_change_has_a_note_and_each_note_a_change(value: Value):
    found = seen(value)
    (new,) = found.objects
    assert noted(found) == changed(value, new)
    assert new["spec_version"] == "2.1"
    for note in found.changes:
        assert note.object == value["id"]
        assert note.clause == "STIX 2.1 Appendix E"


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: str(value["type"]))
def test_nothing_is_lost_and_what_was_received_stays_as_it_was(value: Value):
    one = raw(value)
    body = one.body
    (new,) = view(one).objects
    assert {name: new[name] for name in value} == value
    assert (one.body, one.value) == (body, value)


@pytest.mark.parametrize("stix_type", sorted(TYPES_IN_LABELS))
def test_labels_of_the_vocabulary_become_types_and_stay_labels(stix_type: str):
    name, vocabulary = TYPES_IN_LABELS[stix_type]
    word = min(vocabulary)
    (new,) = seen(old(stix_type, labels=["our own", word])).objects
    assert new[name] == [word]
    assert new["labels"] == ["our own", word]
    (new,) = seen(old(stix_type, labels=["our own"])).objects
    assert name not in new


@pytest.mark.parametrize("labels", ["ransomware", [["ransomware"]], [{"a": 1}], {}, None, 7])
def test_labels_of_the_wrong_form_are_left_alone(labels: object):
    (new,) = seen(old("malware", labels=labels)).objects
    assert new["labels"] == labels
    assert "malware_types" not in new


def test_what_says_already_what_2_1_asks_for_is_not_said_anew():
    value = old("malware", labels=["trojan"], malware_types=["worm"], is_family=False)
    (new,) = seen(value).objects
    assert (new["malware_types"], new["is_family"]) == (["worm"], False)


def test_an_object_of_2_1_is_itself():
    value = old("malware", labels=["trojan"])
    found = view(raw(value, "2.1"))
    assert found.objects == (value,)
    assert found.changes == ()


# --- Observed data ----------------------------------------------------------------------------------------

EVERYTHING = {
    "0": {"type": "file", "name": "a.exe", "hashes": {"MD5": "a" * 32}, "created": "2026-01-01T00:00:00Z", "parent_directory_ref": "1"},
    "1": {"type": "directory", "path": "C:\\x", "modified": "2026-01-01T00:00:00Z", "contains_refs": ["0"]},
    "2": {"type": "process", "pid": 7, "created": "2026-01-01T00:00:00Z", "binary_ref": "0", "parent_ref": "3"},
    "3": {"type": "process", "pid": 1, "child_refs": ["2"]},
    "4": {"type": "ipv4-addr", "value": "192.0.2.1", "resolves_to_refs": ["5"]},
    "5": {"type": "mac-addr", "value": "d2:fb:49:24:37:18"},
    "6": {"type": "network-traffic", "src_ref": "4", "dst_ref": "7", "protocols": ["tcp"], "src_port": 1, "dst_port": 2},
    "7": {"type": "domain-name", "value": "evil.example"},
    "8": {"type": "user-account", "user_id": "7", "password_last_changed": "2026-01-01T00:00:00Z"},
    "9": {"type": "windows-registry-key", "key": "HKEY_LOCAL_MACHINE\\x", "modified": "2026-01-01T00:00:00Z"},
    "10": {"type": "x-own-thing", "any": 1},
}  # fmt: skip


def test_every_observable_becomes_an_object_that_others_refer_to_by_its_id():
    found = seen(observed(EVERYTHING))
    data, *observables = found.objects
    assert data["object_refs"] == [one["id"] for one in observables]
    assert "objects" not in data
    assert [one["type"] for one in observables] == [one["type"] for one in EVERYTHING.values()]
    by_key = dict(zip(EVERYTHING, observables, strict=True))
    assert by_key["0"]["parent_directory_ref"] == by_key["1"]["id"]
    assert by_key["1"]["contains_refs"] == [by_key["0"]["id"]]
    assert by_key["2"]["image_ref"] == by_key["0"]["id"]
    assert by_key["2"]["parent_ref"] == by_key["3"]["id"]
    assert by_key["6"]["src_ref"] == by_key["4"]["id"]
    assert str(by_key["4"]["id"]).startswith("ipv4-addr--")


def test_what_observables_are_called_anew_is_told():
    found = seen(observed(EVERYTHING))
    expected = {
        f"/objects/{key}/{name}"
        for key, item in EVERYTHING.items()
        for name in RENAMED.get(str(item["type"]), {})
        if name in item
    }
    assert len(expected) == 6
    assert noted(found) == expected | {"/spec_version", "/object_refs", "/objects"}
    names = {name for one in found.objects[1:] for name in one}
    assert {
        "ctime",
        "mtime",
        "created_time",
        "image_ref",
        "credential_last_changed",
        "modified_time",
    } <= names


def test_the_view_of_an_observed_data_is_valid_2_1():
    for value in seen(observed(EVERYTHING)).objects:
        body = json.dumps(value).encode()
        found = validate(value, spec_version="2.1", place="x", body=body)
        assert [one for one in found if value["type"] in OBSERVABLES or one.level != "note"] == []


def test_an_observable_has_the_id_that_anybody_gives_it():
    """The ids of the standard's own example (STIX 2.1 §2.9): of the value alone."""
    _, address = seen(observed({"a": {"type": "ipv4-addr", "value": "198.51.100.3"}})).objects
    assert address["id"] == "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"


def test_the_same_observable_twice_is_one_object():
    twice = {
        "0": {"type": "ipv4-addr", "value": "192.0.2.1"},
        "1": {"type": "ipv4-addr", "value": "192.0.2.1"},
    }
    found = seen(
        observed(
            {**twice, "2": {"type": "network-traffic", "src_ref": "0", "dst_ref": "1", "protocols": ["tcp"]}}
        )
    )
    assert len(found.objects) == 3
    assert found.objects[2]["src_ref"] == found.objects[2]["dst_ref"]


def test_an_observable_without_an_id_of_its_own_keeps_the_one_it_gets():
    value = observed({"0": {"type": "process", "pid": 7}, "1": {"type": "process", "pid": 7}})
    one, other = seen(value), seen(value)
    assert one == other
    first, second = one.objects[1:]
    assert first["id"] != second["id"]
    assert first["id"][-22] == "4"
    assert seen(value | {"number_observed": 2}).objects[1]["id"] != first["id"]


@pytest.mark.parametrize(
    "objects",
    [
        {"0": {"type": "directory", "path": "a", "contains_refs": ["0"]}},
        {
            "0": {"type": "file", "parent_directory_ref": "1"},
            "1": {"type": "file", "parent_directory_ref": "0"},
        },
        {str(n): {"type": "file", "name": "x", "parent_directory_ref": str(n + 1)} for n in range(200)},
        {"0": {"type": "email-message", "from_ref": "0"}},
    ],
)
def test_observables_that_refer_in_a_circle_or_a_long_chain_get_their_ids(objects: Value):
    found = seen(observed(objects))
    assert len(found.objects) == len(objects) + 1
    assert found == seen(observed(objects))


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (
            {"type": "ipv4-addr", "value": "192.0.2.1", "resolves_to_refs": ["9"]},
            "/objects/0/resolves_to_refs",
        ),
        ({"type": "file", "name": "x", "parent_directory_ref": 7}, "/objects/0/parent_directory_ref"),
        ({"type": "file", "name": "x", "content_ref": None}, "/objects/0/content_ref"),
        ({"no": "type"}, "/objects/0"),
        ({"type": "Not A Type"}, "/objects/0"),
        ({"type": ["file"]}, "/objects/0"),
        ("text", "/objects/0"),
        (None, "/objects/0"),
    ],
)
def test_what_leads_nowhere_or_has_no_type_is_left_out_and_told(item: object, where: str):
    found = seen(observed({"0": item, "1": {"type": "mutex", "name": "m"}}))
    assert where in noted(found)
    assert found.objects[-1]["name"] == "m"


@pytest.mark.parametrize("objects", [[], "x", None, 7, {}])
def test_objects_of_the_wrong_form_raise_nothing(objects: object):
    found = seen(observed(objects))
    assert found.objects[0]["id"] == f"observed-data--{UUID}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["0", "1", "file", "x--y", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a_ref", "b_refs", "type", "hashes", "name", "extensions", "id"]),
            inner,
            max_size=4,
        )
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["0", "1", "2", "a/b", "~", "\u00e9"]),
        st.dictionaries(
            st.sampled_from(["name", "hashes", "parent_directory_ref", "extensions", "x_refs", "value"]),
            JSON,
            max_size=4,
        ).flatmap(lambda item: st.sampled_from(sorted(OBSERVABLES)).map(lambda name: {"type": name, **item})),
        max_size=5,
    )
)
def test_the_same_bytes_give_the_same_view_and_every_reference_leads_into_it(objects: Value):
    one, other = seen(observed(objects)), seen(observed(objects))
    assert one == other
    data, *observables = one.objects
    ids = {value["id"] for value in observables}
    assert data["object_refs"] == [value["id"] for value in observables]
    assert len(ids) == len(observables) <= len(objects)
    for value in observables:
        for name, ref in value.items():
            if name.endswith("_ref") and not str(ref).count("--y"):
                assert ref in ids


# --- Outside data -----------------------------------------------------------------------------------------


def test_published_2_0_bundles_are_seen_with_every_change_told(shared_data: Path):
    paths = [
        *(shared_data / "stix" / "observed").glob("*.json.gz"),
        *(shared_data / "stix" / "unit42").glob("i*.json.gz"),
    ]
    count = 0
    for path in paths:
        value = json.loads(gzip.decompress(path.read_bytes()))
        if not isinstance(value, dict) or value.get("spec_version") == "2.1":
            continue
        for one in value["objects"][:150]:
            if "spec_version" in one or one["type"] in OBSERVABLES or one["type"] == "bundle":
                continue
            found = seen(one)
            new, *observables = found.objects
            assert changed(one, new) <= noted(found)
            count += 1
            for observable in observables:
                body = json.dumps(observable).encode()
                told = validate(observable, spec_version="2.1", place="x", body=body)
                assert all(finding.level == "note" for finding in told)
    assert count > 500


def test_the_changes_of_one_object_are_told_up_to_a_number():
    files = {str(n): {"type": "file", "name": f"{n}", "created": "2026-01-01T00:00:00Z"} for n in range(150)}
    one = raw(observed(files))
    told = changes(one, "a.json#/objects/7")
    assert len(told) == MAX_CHANGES_TOLD + 1
    assert told[0].where == "a.json#/objects/7/spec_version"
    assert told[-1].what.startswith(
        f"the 2.1 view has {len(view(one).changes) - MAX_CHANGES_TOLD} changes more"
    )
    assert changes(raw(observed(files), "2.1"), "a.json#/objects/7") == ()
