"""What waits for the party of a TAXII channel is pushed once, and waits on where it cannot or should not go so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.desk.channel import Kind, Outgoing, Page, Pause, Place, Terms, Verdict
from backchannel.desk.channel_documents import PolledChannel
from backchannel.desk.channels import add_channel, show_channel
from backchannel.desk.node import Node
from backchannel.desk.polling import poll
from backchannel.desk.told_by_push import push_waiting
from backchannel.errors import NetworkError, NotFoundError, UsageError

SHARED = Place("https://alpha.example/c/", "c", "Shared", can_read=False, can_write=True)


class TheirServer:
    """Writes down what is pushed, and answers as it is told."""

    def __init__(self) -> None:
        self.pushed: list[list[str]] = []
        self.places_there: tuple[Place, ...] = (SHARED,)
        self.says = "accepted"
        self.fails = False

    @contextmanager
    def open(self, _kind: Kind, _terms: Terms, _pause: Pause) -> Iterator[TheirServer]:
        yield self

    def places(self) -> Sequence[Place]:
        return self.places_there

    def pages(self, _place: Place, _cursor: str) -> Iterator[Page]:
        return iter(())

    def push(self, _place: Place, objects: Sequence[Outgoing]) -> Iterator[Verdict]:
        self.pushed.append([codec.decode(one.body)["type"] for one in objects])
        for one in objects:
            if self.fails:
                raise NetworkError("the line was cut")
            yield Verdict(one.id, one.version, self.says, "why not")  # type: ignore[arg-type]

    def hand_on(self, _file: BinaryIO, _size: int) -> str:
        raise UsageError("it carries no drops")


@pytest.fixture
def server() -> TheirServer:
    return TheirServer()


@pytest.fixture
def beta(tmp_path: Path) -> Iterator[Node]:
    """A node that owes Alpha a receipt."""
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        take(beta, send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
        yield beta


def add(beta: Node, *, party: str = "Alpha", receipts: bool = True) -> None:
    terms = Terms(url="https://alpha.example/taxii2/", receipts=receipts)
    add_channel(beta, CLOCK, "taxii", terms, name="alpha", party=party)


def look(beta: Node, server: TheirServer) -> PolledChannel:
    return poll(beta, CLOCK, ["alpha"], server.open, pause=lambda _: None).channels[0]


def waiting(beta: Node) -> int:
    return sum(count for _, count in beta.store.statements.waiting_parties())


def test_it_goes_with_the_poll_once_with_who_we_are_beside_it(beta: Node, server: TheirServer):
    add(beta)
    assert show_channel(beta, "alpha").gives_receipts
    assert look(beta, server).told == 1
    assert look(beta, server).told == 0
    assert server.pushed == [["identity", "note"]]
    assert waiting(beta) == 0


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("asked not to", "--no-receipts"),
        ("another party", None),
        ("no collection", "no collection"),
        ("two collections", "2 collections"),
    ],
)
def test_it_waits_where_it_cannot_or_should_not_go(
    beta: Node, server: TheirServer, why: str, said: str | None
):
    if why == "another party":
        keep(beta, [indicator(9)], by="Gamma")
    add(beta, party="Gamma" if why == "another party" else "Alpha", receipts=why != "asked not to")
    if "collection" in why:
        other = Place("https://alpha.example/d/", "d", "Other", can_read=False, can_write=True)
        server.places_there = (SHARED, other) if why == "two collections" else ()
    polled = look(beta, server)
    assert (polled.state, polled.told, server.pushed) == ("done", 0, [])
    assert (said is None) is (polled.told_note is None)
    assert said is None or said in str(polled.told_note)
    assert waiting(beta) == 1


def test_what_their_server_refuses_is_not_sent_again_and_waits_for_another_way(
    beta: Node, server: TheirServer
):
    add(beta)
    server.says = "refused"
    for _ in range(3):
        assert look(beta, server).state == "done"
    assert len(server.pushed) == 1
    assert waiting(beta) == 1
    assert len(show_channel(beta, "alpha").pushes) == 1


def test_what_was_cut_off_goes_again_and_costs_the_poll_nothing(beta: Node, server: TheirServer):
    add(beta)
    server.fails = True
    polled = look(beta, server)
    assert (polled.state, polled.told, polled.told_note) == ("done", 0, "the line was cut")
    server.fails = False
    assert look(beta, server).told == 1
    assert waiting(beta) == 0


def test_what_was_accepted_before_we_wrote_so_down_is_not_sent_again(
    beta: Node, server: TheirServer, monkeypatch: pytest.MonkeyPatch
):
    add(beta)
    with monkeypatch.context() as killed:
        killed.setattr("backchannel.desk.told_by_push.went", lambda *_: None)  # as if the power went there
        look(beta, server)
    assert waiting(beta) == 1
    look(beta, server)
    assert len(server.pushed) == 1
    assert waiting(beta) == 0


def test_by_hand_it_goes_also_where_it_does_not_by_itself(beta: Node, server: TheirServer):
    add(beta, receipts=False)
    told = push_waiting(beta, CLOCK, "alpha", server.open, pause=lambda _: None)
    assert (told.collection, told.accepted) == ("Shared", 2)
    with pytest.raises(NotFoundError, match="nothing waits for Alpha"):
        push_waiting(beta, CLOCK, "alpha", server.open, pause=lambda _: None)


def test_by_hand_it_says_why_it_does_not_go(beta: Node, server: TheirServer, tmp_path: Path):
    add(beta)
    server.places_there = ()
    with pytest.raises(NotFoundError, match="we may write no collection there"):
        push_waiting(beta, CLOCK, "alpha", server.open, pause=lambda _: None)
    add_channel(beta, CLOCK, "drop", Terms(url=str(tmp_path)), name="folder", party="Alpha")
    with pytest.raises(UsageError, match="nothing is pushed to it"):
        push_waiting(beta, CLOCK, "folder", server.open, pause=lambda _: None)
