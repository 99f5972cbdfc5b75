"""Whole patterns are found where they hold, in bulk and line by line alike, and as a slow oracle says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backchannel.matching import bulk, compound, segments
from backchannel.matching.compiled import CompiledSet
from backchannel.matching.compound import Compounds
from backchannel.matching.hunt import Tally, hunt_log
from backchannel.matching.segment import ToCompile
from backchannel.observables.kinds import PERSONAL
from backchannel.stix.pattern.evaluate import compiled, match
from backchannel.stix.pattern.observed import Seen
from backchannel.stix.pattern.parse import parse

Brief = tuple[int, str, int, str]
"""Number of the pattern (from 1), name of the log, line, scope."""
MD5 = "9e107d9d372bb6826bd81d3542a419d6"
START = 1_767_225_600


def hunted(
    folder: Path, logs: Sequence[Path], patterns: Sequence[str], *, personal: bool = True
) -> tuple[list[Brief], dict[int, str]]:
    """Hunt through logs; return the hits in their order, and what could not be decided."""
    table = segments._Table()
    for row, pattern in enumerate(patterns, 1):
        table.compile(ToCompile(row, pattern, "2.1"), with_anchors=True)
    made = segments._write(folder, table, first_row=1, last_row=len(patterns))
    found = CompiledSet([folder / segments.FOLDER / made.file], threads=1)
    wholes = Compounds(lambda row: (patterns[row - 1], "2.1"), lambda _: True)
    try:
        on = PERSONAL.values() if personal else ()
        hits = [one for log in logs for one in hunt_log(log, found, Tally(), personal=on, wholes=wholes)]
        hits += wholes.end()
    finally:
        found.close()
    return (
        [(one.met.object_row, Path(one.path).name, one.line, one.met.scope) for one in hits],
        wholes.undecided,
    )


def both_ways(
    folder: Path, logs: Sequence[Path], patterns: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> list[Brief]:
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", 2**60)
    by_lines = hunted(folder, logs, patterns)
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", 1)
    in_bulk = hunted(folder, logs, patterns)
    assert sorted(in_bulk[0]) == sorted(by_lines[0])
    assert in_bulk[1] == by_lines[1]
    return in_bulk[0]


def a_log(path: Path, *records: dict) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records), "utf-8")
    return path


def conn(at: float, to: str = "203.0.113.7", port: int = 443, **more: object) -> dict:
    return {
        "ts": START + at, "uid": "C", "id.orig_h": "10.0.0.5", "id.orig_p": 50_000, "id.resp_h": to, "id.resp_p": port,
        "proto": "tcp", **more,
    }  # fmt: skip


def dns(at: float, query: str) -> dict:
    return conn(at, "10.0.0.1", 53) | {"proto": "udp", "query": query, "trans_id": 1, "rejected": False}


def a_file(at: float, name: str | None = "a.exe", size: int = 5, md5: str = MD5) -> dict:
    return {
        "ts": START + at, "fuid": "F", "tx_hosts": ["203.0.113.9"], "rx_hosts": ["10.0.0.5"], "seen_bytes": size,
        "total_bytes": size, "md5": md5, **({} if name is None else {"filename": name}),
    }  # fmt: skip


DESTINATION = "network-traffic:dst_ref.value = '203.0.113.7'"


def test_what_stands_beside_a_value_decides(tmp_path: Path, monkeypatch):
    log = a_log(
        tmp_path / "conn.log",
        conn(0),
        conn(1, port=80, service="http,ssl", orig_bytes=512),
        conn(2, "203.0.113.8"),
    )
    patterns = (
        f"[{DESTINATION} AND network-traffic:dst_port = 443]",
        f"[{DESTINATION} AND network-traffic:dst_port < 443 AND network-traffic:protocols[*] = 'ssl']",
        f"[{DESTINATION} AND network-traffic:src_byte_count > 1000]",
        f"[{DESTINATION} AND network-traffic:dst_port NOT IN (80, 443)]",
        "[ipv4-addr:value ISSUBSET '203.0.113.0/28' AND network-traffic:dst_port = 443]",
        "[network-traffic:src_ref.value = '203.0.113.7' AND network-traffic:dst_port = 443]",
        f"[{DESTINATION} OR ipv4-addr:value = '203.0.113.8' AND network-traffic:dst_port = 443]",
    )
    assert sorted(both_ways(tmp_path, [log], patterns, monkeypatch)) == [
        (1, "conn.log", 1, "exact"),
        (2, "conn.log", 2, "exact"),
        (5, "conn.log", 1, "cidr"),
        (5, "conn.log", 3, "cidr"),
        (7, "conn.log", 1, "exact"),
        (7, "conn.log", 2, "exact"),
        (7, "conn.log", 3, "exact"),
    ]


def test_zeeks_tables_and_suricata_say_the_same_as_zeeks_json(tmp_path: Path, monkeypatch):
    names = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")
    rows = [conn(0), conn(1, port=80), conn(2, "203.0.113.8")]
    table = tmp_path / "conn.tsv"
    table.write_text(
        "#fields\t"
        + "\t".join(names)
        + "\n"
        + "".join("\t".join(str(r[n]) for n in names) + "\n" for r in rows)
    )
    eve = a_log(
        tmp_path / "eve.json",
        *(
            {
                "timestamp": f"2026-01-01T00:00:0{number}.000000+0000", "event_type": "flow", "src_ip": "10.0.0.5",
                "src_port": 50_000, "dest_ip": row["id.resp_h"], "dest_port": row["id.resp_p"], "proto": "TCP",
            }
            for number, row in enumerate(rows)
        ),
    )  # fmt: skip
    pattern = f"[{DESTINATION} AND network-traffic:dst_port = 443 AND network-traffic:protocols[*] = 'tcp']"
    assert both_ways(tmp_path, [table, eve], [pattern], monkeypatch) == [
        (1, "conn.tsv", 2, "exact"),
        (1, "eve.json", 1, "exact"),
    ]


def test_several_records_decide_together_across_logs(tmp_path: Path, monkeypatch):
    logs = [
        a_log(tmp_path / "conn.log", conn(0), conn(10), conn(20), conn(30)),
        a_log(tmp_path / "dns.log", dns(8, "Evil.example"), dns(100, "evil.example")),
    ]
    name = "[domain-name:value = 'evil.example']"
    patterns = (
        f"{name} FOLLOWEDBY [{DESTINATION}]",
        f"({name} AND [{DESTINATION}]) WITHIN 1 SECONDS",
        f"({name} FOLLOWEDBY [{DESTINATION}]) WITHIN 2 SECONDS",
        f"[{DESTINATION}] REPEATS 4 TIMES WITHIN 30 SECONDS",
        f"[{DESTINATION}] REPEATS 4 TIMES WITHIN 29 SECONDS",
        f"[{DESTINATION}] START t'2026-01-01T00:00:10Z' STOP t'2026-01-01T00:00:30Z'",
        f"[{DESTINATION}] FOLLOWEDBY [domain-name:value = 'good.example']",
    )
    hits = both_ways(tmp_path, logs, patterns, monkeypatch)
    lines = {row: {(log, line) for number, log, line, _ in hits if number == row} for row in range(1, 8)}
    # Any later connection follows the name; which of them is told is the search's own affair.
    assert ("dns.log", 1) in lines[1]
    assert lines[2] == set()
    assert lines[3] == {("dns.log", 1), ("conn.log", 2)}
    assert lines[4] == {("conn.log", number) for number in (1, 2, 3, 4)}
    assert lines[5] == set()
    assert lines[6] == {("conn.log", 2), ("conn.log", 3)}
    assert lines[7] == set()


def test_what_a_log_cannot_show_makes_a_partial_hit_and_what_it_shows_otherwise_none(
    tmp_path: Path, monkeypatch
):
    log = a_log(
        tmp_path / "files.log", a_file(0), a_file(1, "b.exe"), a_file(2, None), a_file(3, md5="0" * 32)
    )
    value = f"file:hashes.MD5 = '{MD5}'"
    patterns = (
        f"[file:name = 'a.exe' AND file:size = 5 AND {value}]",
        f"[file:name = 'a.exe' AND file:ctime > t'2026-01-01T00:00:00Z' AND {value}]",
        f"[{value} AND windows-registry-key:key = 'x']",
        f"[{value} AND file:size = 6]",
    )
    assert sorted(both_ways(tmp_path, [log], patterns, monkeypatch)) == [
        (1, "files.log", 1, "exact"),
        (2, "files.log", 1, "partial"),
        # The log has no field for it, so nobody can say.
        (3, "files.log", 1, "partial"),
        (3, "files.log", 2, "partial"),
        (3, "files.log", 3, "partial"),
    ]


def test_a_like_with_wildcards_inside_is_tried_on_every_value(tmp_path: Path, monkeypatch):
    def http(at: float, host: str, uri: str) -> dict:
        return conn(at, "203.0.113.7", 8080) | {
            "host": host,
            "uri": uri,
            "trans_depth": 1,
            "request_body_len": 0,
        }

    log = a_log(
        tmp_path / "http.log",
        http(0, "evil.example", "/a/gate.php?x=1"),
        http(1, "evil.example", "/a/Gate.php?x=1"),
        http(2, "evil.example", "/gate.html"),
        http(3, "login-evil.example", "/"),
        dns(4, "LOGIN2.evil.example"),
    )
    patterns = (
        "[url:value LIKE '%/gate.php?%=1']",
        "[url:value LIKE 'https://%.example:8080/_/gate.%']",
        "[domain-name:value LIKE 'login%evil.%']",
        "[domain-name:value LIKE 'login_.evil.example' AND network-traffic:dst_port = 53]",
        "[domain-name:value LIKE '%a_e%.']",
    )
    assert sorted(both_ways(tmp_path, [log], patterns, monkeypatch)) == [
        (1, "http.log", 1, "exact"),
        (2, "http.log", 1, "exact"),
        (3, "http.log", 4, "exact"),
        (3, "http.log", 5, "exact"),
        (4, "http.log", 5, "exact"),
    ]


def test_one_line_is_one_hit_of_an_indicator(tmp_path: Path, monkeypatch):
    log = a_log(tmp_path / "conn.log", conn(0))
    pattern = f"[{DESTINATION}] OR [ipv4-addr:value = '10.0.0.5' AND network-traffic:dst_port = 443]"
    assert both_ways(tmp_path, [log], [pattern], monkeypatch) == [(1, "conn.log", 1, "exact")]


def test_what_cannot_be_matched_is_told_as_met_in_part_with_the_reason(tmp_path: Path):
    log = a_log(tmp_path / "files.log", a_file(0))
    hits, undecided = hunted(tmp_path, [log], [f"[file:hashes.MD5 = '{MD5}' AND file:name MATCHES '(?=a)a']"])
    assert hits == [(1, "files.log", 1, "partial")]
    assert "linear time" in undecided[1]


def test_mail_is_not_looked_at_where_it_is_switched_off(tmp_path: Path):
    mail = conn(0) | {
        "trans_depth": 1, "mailfrom": "who@evil.example", "subject": "invoice", "rcptto": ["bob@good.example"],
    }  # fmt: skip
    log = a_log(tmp_path / "smtp.log", mail)
    pattern = "[email-message:from_ref.value = 'who@evil.example' AND email-message:subject = 'invoice']"
    assert hunted(tmp_path, [log], [pattern])[0] == [(1, "smtp.log", 1, "exact")]
    assert hunted(tmp_path, [log], [pattern], personal=False) == ([], {})
    beside = "[ipv4-addr:value = '203.0.113.7' AND email-message:subject = 'invoice']"
    assert hunted(tmp_path, [log], [beside])[0] == [(1, "smtp.log", 1, "exact")]
    assert hunted(tmp_path, [log], [beside], personal=False)[0] == [(1, "smtp.log", 1, "partial")]


def test_more_records_than_are_kept_are_told_as_met_in_part(tmp_path: Path, monkeypatch):
    log = a_log(tmp_path / "conn.log", *(conn(number) for number in range(30)))
    monkeypatch.setattr(compound, "MAX_KEPT", 10)
    hits, undecided = hunted(tmp_path, [log], [f"[{DESTINATION}] REPEATS 20 TIMES"])
    assert hits == [(1, "conn.log", 11, "partial")]
    assert "more than 10 records" in undecided[1]
    monkeypatch.setattr(compound, "MAX_RECORDS", 3)
    hits, undecided = hunted(tmp_path, [log], [f"[{DESTINATION} AND network-traffic:dst_port = 1]"])
    assert hits == [(1, "conn.log", 4, "partial")]
    assert "more records of one log" in undecided[1]
    monkeypatch.setattr(compound, "MAX_RECORDS", 50)
    monkeypatch.setattr(compound, "MAX_TESTS_OF_PART", 10)
    hits, undecided = hunted(tmp_path, [log], [f"[{DESTINATION} AND network-traffic:dst_port = 1]"])
    assert {scope for *_, scope in hits} == {"partial"}
    assert undecided[1] == "it takes too many comparisons"


@pytest.mark.parametrize(
    "never",
    ["REPEATS 0 TIMES", "WITHIN 0 SECONDS", "START t'2026-02-30T00:00:00Z' STOP t'2026-03-01T00:00:00Z'"],
)
def test_what_can_never_be_matched_is_told_as_met_in_part_only_where_it_is_met(tmp_path: Path, never: str):
    met, other = a_log(tmp_path / "met.log", conn(0)), a_log(tmp_path / "other.log", conn(0, "203.0.113.8"))
    pattern = f"([{DESTINATION}] AND [domain-name:value = 'evil.example']) {never}"
    hits, undecided = hunted(tmp_path, [met], [pattern])
    assert hits == [(1, "met.log", 1, "partial")]
    assert "can never be matched" in undecided[1] or "there is no time" in undecided[1]
    assert hunted(tmp_path, [other], [pattern]) == ([], {})


def test_a_record_without_a_time_is_never_said_to_come_before_or_after(tmp_path: Path):
    timeless = {key: value for key, value in conn(0).items() if key != "ts"} | {"ts": None}
    log = a_log(tmp_path / "conn.log", timeless, conn(1))
    hits, undecided = hunted(tmp_path, [log], [f"[{DESTINATION}] REPEATS 2 TIMES WITHIN 5 SECONDS"])
    assert hits == [(1, "conn.log", 1, "partial"), (1, "conn.log", 2, "partial")]
    assert undecided == {1: "a record has no time"}


# --- A slow oracle ---------------------------------------------------------------------------------


def seen_in(record: dict) -> Seen:
    """One record of Zeek's as an observation: made for the test, by hand, from Zeek's documentation."""
    at = datetime.fromtimestamp(record["ts"], UTC)
    objects: dict[str, dict] = {}
    traffic: dict[str, object] = {"type": "network-traffic"}
    for key, ref in (("id.orig_h", "src_ref"), ("id.resp_h", "dst_ref")):
        if key in record:
            objects[record[key]] = {"type": "ipv4-addr", "value": record[key]}
            traffic[ref] = record[key]
    if "id.resp_p" in record:
        traffic |= {
            "src_port": record["id.orig_p"], "dst_port": record["id.resp_p"], "protocols": [record["proto"]],
        }  # fmt: skip
        objects["traffic"] = traffic
    if "query" in record:
        objects["name"] = {"type": "domain-name", "value": record["query"]}
    if "fuid" in record:
        objects["file"] = {"type": "file", "hashes": {"MD5": record["md5"]}, "size": record["total_bytes"]}
        if "filename" in record:
            objects["file"]["name"] = record["filename"]
        for address in (*record["tx_hosts"], *record["rx_hosts"]):
            objects[address] = {"type": "ipv4-addr", "value": address}
    return Seen(objects, at, at)


ADDRESSES = ("203.0.113.7", "203.0.113.8", "198.51.100.9")
QUERIES = ("evil.example", "good.example")
RECORD = (
    st.builds(conn, st.integers(0, 40), st.sampled_from(ADDRESSES), st.sampled_from([80, 443]))
    | st.builds(dns, st.integers(0, 40), st.sampled_from(QUERIES))
    | st.builds(a_file, st.integers(0, 40), st.sampled_from(["a.exe", "b.exe"]), st.integers(4, 6))
)
ANCHORED = st.sampled_from(
    [
        *(f"network-traffic:dst_ref.value = '{one}'" for one in ADDRESSES),
        "network-traffic:dst_ref.value IN ('203.0.113.7', '198.51.100.9')",
        "network-traffic:dst_ref.value ISSUBSET '203.0.113.0/29'",
    ]
)
FREE = st.sampled_from(
    [
        "network-traffic:dst_port = 443",
        "network-traffic:dst_port != 443",
        "network-traffic:protocols[*] = 'tcp'",
        "network-traffic:src_port > 49999",
        "network-traffic:dst_port NOT IN (80)",
        "network-traffic:dst_ref.type = 'ipv4-addr'",
    ]
)
TRAFFIC = (
    st.builds("{} AND {}".format, ANCHORED, FREE)
    | st.builds("({} OR {}) AND {}".format, ANCHORED, ANCHORED, FREE)
    | st.builds("{} AND ({} OR {})".format, ANCHORED, FREE, FREE)
    | st.builds("({} AND {}) OR {}".format, ANCHORED, FREE, ANCHORED)
)
FILES = st.builds(
    "file:hashes.MD5 = '{}' AND file:{}".format,
    st.just(MD5),
    st.sampled_from(["size = 5", "name = 'a.exe'", "name LIKE 'b%'", "size >= 5", "name MATCHES '^a'"]),
)
SINGLE = st.builds(
    "[{}]".format,
    TRAFFIC | FILES | ANCHORED | st.sampled_from([f"domain-name:value = '{one}'" for one in QUERIES]),
)
SEVERAL = st.recursive(
    SINGLE,
    lambda inner: (
        st.builds("({} AND {})".format, inner, inner)
        | st.builds("({} FOLLOWEDBY {})".format, inner, inner)
        | st.builds("({} OR {})".format, inner, inner)
        | st.builds("({} WITHIN {} SECONDS)".format, inner, st.integers(1, 30))
        | st.builds("({} REPEATS {} TIMES)".format, inner, st.integers(1, 3))
    ),
    max_leaves=4,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(RECORD, min_size=1, max_size=8),
    st.lists(RECORD, max_size=6),
    st.lists(SEVERAL, min_size=1, max_size=4),
)
def test_the_hunt_finds_what_a_slow_oracle_finds(tmp_path: Path, monkeypatch, first, second, patterns):
    logs = [a_log(tmp_path / "a.log", *first)] + ([a_log(tmp_path / "b.log", *second)] if second else [])
    everything = {("a.log", n): seen_in(one) for n, one in enumerate(first, 1)}
    everything |= {("b.log", n): seen_in(one) for n, one in enumerate(second, 1)}
    hits = both_ways(tmp_path, logs, patterns, monkeypatch)
    for row, text in enumerate(patterns, 1):
        pattern = compiled(parse(text))
        lines = {(log, line) for number, log, line, scope in hits if number == row and scope != "partial"}
        assert bool(lines) is bool(match(pattern, list(everything.values())).holds), text
        if lines:  # what is told fulfils it, without the rest
            assert match(pattern, [everything[line] for line in sorted(lines)]).holds, text
        if text.startswith("["):  # one record decides: each that does is told, and no other
            assert lines == {line for line, one in everything.items() if match(pattern, [one]).holds}, text
