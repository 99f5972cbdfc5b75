"""Receipts over TAXII between two nodes: pushed and read, through servers of others, forged, replayed, and killed on the way."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
import urllib.request
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from benchmarks.taxii_servers import TAXII, Served, basic, free_port, medallion, opentaxii
from tests.channels import killable
from tests.channels.killable import run_poller, run_server
from tests.desk.drops import indicator, keep, nodes
from tests.e2e.carriers import Serving, run

from backchannel import codec
from backchannel.channels.opening import open_channel
from backchannel.clock import SystemClock
from backchannel.codec import JsonObject
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel, remove_channel
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.polling import poll
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.desk.pushing import push
from backchannel.desk.receipting import Word, acknowledged
from backchannel.desk.sent_drops import list_sent
from backchannel.feedback.carried import EXTENSION, note_id
from backchannel.ids import BatchId
from backchannel.provenance.statement import open_envelope

NOW = SystemClock()
SEED = 20261201
ROUNDS = 12
"""Two kills each."""
LONGEST_S = 0.5
IDS = [str(indicator(number)["id"]) for number in range(2 * ROUNDS)]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", clock=NOW) as found:
        yield found


@pytest.fixture
def serve() -> Iterator[Callable[[Node], Serving]]:
    running: list[Serving] = []

    def begin(node: Node) -> Serving:
        running.append(Serving(node.home))
        return running[-1]

    yield begin
    for one in running:
        one.kill()


def offer(node: Node, to: Node, url: str, *, write: bool) -> tuple[str, Path]:
    """Offer a collection to a party; returns its id and the file of the token."""
    add_root(node, NOW, "sharing", base_url=url)
    one = add_collection(node, NOW, NewOffer(title="Shared", root_id="sharing"), base_url=url).id
    found = add_token(
        node, NOW, NewCredential(party=to.party.name, read=(one,), write=(one,) if write else ())
    )
    path = node.home / "token"
    path.write_text(found.token or "")
    path.chmod(0o600)
    return one, path


def reach(node: Node, other: Node, url: str, token: Path, *, every_s: int = 0) -> None:
    """Add a channel called `alpha` to the other's server."""
    given = Terms(url=f"{url}/taxii2/", token_file=str(token), allow_private=True)
    add_channel(node, NOW, "taxii", given, name="alpha", party=other.party.name, every_s=every_s)


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it does not come"
        time.sleep(0.1)


def heard(node: Node) -> list[str]:
    """Ids of the objects that receipts without a drop are about, oldest first."""
    rows = reversed(node.store.given.heard(rows=1_000))
    return [one.id for row in rows for one in open_envelope(row.envelope).statement.subject]  # type: ignore[union-attr]


def test_both_ways_by_serve_and_by_hand(two: list[Node], serve: Callable[[Node], Serving]):
    alpha, beta = two
    # Alpha offers, Beta reads, and pushes back what it says of it with its next poll.
    served = serve(alpha)
    collection, token = offer(alpha, beta, served.url, write=True)
    put_batch(alpha, NOW, collection, BatchId(keep(alpha, [indicator(1), indicator(3)])))
    reach(beta, alpha, served.url, token, every_s=10)
    assert run(beta, "channel", "poll", "alpha")["channels"][0]["told"] == 0
    said = run(beta, "ack", IDS[1], "--acted", "blocked")
    assert [(one["to"], one["outcome"]) for one in said["receipts"]] == [("Alpha", "given")]
    assert run(beta, "channel", "poll", "alpha")["channels"][0]["told"] == 1
    [given] = run(alpha, "release", "list")["over_taxii"]
    assert [(one["about"], one["says"]) for one in given["answers"]] == [([IDS[1]], "blocked")]
    assert (given["to"], given["silent_days"]) == ("Beta", None)
    assert [one["party"] for one in run(alpha, "why", IDS[1])["heard"]] == ["Beta"]
    assert {item["type"] for item in run(alpha, "inbox")["items"]} == {"indicator"}
    run(beta, "ack", IDS[3], "--assessed")
    assert run(beta, "channel", "push", "alpha", "--waiting")["accepted"] == 1
    assert heard(alpha) == [IDS[1], IDS[3]]
    run(beta, "ack", IDS[3], "--acted", "hunted-found")
    # Beta's `serve` pushes by itself what waits.
    other = serve(beta)
    until(lambda: len(heard(alpha)) == 3)
    remove_channel(beta, "alpha")
    # Alpha pushes to Beta, and reads there what Beta says of it.
    _, key = offer(beta, alpha, other.url, write=True)
    reach(alpha, beta, other.url, key)
    keep(alpha, [indicator(2)])
    assert run(alpha, "channel", "push", "alpha", IDS[2])["accepted"] == 1
    run(beta, "decline", IDS[2], "--reason", "no-capability", "--text", "No such product.")
    [polled] = run(alpha, "channel", "poll", "alpha")["channels"]
    assert polled["state"] == "done"
    [one] = run(alpha, "why", IDS[2])["heard"]
    assert (one["said"]["says"], one["said"]["text"]) == ("declined it: no-capability", "No such product.")
    assert beta.store.statements.waiting_parties() == []
    for node in (alpha, beta):
        assert run(node, "ledger", "verify")


@pytest.fixture(params=["medallion", "opentaxii"])
def between(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """Somebody else's server, at which both have the same account."""
    folder = tmp_path / "between"
    folder.mkdir()
    with medallion(folder) if request.param == "medallion" else opentaxii(folder) as served:
        yield served


def meet_at(served: Served, node: Node, other: Node) -> None:
    secret = node.home / "secret"
    secret.write_text(served.password)
    secret.chmod(0o600)
    terms = Terms(
        url=served.url,
        collections=(served.write,),
        user=served.user,
        password_file=str(secret),
        allow_private=True,
    )
    add_channel(node, NOW, "taxii", terms, name="between", party=other.party.name, every_s=0)


def look(node: Node) -> JsonObject:
    polled = poll(node, NOW, ["between"], open_channel, pause=time.sleep).channels[0]
    assert (polled.state, polled.error) == ("done", None), polled
    return codec.decode(codec.encode(polled))


def leave(served: Served, *objects: JsonObject) -> None:
    """Post to the server between them, as anybody may who has an account there."""
    request = urllib.request.Request(
        f"{served.api_root}collections/{served.write}/objects/",
        data=json.dumps({"objects": objects}).encode(),
        headers={
            "Content-Type": TAXII,
            "Accept": TAXII,
            "Authorization": basic(served.user, served.password),
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["failure_count"] == 0


@pytest.mark.peer("medallion")
@pytest.mark.peer("opentaxii")
def test_a_server_of_others_carries_it_unchanged(two: list[Node], between: Served):
    alpha, beta = two
    for one, other in ((alpha, beta), (beta, alpha)):
        meet_at(between, one, other)
    keep(alpha, [indicator(1)])
    assert push(alpha, NOW, "between", [IDS[1]], open_channel, pause=time.sleep).accepted == 1
    look(beta)
    acknowledged(beta, NOW, IDS[1], Word(state="acted", acted="hunted, nothing"))
    assert look(beta)["told"] == 1
    assert look(beta)["told"] == 0, "it was told twice"
    look(alpha)
    assert heard(alpha) == [IDS[1]]
    [row] = alpha.store.given.heard(rows=9)
    ours, theirs = (find(node.store, note_id(open_envelope(row.envelope).digest)) for node in (beta, alpha))  # type: ignore[arg-type]
    assert theirs.digest == ours.digest, "it was changed on the way"
    # Somebody who has an account there forges one, and wraps the real one anew.
    note = codec.decode(theirs.body)
    envelope = json.loads(note["extensions"][EXTENSION]["envelope"])
    sig = envelope["signatures"][0]["sig"]
    envelope["signatures"][0]["sig"] = ("B" if sig[0] == "A" else "A") + sig[1:]
    extension = {"extension_type": "property-extension", "envelope": json.dumps(envelope)}
    forged = note | {
        "id": "note--5b8e4f9c-1111-4a7b-9c3d-000000000001",
        "extensions": {EXTENSION: extension},
    }
    replayed = note | {"id": "note--5b8e4f9c-1111-4a7b-9c3d-000000000002", "content": "Beta blocked it."}
    leave(between, forged, replayed)
    look(alpha)
    assert find(alpha.store, forged["id"]).quarantined
    [refused] = alpha.store.statements.refused(before=None, rows=9, is_open=True)
    assert refused.reason == "bad-signature"
    assert heard(alpha) == [IDS[1]]
    [given] = list_sent(alpha, NOW, at_most=9, over_taxii=True).over_taxii
    assert [one.says for one in given.answers] == ["hunted, nothing"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["pushed", "read"])
def test_whatever_is_killed_each_is_told_once(two: list[Node], way: str):
    alpha, beta = two
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([killable.__name__])
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    serves, asks = (alpha, beta) if way == "pushed" else (beta, alpha)
    running: list[BaseProcess] = []

    def start(what: Callable[..., None], *words: object) -> BaseProcess:
        ready = forks.Event()
        process = forks.Process(
            target=what,
            args=(*words[:2], ready.set, *words[2:])
            if what is run_server
            else (words[0], ready.set, *words[1:]),
        )
        process.start()
        running.append(process)
        assert ready.wait(60)
        return process

    collection, token = offer(serves, asks, base, write=True)
    reach(asks, serves, base, token)
    batch = keep(alpha, [indicator(number) for number in range(len(IDS))])
    first = start(run_server, serves.home, port)
    if way == "pushed":
        put_batch(alpha, NOW, collection, BatchId(batch))
        assert poll(beta, NOW, ["alpha"], open_channel, pause=time.sleep).channels[0].state == "done"
    else:
        done = push(alpha, NOW, "alpha", [], open_channel, batch=BatchId(batch), pause=time.sleep)
        assert done.accepted == len(IDS)
    first.kill()
    first.join(20)
    chance = random.Random(SEED)
    print(f"seed {SEED}: {2 * ROUNDS} kills")
    for number in range(ROUNDS):
        for stix_id in IDS[2 * number : 2 * number + 2]:
            [given] = acknowledged(beta, NOW, stix_id, Word(state="read")).receipts
            assert given.outcome == "given"
        alive = [start(run_server, serves.home, port), start(run_poller, asks.home, None)]
        for process in chance.sample(alive, 2):
            time.sleep(chance.uniform(0, LONGEST_S))
            process.kill()
            process.join(20)
    start(run_server, serves.home, port)
    last = start(run_poller, asks.home, 3)
    last.join(120)
    assert last.exitcode == 0
    for process in running:
        process.kill()
        process.join(20)
    assert beta.store.statements.waiting_parties() == []
    assert sorted(heard(alpha)) == sorted(IDS)
    ask = alpha.store.database.execute
    assert ask("SELECT count(*) FROM refused").fetchone() == (0,)
    assert ask("SELECT count(*), sum(quarantined) FROM visible_object WHERE type = 'note'").fetchone() == (
        len(IDS),
        0,
    )
    for node, kind in ((beta, "sent"), (alpha, "recv")):
        for row in alpha.store.given.heard(rows=1_000):
            leaves = node.store.database.execute(
                "SELECT count(*) FROM ledger_leaf WHERE kind = ? AND about = ?",
                (kind, f"sha256:{row.digest.hex()}"),
            )
            assert leaves.fetchone() == (1,)
        assert node.store.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
