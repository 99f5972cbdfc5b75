"""What is received and decided is entered into the ledger exactly once, and can be proved to somebody else."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, NOW, a_file, indicator, malware, take

from backchannel.desk.answering import acknowledge
from backchannel.desk.auditing import (
    latest_checkpoint,
    prove,
    show_ledger,
    verify_folder,
    verify_own,
    verify_proof,
)
from backchannel.desk.batches import undo_batch
from backchannel.desk.entering import BATCH_LEAVES, append_entered, enter, is_due
from backchannel.desk.key_care import protect
from backchannel.desk.ledger_export import export_ledger
from backchannel.desk.node import Node, init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.own_ledger import ledger_folder, ledger_keys
from backchannel.errors import NotFoundError, StoreError, UsageError
from backchannel.ids import BatchId
from backchannel.parties.keyring import read_keyring, rotated, write_keyring
from backchannel.parties.kid import Use
from backchannel.parties.passphrase import seal_with, unseal_with
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.ledger.notes import parse_vkey
from backchannel.provenance.reasons import Reason, Rejected


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with init_node(tmp_path / "home", name="CERT Älpha", clock=CLOCK) as made:
        own_keys(made, CLOCK)
        made.store.database.execute(
            "DELETE FROM ledger_leaf"
        )  # our first key set: tests count what they enter
        yield made


def say(node: Node, count: int, first: int = 0) -> None:
    for n in range(first, first + count):
        with node.store.transaction():
            enter(node.store, LeafKind.SENT, b"statement %d" % n, about=f"statement {n}", now=NOW)


def test_what_comes_and_what_is_decided_is_entered(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, malware(1), indicator(1)))
    acknowledge(node, CLOCK, str(indicator(1)["id"]))
    acknowledge(node, CLOCK, str(indicator(1)["id"]))  # said again, it is no new decision
    undo_batch(node, CLOCK, BatchId(1))
    waiting = show_ledger(node)
    assert (waiting.size, waiting.waiting, waiting.root, latest_checkpoint(node)) == (0, 3, None, None)
    assert append_entered(node, CLOCK) == 3
    found = show_ledger(node, rows=2)
    assert (found.size, found.waiting, found.kinds) == (3, 0, {"decision": 2, "recv": 1})
    assert [(leaf.index, leaf.kind, leaf.about) for leaf in found.leaves] == [
        (2, "decision", "batch 1"),
        (1, "decision", indicator(1)["id"]),
    ]
    assert [leaf.about for leaf in show_ledger(node, before=found.next).leaves] == ["batch 1"]
    assert found.checkpoint == (latest_checkpoint(node) or b"").decode()
    assert found.origin is not None
    assert found.origin.startswith("backchannel/")
    verdict = verify_own(node)
    assert (verdict.good, verdict.opened, verdict.unopened) == (True, 3, 0)


def test_a_transaction_that_is_rolled_back_leaves_nothing_to_enter(node: Node):
    def fails() -> None:
        with node.store.transaction():
            enter(node.store, LeafKind.SENT, b"never said", about="nothing", now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert append_entered(node, CLOCK) == 0
    assert not ledger_folder(node.home).exists()


def test_t70_nothing_of_a_statement_can_be_read_in_the_ledger(node: Node, tmp_path: Path):
    """T70 for the ledger: no statement, no name and no blinding stands in what is handed out."""
    take(node, a_file(tmp_path, malware(1)))
    append_entered(node, CLOCK)
    export_ledger(node, CLOCK, tmp_path / "export")
    row = node.store.leaves.at(0)
    assert row is not None
    written = b"".join(path.read_bytes() for path in (tmp_path / "export").rglob("*") if path.is_file())
    for secret in (row.blinding, row.blinding.hex().encode(), b"CERT Beta", b"batch", row.statement[:20]):
        assert secret not in written


def test_an_object_that_came_is_proved_to_somebody_who_has_the_key_only(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, *(indicator(n) for n in range(1, 8)), malware(1)))
    say(node, 300)
    made = prove(node, CLOCK, str(indicator(5)["id"]))
    assert made.object == indicator(5)["id"]
    path = tmp_path / "came.tlog-proof"
    path.write_text(made.proof)
    verdict = verify_proof(path, (parse_vkey(made.vkey),))
    kept = node.store.objects.current(str(indicator(5)["id"]))
    assert kept is not None
    assert verdict.object == f"sha256:{kept.digest.hex()}"
    assert (verdict.good, verdict.index, verdict.size) == (True, 0, 301)
    assert '"n":8' in (verdict.statement or "")
    index = prove(node, CLOCK, "statement 250").leaf.index
    assert prove(node, CLOCK, str(index)).object is None
    for spoil in (("index 0", "index 1"), ("extra ", "extra AAAA")):
        path.write_text(made.proof.replace(*spoil))
        with pytest.raises(Rejected) as caught:
            verify_proof(path, (parse_vkey(made.vkey),))
        assert caught.value.reason is Reason.BAD_INCLUSION


def test_what_is_not_in_the_ledger_is_not_proved(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, malware(1)))
    acknowledge(node, CLOCK, str(malware(1)["id"]))
    acknowledge(node, CLOCK, str(malware(1)["id"]), text="Read again.")
    with pytest.raises(UsageError, match="2 leaves are about it: 1, 2"):
        prove(node, CLOCK, str(malware(1)["id"]))
    for unknown in ("99", "indicator--nothing", "batch 9"):
        with pytest.raises(NotFoundError):
            prove(node, CLOCK, unknown)


def test_an_export_is_checked_without_a_node_and_grows(node: Node, tmp_path: Path):
    say(node, 300)
    first = export_ledger(node, CLOCK, tmp_path / "export")
    assert (first.size, first.files) == (300, 7)
    say(node, 10, first=300)
    second = export_ledger(node, CLOCK, tmp_path / "export")
    assert (second.size, second.origin) == (310, first.origin)
    verdict = verify_folder(tmp_path / "export", (parse_vkey(second.vkey),))
    assert (verdict.good, verdict.entries, verdict.opened) == (True, 310, 0)
    names = {path.name for path in (tmp_path / "export").iterdir()}
    assert names == {"checkpoint", "log.vkey", "tile"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("something else")
    for wrong in (tmp_path / "other", tmp_path / "other" / "file"):
        with pytest.raises(UsageError, match="something else"):
            export_ledger(node, CLOCK, wrong)


def test_a_leaf_that_the_store_opens_to_something_else_is_told(node: Node):
    say(node, 3)
    append_entered(node, CLOCK)
    node.store.database.execute(
        "UPDATE ledger_leaf SET statement = CAST('rewritten' AS BLOB) WHERE leaf_index = 1"
    )
    verdict = verify_own(node)
    assert (verdict.good, verdict.opened, verdict.faults_total) == (False, 2, 1)
    assert verdict.faults[0].what == "entry 1: the store opens it to something else"


def test_t34_an_older_ledger_beside_a_newer_store_is_never_written_to(node: Node, tmp_path: Path):
    """T34 for ourselves: to append to an old copy would be to sign two histories."""
    say(node, 3)
    append_entered(node, CLOCK)
    shutil.copytree(ledger_folder(node.home), tmp_path / "old")
    say(node, 2, first=3)
    append_entered(node, CLOCK)
    shutil.rmtree(ledger_folder(node.home))
    shutil.copytree(tmp_path / "old", ledger_folder(node.home))
    say(node, 1, first=5)
    before = latest_checkpoint(node)
    with pytest.raises(StoreError, match="not the one that was written last"):
        append_entered(node, CLOCK)
    assert latest_checkpoint(node) == before
    assert node.store.leaves.waiting().leaves == 1


def test_an_older_store_beside_a_newer_ledger_goes_on_behind_it(node: Node):
    """A store restored from a backup has lost the openings of what came after it, and nothing else."""
    say(node, 3)
    append_entered(node, CLOCK)
    say(node, 2, first=3)
    append_entered(node, CLOCK)
    node.store.database.execute("DELETE FROM ledger_leaf WHERE leaf_index >= 3")
    say(node, 1, first=5)
    assert append_entered(node, CLOCK) == 1
    verdict = verify_own(node)
    assert (verdict.good, verdict.size, verdict.opened, verdict.unopened) == (True, 6, 4, 2)


def test_leaves_that_were_appended_before_their_places_were_kept_are_found_again(node: Node):
    say(node, 5)
    append_entered(node, CLOCK)
    node.store.database.execute("UPDATE ledger_leaf SET leaf_index = NULL WHERE leaf_index >= 2")
    say(node, 1, first=5)
    assert append_entered(node, CLOCK) == 1
    verdict = verify_own(node)
    assert (verdict.good, verdict.size, verdict.opened) == (True, 6, 6)


def test_the_ledger_goes_on_after_its_key_was_changed(node: Node, tmp_path: Path):
    say(node, 2)
    append_entered(node, CLOCK)
    keyring = read_keyring(node.home)
    assert keyring is not None
    write_keyring(node.home, rotated(keyring, NOW, uses=[Use.LOG]))
    say(node, 1, first=2)
    append_entered(node, CLOCK)
    new, old = ledger_keys(node)
    assert (new.name, new.public != old.public) == (old.name, True)
    assert verify_own(node).size == 4  # with the key set that names the new key
    assert verify_folder(ledger_folder(node.home), (new,)).good


def test_serve_makes_a_checkpoint_after_256_leaves_or_ten_minutes(node: Node):
    assert not is_due(node.store, NOW)
    say(node, 1)
    assert not is_due(node.store, NOW + timedelta(minutes=9))
    assert is_due(node.store, NOW + timedelta(minutes=10))
    say(node, BATCH_LEAVES - 2, first=1)
    assert not is_due(node.store, NOW)
    say(node, 1, first=BATCH_LEAVES)
    assert is_due(node.store, NOW)


def test_keys_under_a_passphrase_let_leaves_wait_and_the_rest_is_proved(node: Node, tmp_path: Path):
    say(node, 3)
    append_entered(node, CLOCK)
    protect(node, CLOCK, seal=seal_with("correct horse battery"))
    say(node, 2, first=3)
    verdict = verify_own(node)
    assert (verdict.good, verdict.size, verdict.waiting) == (True, 3, 2)
    assert export_ledger(node, CLOCK, tmp_path / "export").size == 3
    assert prove(node, CLOCK, "statement 1").leaf.index == 1
    with pytest.raises(NotFoundError, match="waits for the next checkpoint"):
        prove(node, CLOCK, "statement 4")
    found = prove(node, CLOCK, "statement 4", unseal=unseal_with("correct horse battery"))
    assert (found.leaf.index, verify_own(node).waiting) == (4, 0)


ENTER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from backchannel.clock import FixedClock
from backchannel.desk.entering import append_entered, enter
from backchannel.desk.node import open_node
from backchannel.provenance.ledger.leaves import LeafKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
with open_node(Path(sys.argv[1])) as node:
    print("begin", flush=True)
    for n in range(int(sys.argv[2]), 10_000):
        with node.store.transaction():
            enter(node.store, LeafKind.SENT, b"%d" % n, about=f"statement {n}", now=NOW)
        print(n, flush=True)
        if n % 3 == 0:
            append_entered(node, FixedClock(NOW))
"""
KILLS = 25


@pytest.mark.timeout(300)
def test_t19_killed_at_any_instant_each_statement_is_entered_exactly_once(tmp_path: Path):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    home = tmp_path / "home"
    with init_node(home, name="CERT Alpha", clock=CLOCK) as node:
        own_keys(node, CLOCK)
        node.store.database.execute("DELETE FROM ledger_leaf")
    done = 0
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", ENTER, str(home), str(done)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        with child.stdout:
            assert child.stdout.readline() == "begin\n"
            time.sleep(chance.uniform(0, 0.08))
            child.send_signal(signal.SIGKILL)
            said = [int(line) for line in child.stdout if line.endswith("\n")]
        child.wait(60)
        with open_node(home) as node:
            kept = node.store.database.execute(
                "SELECT statement FROM ledger_leaf ORDER BY leaf_row"
            ).fetchall()
            assert len(kept) >= (said[-1] + 1 if said else done), f"seed {seed}"
            done = len(kept)
    with open_node(home) as node:
        append_entered(node, CLOCK)
        verdict = verify_own(node)
        assert (verdict.good, verdict.size, verdict.opened) == (True, done, done), f"seed {seed}"
        entered = [row.statement for row in node.store.leaves.newest(before=None, rows=10_000)]
        assert entered == [b"%d" % n for n in reversed(range(done))], f"seed {seed}"
