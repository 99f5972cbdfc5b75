"""How good the judgement of belief is, and what it costs, in one run.

    python -m benchmarks.belief

Each part is a program of its own, which names its goals, and ends with 1 when it misses one: `belief_judgement` sets
ours beside counting voices, averaging and a score from tags; `belief_speed` grades a claim with 1,000 arrivals;
`belief_desk` grades again after one outcome, in a small store and in a large one.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import ROOT

PARTS = (("belief_judgement", "--worlds"), ("belief_speed",), ("belief_desk",))


def main() -> int:
    """Run each part; return 1 where one missed a goal."""
    missed = []
    for part, *options in PARTS:
        print(f"\n{part}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{part}", *options]
        if subprocess.run(command, check=False, cwd=ROOT).returncode:
            missed.append(part)
    print(f"\ngoals missed in: {', '.join(missed)}" if missed else "\nevery goal is reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
