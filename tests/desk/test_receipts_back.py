"""Receipts go back by the channel that brings the drops of a party, and answers are never answered."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel.channels.opening import open_channel
from backchannel.desk.channel import Terms
from backchannel.desk.channel_documents import PolledChannel
from backchannel.desk.channels import add_channel, show_channel
from backchannel.desk.node import Node
from backchannel.desk.polling import poll
from backchannel.desk.sent_drops import list_sent


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta") as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "shared"
    path.mkdir()
    return path


def share(node: Node, folder: Path, party: str, *, receipts: bool = True) -> None:
    terms = Terms(url=str(folder), receipts=receipts)
    add_channel(node, CLOCK, "drop", terms, name="shared", party=party)


def look(node: Node) -> PolledChannel:
    return poll(node, CLOCK, ["shared"], open_channel, pause=lambda _: None).channels[0]


def leave(alpha: Node, beta: Node, folder: Path) -> None:
    shutil.copy(send(alpha, beta, keep(alpha, [indicator(1)])).path, folder / "0123456789abcdef.bcb")


def waiting(node: Node) -> list[tuple[str, int]]:
    return node.store.statements.waiting_parties()


def test_the_receipt_goes_back_and_is_not_answered(two: list[Node], folder: Path):
    alpha, beta = two
    share(alpha, folder, "Beta")
    share(beta, folder, "Alpha")
    leave(alpha, beta, folder)
    assert look(beta).state == "done"
    assert waiting(beta) == []
    assert len(list(folder.iterdir())) == 2
    assert list_sent(alpha, CLOCK, at_most=5).sent[0].silent_days is not None
    assert look(alpha).state == "done"
    [sent] = list_sent(alpha, CLOCK, at_most=5).sent
    assert (sent.state, sent.silent_days) == ("received", None)
    for node in (beta, alpha, beta):
        look(node)
    assert len(list(folder.iterdir())) == 2, "an answer was answered"
    [back] = list_sent(beta, CLOCK, at_most=5).sent
    assert (back.objects, back.ack) == (0, "none")


@pytest.mark.parametrize("why", ["asked not to", "another party", "nobody known", "read-only"])
def test_receipts_wait_where_they_cannot_or_should_not_go(
    two: list[Node], folder: Path, why: str, monkeypatch: pytest.MonkeyPatch
):
    alpha, beta = two
    party = {"another party": "Gamma", "nobody known": "shared"}.get(why, "Alpha")
    if why == "another party":
        keep(beta, [indicator(9)], by="Gamma")
    share(beta, folder, party, receipts=why != "asked not to")
    leave(alpha, beta, folder)
    if why == "read-only":  # as the system says it to whoever is not root, as whom tests may run
        monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (folder, os.W_OK))
    assert look(beta).state == "done"
    assert waiting(beta) == [("Alpha", 1)]
    assert len(list(folder.iterdir())) == 1
    assert show_channel(beta, "shared").gives_receipts is (why != "asked not to")


def test_what_could_not_be_handed_on_is_tried_again_and_no_second_drop_is_made(two: list[Node]):
    alpha, beta = two
    add_channel(
        beta,
        CLOCK,
        "drop",
        Terms(url="http://127.0.0.1:9/drop", allow_private=True),
        name="shared",
        party="Alpha",
    )
    take(beta, send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
    for _ in range(3):
        assert look(beta).state == "failed"
    drops = show_channel(beta, "shared").drops
    assert drops is not None
    assert drops.counts.sending == 1
