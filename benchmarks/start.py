"""What a command costs before it does anything, beside a bare interpreter: `--help`, and a hunt in one small log.

The log has 500 records of Zeek's `conn.log` and `dns.log` each; the name asked for last is one of the 1,000
indicators. The whole process is counted, from its start to its end.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.hunt import World
from benchmarks.measure import US, best, machine, run

TIMES = 7
INDICATORS = 1_000
RECORDS = 500
HELP_GOAL_S = 0.2
HUNT_GOAL_S = 0.4


def write_log(path: Path, world: World) -> str:
    """Write the small log; return the last name asked for in it."""
    records = [record for _ in range(RECORDS) for record in (world.conn(), world.dns())]
    path.write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records))
    return str(records[-1]["query"])


def main() -> None:
    """Measure, and print seconds of CPU beside the goals."""
    print(f"{datetime.now(UTC).date()}, {machine()}")
    with tempfile.TemporaryDirectory(prefix="bench-start-") as scratch:
        folder = Path(scratch)
        home, log, known = folder / "home", folder / "small.log", folder / "indicators.txt"
        world = World(random.Random(7))
        names = [write_log(log, world), *(f"host{n}.unseen.example" for n in range(INDICATORS - 1))]
        known.write_text("\n".join(names) + "\n")
        run(*US, "init", "--name", "Bench", home=home)
        run(*US, "import", str(known), home=home)
        bare = best(TIMES, sys.executable, "-c", "pass")
        helped = best(TIMES, *US, "--help", home=home)
        hunted = best(TIMES, *US, "hunt", str(log), home=home)
    print(f"limit: a bare interpreter  {bare.cpu_s:.3f} s CPU")
    for what, cost, goal in (("--help", helped, HELP_GOAL_S), ("a small hunt", hunted, HUNT_GOAL_S)):
        ratio = cost.cpu_s / bare.cpu_s
        print(f"{what:<12} {cost.cpu_s:.3f} s CPU, {ratio:.0f} x; goal {goal} s")


if __name__ == "__main__":
    main()
