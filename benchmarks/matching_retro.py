"""Hunt through made logs with 10,000, 1,000,000 and more indicators, beside what reading the same columns costs alone.

    python -m benchmarks.matching_retro [--rows N] [--counts N ...] [--times N]

The limit is DuckDB's own reading of the columns that a hunt needs, with as many threads. First nothing of the lists
stands in the logs, so that no lines are fetched as evidence; then 1,080 records are planted, every one of which must be
found and nothing besides: the difference is what evidence costs. Tables and the day index are reported beside that.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from backchannel.desk.hunting import THREADS
from benchmarks.matching_world import COLUMNS, Logs, World, check, write_list, write_logs
from benchmarks.measure import US, Cost, machine, run

GOALS = {"limit": 2.5, "1,000,000": 1.15, "5,000,000": 1.5, "tsv": 1.6}


def bare_read(logs: Logs) -> Cost:
    """Return what DuckDB needs to read the columns that a hunt needs."""
    parts = []
    for kind, names in COLUMNS.items():
        types = ", ".join(f"'{name}': '{'DOUBLE' if name == 'ts' else 'VARCHAR'}'" for name in names)
        counts = ", ".join(f'count("{name}")' for name in names)
        parts.append(
            f"SELECT {counts} FROM read_json('{logs.folder / kind}.log', format = 'newline_delimited', "
            f"columns = {{{types}}})"
        )
    program = f"import duckdb\nhere = duckdb.connect(config={{'threads': {THREADS}}})\n" + "".join(
        f'here.execute("""{part}""").fetchall()\n' for part in parts
    )
    return run(sys.executable, "-c", program)


def make_home(scratch: Path, world: World, count: int, *, is_planted: bool) -> Path:
    """Return a home with a list of that many values."""
    home = scratch / f"home-{count}-{'planted' if is_planted else 'clean'}"
    write_list(scratch / "list.txt", world, count, is_planted=is_planted)
    run(*US, "init", "--name", "Bench", home=home)
    run(*US, "import", str(scratch / "list.txt"), home=home)
    return home


def hunt(home: Path, logs: Logs, out: Path, *, index: bool = False) -> Cost:
    """Return what one hunt costs."""
    option = "--index" if index else "--no-index"
    if index:
        for file in home.glob("days.sqlite*"):
            file.unlink()
    return run(*US, "hunt", "--jsonl", option, str(logs.folder), home=home, out=out)


def main() -> int:
    """Measure; return 1 where a goal is missed or something was found wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    print(f"{datetime.now(UTC).date()}, {machine()}, {THREADS} thread(s) of DuckDB")
    wrong = []
    with tempfile.TemporaryDirectory(prefix="bench-retro-") as folder:
        scratch, world = Path(folder), World()
        logs = write_logs(scratch / "json", world, asked.rows)
        tables = write_logs(scratch / "tsv", world, asked.rows, form="tsv")
        print(f"{logs.rows:,} rows, {logs.size / 2**20:,.0f} MiB of Zeek JSON", flush=True)
        homes = {count: make_home(scratch, world, count, is_planted=False) for count in asked.counts}
        planted = make_home(scratch, world, min(asked.counts), is_planted=True)
        costs: dict[object, list[Cost]] = {}
        for _ in range(asked.times):  # in turns: what else the machine does meets all of them alike
            costs.setdefault("read", []).append(bare_read(logs))
            for count, home in homes.items():
                costs.setdefault(count, []).append(hunt(home, logs, scratch / "clean.jsonl"))
                wrong.append(check((), scratch / "clean.jsonl"))
            for name, some, index in (
                ("planted", logs, False),
                ("tsv", tables, False),
                ("index", logs, True),
            ):
                costs.setdefault(name, []).append(hunt(planted, some, scratch / "hits.jsonl", index=index))
                wrong.append(check(some.truths, scratch / "hits.jsonl"))
        share = sum(file.stat().st_size for file in planted.glob("days.sqlite*")) / logs.size
    return tell(costs, sorted(asked.counts), logs, share, sorted(set(filter(None, wrong))))


def tell(
    costs: dict[object, list[Cost]], counts: list[int], logs: Logs, share: float, wrong: list[str]
) -> int:
    """Print the cheapest run of each with the dearest, the ratios, and which goals are missed."""
    least = {name: min(cost.cpu_s for cost in several) for name, several in costs.items()}
    for name, several in costs.items():
        title = f"{name:,} indicators, none seen" if isinstance(name, int) else f"{name}"
        print(
            f"{title:>34}: {least[name]:.2f} to {max(one.cpu_s for one in several):.2f} s CPU, "
            f"{logs.rows / least[name]:,.0f} rows/s, {max(one.rss_mib for one in several):.0f} MiB"
        )
    low = counts[0]
    ratios = {
        "limit": least[counts[-1]] / least["read"],
        "tsv": least["tsv"] / least["planted"],
    }
    ratios |= {f"{count:,}": least[count] / least[low] for count in counts[1:]}
    print(f"evidence of {len(logs.truths):,} records: {least['planted'] - least[low]:.2f} s")
    print(f"the day index: {least['index'] - least['planted']:.2f} s, {share:.1%} of the JSON")
    missed = []
    for name, ratio in ratios.items():
        goal = GOALS.get(name)
        is_missed = goal is not None and ratio > goal
        missed += [name] if is_missed else []
        print(f"{name}: {ratio:.2f}" + (f" (goal {goal}{', missed' if is_missed else ''})" if goal else ""))
    if share > 0.1:
        missed.append("index 10 %")
    print("\n".join(wrong) or "every truth was found and nothing else")
    print(f"load {os.getloadavg()[1]:.1f}; missed: {', '.join(missed) or 'nothing'}")
    return 1 if missed or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
