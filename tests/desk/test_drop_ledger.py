"""What is sent, received and refused stands in the ledger: once, and provable to whoever has the other half."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel.desk.auditing import prove, show_ledger, verify_own, verify_proof
from backchannel.desk.entering import append_entered
from backchannel.desk.node import Node
from backchannel.provenance.ledger.notes import parse_vkey
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import digest_text


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta") as found:
        yield found


def kinds(node: Node) -> dict[str, int]:
    append_entered(node, CLOCK)
    assert verify_own(node).good
    return show_ledger(node).kinds


def test_both_sides_of_a_drop_can_prove_it(two: list[Node], tmp_path: Path):
    alpha, beta = two
    made = send(alpha, beta, keep(alpha, [indicator(1)]))
    take(beta, made.path.read_bytes())
    take(beta, made.path.read_bytes())  # a replay: nothing is entered again
    assert kinds(alpha) == {"keyset": 1, "recv": 1, "sent": 1}
    # The batch and the drop that brought it; Alpha's key set and our own.
    assert kinds(beta) == {"keyset": 2, "recv": 2}
    said = []
    for node, kind in ((alpha, "sent"), (beta, "recv")):
        found = prove(node, CLOCK, made.document.drop)
        assert found.leaf.kind == kind
        path = tmp_path / "drop.tlog-proof"
        path.write_text(found.proof)
        said.append(verify_proof(path, (parse_vkey(found.vkey),)).statement)
    assert said[0] == said[1] is not None


def test_what_was_refused_is_entered_as_a_decision(two: list[Node]):
    alpha, beta = two
    data = bytearray(send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
    data[-100] ^= 1
    with pytest.raises(Rejected):
        take(beta, bytes(data))
    assert kinds(beta) == {"keyset": 1, "decision": 1}


EXCHANGE = """
import sys
from pathlib import Path
from tests.desk.drops import indicator, keep, send, take
from tests.desk.made import CLOCK
from backchannel.desk.entering import append_entered
from backchannel.desk.node import open_node

with open_node(Path(sys.argv[1])) as alpha, open_node(Path(sys.argv[2])) as beta:
    print("begin", flush=True)
    for n in range(int(sys.argv[3]), int(sys.argv[3]) + 100):
        made = send(alpha, beta, keep(alpha, [indicator(n)]))
        take(beta, made.path.read_bytes())
        append_entered(alpha, CLOCK)
        append_entered(beta, CLOCK)
        print(made.document.drop, flush=True)
"""
KILLS = 8


@pytest.mark.timeout(300)
def test_t19_killed_while_drops_go_and_come_each_is_entered_exactly_once(two: list[Node]):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    homes = [str(node.home) for node in two]
    said: list[str] = []
    for turn in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", EXCHANGE, *homes, str(turn * 100)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert child.stdout is not None
        with child.stdout:
            assert child.stdout.readline() == "begin\n"
            time.sleep(chance.uniform(0, 1.2))
            child.send_signal(signal.SIGKILL)
            said += [line.strip() for line in child.stdout if line.endswith("\n")]
        child.wait(60)
    for node, kind, table in (
        (two[0], "sent", "sent_drop"),
        (two[1], "recv", "received_drop"),
    ):
        assert kinds(node)
        kept = node.store.database.execute(
            f"SELECT s.digest FROM {table} AS d JOIN statement AS s ON s.statement_row = d.statement_row"
        )
        drops = sorted(digest_text(row[0]) for row in kept)
        leaves = node.store.leaves.newest(before=None, rows=10_000)
        entered = sorted(one.about for one in leaves if one.kind == kind and one.about.startswith("sha256:"))
        assert entered == drops, f"seed {seed}"
        assert set(said) <= set(drops), f"seed {seed}"
