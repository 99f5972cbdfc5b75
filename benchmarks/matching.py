"""Everything that finding at home costs, in one run: hunting, evidence, rehunting, watching, patterns, memory.

    python -m benchmarks.matching [--quick]

Each part is a program of its own (`benchmarks.matching_retro`, ...), which names its goals, and ends with 1 when it
misses one. `--quick` takes a million rows in place of five, and 100,000 indicators in place of a million.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import ROOT

PARTS = (
    "matching_retro", "matching_evidence", "matching_rehunt", "matching_watch", "matching_memory", "patterns",
)  # fmt: skip
QUICK = {
    "matching_retro": ("--rows", "1000000", "--counts", "10000", "100000"),
    "matching_evidence": ("--rows", "1000000", "--counts", "10000"),
    "matching_rehunt": ("--rows-a-day", "10000"),
    "matching_watch": ("--indicators", "100000"),
    "matching_memory": ("--megabytes", "50", "500"),
    "patterns": ("--quick",),
}


def main() -> int:
    """Run each part; return 1 where one missed a goal."""
    missed = []
    for part in PARTS:
        options = QUICK[part] if "--quick" in sys.argv else ()
        print(f"\n{part}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{part}", *options]
        if subprocess.run(command, check=False, cwd=ROOT).returncode:
            missed.append(part)
    print(f"\ngoals missed in: {', '.join(missed)}" if missed else "\nevery goal is reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
