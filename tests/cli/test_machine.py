"""What scripts read, key by key: a key removed or changed here raises the number in its schema."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tests.cli.running import BROKEN, FOUR, ONE, THREE, TWO, Run, conn, dns, jsonl
from tests.desk.made import indicator

FINDING = {"level", "object", "where", "what", "clause"}
COUNTS = ("stored", "known", "conflict", "quarantined", "refused")


def is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


# --- import --json -------------------------------------------------------------------------------


def test_import_says_what_became_of_each_object(run: Run):
    first = run("import", "beta.json", "--from", "CERT Gamma", "--tlp", "Amber", "--json")
    document = first.document
    assert list(document)[:8] == ["schema", "batch", "objects", *COUNTS]
    assert document["schema"] == "backchannel.import/1"
    assert all(is_whole(document[key]) for key in ("batch", "objects", *COUNTS))
    assert document["objects"] == 7 == sum(int(str(document[key])) for key in COUNTS)
    assert (first.code, document["known"], document["findings"]) == (0, 7, [])
    assert (document["party"], document["channel"], document["tlp"]) == ("CERT Gamma", "file", "TLP:AMBER")


def test_import_counts_each_object_once_whatever_was_found_in_it(fresh: Run, world: Path):
    assert fresh("init", "--name", "CERT Alpha").code == 0
    other = json.dumps({**ONE, "name": "Another content"}) + "\n"
    (world / "mixed.jsonl").write_text(
        json.dumps(ONE)
        + "\n"
        + json.dumps(ONE)
        + "\n"
        + other
        + json.dumps(BROKEN)
        + "\n"
        + '{"type": "x"}\n',
        "utf-8",
    )
    ran = fresh("import", "mixed.jsonl", "--json")
    document = ran.document
    assert [document[key] for key in COUNTS] == [1, 1, 1, 1, 1]
    assert document["objects"] == 5
    assert ran.code == 1
    findings = document["findings"]
    assert isinstance(findings, list)
    assert all(set(finding) == FINDING for finding in findings)
    assert {finding["level"] for finding in findings} <= {"refuse", "quarantine", "note"}
    refused = next(finding for finding in findings if finding["level"] == "refuse")
    assert refused["where"].startswith("mixed.jsonl")
    broken = next(finding for finding in findings if finding["level"] == "quarantine")
    assert (broken["object"], broken["clause"]) == (BROKEN["id"], "STIX 2.1 §9")


def test_an_import_in_which_nothing_can_be_read_is_3(run: Run, world: Path):
    (world / "cut.json").write_bytes((world / "beta.json").read_bytes()[:40])
    ran = run("import", "cut.json", "--json")
    assert ran.code == 3
    assert (ran.document["objects"], ran.document["refused"]) == (1, 1)


def test_one_bad_file_does_not_stop_the_others(run: Run, world: Path):
    (world / "cut.json").write_bytes((world / "beta.json").read_bytes()[:40])
    ran = run("import", "cut.json", "beta.json", "--json")
    assert ran.code == 1
    assert (ran.document["objects"], ran.document["known"], ran.document["refused"]) == (8, 7, 1)


# --- validate --jsonl and --json -----------------------------------------------------------------


def test_validate_gives_a_line_for_each_object_in_order(fresh: Run, world: Path):
    ran = fresh("validate", "--jsonl", "beta.json", "bad.json")
    assert ran.code == 1
    assert [line["n"] for line in ran.lines] == list(range(1, 11))
    for line in ran.lines:
        assert list(line)[:3] == ["schema", "n", "findings"]
        assert line["schema"] == "backchannel.validate/1"
        assert isinstance(line["findings"], list)
        assert all(set(finding) == FINDING for finding in line["findings"])
    levels = [[finding["level"] for finding in line["findings"]] for line in ran.lines[:9]]
    assert levels == [[], [], [], [], [], [], [], ["quarantine"], ["refuse"]]
    assert ran.lines[0]["id"] == ONE["id"]
    assert not (world / "fresh").exists()


def test_validate_takes_one_object_a_line(fresh: Run):
    lines = [json.dumps(indicator(n)).encode() for n in range(1, 4)]
    ran = fresh("validate", "--jsonl", "-", stdin=b"\n".join(lines))
    assert ran.code == 0
    assert [(line["n"], line["findings"]) for line in ran.lines] == [(1, []), (2, []), (3, [])]


def test_validate_names_the_one_object_that_is_no_json_and_looks_at_the_others(fresh: Run):
    three = {
        "type": "bundle",
        "id": "bundle--1",
        "objects": [indicator(1), indicator(2, x_n=7), indicator(3)],
    }
    ran = fresh("validate", "--jsonl", "-", stdin=json.dumps(three).replace(": 7", ": NaN").encode())
    assert ran.code == 1
    levels = [[finding["level"] for finding in line["findings"]] for line in ran.lines]
    assert levels == [[], ["refuse"], []]
    assert ran.lines[1]["findings"][0]["object"] == indicator(2)["id"]
    assert ran.lines[1]["place"].endswith("#/objects/1")


def test_validate_sums_up_in_one_document(fresh: Run):
    ran = fresh("validate", "--json", "beta.json", "bad.json")
    document = ran.document
    assert document["schema"] == "backchannel.validated/1"
    kinds = ("clean", "noted", "quarantined", "refused")
    assert document["objects"] == 10 == sum(int(str(document[kind])) for kind in kinds)
    assert (document["quarantined"], document["refused"]) == (1, 1)


# --- hunt --jsonl --------------------------------------------------------------------------------

HIT_KEYS = [
    "schema", "indicator", "pattern", "observable", "log", "asset", "seen_at", "scope", "validity", "warninglists",
    "source", "advice",
]  # fmt: skip


def test_a_hit_has_every_key_and_the_last_line_sums_up(run: Run):
    ran = run("hunt", "conn.log", "dns.log", "--jsonl")
    assert ran.code == 1
    *hits, end = ran.lines
    for hit in hits:
        assert list(hit)[: len(HIT_KEYS)] == HIT_KEYS
        assert hit["schema"] == "backchannel.hit/1"
        assert set(hit["observable"]) == {"kind", "value"}
        assert set(hit["log"]) == {"path", "line", "format", "field"}
        assert set(hit["source"]) == {"party", "channel"}
        assert set(hit["advice"]) == {"do", "text", "why"}
        assert hit["advice"]["do"] in {"block", "look", "tell", "nothing", "ask"}
        assert hit["validity"] in {"inside", "before", "after"}
        assert hit["source"] == {"party": "CERT Beta", "channel": "file"}
    assert hits[0] == {
        **hits[0],
        "indicator": TWO["id"],
        "pattern": TWO["pattern"],
        "observable": {"kind": "ipv4-addr", "value": "203.0.113.9"},
        "log": {"path": "conn.log", "line": 1, "format": "zeek-json", "field": "id.resp_h"},
        "asset": "10.0.0.5",
        "seen_at": "2026-01-01T00:00:00.000Z",
        "scope": "exact",
        "validity": "inside",
        "warninglists": [],
    }
    where = [(hit["indicator"], hit["log"]["path"], hit["log"]["line"], hit["scope"]) for hit in hits]
    assert where == [
        (TWO["id"], "conn.log", 1, "exact"),
        (TWO["id"], "conn.log", 3, "exact"),
        (ONE["id"], "dns.log", 1, "exact"),
        (ONE["id"], "dns.log", 2, "subdomain"),
        (FOUR["id"], "dns.log", 4, "exact"),
    ]
    assert hits[4]["validity"] == "before"
    assert {"schema", "files", "records", "bytes", "hits", "skipped", "uncompiled"} <= set(end)
    assert end["schema"] == "backchannel.hunt/1"
    assert (end["files"], end["records"], end["hits"], end["skipped"]) == (2, 7, 5, [])
    assert end["uncompiled"] == [{"indicator": THREE["id"], "what": end["uncompiled"][0]["what"]}]


def test_bytes_and_lines_are_those_of_the_uncompressed_log(run: Run, world: Path):
    packed = world / "packed.gz"
    packed.write_bytes(gzip.compress((world / "dns.log").read_bytes()))
    *hits, end = run("hunt", packed, "--jsonl").lines
    assert [hit["log"]["line"] for hit in hits] == [1, 2, 4]
    assert end["bytes"] == (world / "dns.log").stat().st_size


def test_other_formats_are_recognised_and_named(run: Run, world: Path):
    (world / "tsv.log").write_text(
        "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\n"
        "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\n"
        "1767225600.0\tD1\t10.0.0.5\t5353\t10.0.0.1\t53\tudp\tevil1.example\n",
        "utf-8",
    )
    event = {
        "timestamp": "2026-01-01T00:00:00.000000+0000",
        "event_type": "dns",
        "src_ip": "10.0.0.5",
        "dest_ip": "10.0.0.1",
        "dns": {"type": "query", "rrname": "evil1.example"},
    }
    jsonl(world / "eve.json", event)
    *hits, end = run("hunt", "tsv.log", "eve.json", "--jsonl").lines
    assert [(hit["log"]["format"], hit["log"]["line"]) for hit in hits] == [
        ("zeek-tsv", 4),
        ("suricata-eve", 1),
    ]
    assert end["formats"] == {"zeek-tsv": 1, "suricata-eve": 1}


def test_a_log_of_several_programs_and_a_mapped_table_give_hits_and_what_was_read(run: Run, world: Path):
    folder = world / "text"
    folder.mkdir()
    (folder / "syslog").write_text(
        "Jan  1 10:00:00 ns named[1]: client @0x1 10.0.0.5#53 (evil1.example): query: evil1.example IN A + (10.0.0.1)\n"
        "Jan  1 10:00:01 ns cron[1]: (root) CMD (true)\n"
        "Jan  1 10:00:02 ns unbound: [1:0] info: 10.0.0.6 www.evil1.example. A IN\n"
    )
    (folder / "vpn.csv").write_text("when,who\n2026-01-01 10:00:00,evil1.example\n")
    (world / "vpn.toml").write_text('time = ["when"]\n[[field]]\nreading = "host"\nnames = ["who"]\n')
    ran = run("hunt", str(folder), "--mapping", "vpn.toml", "--no-index", "--jsonl")
    *hits, end = ran.lines
    places = [
        (hit["log"]["format"], hit["log"]["line"], hit["log"]["field"], hit["asset"], hit["scope"])
        for hit in hits
    ]
    assert places == [
        ("bind", 1, "query", "10.0.0.5", "exact"),
        ("unbound", 3, "query", "10.0.0.6", "subdomain"),
        ("csv", 2, "who", None, "exact"),
    ]
    assert end["formats"] == {"syslog": 1, "csv": 1}
    assert end["left_open"] == ["year", "zone"]
    assert [tuple(one.values()) for one in end["read"]] == [
        ("bind", 1, 1, 0), ("csv", 1, 1, 0), ("syslog", 1, 0, 1), ("unbound", 1, 1, 0),
    ]  # fmt: skip
    told = run("hunt", str(folder), "--mapping", "vpn.toml", "--no-index").out
    assert "not understood: 1 line of syslog" in b" ".join(told.split()).decode()

    (world / "vpn.toml").write_text("[[line]]\n")
    ran = run("hunt", str(folder), "--mapping", "vpn.toml")
    assert ran.code == 2
    assert "vpn.toml cannot be used" in ran.err
    assert run("hunt", str(folder), "--format", "nonsense").code == 2


def test_a_hit_of_nobody_of_ours_has_no_asset(run: Run, world: Path):
    jsonl(world / "transit.log", conn(0, "203.0.113.9", client="198.51.100.20"))
    assert run("hunt", "transit.log", "--jsonl").lines[0]["asset"] is None


def test_what_could_not_be_hunted_through_is_in_the_last_line(run: Run, world: Path):
    folder = world / "logs"
    folder.mkdir()
    jsonl(folder / "a.log", dns(0, "evil1.example"))
    (folder / "b.log").write_bytes(b"\x7fELF" + b"\0" * 64)
    (folder / "c.log").write_text(json.dumps(dns(0, "good.example")) + '\n{"ts": 17672', "utf-8")
    end = run("hunt", "logs", "missing.log", "--jsonl").lines[-1]
    skipped = {(one["path"], one["line"]) for one in end["skipped"]}
    assert skipped == {("logs/b.log", None), ("logs/c.log", 2), ("missing.log", None)}
    assert all(one["why"] for one in end["skipped"])


def test_mail_addresses_are_looked_for_once_the_settings_say_so(run: Run, world: Path):
    (world / "mail.csv").write_text("email\nwho@evil.example\n")
    assert run("import", "mail.csv", "--from", "B").code == 0
    jsonl(world / "smtp.log", conn(0, "203.0.113.8") | {"trans_depth": 1, "mailfrom": "who@evil.example"})
    off = run("hunt", "smtp.log")
    assert off.code == 0
    told = " ".join(off.text.split())
    assert (
        "not searched for: e-mail addresses, switched off for these logs: settings.toml, [[personal]]" in told
    )
    assert run("hunt", "smtp.log", "--jsonl").lines[-1]["switched_off"] == [{"kind": "email-addr", "logs": 1}]
    with (world / "home" / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[[personal]]\nlogs = "{world}"\nkinds = ["email"]\npurpose = "phishing"\n')
    on = run("hunt", "smtp.log")
    assert (on.code, "who@evil.example" in on.text, "switched off" in on.text) == (1, True, False)


def test_a_hunt_in_one_document_has_the_first_hit_of_each_indicator_and_asset(ask: Run):
    document = ask("hunt", "conn.log", "dns.log", "--json").document
    assert document["schema"] == "backchannel.hunted/1"
    assert isinstance(document["summary"], dict)
    assert document["summary"]["schema"] == "backchannel.hunt/1"
    assert document["summary"]["hits"] == 5
    assert isinstance(document["first_hits"], list)
    assert [(hit["indicator"], hit["asset"]) for hit in document["first_hits"]] == [
        (TWO["id"], "10.0.0.5"), (TWO["id"], "10.0.0.6"), (ONE["id"], "10.0.0.5"), (FOUR["id"], "10.0.0.5"),
    ]  # fmt: skip


# --- rehunt --------------------------------------------------------------------------------------


def test_intelligence_that_comes_late_is_found_by_itself_in_logs_hunted_before(run: Run, world: Path):
    (world / "late.jsonl").write_text(
        json.dumps(indicator(9, pattern="[domain-name:value = 'www.evil1.example']")) + "\n"
    )
    ran = run("import", "late.jsonl", "--json")
    assert ran.code == 1
    assert ran.document["stored"] == 1
    assert "Seen in our logs before it came: www.evil1.example, in 1 record at 1 address of ours" in ran.err
    late = str(indicator(9)["id"])
    book = run("hits", "--json").document["by_indicator"]
    assert isinstance(book, list)
    assert [one["count"] for one in book if one["indicator"] == late] == [1]


def test_a_rehunt_gives_hits_as_a_hunt_does_and_says_what_it_looked_in(run: Run):
    *hits, end = run("rehunt", "--all", "--jsonl").lines
    *hunted, _ = run("hunt", "conn.log", "dns.log", "--jsonl").lines
    assert hits
    places = [
        sorted((one["indicator"], one["log"]["line"], one["log"]["field"]) for one in way)
        for way in (hits, hunted)
    ]
    assert places[0] == places[1]
    assert end["schema"] == "backchannel.rehunt/1"
    assert (end["logs"], end["logs_read"], end["logs_gone"]) == (2, 2, [])
    assert set(end) == {
        *("schema", "indicators", "unanswered", "logs", "logs_read", "logs_gone", "hits", "seen", "assets"),
        *("before", "after", "skipped"),
    }  # fmt: skip
    nothing = run("rehunt", "--json")
    assert (nothing.code, nothing.document["schema"], nothing.document["first_hits"]) == (
        0,
        "backchannel.rehunted/1",
        [],
    )


# --- The options of hunt -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (["--since", "2026-01-01T00:00:01Z"], [2, 4]),
        (["--since", "2026-01-01T01:00:01+01:00"], [2, 4]),
        (["--until", "2026-01-01T00:00:01Z"], [1]),
        (["--since", "2026-01-01T00:00:01Z", "--until", "2026-01-01T00:00:03Z"], [2]),
        (["--since", "2026-01-02"], []),
        (["--until", "2026-01-01"], []),
        (["--format", "zeek-json"], [1, 2, 4]),
        (["--max-evidence", "1"], [1, 4]),
        (["--max-evidence", "0"], []),
        (["--no-pre-validity"], [1, 2]),
        (["--pre-validity"], [1, 2, 4]),
    ],
    ids=str,
)
def test_options_choose_what_is_shown(ask: Run, options: list[str], lines: list[int]):
    *hits, end = ask("hunt", "dns.log", "--jsonl", *options).lines
    assert [hit["log"]["line"] for hit in hits] == lines
    counted = {"--max-evidence": 3, "--no-pre-validity": 3}.get(options[0], len(lines))
    assert end["hits"] == counted


def test_a_format_that_is_not_the_logs_is_no_silent_nothing(ask: Run):
    ran = ask("hunt", "dns.log", "--format", "suricata-eve", "--jsonl")
    assert ran.code == 1
    assert "no field of suricata-eve" in ran.lines[-1]["skipped"][0]["why"]
    ran = ask("hunt", "dns.log", "--format", "zeek-tsv", "--jsonl")
    assert ran.code == 3
    assert ran.lines[-1]["files"] == 0


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        (["good.log"], 0),
        (["dns.log"], 1),
        (["good.log", "missing.log"], 1),
        (["missing.log"], 3),
        (["logs"], 0),
    ],
    ids=str,
)
def test_the_code_says_whether_something_needs_you(run: Run, world: Path, paths: list[str], code: int):
    jsonl(world / "good.log", dns(0, "good.example"))
    (world / "logs").mkdir()
    jsonl(world / "logs" / "good.log", dns(0, "good.example"))
    (world / "logs" / "notes.txt").write_text("Nothing to hunt through.\n", "utf-8")
    assert run("hunt", *paths).code == code
