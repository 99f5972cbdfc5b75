"""Which channels are due: asked every few seconds by whoever serves, so it loads nothing that reading would need."""

from __future__ import annotations

from pathlib import Path

from backchannel.clock import Clock, parse_time
from backchannel.desk.node import open_node


def due_channels(home: Path, clock: Clock) -> list[str]:
    """Return the names of the channels of the node in `home` that are due, the longest overdue first.

    Raises:
        BackchannelError: the node cannot be opened.
    """
    now = clock.now()
    with open_node(home) as node:
        rows = node.store.channels.all()
    due = [
        row
        for row in rows
        if (row.every_s and row.paused_at is None if row.due_at is None else parse_time(row.due_at) <= now)
    ]
    return [row.name for row in sorted(due, key=lambda row: row.due_at or "")]
