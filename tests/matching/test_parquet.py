"""A log in Parquet gives the hits that the same records give as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.matching.test_hunt import a_set

from backchannel.matching import engine, parquet
from backchannel.matching.hunt import Tally, hunt_log

PATTERNS = (
    "[ipv4-addr:value = '203.0.113.7']",
    "[domain-name:value = 'evil.example']",
    "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
    "[url:value = 'http://evil.example/a']",
)
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
LOGS = {
    "zeek-json": [
        {"ts": 1772359200.5, "uid": "C1", "id.orig_h": "10.0.0.5", "id.resp_h": "203.0.113.7", "query": None, "answers": None, "md5": None, "host": None, "uri": None},
        {"ts": 1772359201.5, "uid": "C2", "id.orig_h": "10.0.0.5", "id.resp_h": "10.0.0.1", "query": "a.evil.example", "answers": ["192.0.2.1", "203.0.113.7"], "md5": None, "host": None, "uri": None},
        {"ts": 1772359202.5, "uid": "C3", "id.orig_h": "10.0.0.5", "id.resp_h": "10.0.0.1", "query": None, "answers": [], "md5": MD5, "host": "evil.example", "uri": "/a"},
    ],
    "zeek-json, nested": [
        {"ts": 1772359200.5, "uid": "C1", "id": {"orig_h": "10.0.0.5", "resp_h": "203.0.113.7"}, "query": "evil.example"},
        {"ts": 1772359200.5, "uid": "C1", "id": {"orig_h": "10.0.0.5", "resp_h": "10.0.0.1"}, "query": None},
    ],
    "ecs": [
        {"@timestamp": "2026-03-01T10:00:00Z", "ecs": {"version": "8"}, "source": {"ip": "10.0.0.5"}, "destination": {"ip": "203.0.113.7"},
         "dns": {"answers": [{"data": "evil.example"}]}, "file": {"hash": {"md5": MD5}}},
        {"@timestamp": "2026-03-01T10:00:01Z", "ecs": {"version": "8"}, "source": {"ip": "10.0.0.5"}, "destination": {"ip": "10.0.0.1"},
         "dns": {"answers": []}, "file": None},
    ],
    "ocsf": [
        {"class_uid": 4001, "category_uid": 4, "time": 1772359200000, "src_endpoint": {"ip": "10.0.0.5"}, "dst_endpoint": {"ip": "203.0.113.7"}},
        {"class_uid": 4001, "category_uid": 4, "time": 1772359201000, "src_endpoint": {"ip": "203.0.113.7"}, "dst_endpoint": {"ip": "10.0.0.1"}},
    ],
}  # fmt: skip


def hunted(path: Path, folder: Path) -> tuple[list[tuple[object, ...]], Tally]:
    tally = Tally()
    found = [
        (
            one.line,
            one.met.object_row,
            one.field.name,
            one.met.scope,
            one.layout.seen_at(one.cells),
            one.cells[one.layout.source],
        )
        for one in hunt_log(path, a_set(folder, *PATTERNS), tally)
    ]
    return found, tally


def packed(path: Path, folder: Path) -> Path:
    """The same records in Parquet, with the types that DuckDB finds for them."""
    made = folder / "log.parquet"
    with engine.connect() as database:
        database.execute(
            f"COPY (FROM read_json('{path}', format = 'newline_delimited')) TO '{made}' (FORMAT parquet)"
        )
    return made


@pytest.mark.parametrize("name", LOGS)
def test_parquet_gives_what_json_gives(name: str, tmp_path: Path):
    log = tmp_path / "log.json"
    log.write_text("".join(json.dumps(record) + "\n" for record in LOGS[name]))
    expected, as_json = hunted(log, tmp_path)
    got, as_rows = hunted(packed(log, tmp_path), tmp_path)
    assert expected
    assert got == expected
    assert (as_rows.records, as_rows.layouts, as_rows.skipped) == (
        len(LOGS[name]),
        {name.partition(",")[0]: 1},
        [],
    )
    assert as_rows.shown.kinds == as_json.shown.kinds


def test_parquet_that_is_damaged_or_of_no_format_is_named(tmp_path: Path):
    log = tmp_path / "log.json"
    log.write_text("".join(json.dumps(record) + "\n" for record in LOGS["ecs"]))
    path = packed(log, tmp_path)
    whole = path.read_bytes()
    first = parquet.log_id_of(path)
    path.write_bytes(whole[: len(whole) // 2])
    assert "it is damaged" in hunted(path, tmp_path)[1].skipped[0].why
    log.write_text('{"a": 1}\n')
    assert "no format" in hunted(packed(log, tmp_path), tmp_path)[1].skipped[0].why
    log.write_text("".join(json.dumps(record) + "\n" for record in LOGS["ecs"] * 2))
    assert parquet.log_id_of(packed(log, tmp_path)) != first, "with more rows it is another log"
