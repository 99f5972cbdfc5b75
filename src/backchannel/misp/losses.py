"""What a conversion did not carry over: told field by field, so that silence means that all of it came along."""

from __future__ import annotations

from typing import Final

import msgspec

MAX_LOSSES: Final = 100_000
"""Most losses told of one conversion; the last then says that there are more. Bounds its memory."""


class Loss(msgspec.Struct, frozen=True, gc=False):
    """One thing that was not carried over."""

    field: str
    """Its path by names: `Event.Attribute.event_id`, or a property of STIX (`indicator.valid_until`)."""
    id: str
    """UUID or STIX id of the element it belonged to; "" if that has none."""
    reason: str
    """Why, in words."""


class Losses:
    """Gathers the losses of one conversion."""

    def __init__(self) -> None:
        self._told: list[Loss] = []
        self._more = 0

    def add(self, field: str, owner: str, reason: str) -> None:
        """Tell one loss."""
        if len(self._told) < MAX_LOSSES:
            self._told.append(Loss(field, owner, reason))
        else:
            self._more += 1

    @property
    def all(self) -> tuple[Loss, ...]:
        """All of them, in the order told."""
        if not self._more:
            return tuple(self._told)
        return (*self._told, Loss("", "", f"{self._more:,} losses more are not listed"))
