"""Drops between nodes: what goes by the plan arrives with its proofs; a relay shows both hops; nothing else is taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.drops import AMBER, RED, indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel.clock import FixedClock
from backchannel.desk import membership, releasing
from backchannel.desk.choosing import Choice, chosen
from backchannel.desk.drop_book import drop_book
from backchannel.desk.items import Reader, find
from backchannel.desk.node import Node, init_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.planning import plan
from backchannel.desk.provenance import provenance_of
from backchannel.desk.provenance_documents import Chain
from backchannel.desk.receive import receive
from backchannel.desk.recipients import channel_name, recipient_of
from backchannel.desk.releasing import How, release
from backchannel.desk.why import why
from backchannel.errors import NotFoundError, PolicyError, UsageError
from backchannel.ids import BatchId
from backchannel.parties.card import card_text
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


def test_a_deniable_drop_is_taken_as_its_senders_and_bears_no_signature(three: list[Node]):
    alpha, beta, _ = three
    made = send(alpha, beta, keep(alpha, [indicator(1)]), is_deniable=True)
    found = take(beta, made.path.read_bytes())
    assert (found.state, found.sender, found.stored, found.deniable) == ("taken", "Alpha", 1, True)
    assert found.statements == 0
    assert chains(beta, str(indicator(1)["id"])) == ()
    told = why(beta, CLOCK, str(indicator(1)["id"]))
    assert [(one.party, one.deniable) for one in told.arrivals] == [("Alpha", True)]
    [place] = beta.store.places.near({recipient_of(beta, "Alpha").age_kid}, own_line(alpha, beta), 0)
    kept = beta.store.statements.get(place.digest)
    assert kept is not None
    assert b"signatures" not in kept.envelope


def own_line(sender: Node, to: Node) -> str:
    ours = own_keys(sender, CLOCK).card.party
    return channel_name(ours, recipient_of(sender, to.party.name).identity, is_deniable=True)


def test_deniable_and_signed_drops_are_counted_apart(three: list[Node]):
    alpha, beta, _ = three
    batches = [keep(alpha, [indicator(number)]) for number in range(4)]
    made = [
        send(alpha, beta, batch, is_deniable=bool(number % 2)).path.read_bytes()
        for number, batch in enumerate(batches)
    ]
    assert [(one.seq, one.notes) for one in (take(beta, data) for data in made)] == [
        (0, ()),
        (0, ()),
        (1, ()),
        (1, ()),
    ]
    assert take(beta, made[1]).state == "replay"


def test_what_came_deniably_goes_on_as_our_word_with_its_origin_undisclosed(three: list[Node]):
    alpha, beta, gamma = three
    take(beta, send(alpha, beta, keep(alpha, [indicator(1)]), is_deniable=True).path.read_bytes())
    wanted = str(indicator(1)["id"])
    planned = plan(beta, CLOCK, recipient_of(beta, "Gamma"), Choice(ids=(wanted,)))
    take(gamma, release(beta, CLOCK, planned, How()).path.read_bytes())
    [chain] = chains(gamma, wanted)
    assert [(hop.kind, hop.party) for hop in chain.hops] == [("undisclosed", None), ("relay", "Beta")]


def test_a_deniable_drop_carries_nobody_elses_word(three: list[Node]):
    alpha, *_ = three
    batch = keep(alpha, [indicator(1)], by="Some feed")
    to = recipient_of(alpha, "Beta")
    signed = plan(alpha, CLOCK, to, Choice(batch=batch))
    deniable = plan(alpha, CLOCK, to, Choice(batch=batch), is_deniable=True)
    assert [(one.goes, one.rule) for one in deniable.objects] == [(False, "deniable")]
    assert signed.sha256 != deniable.sha256
    with pytest.raises(PolicyError, match="nothing of what was chosen"):
        release(alpha, CLOCK, deniable, How(), approved=deniable.sha256)


def test_a_choice_takes_what_is_in_force_of_a_party_or_a_collection(three: list[Node]):
    alpha, *_ = three
    keep(alpha, [indicator(1), indicator(2)], by="Some feed")
    keep(alpha, [indicator(3)])
    newer = indicator(2, modified="2026-01-03T00:00:00.000Z", name="renamed")
    keep(alpha, [newer])
    found = [(one.stix_id, one.version) for one in chosen(alpha, Choice(party="some FEED"))]
    assert found == [(indicator(1)["id"], indicator(1)["modified"]), (newer["id"], newer["modified"])]
    with pytest.raises(NotFoundError, match="no party"):
        chosen(alpha, Choice(party="Nobody"))
    with pytest.raises(UsageError, match="several ways"):
        chosen(alpha, Choice(party="Some feed", batch=BatchId(1)))


def test_there_is_nothing_to_send(three: list[Node]):
    alpha, *_ = three
    planned = plan(alpha, CLOCK, recipient_of(alpha, "Beta"), Choice())
    with pytest.raises(UsageError, match="nothing to send"):
        release(alpha, CLOCK, planned, How())


def test_a_file_bears_no_marking_and_goes_to_verified_parties_only(three: list[Node], tmp_path: Path):
    alpha, *_ = three
    paper = tmp_path / "paper.txt"
    paper.write_bytes(b"as it is")
    how = How(attachments=[("paper.txt", paper)])
    with init_node(tmp_path / "Delta", name="Delta", clock=CLOCK) as delta:
        membership.meet(alpha, CLOCK, card_text(own_keys(delta, CLOCK).card).encode(), handed_over=False)
        nothing = plan(alpha, CLOCK, recipient_of(alpha, "Delta"), Choice())
        with pytest.raises(PolicyError, match="counts as TLP:AMBER"):
            release(alpha, CLOCK, nothing, how)
    assert not list((alpha.home / "outbox").glob("*"))
    to_beta = plan(alpha, CLOCK, recipient_of(alpha, "Beta"), Choice())
    assert release(alpha, CLOCK, to_beta, how).document.attachments == 1


def test_t04_the_first_drop_that_comes_tells_what_is_missing_before_it(three: list[Node]):
    alpha, beta, _ = three
    made = [send(alpha, beta, keep(alpha, [indicator(number)])).path.read_bytes() for number in range(3)]
    found = take(beta, made[2])
    assert found.missing == (0, 1)
    assert [(note.code, note.detail) for note in found.notes] == [("gap", "numbers 0 to 1")]
    [came] = drop_book(beta, CLOCK, rows=5).came
    assert [note.detail for note in came.notes] == ["numbers 0 to 1"]
    for late in made[:2]:
        assert [note.code for note in take(beta, late).notes] == ["out-of-order"]
    assert not any(came.notes for came in drop_book(beta, CLOCK, rows=5).came)


def test_t04_what_was_sent_before_we_knew_the_sender_is_not_missing(tmp_path: Path):
    later = FixedClock(CLOCK.now() + timedelta(days=1))
    with nodes(tmp_path, "Alpha") as [alpha], nodes(tmp_path, "Beta") as [beta]:
        for one, other, at in ((alpha, beta, CLOCK), (beta, alpha, later)):
            membership.meet(one, at, card_text(own_keys(other, at).card).encode(), handed_over=True)
        made = [send(alpha, beta, keep(alpha, [indicator(number)])).path.read_bytes() for number in range(3)]
        found = take(beta, made[2], later)
        assert (found.missing, found.notes) == ((), ())


def test_a_drop_of_another_line_than_from_its_sender_to_us_is_refused(
    three: list[Node], monkeypatch: pytest.MonkeyPatch
):
    alpha, beta, _ = three
    batch = keep(alpha, [indicator(1)])
    monkeypatch.setattr(releasing, "channel_name", lambda *_, **__: "a-line-of-my-own")
    data = send(alpha, beta, batch).path.read_bytes()
    with pytest.raises(Rejected) as refused:
        take(beta, data)
    assert refused.value.reason is Reason.WRONG_CHANNEL
    assert beta.store.batches.completed() == 0
