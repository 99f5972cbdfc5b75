"""kill -9 at any step of asking, answering, taking back, a hunt for another and comparing: said once, or not at all and then
said the next time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.running import dns, jsonl
from tests.desk.comparisons import carry as carry_message
from tests.desk.comparisons import keep_hashes, message
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.killing import check_store, killed_at_each_step

from backchannel.clock import SystemClock
from backchannel.desk.asking import Question, ask
from backchannel.desk.comparing import answer, begin, session_named
from backchannel.desk.comparison_taking import take_message
from backchannel.desk.hunt_requests import hunt_preview, run_hunt
from backchannel.desk.node import Node, open_node
from backchannel.desk.receipt_drops import receipts_drop
from backchannel.desk.replying import Reply, reply
from backchannel.desk.requests import show_request
from backchannel.desk.retracting import retract
from backchannel.errors import UsageError
from backchannel.provenance.predicates import HuntFor
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import digest_text

CLOCK = SystemClock()
SEEN = "[domain-name:value = 'evil1.example']"


@contextmanager
def two(folder: Path) -> Iterator[tuple[Node, Node]]:
    with nodes(folder, "Alpha", "Beta", clock=CLOCK) as (alpha, beta):
        yield alpha, beta


def carry(node: Node, to: Node) -> None:
    made = receipts_drop(node, CLOCK, to.party.name)
    assert made is not None
    take(to, made.path.read_bytes(), CLOCK)


def waiting(node: Node, kind: str) -> list[str]:
    """What of a kind waits for the other party; the ledger has each once too, a retraction when it goes."""
    party = next(one.party for one in node.store.membership.known() if not one.party.is_self)
    rows = [one for one in node.store.statements.waiting(party.party_row) if one.kind == kind]
    leaves = node.store.leaves
    recorded = (*leaves.pending(at_most=1_000), *leaves.newest(before=None, rows=1_000))
    entered = [one.statement for one in recorded]
    assert all(entered.count(one.envelope) == (kind != "retract") for one in rows)
    return [digest_text(one.digest) for one in rows]


@pytest.mark.timeout(600)
def test_an_ask_killed_at_any_step_asked_once_or_not_at_all(tmp_path: Path):
    with two(tmp_path) as (alpha, beta):
        home, there = alpha.home, beta.home
    outcomes = []
    for copy in killed_at_each_step(home, tmp_path / "killed", "ask", "Beta", "--question", "Who runs it?"):
        with open_node(copy) as node:
            check_store(node)
            kept = node.store.requests.newest(is_own=True, party_row=None, at_most=10)
            assert waiting(node, "rfi") == [digest_text(one.statement.digest) for one in kept]
            outcomes.append(len(kept))
            if kept:
                with pytest.raises(Rejected) as refused:
                    ask(node, CLOCK, "Beta", Question(text="Who runs it?"))
                assert refused.value.reason is Reason.DUPLICATE_REQUEST
            else:
                ask(node, CLOCK, "Beta", Question(text="Who runs it?"))
            assert len(waiting(node, "rfi")) == 1
    assert set(outcomes) == {0, 1}
    assert outcomes == sorted(outcomes)
    with open_node(copy) as alpha, open_node(there) as beta:
        carry(alpha, beta)
        assert len(beta.store.requests.newest(is_own=False, party_row=None, at_most=10)) == 1


@pytest.mark.timeout(600)
def test_an_answer_killed_at_any_step_is_given_once_or_not_at_all(tmp_path: Path):
    with two(tmp_path) as (alpha, beta):
        name = ask(alpha, CLOCK, "Beta", Question(text="Who runs it?")).request.request
        carry(alpha, beta)
        home, asker = beta.home, alpha.home
    outcomes = []
    words = ("answer", name, "--text", "A hoster.")
    for copy in killed_at_each_step(home, tmp_path / "killed", *words):
        with open_node(copy) as node:
            check_store(node)
            state, said = show_request(node, CLOCK, name).request.state, waiting(node, "answer")
            assert (state, len(said)) in {("open", 0), ("answered", 1)}
            outcomes.append(len(said))
            if said:
                with pytest.raises(UsageError, match="answered already"):
                    reply(node, CLOCK, name, Reply(text="A hoster."))
            else:
                reply(node, CLOCK, name, Reply(text="A hoster."))
            assert len(waiting(node, "answer")) == 1
    assert set(outcomes) == {0, 1}
    assert outcomes == sorted(outcomes)
    with open_node(copy) as beta, open_node(asker) as alpha:
        carry(beta, alpha)
        assert [one.text for one in show_request(alpha, CLOCK, name).request.answers] == ["A hoster."]


@pytest.mark.timeout(600)
def test_a_retraction_killed_at_any_step_goes_once_to_each_and_is_in_force_once(tmp_path: Path):
    with two(tmp_path) as (alpha, beta):
        send(alpha, beta, keep(alpha, [indicator(1)]), clock=CLOCK)
        home = alpha.home
    (name, reason), outcomes = (str(indicator(1)["id"]), "It was a scanner."), set()
    for copy in killed_at_each_step(home, tmp_path / "killed", "retract", name, "--reason", reason):
        with open_node(copy) as node:
            check_store(node)
            said = len(waiting(node, "retract"))
            revoked = [one.revoked for one in node.store.objects.all_versions(name, at_most=10)]
            assert (said, sum(revoked)) in {(0, 0), (1, 0), (1, 1)}
            outcomes.add((said, sum(revoked)))
            retract(node, CLOCK, name, reason)
            assert len(waiting(node, "retract")) == 1
            assert [one.revoked for one in node.store.objects.all_versions(name, at_most=10)].count(True) == 1
    assert outcomes == {(0, 0), (1, 0), (1, 1)}


@pytest.mark.timeout(600)
def test_the_run_of_a_hunt_request_killed_at_any_step_is_run_once_and_tells_all_or_nothing(tmp_path: Path):
    logs = tmp_path / "logs"
    logs.mkdir()
    jsonl(logs / "dns.log", dns(0, "evil1.example"))
    with two(tmp_path) as (alpha, beta):
        hunt = HuntFor(patterns=[SEEN], purpose="intrusion")
        name = ask(alpha, CLOCK, "Beta", Question(text="Did you see it?", hunt=hunt)).request.request
        carry(alpha, beta)
        approve = hunt_preview(beta, CLOCK, name, [logs]).approve
        home = beta.home
    assert approve is not None
    words, outcomes = ("answer", name, "--hunt", str(logs), "--approve", approve), []
    for copy in killed_at_each_step(home, tmp_path / "killed", *words):
        with open_node(copy) as node:
            check_store(node)
            one = show_request(node, CLOCK, name).request
            assert one.hunt is not None
            said = waiting(node, "answer")
            assert (one.state, len(said)) in {("open", 0), ("answered", 1)}
            outcomes.append((one.hunt.run_at is not None, len(said)))
            if one.hunt.run_at is None:
                run_hunt(node, CLOCK, name, [logs], approve)
            else:
                with pytest.raises(Rejected) as refused:
                    run_hunt(node, CLOCK, name, [logs], approve)
                assert refused.value.reason is Reason.HUNT_DONE
                assert len(waiting(node, "answer")) == len(said)
    # Killed between approval and answer it counts as run, and a person says in words what came of it.
    assert set(outcomes) == {(False, 0), (True, 0), (True, 1)}
    assert outcomes == sorted(outcomes)


@pytest.mark.timeout(600)
def test_an_answer_to_a_comparison_killed_at_any_step_is_made_once_and_written_the_next_time(tmp_path: Path):
    pytest.importorskip("nacl", reason="comparisons need an engine: pip install 'backchannel[psi]'")
    with two(tmp_path) as (alpha, beta):
        for node in (alpha, beta):
            keep_hashes(node, range(5))
        session, _ = begin(alpha, CLOCK, "Beta")
        carry_message(alpha, beta, session, CLOCK)
        home, name, asker = beta.home, session.name, alpha.home
    outcomes = []
    words = ("compare", "answer", name, "-o", str(tmp_path / "setup"))
    for copy in killed_at_each_step(home, tmp_path / "killed", *words):
        with open_node(copy) as node:
            check_store(node)
            made = [one.digest for one in session_named(node, name).messages if one.is_ours]
            outcomes.append(len(made))
            answer(node, CLOCK, name)
            again = [one.digest for one in session_named(node, name).messages if one.is_ours]
            assert len(again) == 1
            assert made in ([], again)
    assert set(outcomes) == {0, 1}
    assert outcomes == sorted(outcomes)
    with open_node(copy) as beta, open_node(asker) as alpha:
        written = (tmp_path / "setup").read_bytes()
        assert take_message(alpha, CLOCK, written).is_new
        assert not take_message(alpha, CLOCK, message(beta, session_named(beta, name), CLOCK)).is_new
