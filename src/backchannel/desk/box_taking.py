"""Take what was left in our drop box."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.carrying import OTHERS, Carrier, carry, keep_others
from backchannel.desk.node import Node
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.reasons import Rejected
from backchannel.store.carried import BOX

MAX_REMEMBERED: Final = 10_000
"""Files of which is known what became of them: strangers must not fill the store either."""
MAX_REFUSED_BYTES: Final = 256 * 2**20
"""Originals of refused files that are kept until somebody looks (bytes); beyond it only why is kept."""
PLACE: Final = "drop box "
"""What stands before the ticket where a place is named."""


def take_left(node: Node, clock: Clock, path: Path, *, unseal: Unseal | None = None) -> None:
    """Take one file that was left, and remove it once what became of it is written down.

    Raises:
        StoreError: it cannot be kept; it waits.
        SignatureError: our own keys cannot be opened; it waits.
        OSError: it cannot be read.
    """

    def keeps(refusal: Rejected, size: int) -> bool:
        kept = node.store.carried.refused_bytes(PLACE)
        return refusal.reason not in OTHERS and kept + size <= MAX_REFUSED_BYTES

    carrier = Carrier(BOX, keeps_parts=False, keeps=keeps)
    with path.open("rb") as file:
        found = carry(node, clock, carrier, file, f"{PLACE}{path.stem}", unseal=unseal)
    with node.store.transaction():
        keep_others(node, [] if found is None else [found])
        node.store.carried.keep_newest(BOX, at_most=MAX_REMEMBERED)
    path.unlink(missing_ok=True)
