"""Answers carry our ledger's checkpoint; a party that polls us cosigns it, and sees if it was rewritten."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from tests.channels.taxii.server.asking import Asking
from tests.channels.taxii.server.place import OBJECTS, OPEN_OBJECTS, SHARED, Place
from tests.desk.drops import indicator, keep, send, take
from tests.web.visitor import MovingClock

from backchannel.channels.opening import open_channel
from backchannel.desk import membership
from backchannel.desk.channel import Terms
from backchannel.desk.channel_documents import PolledChannel
from backchannel.desk.channels import add_channel
from backchannel.desk.entering import append_entered, enter
from backchannel.desk.node import Node, init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.own_ledger import ledger_folder, ledger_keys
from backchannel.desk.polling import poll
from backchannel.parties.card import card_text
from backchannel.parties.states import Standing
from backchannel.provenance.ledger.checkpoints import open_checkpoint
from backchannel.provenance.ledger.headers import read_checkpoint
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.ledger.tree import is_consistent


def grow(place: Place, count: int) -> None:
    with open_node(place.home) as node:
        for n in range(count):
            with node.store.transaction():
                now = place.clock.now()
                enter(node.store, LeafKind.SENT, f"{now} {n}".encode(), about="a test", now=now)
        append_entered(node, place.clock)


def test_an_answer_to_a_party_carries_the_checkpoint_and_the_proof_that_is_asked_for(
    place: Place, vessland: Asking, stranger: Asking
):
    assert read_checkpoint(_headers(vessland, OBJECTS)) is None  # nothing is entered yet
    grow(place, 5)
    with open_node(place.home) as node:
        keys = ledger_keys(node)
    first = read_checkpoint(_headers(vessland, OBJECTS))
    assert first is not None
    old, _ = open_checkpoint(first[0], *keys)
    place.clock.wind(minutes=1)
    grow(place, 300)
    second = read_checkpoint(_headers(vessland, OBJECTS, seen=old.size))
    assert second is not None
    new, _ = open_checkpoint(second[0], *keys)
    assert is_consistent(old.size, new.size, second[1], old.root, new.root)
    for nonsense in ("-1", "1e9", str(new.size + 1), "0"):
        told = read_checkpoint(_headers(vessland, OBJECTS, seen=nonsense))
        assert told == (second[0], ())
    assert read_checkpoint(_headers(stranger, OPEN_OBJECTS)) is None


def _headers(asking: Asking, path: str, seen: object = None) -> dict[str, str]:
    more = {} if seen is None else {"Backchannel-Checkpoint-Seen": str(seen)}
    answer = asking.ask(path, headers=more)
    assert answer.status == 200
    return {name.lower(): value for name, value in answer.headers.items()}


@pytest.fixture
def beta(place: Place, tmp_path: Path):
    """A node that knows the one that serves, and its key sets."""
    with init_node(tmp_path / "beta", name="CERT Vessland", clock=place.clock) as node:
        with open_node(place.home) as alpha:
            for one, other in ((node, alpha), (alpha, node)):
                card = card_text(own_keys(other, place.clock).card).encode()
                membership.meet(one, place.clock, card, handed_over=True, decided=True)
            made = send(alpha, node, keep(alpha, [indicator(1)]), clock=place.clock)
        take(node, made.path.read_bytes(), place.clock)
        yield node


def test_t34_who_polls_cosigns_what_grew_and_suspends_who_rolls_back(
    place: Place, url: str, beta: Node, tmp_path: Path
):
    clock: MovingClock = place.clock
    secret = tmp_path / "token"
    secret.write_text(place.vessland + "\n")
    secret.chmod(0o600)
    # Without receipts of its own: each would be a leaf more there.
    reached = Terms(url=f"{url}/taxii2/", collections=(SHARED,), token_file=str(secret), allow_private=True)
    terms = structs.replace(reached, receipts=False)
    add_channel(beta, clock, "taxii", terms, name="alpha", party="CERT Alpha")

    def polled() -> PolledChannel:
        clock.at += timedelta(minutes=1)
        return poll(beta, clock, ["alpha"], open_channel, pause=lambda _: None).channels[0]

    row = beta.store.parties.by_name("CERT Alpha")
    assert row is not None
    with open_node(place.home) as alpha:
        origin = ledger_keys(alpha)[0].name
    sizes = []
    for _ in range(3):
        grow(place, 30)
        found = polled()
        assert (found.state, found.collections[0].notes) == ("done", ())
        seen = beta.store.witness.newest(row.party_row, origin, is_cosigned=True)
        assert seen is not None
        sizes.append(seen.size)
        if len(sizes) == 1:
            with open_node(place.home) as alpha:
                shutil.copytree(ledger_folder(alpha.home), tmp_path / "old")
    assert sizes == [sizes[0], sizes[0] + 30, sizes[0] + 60]
    shutil.rmtree(place.home / "ledger")
    shutil.copytree(tmp_path / "old", place.home / "ledger")
    found = polled()
    assert found.state == "failed"
    assert "ledger-rollback" in (found.collections[0].error or "")
    assert beta.store.membership.standing(row.party_row) == Standing.SUSPENDED
    [found_evidence] = beta.store.witness.evidence()
    assert (found_evidence.breach, found_evidence.party) == ("rollback", "CERT Alpha")
