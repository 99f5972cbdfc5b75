"""The work that the TAXII benchmark has done, and what it costs a server: CPU time of its processes, memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import quote, urlsplit

import psutil

from benchmarks.taxii_objects import Object
from benchmarks.taxii_servers import TAXII, Served

ENVELOPE = 500
"""Objects in one POST."""
PAGE = 100
"""Objects in one page."""
MIB = 2**20
TIMEOUT_S = 900


@dataclass(slots=True)
class Seat:
    """A client with one kept connection to one collection."""

    served: Served
    authorization: str
    connection: HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[HTTPResponse, bytes]:
        """Ask under the collection; return the answer and its body."""
        where = urlsplit(self.served.api_root)
        if self.connection is None:
            assert where.hostname is not None
            self.connection = HTTPConnection(where.hostname, where.port, timeout=TIMEOUT_S)
        headers = {"Accept": TAXII, "Authorization": self.authorization}
        if body is not None:
            headers["Content-Type"] = TAXII
        full = f"{where.path}collections/{self.served.read}/{path}"
        self.connection.request(method, full, body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status not in {200, 202}:
            raise SystemExit(f"{self.served.name}: {method} {full} answered {answer.status}: {data[:300]!r}")
        if answer.will_close:
            self.connection.close()
        return answer, data


def processes(pid: int) -> list[psutil.Process]:
    """Return a server's process and what it started."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def cpu_s(pid: int) -> float:
    """Return user and system seconds of all of a server's processes."""
    times = [process.cpu_times() for process in processes(pid)]
    return sum(one.user + one.system for one in times)


def memory_mib(pid: int) -> float:
    """Return a server's memory: of one process what it holds (RSS); of several each shared page once (PSS)."""
    all_of_it = processes(pid)
    if len(all_of_it) == 1:
        return all_of_it[0].memory_info().rss / MIB
    return sum(process.memory_full_info().pss for process in all_of_it) / MIB


def cpu_ms(served: Served, work: Callable[[], int]) -> float:
    """Have work done that says how many times it was; return the CPU milliseconds that one time cost the server."""
    before = cpu_s(served.pid)
    times = work()
    return (cpu_s(served.pid) - before) * 1000 / times


def post(seats: Sequence[Seat], given: Sequence[Object]) -> int:
    """Add objects in envelopes, the parties taking turns; return how many objects."""
    for number, start in enumerate(range(0, len(given), ENVELOPE)):
        body = json.dumps({"objects": given[start : start + ENVELOPE]}).encode()
        _, data = seats[number % len(seats)].ask("POST", "objects/", body)
        status = json.loads(data)
        if status["success_count"] != status["total_count"]:
            raise SystemExit(f"{seats[0].served.name} took {data[:500]!r}")
    return len(given)


def pages(seat: Seat) -> Iterator[tuple[HTTPResponse, list[Object]]]:
    """Read from the start, page by page."""
    following = f"objects/?limit={PAGE}"
    while following:
        answer, data = seat.ask("GET", following)
        page = json.loads(data)
        yield answer, page.get("objects", [])
        more = page.get("more") and page.get("next")
        following = f"objects/?limit={PAGE}&next={quote(str(page['next']))}" if more else ""


def read_all(seat: Seat, expect: int, times: int = 1) -> int:
    """Read everything several times; return the number of pages."""
    turned = 0
    for _ in range(times):
        seen: set[str] = set()
        for _, objects in pages(seat):
            seen.update(str(one["id"]) for one in objects)
            turned += 1
        if len(seen) != expect:
            raise SystemExit(f"{seat.served.name}: {len(seen)} objects read instead of {expect}")
    return turned


def get_each(seat: Seat, ids: Sequence[str]) -> int:
    """Ask for objects one by one; return how many."""
    for one in ids:
        _, data = seat.ask("GET", f"objects/{one}/")
        if json.loads(data)["objects"][0]["id"] != one:
            raise SystemExit(f"{seat.served.name} answered another object than {one}")
    return len(ids)


def poll_empty(seat: Seat, after: str, times: int) -> int:
    """Ask for what was added since the last, where nothing was; return how often."""
    for _ in range(times):
        _, data = seat.ask("GET", f"objects/?limit={PAGE}&added_after={after}")
        if json.loads(data).get("objects"):
            raise SystemExit(f"{seat.served.name}: something was added after {after}")
    return times
