"""One import or undoing at a time in one home: numbers are given in order, and no batch is half removed."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backchannel.errors import StoreError

LOCK_FILE = "import.lock"
LOCK_WAIT_S = 60.0
"""How long an import waits for the one before it."""
_LOOK_AGAIN_S = 0.1


@contextmanager
def import_lock(home: Path) -> Iterator[None]:
    """Hold the lock of `home`; the system lets go of it when the process ends, however it ends.

    Raises:
        StoreError: another import has held it for `LOCK_WAIT_S`.
    """
    deadline = time.monotonic() + LOCK_WAIT_S
    with (home / LOCK_FILE).open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"another import has been running for more than {LOCK_WAIT_S:.0f} seconds",
                        hint="Wait until it ends, then run this command again.",
                    ) from None
                time.sleep(_LOOK_AGAIN_S)
        yield
