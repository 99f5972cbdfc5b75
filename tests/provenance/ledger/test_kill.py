"""T19 for the ledger: kill -9 at any instant of an append loses nothing acknowledged and shows nothing half."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.provenance.ledger.made import LOG, fill

from backchannel.provenance.ledger.audit import audit
from backchannel.provenance.ledger.tiles import files_in

APPEND = """
import sys
from pathlib import Path
from tests.provenance.ledger.made import LOG, entries
from backchannel.provenance.ledger.writer import open_ledger

folder, sizes = Path(sys.argv[1]), [int(word) for word in sys.argv[2].split(",")]
with open_ledger(folder, LOG.key, LOG.sign) as ledger:
    print(ledger.checkpoint.size, flush=True)
    for size in sizes:
        first = ledger.checkpoint.size
        print(ledger.append(entries(size, first=first)).checkpoint.size, flush=True)
"""
KILLS = 50


@pytest.mark.timeout(300)
def test_t19_fifty_kills_of_an_append_lose_nothing_acknowledged(tmp_path: Path):
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where it fails: random.Random(seed) gives the same kills again
    chance = random.Random(seed)
    killed = acknowledged = 0
    while killed < KILLS:
        sizes = ",".join(str(chance.choice((1, 3, 40, 255, 256, 257, 900))) for _ in range(60))
        child = subprocess.Popen(
            [sys.executable, "-c", APPEND, str(tmp_path), sizes], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert child.stdout is not None
        with child.stdout:
            found = int(child.stdout.readline())  # what it found is what the audit saw, at least
            assert found >= acknowledged, f"seed {seed}"
            time.sleep(chance.uniform(0, 0.05))
            child.send_signal(signal.SIGKILL)
            said = [int(line) for line in child.stdout if line.endswith("\n")]
        killed += child.wait(60) == -signal.SIGKILL
        acknowledged = max([found, *said])
        walked = audit(files_in(tmp_path), LOG.key)
        assert walked.faults == [], f"seed {seed}"
        assert walked.checkpoint.size >= acknowledged, f"seed {seed}"
        acknowledged = walked.checkpoint.size
    seen: list[bytes] = []
    audit(files_in(tmp_path), LOG.key, on_entry=lambda _, entry: seen.append(entry))
    assert seen == [f"entry {n}".encode() for n in range(len(seen))], f"seed {seed}"
    assert fill(tmp_path, [b"one more"]).first == len(seen)
