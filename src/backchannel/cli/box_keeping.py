"""Take what is left in the drop box, beside whatever else this process does, in one thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backchannel.clock import Clock
from backchannel.desk.box import Box
from backchannel.desk.node import open_node
from backchannel.errors import BackchannelError
from backchannel.parties.at_rest import Unseal

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
"""How often is looked for files that wait, where nothing new is left (seconds)."""
AGAIN_S = 30.0
"""How long is waited where one cannot be taken: the disk is full, our keys are under a passphrase (seconds)."""
STOP_S = 5.0
"""How long a file that is being taken may take to end once the process ends; it is taken at the next start then."""


@contextmanager
def keeping_box(home: Path, clock: Clock, unseal: Unseal | None = None) -> Iterator[Box]:
    """Give the drop box of the node in `home`, and take what is left in it until the block ends.

    Keys under a passphrase that `unseal` does not open let it wait.
    """
    box, stop = Box(home), threading.Event()
    box.forget_unfinished()
    thread = threading.Thread(target=_run, args=(box, clock, unseal, stop), name="drop-box", daemon=True)
    thread.start()
    try:
        yield box
    finally:
        stop.set()
        box.left.set()
        thread.join(STOP_S)


def _run(box: Box, clock: Clock, unseal: Unseal | None, stop: threading.Event) -> None:
    broken: set[str] = set()
    while not stop.is_set():
        box.left.clear()
        try:
            _take(box, clock, unseal, stop, broken)
        except BackchannelError as error:
            log.warning("box.not_taken", extra={"error": error.message})
            stop.wait(AGAIN_S)
        except Exception:
            log.exception("box.bug")  # the thread goes on: the other files have done nothing wrong
            stop.wait(AGAIN_S)
        box.left.wait(LOOK_EVERY_S)


def _take(box: Box, clock: Clock, unseal: Unseal | None, stop: threading.Event, broken: set[str]) -> None:
    waiting = [path for path in box.waiting() if path.name not in broken]
    if not waiting:
        return
    from backchannel.desk.box_taking import take_left  # noqa: PLC0415  # an empty box loads nothing

    with open_node(box.home) as node:
        for path in waiting:
            if stop.is_set():
                return
            broken.add(path.name)  # unless it gets through: a file that breaks us is left for the next start
            try:
                take_left(node, clock, path, unseal=unseal)
            except BackchannelError:
                broken.discard(path.name)
                raise
            broken.discard(path.name)
            log.info("box.taken", extra={"ticket": path.stem})
