"""What runs in processes of its own to be killed: a server, a writer beside it, and a poller of another node."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.desk.made import GREEN, Made, a_file, indicator

from backchannel.channels import front
from backchannel.channels.bounds import Limits
from backchannel.channels.opening import open_channel
from backchannel.channels.taxii import client
from backchannel.clock import SystemClock
from backchannel.desk import polling
from backchannel.desk.access import caller_by_secret
from backchannel.desk.node import open_node
from backchannel.desk.posting import post
from backchannel.desk.publishing import putting_into
from backchannel.desk.receive import receive
from backchannel.web.serve import serve

PER_WRITE = 5
PAGE = 7
"""Objects of one page, and of two batches: neither divides the other, so kills strike everywhere."""
BATCH = 20
PAUSE_S = 0.01
MANY = 10**6

Ready = Callable[[], None]


def run_server(home: Path, port: int, ready: Ready) -> None:
    """Serve TAXII as `serve` does."""
    clock = SystemClock()
    limits = Limits(requests_per_s=MANY, requests_burst=MANY)
    with front.open_channels(home, clock, limits=limits) as channels:
        serve(home, port=port, channels=channels, clock=clock, say=lambda _: ready())


def run_writer(home: Path, scratch: Path, collection: str, ready: Ready) -> None:
    """Put objects in the collection, a few at a time, and write down each write that was acknowledged.

    Every eighth write is an import, the others are POSTs.
    """
    done = scratch / "acknowledged"
    begin = len(done.read_text().split()) if done.exists() else 0
    clock = SystemClock()
    with open_node(home) as node, done.open("a") as book:
        put = putting_into(node, [collection])
        caller = caller_by_secret(node.store, (scratch / "writer").read_text(), now=clock.now())
        assert caller is not None
        ready()
        for n in itertools.count(begin):
            objects = objects_of(n)
            if n % 8 == 0:
                receive(
                    node, clock, [a_file(scratch, *objects, name="write.json")], party="CERT Gamma", put=put
                )
            else:
                body = json.dumps({"objects": objects}).encode()
                assert post(node, clock, caller, "exchange", collection, body).failure_count == 0
            book.write(f"{n}\n")
            book.flush()
            os.fsync(book.fileno())


def objects_of(n: int) -> list[Made]:
    """What the nth write writes."""
    return [indicator(n * PER_WRITE + k + 1, object_marking_refs=[GREEN]) for k in range(PER_WRITE)]


def run_poller(home: Path, ready: Ready, rounds: int | None) -> None:
    """Poll for ever, or until `rounds` polls ended well."""
    client.PAGE_OBJECTS = PAGE  # type: ignore[misc]
    polling.BATCH_OBJECTS = BATCH  # type: ignore[misc]
    clock = SystemClock()
    with open_node(home) as node:
        ready()
        good = 0
        while rounds is None or good < rounds:
            polled = polling.poll(node, clock, ["alpha"], open_channel, pause=lambda _: time.sleep(PAUSE_S))
            good += polled.channels[0].state == "done"
            time.sleep(PAUSE_S)
