"""The monthly tally of a source: counted here, told as far as the rules allow, believed as far as its signature holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import dns, jsonl
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel.desk import membership
from backchannel.desk.answering import dispute
from backchannel.desk.hunting import hunt
from backchannel.desk.judgements import judge
from backchannel.desk.node import Node
from backchannel.desk.receipt_drops import receipts_drop, take_statements
from backchannel.desk.receipting import Word, acknowledged
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How
from backchannel.desk.tallying import heard_tallies, tally, tally_stix
from backchannel.desk.telling import signed
from backchannel.errors import PolicyError, UsageError
from backchannel.parties.states import Event
from backchannel.provenance.predicates import Tally

IDS = [str(indicator(number)["id"]) for number in (1, 2, 3, 4)]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        batch = keep(alpha, [indicator(number) for number in (1, 2, 3, 4)])
        take(beta, send(alpha, beta, batch, How(ack="acted")).path.read_bytes())
        log = jsonl(
            tmp_path / "dns.log", *(dns(5 * 86_400 + number, "h1.example.net") for number in range(12))
        )
        list(hunt(beta, CLOCK, [log]))
        acknowledged(beta, CLOCK, IDS[0], Word(state="acted", acted="blocked"))
        dispute(beta, CLOCK, IDS[1], text="A scanner.")
        judge(beta, CLOCK, IDS[2], "harmful", "It cut off our bank.")
        yield [alpha, beta]


def test_it_counts_what_a_sources_intelligence_did_here_in_one_month(two: list[Node]):
    _, beta = two
    found = tally(beta, CLOCK, "Alpha", "2026-03").tally
    assert (found.received, found.searched, found.seen, found.hits) == (4, 4, "1", "10+")
    assert (found.blocked, found.disputed, found.refuted, found.harmful) == ("1", 1, 1, 1)
    before = tally(beta, CLOCK, "Alpha", "2026-02").tally
    assert (before.received, before.seen, before.disputed) == (0, "0", 0)
    assert tally(beta, CLOCK, "Alpha").tally.month == "2026-03"


def test_it_is_told_signed_and_stands_at_the_source(two: list[Node]):
    alpha, beta = two
    found = tally(beta, CLOCK, "Alpha", "2026-03", send=True)
    assert found.sent
    made = receipts_drop(beta, CLOCK, "Alpha")
    assert made is not None
    take(alpha, made.path.read_bytes())
    [heard] = heard_tallies(alpha, CLOCK, membership.named(alpha, "Beta"))
    assert heard.tally == found.tally
    assert "2026-03: 4 objects of yours came to Beta." in heard.says
    assert tally(alpha, CLOCK, "Beta", "2026-03").theirs == (heard,)


def test_a_party_that_is_introduced_only_hears_what_shows_nothing_of_us(two: list[Node]):
    _, beta = two
    membership.move(beta, CLOCK, "Alpha", Event.SUSPENDED, "a test")
    assert tally(beta, CLOCK, "Alpha").told is None
    with pytest.raises(PolicyError):
        tally(beta, CLOCK, "Alpha", send=True)
    with pytest.raises(PolicyError):
        tally_stix(beta, CLOCK, "Alpha")
    membership.move(beta, CLOCK, "Alpha", Event.RESUMED, "a test")
    told = tally(beta, CLOCK, "Alpha").told
    assert told is not None
    assert (told.received, told.seen, told.blocked, told.disputed) == (4, None, None, None)


def test_other_tools_read_it_as_a_note(two: list[Node]):
    _, beta = two
    bundle = tally_stix(beta, CLOCK, "Alpha", "2026-03")
    note = next(one for one in bundle["objects"] if one["type"] == "note")
    assert "4 objects of yours came to Beta" in note["content"]
    assert note["id"] == next(
        one["id"] for one in tally_stix(beta, CLOCK, "Alpha", "2026-03")["objects"] if one["type"] == "note"
    )
    assert note["id"] != next(
        one["id"] for one in tally_stix(beta, CLOCK, "Alpha", "2026-02")["objects"] if one["type"] == "note"
    )


def test_what_is_no_month_and_a_forged_tally_are_refused(two: list[Node]):
    alpha, beta = two
    for wrong in ("2026", "2026-13", "soon", "2026-3-1"):
        with pytest.raises(UsageError, match="no month"):
            tally(beta, CLOCK, "Alpha", wrong)
    with pytest.raises(UsageError, match="ourselves"):
        tally(beta, CLOCK, "Beta")
    good = signed(beta, CLOCK, Tally(month="2026-03", received=9), recipient_of(beta, "Alpha"))
    at = good.index(b'"sig":"') + 7
    broken = good[:at] + (b"B" if good[at : at + 1] == b"A" else b"A") + good[at + 1 :]
    assert [one.code for one in take_statements(alpha, CLOCK, broken, "x").notes] == ["bad-signature"]
    assert heard_tallies(alpha, CLOCK, membership.named(alpha, "Beta")) == ()
