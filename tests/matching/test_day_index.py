"""The day index says on which days a value stood in which log, in bulk and line by line alike, and each line once."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.matching.test_hunt import CONN, a_set, json_log

from backchannel.errors import StoreError
from backchannel.logs.recognise import log_id, recognise
from backchannel.matching import bulk, day_index
from backchannel.matching.day_counts import DayCounts
from backchannel.matching.day_index import DayIndex, DayRow, IndexedLog
from backchannel.matching.day_keys import MAX_KEY_BYTES, key_of, range_of, seen_of
from backchannel.matching.entries import entries_of
from backchannel.matching.hunt import Tally, hunt_log
from backchannel.matching.index import EntryIndex, filed
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import normalise

DAY = 86_400


@contextmanager
def an_index(folder: Path) -> Iterator[DayIndex]:
    index = DayIndex(folder / "days.sqlite")
    try:
        yield index
    finally:
        index.close()


def noted(folder: Path, *logs: Path) -> Counter[tuple[str, int, int, int]]:
    """Hunt through logs; return (value, day, first, last) of all in the index, with its records."""
    compiled = a_set(folder, "[ipv4-addr:value = '192.0.2.200']")
    with an_index(folder) as index:
        for log in logs:
            for _ in hunt_log(log, compiled, Tally(), days=DayCounts(index)):
                pass
    compiled.close()
    return held(folder)


def held(folder: Path) -> Counter[tuple[str, int, int, int]]:
    found: Counter[tuple[str, int, int, int]] = Counter()
    with sqlite3.connect(folder / "days.sqlite") as database:
        for key, day, records, first, last in database.execute("SELECT key, day, n, first, last FROM seen"):
            seen = seen_of(key)
            assert seen is not None
            found[seen.value, day, first, last] += records
    return found


def test_a_value_is_counted_by_the_day_with_the_first_and_last_second(tmp_path: Path):
    log = json_log(
        tmp_path / "conn.log",
        [CONN, CONN | {"ts": DAY - 1}, CONN | {"ts": DAY + 7.9}, CONN | {"ts": None}],
    )
    days = {key: count for key, count in noted(tmp_path, log).items() if key[0] == "203.0.113.7"}
    assert days == {
        ("203.0.113.7", 0, 1, DAY - 1): 2,
        ("203.0.113.7", 1, 7, 7): 1,
        ("203.0.113.7", day_index.NO_DAY, -1, -1): 1,
    }


def test_hosts_in_urls_names_in_lists_and_hashes_are_noted_and_mail_addresses_are_not(tmp_path: Path):
    log = json_log(
        tmp_path / "all.log",
        [
            CONN | {"host": "Evil.Test", "uri": "/a", "referrer": "http://other.test/x"},
            CONN | {"answers": ["198.51.100.9", "b.example"], "md5": "D41D8CD98F00B204E9800998ECF8427E"},
            CONN | {"mailfrom": "<who@mail.example>", "id.resp_h": "2001:db8::7"},
        ],
    )
    values = {value for value, *_ in noted(tmp_path, log)}
    assert values >= {"evil.test", "http://evil.test/a", "other.test", "http://other.test/x", "b.example"}
    assert values >= {"198.51.100.9", "d41d8cd98f00b204e9800998ecf8427e", "2001:db8::7", "mail.example"}
    assert not any("@" in value for value in values)


TIMES = st.one_of(
    st.integers(0, 3 * DAY), st.floats(0, 3 * DAY), st.just("no time"), st.none(), st.integers(-5, -1)
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "ts": TIMES,
            "id.resp_h": st.sampled_from(["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1", "x", ""]),
        },
        optional={
            "query": st.sampled_from(["a.example", "A.Example.", "b.a.example", "-", "höchst.example"]),
            "answers": st.lists(st.sampled_from(["198.51.100.1", "c.example", "TXT 3 x"]), max_size=3),
            "host": st.sampled_from(["a.example", "a.example:81", "[2001:db8::2]"]),
            "uri": st.sampled_from(["/", "/x?y", "http://p.example/", "*"]),
            "sha1": st.sampled_from(["a" * 40, "A" * 40, "no"]),
        },
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS)
def test_a_log_read_in_bulk_and_line_by_line_is_noted_alike(tmp_path_factory, records):
    noted_ways = []
    for least in (2**60, 1):
        folder = tmp_path_factory.mktemp("way")
        log = json_log(folder / "x.log", [CONN, *(CONN | one for one in records)])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bulk, "MIN_BULK_BYTES", least)
            noted_ways.append(noted(folder, log))
    assert noted_ways[0] == noted_ways[1]
    assert sum(noted_ways[0].values()) > 0


@pytest.mark.parametrize("least", [1, 2**60])
def test_a_log_that_grew_is_noted_once_whatever_its_name(tmp_path: Path, monkeypatch, least: int):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
    first, later = (
        [CONN | {"ts": n, "uid": f"C{n}"} for n in range(50)],
        [CONN | {"ts": DAY + n} for n in range(30)],
    )
    log = json_log(tmp_path / "conn.log", first)
    once = noted(tmp_path, log)
    assert noted(tmp_path, log) == once
    json_log(log, [*first, *later])
    grown = noted(tmp_path, log.rename(tmp_path / "conn.1.log"))
    assert grown == once + Counter({("10.0.0.5", 1, 0, 29): 30, ("203.0.113.7", 1, 0, 29): 30})


def test_zeeks_tables_are_noted_too_without_what_is_unset(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", 1)
    log = tmp_path / "dns.log"
    lines = [
        "#fields\tts\tid.orig_h\tid.resp_h\tquery",
        f"{DAY}.5\t10.0.0.5\t10.0.0.1\t-",
        "2\t10.0.0.5\t-\ta.example",
    ]
    log.write_text("".join(line + "\n" for line in lines))
    assert noted(tmp_path, log) == {
        ("10.0.0.5", 1, 0, 0): 1,
        ("10.0.0.1", 1, 0, 0): 1,
        ("10.0.0.5", 0, 2, 2): 1,
        ("a.example", 0, 2, 2): 1,
    }


def test_suricatas_times_count_in_their_zone(tmp_path: Path, monkeypatch):
    for least in (1, 2**60):
        monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
        folder = tmp_path / str(least)
        folder.mkdir()
        event = {"event_type": "flow", "src_ip": "10.0.0.5", "dest_ip": "203.0.113.7"}
        times = ("1970-01-02T01:00:00.5+0200", "1970-01-02T01:00:00Z", "1970-01-02T01:00:01")
        log = json_log(folder / "eve.json", [event | {"timestamp": at} for at in times])
        assert noted(folder, log)["203.0.113.7", 0, DAY - 3600, DAY - 3600] == 1
        assert noted(folder, log)["203.0.113.7", 1, 3600, 3601] == 2


PATTERNS = (
    "[ipv4-addr:value = '203.0.113.7']",
    "[ipv4-addr:value ISSUBSET '203.0.112.0/23']",
    "[ipv6-addr:value ISSUBSET '2001:db8::/32']",
    "[ipv6-addr:value = '2001:db8::ffff:ffff']",
    "[domain-name:value = 'a.example']",
    "[domain-name:value LIKE '%.a.example']",
    "[url:value = 'http://a.example:81/x?y']",
    "[url:value LIKE 'http://a.example/x/%']",
    f"[url:value = 'http://a.example/{'y' * 500}']",
    f"[url:value LIKE 'http://a.example/{'y' * 400}%']",
    "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
    f"[file:hashes.'SHA-256' = '{'f' * 64}']",
    "[network-traffic:dst_ref.value = '203.0.113.255']",
)
VALUES = (
    *((Kind.ADDRESS, one) for one in ("203.0.113.7", "203.0.112.0", "203.0.113.255", "203.0.114.0")),
    *((Kind.ADDRESS, one) for one in ("2001:db8::", "2001:db8::ffff:ffff", "2001:db9::")),
    *((Kind.DOMAIN, one) for one in ("a.example", "b.a.example", "ba.example", "a.examples", "example")),
    *((Kind.URL, f"http://a.example{one}") for one in ("/", ":81/x?y", ":81/x?y2", "/x/", "/x/z")),
    *((Kind.URL, f"http://a.example/{'y' * n}") for n in (400, 500, 501)),
    *((Kind.HASH, one) for one in ("d41d8cd98f00b204e9800998ecf8427e", "f" * 64, "f" * 40)),
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_range_of_an_entry_holds_all_that_it_meets(pattern: str):
    entries, left = entries_of(pattern, stix_version="2.1")
    assert not left
    judging = EntryIndex()
    judging.add(filed(1, entry) for entry in entries)
    ranges = [range_of(entry) for entry in entries]
    assert None not in ranges
    met = 0
    for seen in (normalise(kind, value) for kind, value in VALUES):
        key = key_of(seen)
        assert key is not None
        inside = any(low <= key < high for low, high in filter(None, ranges))
        does_meet = any(judging.met(seen))
        met += does_meet
        # A cut key is one value or what begins alike, and the side of a record is not in the index.
        assert inside or not does_meet
        assert inside == does_meet or len(key) > MAX_KEY_BYTES
    assert met


@given(
    st.one_of(
        st.ip_addresses().map(lambda one: (Kind.ADDRESS, str(one))),
        st.from_regex(r"([a-z0-9]{1,20}\.){0,5}[a-z]{2,8}", fullmatch=True).map(
            lambda one: (Kind.DOMAIN, one)
        ),
        st.from_regex(
            r"http://([a-z0-9]{1,9}\.){1,3}[a-z]{2,8}(:8[1-9])?/[a-z/?=]{0,40}", fullmatch=True
        ).map(lambda one: (Kind.URL, one)),
        st.binary(min_size=20, max_size=20).map(lambda one: (Kind.HASH, one.hex())),
    )
)
def test_a_key_gives_its_value_back(thing: tuple[Kind, str]):
    seen = normalise(*thing)
    key = key_of(seen)
    assert key is not None
    back = seen_of(key)
    assert back is not None
    assert (back.kind, back.key, back.stix_type) == (seen.kind, seen.key, seen.stix_type)


def test_the_same_part_of_a_log_counts_once_though_two_hunts_add_it(tmp_path: Path):
    log = IndexedLog(0, "id", "conn.log", "zeek-json", 100)
    row = DayRow(b"4abcd", 3, 5, 0, 9)
    with an_index(tmp_path) as one, an_index(tmp_path) as other:
        one.draft([row])
        other.draft([row])
        assert one.add(log, [])
        assert not other.add(log, [])
        assert one.values(b"4", b"5", 1, at_most=9) == [row]


def test_ranges_are_found_in_the_logs_that_hold_them(tmp_path: Path):
    with an_index(tmp_path) as index:
        for number in range(3):
            index.draft(
                [DayRow(b"dcom.evil." + b"www." * number, number, 1, 0, 0), DayRow(b"4abcd", 0, 1, 0, 0)]
            )
            assert index.add(IndexedLog(0, f"id{number}", "x", "zeek-json", 1), [])
        asked = [(b"dcom.evil.", b"dcom.evil/"), (b"4abcd", b"4abcd\0"), (b"dorg.", b"dorg/")]
        found = index.find([*asked, asked[0]])
        assert {key: sorted(rows) for key, rows in found.items()} == {
            asked[0]: [1, 2, 3],
            asked[1]: [1, 2, 3],
        }


def test_days_are_forgotten(tmp_path: Path):
    with an_index(tmp_path) as index:
        index.draft([DayRow(b"4abcd", day, 1, 0, 0) for day in (day_index.NO_DAY, 1, 2, 3)])
        index.add(IndexedLog(0, "id", "x", "zeek-json", 1), [])
        assert index.forget(before=3) == 2
        assert [row.day for row in index.values(b"4", b"5", 1, at_most=9)] == [day_index.NO_DAY, 3]


def test_an_index_of_another_normaliser_is_made_anew(tmp_path: Path, monkeypatch):
    noted(tmp_path, json_log(tmp_path / "conn.log", [CONN]))
    monkeypatch.setattr(day_index, "NORMALISER_VERSION", day_index.NORMALISER_VERSION + 1)
    with an_index(tmp_path) as index:
        assert index.logs() == []


def test_a_damaged_index_is_named_with_the_mend(tmp_path: Path):
    (tmp_path / "days.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=r"day index .* cannot be used") as raised, an_index(tmp_path):
        pass
    assert "delete the file" in (raised.value.hint or "")


def test_what_was_drafted_when_a_hunt_was_stopped_is_not_in_it(tmp_path: Path):
    log = json_log(tmp_path / "conn.log", [CONN] * 3)
    compiled = a_set(tmp_path, "[ipv4-addr:value = '203.0.113.7']")
    with an_index(tmp_path) as index:
        counts = DayCounts(index)
        next(hunt_log(log, compiled, Tally(), days=counts))
        assert held(tmp_path) == {}
        for _ in hunt_log(log, compiled, Tally(), days=counts):
            pass
    assert held(tmp_path)["203.0.113.7", 0, 1, 1] == 3
    sample = log.read_bytes().splitlines()
    assert log_id(recognise(sample), sample)


def test_the_index_of_a_day_is_small(tmp_path: Path):
    """A row takes some 40 bytes: the key, day, log, count and two times."""
    rows = [DayRow(b"4" + n.to_bytes(4, "big"), 20_000, 3, 100, 80_000) for n in range(20_000)]
    with an_index(tmp_path) as index:
        index.draft(rows)
        index.add(IndexedLog(0, "id", "x", "zeek-json", 1), [])
    assert (tmp_path / "days.sqlite").stat().st_size < 40 * len(rows)


def test_records_with_broken_neighbours_are_noted(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", 1)
    log = tmp_path / "conn.log"
    log.write_text(f"{json.dumps(CONN)}\n{{broken\n\n{json.dumps(CONN | {'ts': 3})}\n")
    assert noted(tmp_path, log)["203.0.113.7", 0, 1, 3] == 2
