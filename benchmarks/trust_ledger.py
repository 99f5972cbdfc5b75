"""What the ledger costs: appending in a batch, proving, verifying and walking it all.

    python -m benchmarks.trust_ledger [--leaves N] [--folder DIR]

Counts CPU time of this process, user and system: appending includes making the leaves' hashes, every file and every
fsync. The limit beside it is hashing alone: each leaf once and each inner node once. Ends with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from backchannel.clock import SystemClock
from backchannel.parties.keyring import new_key
from backchannel.parties.kid import Use
from backchannel.provenance.ledger.audit import audit
from backchannel.provenance.ledger.notes import VerifierKey
from backchannel.provenance.ledger.proving import prove_inclusion
from backchannel.provenance.ledger.tiles import Tiles, files_in
from backchannel.provenance.ledger.tree import is_included, leaf_hash
from backchannel.provenance.ledger.writer import open_ledger
from benchmarks.measure import machine

GOAL_APPENDS, GOAL_VERIFIED = 200_000, 20_000
"""Leaves appended, and proofs verified, per second of CPU time at a million leaves."""
PROOFS = 2_000
T = TypeVar("T")


def timed(do: Callable[[], T]) -> tuple[T, float]:
    """Return what `do` gives and the CPU time it took (seconds)."""
    began = time.process_time()
    value = do()
    return value, time.process_time() - began


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--leaves", type=int, default=1_000_000)
    asked.add_argument(
        "--folder", type=Path, help="Where the ledger is made; by default the system's folder for such."
    )
    options = asked.parse_args()
    leaves: int = options.leaves
    secret = new_key(Use.LOG, SystemClock().now())
    key = VerifierKey("benchmark.example/ledger", secret.public)
    entries = [b'{"c":"sha256:%064x","d":"2026-01-02","t":"sent"}' % n for n in range(leaves)]
    print(f"{machine()}; {leaves:,} leaves of {len(entries[0])} bytes")
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place) / "ledger"
        with open_ledger(folder, key, secret.sign) as ledger:
            before = os.times().system
            appended, append_s = timed(lambda: ledger.append(entries))
            system_s = os.times().system - before
        _, hashing_s = timed(lambda: [hashlib.sha256(one).digest() for one in (*entries, *entries)])
        tiles, checkpoint = Tiles(files_in(folder), leaves), appended.checkpoint
        chosen = range(0, leaves, max(1, leaves // PROOFS))
        proved, prove_s = timed(lambda: [(n, *prove_inclusion(tiles, n, checkpoint)) for n in chosen])
        good, verify_s = timed(
            lambda: [
                is_included(leaf_hash(entry), n, leaves, proof, checkpoint.root) for n, entry, proof in proved
            ]
        )
        found, audit_s = timed(lambda: audit(files_in(folder), key))
    if not all(good) or found.faults_total or found.entries != leaves:
        raise SystemExit("the ledger that was made does not verify")
    appends, verified = leaves / append_s, len(proved) / verify_s
    print(f"appended          {appends:>10,.0f} leaves/s   (goal {GOAL_APPENDS:,})")
    print(
        f"  {append_s / hashing_s:.1f} x hashing alone; {system_s / append_s:.0%} of it in the system, making files"
    )
    print(f"proofs verified   {verified:>10,.0f} /s         (goal {GOAL_VERIFIED:,})")
    print(
        f"proofs made       {len(proved) / prove_s:>10,.0f} /s         each of other tiles, read and checked"
    )
    print(f"walked            {leaves / audit_s:>10,.0f} leaves/s   every file read, every hash made anew")
    return 0 if appends >= GOAL_APPENDS and verified >= GOAL_VERIFIED else 1


if __name__ == "__main__":
    sys.exit(main())
