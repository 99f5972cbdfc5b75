"""JSON with one meaning: the vectors of RFC 8785 and the hostile texts of JSONTestSuite."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel import codec
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.strict import read, read_canonical

MAX_BYTES = 2**20
BY_OUR_LIMIT = {
    "y_object_duplicated_key.json": Reason.DUPLICATE_KEY,
    "y_object_duplicated_key_and_value.json": Reason.DUPLICATE_KEY,
}
"""Texts that RFC 8259 lets pass, refused by our own limit: two readers would see two things (RFC 7493 §2.3)."""


def outcome(data: bytes) -> Reason | None:
    try:
        read(data, max_bytes=MAX_BYTES)
    except Rejected as error:
        return error.reason
    return None


def test_t13_every_text_of_jsontestsuite_is_read_or_refused_as_it_must_be(shared_data: Path):
    folder = shared_data / "vectors" / "json-hostile" / "test_parsing"
    texts = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(texts) == 318
    found = {name: outcome(data) for name, data in texts.items()}
    must_pass = {name: reason for name, reason in found.items() if name.startswith("y_") and reason}
    assert must_pass == BY_OUR_LIMIT
    assert [name for name, reason in found.items() if name.startswith("n_") and reason is None] == []
    assert {found[name] for name in texts if name.startswith("n_")} == {Reason.NOT_JSON, Reason.TOO_DEEP}


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_canonical_form_is_the_one_of_the_vectors_of_rfc_8785(shared_data: Path, name: str):
    folder = shared_data / "vectors" / "jcs"
    value = codec.decode((folder / "input" / f"{name}.json").read_bytes())
    expected = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text("ascii"))
    assert codec.canonical(value) == expected
    assert expected == (folder / "output" / f"{name}.json").read_bytes().rstrip(b"\n")
    assert codec.canonical(read(expected, max_bytes=MAX_BYTES)) == expected


def test_numbers_are_written_as_the_published_10_000_lines_say(shared_data: Path):
    lines = (shared_data / "vectors" / "jcs" / "es6numbers-10000.txt").read_bytes()
    published = "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892"
    assert hashlib.sha256(lines).hexdigest() == published
    written = bytearray()
    for line in lines.split():
        bits = line.partition(b",")[0]
        number = struct.unpack(">d", bytes.fromhex(bits.decode().zfill(16)))[0]
        written += bits + b"," + codec.canonical([number])[1:-1] + b"\n"
    assert hashlib.sha256(written).hexdigest() == published


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), plain))
def test_what_is_written_canonically_is_read_as_it_was(value: object):
    data = codec.canonical(value)
    assert codec.canonical(read_canonical(data, max_bytes=MAX_BYTES)) == data


def test_a_float_whose_canonical_form_is_an_integer_beyond_2_53_is_refused_where_it_is_read():
    assert outcome(codec.canonical({"a": 1e20})) is Reason.BAD_NUMBER


@given(
    st.binary(max_size=60)
    | st.text(alphabet='{}[]",:0123456789eE+-.\\u abntrfls', max_size=60).map(str.encode)
)
def test_whatever_comes_is_read_or_refused_with_a_reason(data: bytes):
    outcome(data)


def test_what_is_larger_than_its_kind_may_be_is_not_even_looked_at():
    with pytest.raises(Rejected) as caught:
        read(b"{" * 100, max_bytes=99)
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":2}', b'{ "a":1}', b'{"a":1.0}', b'{"a":"\\u0041"}', b'{"a":-0}', b'{"a":1e3}']
)
def test_another_spelling_than_the_canonical_one_is_refused(data: bytes):
    with pytest.raises(Rejected) as caught:
        read_canonical(data, max_bytes=MAX_BYTES)
    assert caught.value.reason is Reason.NOT_CANONICAL
