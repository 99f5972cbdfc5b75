"""TAXII 2.1: what adding, reading and polling cost our server, beside OpenTAXII and medallion in the same run.

Counted is the CPU time of the server's processes. Ours validates each object, checks what each party may see and
keeps a record of each page sent; there are two parties and objects with three markings and none. What is not
marked stays with the party that sent it, so each party reads seven eighths, in pages that are full all the same.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from benchmarks.backchannel_server import backchannel
from benchmarks.measure import machine
from benchmarks.taxii_objects import Object, objects
from benchmarks.taxii_servers import Served, basic, bearer, medallion, opentaxii
from benchmarks.taxii_work import (
    ENVELOPE,
    Seat,
    cpu_ms,
    cpu_s,
    get_each,
    memory_mib,
    poll_empty,
    post,
    read_all,
)

GETS = 200
POLLS = 200
SMALL = 1_000
LARGE = 50_000
HUGE = 1_000_000
OBJECT_BYTES = 3_000
"""What an object may take on the disk while it is measured, the write-ahead log included (bytes): twice what it took."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one server cost with so many objects."""

    server: str
    count: int
    start_s: float
    idle_mib: float
    full_mib: float
    post: float
    """CPU milliseconds for an object; the next for a page, an object, a poll."""
    page: float
    get: float
    poll: float | None


Given = Sequence[Object]


def load() -> str:
    """Say how busy the machine is."""
    return f"load {os.getloadavg()[0]:.1f}"


def visible(given: Given) -> list[str]:
    """Return the ids that the first party may read on our server: what is marked, and what it sent itself."""
    mine = {n for start in range(0, len(given), 2 * ENVELOPE) for n in range(start, start + ENVELOPE)}
    return [str(one["id"]) for n, one in enumerate(given) if "object_marking_refs" in one or n in mine]


def measure(
    served: Served,
    seats: Sequence[Seat],
    given: Given,
    seen: Sequence[str],
    *,
    reads: int,
    gets: int,
    polls: int,
) -> Row:
    """Have a server do the whole work."""
    idle = memory_mib(served.pid)
    added = cpu_ms(served, lambda: post(seats, given))
    now = quote(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    page = cpu_ms(served, lambda: read_all(seats[0], len(seen), reads))
    some = seen[:: max(1, len(seen) // gets)][:gets]
    get = cpu_ms(served, lambda: get_each(seats[0], some))
    poll = cpu_ms(served, lambda: poll_empty(seats[0], now, polls)) if polls else None
    row = Row(served.name, len(given), served.start_s, idle, memory_mib(served.pid), added, page, get, poll)
    show(row)
    return row


def show(row: Row) -> None:
    """Print a server's costs in a line."""
    poll = f"{row.poll:8.2f}" if row.poll is not None else "       -"
    print(
        f"{row.server:12} {row.count:9,} {row.post:9.3f} {row.page:8.2f} {row.get:8.2f} {poll} "
        f"{row.idle_mib:8.0f} {row.full_mib:8.0f} {row.start_s:7.2f}  {load()}",
        flush=True,
    )


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder for one server."""
    with tempfile.TemporaryDirectory(prefix="bench-taxii-") as scratch:
        yield Path(scratch)


def ours(count: int, *, reads: int = 1) -> Row:
    """Measure our server."""
    given = objects(count, mixed=True)
    with folder() as scratch, backchannel(scratch) as (served, logins):
        seats = [Seat(served, login) for login in logins]
        return measure(served, seats, given, visible(given), reads=reads, gets=GETS, polls=POLLS)


def theirs(start: Callable[[Path], object], count: int, *, gets: int, polls: int) -> Row:
    """Measure OpenTAXII or medallion; there everybody reads everything."""
    given = objects(count, mixed=True)
    with folder() as scratch, start(scratch) as served:
        login = bearer(served) if start is opentaxii else basic(served.user, served.password)
        seen = [str(one["id"]) for one in given]
        return measure(served, [Seat(served, login)], given, seen, reads=1, gets=gets, polls=polls)


def starts() -> float:
    """Return the least CPU seconds of three starts of our server, from its process to its first answer."""
    taken = []
    for _ in range(3):
        with folder() as scratch, backchannel(scratch) as (served, _):
            taken.append((cpu_s(served.pid), served.start_s))
    print(f"       start by the clock, s: {', '.join(f'{wall:.2f}' for _, wall in taken)} ({load()})")
    return min(cpu for cpu, _ in taken)


def goal(what: str, value: float, bound: float, *, at_least: bool = False) -> bool:
    """Print whether a goal is met."""
    met = value >= bound if at_least else value <= bound
    print(
        f"{'met   ' if met else 'MISSED'} {what}: {value:.2f} ({'at least' if at_least else 'at most'} {bound:g})"
    )
    return met


def against(small: Row, large: Row, peer: Row | None, huge: Row | None) -> list[bool]:
    """Print the ratios, and whether each goal is met."""
    assert large.poll
    met = [
        goal(
            f"page at {large.count:,} by its cost at {small.count:,}",
            large.page / small.page,
            1.5,
        ),
        goal("idle memory, MiB", large.idle_mib, 90),
        goal(f"memory with {large.count:,}, MiB", large.full_mib, 150),
        goal("start, CPU s", starts(), 1),
    ]
    if peer:
        assert peer.poll
        met += [
            goal(f"POST, {peer.server} by ours", peer.post / large.post, 8, at_least=True),
            goal(f"full read, {peer.server} by ours", peer.page / large.page, 8, at_least=True),
            goal(f"GET one, {peer.server} by ours", peer.get / large.get, 4, at_least=True),
            goal(f"empty poll, {peer.server} by ours", peer.poll / large.poll, 4, at_least=True),
        ]
    if huge:
        assert huge.poll
        met += [
            goal(
                f"page at {huge.count:,} by its cost at {large.count:,}",
                huge.page / large.page,
                2,
            ),
            goal(f"empty poll at {huge.count:,} by {large.count:,}", huge.poll / large.poll, 2),
        ]
    return met


def arguments() -> argparse.Namespace:
    """Read what is to be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=LARGE, help="objects of the large collection")
    parser.add_argument("--million", action="store_true", help=f"ours with {HUGE:,} as well (minutes)")
    parser.add_argument("--only-ours", action="store_true", help="no peers")
    return parser.parse_args()


def main() -> int:
    """Measure, print the table, the ratios and the goals; return 1 when one is missed."""
    asked = arguments()
    most = max(asked.large, HUGE if asked.million else 0)
    free, needed = shutil.disk_usage(tempfile.gettempdir()).free, most * OBJECT_BYTES
    if free < needed:
        print(
            f"{most:,} objects want {needed / 2**30:.1f} GiB in {tempfile.gettempdir()}: {free / 2**30:.1f} are free"
        )
        return 2
    print(f"{datetime.now(UTC).date()}, {machine()}, {load()}")
    print(
        "CPU ms of the server: an object added, a page of 100, one object, an empty poll; memory (MiB); start s"
    )
    print(
        f"{'server':12} {'objects':>9} {'POST':>9} {'page':>8} {'GET':>8} {'poll':>8} {'idle':>8} {'full':>8} {'start':>7}"
    )
    small = ours(SMALL, reads=40)
    large = ours(asked.large)
    huge = ours(HUGE) if asked.million else None
    peer = None
    if not asked.only_ours:
        peer = theirs(opentaxii, asked.large, gets=GETS, polls=POLLS)
        theirs(medallion, SMALL, gets=10, polls=1)
        theirs(medallion, 3 * SMALL, gets=5, polls=0)
    return 0 if all(against(small, large, peer, huge)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
