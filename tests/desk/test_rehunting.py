"""Intelligence that comes late finds what it names in logs that were hunted through before, as a hunt would."""

from __future__ import annotations

import gzip
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, Made, a_file, an_id, indicator, take
from tests.desk.test_hunting import DAY, JANUARY, a_log, book, conn, counts, dns, hunted

from backchannel.cli import schedule
from backchannel.clock import FixedClock
from backchannel.desk import rehunting
from backchannel.desk.batches import undo_batch
from backchannel.desk.days import day_index
from backchannel.desk.hit_taking import HuntOptions
from backchannel.desk.hitting import Hit, RehuntSummary
from backchannel.desk.hunting import hunt
from backchannel.desk.inbox import show
from backchannel.desk.node import Node
from backchannel.desk.rehunting import rehunt, rehunt_arrived
from backchannel.errors import StoreError
from backchannel.ids import BatchId
from backchannel.matching import bulk


def rehunted(node: Node, *, everything: bool = False) -> tuple[Sequence[Hit], RehuntSummary]:
    *hits, end = rehunt(node, CLOCK, everything=everything)
    assert isinstance(end, RehuntSummary)
    return [hit for hit in hits if isinstance(hit, Hit)], end


def naming(number: int, pattern: str, **more: object) -> Made:
    return indicator(number, pattern=pattern, **more)


GOLDEN = [
    naming(1, "[domain-name:value = 'evil.example']"),
    naming(2, "[ipv4-addr:value ISSUBSET '203.0.113.0/24']"),
    naming(3, "[network-traffic:src_ref.value = '203.0.113.9']"),
    naming(4, "[network-traffic:dst_ref.value = '203.0.113.9']"),
    naming(5, "[url:value = 'http://evil.example/a']"),
    naming(6, "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']"),
    naming(7, "[domain-name:value = 'never.example']"),
    naming(8, "[domain-name:value LIKE '%.evil.example']"),
    naming(9, "[domain-name:value = 'evil.example']", valid_from="2026-06-01T00:00:00Z"),
]
RECORDS = [
    dns("www.evil.example"),
    dns("evil.example", at=JANUARY + DAY, client="10.0.0.6"),
    conn("10.0.0.5", "203.0.113.9", at=JANUARY + 2 * DAY),
    conn("203.0.113.77", "10.0.0.5"),
    conn("10.0.0.5", "198.51.100.1")
    | {"host": "evil.example", "uri": "/a", "md5": "d41d8cd98f00b204e9800998ecf8427e"},
]


def bare(hits: Sequence[Hit]) -> list[tuple[object, ...]]:
    found = [
        (one.indicator, one.log, one.asset, one.seen_at, one.scope, one.validity, one.observable, one.advice)
        for one in hits
    ]
    return sorted(found, key=repr)


@pytest.mark.parametrize("least", [1, 2**60])
def test_a_rehunt_finds_what_a_hunt_would(node: Node, tmp_path: Path, monkeypatch, least: int):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
    log = a_log(tmp_path, *RECORDS)
    hunted(node, log)
    take(node, a_file(tmp_path, *GOLDEN))
    late, end = rehunted(node)
    assert (end.indicators, end.unanswered, end.logs, end.logs_read, end.seen) == (9, 0, 1, 1, 7)
    sums = counts(node)
    again, _ = hunted(node, log)
    assert bare(late) == bare(again)
    assert counts(node) == sums  # the same lines, hunted twice, are counted once


WHOLE = [
    naming(1, "[network-traffic:dst_ref.value = '203.0.113.9' AND network-traffic:protocols[*] = 'tcp']"),
    naming(2, "[network-traffic:dst_ref.value = '203.0.113.9' AND network-traffic:protocols[*] = 'udp']"),
    naming(3, "[domain-name:value = 'www.evil.example'] FOLLOWEDBY [ipv4-addr:value = '203.0.113.9']"),
    naming(4, "[ipv4-addr:value = '203.0.113.9'] FOLLOWEDBY [domain-name:value = 'www.evil.example']"),
    naming(5, "[domain-name:value = 'never.example' AND network-traffic:dst_port = 53]"),
]


def test_late_whole_patterns_are_judged_in_the_logs_that_hold_an_anchor(node: Node, tmp_path: Path):
    logs = [a_log(tmp_path, *RECORDS[:2]), a_log(tmp_path, *RECORDS[2:4], name="conn.log")]
    hunted(node, *logs)
    take(node, a_file(tmp_path, *WHOLE))
    late, end = rehunted(node)
    assert (end.unanswered, end.logs_read, end.seen) == (0, 2, 2)
    assert bare(late) == bare(hunted(node, *logs)[0])
    assert {hit.indicator for hit in late} == {an_id("indicator", 1), an_id("indicator", 3)}


def test_of_a_log_that_is_gone_an_anchor_is_a_partial_hit(node: Node, tmp_path: Path):
    log = a_log(tmp_path, conn("10.0.0.5", "203.0.113.9"))
    hunted(node, log)
    log.unlink()
    pattern = "[ipv4-addr:value = '203.0.113.9' AND network-traffic:dst_port = 443]"
    take(node, a_file(tmp_path, naming(1, pattern), WHOLE[4]))
    (hit,), end = rehunted(node)
    assert (hit.indicator, hit.scope, len(end.logs_gone)) == (an_id("indicator", 1), "partial", 1)


def test_only_what_came_since_is_looked_for_and_all_of_it_if_asked(node: Node, tmp_path: Path):
    hunted(node, a_log(tmp_path, *RECORDS))
    take(node, a_file(tmp_path, GOLDEN[0]))
    assert [hit.indicator for hit in rehunted(node)[0]] == [an_id("indicator", 1)] * 3
    take(node, a_file(tmp_path, GOLDEN[6]))
    hits, end = rehunted(node)
    assert (list(hits), end.indicators) == ([], 1)
    assert rehunted(node)[1].indicators == 0
    assert rehunt_arrived(node, CLOCK) is None
    hits, end = rehunted(node, everything=True)
    assert (len(hits), end.indicators) == (3, 2)


def test_what_is_revoked_or_undone_is_not_looked_for_and_what_comes_again_is(node: Node, tmp_path: Path):
    hunted(node, a_log(tmp_path, *RECORDS))
    file = a_file(tmp_path, GOLDEN[0])
    batch = take(node, file).batch
    undo_batch(node, CLOCK, BatchId(batch))
    assert rehunted(node)[1].indicators == 0
    take(node, file)
    assert rehunted(node)[1].hits == 3
    take(node, a_file(tmp_path, indicator(1, version=2, revoked=True, pattern=GOLDEN[0]["pattern"])))
    assert rehunted(node, everything=True)[1].indicators == 0


def test_a_log_that_was_renamed_and_packed_is_found(node: Node, tmp_path: Path):
    log = a_log(tmp_path, *RECORDS)
    hunted(node, log)
    packed = tmp_path / "dns.2026-01-01.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    a_log(tmp_path, dns("other.example", at=JANUARY + 9))  # the next one has its name
    take(node, a_file(tmp_path, GOLDEN[0]))
    hits, end = rehunted(node)
    assert {hit.log.path for hit in hits} == {str(packed)}
    assert (end.logs_read, end.logs_gone) == (1, ())


def test_of_a_log_that_is_gone_the_index_tells_value_and_days(node: Node, tmp_path: Path):
    log = a_log(tmp_path, *RECORDS)
    hunted(node, log)
    log.unlink()
    take(node, a_file(tmp_path, *GOLDEN[:8]))
    hits, end = rehunted(node)
    assert end.logs_gone == (str(log),)
    # Which side of a record an address was on is not in the index: 3 and 4 are not said.
    numbers = {an_id("indicator", number): number for number in range(1, 10)}
    assert {(numbers[one.indicator], one.observable.value, one.scope, one.seen_at) for one in hits} == {
        (1, "evil.example", "exact", "2026-01-02T00:00:00.000Z"),
        (1, "www.evil.example", "subdomain", "2026-01-01T00:00:00.000Z"),
        (2, "203.0.113.9", "cidr", "2026-01-03T00:00:00.000Z"),
        (2, "203.0.113.77", "cidr", "2026-01-01T00:00:00.000Z"),
        (5, "http://evil.example/a", "exact", "2026-01-01T00:00:00.000Z"),
        (6, "d41d8cd98f00b204e9800998ecf8427e", "exact", "2026-01-01T00:00:00.000Z"),
        (8, "www.evil.example", "subdomain", "2026-01-01T00:00:00.000Z"),
    }
    assert {(one.log.line, one.log.field, one.asset) for one in hits} == {(None, "", None)}
    assert show(node, CLOCK, an_id("indicator", 1)).item.concerns.state == "yes"
    assert book(node).by_asset[0].asset is None


def test_late_intelligence_that_was_not_seen_is_told_as_searched_for(node: Node, tmp_path: Path):
    before_it_came = FixedClock(CLOCK.now() - timedelta(days=1))
    assert list(hunt(node, before_it_came, [a_log(tmp_path, *RECORDS)]))
    take(node, a_file(tmp_path, GOLDEN[6], naming(10, f"[file:hashes.'SHA-256' = '{'a' * 64}']")))
    before = show(node, CLOCK, an_id("indicator", 7)).item.concerns
    rehunted(node)
    after = show(node, CLOCK, an_id("indicator", 7)).item.concerns
    assert (before.state, after.state) == ("not checked", "no")
    # No log held a SHA-256, so nothing is said of that.
    assert show(node, CLOCK, an_id("indicator", 10)).item.concerns.state == "not checked"


def test_a_rehunt_that_is_stopped_begins_again_where_it_began(node: Node, tmp_path: Path, monkeypatch):
    hunted(
        node, a_log(tmp_path, *RECORDS), a_log(tmp_path, dns("evil.example", at=JANUARY + 5), name="b.log")
    )
    take(node, a_file(tmp_path, GOLDEN[0]))
    going = rehunt(node, CLOCK)
    next(going)
    going.close()
    assert rehunted(node)[1].hits == 4
    assert counts(node) == {"evil.example": 4}


def test_what_the_index_cannot_answer_is_counted(node: Node, tmp_path: Path):
    hunted(node, a_log(tmp_path, *RECORDS))
    take(node, a_file(tmp_path, naming(1, "[domain-name:value LIKE '%vil.example']"), GOLDEN[0]))
    assert rehunted(node)[1].unanswered == 1


def test_without_an_index_there_is_nothing_to_do(node: Node, tmp_path: Path):
    hunted(node, a_log(tmp_path, *RECORDS), options=HuntOptions(index=False))
    take(node, a_file(tmp_path, GOLDEN[0]))
    assert not (node.home / "days.sqlite").exists()
    assert rehunt_arrived(node, CLOCK) is None


def test_a_flood_of_what_one_gone_log_held_is_bounded(node: Node, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(rehunting, "MAX_FROM_INDEX", 5)
    log = a_log(tmp_path, *(dns(f"n{number}.evil.example", at=JANUARY + number) for number in range(40)))
    hunted(node, log)
    log.unlink()
    take(node, a_file(tmp_path, GOLDEN[0]))
    assert len(rehunted(node)[0]) == 5


def test_a_damaged_index_is_told_and_hunts_go_on_without_it(node: Node, tmp_path: Path):
    log = a_log(tmp_path, *RECORDS)
    take(node, a_file(tmp_path, GOLDEN[0]))
    (node.home / "days.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="day index"):
        rehunted(node)
    assert hunted(node, log, options=HuntOptions(index=False))[1].hits == 3


def test_who_serves_looks_by_itself_for_what_came_by_any_way(node: Node, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(schedule, "LOOK_EVERY_S", 0.02)
    hunted(node, a_log(tmp_path, *RECORDS))
    with schedule.polling(node.home, CLOCK):
        take(node, a_file(tmp_path, GOLDEN[0]))
        for _ in range(500):
            if counts(node):
                break
            time.sleep(0.02)
    assert counts(node) == {"evil.example": 3}


def test_what_is_older_than_is_kept_is_forgotten_once_a_month(node: Node, tmp_path: Path):
    old, new = dns("evil.example", at=JANUARY - 500 * DAY), dns("evil.example", at=JANUARY)
    hunted(node, a_log(tmp_path, old, new))
    with day_index(node) as index:
        assert [row.day for row in index.values(b"d", b"e", 1, at_most=9)] == [JANUARY // DAY]
    # The next time is in a month: to look for it costs a walk through the whole index.
    hunted(node, a_log(tmp_path, {**old, "uid": "C9"}, name="again.log"))
    with day_index(node) as index:
        assert len(index.values(b"d", b"e", 2, at_most=9)) == 1
