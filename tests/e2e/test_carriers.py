"""Three nodes: drops through a shared folder and through drop boxes, tampered with, passed on, and killed while taken."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send
from tests.e2e import polling_drops
from tests.e2e.carriers import Serving, run

from backchannel.channels.opening import open_channel
from backchannel.clock import SystemClock
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel, show_channel
from backchannel.desk.choosing import Choice
from backchannel.desk.handing_on import hand_on
from backchannel.desk.node import Node, open_node
from backchannel.desk.planning import plan
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How, release
from backchannel.drop import parts
from backchannel.store.carried import BOX

NOW = SystemClock()
KILLS = 20
SEED = 20261130
LONGEST_S = 1.5


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma", clock=NOW) as found:
        yield found


def hops(node: Node, stix_id: str) -> list[tuple[str, str]]:
    [chain] = run(node, "why", stix_id)["provenance"]["chains"]
    return [(hop["kind"], hop["party"]) for hop in chain["hops"]]


def test_a_folder_carries_drops_between_two_a_third_cannot_change_them_and_a_relay_shows(
    three: list[Node], tmp_path: Path
):
    alpha, beta, gamma = three
    shared = tmp_path / "shared"
    shared.mkdir()
    for node in three:
        run(node, "channel", "add", "drop", str(shared), "--name", "shared")
    objects = [indicator(number) for number in range(5)]
    batch = keep(alpha, objects)
    [sent] = run(alpha, "release", "send", "--to", "Beta", "--batch", str(batch), "--channel", "shared")[
        "sent"
    ]
    where = sent["paths"][0].removeprefix("shared: ")
    whole = (shared / where).read_bytes()
    # Somebody who may write there changes a copy.
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    (shared / "copy.bcb").write_bytes(changed)
    [polled] = run(beta, "channel", "poll", "shared", ends=1)["channels"]
    states = {file["name"]: (file["state"], file["reason"]) for file in polled["files"]}
    assert states == {where: ("taken", None), "copy.bcb": ("refused", "damaged")}
    shown = run(beta, "channel", "show", "shared")
    [refused] = shown["drops"]["refused"]
    assert "changed or damaged on the way" in refused["says"]
    assert run(beta, "channel", "poll", "shared")["channels"][0]["files"] == []
    [check] = [one for one in run(beta, "doctor", ends=1)["checks"] if one["name"] == "carriers"]
    assert (check["state"], "copy.bcb" in check["found"]) == ("look", True)
    # A relay passes one of them on.
    wanted = str(objects[3]["id"])
    planned = plan(beta, NOW, recipient_of(beta, "Gamma"), Choice(ids=(wanted,)))
    relayed = release(beta, NOW, planned, How())
    hand_on(beta, NOW, "shared", relayed.path, open_channel, pause=time.sleep)
    [polled] = run(gamma, "channel", "poll", "shared")["channels"]
    assert sorted(file["state"] for file in polled["files"]) == ["other", "other", "taken"]
    assert hops(gamma, wanted) == [("origin", "Alpha"), ("relay", "Beta")]
    assert (shared / where).read_bytes() == whole


@pytest.fixture
def serve() -> Iterator[Callable[[Node], Serving]]:
    running: list[Serving] = []

    def begin(node: Node) -> Serving:
        running.append(Serving(node.home))
        return running[-1]

    yield begin
    for one in running:
        one.kill()


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it does not come"
        time.sleep(0.1)


def test_drop_boxes_carry_drops_and_a_relay_shows(three: list[Node], serve: Callable[[Node], Serving]):
    alpha, beta, gamma = three
    to_beta, to_gamma = serve(beta), serve(gamma)
    add_channel(alpha, NOW, "drop", Terms(url=f"{to_beta.url}/drop", allow_private=True), name="beta")
    add_channel(beta, NOW, "drop", Terms(url=f"{to_gamma.url}/drop", allow_private=True), name="gamma")
    objects = [indicator(number) for number in range(5)]
    made = send(alpha, beta, keep(alpha, objects), clock=NOW)
    changed = bytearray(made.path.read_bytes())
    changed[-100] ^= 1
    bad = to_beta.leave(bytes(changed))
    good = hand_on(alpha, NOW, "beta", made.path, open_channel, pause=time.sleep)
    assert good.state == "sent"
    assert good.where != bad
    until(lambda: len(beta.store.carried.newest(BOX, ["taken", "refused"], at_most=9)) == 2)
    by_ticket = {
        row.name.removeprefix("drop box "): row
        for row in beta.store.carried.newest(BOX, ["taken", "refused"], at_most=9)
    }
    assert (by_ticket[str(bad)].state, by_ticket[str(bad)].reason) == ("refused", "damaged")
    assert by_ticket[str(good.where)].state == "taken"
    wanted = str(objects[3]["id"])
    planned = plan(beta, NOW, recipient_of(beta, "Gamma"), Choice(ids=(wanted,)))
    hand_on(beta, NOW, "gamma", release(beta, NOW, planned, How()).path, open_channel, pause=time.sleep)
    until(lambda: len(gamma.store.carried.newest(BOX, ["taken"], at_most=9)) == 1)
    assert hops(gamma, wanted) == [("origin", "Alpha"), ("relay", "Beta")]


@pytest.mark.timeout(400)
def test_nothing_left_in_a_box_is_lost_or_taken_twice_whenever_serve_is_killed(
    three: list[Node], serve: Callable[[Node], Serving]
):
    alpha, beta, _ = three
    chance = random.Random(SEED)
    print(f"seed {SEED}: {KILLS} kills")
    drops = [
        send(alpha, beta, keep(alpha, [indicator(number)]), clock=NOW).path.read_bytes()
        for number in range(60)
    ]
    waiting, acknowledged = list(range(len(drops))), set[int]()
    for _ in range(KILLS):
        serving = serve(beta)
        killer = threading.Timer(chance.uniform(0.05, LONGEST_S), serving.kill)
        killer.start()
        while killer.is_alive() and waiting:
            number = waiting[0]
            if serving.leave(drops[number]) is None:
                break  # it may have been taken all the same: it is left once more
            acknowledged.add(waiting.pop(0))
            time.sleep(chance.uniform(0, 0.1))
        killer.join(30)
    serving = serve(beta)
    until(lambda: not list((beta.home / "dropbox").glob("*.left")), 120)
    serving.kill()
    assert len(acknowledged) > KILLS
    print(f"{len(acknowledged)} of {len(drops)} drops were acknowledged")
    with open_node(beta.home) as after:
        ask = after.store.database.execute
        held = {row[0] for row in ask("SELECT stix_id FROM visible_object")}
        assert {str(indicator(number)["id"]) for number in acknowledged} <= held
        arrivals = ask("SELECT count(*), count(DISTINCT object_row) FROM complete_arrival").fetchone()
        assert arrivals[0] == arrivals[1] == len(held)
        assert not list((beta.home / "dropbox").glob("*.part"))
        assert ask("PRAGMA integrity_check").fetchone() == ("ok",)
        assert after.store.carried.newest(BOX, ["refused", "other"], at_most=9) == []


@pytest.mark.timeout(300)
def test_a_folder_is_taken_once_whenever_looking_is_killed(three: list[Node], tmp_path: Path):
    alpha, beta, _ = three
    shared = tmp_path / "shared"
    shared.mkdir()
    add_channel(beta, NOW, "drop", Terms(url=str(shared)), name="shared")
    chance = random.Random(SEED)
    print(f"seed {SEED}: {KILLS} kills")
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([polling_drops.__name__])
    for number in range(2 * KILLS):
        made = send(alpha, beta, keep(alpha, [indicator(number)]), clock=NOW).path
        if number % 4:
            shutil.copy(made, shared / f"{number}.bcb")
        else:
            for part, text in enumerate(parts.split(made.read_bytes(), 4_000)):
                (shared / f"{number}-{part}.txt").write_text(text)
    for _ in range(KILLS):
        ready = forks.Event()
        process = forks.Process(
            target=polling_drops.run_looks, args=(beta.home, ready.set, None), daemon=True
        )
        process.start()
        assert ready.wait(60)
        time.sleep(chance.uniform(0, LONGEST_S))
        process.kill()
        process.join(20)
    polling_drops.run_looks(beta.home, lambda: None, 2)
    ask = beta.store.database.execute
    assert {row[0] for row in ask("SELECT stix_id FROM visible_object")} == {
        str(indicator(number)["id"]) for number in range(2 * KILLS)
    }
    assert ask("SELECT count(*) FROM complete_arrival").fetchone() == (2 * KILLS,)
    counts = show_channel(beta, "shared")
    assert counts.channel.counts.stored == 2 * KILLS
    assert counts.drops is not None
    assert (counts.drops.counts.taken, counts.drops.counts.refused, counts.drops.parts) == (2 * KILLS, 0, ())
