"""Tables of columns: those that change in the middle, those that were cut, and those that an operator maps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.matching.test_hunt import a_set

from backchannel.logs.columns import column_shape
from backchannel.logs.mapping import read_mapping
from backchannel.logs.recognise import ReadAs
from backchannel.logs.tables import column_table_of
from backchannel.logs.times import Assumed
from backchannel.matching.hunt import Found, Tally, hunt_log


def hunted(path: Path, folder: Path, read_as: ReadAs, *patterns: str) -> tuple[list[Found], Tally]:
    tally = Tally()
    compiled = a_set(folder, *patterns)
    return list(hunt_log(path, compiled, tally, read_as=read_as)), tally


IIS = """#Software: Microsoft Internet Information Services 10.0
#Fields: date time s-ip cs-method cs-uri-stem c-ip cs-host
2026-03-01 10:00:00 10.0.0.1 GET /a 203.0.113.7 shop.example
2026-03-01 10:00:01 10.0.0.1 GET /a
#Fields: date time c-ip cs(Referer) s-ip
2026-03-01 10:00:02 203.0.113.7 http://evil.example/x 10.0.0.1
2026-03-01 10:00:03 - - 203.0.113.7
"""


def test_a_header_in_the_middle_changes_what_stands_where(tmp_path: Path):
    log = tmp_path / "u_ex260301.log"
    log.write_text(IIS)
    berlin = ReadAs(zone=timezone(timedelta(hours=2)))
    found, tally = hunted(
        log, tmp_path, berlin, "[ipv4-addr:value = '203.0.113.7']", "[domain-name:value = 'evil.example']"
    )
    assert [(one.line, one.field.name, one.met.object_row) for one in found] == [
        (3, "c-ip", 1), (6, "c-ip", 1), (6, "cs(Referer)", 2), (7, "s-ip", 1),
    ]  # fmt: skip
    assert found[0].layout.seen_at(found[0].cells) == datetime(2026, 3, 1, 10, tzinfo=UTC), (
        "W3C times are UTC"
    )
    assert [(note.line, note.why.partition(":")[0]) for note in tally.skipped] == [
        (4, "the line has 5 of 7 columns")
    ]
    assert tally.records == 4
    assert {"ipv4-addr"} <= tally.shown.kinds.keys()


def example() -> str:
    page = (ROOT / "docs" / "hunting.md").read_text("utf-8")
    return re.search(r"### Tables of your own.*?```toml\n(.*?)```", page, re.DOTALL)[1]


CSV = """Start Time,User,Client IP,Gateway,Names Asked
2026-03-01 10:00:00,"Doe, Jane",10.0.0.5,192.0.2.1,"a.example,evil.example"
2026-03-01 11:00:00,x,203.0.113.7,192.0.2.1,
Start Time,User,Client IP,Gateway,Names Asked
2026-03-01 12:00:00,"evil.example
"""


def test_the_mapping_of_the_documentation_reads_a_table(tmp_path: Path):
    (tmp_path / "vpn.toml").write_text(example(), "utf-8")
    log = tmp_path / "vpn.csv"
    log.write_text(CSV)
    read_as = ReadAs(zone=timezone(timedelta(hours=2)), mapping=read_mapping(tmp_path / "vpn.toml"))
    patterns = ("[ipv4-addr:value = '203.0.113.7']", "[domain-name:value = 'evil.example']")
    found, tally = hunted(log, tmp_path, read_as, *patterns)
    assert [(one.line, one.field.name, one.met.object_row) for one in found] == [
        (2, "Names Asked", 2),
        (3, "Client IP", 1),
    ]
    assert found[0].layout.seen_at(found[0].cells) == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert found[0].cells[found[0].layout.source] == "10.0.0.5"
    assert [note.line for note in tally.skipped] == [5]
    assert tally.layouts == {"csv": 1}
    assert tally.left_open == {"zone"}

    log.write_text(
        CSV.replace("Client IP", "Other")
        .replace("Names", "No")
        .replace("Gateway", "None")
        .replace("Start", "x")
    )
    _, tally = hunted(log, tmp_path, read_as, *patterns)
    assert tally.layouts == {}
    assert "no format that is read" in tally.skipped[0].why


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "field"),
        ("field = [", "no TOML"),
        ('[[field]]\nreading = "colour"\nnames = ["a"]', "reading"),
        ('[[field]]\nreading = "address"\nnames = "a"', "names"),
        ('[[field]]\nreading = "address"\nnames = ["a"]\nnone = 1', "none"),
        ('separator = ",,"\n[[field]]\nreading = "address"\nnames = ["a"]', "one character"),
        ('times = ["%Y"]\n[[field]]\nreading = "address"\nnames = ["a"]', "lacks"),
        ('times = ["%d %b %H:%M:%S %q"]\n[[field]]\nreading = "address"\nnames = ["a"]', "%q"),
        ('[[line]]\nshape = "(a+)+"', "line"),
        ("x" * (2**20 + 1), "longer"),
    ],
)
def test_a_mapping_that_is_not_of_its_form_is_refused(text: str, word: str, tmp_path: Path):
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(word)):
        read_mapping(path)


def test_a_table_whose_columns_nothing_names_is_told_by_what_stands_in_them():
    table = column_table_of(
        "made",
        {
            "columns": ["when", "client", "state", "more"],
            "least": 3,
            "told_by": {"state": "OPEN|SHUT", "when": r"\d{10}"},
            "time": ["when"],
            "field": [{"reading": "address", "names": ["client"]}],
        },
    )
    lines = [b'1772359200,"203.0.113.7",OPEN', b"1772359201,203.0.113.8,SHUT,x", b"something,else"]
    shape = column_shape(table, lines, Assumed())
    assert shape is not None
    cells = [dict(zip(shape.layout.columns, shape.read(line)[1], strict=True)) for line in lines[:2]]
    assert cells == [
        {("when",): "1772359200", ("client",): "203.0.113.7"},
        {("when",): "1772359201", ("client",): "203.0.113.8"},
    ]
    with pytest.raises(ValueError, match="2 of 3 columns"):
        shape.read(lines[2])
    assert column_shape(table, [lines[0], lines[2], lines[2]], Assumed()) is None
    assert column_shape(table, [b"1772359200,203.0.113.7,OTHER"], Assumed()) is None
