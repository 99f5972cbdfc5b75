"""Logs are searched exactly, in bulk and line by line alike."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backchannel.logs.recognise import ReadAs
from backchannel.matching import bulk, files, key_filter, segments
from backchannel.matching import compiled as compiled_module
from backchannel.matching.compiled import CellKey, CompiledSet
from backchannel.matching.hunt import Tally, hunt_log
from backchannel.matching.segment import ToCompile
from backchannel.observables.kinds import PERSONAL, Kind


def a_set(folder: Path, *patterns: str) -> CompiledSet:
    table = segments._Table()
    for row, pattern in enumerate(patterns, 1):
        table.compile(ToCompile(row, pattern, "2.1"))
    assert table.unread == []
    made = segments._write(folder, table, first_row=1, last_row=len(patterns))
    return CompiledSet([folder / segments.FOLDER / made.file], threads=1)


Brief = tuple[int, int, str, str, str]
ALL_ON = frozenset(PERSONAL.values())


def found(
    path: Path, compiled: CompiledSet, tally: Tally | None = None, *, personal: Collection[Kind] = ALL_ON
) -> list[Brief]:
    """(line, indicator, field, scope, value) of each hit."""
    hits = hunt_log(path, compiled, tally if tally is not None else Tally(), personal=personal)
    return [
        (one.line, one.met.object_row, one.field.name, one.met.scope, one.met.observable.value)
        for one in hits
    ]


def both_ways(
    path: Path, compiled: CompiledSet, monkeypatch: pytest.MonkeyPatch, *, personal: Collection[Kind] = ALL_ON
) -> list[Brief]:
    tallies = Tally(), Tally()
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", 2**60)
    by_lines = found(path, compiled, tallies[0], personal=personal)
    lasting = CompiledSet(sorted(compiled._files), threads=1, is_lasting=True)
    assert found(path, lasting, personal=personal) == by_lines  # as `watch` judges
    lasting.close()
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", 1)
    in_bulk = found(path, compiled, tallies[1], personal=personal)
    assert sorted(in_bulk) == sorted(by_lines)
    assert tallies[0].shown == tallies[1].shown
    assert tallies[0].switched_off == tallies[1].switched_off
    return in_bulk


def json_log(path: Path, records: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records), "utf-8")
    return path


CONN = {"ts": 1.5, "uid": "C1", "id.orig_h": "10.0.0.5", "id.resp_h": "203.0.113.7", "id.resp_p": 443}


def test_each_kind_is_found_where_it_stands_and_nothing_beside_it(tmp_path: Path, monkeypatch):
    log = json_log(
        tmp_path / "mixed.log",
        [
            CONN,
            CONN | {"id.resp_h": "203.0.113.77"},
            {"ts": 2, "uid": "C2", "id.orig_h": "10.0.0.5", "id.resp_h": "10.0.0.1", "query": "A.Evil.Example"},
            {"ts": 3, "uid": "C3", "id.orig_h": "10.0.0.5", "id.resp_h": "10.0.0.1", "query": "notevil.example",
             "answers": ["198.51.100.9", "x.evil.example"]},
            {"ts": 4, "uid": "C4", "id.orig_h": "10.0.0.5", "id.resp_h": "192.0.2.1", "id.resp_p": 8080,
             "host": "evil.test", "uri": "/a?b=1", "referrer": "http://evil.test/a"},
            {"ts": 5, "uid": "C5", "id.orig_h": "10.0.0.5", "id.resp_h": "192.0.2.1", "md5": "D41D8CD98F00B204E9800998ECF8427E"},
            {"ts": 6, "uid": "C6", "id.orig_h": "2001:DB8::1", "id.resp_h": "192.0.2.1",
             "mailfrom": "<Who@Evil.Example>", "rcptto": ["<a@b.example>", "c@d.example"]},
        ],
    )  # fmt: skip
    compiled = a_set(
        tmp_path,
        "[ipv4-addr:value = '203.0.113.7']",
        "[domain-name:value = 'evil.example']",
        "[ipv4-addr:value ISSUBSET '198.51.100.8/29']",
        "[url:value = 'http://evil.test:8080/a?b=1']",
        "[url:value LIKE 'http://evil.test/%']",
        "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
        "[email-addr:value = 'who@evil.example']",
        "[ipv6-addr:value = '2001:db8:0::1']",
        "[email-message:from_ref.value = 'c@d.example']",
        "[email-message:to_refs[*].value = 'c@d.example']",
        "[domain-name:value LIKE '%vil.example']",
    )
    assert both_ways(log, compiled, monkeypatch) == [
        (1, 1, "id.resp_h", "exact", "203.0.113.7"),
        (3, 2, "query", "subdomain", "a.evil.example"),
        (3, 11, "query", "suffix", "a.evil.example"),
        (4, 11, "query", "suffix", "notevil.example"),
        (4, 3, "answers", "cidr", "198.51.100.9"),
        (4, 2, "answers", "subdomain", "x.evil.example"),
        (5, 5, "referrer", "url prefix", "http://evil.test/a"),
        (5, 4, "uri", "exact", "http://evil.test:8080/a?b=1"),
        (6, 6, "md5", "exact", "d41d8cd98f00b204e9800998ecf8427e"),
        (7, 8, "id.orig_h", "exact", "2001:db8::1"),
        (7, 7, "mailfrom", "exact", "who@evil.example"),
        (7, 2, "mailfrom", "exact", "evil.example"),
        (7, 11, "mailfrom", "suffix", "evil.example"),
        (7, 10, "rcptto", "exact", "c@d.example"),
    ]


MAIL = CONN | {"mailfrom": "who@evil.example", "rcptto": ["ward@ours.example"]}


@pytest.mark.parametrize("personal", [(), ALL_ON], ids=["off", "on"])
def test_a_mail_address_is_looked_for_only_where_it_is_switched_on(
    tmp_path: Path, monkeypatch, personal: Collection[Kind]
):
    log = json_log(tmp_path / "smtp.log", [MAIL] * 3)
    compiled = a_set(
        tmp_path,
        "[email-addr:value = 'who@evil.example']",
        "[email-addr:value LIKE '%@evil.example']",
        "[email-message:to_refs[*].value = 'ward@ours.example']",
        "[email-addr:value = 'who@evil.example' OR domain-name:value = 'evil.example']",
        "[domain-name:value = 'ours.example']",
    )
    hits = both_ways(log, compiled, monkeypatch, personal=personal)
    of_first = [one[1:] for one in hits if one[0] == 1]
    names = [(4, "mailfrom", "exact", "evil.example"), (5, "rcptto", "exact", "ours.example")]
    mails = [
        (1, "mailfrom", "exact", "who@evil.example"),
        (2, "mailfrom", "suffix", "%@evil.example"),  # what is listed: never whom that fits
        (3, "rcptto", "exact", "ward@ours.example"),
        (4, "mailfrom", "exact", "who@evil.example"),
        (5, "rcptto", "exact", "ours.example"),
    ]
    assert sorted(of_first) == (mails if personal else names)


def test_one_set_keeps_logs_apart_in_which_a_kind_is_on_and_off(tmp_path: Path):
    """What a cell meets is remembered for the hunt; that must not carry a switch from one log to the next."""
    log = json_log(tmp_path / "smtp.log", [MAIL])
    compiled = a_set(
        tmp_path, "[email-addr:value = 'who@evil.example' OR domain-name:value = 'evil.example']"
    )
    values = [found(log, compiled, personal=on)[0][-1] for on in (ALL_ON, (), ALL_ON, ())]
    assert values == ["who@evil.example", "evil.example"] * 2


def test_a_log_does_not_show_what_is_switched_off_in_it(tmp_path: Path, monkeypatch):
    log = json_log(tmp_path / "smtp.log", [MAIL])
    compiled = a_set(tmp_path, "[email-addr:value = 'nobody@evil.example']")
    for personal, is_on in (((), False), (ALL_ON, True)):
        tally = Tally()
        assert found(log, compiled, tally, personal=personal) == []
        shown = {kind for kind in tally.shown.kinds if kind.startswith("email-addr")}
        assert shown == ({"email-addr", "email-addr sender", "email-addr recipient"} if is_on else set())
        assert tally.switched_off == ({} if is_on else {"email-addr": 1})


def test_a_name_is_met_inside_urls_mail_addresses_and_certificates(tmp_path: Path, monkeypatch):
    log = json_log(
        tmp_path / "mixed.log",
        [
            CONN | {"referrer": "https://who@www.Evil.Example:8443/a?b=//other.example"},
            CONN | {"referrer": "http://203.0.113.99/a"},
            CONN | {"referrer": "http://other.example/evil.example"},
            CONN | {"mailfrom": "Who <who@mail.evil.example.>", "rcptto": ["a@b.example", "<b@evil.example>"]},
            CONN | {"mailfrom": "who@notevil.example"},
            CONN | {"subject": "C=US, O=Evil Inc, CN = *.evil.example", "established": True},
            CONN | {"issuer": "CN=203.0.113.99,O=evil.example", "established": True},
            CONN | {"subject": "CN=evil.example.org", "established": True},
        ],
    )  # fmt: skip
    compiled = a_set(tmp_path, "[domain-name:value = 'evil.example']", "[ipv4-addr:value = '203.0.113.99']")
    assert [one[:4] for one in both_ways(log, compiled, monkeypatch)] == [
        (1, 1, "referrer", "subdomain"),
        (2, 2, "referrer", "exact"),
        (4, 1, "rcptto", "exact"),
        (6, 1, "subject", "exact"),
        (7, 2, "issuer", "exact"),
    ]


def test_a_public_suffix_is_met_itself_and_nothing_below_it(tmp_path: Path, monkeypatch):
    log = json_log(tmp_path / "dns.log", [CONN | {"query": "co.uk"}, CONN | {"query": "evil.co.uk"}])
    compiled = a_set(tmp_path, "[domain-name:value = 'co.uk']")
    assert both_ways(log, compiled, monkeypatch) == [(1, 1, "query", "exact", "co.uk")]


def test_broken_lines_cost_only_themselves_and_are_named(tmp_path: Path, monkeypatch):
    log = tmp_path / "broken.log"
    good = json.dumps(CONN).encode()
    log.write_bytes(
        b"\n".join(
            [
                good,
                b'{"ts":1,"id.resp',
                good,
                b"[1]",
                b"",
                b"\xff\xfe",
                good + b" " + good,
                good,
                b'{"a":' * 90_000,
            ]
        )
    )
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    for least in (1, 2**60):
        monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
        tally = Tally()
        assert [one[0] for one in found(log, compiled, tally)] == [1, 3, 8]
        assert [note.line for note in tally.skipped] == [2, 4, 6, 7, 9]


def test_a_table_is_read_by_its_header_and_a_cut_line_as_far_as_it_goes(tmp_path: Path, monkeypatch):
    log = tmp_path / "dns.log"
    log.write_text(
        "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tquery\tanswers\n"
        "1.0\tC1\t10.0.0.5\t10.0.0.1\tevil.example\t192.0.2.1,198.51.100.9\n"
        "2.0\tC2\t10.0.0.5\t10.0.0.1\t-\t(empty)\n"
        "3.0\tC3\t10.0.0.5\t10.0.0.1\tevil.example\n"
        "#close\t2026-01-01\n"
    )
    compiled = a_set(tmp_path, "[domain-name:value = 'evil.example']", "[ipv4-addr:value = '198.51.100.9']")
    assert both_ways(log, compiled, monkeypatch) == [
        (3, 1, "query", "exact", "evil.example"),
        (3, 2, "answers", "exact", "198.51.100.9"),
        (5, 1, "query", "exact", "evil.example"),
    ]


def test_a_second_header_changes_the_columns_from_there_on(tmp_path: Path, monkeypatch):
    log = tmp_path / "joined.log"
    log.write_text(
        "#fields\tts\tuid\tquery\n1.0\tC1\tevil.example\n#fields\tts\tquery\tuid\n2.0\tevil.example\tC2\n"
    )
    compiled = a_set(tmp_path, "[domain-name:value = 'evil.example']")
    assert [one[0] for one in both_ways(log, compiled, monkeypatch)] == [2, 4]


def test_a_field_that_the_sample_lacks_is_found_all_the_same(tmp_path: Path, monkeypatch):
    records = [CONN] * 8000
    records[4000] = CONN | {"trans_depth": 1, "x_originating_ip": "198.51.100.9"}
    log = json_log(tmp_path / "rare.log", records)
    compiled = a_set(tmp_path, "[ipv4-addr:value = '198.51.100.9']")
    assert both_ways(log, compiled, monkeypatch) == [(4001, 1, "x_originating_ip", "exact", "198.51.100.9")]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_packed_logs_are_read_and_damaged_ones_as_far_as_they_go(tmp_path: Path, pack):
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    whole = pack((json.dumps(CONN) + "\n").encode() * 50_000)
    (tmp_path / "whole.log").write_bytes(whole)
    (tmp_path / "cut.log").write_bytes(whole[: len(whole) // 2])
    assert len(found(tmp_path / "whole.log", compiled)) == 50_000
    tally = Tally()
    assert len(found(tmp_path / "cut.log", compiled, tally)) < 50_000
    assert "damaged or cut off" in tally.skipped[0].why


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_small_packed_log_that_was_cut_off_is_no_empty_one(tmp_path: Path, pack):
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    noise = [CONN | {"uid": hashlib.sha256(str(n).encode()).hexdigest()} for n in range(4000)]
    whole = pack(json_log(tmp_path / "plain", noise).read_bytes())
    log = tmp_path / "conn.log.packed"
    log.write_bytes(whole[: len(whole) // 2])
    tally = Tally()
    assert len(found(log, compiled, tally)) > 100
    assert "damaged or cut off" in tally.skipped[0].why
    log.write_bytes(whole[:24])
    tally = Tally()
    assert found(log, compiled, tally) == []
    assert [("damaged or cut off" in note.why) for note in tally.skipped] == [True]


def test_a_checksum_that_is_wrong_is_told_and_the_log_read(tmp_path: Path):
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    whole = gzip.compress(json_log(tmp_path / "plain", [CONN]).read_bytes())
    log = tmp_path / "conn.log.gz"
    log.write_bytes(whole[:-8] + bytes(4) + whole[-4:])
    tally = Tally()
    assert [one[0] for one in found(log, compiled, tally)] == [1]
    assert "damaged" in tally.skipped[0].why


@pytest.mark.parametrize(
    "head",
    [b"\xef\xbb\xbf", bytes(5000), bytes(5000) + b"\n", bytes(300_000)],
    ids=["byte order mark", "NULs before", "a line of NULs", "many NULs"],
)
@pytest.mark.parametrize("is_table", [False, True], ids=["JSON", "table"])
def test_what_emptying_or_saving_a_log_leaves_before_it_costs_no_line(
    tmp_path: Path, monkeypatch, head: bytes, is_table
):
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    log = tmp_path / "conn.log"
    body = b"#fields\tts\tuid\tid.orig_h\tid.resp_h\n" + b"1.5\tC1\t10.0.0.5\t203.0.113.7\n" * 3
    log.write_bytes(head + (body if is_table else json_log(tmp_path / "plain", [CONN] * 3).read_bytes()))
    first = 1 + is_table + head.count(b"\n")
    assert [one[0] for one in both_ways(log, compiled, monkeypatch)] == [first, first + 1, first + 2]


def test_a_block_of_nuls_inside_a_log_costs_no_line(tmp_path: Path, monkeypatch):
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    log = tmp_path / "conn.log"
    line = json_log(tmp_path / "plain", [CONN]).read_bytes()
    log.write_bytes(line * 400 + bytes(5000) + line + bytes(5000) + b"\n" + line)
    assert [one[0] for one in both_ways(log, compiled, monkeypatch)] == [*range(1, 402), 403]


def test_a_log_whose_first_line_is_too_long_is_read_from_the_second(tmp_path: Path):
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    log = json_log(tmp_path / "conn.log", [CONN | {"uid": "a" * 2_000_000}, CONN])
    tally = Tally()
    assert [one[0] for one in found(log, compiled, tally)] == [2]
    assert [note.line for note in tally.skipped] == [1]


def test_a_log_in_another_encoding_or_format_is_named_for_what_it_is(tmp_path: Path):
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    log = json_log(tmp_path / "conn.log", [CONN])
    tally = Tally()
    assert not list(hunt_log(log, compiled, tally, read_as=ReadAs("zeek-tsv")))
    log.write_bytes(gzip.compress(log.read_text("utf-8").encode("utf-16")))
    assert found(log, compiled, tally) == []
    assert [note.why.partition(",")[0] for note in tally.skipped] == [
        "nothing in it reads as zeek-tsv",
        "it is text in UTF-16",
    ]


def test_what_is_no_log_is_named_and_passed_over(tmp_path: Path):
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    tally = Tally()
    (tmp_path / "program.log").write_bytes(b"\x7fELF\0\0" * 1000)
    (tmp_path / "text.log").write_text("Jan 1 host program: 203.0.113.7\n")
    (tmp_path / "empty.log").write_text("")
    for name in ("program.log", "text.log", "empty.log"):
        assert found(tmp_path / name, compiled, tally) == []
    assert ["binary" in tally.skipped[0].why, "no format that is read" in tally.skipped[1].why] == [
        True,
        True,
    ]
    assert len(tally.skipped) == 3


def test_a_line_beyond_the_limit_is_passed_over(tmp_path: Path):
    log = tmp_path / "long.log"
    good = json.dumps(CONN)
    log.write_text(f'{good}\n{{"ts":1,"uid":"{"x" * (2**20)}"}}\n{good}\n')
    tally = Tally()
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    assert [one[0] for one in found(log, compiled, tally)] == [1, 3]
    assert [note.line for note in tally.skipped] == [2]


VALUES = st.sampled_from(
    ["evil.example", "A.EVIL.example.", "notevil.example", "evil.example.test", "203.0.113.7", "203.0.113.7:80",
     "::ffff:203.0.113.7", "2001:db8::7", "evil.example:443", "é.example", "", "-", " evil.example", "[2001:db8::7]",
     "http://evil.example/a", "HTTP://EVIL.example:80/a", "//evil.example/a", "http://u@evil.example/%61", "x" * 300]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "id.orig_h",
        "id_resp_h",
        "query",
        "host",
        "uri",
        "server_name",
        "referrer",
        "mailfrom",
        "answers",
        "rcptto",
    ]
)
RECORDS = st.lists(
    st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=3) | st.none() | st.integers(), max_size=6),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS)
def test_bulk_and_lines_find_the_same_in_any_records(tmp_path: Path, monkeypatch, records):
    log = json_log(
        tmp_path / "any.log", [{"ts": 1_767_225_600 + n, "uid": "C"} | one for n, one in enumerate(records)]
    )
    compiled = a_set(
        tmp_path,
        "[domain-name:value = 'evil.example']",
        "[ipv4-addr:value = '203.0.113.7']",
        "[ipv4-addr:value ISSUBSET '203.0.113.0/24']",
        "[ipv6-addr:value ISSUBSET '2001:db8::/32']",
        "[url:value = 'http://evil.example/a']",
        "[domain-name:value = 'xn--9ca.example']",
    )
    try:
        both_ways(log, compiled, monkeypatch)
    finally:
        compiled.close()


def test_a_set_that_is_open_for_long_forgets_and_learns_and_finds_the_same(tmp_path: Path, monkeypatch):
    patterns = [f"[domain-name:value = 'evil{n}.example']" for n in range(40)]
    first, later = a_set(tmp_path, *patterns), a_set(tmp_path, "[url:value LIKE 'http://evil.test/a/%']")
    lasting = CompiledSet(sorted(first._files), threads=1, is_lasting=True)
    monkeypatch.setattr(compiled_module, "MAX_REMEMBERED", 10)
    monkeypatch.setattr(key_filter, "MAX_BESIDE", 0)

    def met(*names: str) -> list[int]:
        cells = [("domain", False, name) for name in names]
        return sorted(one.object_row for several in lasting.match(cells).values() for one in several)

    for n in range(40):
        assert met(f"x.EVIL{n}.example.", f"evil{n}.example.net", "example", "203.0.113.7") == [n + 1]
    assert len(lasting._known) <= 10
    assert len(lasting._loaded) <= 20
    url: CellKey = ("url", False, "http://evil.test/a/b?c")
    assert lasting.match([url]) == {}
    lasting.set_files([*sorted(first._files), *later._files])
    assert [one.scope for one in lasting.match([url])[url]] == ["url prefix"]
    assert met("evil3.example") == [4]
    lasting.set_files(sorted(later._files))
    assert met("evil3.example") == []
    for one in (first, later, lasting):
        one.close()


def test_a_filter_of_many_entries_is_ordered_part_by_part(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(key_filter, "MAX_ORDERED", 7)
    names = [f"evil{n}.example" for n in range(100)]
    made = a_set(tmp_path, *(f"[domain-name:value = '{name}']" for name in names))
    lasting = CompiledSet(sorted(made._files), threads=1, is_lasting=True)
    cells: list[CellKey] = [("domain", False, name) for name in names]
    assert set(lasting.match(cells)) == set(cells)
    assert len(lasting._filter) == 100
    made.close()
    lasting.close()


TEXTS = {
    "ja3": ["Ab" * 16, "ab" * 16, " " + "ab" * 16, "ab:" * 15 + "ab", "cd" * 16, "x"],
    "host_key": [":".join(["ab"] * 16), "SHA256:" + "a" * 43 + "=", "MD5:" + "ab" * 16],
    "fingerprint": ["AB" * 20, ":".join(["ab"] * 20), "sha1=" + "ab" * 20, "ab" * 16],
    "certificate.serial": ["0ABC001122", "0A:BC:00:11:22", "0x0abc001122", "01", "ABC001122 "],
    "filename": ["Evil.EXE", '"evil.exe"', "C:\\\\x\\evil.exe", "/a/ evil.exe", "/a/b/evil.exe/", "evil.exe.txt", "d\\Evil.exe ", "\u212aevil"],
    "user_agent": ["Bad/1.0", "bad/1.0", " Bad/1.0", "Bad/1.0\u00a0", "Bad/1.0 (x)", "\u001fBad/1.0"],
    "mac": ["00:1A:2B:3c:4d:5e", "00-1a-2b-3c-4d-5e", "001a2b3c4d5e", "00:1a:2b:3c:4d:5f"],
    "username": ["CORP\\\\Ann", "ann", "ANN", "ann2", " Ann"],
    "request_from": ['"B" <sip:Bob@evil.example>;tag=1', "sip:+4930123456@203.0.113.7", "sip:bob@EVIL.example", "tel:+49-30-123456",
                     "sip:x@[2001:db8::7]:5060"],
}  # fmt: skip
TEXT_PATTERNS = (
    f"[network-traffic:x_ja3 = '{'ab' * 16}']",
    f"[file:hashes.MD5 = '{'ab' * 16}']",
    f"[network-traffic:x_ssh_fingerprint = '{'ab' * 16}']",
    f"[network-traffic:x_ssh_fingerprint = 'SHA256:{'a' * 43}']",
    f"[x509-certificate:hashes.'SHA-1' = '{'ab' * 20}']",
    "[x509-certificate:serial_number = '0abc001122']",
    "[file:name = 'evil.exe']",
    "[file:name = 'C:\\\\x\\\\evil.exe']",
    "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Bad/1.0']",
    "[mac-addr:value = '00:1a:2b:3c:4d:5e']",
    "[user-account:account_login = 'ann']",
    "[url:value = 'sip:Bob@evil.example']",
    "[x-phone-number:value = '+49 30 123456']",
    "[domain-name:value = 'evil.example']",
    "[ipv4-addr:value = '203.0.113.7']",
    "[ipv6-addr:value = '2001:db8::7']",
)
LIKE_PATTERNS = ("[file:name LIKE 'c:\\\\x%']", "[file:name LIKE '%.exe']", "[user-account:user_id LIKE 'corp%']",
                 "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' LIKE 'bad%']",
                 "[x-phone-number:value LIKE '+49%']", "[url:value LIKE 'sip:%']")  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in TEXTS.items()}),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.sampled_from(TEXT_PATTERNS + LIKE_PATTERNS), min_size=1, max_size=6, unique=True),
    st.booleans(),
)
def test_bulk_and_lines_find_the_same_texts(tmp_path: Path, monkeypatch, records, patterns, has_personal):
    log = json_log(
        tmp_path / "any.log", [{"ts": 1_767_225_600 + n, "uid": "C"} | one for n, one in enumerate(records)]
    )
    compiled = a_set(tmp_path, *patterns)
    try:
        both_ways(log, compiled, monkeypatch, personal=ALL_ON if has_personal else ())
    finally:
        compiled.close()


def test_each_text_is_met_in_its_own_fields(tmp_path: Path, monkeypatch):
    log = json_log(
        tmp_path / "any.log",
        [
            CONN | {"ja3": "AB" * 16, "established": True},
            CONN | {"hassh": "ab" * 16, "host_key": ":".join(["ab"] * 16)},
            CONN | {"fingerprint": ":".join(["AB"] * 20)},
            CONN | {"sha1": "ab" * 20, "filename": "C:\\x\\Evil.exe", "fuid": "F"},
            CONN | {"certificate.serial": "0ABC001122"},
            CONN | {"user_agent": "Bad/1.0"},
            CONN | {"user_agent": "bad/1.0"},
            CONN | {"mac": "001A.2B3C.4D5E"},
            CONN | {"username": "CORP\\ann"},
            CONN | {"request_from": "<sip:+4930123456@evil.example>"},
        ],
    )
    compiled = a_set(tmp_path, *TEXT_PATTERNS)
    assert sorted(one[:4] for one in both_ways(log, compiled, monkeypatch) if one[1] != 15) == [
        (1, 1, "ja3", "exact"),
        (1, 2, "ja3", "exact"),  # as feeds write it: the hash of a file
        (2, 2, "hassh", "exact"),
        (2, 3, "host_key", "exact"),
        (3, 5, "fingerprint", "exact"),
        (4, 7, "filename", "exact"),
        (4, 8, "filename", "exact"),
        (5, 6, "certificate.serial", "exact"),
        (6, 9, "user_agent", "exact"),
        (8, 10, "mac", "exact"),
        (9, 11, "username", "exact"),
        (10, 13, "request_from", "exact"),
        (10, 14, "request_from", "exact"),
    ]


def test_folders_are_walked_in_order_and_what_is_missing_is_named(tmp_path: Path):
    (tmp_path / "b").mkdir()
    for name in ("b/2.log", "b/1.log", "a.log"):
        (tmp_path / name).write_text("x")
    tally = Tally()
    names = [path.name for path in files.log_files([tmp_path, tmp_path / "no"], tally)]
    assert names == ["a.log", "1.log", "2.log"]
    assert tally.skipped[0].why == "there is no such file or folder"


EVE = {
    "timestamp": "2026-01-01T00:00:00.000000+0000", "event_type": "dns", "host": "sensor", "src_ip": "10.0.0.5",
    "dest_ip": "203.0.113.7", "dns": {"rrname": "www.evil.example"},
}  # fmt: skip


@pytest.mark.parametrize("first", ["zeek", "eve"])
def test_a_record_of_another_format_is_searched_in_its_own(tmp_path: Path, monkeypatch, first: str):
    records = [
        CONN | {"query": "good.example"},
        EVE | {"dest_ip": "10.0.0.1", "dns": {"rrname": "good.example"}},
    ]
    strangers = [CONN | {"query": "evil.example"}, EVE]
    if first == "eve":
        records.reverse()
    else:
        strangers.reverse()
    log = json_log(
        tmp_path / "mixed.log", [*[records[0]] * 2000, strangers[0], *[records[0]] * 2000, strangers[1]]
    )
    compiled = a_set(tmp_path, "[domain-name:value = 'evil.example']")
    tally = Tally()
    hits = list(hunt_log(log, compiled, tally))
    assert [(one.line, one.format, one.field.name) for one in hits] == (
        [(2001, "suricata-eve", "dns.rrname"), (4002, "zeek-json", "query")]
        if first == "zeek"
        else [(2001, "zeek-json", "query"), (4002, "suricata-eve", "dns.rrname")]
    )
    assert (tally.records, tally.skipped) == (4002, [])
    assert len(both_ways(log, compiled, monkeypatch)) == 2


def test_half_a_log_may_be_of_another_format(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_ODD_LINES", 50)
    log = json_log(tmp_path / "mixed.log", [CONN | {"id.resp_h": "203.0.113.9"}, EVE] * 500)
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    assert [line for line, *_ in both_ways(log, compiled, monkeypatch)] == list(range(2, 1001, 2))


def test_a_record_of_no_format_is_named_as_not_searched(tmp_path: Path, monkeypatch):
    log = json_log(
        tmp_path / "mixed.log", [CONN] * 500 + [{"level": "info", "msg": "203.0.113.7"}] + [CONN] * 500
    )
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    for size in (2**60, 1):
        monkeypatch.setattr(bulk, "MIN_BULK_BYTES", size)
        tally = Tally()
        assert len(found(log, compiled, tally)) == 1000
        assert tally.records == 1000
        assert [(note.line, note.why[:40]) for note in tally.skipped] == [
            (501, "the record is of no format that is read:")
        ]


MD5 = "9e107d9d372bb6826bd81d3542a419d6"


@pytest.mark.parametrize(
    ("added_at", "in_bulk", "lines"),
    [
        (3000, False, [3001]),  # beyond the sample, in a log that is read line by line
        (3000, True, []),  # the one thing that is not noticed
        (0, True, [1]),  # in the sample
    ],
)
def test_a_field_of_another_kind_is_read_or_named(
    tmp_path: Path, monkeypatch, added_at: int, in_bulk: bool, lines: list[int]
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", 1 if in_bulk else 2**60)
    records = [CONN | {"missed_bytes": 0, "history": "ShADadFf" * 9} for _ in range(10_000)]
    records[added_at]["md5"] = MD5
    log = json_log(tmp_path / "conn.log", records)
    compiled = a_set(tmp_path, f"[file:hashes.MD5 = '{MD5}']")
    tally = Tally()
    assert [line for line, *_ in found(log, compiled, tally)] == lines
    assert ("md5" in tally.untold) is (in_bulk and not lines)
    assert ("file:hashes.MD5" in tally.shown.kinds) is bool(lines)


def test_a_field_of_its_own_kind_and_a_record_of_another_kind_are_noticed_in_bulk(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", 1)
    records: list[dict[str, object]] = [CONN | {"trans_id": 1, "rejected": False} for _ in range(10_000)]
    records[3000] = records[3000] | {"query": "evil.example"}
    records[7000] = CONN | {"fuid": "F1", "seen_bytes": 1, "md5": MD5}
    log = json_log(tmp_path / "dns.log", records)
    compiled = a_set(tmp_path, f"[file:hashes.MD5 = '{MD5}']", "[domain-name:value = 'evil.example']")
    assert [line for line, *_ in found(log, compiled)] == [3001, 7001]
