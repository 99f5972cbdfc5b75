"""What is sent, received and refused stands in the ledger: once, and provable to whoever has the other half."""

from __future__ import annotations

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
