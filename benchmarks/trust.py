"""Everything that trust costs, in one run: drops, the desk with its database, the ledger, statements.

    python -m benchmarks.trust [--quick]

Each part is a program of its own (`benchmarks.trust_drop`, ...), which names its goals, and ends with 1 when it misses
one. `--quick` leaves out the objects by the hundred thousand of the desk.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import ROOT

PARTS = ("trust_drop", "trust_desk", "trust_ledger", "trust_statement")
QUICK = {"trust_desk": ("--objects", "10000")}


def main() -> int:
    """Run each part; return 1 where one missed a goal."""
    missed = []
    for part in PARTS:
        options = QUICK.get(part, ()) if "--quick" in sys.argv else ()
        print(f"\n{part}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{part}", *options]
        if subprocess.run(command, check=False, cwd=ROOT).returncode:
            missed.append(part)
    print(f"\ngoals missed in: {', '.join(missed)}" if missed else "\nevery goal is reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
