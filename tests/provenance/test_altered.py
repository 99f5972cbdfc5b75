"""What differs from the original that was signed, and which new contents are no versions of it."""

from __future__ import annotations

import gzip
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.made import INDICATOR, digest_of

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.misp.event import Org
from backchannel.misp.from_stix import Publisher, from_stix
from backchannel.misp.to_stix import to_stix
from backchannel.provenance.altered import Version, compare, normal, version_fault
from backchannel.provenance.reasons import Reason

# --- T20: each change by name ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in INDICATOR if name not in {"id", "modified", "created"}])
def test_t20_a_changed_property_is_named(name: str):
    value = INDICATOR[name]
    changed = INDICATOR | {name: ["another"] if isinstance(value, list) else value + "x"}
    found = compare(changed, [INDICATOR])
    assert (found.kind, found.properties, found.reason) == ("altered", (name,), Reason.ALTERED)


def test_t20_an_added_a_removed_and_an_inner_property_are_named_with_both_values():
    copy = {name: value for name, value in INDICATOR.items() if name != "name"} | {"confidence": 90}
    found = compare(copy, [INDICATOR])
    assert [(one.pointer, one.original, one.copy) for one in found.differences] == [
        ("/name", "C2 of the loader", None),
        ("/confidence", None, 90),
    ]
    deep = INDICATOR | {"extensions": {"a/b~c": {"x": 1}}}
    inner = compare(INDICATOR | {"extensions": {"a/b~c": {"x": True}}}, [deep])
    assert [one.pointer for one in inner.differences] == ["/extensions/a~1b~0c/x"], "1 is not true"
    assert inner.properties == ("extensions",)


def test_differences_are_bounded():
    many = INDICATOR | {"x": {str(number): number for number in range(1_000)}}
    assert len(compare(many | {"x": {}}, [many]).differences) == 100


def test_of_several_contents_of_one_version_the_nearest_is_compared():
    other = INDICATOR | {"name": "x", "description": "y"}
    assert compare(INDICATOR | {"name": "x"}, [INDICATOR, other]).properties == ("name",)


# --- T26: what other tools make of it --------------------------------------------------------------------

SPELLED_OUT = INDICATOR | {
    "revoked": False,
    "valid_from": "2026-01-02T04:04:05.000+01:00",
    "modified": "2026-01-02T03:04:05Z",
}


def test_t26_another_spelling_of_the_same_content_is_told_from_a_change_and_still_named():
    found = compare(INDICATOR, [SPELLED_OUT])
    assert found.kind == "respelled"
    assert set(found.properties) == {"revoked", "valid_from", "modified"}
    assert found.reason is Reason.ALTERED, "the signature is over the exact content"
    changed = compare(INDICATOR | {"valid_from": "2027-01-01T00:00:00Z"}, [SPELLED_OUT])
    assert changed.kind == "altered"


def test_t26_an_object_of_an_id_or_version_that_is_not_held_is_unknown():
    assert compare(INDICATOR, []).kind == "unknown"
    later = INDICATOR | {"modified": "2026-02-02T03:04:05.000Z"}
    assert compare(later, [INDICATOR]).kind == "unknown"


@given(
    st.dictionaries(
        st.sampled_from(["type", "pattern_type", "revoked", "created", "valid_from", "first_seen", "x"]),
        st.booleans()
        | st.sampled_from(
            ["indicator", "stix", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1200Z", "2026-02-31T00:00:00Z"]
        ),
    )
)
def test_the_normal_spelling_does_not_change_when_it_is_made_again(value: JsonObject):
    once = normal(value)
    assert normal(once) == once
    assert {name for name in value if value[name] is not False} <= set(once)


ROUND_TRIP = """
import json, sys
import stix2
done = []
for value in json.load(sys.stdin):
    parsed = stix2.parse(value, allow_custom=True)
    done.append(parsed if isinstance(parsed, dict) else json.loads(parsed.serialize()))
json.dump(done, sys.stdout)
"""


def through_stix2(python: Path, values: list[JsonObject]) -> list[JsonObject]:
    done = subprocess.run(
        [python, "-c", ROUND_TRIP], input=codec.encode(values), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return codec.decode(done.stdout)


@pytest.mark.peer("stix2")
def test_t26_what_we_make_still_verifies_after_python_stix2_read_and_wrote_it(
    peer_python: Path, shared_data: Path
):
    ours = [normal(value) for value in foreign(shared_data)]
    again = through_stix2(peer_python, ours)
    assert [digest_of(value) for value in again] == [digest_of(value) for value in ours]


@pytest.mark.peer("stix2")
def test_t26_what_others_made_is_reported_with_the_exact_properties_that_were_respelled(
    peer_python: Path, shared_data: Path
):
    originals = foreign(shared_data)
    again = through_stix2(peer_python, originals)
    kinds = {"same": 0, "respelled": 0}
    for original, copy in zip(originals, again, strict=True):
        found = compare(copy, [original])
        kinds[found.kind] += 1
        expected = {name for name in {*original, *copy} if original.get(name) != copy.get(name)}
        assert set(found.properties) == expected
    assert kinds["same"]
    assert kinds["respelled"]


def foreign(shared_data: Path) -> list[JsonObject]:
    """STIX 2.1 objects as others publish them, of every type that is there."""
    found: dict[str, list[JsonObject]] = {}
    for path in sorted((shared_data / "stix").rglob("*.json*")):
        data = path.read_bytes()
        try:
            bundle = codec.decode(gzip.decompress(data) if path.suffix == ".gz" else data)
        except ValueError:
            continue
        objects = bundle.get("objects", []) if isinstance(bundle, dict) else []
        for value in objects:
            if (
                isinstance(value, dict)
                and value.get("spec_version") == "2.1"
                and isinstance(value.get("type"), str)
            ):
                found.setdefault(value["type"], []).append(value)
    assert len(found) > 5
    return [value for values in found.values() for value in values[:40]]


def test_t26_after_misp_and_back_an_object_is_found_by_its_id_or_is_unknown():
    returned = from_stix(
        [INDICATOR], Publisher(Org(uuid="1b2f9a0e-5c0b-4f4e-9d43-2f5f3b1f8f11", name="Us"), "c", "c")
    )
    back = [
        codec.decode(codec.encode(made.value)) for event in returned.events for made in to_stix(event).objects
    ]
    held = {INDICATOR["id"]: INDICATOR}
    kinds = {
        value["id"]: compare(value, [held[value["id"]]] if value["id"] in held else []).kind for value in back
    }
    assert set(kinds.values()) <= {"unknown", "respelled", "altered"}
    assert "same" not in kinds.values(), "no tool that rewrites may pass for the signer"


# --- T24: other contents under the same id ---------------------------------------------------------------

ALPHA_ID, BETA_ID = (
    "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
    "identity--3f2504e0-4f89-41d3-9a0c-0305e82c3301",
)
PARTIES = frozenset({ALPHA_ID, BETA_ID})
FIRST = Version(
    version="2026-01-02T03:04:05.000Z", digest=b"1" * 32, created_by=ALPHA_ID, originator=ALPHA_ID
)
LATER = replace(FIRST, version="2026-02-02T03:04:05.000Z", digest=b"2" * 32)


@pytest.mark.parametrize(
    ("came", "reason"),
    [
        (FIRST, None),
        (LATER, None),
        (replace(FIRST, digest=b"3" * 32), Reason.SAME_ID),
        (replace(FIRST, digest=b"3" * 32, originator=BETA_ID), Reason.SAME_ID),
        (replace(LATER, originator=BETA_ID), Reason.NOT_CREATOR),
        (replace(LATER, originator=None), Reason.NOT_CREATOR),
        (replace(LATER, created_by=BETA_ID, originator=BETA_ID), Reason.NOT_CREATOR),
        (replace(LATER, created_by=""), Reason.NOT_CREATOR),
        (replace(FIRST, originator=None), None),
    ],
    ids=[
        "the same again",
        "a new version of the creator's",
        "another content of the version",
        "another content, of another",
        "a new version of another party's",
        "a new version that nobody signed",
        "a new version in another's name",
        "a new version in nobody's name",
        "the same again, without its statement",
    ],
)
def test_t24_only_the_creator_makes_new_versions(came: Version, reason: Reason | None):
    assert version_fault(came, [FIRST], PARTIES) is reason


def test_t24_nobody_signs_an_origin_for_what_is_made_in_another_partys_name():
    assert version_fault(replace(FIRST, originator=BETA_ID), [], PARTIES) is Reason.NOT_CREATOR
    assert version_fault(replace(FIRST, originator=BETA_ID), [], frozenset({BETA_ID})) is None


def test_t24_what_nobody_signed_before_can_be_taken_over_by_its_creator():
    unsigned = replace(FIRST, originator=None)
    assert version_fault(LATER, [unsigned], PARTIES) is None
