"""What it costs to regrade after one outcome, in stores of different size: it has to follow what depends on it.

    python -m benchmarks.belief_desk [--objects N ...]    # 10,000 and 1,000,000 where nothing is said

In each store three parties tell the same names, and one of them all names. Then a person says of one claim how it
turned out; counted is the CPU time of this process for that, for grading the claim again, for grading another claim of
the same sources, and for a page of 50. Grades are kept nowhere, so nothing else has to be done over. Ends with 1 when
the larger store costs more than `MOST` times the smaller one for the outcome with the claim graded again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from backchannel.clock import FixedClock
from backchannel.desk.grading import Grader
from backchannel.desk.items import find
from backchannel.desk.judgements import judge
from backchannel.desk.node import Node, init_node
from backchannel.desk.receive import receive
from benchmarks.measure import machine

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
SIZES = (10_000, 1_000_000)
SHARED = 1_000
"""Names that three parties tell."""
RUNS = 15
MOST = 5.0
"""100 times the objects: a cost in proportion to the store would be 100 times as much."""


def id_of(number: int, party: int) -> str:
    return f"indicator--{number:08x}-0000-4000-8000-{party:012x}"


def line(number: int, party: int) -> str:
    stix_id = id_of(number, party)
    return (
        f'{{"type":"indicator","spec_version":"2.1","id":"{stix_id}","created":"2026-02-01T00:00:00.000Z",'
        f'"modified":"2026-02-01T00:00:00.000Z","indicator_types":["malicious-activity"],"pattern":'
        f'"[domain-name:value = \'h{number}.c{number % 5_000}.example\']","pattern_type":"stix",'
        f'"valid_from":"2026-02-01T00:00:00Z"}}\n'
    )


def filled(folder: Path, objects: int) -> Node:
    node = init_node(folder / "home", name="Us", clock=CLOCK)
    path = folder / "objects.jsonl"
    for party in range(3):
        many = objects - 2 * SHARED if party == 0 else SHARED
        with path.open("w") as file:
            file.writelines(line(number, party) for number in range(many))
        receive(node, CLOCK, [path], party=f"Party {party}")
    path.unlink()
    return node


def cpu(work: Callable[[int], object]) -> float:
    took = []
    for run in range(RUNS):
        before = time.process_time()
        work(run)
        took.append(time.process_time() - before)
    return statistics.median(took)


def measured(objects: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name, filled(Path(name), objects) as node:
        kept = [find(node.store, id_of(number, 1)) for number in range(60)]

        def say(run: int) -> None:
            judge(node, CLOCK, kept[run].stix_id, "confirmed", "Seen in the proxy's log.")

        return {
            "one outcome, and its claim graded again": cpu(say),
            "another claim of the same sources": cpu(lambda run: Grader(node, CLOCK).grade(kept[20 + run])),
            "a page of 50 claims": cpu(lambda _: Grader(node, CLOCK).grades(kept[:50])),
        }


def main() -> int:
    """Fill the stores, measure, and compare."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--objects", type=int, nargs="*", default=list(SIZES))
    sizes = sorted(asked.parse_args().objects)
    print(machine())
    found = {size: measured(size) for size in sizes}
    first, last = found[sizes[0]], found[sizes[-1]]
    print(f"{'CPU, median':<44}" + "".join(f"{size:>14,}" for size in sizes) + f"{'ratio':>8}")
    for what, before in first.items():
        cells = "".join(f"{found[size][what] * 1000:>11.1f} ms" for size in sizes)
        print(f"{what:<44}{cells}{last[what] / before:>8.1f}")
    worst = next(iter(last.values())) / next(iter(first.values()))
    print(f"goal: at most {MOST:.0f} times for {sizes[-1] // sizes[0]} times the objects")
    return 0 if worst <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
