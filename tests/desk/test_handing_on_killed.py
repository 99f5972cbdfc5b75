"""kill -9 at any step of a send by a channel: what was written down as sent arrives, once, by the polls that follow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import environment
from tests.desk.drops import indicator, keep, nodes
from tests.desk.made import CLOCK

from backchannel.channels.opening import open_channel
from backchannel.clock import Clock, SystemClock
from backchannel.desk.channel import Terms
from backchannel.desk.channel_documents import PolledChannel
from backchannel.desk.channels import add_channel, find_channel
from backchannel.desk.choosing import Choice
from backchannel.desk.node import Node
from backchannel.desk.planning import plan
from backchannel.desk.polling import poll
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import release
from backchannel.desk.stating import How
from backchannel.ids import BatchId
from backchannel.store.carried import Carried

SENDS = """
import itertools, os, signal, sys
from backchannel.app import main
from backchannel.store.sqlite.connection import Database

left = 0

def dying(step):
    def run(*words):
        global left
        left -= not str(words[1]).lstrip().startswith(("SELECT", "WITH", "PRAGMA"))
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*words)
    return run

# Before each statement of SQL that writes, and before each file gets its name.
Database.execute, os.rename, os.replace = dying(Database.execute), dying(os.rename), dying(os.replace)
for left in itertools.count(1):
    child = os.fork()
    if not child:
        main()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != -signal.SIGKILL:
        print(left)
        sys.exit(status)
"""
"""Send by the command line in one process after the other, each killed a step later, until one comes to its end."""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta") as found:
        yield found


@pytest.fixture
def folder(two: list[Node], tmp_path: Path) -> Path:
    path = tmp_path / "shared"
    path.mkdir()
    for node in two:
        add_channel(node, CLOCK, "drop", Terms(url=str(path)), name="shared")
    return path


def look(node: Node, clock: Clock = CLOCK) -> PolledChannel:
    return poll(node, clock, ["shared"], open_channel, pause=lambda _: None).channels[0]


def sent_files(node: Node) -> list[Carried]:
    row = find_channel(node.store, "shared").channel_row
    return node.store.carried.newest(row, ["sent"], at_most=1_000)


def test_a_drop_that_was_written_down_goes_with_the_next_poll_of_its_channel(two: list[Node], folder: Path):
    alpha, beta = two
    batch = keep(alpha, [indicator(1)])
    planned = plan(alpha, CLOCK, recipient_of(alpha, "Beta"), Choice(batch=BatchId(batch)))
    made = release(
        alpha, CLOCK, planned, How(), approved=planned.sha256, carrier="shared"
    )  # and no more of it
    look(alpha)
    assert [path.read_bytes() for path in folder.iterdir()] == [made.path.read_bytes()]
    assert [file.state for file in look(beta).files] == ["taken"]


@pytest.mark.timeout(600)
def test_t19_a_send_by_a_channel_killed_at_any_step_arrives_once_or_was_never_sent(
    two: list[Node], folder: Path
):
    alpha, beta = two
    batch = str(keep(alpha, [indicator(1)]))
    words = ("release", "send", "--to", "Beta", "--batch", batch, "--channel", "shared", "--quiet")
    ran = subprocess.run(
        [sys.executable, "-c", SENDS, "--home", str(alpha.home), *words],
        capture_output=True,
        check=False,
        env=environment(),
        timeout=500,
    )
    assert ran.returncode == 0, ran.stderr
    steps = int(ran.stdout.split()[-1])
    now = SystemClock()  # as the command has it
    look(alpha, now)
    sent = alpha.store.statements.sent(party_row=None, manifest=None, at_most=1_000)
    assert 1 < len(sent) < steps  # killed on both sides of the transaction
    assert alpha.store.carried.counts(find_channel(alpha.store, "shared").channel_row) == {"sent": len(sent)}
    look(beta, now)
    came = beta.store.carried.newest(find_channel(beta.store, "shared").channel_row, ["taken"], at_most=1_000)
    assert {one.sha256 for one in came} == {one.sha256 for one in sent_files(alpha)}
    assert len(came) == len(sent)
