"""A node of our own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.made import CLOCK

from backchannel.desk.node import Node, init_node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with nothing in it."""
    with init_node(tmp_path / "home", name="CERT Alpha", own_domains=["alpha.example"], clock=CLOCK) as node:
        yield node
