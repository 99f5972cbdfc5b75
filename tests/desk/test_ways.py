"""What is found of one object's way holds for others that came on it only where each is proven to have come on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import AMBER, GREEN, indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel.desk import verdicts
from backchannel.desk.choosing import Choice
from backchannel.desk.node import Node
from backchannel.desk.planning import Plan, plan
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How, release
from backchannel.desk.ways import Ways
from backchannel.ids import BatchId
from backchannel.provenance.leaves import proves
from backchannel.provenance.statement import RootSubject, open_envelope
from backchannel.store.sqlite.store import SqliteStore

OBJECTS = 40


@pytest.fixture
def gamma(tmp_path: Path) -> Iterator[Node]:
    """A node to which objects of Alpha came through Beta."""
    with nodes(tmp_path, "Alpha", "Beta", "Gamma", "Delta") as (alpha, beta, gamma, _):
        objects = [indicator(number, AMBER if number % 4 == 0 else GREEN) for number in range(OBJECTS)]
        came = take(beta, send(alpha, beta, keep(alpha, objects)).path.read_bytes())
        take(gamma, send(beta, gamma, came.batch or 0).path.read_bytes())
        yield gamma


def planned(node: Node) -> Plan:
    return plan(node, CLOCK, recipient_of(node, "Delta"), Choice(batch=BatchId(1)))


def change(node: Node, text: str, number: int) -> None:
    """Change what the store holds of one object's place in the originator's statement."""
    assert isinstance(node.store, SqliteStore)
    kept = node.store.objects.current(str(indicator(number)["id"]))
    assert kept is not None
    sql = f"UPDATE statement_subject SET {text} WHERE object_digest = ? AND path IS NOT NULL"
    assert node.store.database.execute(sql, (kept.digest,)).rowcount == 1


def test_a_chain_is_judged_once_for_each_marking_on_a_way(gamma: Node, monkeypatch: pytest.MonkeyPatch):
    judged = []
    trace = verdicts.trace

    def counted(*args: object, **more: object) -> object:
        judged.append(args)
        return trace(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(verdicts, "trace", counted)
    found = planned(gamma)
    assert [one.goes for one in found.objects] == [True] * OBJECTS
    assert {one.way.chain.state for one in found.going if one.way} == {"proven"}
    assert len(judged) == 2


def test_an_object_that_was_passed_on_goes_on_by_the_way_it_came_once_more(gamma: Node, tmp_path: Path):
    before = planned(gamma)
    release(gamma, CLOCK, before, How(), approved=before.sha256)
    after = planned(gamma)
    assert [one.way and one.way.key for one in after.going] == [
        one.way and one.way.key for one in before.going
    ]
    assert all(one.way for one in after.going)


@pytest.mark.parametrize("text", ["path = zeroblob(length(path))", "salt = zeroblob(16)", "leaf_index = 0"])
def test_an_object_that_is_not_under_the_signed_root_does_not_go_with_its_neighbours(gamma: Node, text: str):
    change(gamma, text, 7)
    stays = [one for one in planned(gamma).objects if not one.goes]
    assert [(one.id, one.rule) for one in stays] == [(indicator(7)["id"], "chain")]


def test_each_step_of_a_way_is_proved_by_what_the_store_holds(gamma: Node):
    finder = Ways(gamma, CLOCK, lambda _: None)
    abouts = [about for one in planned(gamma).going if one.way for about in one.way.abouts]
    assert {about.subject.path is None for about in abouts} == {True, False}
    for about in abouts:
        root = open_envelope(about.statement.envelope).statement.subject
        proof = finder.proof(about)
        assert isinstance(root, RootSubject)
        assert proof is not None
        assert proves(proof, about.subject.object_digest, root)
