"""JSON of several families is told apart, and the fields of each are searched: on others' samples, else on made lines."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.matching.test_hunt import a_set, both_ways

from backchannel.logs.archives import members
from backchannel.matching import bulk
from backchannel.matching.hunt import Tally, hunt_log

WINDOWS = (
    "[ipv4-addr:value = '192.168.2.5']",
    "[ipv4-addr:value = '172.18.39.5']",
    "[domain-name:value = 'raw.githubusercontent.com']",
    "[ipv4-addr:value = '151.101.248.133']",
    "[domain-name:value = 'github.map.fastly.net']",
    "[file:hashes.MD5 = '5539643d8d55c97fb3a5f7e24c448a3f']",
    "[file:hashes.'SHA-1' = 'f1d1d942acba432d60c139a8ae9644665044bcd6']",
)
FIELDS = (
    "SourceIp",
    "SourceAddress",
    "DestinationIp",
    "DestAddress",
    "IpAddress",
    "QueryName",
    "QueryResults",
    "Hashes",
)


def events(path: Path) -> Iterator[tuple[int, dict]]:
    with zipfile.ZipFile(path) as packed:
        for member in packed.infolist():
            for number, line in enumerate(packed.read(member).splitlines(), 1):
                if line.strip():
                    yield number, json.loads(line)


@pytest.mark.parametrize("size", [2**60, 1])
def test_events_of_windows_are_searched_in_each_field(
    size: int, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", size)
    compiled = a_set(tmp_path, *WINDOWS)
    expected, found = set(), set()
    paths = sorted((shared_data / "telemetry" / "windows-otrf").glob("*.zip"))
    assert len(paths) > 20
    tally, lines = Tally(), 0
    for path in paths:
        for number, event in events(path):
            lines += 1
            for row, pattern in enumerate(WINDOWS, 1):
                value = pattern.split("'")[-2]
                if any(value in str(event.get(name, "")).lower() for name in FIELDS):
                    expected.add((path.name, number, row))
        for log, name in members(path, on_refused=lambda *_: pytest.fail("refused")):
            found |= {
                (path.name, one.line, one.met.object_row)
                for one in hunt_log(log, compiled, tally, name=name)
                if one.layout.seen_at(one.cells)
            }
    assert {row for _, _, row in expected} == set(range(1, len(WINDOWS) + 1))
    assert found == expected
    assert (tally.records, tally.layouts) == (lines, {"windows": len(paths)})
    assert {
        "file:hashes.MD5",
        "file:hashes.SHA-1",
        "file:hashes.SHA-256",
        "domain-name",
    } <= tally.shown.kinds.keys()


MADE = {
    # Winlogbeat: event data below `winlog`, ECS beside it (elastic.co, Winlogbeat exported fields).
    "windows": [
        {"@timestamp": "2026-03-01T10:00:00.000Z", "winlog": {"event_id": 3, "channel": "Microsoft-Windows-Sysmon/Operational",
         "event_data": {"SourceIp": "10.0.0.5", "DestinationIp": "203.0.113.7", "Hashes": "MD5=D41D8CD98F00B204E9800998ECF8427E,IMPHASH=00000000000000000000000000000000"}},
         "source": {"ip": "10.0.0.5"}, "dns": {"question": {"name": "a.evil.example"}}},
        {"Event": {"System": {"EventID": 3, "Computer": "ws5"}, "EventData": {"DestinationIp": "203.0.113.7", "QueryName": "evil.example",
         "Hashes": "SHA1=DA39A3EE5E6B4B0D3255BFEF95601890AFD80709,MD5=D41D8CD98F00B204E9800998ECF8427E"}}},
    ],
    "ecs": [
        {"@timestamp": "2026-03-01T10:00:00.000Z", "ecs": {"version": "8.11.0"}, "source": {"ip": "10.0.0.5"},
         "destination": {"ip": "203.0.113.7"}, "dns": {"question": {"name": "evil.example"}},
         "file": {"hash": {"md5": "d41d8cd98f00b204e9800998ecf8427e"}}},
        {"@timestamp": "2026-03-01T10:00:01.000Z", "ecs.version": "8.11.0", "source.ip": "10.0.0.5", "destination.ip": "203.0.113.7",
         "url.full": "http://evil.example/a", "file.hash.md5": "d41d8cd98f00b204e9800998ecf8427e"},
    ],
    # schema.ocsf.io: Network Activity 4001 and DNS Activity 4003.
    "ocsf": [
        {"class_uid": 4003, "category_uid": 4, "time": 1772359200000, "src_endpoint": {"ip": "10.0.0.5"},
         "dst_endpoint": {"ip": "203.0.113.7"}, "query": {"hostname": "evil.example"},
         "file": {"hashes": [{"algorithm_id": 1, "value": "d41d8cd98f00b204e9800998ecf8427e"}]}},
        {"class_uid": 4003, "category_uid": 4, "time": 1772359201000, "src_endpoint": {"ip": "10.0.0.5"},
         "dst_endpoint": {"ip": "10.0.0.1"}, "answers": [{"rdata": "203.0.113.7"}, {"rdata": "evil.example"}],
         "file": {"hashes": [{"algorithm_id": 1, "value": "d41d8cd98f00b204e9800998ecf8427e"}]}},
    ],
    # DNS-collector (docs, JSON encoding); dnstap's own JSON (golang-dnstap, `dnstap -j`).
    "dnstap": [
        {"network": {"query-ip": "10.0.0.5", "response-ip": "203.0.113.7"}, "dns": {"qname": "evil.example",
         "resource-records": {"an": [{"name": "evil.example", "rdata": "203.0.113.9"}]}},
         "dnstap": {"operation": "CLIENT_RESPONSE", "timestamp-rfc3339ns": "2026-03-01T10:00:00.559002118Z"}},
        {"type": "MESSAGE", "identity": "ns1", "message": {"type": "CLIENT_RESPONSE", "query_time": "2026-03-01T10:00:00Z",
         "query_address": "10.0.0.5", "response_address": "203.0.113.7",
         "response_message": ";; ->>HEADER<<- opcode: QUERY\n;evil.example.\tIN\tA\nevil.example.\t60\tIN\tA\t203.0.113.9\n"}},
    ],
}  # fmt: skip
"""Made by us, of the forms that the programs' own documents describe."""


@pytest.mark.parametrize("name", MADE)
def test_made_records_of_each_family_are_told_and_searched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log = tmp_path / "made.json"
    log.write_text("".join(json.dumps(record) + "\n" for record in MADE[name]))
    patterns = [
        "[ipv4-addr:value = '203.0.113.7']",
        "[domain-name:value = 'evil.example']",
        "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
    ]
    compiled = a_set(tmp_path, *patterns)
    got = both_ways(log, compiled, monkeypatch)
    wanted = {1, 2} if name == "dnstap" else {1, 2, 3}
    assert {line: {row for at, row, *_ in got if at == line} for line in (1, 2)} == {1: wanted, 2: wanted}
    tally = Tally()
    first = next(iter(hunt_log(log, compiled, tally)))
    assert tally.layouts == {name: 1}
    assert first.layout.seen_at(first.cells) >= datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_kind_of_hash_is_shown_by_what_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = tmp_path / "sysmon.json"
    event = {"EventID": 1, "Channel": "x", "@timestamp": "2026-03-01T10:00:00Z"}
    log.write_text(json.dumps(event | {"Hashes": f"SHA1={'a' * 40},IMPHASH={'b' * 32}"}) + "\n")
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    for size in (2**60, 1):
        monkeypatch.setattr(bulk, "MIN_BULK_BYTES", size)
        tally = Tally()
        assert list(hunt_log(log, compiled, tally)) == []
        assert tally.shown.kinds.keys() == {"file:hashes.SHA-1"}
