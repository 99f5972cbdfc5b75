"""A node of its own for each test, and a way to poll one server with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.desk.made import CLOCK

from backchannel.channels.opening import open_channel
from backchannel.desk.channel import Terms
from backchannel.desk.channel_documents import PolledChannel, PolledCollection
from backchannel.desk.channels import add_channel
from backchannel.desk.node import Node, init_node, open_node
from backchannel.desk.polling import poll


class Poll(Protocol):
    def __call__(self, again: bool = False) -> PolledChannel: ...


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node with nothing in it, made once: tests work on copies."""
    path = tmp_path_factory.mktemp("new") / "node"
    init_node(path, name="CERT Alpha", clock=CLOCK).close()
    return path


@pytest.fixture
def node(new_home: Path, tmp_path: Path) -> Iterator[Node]:
    with open_node(shutil.copytree(new_home, tmp_path / "node")) as node:
        yield node


@pytest.fixture
def waits() -> list[float]:
    """How long was waited between tries, without waiting."""
    return []


@pytest.fixture
def channel(node: Node, waits: list[float]) -> Callable[..., Poll]:
    """`channel(url, **terms)`: adds a channel and returns what polls it."""

    def make(url: str, *, kind: str = "taxii", name: str = "beta", **terms: object) -> Poll:
        given = {"allow_private": True, **terms}
        add_channel(node, CLOCK, kind, Terms(url=url, **given), name=name, party="CERT Beta")  # type: ignore[arg-type]

        def run(again: bool = False) -> PolledChannel:
            polled = poll(node, CLOCK, [name], open_channel, pause=waits.append, again=again)
            return polled.channels[0]

        return run

    return make


def only(polled: PolledChannel) -> PolledCollection:
    """The one collection of a poll."""
    assert polled.error is None, polled.error
    (found,) = polled.collections
    return found


def five(found: PolledCollection) -> tuple[int, int, int, int, int]:
    """(stored, known, conflict, quarantined, refused)."""
    counts = found.counts
    told = (counts.stored, counts.known, counts.conflict, counts.quarantined, counts.refused)
    assert sum(told) == counts.objects
    return told
