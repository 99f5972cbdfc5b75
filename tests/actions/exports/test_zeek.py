from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.actions.made import GREEN, NOW, entry, label

from backchannel.actions.exports import zeek
from backchannel.actions.exports.entry import Export, ExportEntry
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import normalise
from backchannel.stix.markings import Pap

TYPES = {"ADDR", "SUBNET", "URL", "DOMAIN", "EMAIL", "FILE_HASH"}
FIELDS = ["indicator", "indicator_type", "meta.source", "meta.desc", "meta.url"]


@dataclass(frozen=True)
class Item:
    """What Zeek's ASCII reader makes of one line."""

    indicator: str
    type: str
    source: str
    desc: str


def unescape(field: str) -> str:
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), field.encode()).decode("utf-8")


def read(data: bytes) -> list[Item]:
    """A reader as strict as Zeek's: one stray TAB, an unset field or an unknown type is an error."""
    text = data.decode("ascii")
    assert text.endswith("\n")
    assert "\r" not in text
    head, *lines = text[:-1].split("\n")
    assert head.split("\t") == ["#fields", *FIELDS]
    items = []
    for line in lines:
        fields = line.split("\t")
        assert len(fields) == len(FIELDS), line
        assert not line.startswith("#"), "Zeek would skip it as a comment"
        assert all(field == field.strip() and field for field in fields)
        indicator, kind, source, desc, url = fields
        assert "-" not in (indicator, source, desc), "Zeek would read it as unset"
        assert indicator != "(empty)"
        assert url == "-"
        assert kind.startswith("Intel::")
        assert kind.removeprefix("Intel::") in TYPES
        assert line.isprintable() or "\t" in line
        items.append(Item(unescape(indicator), kind.removeprefix("Intel::"), source, desc))
    return items


def export(*entries: ExportEntry) -> Export:
    return zeek.write(entries, at=NOW)


def items(*entries: ExportEntry) -> list[Item]:
    return read(export(*entries).files["intel.dat"])


def test_each_kind_has_its_type_and_a_url_no_scheme():
    found = items(
        entry("203.0.113.7", Kind.ADDRESS),
        entry("2001:db8::/64", Kind.ADDRESS),
        entry("Evil.Example", Kind.DOMAIN),
        entry("https://evil.example:8443/Path?q=1", Kind.URL),
        entry("A" * 64, Kind.HASH),
        entry("Mallory@evil.example", Kind.EMAIL),
    )
    assert {(item.type, item.indicator) for item in found} == {
        ("ADDR", "203.0.113.7"),
        ("SUBNET", "2001:db8::/64"),
        ("DOMAIN", "evil.example"),
        ("URL", "evil.example:8443/path?q=1"),
        ("FILE_HASH", "a" * 64),
        ("EMAIL", "mallory@evil.example"),
    }


def test_each_line_names_the_indicator_and_its_end():
    (item,) = items(entry("evil.example", title="Loader", source="CERT Ünïon; Alpha"))
    assert item.desc == (
        "indicator--6a1b2c3d-0000-4000-8000-000000000001 until 2027-05-17T12:00:00.000Z Loader"
    )
    assert item.source == "CERT Union Alpha"


@pytest.mark.parametrize("source", ["", "-"])
def test_a_source_that_zeek_would_read_as_unset_is_not_written(source: str):
    (item,) = items(entry("evil.example", source=source))
    assert item.source == "Backchannel"


def test_two_indicators_of_one_source_share_a_line_and_two_sources_do_not():
    same = items(entry("evil.example", number=1), entry("evil.example", number=2))
    assert len(same) == 1
    assert same[0].desc.count("indicator--") == 2
    assert len(items(entry("evil.example", number=1), entry("evil.example", number=2, source="B"))) == 2
    made = export(entry("evil.example", number=1), entry("evil.example", number=2))
    assert [line.line for line in made.manifest] == [2, 2]


def test_an_empty_export_is_a_header():
    made = export()
    assert read(made.files["intel.dat"]) == []
    assert set(made.files) == {"intel.dat", "__load__.zeek"}


def test_what_is_withdrawn_is_dropped_because_the_loader_sets_an_expiry():
    script = export().files["__load__.zeek"].decode("ascii")
    assert "@load policy/frameworks/intel/do_expire" in script
    assert script.index("do_expire") < script.index("redef Intel::item_expiration = 48hr;")
    assert 'fmt("%s/intel.dat", @DIR)' in script


def test_detection_needs_no_pap_but_red_keeps_it_to_stored_logs():
    for pap in (None, Pap.AMBER, Pap.GREEN, Pap.CLEAR):
        assert len(items(entry("evil.example", standing=replace(GREEN, pap=pap)))) == 1
    made = export(entry("evil.example", standing=replace(GREEN, pap=Pap.RED)))
    assert [skip.gate for skip in made.skipped] == ["pap"]


def test_what_zeek_cannot_express_is_left_out_with_the_reason():
    made = export(
        entry("0" * 128, Kind.HASH, number=1),
        entry("under.example", number=2, scope="subdomain"),
        entry("http://pre.example/d", Kind.URL, number=3, scope="url prefix"),
        entry("8.8.8.8", Kind.ADDRESS, number=4, labels=(label("infrastructure"),)),
        entry("10.0.0.0/7", Kind.ADDRESS, number=5),
    )
    assert read(made.files["intel.dat"]) == []
    assert {skip.indicator[-1]: skip.gate for skip in made.skipped} == {
        "1": "format",
        "2": "format",
        "3": "format",
        "4": "infrastructure",
        "5": "width",
    }


def test_the_manifest_points_at_each_line():
    made = export(entry("evil.example", number=1), entry("203.0.113.7", Kind.ADDRESS, number=2))
    lines = made.files["intel.dat"].decode().splitlines()
    for row in made.manifest:
        assert row.indicator in lines[row.line - 1]
        assert lines[row.line - 1].startswith(row.value)


def test_order_does_not_matter():
    entries = [entry(f"n{number}.example", number=number) for number in range(9)]
    assert export(*entries) == export(*reversed(entries))


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([Kind.URL, Kind.EMAIL, Kind.DOMAIN]))
def test_what_is_written_is_what_a_strict_reader_reads(value: str, text: str, kind: Kind):
    raw = {Kind.URL: f"http://evil.example/{value}", Kind.EMAIL: f"{value}@evil.example", Kind.DOMAIN: value}[
        kind
    ]
    try:
        wanted = normalise(kind, raw).value.lower()
    except ValueError:
        return
    found = items(entry(raw, kind, title=text, source=text))
    if found:
        assert found[0].indicator == wanted.removeprefix("http://")


@pytest.mark.parametrize("text", ["-", "(empty)", "#fields", "a\tb", "a\nb", "a\\x09b", "é", "a b"])
def test_the_escape_can_be_read_back(text: str):
    written = zeek.escape(text)
    assert unescape(written) == text
    assert written.isascii()
    assert written[0] not in "-#("
    assert not set("\t\n ") & set(written)


def test_golden(tmp_path: Path):
    made = export(
        entry("evil.example", title="Loader"), entry("203.0.113.7", Kind.ADDRESS, number=2, title="")
    )
    assert made.files["intel.dat"] == (
        b"#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n"
        b"203.0.113.7\tIntel::ADDR\tCERT Alpha\tindicator--6a1b2c3d-0000-4000-8000-000000000002 "
        b"until 2026-12-18T12:00:00.000Z\t-\n"
        b"evil.example\tIntel::DOMAIN\tCERT Alpha\tindicator--6a1b2c3d-0000-4000-8000-000000000001 "
        b"until 2027-05-17T12:00:00.000Z Loader\t-\n"
    )
