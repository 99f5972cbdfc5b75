"""The day index of a node: opened where it is needed, and its troubles in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from backchannel.clock import Clock
from backchannel.desk.node import Node

if TYPE_CHECKING:
    from backchannel.matching.day_counts import DayCounts
    from backchannel.matching.day_index import DayIndex

FILE: Final = "days.sqlite"
"""Its name in the node's home."""

FORGET_EVERY_DAYS: Final = 30


def has_day_index(node: Node) -> bool:
    """Whether a log was ever hunted through into the day index; loads nothing."""
    return (node.home / FILE).exists()


@contextmanager
def day_index(node: Node) -> Iterator[DayIndex]:
    """Open the day index for the while of a `with`.

    Raises:
        StoreError: it is busy or damaged.
    """
    from backchannel.matching.day_index import DayIndex  # noqa: PLC0415  # only hunts need it

    index = DayIndex(node.home / FILE)
    try:
        yield index
    finally:
        index.close()


@contextmanager
def day_counts(node: Node, clock: Clock, *, is_wanted: bool) -> Iterator[DayCounts | None]:
    """Open the day index to be added to; None where that is not wanted."""
    if not is_wanted:
        yield None
        return
    from backchannel.matching.day_counts import DayCounts  # noqa: PLC0415

    with day_index(node) as index:
        yield DayCounts(index)
        forget_old(index, clock)


def forget_old(index: DayIndex, clock: Clock) -> None:
    """Leave out what is older than is kept; once a month, since the whole index is read for it."""
    from backchannel.matching.day_index import DAY_SECONDS, KEEP_DAYS  # noqa: PLC0415

    oldest = int(clock.now().timestamp()) // DAY_SECONDS - KEEP_DAYS
    if oldest - index.forgotten() >= FORGET_EVERY_DAYS:
        index.forget(before=oldest)
