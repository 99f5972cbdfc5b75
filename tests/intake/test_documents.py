"""STIX in JSON as it comes: bundles, envelopes, lists, lines; one bad object never costs its neighbours."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from tests.intake.reader import NOW, UUID, findings, names, refusals, take, taken, the_refusal, written

from backchannel.intake.containers import Source
from backchannel.intake.documents import read_document
from backchannel.intake.recognise import HEAD_BYTES
from backchannel.intake.records import Terms
from backchannel.stix.limits import MAX_OBJECT_BYTES

Value = dict[str, object]


def tool(n: int = 1, **properties: object) -> Value:
    return {
        "type": "tool",
        "spec_version": "2.1",
        "id": f"tool--{UUID[:-4]}{n:04}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"Tool {n}",
        **properties,
    }


def bundle(*objects: object, **members: object) -> str:
    """A bundle; an object given as text stands in it letter for letter."""
    head: Value = {"type": "bundle", "id": f"bundle--{UUID}", **members}
    bodies = [one if isinstance(one, str) else json.dumps(one) for one in objects]
    text = json.dumps({name: one for name, one in head.items() if one is not None})
    return f'{text[:-1]}, "objects": [{", ".join(bodies)}]}}'


def lined(*values: object) -> str:
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in values)


# --- Forms ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (bundle(tool(1), tool(2)), ["#/objects/0", "#/objects/1"]),
        (json.dumps({"objects": [tool(1), tool(2)], "more": False}), ["#/objects/0", "#/objects/1"]),
        (json.dumps([tool(1), tool(2)], indent=2), ["#/0", "#/1"]),
        (json.dumps(tool(1), indent=2), [""]),
        ("\ufeff" + json.dumps(tool(1)), [""]),
        (lined(tool(1), tool(2)), [":1", ":2"]),
        (lined(tool(1), "", tool(2)), [":1", ":3"]),
        (lined(tool(1), tool(2)).replace("\n", "\r\n"), [":1", ":2"]),
        (lined(bundle(tool(1), tool(2)), tool(3)), [":1#/objects/0", ":1#/objects/1", ":2"]),
        (json.dumps(tool(1)) + "\n", [""]),
    ],
)
def test_each_form_gives_its_objects_with_their_addresses(tmp_path: Path, text: str, places: list[str]):
    path = written(tmp_path, text)
    items = take(path)
    assert [item.place for item in items] == [f"{path}{place}" for place in places]
    assert len(taken(items)) == len(places)


def test_what_is_in_the_file_is_what_is_kept(tmp_path: Path):
    body = '{ "type":"tool",\n  "id":"tool--' + UUID + '", "name" : "\\u00e9\u00e9" }'
    (item,) = taken(take(written(tmp_path, bundle(body, spec_version="2.0"))))
    assert item.raw.body.decode() == body
    assert item.raw.header.spec_version == "2.0"
    assert item.original is None


@pytest.mark.parametrize(
    "text",
    [bundle(), json.dumps({"type": "bundle", "id": f"bundle--{UUID}"}), '{"objects": []}', "[]", " [ ] "],
)
def test_what_holds_nothing_gives_nothing(tmp_path: Path, text: str):
    assert take(written(tmp_path, text)) == []


# --- Bundles ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"id": None}, "#/id"),
        ({"id": "x"}, "#/id"),
        ({"spec_version": "3.0"}, "#/spec_version"),
        ({"spec_version": None}, ""),
        ({"spec_version": "2.1"}, ""),
        ({"spec_version": "2.0"}, ""),
    ],
)
def test_what_is_wrong_with_a_bundle_is_told_once(tmp_path: Path, members: Value, where: str):
    path = written(tmp_path, bundle(tool(1), tool(2), **members))
    assert [(found.level, found.where) for found in findings(take(path))] == (
        [("note", f"{path}{where}")] if where else []
    )


def test_a_bundle_of_which_nobody_says_the_version_is_read_as_2_0_and_that_is_told(tmp_path: Path):
    one, two = tool(1), tool(2)
    del one["spec_version"], two["spec_version"]
    items = take(written(tmp_path, bundle(one | {"labels": ["x"]}, two | {"labels": ["x"]})))
    assert {item.raw.header.spec_version for item in taken(items)} == {"2.0"}
    (found,) = findings(items)
    assert found.object == f"bundle--{UUID}"
    assert "read as 2.0" in found.what
    assert findings(take(written(tmp_path, json.dumps({"objects": [one | {"labels": ["x"]}]})))) == []


@pytest.mark.parametrize("objects", ["null", '"x"', "{}", "7"])
def test_a_bundle_whose_objects_are_no_list_is_refused(tmp_path: Path, objects: str):
    text = f'{{"type": "bundle", "id": "bundle--{UUID}", "objects": {objects}}}'
    assert "no list" in the_refusal(take(written(tmp_path, text))).what


BAD = {
    "no id": '{"type": "tool"}',
    "no type": f'{{"id": "tool--{UUID}"}}',
    "type is a list": f'{{"type": [], "id": "tool--{UUID}"}}',
    "type is an object": f'{{"type": {{}}, "id": "tool--{UUID}", "created": 1}}',
    "a bundle": bundle(tool(9)),
    "null": "null",
    "a number": "1e400",
    "a text": '"tool"',
    "a list": "[[]]",
    "a key twice": f'{{"type": "tool", "id": "tool--{UUID}", "name": "a", "name": "b"}}',
    "half a surrogate pair": f'{{"type": "tool", "id": "tool--{UUID}", "name": "\\ud800"}}',
    "an integer beyond 2^53": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": 9007199254740993}}',
    "a number too large": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": 1e999}}',
    "40 deep": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": {"[" * 40 + "]" * 40}}}',
    "100,000 deep": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": {"[" * 100_000 + "]" * 100_000}}}',
    "NaN": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": NaN}}',
    "an infinity": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": [-Infinity]}}',
    "None": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": None}}',
    "a number that begins with 0": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": 01}}',
    "no comma": f'{{"type": "tool" "id": "tool--{UUID}"}}',
    "a comma too many": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": [1],}}',
    "other quotation marks": f'{{"type": "tool", "id": "tool--{UUID}", "x_n": \'a\'}}',
    "a tab in a text": f'{{"type": "tool", "id": "tool--{UUID}", "name": "}}\t{{"}}',
    "an escape that is none": f'{{"type": "tool", "id": "tool--{UUID}", "name": "\\x41"}}',
    "half a surrogate pair as a key": f'{{"type": "tool", "id": "tool--{UUID}", "\\udc00": 1}}',
    "a byte that is not UTF-8": f'{{"type": "tool", "id": "tool--{UUID}", "name": "caf\udce9"}}',
    "a surrogate in UTF-8": f'{{"type": "tool", "id": "tool--{UUID}", "name": "\udced\udca0\udc80"}}',
    "NaN and nothing else": "NaN",
    "40 MiB of no JSON": f'{{"type": "tool", "id": "tool--{UUID}", NaN: "{"x" * 4 * MAX_OBJECT_BYTES}"}}',
    "100,000 objects deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "too long": json.dumps(tool(9, x_text="x" * MAX_OBJECT_BYTES)),
}


def id_in(bad: str) -> str:
    match = re.search(r"[a-z]+--[0-9a-f-]{36}", bad)
    return match[0] if match else ""


@pytest.mark.parametrize(
    ("name", "form"),
    [
        (name, form)
        for name in BAD
        for form in ("bundle", "list", "lines")
        if (name, form) != ("a bundle", "lines")  # that one is read
    ],
)
def test_a_bad_object_costs_only_itself(tmp_path: Path, name: str, form: str):
    bad = BAD[name]
    values = [json.dumps(tool(1)), bad, json.dumps(tool(2))]
    text = {"bundle": bundle(*values), "list": f"[{','.join(values)}]", "lines": lined(*values)}[form]
    path = written(tmp_path, text.encode("utf-8", "surrogateescape"))
    items = take(path)
    assert names(items) == ["Tool 1", "Tool 2"]
    (found,) = refusals(items)
    assert found.object == id_in(bad)
    place = {"bundle": "#/objects/1", "list": "#/1", "lines": ":2"}[form]
    assert found.where.startswith(f"{path}{place}")
    assert found.what.isprintable()
    assert len(found.what) < 400


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_object_alone_is_refused(tmp_path: Path, bad: str):
    if '"bundle"' not in bad:
        found = the_refusal(take(written(tmp_path, bad.encode("utf-8", "surrogateescape"))))
        assert found.object == id_in(bad)


def test_the_place_of_what_is_no_json_is_told_in_the_file(tmp_path: Path):
    text = json.dumps({"type": "bundle", "objects": [tool(1), tool(2, x_n=7), tool(3)]}, indent=1)
    (found,) = refusals(take(written(tmp_path, text.replace(": 7", ": NaN"))))
    line = text[: text.index(": 7")].count("\n") + 1
    assert f"line {line}, column 11: NaN is no number of JSON" in found.what
    assert "leave the property out" in found.what


@pytest.mark.parametrize("stray", [",]}", ",,"])
def test_a_comma_too_many_between_objects_costs_none_of_them(tmp_path: Path, stray: str):
    text = bundle(tool(1), tool(2)).replace(
        "}, {" if stray == ",," else "]}", stray if stray != ",," else "},, {"
    )
    items = take(written(tmp_path, text))
    assert names(items) == ["Tool 1", "Tool 2"]
    assert "a value is expected here" in refusals(items)[0].what


@pytest.mark.parametrize("begun", ["", f'"a": {"[" * 100_000 + "]" * 100_000}, '])
def test_where_a_quotation_mark_is_missing_no_text_is_taken_for_an_object(tmp_path: Path, begun: str):
    trap = json.dumps(tool(9))
    told = tool(2, description=f"a report that quotes }}, {trap}, {{")
    text = bundle(f'{{{begun}"type": "tool", "name": "x}}', told, tool(3))
    items = take(written(tmp_path, text))
    assert "a backslash stands outside of a text" in the_refusal(items).what


def test_a_document_that_is_broken_all_over_is_refused_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backchannel.stix.split.MAX_BROKEN", 10)
    assert len(refusals(take(written(tmp_path, bundle(*["{x}"] * 10))))) == 10
    assert "more than 10 of its objects" in the_refusal(take(written(tmp_path, bundle(*["{x}"] * 11)))).what


def test_the_bytes_of_what_is_refused_are_kept_and_cut_where_they_are_too_many(tmp_path: Path):
    for name in ("no id", "too long"):
        items = take(written(tmp_path, bundle(tool(1), BAD[name])))
        original = items[1].original
        assert original is not None
        assert BAD[name].encode().startswith(original)
        assert len(original) == min(len(BAD[name]), MAX_OBJECT_BYTES)


# --- What is broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 60, 300, -1, -2])
def test_of_a_document_that_is_cut_off_nothing_is_taken(tmp_path: Path, cut: int):
    found = the_refusal(take(written(tmp_path, bundle(tool(1), tool(2))[:cut])))
    assert "broken JSON (line 1, column" in found.what
    assert "fetch it again" in found.what
    assert found.clause == "RFC 8259"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (bundle(tool(1)) + "}", "behind the end"),
        (bundle(tool(1)).replace('"', "'"), "key in double quotes"),
        ("{type: tool}", "key in double quotes"),
        ('{"a": NaN}', "NaN"),
        ('{"a": "\t"}', "control character"),
        ('{"a": "\\x41"}', "escape"),
        (bundle('{"a": [1}', tool(1)), "a comma or the closing bracket"),
        ('{"type": "bundle", "objects": [], "objects": []}', "twice"),
        ("// a comment\n{}", ""),
    ],
)
def test_what_is_broken_is_said_in_words(tmp_path: Path, text: str, word: str):
    assert word in the_refusal(take(written(tmp_path, text))).what


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_another_encoding_is_refused_with_the_mend(tmp_path: Path, encoding: str):
    text = json.dumps(tool(1, name="caf\u00e9"), ensure_ascii=False, indent=1)
    found = the_refusal(take(written(tmp_path, text.encode(encoding))))
    assert "save it as UTF-8" in found.what
    if not encoding.startswith("utf"):
        assert "line 7, column 14" in found.what
        assert found.where.endswith(":7")


def test_a_nul_far_into_a_document_costs_its_object_only(tmp_path: Path):
    text = bundle(
        tool(1, description="x" * HEAD_BYTES), tool(2, name="a\0b").__str__().replace("\\x00", "\0")
    )
    items = take(written(tmp_path, text))
    assert names(items) == ["Tool 1"]
    assert len(refusals(items)) == 1


class Changing(io.BytesIO):
    """A file that somebody writes anew while it is read."""

    def __init__(self, first: str, then: str) -> None:
        super().__init__(first.encode())
        self._then = then.encode()

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset == 0 and self.tell() > HEAD_BYTES:
            self.truncate(0)
            super().seek(0)
            self.write(self._then)
        return super().seek(offset, whence)


@pytest.mark.parametrize("then", ["", "[", '{"type": "bundle", "objects": [1, 2', "x", "\u00e9"])
def test_a_file_that_changes_while_it_is_read_is_told_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, then: str
):
    monkeypatch.setattr("backchannel.stix.split.MAX_WHOLE_BYTES", 1000)
    monkeypatch.setattr("backchannel.stix.window.CHUNK_BYTES", 1000)
    whole = bundle(*(tool(n, description="x" * 2000) for n in range(100)))
    items = list(read_document(Source("file", Changing(whole, then)), Terms("file", "CERT Beta", NOW)))
    found = refusals(items)[-1]
    assert "changed while it was read" in found.what
    assert "import it again" in found.what


def test_a_name_with_a_hash_sign_makes_no_other_address(tmp_path: Path):
    path = written(tmp_path, bundle(tool(1, confidence=101)), "a#1.json")
    assert [found.where for found in findings(take(path))] == [f"{path}#/objects/0/confidence"]


# --- JSON lines -------------------------------------------------------------------------------------------


def test_a_first_line_longer_than_what_is_looked_at_is_still_a_line(tmp_path: Path):
    text = lined(tool(1, description="x" * (HEAD_BYTES + 10)), tool(2), tool(3))
    assert names(take(written(tmp_path, text))) == ["Tool 1", "Tool 2", "Tool 3"]


@pytest.mark.parametrize("cut", ["{", '{"type": "tool", ', '{"a": tru', "x", '{"type": "tool"}}'])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_line_cut_in_the_middle_costs_only_itself(tmp_path: Path, cut: str, at: int):
    values: list[object] = [tool(1), tool(2), tool(3)]
    values[at:at] = [cut if at or cut.startswith('{"') else '{"type": "to']
    path = written(tmp_path, lined(*values))
    items = take(path)
    assert names(items) == ["Tool 1", "Tool 2", "Tool 3"]
    (found,) = refusals(items)
    assert found.where == f"{path}:{at + 1}"
    assert "the other lines are read" in found.what


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"ts": 1.5, "uid": "C1", "id.orig_h": "192.0.2.1"}', "backchannel hunt"),
        ('{"timestamp": "2026-01-01", "event_type": "dns"}', "backchannel hunt"),
        ('{"cidr": "192.0.2.0/24", "owner": "EXAMPLE", "rir": "x"}', "no STIX"),
        ('{"list": [], "matching_attributes": [], "name": "x"}', "MISP warninglist"),
    ],
)
@pytest.mark.parametrize("count", [2, 5000])
def test_lines_of_another_form_are_refused_once_and_not_line_by_line(
    tmp_path: Path, line: str, what: str, count: int
):
    path = written(tmp_path, lined(*[line] * count))
    found = the_refusal(take(path))
    assert what in found.what
    assert found.where == str(path)


def test_a_foreign_line_among_stix_costs_only_itself(tmp_path: Path):
    items = take(written(tmp_path, lined({"a": 1}, {"b": 1}, tool(1), {"c": 1}, tool(2))))
    assert names(items) == ["Tool 1", "Tool 2"]
    assert [found.where[-2:] for found in refusals(items)] == [":1", ":2", ":4"]


def test_a_line_that_is_too_long_costs_only_itself(tmp_path: Path):
    text = lined(tool(1), '{"a": "' + "x" * (MAX_OBJECT_BYTES + 10) + '"}', tool(2))
    items = take(written(tmp_path, text))
    assert names(items) == ["Tool 1", "Tool 2"]
    assert "longer than 10 MiB" in refusals(items)[0].what


def test_pretty_printed_objects_one_after_the_other_are_one_broken_document(tmp_path: Path):
    text = json.dumps(tool(1), indent=1) + "\n" + json.dumps(tool(2), indent=1)
    assert "behind the end" in the_refusal(take(written(tmp_path, text))).what


# --- JSON that is no STIX ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"Event": {"uuid": UUID}}, "MISP event"),
        ({"response": [{"Event": {}}]}, "MISP event"),
        ([{"Event": {}}], "MISP event"),
        ({"Attribute": []}, "MISP"),
        ({"Object": []}, "MISP"),
        ({UUID: {"Orgc": {}, "info": "x"}}, "manifest of a MISP feed"),
        ({"values": [], "uuid": UUID, "name": "x"}, "galaxy"),
        ({"list": [], "matching_attributes": [], "name": "x"}, "warninglist"),
        ({"attributes": {}, "meta-category": "file"}, "template"),
        ({"event_type": "dns", "timestamp": "x"}, "Suricata"),
        ({"ts": 1, "uid": "C"}, "Zeek"),
        ({"a": 1}, "no STIX"),
        ({}, "nothing at all"),
        ([1, 2], "something else than objects"),
        ([{"ip_address": "192.0.2.1", "port": 1}], "`ip_address`"),
    ],
)
def test_json_of_another_form_is_named(tmp_path: Path, value: object, what: str):
    assert what in the_refusal(take(written(tmp_path, json.dumps(value)))).what
