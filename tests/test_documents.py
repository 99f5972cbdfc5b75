"""What the desk answers with is a versioned interface."""

from __future__ import annotations

import re

from backchannel import codec
from backchannel.desk import documents
from backchannel.stix.findings import Finding


def test_every_document_with_a_schema_names_it_first_and_with_a_number():
    for value in vars(documents).values():
        fields = getattr(value, "__struct_fields__", ())
        if "schema" in fields:
            assert fields[0] == "schema", value
            assert re.fullmatch(r"backchannel\.[a-z-]+/\d+", value.__struct_defaults__[0] or ""), value


def test_a_finding_is_written_with_the_keys_that_scripts_read():
    finding = Finding("note", "indicator--x", "a.json#/objects/0", "Labels are empty.", "STIX 2.1 §3.2")
    assert list(codec.decode(codec.encode(finding))) == ["level", "object", "where", "what", "clause"]


def test_canonical_form_is_the_same_for_the_same_content_in_another_spelling():
    one = codec.decode(b'{"b": 1, "a": "\\u00e9"}')
    other = codec.decode('{"a":"é","b":1}')
    assert codec.canonical(one) == codec.canonical(other) == '{"a":"é","b":1}'.encode()
    assert codec.canonical({"n": 1.0}) == b'{"n":1}'
