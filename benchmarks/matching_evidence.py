"""Hunt through made logs, lines of evidence included, beside `ripgrep -F -f` with the same values as needles.

    python -m benchmarks.matching_evidence [--rows N] [--counts N ...] [--times N]

ripgrep has less to do: it knows no kinds, no networks, no names below names and no other spellings, and gives lines
without saying which indicator is in them. Needs `rg`.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.matching_retro import hunt, make_home
from benchmarks.matching_world import World, check, write_list, write_logs
from benchmarks.measure import Cost, machine, run

GOALS = {10_000: 4.0, 100_000: 10.0}


def main() -> int:
    """Measure; return 1 where a goal is missed or something was found wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_500_000)
    parser.add_argument("--counts", type=int, nargs="*", default=sorted(GOALS))
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    is_missed = False
    with tempfile.TemporaryDirectory(prefix="bench-evidence-") as folder:
        scratch, world = Path(folder), World()
        logs = write_logs(scratch / "json", world, asked.rows)
        print(f"{datetime.now(UTC).date()}, {machine()}; {logs.rows:,} rows, {logs.size / 2**20:,.0f} MiB")
        for count in asked.counts:
            home = make_home(scratch, world, count, is_planted=True)
            needles, hits = scratch / "needles.txt", scratch / "hits.jsonl"
            write_list(needles, world, count, is_planted=True)
            lines = needles.read_text().splitlines()
            random.Random(1).shuffle(lines)
            needles.write_text("\n".join(lines) + "\n")
            ours: list[Cost] = []
            theirs: list[Cost] = []
            for _ in range(asked.times):  # in turns
                ours.append(hunt(home, logs, hits))
                theirs.append(run("rg", "-F", "-f", str(needles), str(logs.folder)))
            wrong = check(logs.truths, hits)
            least, peer = min(one.cpu_s for one in ours), min(one.cpu_s for one in theirs)
            goal = GOALS.get(count, 0.0)
            is_missed |= bool(wrong) or peer / least < goal
            print(
                f"{count:>9,}: ours {least:.2f} to {max(one.cpu_s for one in ours):.2f} s CPU, "
                f"rg {peer:.2f} to {max(one.cpu_s for one in theirs):.2f} s: {peer / least:.2f}, goal {goal:g}"
                f"{', missed' if peer / least < goal else ''}; {wrong or 'every truth was found and nothing else'}",
                flush=True,
            )
    print(f"load {os.getloadavg()[1]:.1f}")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
