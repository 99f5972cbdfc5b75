"""The book of hits: by host, indicator, place and day, in a window; and what we judged to be a false alarm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, a_file, an_id, indicator, take
from tests.desk.seen import a_hit, a_hunt
from tests.desk.test_hunting import DAY, JANUARY, a_log, conn, dns, hunted

from backchannel.desk.answering import dispute
from backchannel.desk.hitbook import HitsAsked, hits
from backchannel.desk.hitting import HitBook
from backchannel.desk.judgements import judge, take_back
from backchannel.desk.node import Node
from backchannel.errors import NotFoundError, UsageError

ONE, TWO = an_id("indicator", 1), an_id("indicator", 2)
RECORDS = [
    dns("evil1.example"),
    dns("www.evil1.example", at=JANUARY + 5),
    dns("evil1.example", at=JANUARY + DAY, client="10.0.0.6"),
    conn("10.0.0.6", "203.0.113.7", at=JANUARY + 3 * DAY),
]


@pytest.fixture
def book(node: Node, tmp_path: Path) -> Node:
    """A node that hunted through `RECORDS`."""
    take(node, a_file(tmp_path, indicator(1), indicator(2, pattern="[ipv4-addr:value = '203.0.113.7']")))
    hunted(node, a_log(tmp_path, *RECORDS))
    return node


def days(found: HitBook) -> Sequence[tuple[str, int, int, int]]:
    return [(one.day, one.count, one.asset_count, one.indicator_count) for one in found.by_day]


def test_lines_are_counted_by_day_however_often_a_log_is_hunted(book: Node, tmp_path: Path):
    expected = [("2026-01-04", 1, 1, 1), ("2026-01-02", 1, 1, 1), ("2026-01-01", 2, 1, 1)]
    assert days(hits(book, CLOCK)) == expected
    hunted(book, tmp_path / "dns.log")
    assert days(hits(book, CLOCK)) == expected


def test_hits_are_brought_together_by_where_they_lead(book: Node):
    found = [(one.value, one.kind, one.host_count, one.count) for one in hits(book, CLOCK).by_infrastructure]
    assert found == [("evil1.example", "domain-name", 2, 3), ("203.0.113.7", "ipv4-addr", 1, 1)]
    (one, _) = hits(book, CLOCK).by_indicator
    assert one.scopes == ("exact", "subdomain")


@pytest.mark.parametrize(
    ("asked", "indicators", "on"),
    [
        (HitsAsked(asset="10.0.0.5"), [ONE], ["2026-01-01"]),
        (HitsAsked(asset="10.0.0.6"), [ONE, TWO], ["2026-01-04", "2026-01-02"]),
        (HitsAsked(indicator=TWO), [TWO], ["2026-01-04"]),
        (HitsAsked(indicator=TWO[:20]), [TWO], ["2026-01-04"]),
        (HitsAsked(since=datetime(2026, 1, 2, tzinfo=UTC)), [ONE, TWO], ["2026-01-04", "2026-01-02"]),
        (HitsAsked(until=datetime(2026, 1, 2, tzinfo=UTC)), [ONE], ["2026-01-01"]),
        (HitsAsked(asset="10.0.0.7"), [], []),
    ],
)
def test_hits_can_be_asked_for_by_host_indicator_and_window(
    book: Node, asked: HitsAsked, indicators: list[str], on: list[str]
):
    found = hits(book, CLOCK, asked)
    assert sorted(one.indicator for one in found.by_indicator) == sorted(indicators)
    assert [one.day for one in found.by_day] == on


def test_a_window_without_an_inside_and_an_unknown_indicator_are_refused(book: Node):
    at = datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises(UsageError, match="--until is not after --since"):
        hits(book, CLOCK, HitsAsked(since=at, until=at))
    with pytest.raises(NotFoundError):
        hits(book, CLOCK, HitsAsked(indicator=an_id("indicator", 9)))


def test_hits_from_before_days_were_noted_count_for_their_first_day(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    a_hit(node, ONE, a_hunt(node), count=7)
    assert days(hits(node, CLOCK)) == [("2026-02-01", 7, 1, 1)]


# --- False alarms --------------------------------------------------------------------------------


def marks(node: Node, log: Path) -> tuple[set[str | None], set[str | None]]:
    """What the book, and a new hunt, say of indicator 1's being a false alarm."""
    in_book = {
        one.false_alarm and one.false_alarm.says
        for one in hits(node, CLOCK).by_indicator
        if one.indicator == ONE
    }
    in_hunt = {
        one.false_alarm and one.false_alarm.says for one in hunted(node, log)[0] if one.indicator == ONE
    }
    return in_book, in_hunt


def test_a_false_alarm_is_shown_as_one_until_it_is_taken_back(book: Node, tmp_path: Path):
    log = tmp_path / "dns.log"
    assert marks(book, log) == ({None}, {None})
    judge(book, CLOCK, ONE, "refuted", "It is the shop of our canteen.")
    says = "marked as a false alarm on 2026-03-01 by CERT Alpha: It is the shop of our canteen."
    assert marks(book, log) == ({says}, {says})
    judge(book, CLOCK, ONE, "confirmed", "It is not.")
    assert marks(book, log) == ({None}, {None})
    dispute(book, CLOCK, ONE, text="It is, after all.")
    take_back(book, CLOCK, ONE, "I do not know.")
    assert marks(book, log) == ({None}, {None})


def test_a_mark_holds_for_whoever_else_says_the_same(book: Node, tmp_path: Path):
    judge(book, CLOCK, ONE, "refuted", "It is harmless.")
    take(book, a_file(tmp_path, indicator(7, pattern=indicator(1)["pattern"])), party="CERT Gamma")
    hunted(book, tmp_path / "dns.log")
    found = {one.indicator: one.false_alarm for one in hits(book, CLOCK).by_indicator}
    assert found[an_id("indicator", 7)] == found[ONE] != None  # noqa: E711  # the same mark, and there is one
    assert found[TWO] is None
