"""Poll the channels that are due, and look in old logs for what came, in one thread beside whatever else runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backchannel.clock import Clock
from backchannel.desk.channel import Pause, StoppedError
from backchannel.desk.due import due_channels
from backchannel.desk.node import open_node
from backchannel.errors import BackchannelError
from backchannel.parties.at_rest import Unseal

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
"""How often is looked for channels that are due (seconds)."""
STOP_S = 3.0
"""How long a poll may take to end once the process ends: what is not kept by then is fetched again."""


@contextmanager
def polling(home: Path, clock: Clock, unseal: Unseal | None = None) -> Iterator[None]:
    """Poll the channels of the node in `home` as they are due, until the block ends.

    Keys under a passphrase that `unseal` does not open let drops wait where they lie.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=(home, clock, unseal, stop), name="channels", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_S)


def _run(home: Path, clock: Clock, unseal: Unseal | None, stop: threading.Event) -> None:
    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError

    while not stop.wait(LOOK_EVERY_S):
        try:
            for name in due_channels(home, clock):
                pause(0)
                _poll(home, clock, name, pause, unseal)
            _rehunt(home, clock)
        except StoppedError:
            return
        except BackchannelError as error:
            log.warning("channel.not_polled", extra={"error": error.message})
        except Exception:
            log.exception("channel.bug")  # the thread goes on: the other channels have done nothing wrong


def _poll(home: Path, clock: Clock, name: str, pause: Pause, unseal: Unseal | None) -> None:
    from backchannel.channels.opening import open_channel  # noqa: PLC0415  # a node without channels loads nothing
    from backchannel.desk.polling import poll  # noqa: PLC0415

    with open_node(home) as node:
        for polled in poll(node, clock, [name], open_channel, pause=pause, unseal=unseal).channels:
            counts = [found.counts for found in polled.collections]
            log.info(
                "channel.polled",
                extra={"channel": name, "state": polled.state, "objects": sum(one.objects for one in counts)},
            )


def _rehunt(home: Path, clock: Clock) -> None:
    """Look for what came, by whatever way, in logs that were hunted through before."""
    from backchannel.desk.rehunting import rehunt_arrived  # noqa: PLC0415

    try:
        with open_node(home) as node:
            found = rehunt_arrived(node, clock)
    except BackchannelError as error:  # the next look begins where this one did
        log.warning("rehunt.not_done", extra={"error": error.message})
        return
    if found is not None:
        _, summary = found
        log.info("rehunt.done", extra={"indicators": summary.indicators, "hits": summary.hits})
