"""What runs in a process of its own to be killed: looks into a folder of drops, again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backchannel.channels.opening import open_channel
from backchannel.clock import SystemClock
from backchannel.desk import drop_polling  # noqa: F401  # loaded before the first kill
from backchannel.desk.node import open_node
from backchannel.desk.polling import poll


def run_looks(home: Path, ready: Callable[[], None], rounds: int | None) -> None:
    """Look for ever, or so many times."""
    clock = SystemClock()
    with open_node(home) as node:
        ready()
        while rounds is None or rounds > 0:
            poll(node, clock, ["shared"], open_channel, pause=lambda _: None)
            rounds = None if rounds is None else rounds - 1
