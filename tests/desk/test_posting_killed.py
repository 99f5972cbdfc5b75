"""kill -9 at any instant of a POST: what was acknowledged is there, what was not is wholly there or absent."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, NOW, indicator

from backchannel.desk.access import caller_by_secret
from backchannel.desk.batches import list_batches
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.node import init_node, open_node
from backchannel.desk.paging import Query
from backchannel.desk.posting import status
from backchannel.desk.publishing import NewOffer, add_collection, add_root
from backchannel.desk.taxii import objects_page

POSTS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from backchannel.clock import FixedClock
from backchannel.desk.node import open_node
from backchannel.desk.posting import post
from backchannel.desk.access import caller_by_secret

clock = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
with open_node(Path(sys.argv[1])) as node:
    who = caller_by_secret(node.store, sys.argv[2], now=clock.at)
    print("begin", flush=True)
    for body in Path(sys.argv[4]).open():
        print(post(node, clock, who, "sharing", sys.argv[3], body.encode()).id, flush=True)
"""
ROUNDS = 8
OBJECTS = 20
"""In each envelope."""
SEED = 20260301


@pytest.mark.timeout(120)
def test_what_a_killed_server_had_acknowledged_is_there(tmp_path: Path):
    home = tmp_path / "home"
    with init_node(home, name="CERT Alpha", clock=CLOCK) as node:
        add_root(node, CLOCK, "sharing", base_url="")
        offered = add_collection(node, CLOCK, NewOffer(title="All", root_id="sharing"), base_url="")
        token = add_token(node, CLOCK, NewCredential(party="CERT Beta", read=("All",), write=("All",))).token
    assert token is not None
    chance = random.Random(SEED)
    expected: dict[str, list[str]] = {}
    first = 0
    for _ in range(ROUNDS):
        envelopes = [[indicator(first + n * OBJECTS + m) for m in range(OBJECTS)] for n in range(200)]
        acknowledged = posted_until_killed(home, token, offered.id, envelopes, chance.uniform(0.01, 0.3))
        with open_node(home) as node:
            who = caller_by_secret(node.store, token, now=NOW)
            assert who is not None
            kept = set[str]()
            after = None
            while True:
                page = objects_page(node, CLOCK, who, "sharing", offered.id, Query(limit=1000, after=after))
                kept |= {record.stix_id for record in page.records}
                assert len({record.added for record in page.records}) == len(page.records)
                if not page.more:
                    break
                after = page.last
            for envelope, status_id in zip(envelopes, acknowledged, strict=False):
                expected[status_id] = [str(one["id"]) for one in envelope]
            for status_id, ids in expected.items():
                assert kept >= set(ids), SEED
                assert status(node, who, "sharing", status_id).success_count == OBJECTS
            assert len(kept) % OBJECTS == 0, SEED  # each envelope wholly or not at all
            assert all(batch.state == "complete" for batch in list_batches(node, limit=1000).batches)
            assert node.store.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        first += len(envelopes) * OBJECTS
    assert expected


def posted_until_killed(
    home: Path, token: str, collection: str, envelopes: list[list[dict[str, object]]], after_s: float
) -> list[str]:
    """Post one envelope after the other in a process that is killed; return the statuses that it had told."""
    path = home.with_name("envelopes.jsonl")
    path.write_text("".join(json.dumps({"objects": one}) + "\n" for one in envelopes))
    child = subprocess.Popen(
        [sys.executable, "-c", POSTS, str(home), token, collection, str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child.stdout as told:
        assert told.readline() == "begin\n"
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        return [line.strip() for line in told if line.endswith("\n")]
