"""Drops between nodes: what goes by the plan arrives with its proofs; a relay shows both hops; nothing else is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import AMBER, RED, indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel.desk.items import Reader, find
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.planning import Choice, plan
from backchannel.desk.provenance import provenance_of
from backchannel.desk.provenance_documents import Chain
from backchannel.desk.receive import receive
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How, release
from backchannel.errors import PolicyError
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.stix.markings import Tlp


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield found


def chains(node: Node, stix_id: str) -> tuple[Chain, ...]:
    kept = find(node.store, stix_id)
    marking = Reader(node, CLOCK).tlp(kept, node.store.objects.firsts([kept.object_row])[kept.object_row])
    return provenance_of(node.store, CLOCK, kept, marking=marking, keys=pinned_keys(node)).chains


def test_a_drop_brings_objects_with_the_originators_statement(three: list[Node]):
    alpha, beta, _ = three
    objects = [indicator(number) for number in range(10)]
    made = send(alpha, beta, keep(alpha, objects), How(collection="first-hand"))
    found = take(beta, made.path.read_bytes())
    assert (found.state, found.sender, found.objects, found.stored, found.quarantined) == (
        "taken",
        "Alpha",
        10,
        10,
        0,
    )
    [chain] = chains(beta, str(objects[3]["id"]))
    assert chain.state == "proven"
    assert [(hop.kind, hop.party) for hop in chain.hops] == [("origin", "Alpha")]


def test_a_relay_passes_one_on_and_the_receiver_sees_both_hops(three: list[Node]):
    alpha, beta, gamma = three
    objects = [indicator(number) for number in range(10)]
    take(beta, send(alpha, beta, keep(alpha, objects)).path.read_bytes())
    wanted = str(objects[7]["id"])
    planned = plan(beta, CLOCK, recipient_of(beta, "Gamma"), Choice(ids=(wanted,)))
    take(gamma, release(beta, CLOCK, planned, How()).path.read_bytes())
    [chain] = chains(gamma, wanted)
    assert chain.state == "proven"
    assert [(hop.kind, hop.party) for hop in chain.hops] == [("origin", "Alpha"), ("relay", "Beta")]


def test_a_hidden_source_is_counted_and_not_named(three: list[Node]):
    alpha, beta, gamma = three
    objects = [indicator(1)]
    take(beta, send(alpha, beta, keep(alpha, objects)).path.read_bytes())
    wanted = str(objects[0]["id"])
    planned = plan(beta, CLOCK, recipient_of(beta, "Gamma"), Choice(ids=(wanted,)))
    made = release(beta, CLOCK, planned, How(hide_sources=True))
    take(gamma, made.path.read_bytes())
    [chain] = chains(gamma, wanted)
    assert [(hop.kind, hop.party) for hop in chain.hops] == [("undisclosed", None), ("relay", "Beta")]
    assert chain.hops[0].cryptonym


def test_what_nobody_signed_is_passed_on_as_the_relays_word(three: list[Node]):
    alpha, beta, _ = three
    made = send(alpha, beta, keep(alpha, [indicator(1)], by="Some feed"))
    take(beta, made.path.read_bytes())
    [chain] = chains(beta, str(indicator(1)["id"]))
    assert [hop.kind for hop in chain.hops] == ["undisclosed", "relay"]
    assert chain.state == "unproven"


def test_nothing_goes_in_one_step_where_something_is_withheld(three: list[Node]):
    alpha, beta, _ = three
    batch = keep(alpha, [indicator(1), indicator(2, RED), indicator(3, AMBER), indicator(4, None)])
    planned = plan(alpha, CLOCK, recipient_of(alpha, "Beta"), Choice(batch=batch))
    assert [one.goes for one in planned.objects] == [True, False, True, False]
    with pytest.raises(PolicyError, match="2 of 4 objects"):
        release(alpha, CLOCK, planned, How())
    made = release(alpha, CLOCK, planned, How(), approved=planned.sha256)
    assert take(beta, made.path.read_bytes()).objects == 2


def test_a_plan_that_changed_is_not_sent(three: list[Node]):
    alpha, _, _ = three
    batch = keep(alpha, [indicator(1), indicator(2)])
    first = plan(alpha, CLOCK, recipient_of(alpha, "Beta"), Choice(batch=batch))
    keep(alpha, [indicator(1, RED, modified="2026-01-03T00:00:00.000Z")])
    again = plan(alpha, CLOCK, recipient_of(alpha, "Beta"), Choice(ids=tuple(o.id for o in first.objects)))
    with pytest.raises(PolicyError, match="no longer the one"):
        release(alpha, CLOCK, again, How(), approved=first.sha256)


def test_t03_a_second_import_is_a_no_op(three: list[Node]):
    alpha, beta, _ = three
    data = send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes()
    take(beta, data)
    before = beta.store.batches.completed()
    again = take(beta, data)
    assert (again.state, again.batch, [note.code for note in again.notes]) == ("replay", None, ["replay"])
    assert beta.store.batches.completed() == before


def test_t04_a_gap_is_told_and_what_comes_late_is_taken(three: list[Node]):
    alpha, beta, _ = three
    made = [send(alpha, beta, keep(alpha, [indicator(number)])).path.read_bytes() for number in range(3)]
    take(beta, made[0])
    third = take(beta, made[2])
    assert [(note.code, note.detail) for note in third.notes] == [("gap", "number 1")]
    assert [note.code for note in take(beta, made[1]).notes] == ["out-of-order"]


def test_t05_a_drop_for_another_is_refused_and_kept(three: list[Node]):
    alpha, beta, gamma = three
    data = send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes()
    with pytest.raises(Rejected) as refused:
        take(gamma, data)
    assert refused.value.reason is Reason.NOT_FOR_US
    [kept] = gamma.store.statements.refused(before=None, rows=10, is_open=True)
    assert kept.reason == Reason.NOT_FOR_US
    assert gamma.store.statements.refused_body(kept.refused_row) == data
    assert gamma.store.batches.completed() == 0


def test_a_change_on_the_way_is_refused_and_nothing_is_kept_of_it(three: list[Node]):
    alpha, beta, _ = three
    data = bytearray(send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
    data[-100] ^= 1
    with pytest.raises(Rejected) as refused:
        take(beta, bytes(data))
    assert refused.value.reason is Reason.DAMAGED
    assert beta.store.batches.completed() == 0


def test_the_marking_of_the_drop_holds_for_what_bears_none(three: list[Node]):
    alpha, beta, _ = three
    path = alpha.home / "plain.txt"
    path.write_text("bad.example.net\n")
    batch = receive(alpha, CLOCK, [path], party="Alpha", tlp="amber").batch
    take(beta, send(alpha, beta, batch).path.read_bytes())
    page, _ = beta.store.objects.newest(None, before=None, rows=10, scan=100)
    first = beta.store.objects.firsts([page[0].object_row])[page[0].object_row]
    assert Reader(beta, CLOCK).tlp(page[0], first) is Tlp.AMBER
