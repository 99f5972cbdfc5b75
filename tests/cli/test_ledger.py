"""The ledger on the command line: checked from files alone, by somebody who has no node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import Run


@pytest.fixture
def key(run: Run) -> str:
    return str(run("ledger", "show", "--json").document["vkey"])


def test_what_a_command_brings_is_under_a_checkpoint_when_it_ends(run: Run):
    before = run("ledger", "show", "--json").document
    assert run("import", "beta.json", "--from", "CERT Gamma").code == 0
    after = run("ledger", "show", "--json").document
    assert (after["size"], after["waiting"]) == (int(str(before["size"])) + 1, 0)


def test_somebody_without_a_node_checks_an_export_and_a_proof(run: Run, fresh: Run, world: Path, key: str):
    proved = run("ledger", "prove", "0", "-o", world / "leaf.tlog-proof")
    assert "ledger verify FILE --key" in proved.err
    assert run("ledger", "export", world / "out").code == 0
    (world / "alpha.vkey").write_text(key + "\n")
    for given in (key, str(world / "alpha.vkey")):
        assert fresh("ledger", "verify", world / "out", "--key", given).code == 0
        told = fresh("ledger", "verify", world / "leaf.tlog-proof", "--key", given)
        assert told.code == 0
        assert '"event":"received"' in told.text.replace("\n", "").replace(" ", "")
    assert fresh("ledger", "verify", world / "out").code == 2
    assert fresh("ledger", "verify", world / "out", "--key", "no key").code == 2
    assert fresh("ledger", "verify", world / "beta.json", "--key", key).code == 5
    assert fresh("ledger", "verify", world / "missing", "--key", key).code == 3


def test_t36_an_altered_entry_ends_with_5_and_is_named(run: Run, fresh: Run, world: Path, key: str):
    assert run("ledger", "export", world / "out").code == 0
    bundle = world / "out" / "tile" / "entries" / "000.p" / "3"
    bundle.write_bytes(bundle.read_bytes().replace(b'"t":"recv"', b'"t":"sent"', 1))
    told = fresh("ledger", "verify", world / "out", "--key", key)
    assert told.code == 5
    assert "NOT GOOD" in told.text
    assert "tile/0/000.p/3" in told.text
    document = fresh("ledger", "verify", world / "out", "--key", key, "--json").document
    assert document["good"] is False


def test_a_ledger_that_cannot_be_written_costs_no_work_and_warns(run: Run, world: Path):
    checkpoint = world / "home" / "ledger" / "checkpoint"
    kept = checkpoint.read_bytes()
    checkpoint.write_bytes(kept.replace(b"\n3\n", b"\n4\n"))
    told = run("import", "beta.json", "--from", "CERT Gamma", "--json")
    assert told.code == 0
    assert json.loads(told.out)["objects"] == 7
    assert "Warning: bad-signature" in told.err
    assert "It waits in the store" in told.err
    checkpoint.write_bytes(kept)
    verdict = run("ledger", "verify", "--json").document
    assert (verdict["good"], verdict["size"], verdict["waiting"]) == (True, 3, 1)
    assert run("ledger", "verify", "--json").document["size"] == 4  # appended when the command ended
