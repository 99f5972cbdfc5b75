"""Two nodes over TAXII, killed at any instant of writing, sending and keeping: nothing is lost, nothing doubled."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from benchmarks.taxii_servers import free_port
from tests.channels import killable
from tests.channels.killable import objects_of, run_poller, run_server, run_writer
from tests.desk.made import CLOCK, GREEN, a_file, indicator

from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.node import Node, open_node
from backchannel.desk.publishing import NewOffer, add_collection, add_root
from backchannel.desk.receive import receive
from backchannel.ids import StixId

SEED = 20260301
ROUNDS = 18
"""Three kills each."""
LONGEST_S = 0.4


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Processes that begin with everything loaded: a kill then strikes work and not loading."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([killable.__name__])
    return context


@dataclass
class Stage:
    """Two homes and what runs on them."""

    forks: ForkServerContext
    alpha: Path
    beta: Path
    scratch: Path
    collection: str
    port: int
    running: list[BaseProcess] = field(default_factory=list)

    def start(self, what: str, *more: object) -> tuple[BaseProcess, Event]:
        ready = self.forks.Event()
        target, *words = {
            "server": (run_server, self.alpha, self.port),
            "writer": (run_writer, self.alpha, self.scratch, self.collection),
            "poller": (run_poller, self.beta),
        }[what]
        process = self.forks.Process(target=target, args=(*words, ready.set, *more), daemon=True)
        process.start()
        self.running.append(process)
        return process, ready

    def start_all(self) -> list[BaseProcess]:
        started = [self.start("server"), self.start("writer"), self.start("poller", None)]
        for process, ready in started:
            assert ready.wait(30), f"{process.name} does not start"
        return [process for process, _ in started]


@pytest.fixture
def stage(forks: ForkServerContext, new_home: Path, tmp_path: Path) -> Iterator[Stage]:
    alpha = shutil.copytree(new_home, tmp_path / "alpha")
    beta = shutil.copytree(new_home, tmp_path / "beta")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with open_node(alpha) as node:
        add_root(node, CLOCK, "exchange", base_url=base)
        offer = NewOffer(title="Indicators", root_id="exchange")
        collection = add_collection(node, CLOCK, offer, base_url=base).id
        token = add_token(node, CLOCK, NewCredential(party="CERT Beta", read=(collection,))).token
        writer = add_token(node, CLOCK, NewCredential(party="CERT Gamma", write=(collection,))).token
    (tmp_path / "token").write_text(token)
    (tmp_path / "writer").write_text(writer)
    with open_node(beta) as node:
        terms = Terms(url=f"{base}/taxii2/", token_file=str(tmp_path / "token"), allow_private=True)
        add_channel(node, CLOCK, "taxii", terms, name="alpha", party="CERT Alpha")
    stage = Stage(forks, alpha, beta, tmp_path, collection, port)
    yield stage
    for process in stage.running:
        process.kill()
        process.join(10)


def held(node: Node) -> dict[tuple[str, str], bytes]:
    rows = node.store.database.execute("SELECT stix_id, version, body FROM visible_object").fetchall()
    assert len(rows) == len({row[:2] for row in rows})
    return {(StixId(row[0]), row[1]): row[2] for row in rows}


@pytest.mark.timeout(240)
def test_two_nodes_killed_at_any_instant_hold_the_same_in_the_end(stage: Stage):
    chance = random.Random(SEED)
    print(f"seed {SEED}: {3 * ROUNDS} kills")
    kills = 0
    for _ in range(ROUNDS):
        alive = stage.start_all()
        began = time.monotonic()
        for at, process in sorted(
            ((chance.uniform(0, LONGEST_S), one) for one in alive), key=lambda one: one[0]
        ):
            time.sleep(max(0.0, began + at - time.monotonic()))
            assert process.exitcode is None, "it ended by itself"
            process.kill()
            process.join(10)
            kills += 1
    assert kills >= 50
    acknowledged = (stage.scratch / "acknowledged").read_text().split()
    with open_node(stage.alpha) as alpha:
        last = [indicator(10**6, object_marking_refs=[GREEN])]
        receive(
            alpha, CLOCK, [a_file(stage.scratch, *last)], party="CERT Gamma"
        )  # takes away what was left half done
        assert alpha.store.batches.abandoned() == []
        here = held(alpha)
    _, ready = stage.start("server")
    assert ready.wait(30)
    poller, _ = stage.start("poller", 2)
    poller.join(60)
    assert poller.exitcode == 0
    with open_node(stage.beta) as beta:
        there = held(beta)
        arrivals = beta.store.database.execute("SELECT count(*) FROM complete_arrival").fetchone()[0]
        assert beta.store.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    here.pop((str(last[0]["id"]), str(last[0]["modified"])))
    assert there == here
    assert arrivals == len(there)
    written = {str(one["id"]) for n in acknowledged for one in objects_of(int(n))}
    assert written <= {stix_id for stix_id, _ in there}
    print(f"{len(acknowledged)} writes were acknowledged, {len(there)} objects are held")
    assert len(acknowledged) > ROUNDS
