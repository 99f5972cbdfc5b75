"""Feeds as the world publishes them: each layout, with addresses of the documentation ranges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.intake.reader import findings, patterns, refusals, take, taken, written

ADDRESS = "[ipv4-addr:value = '203.0.113.9']"
NETWORK = "[ipv4-addr:value ISSUBSET '203.0.113.0/24']"
FEODO = {
    "ip_address": "203.0.113.9",
    "port": 443,
    "status": "online",
    "hostname": "host-9.provider.example",
    "as_number": 64500,
    "as_name": "EXAMPLE",
    "country": "ZZ",
    "first_seen": "2026-01-01 10:00:00",
    "last_online": None,
    "malware": "Dridex",
}
DROP = (
    '{"cidr":"203.0.113.0/24","sblid":"SBL1","rir":"ripencc"}\n'
    '{"cidr":"2001:db8:1::/48","sblid":"SBL2","rir":"arin"}\n'
    '{"type":"metadata","timestamp":1767225600,"size":99,"records":2,"copyright":"(c)","terms":"https://t.example"}\n'
)
PHISH = {
    "phish_id": "1",
    "url": "http://evil.example/p",
    "phish_detail_url": "https://phishes.example/1",
    "submission_time": "2026-01-01T00:00:00+00:00",
    "verified": "yes",
    "verification_time": "2026-01-01T00:00:00+00:00",
    "online": "yes",
    "target": "A bank",
    "details": [{"ip_address": "203.0.113.9", "cidr_block": "203.0.113.0/24"}],
}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (json.dumps([FEODO]), [ADDRESS]),
        (json.dumps(FEODO), [ADDRESS]),
        (DROP, [NETWORK, "[ipv6-addr:value ISSUBSET '2001:db8:1::/48']"]),
        (json.dumps([PHISH], indent=1), ["[url:value = 'http://evil.example/p']"]),
        (json.dumps([{"indicator": "evil.example", "type": "domain"}, {"indicator": "203.0.113.9", "type": "IPv4"}]),
         ["[domain-name:value = 'evil.example']", ADDRESS]),
        ("; Spamhaus DROP List 2026/01/02\n; Expires: Fri, 02 Jan 2026 12:00:00 GMT\n203.0.113.0/24 ; SBL1\n", [NETWORK]),
        ("http://evil.example/p\nhttp://evil.example/q\n",
         ["[url:value = 'http://evil.example/p']", "[url:value = 'http://evil.example/q']"]),
        (f"##########\n# MalwareBazaar\n##########\n{'ab' * 32}\n", [f"[file:hashes.'SHA-256' = '{'ab' * 32}']"]),
    ],
)  # fmt: skip
def test_each_layout_is_read(tmp_path: Path, data: str, found: list[str]):
    items = take(written(tmp_path, data))
    assert refusals(items) == []
    assert patterns(items) == found


def test_networks_that_are_nobodys_alone_wait_for_a_person(tmp_path: Path):
    items = take(written(tmp_path, "# firehol_level1\n0.0.0.0/8\n10.0.0.0/8\n203.0.113.0/24\n"))
    assert [one.level for one in findings(items)] == ["quarantine", "quarantine"]
    assert patterns(items)[-1] == NETWORK


def test_a_record_carries_what_the_row_of_a_table_would(tmp_path: Path):
    (one,) = taken(take(written(tmp_path, json.dumps([FEODO]))))
    assert one.raw.value["valid_from"].startswith("2026-01-01T10:00:00")
    assert "Dridex" in one.raw.value["description"]
    assert one.original == json.dumps(FEODO).encode()
    (other,) = taken(take(written(tmp_path, json.dumps([{**PHISH, "verified": "no"}]), "other")))
    assert [finding.level for finding in other.findings] == ["quarantine"]


def test_one_bad_record_costs_only_itself(tmp_path: Path):
    rows = [{**FEODO, "ip_address": "no address"}, FEODO, {"else": 1}, {**FEODO, "ip_address": None}]
    items = take(written(tmp_path, json.dumps(rows)))
    assert patterns(items) == [ADDRESS]
    told = [one.what for one in refusals(items)]
    assert len(told) == 3
    assert "is no address" in told[0]
    assert "has not the members of those before it" in told[1]
    lines = "\n".join(['{"broken', *map(json.dumps, [FEODO, FEODO])])
    items = take(written(tmp_path, lines, "lines"))
    assert patterns(items) == [ADDRESS, ADDRESS]


@pytest.mark.parametrize(
    "record",
    [
        {"src_ip": "192.0.2.1", "dst_ip": "203.0.113.9", "port": 443},  # a log: whoever was there
        {"asn": 64500, "rir": "ripencc", "domain": "provider.example", "cc": "ZZ", "asname": "EXAMPLE"},
        {"key": "server", "value": "203.0.113.9"},
        {"ip": "203.0.113.9", "user": "alice"},
    ],
)
def test_records_that_name_no_observable_are_refused_once(tmp_path: Path, record: dict[str, object]):
    items = take(written(tmp_path, "\n".join([json.dumps(record)] * 30)))
    assert [one.clause for one in refusals(items)] == ["import: forms"]
    assert taken(items) == []
