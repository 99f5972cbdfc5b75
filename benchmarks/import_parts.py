"""What an import is made of: the work of the libraries alone, with nothing of ours around it, beside the whole.

Every part is done over the same objects in this process; the cheapest of several runs counts. What the parts do
not hold is our own: validation, sorting, the values that travel between them.

    .venv/bin/python -m benchmarks.import_parts [FILE]
"""

from __future__ import annotations

import gzip
import hashlib
import mmap
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from backchannel.clock import SystemClock
from backchannel.desk.filing import Filing
from backchannel.desk.node import Node, init_node
from backchannel.desk.receive import receive
from backchannel.intake.reading import read
from backchannel.provenance.ledger.edge import root_of
from backchannel.store.rows import Arrived
from benchmarks.imports import DATA, indicators
from benchmarks.measure import machine

TIMES = 9


def main() -> None:
    """Measure the parts and the whole, and print them in milliseconds of CPU time."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "stix" / "attack" / "ics-attack-18.1.json.gz"
    with tempfile.TemporaryDirectory(prefix="bench-import-parts-") as scratch:
        folder = Path(scratch)
        plain = folder / "plain.json"
        plain.write_bytes(_unpacked(path))
        print(machine())
        parts = _of_libraries(plain) | _of_sqlite(plain, folder)
        for name, seconds in parts.items():
            print(f"{seconds * 1000:8.1f} ms  {name}")
        whole = _whole(plain, folder)
        print(f"{sum(parts.values()) * 1000:8.1f} ms  all of these")
        print(f"{whole * 1000:8.1f} ms  the whole import, in a process that has imported before")


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def cheapest(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the cheapest of several runs."""
    costs = []
    for _ in range(TIMES):
        began = time.process_time()
        work()
        costs.append(time.process_time() - began)
    return min(costs)


def _of_libraries(path: Path) -> dict[str, float]:
    """What each object costs before a line of ours looks at it."""
    data = path.read_bytes()
    members, items = msgspec.json.Decoder(dict[str, msgspec.Raw]), msgspec.json.Decoder(list[msgspec.Raw])
    bodies = [bytes(raw) for raw in items.decode(members.decode(data)["objects"])]
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder(order="sorted").encode
    values = [decode(body) for body in bodies]
    canonical = [encode(value) for value in values]
    digests = [hashlib.sha256(text).digest() for text in canonical]

    def touch() -> None:
        with mmap.mmap(-1, 3 * len(data)) as memory:  # the file, the bodies, and SQLite's pages of them
            for at in range(0, len(memory), mmap.PAGESIZE):
                memory[at] = 1

    def cut() -> list[bytes]:
        return [bytes(raw) for raw in items.decode(members.decode(data)["objects"])]

    return {
        "reading the file, twice": 2 * cheapest(path.read_bytes),
        "SHA-256 of the file": cheapest(lambda: hashlib.sha256(data).digest()),
        "cutting it into objects": cheapest(cut),
        "decoding": cheapest(lambda: list(map(decode, bodies))),
        "the canonical form": cheapest(lambda: list(map(encode, values))),
        "SHA-256 of the bodies and of the canonical forms": cheapest(
            lambda: [hashlib.sha256(text).digest() for texts in (bodies, canonical) for text in texts]
        ),
        "counting quotation marks, for repeated keys": cheapest(
            lambda: [text.count(b'"') for texts in (bodies, canonical) for text in texts]
        ),
        "the Merkle root of the digests": cheapest(lambda: root_of(digests)),
        "touching memory for the first time": cheapest(touch),
    }


def _of_sqlite(path: Path, folder: Path) -> dict[str, float]:
    """Writing the rows of the import with the statements of the store, and committing them."""
    with _node(folder / "rows") as node:
        arrived = _rows(node, path)
    rows, commits = [], []
    for number in range(TIMES):
        with _node(folder / f"rows-{number}") as node:
            began = time.process_time()
            with node.store.transaction():
                node.store.objects.add(arrived)
                written = time.process_time()
            rows.append(written - began)
            commits.append(time.process_time() - written)
    return {"SQLite: rows and their indices": min(rows), "SQLite: the commit": min(commits)}


def _rows(node: Node, path: Path) -> Arrived:
    clock = SystemClock()
    with node.store.transaction():
        opened = node.store.batches.open(channel="file", tlp=None, at="", files=[])
        node.store.batches.remove_open(opened.batch_id)
    return Filing(node.store.objects, opened).file(list(read(path, party="", now=clock.now())))


def _whole(path: Path, folder: Path) -> float:
    warm = folder / "warm.json"
    warm.write_text(indicators(20))
    costs = []
    for number in range(TIMES):
        with _node(folder / f"whole-{number}") as node:
            receive(node, SystemClock(), [warm])
            began = time.process_time()
            receive(node, SystemClock(), [path])
            costs.append(time.process_time() - began)
    return min(costs)


def _node(home: Path) -> Node:
    return init_node(home, name="B", clock=SystemClock())


if __name__ == "__main__":
    main()
