"""The day index of a node: opened where it is needed, and its troubles in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.errors import StoreError

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
def day_counts(
    node: Node, clock: Clock, *, is_wanted: bool, on_trouble: Callable[[str], None]
) -> Iterator[DayCounts | None]:
    """Open the day index to be added to; None where that is not wanted, or not possible.

    Args:
        node: whose index it is.
        clock: says what is too old to be kept.
        is_wanted: by whoever hunts.
        on_trouble: told why nothing (more) goes into it.
    """
    from backchannel.matching.day_counts import DayCounts  # noqa: PLC0415

    with ExitStack() as stack:
        index = None
        try:
            index = stack.enter_context(day_index(node)) if is_wanted else None
        except StoreError as error:
            on_trouble(error.message)
        if index is None:
            yield None
            return
        yield DayCounts(index, on_trouble=on_trouble)
        try:
            forget_old(index, clock)
        except StoreError as error:
            on_trouble(error.message)


def forget_old(index: DayIndex, clock: Clock) -> None:
    """Leave out what is older than is kept; once a month, since the whole index is read for it."""
    from backchannel.matching.day_index import DAY_SECONDS, KEEP_DAYS  # noqa: PLC0415

    oldest = int(clock.now().timestamp()) // DAY_SECONDS - KEEP_DAYS
    if oldest - index.forgotten() >= FORGET_EVERY_DAYS:
        index.forget(before=oldest)
