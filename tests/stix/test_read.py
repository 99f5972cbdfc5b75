"""From bytes to objects: nothing is rewritten, nothing is read in two ways, nothing raises what it does not say."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel import codec
from backchannel.clock import parse_time
from backchannel.stix import split as splitting
from backchannel.stix.called import called
from backchannel.stix.limits import LimitError
from backchannel.stix.raw import RawObject
from backchannel.stix.read import decode_object, raw_object, spec_version_of
from backchannel.stix.sco_ids import observable_id, stable_id
from backchannel.stix.split import (
    CHECKED_BYTES,
    DocumentError,
    Outline,
    Piece,
    split,
    split_stream,
    split_whole,
)
from backchannel.stix.window import CHUNK_BYTES

ID = "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
BUNDLE = '{"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": '

scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text() | st.floats(-1e9, 1e9)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
objects = st.dictionaries(st.text(), values, max_size=5)


def read(body: bytes, spec_version: str = "2.1") -> RawObject:
    return raw_object(body, decode_object(body).value, spec_version)


def pieces(data: bytes) -> tuple[Outline, list[Piece]]:
    """The document read in one piece and read as a stream: the same."""
    outline, whole = split(io.BytesIO(data))
    in_one = list(whole)
    streamed, steps = split_stream(io.BytesIO(data))
    assert (streamed.kind, streamed.held) == (outline.kind, outline.held)
    assert list(steps) == in_one
    return outline, in_one


# --- A document and its objects ---------------------------------------------------------------------


@given(
    st.lists(objects, max_size=5),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from(["", "\n", "\ufeff", "  "]),
)
def test_the_objects_of_a_bundle_are_its_very_bytes(held: list[object], indent: int | None, before: str):
    bodies = [json.dumps(one, indent=indent, ensure_ascii=indent == 0) for one in held]
    outline, found = pieces((before + BUNDLE + "[" + " ,\n".join(bodies) + "] }\n").encode())
    assert outline.kind == "bundle"
    assert [piece.body.decode() for piece in found] == bodies
    assert [piece.pointer for piece in found] == [f"/objects/{n}" for n in range(len(held))]


@given(st.lists(values, max_size=5))
def test_the_items_of_a_list_are_its_very_bytes(held: list[object]):
    bodies = [json.dumps(one, ensure_ascii=False) for one in held]
    outline, found = pieces(("[" + ",".join(bodies) + "]").encode())
    assert (outline.kind, outline.held) == ("list", len(held))
    assert [piece.body.decode() for piece in found] == bodies


@given(objects)
def test_a_single_object_is_itself(value: dict[str, object]):
    value = {"a": value, "type": "tool"}
    body = json.dumps(value, indent=2)
    outline, found = pieces(f"\n {body} \n".encode())
    assert outline.kind == "object"
    assert [(piece.pointer, piece.body.decode()) for piece in found] == [("", body)]


@pytest.mark.parametrize("objects_at", ["first", "last"])
def test_the_other_members_of_a_bundle_are_kept_wherever_they_stand(objects_at: str):
    members = {"type": "bundle", "id": "bundle--x", "spec_version": "2.0"}
    listed = {"objects": [{"type": "tool"}, {"a": "]"}]}
    value = {**listed, **members} if objects_at == "first" else {**members, **listed}
    outline, found = pieces(json.dumps(value).encode())
    assert (outline.kind, outline.held, len(found)) == ("bundle", 2, 2)
    assert outline.text("spec_version") == "2.0"


@given(st.binary(max_size=200))
def test_whatever_is_no_json_is_a_document_error_and_nothing_else(data: bytes):
    for read_it in (split, split_stream):
        try:
            json.loads(data.decode().removeprefix("\ufeff"), parse_constant=pytest.fail)
        except (ValueError, pytest.fail.Exception):
            with pytest.raises(DocumentError):
                read_it(io.BytesIO(data))


@given(objects, st.data())
def test_of_a_document_cut_anywhere_nothing_is_taken(value: dict[str, object], data: st.DataObject):
    whole = (BUNDLE + json.dumps([value, {"type": "tool"}]) + "}").encode()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DocumentError):
        split(io.BytesIO(whole[:cut]))


@pytest.mark.parametrize("before", range(CHECKED_BYTES - 16, CHECKED_BYTES))
def test_a_letter_may_lie_across_two_steps_of_the_check_and_half_a_letter_nowhere(before: int):
    text = '{"type":"bundle","objects":[{"type":"tool","name":"%s\U0001f600"}]}'
    pad = "x" * (before - text.index("%s"))
    data = (text % pad).encode()
    outline, pieces = split_whole(data) or pytest.fail("it is read at once")
    assert (outline.held, [piece.body for piece in pieces]) == (1, [data[28:-2]])
    assert split_whole(data.replace(b"\x9f", b"")) is None
    assert split_whole(data[: data.index(b"\xf0") + 2]) is None


def test_a_document_longer_than_a_window_is_read_as_a_short_one_is():
    text = "x" * (CHUNK_BYTES - 200)
    bodies = [json.dumps({"n": n, "text": text, "é": "\u20ac\U0001f600" * 50}) for n in range(4)]
    outline, found = split_stream(io.BytesIO((BUNDLE + "[" + ",".join(bodies) + "]}").encode()))
    assert outline.held == 4
    assert [piece.body.decode() for piece in found] == bodies


@pytest.mark.parametrize("where", ["bundle", "list"])
def test_a_value_nested_too_deeply_to_be_read_is_cut_and_its_neighbours_stay(where: str):
    deep = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
    listed = f'[{{"n": 1}}, {deep}, {{"n": 2}}]'
    _, found = split(io.BytesIO((BUNDLE + listed + "}" if where == "bundle" else listed).encode()))
    assert [piece.is_cut for piece in found] == [False, True, False]


def test_a_value_that_is_too_long_is_cut_and_its_neighbours_stay(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backchannel.stix.window.MAX_OBJECT_BYTES", 2**20)
    long = json.dumps({"text": 'a"]}' * 500_000})
    _, found = split(io.BytesIO(f'[{{"n": 1}}, {long}, {{"n": 2}}]'.encode()))
    first, cut, last = list(found)
    assert (first.is_cut, cut.is_cut, last.is_cut) == (False, False, False)  # in memory as a whole: no need
    _, found = split_stream(io.BytesIO(f'[{{"n": 1}}, {long}, {{"n": 2}}]'.encode()))
    first, cut, last = list(found)
    assert (first.is_cut, cut.is_cut, last.is_cut) == (False, True, False)
    assert long.startswith(cut.body.decode())


@given(
    st.lists(objects, max_size=4),
    st.sampled_from(["NaN", "{x}", '{"a": 1,}', '{"a" "]}"}', '{"a": {"b": [NaN, "\\"[{"]}}', "", "'a'"]),
    st.integers(0, 4),
    st.sampled_from([None, 1]),
)
def test_what_is_no_json_is_parted_from_its_neighbours(
    held: list[object], broken: str, at: int, indent: int | None
):
    bodies = [json.dumps(one, indent=indent) for one in held]
    bodies.insert(at, broken)
    if bodies == [""]:
        bodies.append("{}")
    outline, found = pieces((BUNDLE + "[" + " ,\n".join(bodies) + "] }\n").encode())
    assert outline.held == len(bodies)
    assert [piece.body.decode() for piece in found] == bodies
    assert [bool(piece.fault) for piece in found] == [body is broken for body in bodies]


def test_a_broken_object_longer_than_a_window_is_kept_whole():
    broken = '{"a": NaN, "text": "' + "x" * 2 * CHUNK_BYTES + '"}'
    found = list(split(io.BytesIO(f'[{{"n": 1}}, {broken}, {{"n": 2}}]'.encode()))[1])
    assert [piece.body.decode() for piece in found] == ['{"n": 1}', broken, '{"n": 2}']
    assert [bool(piece.fault) for piece in found] == [False, True, False]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"id": "tool--1", "x": NaN', "tool--1"),
        ('{"x": {"id": "tool--2"}, "id" : "tool--1"}', "tool--1"),
        ('{"x": "\\", \\"id\\": ", "y": "id", "id": "tool--1"}', "tool--1"),
        ('{"id": "tool--1", "id": "tool--1"}', "tool--1"),
        ('{"id": "tool--1", "id": "tool--2"}', ""),
        ('{"id": 7}', ""),
        ('{"id": "\\ud800"}', ""),
        ('{"id": "\\u001b[2J"}', ""),
        ('{"id": "' + "x" * 300 + '"}', ""),
        ('{"id": "tool--1', ""),
        ('[{"id": "tool--1"}]', ""),
        ("", ""),
    ],
)
def test_what_is_broken_is_called_what_it_calls_itself(body: str, name: str):
    assert called(body.encode()) == name


@pytest.mark.parametrize(
    ("data", "line", "column", "word"),
    [
        (b'{"a": 1,\n "b": }', 2, 7, "value"),
        (b'{"a": 1}\n}', 2, 1, "behind"),
        (b"[1,\n2", 2, 2, "ends"),
        (b'{"a": "\xe9"}', 1, 8, "UTF-8"),
        (b'{"a": "\xc3\xa9",\n"b": "\xff"}', 2, 7, "UTF-8"),
        (b'{"a": "x\ny"}', 1, 9, "control"),
        (b'{"a": 1, "a": 2, "objects": []}', 1, 14, "twice"),
    ],
)
def test_an_error_names_line_and_column(data: bytes, line: int, column: int, word: str):
    with pytest.raises(DocumentError, match=word) as caught:
        split_stream(io.BytesIO(data))
    assert (caught.value.line, caught.value.column) == (line, column)


def test_the_place_of_a_wrong_byte_is_right_far_into_a_file():
    data = b'{"a": [\n"' + b'a",\n"\xc3\xa9' * (CHUNK_BYTES // 4) + b'",\n"ab\xff"]}'
    with pytest.raises(DocumentError, match="0xff") as caught:
        split_stream(io.BytesIO(data))
    before = data[: data.index(b"\xff")].decode()
    assert caught.value.line == before.count("\n") + 1
    assert caught.value.column == len(before) - before.rindex("\n")


@pytest.mark.parametrize(
    "bundle",
    [
        '{"type": "bundle", "objects": [{"type": "tool"}], "objects": []}',
        '{"objects": [], "type": "bundle", "objects": [{"type": "tool"}]}',
        '{"type": "bundle", "type": "bundle", "objects": []}',
        '{"type": "bundle", "x": {"a": 1, "a": 2}, "objects": []}',
    ],
)
def test_a_key_that_stands_twice_in_a_bundle_is_refused_or_told_by_both_ways_of_reading(bundle: str):
    found = []
    for read_it in (split, split_stream):
        try:
            outline, _ = read_it(io.BytesIO(bundle.encode()))
            found.append(outline.kind)
        except DocumentError as error:
            found.append(error.what)
    assert found[0] == found[1]
    assert "twice" in found[0] or '"x"' in bundle


def test_a_document_of_millions_of_nothings_is_not_read_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(splitting, "MAX_WHOLE_COMMAS", 10)
    monkeypatch.setattr(splitting, "MAX_HELD", 50)
    assert split(io.BytesIO(b"[" + b"1," * 40 + b"1]"))[0].held == 41
    with pytest.raises(DocumentError, match="more than 50 objects"):
        split(io.BytesIO(b"[" + b"1," * 60 + b"1]"))


# --- One object -------------------------------------------------------------------------------------


def test_what_travels_is_the_body_as_it_came_with_both_digests():
    body = ('{ "id":"' + ID + '", "type":"tool","modified":"2026-01-02T00:00:00Z" }').encode()
    raw = read(body)
    assert raw.body == body
    assert (raw.header.type, raw.header.id, raw.header.version) == ("tool", ID, "2026-01-02T00:00:00Z")
    other = read(codec.canonical(codec.decode(body)))
    assert raw.digest == other.digest
    assert raw.body_digest != other.body_digest


@given(objects)
def test_another_spelling_has_the_same_digest_and_another_content_another(value: dict[str, object]):
    value = {"type": "tool", "id": ID, "x": value}
    one = read(json.dumps(value, indent=2).encode())
    two = read(json.dumps(dict(reversed(value.items())), ensure_ascii=False).encode())
    assert one.digest == two.digest
    assert read(json.dumps({**value, "y": 1}).encode()).digest != one.digest


@pytest.mark.parametrize(
    "inner",
    [
        '"a": 1, "a": 1',
        '"a": 1, "a": 2',
        '"a": 1, "\\u0061": 2',
        '"x": {"b": [{"c": 1, "c": 2}]}',
        '"a": "\\u0022", "a": 2',
        '"a\\"": 1, "a\\u0022": 2',
        '"id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd30"',
    ],
)
def test_a_key_that_stands_twice_anywhere_in_an_object_is_refused(inner: str):
    with pytest.raises(LimitError, match="stands twice") as caught:
        read(f'{{"type": "tool", "id": "{ID}", {inner}}}'.encode())
    assert "RFC 7493" in caught.value.clause


@pytest.mark.parametrize(
    "inner",
    ['"a": "\\"", "b": "\\u0022"', '"a": {"x": 1}, "b": {"x": 1}', '"a\\"": 1, "a": 2', '"a": "\\\\"'],
)
def test_keys_that_only_look_alike_are_taken(inner: str):
    read(f'{{"type": "tool", "id": "{ID}", {inner}}}'.encode())


@given(st.dictionaries(st.text('a"\\\n\u00e9\U0001f600'), st.text('a"\\\n'), max_size=6))
def test_no_object_with_keys_of_its_own_is_suspected(value: dict[str, str]):
    for ascii_only in (True, False):
        body = json.dumps({"type": "tool", "id": ID, "x": value}, ensure_ascii=ascii_only).encode()
        assert read(body).value["x"] == value


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('"\\ud800"', "surrogate"),
        ('"\\udc00x"', "surrogate"),
        ('{"\\ud800": 1}', "surrogate"),
        ("9007199254740993", "2^53"),
        ("-9007199254740993", "2^53"),
        ("1e400", "too large"),
        ("[" * 5000 + "]" * 5000, "nested"),
    ],
)
def test_what_two_readers_read_in_two_ways_is_refused(text: str, word: str):
    with pytest.raises(LimitError) as caught:
        read(f'{{"type": "tool", "id": "{ID}", "x_a": {text}}}'.encode())
    assert word in caught.value.what


@pytest.mark.parametrize("text", ["[]", "1", '"tool"', "null", "true"])
def test_what_is_no_object_is_refused(text: str):
    with pytest.raises(LimitError, match="no object"):
        decode_object(text.encode())


# --- Which version of STIX --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "bundle_version", "read_as"),
    [
        ({"type": "tool", "spec_version": "2.1"}, "2.0", "2.1"),
        ({"type": "tool", "spec_version": "2.0"}, "2.1", "2.0"),
        ({"type": "tool", "spec_version": "3.0"}, "", "2.1"),
        ({"type": "tool"}, "2.0", "2.0"),
        ({"type": "tool"}, "2.1", "2.1"),
        ({"type": "tool"}, "", "2.0"),
        ({"type": "tool"}, "7", "2.0"),
        ({"type": "ipv4-addr"}, "2.0", "2.1"),
        ({"type": "grouping"}, "", "2.1"),
        ({"type": "indicator", "pattern_type": "stix"}, "", "2.1"),
        ({"type": "observed-data", "object_refs": []}, "", "2.1"),
        ({"type": "observed-data", "objects": {}}, "", "2.0"),
        ({"type": []}, "", "2.0"),
        ({"type": {"a": 1}}, "2.1", "2.1"),
        ({}, "", "2.0"),
    ],
)
def test_the_version_is_what_the_object_states_then_its_form_then_its_bundle(
    value: dict[str, object], bundle_version: str, read_as: str
):
    assert spec_version_of(value, bundle_version) == read_as


# --- Ids of observables -----------------------------------------------------------------------------


def test_the_ids_of_observables_are_those_of_the_standard(shared_data: Path):
    vectors = json.loads((shared_data / "vectors" / "sco_ids.json").read_text("utf-8"))["vectors"]
    assert len(vectors) == 31
    for vector in vectors:
        assert observable_id(vector["content"]) == vector["expect"], vector["id"]


def test_an_id_stands_for_what_contributes_and_nothing_else():
    one = observable_id({"type": "domain-name", "value": "evil.example"})
    assert one == observable_id({"type": "domain-name", "value": "evil.example", "x_seen": 3})
    assert one != observable_id({"type": "domain-name", "value": "evil2.example"})
    assert observable_id({"type": "process", "pid": 3}) is None
    assert observable_id({"type": "file", "size": 3}) is None


def test_of_several_hashes_one_makes_the_id():
    md5, sha = {"MD5": "a" * 32}, {"SHA-256": "b" * 64}
    both = observable_id({"type": "file", "hashes": {**sha, **md5}})
    assert both == observable_id({"type": "file", "hashes": md5})
    assert both != observable_id({"type": "file", "hashes": sha})


def test_an_id_without_a_rule_is_the_same_for_the_same_bytes():
    one = stable_id("process", b"digest", b"0")
    assert one == stable_id("process", b"digest", b"0")
    assert one != stable_id("process", b"digest", b"1")
    assert one[-22] == "4"


# --- Times ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"])
def test_a_time_beyond_the_calendar_is_no_time(text: str):
    with pytest.raises(ValueError, match="calendar"):
        parse_time(text)
