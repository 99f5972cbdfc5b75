"""Rehunt: what a new indicator costs against the day index of 10 and of 100 days of logs, and what the index takes.

    python -m benchmarks.matching_rehunt [--rows-a-day N] [--indicators N]

`rehunt --all` is measured with few indicators and with many, none of which is in the logs: the difference, divided, is
what one more costs, its pattern compiled and the index asked. Then the planted ones come, and what they find is held
against what was planted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.matching_retro import make_home
from benchmarks.matching_world import World, check, write_list, write_logs
from benchmarks.measure import US, best, machine, run

FEW = 400


def main() -> int:
    """Measure; return 1 where a goal is missed or something was found wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows-a-day", type=int, default=50_000)
    parser.add_argument("--indicators", type=int, default=100_000)
    asked = parser.parse_args()
    print(f"{datetime.now(UTC).date()}, {machine()}")
    each: dict[int, float] = {}
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-rehunt-") as folder:
        scratch, world = Path(folder), World()
        hits = scratch / "hits.jsonl"
        for days in (10, 100):
            logs = write_logs(scratch / f"logs-{days}", world, asked.rows_a_day * days, days=days)
            (scratch / f"{days}").mkdir()
            home = make_home(scratch / f"{days}", world, FEW, is_planted=False)
            plain = run(*US, "hunt", "--no-index", "--jsonl", str(logs.folder), home=home)
            writing = run(*US, "hunt", "--jsonl", str(logs.folder), home=home)
            size = sum(file.stat().st_size for file in home.glob("days.sqlite*"))
            few = best(3, *US, "rehunt", "--all", "--jsonl", home=home).cpu_s
            write_list(scratch / "more.txt", world, asked.indicators, is_planted=False, salt=1)
            run(*US, "import", str(scratch / "more.txt"), home=home)
            many = best(3, *US, "rehunt", "--all", "--jsonl", home=home).cpu_s
            each[days] = (many - few) / asked.indicators * 1e6
            write_list(scratch / "late.txt", world, len(world.plants), is_planted=True)
            run(*US, "import", str(scratch / "late.txt"), home=home)
            run(*US, "rehunt", "--all", "--jsonl", home=home, out=hits)
            wrong = check(logs.truths, hits)
            print(
                f"{days:>3} days, {logs.rows:,} rows: {each[days]:.1f} µs CPU a new indicator; the index is "
                f"{size / logs.size:.1%} of the JSON, writing it {writing.cpu_s - plain.cpu_s:.1f} s beside "
                f"{plain.cpu_s:.1f} s of hunting; {wrong or 'every truth was found and nothing else'}",
                flush=True,
            )
            missed += [f"{days} days: truths"] if wrong else []
            missed += [f"index at most 10 % ({days} days)"] if size / logs.size > 0.1 else []
    print(f"100 days against 10: {each[100] / each[10]:.2f}; load {os.getloadavg()[1]:.1f}")
    missed += ["20 µs"] if max(each.values()) > 20 else []
    missed += ["100 days 1.5 of 10"] if each[100] / each[10] > 1.5 else []
    print(f"missed: {', '.join(missed) or 'nothing'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
