"""Watch logs that grow by 50,000 rows a second, with 1,000,000 indicators: CPU, time to each hit, and memory.

    python -m benchmarks.matching_watch [--indicators N] [--rows-s N] [--seconds N]

Four logs are appended to every 20 ms. Times are from the write to the line that the watch prints, on this clock, so they
grow with what else the machine does; CPU is that of the watch with all its threads, the day index included.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.matching_world import SHARES, Truth, World, write_list, write_logs
from benchmarks.measure import ROOT, US, machine, run

SLICE_S: Final = 0.02
LIVE: Final = 10
"""Indicators that come while it watches."""
WAIT_S: Final = 60.0


@dataclass(slots=True)
class Watch:
    """A watch that runs, and when it told what."""

    process: subprocess.Popen[bytes]
    told: dict[tuple[str, int], list[tuple[float, str]]] = field(default_factory=dict)
    """Log and line to the times of the hits in it, each with its pattern's value."""

    def listen(self) -> None:
        """Note what it tells, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            now = time.monotonic()
            hit = json.loads(line)["hit"]
            key = (Path(hit["log"]["path"]).name, hit["log"]["line"])
            self.told.setdefault(key, []).append((now, hit["pattern"].split("'")[-2]))

    def wait(self, key: tuple[str, int], at_most: float = WAIT_S) -> float:
        """Return when a line was told; ends the benchmark where it is not."""
        end = time.monotonic() + at_most
        while key not in self.told:
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"the watch did not tell {key}")
            time.sleep(0.002)
        return self.told[key][0][0]

    def cpu_s(self) -> float:
        """Return the CPU time of all its threads."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self, name: str) -> float:
        """Return the memory that it holds (`VmRSS`), or held at most (`VmHWM`)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
        return 0.0


def start(home: Path, live: Path) -> Watch:
    """Start a watch of a folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "BACKCHANNEL_HOME": str(home)}
    process = subprocess.Popen(
        [*US, "watch", str(live), "--from-start", "--jsonl", "--max-evidence", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    watch = Watch(process)
    threading.Thread(target=watch.listen, daemon=True).start()
    return watch


def feed(logs: Path, live: Path, rows_s: int, truths: tuple[Truth, ...]) -> dict[tuple[str, int], float]:
    """Append the rows of each log to its live one, at a pace; return when each line with a truth was written."""
    wanted = {(truth.log, truth.line) for truth in truths}
    written: dict[tuple[str, int], float] = {}
    waiting = {
        f"{kind}.log": (logs / f"{kind}.log").read_bytes().splitlines(keepends=True) for kind in SHARES
    }
    steps = {name: max(1, round(rows_s * SLICE_S * SHARES[name.removesuffix(".log")])) for name in waiting}
    began, turn = time.monotonic(), 0
    while any(steps[name] * turn < len(lines) for name, lines in waiting.items()):
        for name, lines in waiting.items():
            at = steps[name] * turn
            some = lines[at : at + steps[name]]
            with (live / name).open("ab", buffering=0) as file:
                file.write(b"".join(some))
            now = time.monotonic()
            written |= {(name, n): now for n in range(at + 1, at + len(some) + 1) if (name, n) in wanted}
        turn += 1
        time.sleep(max(0.0, began + turn * SLICE_S - time.monotonic()))
    return written


def newcomers(watch: Watch, home: Path, live: Path, scratch: Path) -> list[float]:
    """Return how long after its import each of some new indicators was met first (seconds)."""
    took = []
    chance = random.Random(time.time_ns())
    for n in range(LIVE):
        address, log = f"172.63.{n}.{chance.randint(1, 254)}", live / f"late{n}.log"
        (scratch / "late.txt").write_text(f"{address}\n")
        run(*US, "import", str(scratch / "late.txt"), home=home)
        imported = time.monotonic()
        wrote: list[float] = []
        while not any(key[0] == log.name for key in watch.told) and time.monotonic() < imported + WAIT_S:
            with log.open("ab", buffering=0) as file:
                file.write(
                    b'{"ts":%.6f,"uid":"C%d","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"%s","id.resp_p":443,"proto":"tcp"}\n'
                    % (time.time(), len(wrote), address.encode())
                )
            wrote.append(time.monotonic())
            time.sleep(SLICE_S)
        met = min(key[1] for key in watch.told if key[0] == log.name)
        took.append(wrote[met - 1] - imported)
    return took


def main() -> int:
    """Measure; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--indicators", type=int, default=1_000_000)
    parser.add_argument("--rows-s", type=int, default=50_000)
    parser.add_argument("--seconds", type=int, default=20)
    asked = parser.parse_args()
    print(f"{datetime.now(UTC).date()}, {machine()}")
    with tempfile.TemporaryDirectory(prefix="bench-watch-") as folder:
        scratch, world = Path(folder), World()
        home, live = scratch / "home", scratch / "live"
        live.mkdir()
        logs = write_logs(scratch / "logs", world, asked.rows_s * asked.seconds)
        warm = write_logs(scratch / "warm", World(seed=1), 10_000)
        write_list(scratch / "list.txt", world, asked.indicators, is_planted=True)
        run(*US, "init", "--name", "Bench", home=home)
        run(*US, "import", str(scratch / "list.txt"), home=home)
        return measure(start(home, live), warm.truths, asked.rows_s, scratch, logs.rows, logs.truths)


def measure(  # what is measured
    watch: Watch, warm: tuple[Truth, ...], rows_s: int, scratch: Path, rows: int, truths: tuple[Truth, ...]
) -> int:
    """Feed a watch and say what it cost."""
    home, live = scratch / "home", scratch / "live"
    try:
        (live / "warm.log").write_bytes((scratch / "warm" / "conn.log").read_bytes())
        watch.wait(("warm.log", next(truth.line for truth in warm if truth.log == "conn.log")))
        before = watch.cpu_s()
        at_start = watch.rss_mib("VmRSS")
        written = feed(scratch / "logs", live, rows_s, truths)
        for key in written:
            watch.wait(key)
        spent = watch.cpu_s() - before
        took = sorted(watch.told[key][0][0] - at for key, at in written.items())
        p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
        wanted = sorted((truth.log, truth.line, truth.listed) for truth in truths)
        told = sorted(
            (*key, listed) for key, hits in watch.told.items() if key[0] != "warm.log" for _, listed in hits
        )
        late = newcomers(watch, home, live, scratch)
        most = watch.rss_mib("VmHWM")
        time.sleep(2)
        idle = watch.cpu_s()
        time.sleep(5)
        idle = (watch.cpu_s() - idle) / 5
    finally:
        watch.process.terminate()
        watch.process.wait(WAIT_S)
    print(
        f"{rows:,} rows at {rows_s:,} a second: {spent:.2f} s CPU, {spent / rows * 1e6:.1f} µs a row, "
        f"{rows / spent / 2:,.0f} rows a second on half a core\n"
        f"from write to hit: median {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, most {took[-1] * 1000:.0f} ms\n"
        f"a new indicator is met after {sorted(late)[len(late) // 2] * 1000:.0f} ms, at most {max(late) * 1000:.0f} ms\n"
        f"memory: {at_start:.0f} MiB when it began, {most:.0f} MiB at most; "
        f"{idle * 100:.1f} % of a core while nothing comes\n"
        f"{len(wanted):,} truths, {len(told):,} told; load {os.getloadavg()[0]:.1f}"
    )
    goals = {
        "50,000 rows a second on half a core": rows / spent / 2 >= 50_000,
        "p99 250 ms": p99 <= 0.25,
        "250 MiB": most <= 250,
        "a new indicator in 1 s": max(late) <= 1.0,
        "every truth and nothing else": wanted == told,
    }
    for goal in (goal for goal, is_reached in goals.items() if not is_reached):
        print(f"missed: {goal}")
    return 0 if all(goals.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
