"""The quick look takes nothing that the whole schema, or the check of times, would not take."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stix.test_validate import BASES, UUID, held, indicator, mutated

from backchannel import codec
from backchannel.stix import checks, looks, schemas, validate
from backchannel.stix.read import spec_version_of
from backchannel.stix.schemas import Version

Value = dict[str, object]

ODD: tuple[object, ...] = (
    None, "", [], {}, 0, 1, -1, 101, 1.0, 0.5, True, False, "x", "X", [""], ["x"], [None], [[]], [{}], {"x": None},
    "cve", "CVE-2026-1", [{"source_name": "cve", "external_id": "x"}], [{"source_name": "x"}],
    [{"source_name": "x", "url": "x"}], [{"source_name": "x", "external_id": "CAPEC-1"}],
    [{"source_name": "x", "url": "x", "hashes": {"MD5": "x"}}], {"MD5": "a" * 32}, {"x-ext": {"abc": 1}},
    "2026-02-30T00:00:00.000Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:60.000Z", "0000-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.000Z\n", "2026-01-01T00:00:00.1234567890123456789Z", "2026-01-01T00:00:00.000+00:00",
    "\uff12026-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2020-01-01T00:00:00.000Z",
    f"tool--{UUID}", f"relationship--{UUID}", f"tool--{UUID}\n", f"TOOL--{UUID}", f"file--{UUID}", [f"file--{UUID}"],
    [f"file--{UUID}", 1], "tool--8e2e2d2b-17d4-7cbf-938f-98ee46b3cd3f", "2.0", "2.1", "stix", "a" * 301,
    "statement", "tlp", {"statement": "x"}, {"statement": 1}, {"tlp": "red"}, "exploits", "Exploits", "exploits\n",
)  # fmt: skip
NAMES = ("x_own", "x", "X_OWN", "a_hex", "a_bin", "severity", "confidence", "lang", "created", "modified", "name",
         "is_family", "object_refs", "extensions", "external_references", "granular_markings", "valid_until",
         "first_seen", "last_seen", "object_marking_refs", "labels", "revoked", "number_observed")  # fmt: skip


def holds(value: Value) -> bool:
    """Check one object under both versions; return whether the look took it under its own."""
    taken = False
    for version in ("2.0", "2.1"):
        if looks.is_fine(value, version):
            schema = schemas.name_for(str(value["type"]), value, version)
            assert validate._unfiled(value) is None, value
            assert schemas.full(schema, version).is_valid(value), json.dumps(value)
            assert not list(checks.times(value, version)), value
            assert not list(validate._schema_problems(value, schema, version)), value
            taken = taken or version == spec_version_of(value, "")
    return taken


def shared_values(shared_data: Path) -> Iterator[Value]:
    for path in sorted((shared_data / "stix").rglob("*.json*")):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        try:
            found = held(json.loads(text))
        except (ValueError, AssertionError):
            continue
        yield from (
            one for one in found if isinstance(one.get("type"), str) and isinstance(one.get("id"), str)
        )
    vectors = json.loads((shared_data / "vectors" / "stix_validate.json").read_text("utf-8"))["vectors"]
    for vector in vectors:
        if isinstance(vector["content"], (dict, list)):
            for one in held(vector["content"]):
                if isinstance(one.get("type"), str) and isinstance(one.get("id"), str):
                    yield one


@pytest.fixture(scope="module")
def values(shared_data: Path) -> list[Value]:
    return list(shared_values(shared_data))


def test_what_the_look_takes_of_all_shared_objects_the_whole_check_takes(values: list[Value]):
    taken = sum(map(holds, values))
    assert taken > len(values) * 0.5, "most objects never meet the whole schema"


def test_what_the_look_takes_of_objects_with_something_odd_in_them_the_whole_check_takes(values: list[Value]):
    chance = random.Random(20261125)
    shapes = {(one["type"], one.get("spec_version"), tuple(one)): one for one in values}
    taken = 0
    for base in shapes.values():
        for _ in range(25):
            value = copy.deepcopy(base)
            for _ in range(chance.choice((1, 1, 1, 2, 3))):
                name = chance.choice([*(name for name in value if name != "type"), *NAMES])
                if chance.random() < 0.2:
                    value.pop(name, None) if name != "type" else None
                else:
                    value[name] = copy.deepcopy(chance.choice(ODD))
            if isinstance(value.get("id"), str):
                taken += holds(value)
    assert taken > 1_000


@settings(max_examples=300, deadline=None)
@given(st.composite(mutated)())
def test_what_the_look_takes_of_objects_of_any_form_the_whole_check_takes(value: Value):
    if isinstance(value.get("type"), str) and isinstance(value.get("id"), str):
        holds(value)


@settings(max_examples=300, deadline=None)
@given(
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,20})?Z?\n?", fullmatch=True
    ),
    st.from_regex(r"202[56]-0[12]-(28|29|3[01])T(00|23|24):[0-6]0:[56][90](\.[0-9]{1,4})?Z", fullmatch=True),
    st.sampled_from(["created", "modified", "valid_from", "valid_until"]),
)
def test_times_that_the_look_takes_exist_and_agree(any_time: str, likely_time: str, name: str):
    holds(indicator(**{name: any_time}))
    holds(indicator(**{name: likely_time}))


@pytest.mark.parametrize("base", BASES[:1])
def test_a_usual_object_is_taken_and_one_with_a_long_word_is_not(base: Value):
    version: Version = "2.1"
    assert looks.is_fine(base, version)
    assert not looks.is_fine({**base, "created": "2026" * 1000}, version)
    assert not looks.is_fine({**base, **{f"x_{n}": 1 for n in range(100)}}, version)


# --- Plain values --------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(2**53 - 2, 2**53 + 2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.text(max_size=4), JSON, max_size=5))
def test_a_plain_value_is_decoded_and_written_as_any_other(value: dict[str, object]):
    body = json.dumps(value).encode()
    plain = codec.decode_plain(body)
    if plain is not None:
        assert plain == codec.decode(body)
        assert codec.canonical(plain, is_plain=True) == codec.rfc8785.dumps(plain)


def test_both_encoders_write_every_character_in_the_same_way():
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        assert codec.encode(chr(code)) == codec.rfc8785.dumps(chr(code)), hex(code)


@pytest.mark.parametrize(
    "text",
    ['{"a":1.0}', '{"a":[1e3]}', '{"a":9007199254740992}', "[1]", '{"a":' + "[" * 9 + "]" * 9 + "}", "{"],
)
def test_what_needs_care_is_not_plain(text: str):
    assert codec.decode_plain(text.encode()) is None


@pytest.mark.parametrize(
    "value",
    [
        {"type": "marking-definition", "spec_version": "2.1", "id": f"marking-definition--{UUID[:14]}4{UUID[15:]}",
         "created": "2026-01-01T00:00:00.000Z", "definition_type": "statement", "definition": {"statement": "x"}},
        {"type": "malware", "spec_version": "2.1", "id": f"malware--{UUID}", "created": "2026-01-01T00:00:00.000Z",
         "modified": "2026-01-01T00:00:00.000Z", "name": "x", "is_family": True},
    ],
)  # fmt: skip
def test_a_usual_object_whose_properties_bear_on_each_other_is_taken(value: Value):
    assert holds(value)
