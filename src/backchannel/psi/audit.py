"""Open inputs to the other side of a comparison: which ones, and what each must show. Pure.

Nobody chooses what is opened: the choice follows from the message by which the other side answered, which came after
the root of the inputs was signed. An input is a canary, filling whose random bytes are shown, or an item; and of what
both hold it must be an item. Whether the object behind an item is older than the session, the ledger shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from backchannel.provenance.fields import Random256
from backchannel.provenance.leaves import Proof, proves
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import RootSubject
from backchannel.psi.items import Item, Sort, input_of
from backchannel.psi.rounds import CANARIES, Side, canaries, filling_of

RANDOM_OPENED: Final = 8
"""Inputs opened by chance; each shows one of the opener's to the other side, so there are few."""
COMMON_OPENED: Final = 100
"""Most inputs opened of those that both hold: nothing is shown by them that is not known."""
_SEED: Final = b"bc-psi/v1 audit\n"

ProofText = Annotated[str, Meta(max_length=2 * 2**20)]


class OpenedInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One input, shown: exactly one of `canary`, `filling` and `sort` with what belongs to it."""

    leaf: Proof
    """That it is under the signed root."""
    canary: Annotated[int, Meta(ge=0, lt=CANARIES)] | None = None
    filling: Random256 | None = None
    """Its random bytes."""
    sort: Sort | None = None
    value: Annotated[str, Meta(max_length=20_000)] = ""
    object: ProofText = ""
    """The indicator that has the value, in canonical JSON."""
    proof: ProofText = ""
    """That the opener's ledger holds it (`.tlog-proof`)."""


def places(session: bytes, challenge: bytes, n: int) -> list[int]:
    """Return the places of the inputs that are opened by chance.

    Args:
        session: its 16 bytes.
        challenge: digest of the statement by which the other side answered.
        n: how many inputs there are.
    """
    stream = hashlib.shake_256(_SEED + session + challenge).digest(8 * 4 * RANDOM_OPENED)
    drawn = (int.from_bytes(stream[at : at + 8], "big") % n for at in range(0, len(stream), 8))
    return sorted(list(dict.fromkeys(drawn))[:RANDOM_OPENED])


def of_common(session: bytes, challenge: bytes, inputs: Iterable[bytes]) -> list[bytes]:
    """Return which of the inputs that both hold are opened: all, or a choice that nobody made."""

    def drawn(one: bytes) -> bytes:
        return hashlib.sha256(_SEED + session + challenge + one).digest()

    return sorted(inputs, key=drawn)[:COMMON_OPENED]


def check_input(session: bytes, side: Side, root: RootSubject, shown: OpenedInput) -> bytes:
    """Return the input that is shown, once it is seen to be under the signed root.

    Args:
        session: its 16 bytes.
        side: the opener's.
        root: as the opener signed it.
        shown: one input.

    Raises:
        Rejected: `BAD_FORM`; `BAD_PROOF`, it is not under the root.
    """
    if (shown.canary is not None) + (shown.filling is not None) + (shown.sort is not None) != 1:
        raise Rejected(Reason.BAD_FORM, "an input is a canary, filling or an item")
    if shown.canary is not None:
        found = canaries(session, side)[shown.canary]
    elif shown.filling is not None:
        found = filling_of(session, bytes.fromhex(shown.filling))
    else:
        found = input_of(session, item_shown(shown))
    if not proves(shown.leaf, found, root):
        raise Rejected(Reason.BAD_PROOF, f"input {shown.leaf.i}")
    return found


def item_shown(shown: OpenedInput) -> Item:
    """Return the item that an input is shown to be.

    Raises:
        Rejected: `BAD_FORM`, it is shown to be none.
    """
    if shown.sort is None:
        raise Rejected(Reason.BAD_FORM, "an input is a canary, filling or an item")
    return Item(shown.sort, shown.value)
