"""T19 at drops: kill -9 of `receive` and of `release send` at 50 random points each; the seed is printed."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import command, environment
from tests.desk.drops import indicator, keep, nodes, send

from backchannel.clock import SystemClock
from backchannel.desk.handing import kept_copy
from backchannel.desk.node import Node, open_node
from backchannel.desk.taking import TakeTerms, take_drop

POINTS = 50
OBJECTS = 120
CLOCK = SystemClock()


@pytest.fixture
def seed() -> int:
    number = time.time_ns() % 1_000_000
    print(f"seed {number}")
    return number


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta") as found:
        yield found


def run_killed(home: Path, after_s: float | None, *words: str) -> float | None:
    """Run a command, killed `after_s` after it began; return how long it took if it ended."""
    began = time.monotonic()
    child = subprocess.Popen(
        command(home, *words),
        stdout=subprocess.DEVNULL,
        env=environment(),
        cwd=home.parent,
    )
    try:
        child.wait(after_s)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        child.wait(60)
        return None
    assert child.returncode == 0
    return time.monotonic() - began


def chosen_points(chance: random.Random, took: float) -> Iterator[float]:
    """Points in the second half mostly: what goes before is the start of the program."""
    for number in range(POINTS):
        yield chance.uniform(0 if number % 5 == 0 else took * 0.3, took * 1.05)


def check_store(node: Node) -> None:
    assert node.store.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert node.store.database.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.timeout(600)
def test_t19_a_receive_killed_at_any_point_took_the_drop_wholly_or_not_at_all(homes: list[Node], seed: int):
    alpha, beta = homes
    chance = random.Random(seed)
    folder = alpha.home.parent
    ids = iter(range(1, (POINTS + 2) * OBJECTS))
    drops = []
    for number in range(POINTS + 1):
        objects = [indicator(next(ids)) for _ in range(OBJECTS)]
        made = send(alpha, beta, keep(alpha, objects), clock=CLOCK)
        path = folder / f"{number}.bcb"
        path.write_bytes(made.path.read_bytes())
        drops.append((path, objects, made.document))
    took = run_killed(beta.home, None, "receive", str(drops[0][0]))
    assert took is not None
    outcomes = set()
    points = zip(drops[1:], chosen_points(chance, took), strict=True)
    for taken, ((path, objects, document), after_s) in enumerate(points, 1):
        run_killed(beta.home, after_s, "receive", str(path))
        with open_node(beta.home) as node:
            check_store(node)
            stored = len(node.store.objects.currents([str(one["id"]) for one in objects]))
            manifest = node.store.statements.get(bytes.fromhex(document.drop.removeprefix("sha256:")))
            outcome = (stored, manifest is not None)
            assert outcome in {(0, False), (OBJECTS, True)}, f"seed {seed}"
            outcomes.add(outcome)
            # The receipt is there with what it is for, and never without.
            receipts = dict(node.store.statements.waiting_parties())
            assert receipts == {"Alpha": taken + (1 if stored else 0)}, f"seed {seed}"
            with path.open("rb") as file:
                again = take_drop(node, CLOCK, file, TakeTerms(place=path.name))
            assert (again.state, again.seq) == ("replay" if stored else "taken", document.seq)
            assert [note.code for note in again.notes] == (["replay"] if stored else [])
            assert node.store.statements.open_refused() == 0
    assert len(outcomes) == 2, f"seed {seed}"


@pytest.mark.timeout(600)
def test_t19_a_send_killed_at_any_point_uses_no_number_twice(homes: list[Node], seed: int):
    alpha, beta = homes
    chance = random.Random(seed)
    folder = alpha.home.parent
    batch = str(keep(alpha, [indicator(number) for number in range(OBJECTS)]))
    words = ("release", "send", "--to", "Beta", "--batch", batch, "--quiet", "-o")
    took = run_killed(alpha.home, None, *words, str(folder / "0.bcb"))
    assert took is not None
    for number, after_s in enumerate(chosen_points(chance, took), 1):
        run_killed(alpha.home, after_s, *words, str(folder / f"{number}.bcb"))
    handed = {hashlib.sha256(path.read_bytes()).digest(): path for path in folder.glob("*.bcb")}
    with open_node(alpha.home) as node:
        check_store(node)
        sent = node.store.statements.sent(party_row=None, manifest=None, at_most=1_000)
        assert sorted(row.seq for row in sent) == list(range(len(sent))), f"seed {seed}"
        assert len(handed) <= len(sent) <= POINTS + 1
        # Whatever was handed on is a drop that is written down; and each of those can be handed on again.
        for seq in range(len(sent)):
            made = kept_copy(node, CLOCK, to="Beta", seq=seq)
            handed.pop(hashlib.sha256(made.path.read_bytes()).digest(), None)
            with made.path.open("rb") as file:
                found = take_drop(beta, CLOCK, file, TakeTerms(place="again"))
            assert (found.state, found.seq, found.notes) == ("taken", seq, ()), f"seed {seed}"
    assert handed == {}, f"seed {seed}"
    assert 1 < len(sent) < POINTS + 1, f"seed {seed}"
    made = send(alpha, beta, int(batch), clock=CLOCK)
    assert made.document.seq == len(sent)
    assert list((alpha.home / "outbox").glob("*.part")) == []
