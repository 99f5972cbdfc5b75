"""Memory of a hunt in logs of 100 MB and of 1 GB: as good as the same.

python -m benchmarks.matching_memory [--megabytes N ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.matching_retro import hunt, make_home
from benchmarks.matching_world import World, write_logs
from benchmarks.measure import machine

ROW_BYTES = 392
GOAL = 1.5
"""Times the memory for ten times the logs: caches fill up, nothing more."""


def main() -> int:
    """Measure; return 1 where memory grows with the logs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="*", default=[100, 1000])
    asked = parser.parse_args()
    print(machine())
    most: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
        scratch, world = Path(folder), World()
        home = make_home(scratch, world, 10_000, is_planted=True)
        for size in asked.megabytes:
            logs = write_logs(scratch / f"{size}", world, size * 1_000_000 // ROW_BYTES)
            most[size] = hunt(home, logs, scratch / "hits.jsonl", index=True).rss_mib
            print(f"{size:>6,} MB: {most[size]:.0f} MiB", flush=True)
    low, high = min(most), max(most)
    print(f"{high / low:.0f} times the logs, {most[high] / most[low]:.2f} times the memory; goal {GOAL}")
    return int(most[high] / most[low] > GOAL)


if __name__ == "__main__":
    sys.exit(main())
