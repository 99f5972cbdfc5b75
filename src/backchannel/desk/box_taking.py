"""Take what was left in our drop box."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.box import Box
from backchannel.desk.carried_documents import BoxTaken, CarriedFile
from backchannel.desk.carriers import carried_document
from backchannel.desk.carrying import OTHERS, Carrier, carry, keep_others
from backchannel.desk.node import Node
from backchannel.errors import InputError
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.reasons import Rejected
from backchannel.store.carried import BOX, Carried

MAX_REMEMBERED: Final = 10_000
"""Files of which is known what became of them: strangers must not fill the store either."""
MAX_REFUSED_BYTES: Final = 256 * 2**20
"""Originals of refused files that are kept until somebody looks (bytes); beyond it only why is kept."""
PLACE: Final = "drop box "
"""What stands before the ticket where a place is named."""


def empty_box(node: Node, clock: Clock, *, unseal: Unseal | None = None) -> BoxTaken:
    """Take all that waits in the box, the one left first before the others, as `serve --drop-box` does.

    What `serve` takes meanwhile is left to it.

    Args:
        node: ours.
        clock: the present.
        unseal: opens our keys.

    Raises:
        StoreError: one cannot be kept; it and the others wait.
        SignatureError: our own keys cannot be opened; they wait.
        InputError: one cannot be read; it and the others wait.
    """
    found: list[CarriedFile] = []
    known = 0
    for path in Box(node.home).waiting():
        try:
            one = take_left(node, clock, path, unseal=unseal)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError(
                f"{path} cannot be read: {error.strerror}", hint="See who may read it; it waits until then."
            ) from error
        if one is None:
            known += 1
        else:
            found.append(carried_document(one))
    return BoxTaken(files=tuple(found), again=known)


def take_left(node: Node, clock: Clock, path: Path, *, unseal: Unseal | None = None) -> Carried | None:
    """Take one file that was left, remove it once what became of it is written down, and return that.

    None: the same one was left before.

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
    return found
