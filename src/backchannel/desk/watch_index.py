"""Keep the day index beside a watch, and look in it for what came, in one thread beside the watch itself.

It goes by the places that the watch has kept: what is in the index is at any moment the beginning of what was
watched, so a kill costs nothing but time.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

from backchannel.clock import Clock
from backchannel.desk.days import day_index, forget_old
from backchannel.desk.node import Node, open_node
from backchannel.desk.own_logs import whereabouts
from backchannel.desk.rehunting import rehunt_arrived
from backchannel.errors import BackchannelError
from backchannel.logs.opening import OpenLog, UnreadableLogError, open_log
from backchannel.logs.recognise import UnknownFormatError, recognise
from backchannel.store.sqlite.watches import WatchPlace

if TYPE_CHECKING:
    from backchannel.matching.compiled import CompiledSet
    from backchannel.matching.day_index import DayIndex

log = logging.getLogger(__name__)

LOOK_S: Final = 10.0
"""How often what was watched is added (seconds)."""
ARRIVED_S: Final = 0.5
"""How often is looked for intelligence that came."""
STOP_S: Final = 10.0
"""How long the last addition may take; what is left out then is added by the next watch or hunt."""
MAX_PART_BYTES: Final = 256 * 2**20
"""Added of one log at once: bounds the disk that its copy takes."""


@contextmanager
def keeping_index(home: Path, clock: Clock, targets: Sequence[Path]) -> Iterator[None]:
    """Add what a watch of `targets` has searched to the day index, until the block ends.

    Args:
        home: of the node.
        clock: gives the times of rehunts.
        targets: the files and folders that are watched.
    """
    stop = threading.Event()
    names = [str(target.absolute()) for target in targets]
    thread = threading.Thread(target=_run, args=(home, clock, names, stop), name="day index", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_S)


def _run(home: Path, clock: Clock, targets: Sequence[str], stop: threading.Event) -> None:
    waited, ends = 0.0, False
    while not ends:
        ends = stop.wait(ARRIVED_S)
        waited += ARRIVED_S
        try:
            with open_node(home) as node:
                if ends or waited >= LOOK_S:
                    waited = 0.0
                    add_watched(node, clock, targets)
                rehunt_arrived(node, clock)
        except BackchannelError as error:
            log.warning("index.not_kept", extra={"error": error.message})
        except Exception:
            log.exception("index.bug")  # the watch goes on without


def add_watched(node: Node, clock: Clock, targets: Sequence[str]) -> None:
    """Add to the day index what the watch of each target has searched, as far as it is not in it.

    Of a log that was watched from its middle nothing is added: a hunt adds it whole.
    """
    from backchannel.matching.compiled import CompiledSet  # noqa: PLC0415  # loads DuckDB

    places = [place for target in targets for place in node.store.watches.places(target)]
    with day_index(node) as index:
        behind = [place for place in places if _is_behind(index, place)]
        if not behind:
            return
        nothing = CompiledSet([], threads=1)
        try:
            for place in behind:
                _add(index, place, nothing)
        finally:
            nothing.close()
        forget_old(index, clock)


def _is_behind(index: DayIndex, place: WatchPlace) -> bool:
    known = index.log(place.log_id)
    return place.offset > (0 if known is None else known.size) and (known is not None or place.began == 0)


def _add(index: DayIndex, place: WatchPlace, nothing: CompiledSet) -> None:
    found = whereabouts(Path(place.path), place.log_id)
    if found is None:
        return
    try:
        with open_log(found) as whole:
            sample = whole.sample()
            shape = recognise(sample)
            known = index.log(place.log_id)
            start = 0 if known is None else known.size
            while start < place.offset:
                end = _add_part(index, place, whole, shape.header_lines, sample, start, nothing)
                if end <= start:
                    return
                start = end
    except (OSError, UnreadableLogError, UnknownFormatError) as error:
        log.info("index.part_not_added", extra={"error": str(error)})


def _add_part(
    index: DayIndex,
    place: WatchPlace,
    whole: OpenLog,
    header_lines: int,
    sample: Sequence[bytes],
    start: int,
    nothing: CompiledSet,
) -> int:
    """Add one part of a log; return where it ends, in bytes."""
    from backchannel.matching.day_counts import DayCounts  # noqa: PLC0415
    from backchannel.matching.day_index import IndexedLog  # noqa: PLC0415
    from backchannel.matching.hunt import note_part  # noqa: PLC0415

    with NamedTemporaryFile(prefix="backchannel-", suffix=".log") as part, whole.path.open("rb") as stream:
        if start:
            part.writelines(line + b"\n" for line in sample[:header_lines])
        stream.seek(start)
        came = stream.read(min(place.offset - start, MAX_PART_BYTES))
        if start + len(came) < place.offset:
            came = came[: came.rfind(b"\n") + 1]
        part.write(came)
        part.flush()
        os.fsync(part.fileno())
        opened = OpenLog(Path(part.name), part.tell(), whole.written)
        shape = recognise(opened.sample())
        known = index.log(place.log_id)
        days = DayCounts(index)
        end = start + len(came)
        row = 0 if known is None else known.row
        days.begin_part(IndexedLog(row, place.log_id, place.path, shape.format, end))
        note_part(opened, shape, nothing, days)
    return end
