"""What a private comparison costs, by either engine: elements of our own set, answers to theirs, checks, and the whole.

    python -m benchmarks.psi [--sizes 1000 10000]

CPU time of this process; both sides of a session are in it. There is no peer to compare with but one engine beside the
other: OpenMined's own protocol computes in one direction only, and this one in both.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from backchannel.psi import rounds
from backchannel.psi.messages import Request, Result, pack, write_body
from backchannel.psi.suites import Engine, engine, suites
from benchmarks.measure import machine

T = TypeVar("T")
RUNS = 3


def cpu(work: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds of the cheapest of some runs, and what it gives."""
    best, found = float("inf"), None
    for _ in range(RUNS):
        before = time.process_time()
        found = work()
        best = min(best, time.process_time() - before)
    assert found is not None
    return best, found


def measure(one: Engine, size: int) -> list[str]:
    """Return the cells of a row: what each part costs for sets of `size` on both sides."""
    session = secrets.token_bytes(16)
    both = [secrets.token_bytes(32) for _ in range(size // 10)]
    ours, theirs = (
        rounds.put_in(
            one, session, side, [*both, *(secrets.token_bytes(32) for _ in range(size - len(both)))], size
        )
        for side in ("initiator", "responder")
    )
    setup_s, elements = cpu(lambda: rounds.elements_of(one, ours))
    marks = rounds.marks_of(one, theirs)
    answer_s, answered = cpu(lambda: rounds.answer_to(one, theirs, elements))
    response = sorted(answered)
    check_s, _ = cpu(lambda: rounds.check_response(one, ours, response, marks) or True)
    mine = rounds.answer_to(one, ours, rounds.elements_of(one, theirs))
    count_s, found = cpu(lambda: rounds.common(response, mine))
    assert len(found) == len(both)
    request = Request(suite=one.suite, sorts=[], elements=pack(elements), marks=pack(marks))
    result = Result(response=pack(response), salt="0" * 64)
    whole_s = setup_s + answer_s + check_s + count_s
    return [
        one.suite,
        f"{size:,}",
        f"{setup_s:.2f} s ({len(elements) / setup_s:,.0f}/s)",
        f"{answer_s:.2f} s ({len(answered) / answer_s:,.0f}/s)",
        f"{check_s + count_s:.3f} s",
        f"{whole_s:.2f} s",
        f"{len(write_body(request)) / 1024:,.0f} / {len(write_body(result)) / 1024:,.0f} KiB",
    ]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    sizes = parser.parse_args().sizes
    print(machine())
    print(
        "| suite | items each | our elements | answers to theirs | checks, count | one side | request / result |"
    )
    print("|---|---|---|---|---|---|---|")
    for size in sizes:
        for suite in suites():
            print("| " + " | ".join(measure(engine(suite), size)) + " |")


if __name__ == "__main__":
    main()
