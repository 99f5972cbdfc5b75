"""One import or undoing at a time in one home: numbers are given in order, and no batch is half removed. One watch, too."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backchannel.errors import StoreError

LOCK_FILE = "import.lock"
WATCH_FILE = "watch.lock"
LOCK_WAIT_S = 60.0
"""How long an import waits for the one before it."""
_FIRST_LOOK_S = 0.002
_LOOK_AGAIN_S = 0.1


class StillHeldError(StoreError):
    """Another import has held the lock for too long."""


@contextmanager
def import_lock(home: Path, *, wait_s: float | None = None) -> Iterator[None]:
    """Hold the lock of `home`; the system lets go of it when the process ends, however it ends.

    Args:
        home: of the node.
        wait_s: how long to wait for it; by default `LOCK_WAIT_S`.

    Raises:
        StillHeldError: another import has held it for `wait_s`.
    """
    wait_s = LOCK_WAIT_S if wait_s is None else wait_s
    deadline = time.monotonic() + wait_s
    pause = _FIRST_LOOK_S
    with (home / LOCK_FILE).open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StillHeldError(
                        f"another import has been running for more than {wait_s:.0f} seconds",
                        hint="Wait until it ends, then run this command again.",
                    ) from None
                time.sleep(pause)
                pause = min(2 * pause, _LOOK_AGAIN_S)
        yield


@contextmanager
def watch_lock(home: Path) -> Iterator[None]:
    """Be the only watch of `home`; the system lets go of it when the process ends, however it ends.

    Raises:
        StoreError: another watch is running.
    """
    with (home / WATCH_FILE).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                "another watch of this node is running: two would tell each other's hits",
                hint="Stop it, and name all that is to be watched in one command.",
            ) from None
        yield
