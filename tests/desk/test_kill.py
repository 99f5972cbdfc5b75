"""kill -9 at any instant of an import: the batch is wholly there or wholly absent, and work goes on."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, a_file, five, indicator, malware, relationship, take, views

from backchannel.desk.batches import list_batches
from backchannel.desk.node import init_node, open_node

IMPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from backchannel.clock import FixedClock
from backchannel.desk import receive
from backchannel.desk.node import open_node

receive.TRANSACTION_OBJECTS = 20
home, path = map(Path, sys.argv[1:])
with open_node(home) as node:
    print("begin", flush=True)
    receive.receive(node, FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC)), [path], party="CERT Killed")
    print("end", flush=True)
"""
ROUNDS = 12
OBJECTS = 400


def killed_import(home: Path, path: Path, after_s: float | None) -> float | None:
    """Import in a process of its own, killed `after_s` after it began; return how long it took if it ended."""
    child = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(home), str(path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "begin\n"
        began = time.monotonic()
        if after_s is not None:
            time.sleep(after_s)
            child.send_signal(signal.SIGKILL)
            child.wait(60)
            return None
        assert child.stdout.readline() == "end\n"
        took = time.monotonic() - began
    assert child.wait(60) == 0
    return took


def _nameless(views: dict[str, object]) -> str:
    """Each home has identities of its own, by which origins of equal weight are ordered; the rest has to be the same."""
    told = {
        stix_id: {
            **one,
            "belief": one["belief"] and {name: one["belief"][name] for name in ("says", "number")},
        }
        for stix_id, one in views["why"].items()
    }
    return re.sub(r"identity--[0-9a-f-]{36}", "identity", repr({**views, "why": told}))


@pytest.mark.timeout(300)
def test_an_import_killed_at_any_instant_is_wholly_there_or_wholly_absent(tmp_path: Path):
    family = malware(1)
    batch = [indicator(n, version=2) for n in range(1, OBJECTS // 2)]
    batch += [relationship(one, "indicates", family, n) for n, one in enumerate(batch)]
    first = a_file(tmp_path, family, indicator(1), indicator(2), name="first.json")
    path = a_file(tmp_path, *batch, name="second.json")

    def a_home(name: str) -> Path:
        with init_node(tmp_path / name, name="CERT Alpha", clock=CLOCK) as node:
            take(node, first)
        return tmp_path / name

    whole = a_home("whole")
    with open_node(whole) as node:
        absent = views(node)
    took = killed_import(whole, path, None)
    assert took is not None
    with open_node(whole) as node:
        there = views(node)

    chance = random.Random(20260301)
    outcomes = set()
    for n in range(ROUNDS):
        home = a_home(f"killed-{n}")
        killed_import(home, path, chance.uniform(0, took * 1.1))
        with open_node(home) as node:
            seen = views(node)
            outcome = "there" if seen["counts"][0] == there["counts"][0] else "absent"
            outcomes.add(outcome)
            assert len(list_batches(node).batches) == (2 if outcome == "there" else 1)
            assert _nameless(seen) == _nameless(there if outcome == "there" else absent)
            receipt = take(node, path, party="CERT Killed")
            assert five(receipt)[:2] == ((0, len(batch)) if outcome == "there" else (len(batch), 0))
            assert all(one.state == "complete" for one in list_batches(node).batches)
            assert node.store.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert node.store.database.execute("PRAGMA foreign_key_check").fetchall() == []
            rows = node.store.database.execute("SELECT count(*) FROM object").fetchone()
            assert rows == (there["counts"][0],)
    assert "absent" in outcomes
