"""Parties: known by name, ourselves first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, a_file, indicator, take

from backchannel.desk.batches import list_batches, show_batch, undo_batch
from backchannel.desk.node import Node
from backchannel.desk.parties import add_party, list_parties, show_party
from backchannel.errors import NotFoundError, UsageError
from backchannel.store.sqlite.connection import Database
from backchannel.store.sqlite.parties import _OBJECTS


def test_a_party_that_was_added_is_listed_after_ourselves(node: Node):
    for name in ("zeta", "Beta"):
        add_party(node, CLOCK, name)
    listed = list_parties(node).parties
    assert [party.name for party in listed] == ["CERT Alpha", "Beta", "zeta"]
    assert [party.self for party in listed] == [True, False, False]


def test_one_name_is_one_party_in_any_case(node: Node):
    add_party(node, CLOCK, "CERT Beta")
    with pytest.raises(UsageError, match="CERT Beta"):
        add_party(node, CLOCK, "cert BETA")
    with pytest.raises(UsageError):
        add_party(node, CLOCK, "CERT ALPHA")


def test_a_party_is_shown_with_what_came_from_it(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator(1), indicator(2))
    batches = [take(node, path, party="CERT Beta").batch for _ in range(2)]
    take(node, path, party="CERT Gamma")
    detail = show_party(node, CLOCK, "cert beta")
    assert (detail.party.name, detail.party.batches, detail.party.objects) == ("CERT Beta", 2, 2)
    assert detail.party.last_received_at == "2026-03-01T12:00:00.000Z"
    assert [batch.batch for batch in detail.batches] == batches[::-1]
    assert detail.fingerprint is None


def test_an_object_is_counted_once_for_each_party_that_sent_it_however_often(node: Node, tmp_path: Path):
    def objects() -> dict[str, int]:
        return {party.name: party.objects for party in list_parties(node).parties if not party.self}

    first = a_file(tmp_path, indicator(1), indicator(2), {"type": "no id"}, name="first.json")
    spelled = a_file(tmp_path, json.dumps(indicator(1), indent=3).encode(), name="spelled.json")
    more = a_file(
        tmp_path, indicator(1, version=2), indicator(2, name="Other"), indicator(3), name="more.json"
    )
    for _ in range(3):
        take(node, first, spelled, party="CERT Beta")
    assert objects() == {"CERT Beta": 2}
    last = take(node, more, party="CERT Beta")
    take(node, first, party="CERT Gamma")
    assert objects() == {"CERT Beta": 5, "CERT Gamma": 2}
    undo_batch(node, CLOCK, last.batch)
    assert objects() == {"CERT Beta": 2, "CERT Gamma": 2}
    assert show_party(node, CLOCK, "CERT Beta").party.objects == 2


def test_counting_what_came_from_parties_reads_an_index_and_no_arrival(node: Node):
    database = Database(node.home / "store.sqlite")
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {_OBJECTS}", {"party": None})]
    database.close()
    assert plan[0] == "SCAN a USING COVERING INDEX arrival_object"


def test_we_are_shown_with_our_fingerprint(node: Node):
    detail = show_party(node, CLOCK, "CERT Alpha")
    assert detail.party.self
    assert detail.fingerprint is not None
    assert len(detail.fingerprint) == 64


@pytest.mark.parametrize("name", ["nobody", "", "x' OR 1=1"])
def test_a_party_that_is_not_there_says_so(node: Node, name: str):
    with pytest.raises(NotFoundError):
        show_party(node, CLOCK, name)


def test_batches_are_listed_newest_first_in_pages(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator(1))
    numbers = [take(node, path).batch for _ in range(5)]
    first = list_batches(node, limit=3)
    rest = list_batches(node, limit=3, before=first.next)
    assert [batch.batch for batch in (*first.batches, *rest.batches)] == numbers[::-1]
    assert rest.next is None
    with pytest.raises(UsageError):
        list_batches(node, before="x")


def test_a_batch_is_shown_with_what_was_found_in_it_and_in_no_other(node: Node, tmp_path: Path):
    bad = a_file(tmp_path, indicator(1, pattern="[broken"), b'{"type": "indicator"}', name="bad.json")
    good = a_file(tmp_path, indicator(2), name="good.json")
    take(node, good)
    receipt = take(node, bad)
    take(node, good)
    detail = show_batch(node, receipt.batch)
    assert detail.findings == receipt.findings
    assert detail.findings_total == receipt.findings_total
    assert [finding.level for finding in detail.findings][:2] == ["refuse", "quarantine"]
    assert show_batch(node, receipt.batch + 1).findings_total == 0
