"""Append to the ledger beside whatever else this process does: every 256 leaves, or ten minutes after one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backchannel.clock import Clock
from backchannel.desk.entering import append_entered, is_due
from backchannel.desk.node import open_node
from backchannel.errors import BackchannelError
from backchannel.parties.at_rest import Unseal

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
"""How often is looked for leaves that wait (seconds)."""
STOP_S = 10.0
"""How long the last append may take once the process ends; what is not appended then waits for the next start."""


@contextmanager
def keeping_ledger(home: Path, clock: Clock, unseal: Unseal | None = None) -> Iterator[None]:
    """Append what the node in `home` enters, as it is due, and all of it when the block ends.

    Keys under a passphrase that `unseal` does not open let it wait.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=(home, clock, unseal, stop), name="ledger", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_S)


def _run(home: Path, clock: Clock, unseal: Unseal | None, stop: threading.Event) -> None:
    ends = False
    while not ends:
        ends = stop.wait(LOOK_EVERY_S)
        try:
            with open_node(home) as node:
                if ends or is_due(node.store, clock.now()):
                    appended = append_entered(node, clock, unseal)
                    if appended:
                        log.info("ledger.appended", extra={"leaves": appended})
        except BackchannelError as error:
            log.warning("ledger.not_appended", extra={"error": error.message})
        except Exception:
            log.exception("ledger.bug")  # the thread goes on: leaves wait in the store
