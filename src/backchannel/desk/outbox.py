"""The outbox: where drops lie until they expire, and what is written down of one that is to go by a channel."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from backchannel.desk.channels import find_channel
from backchannel.errors import InputError, UsageError
from backchannel.store.carried import Carried
from backchannel.store.interface import Store
from backchannel.store.polled import ChannelRow

OUTBOX: Final = "outbox"
"""Folder of the home."""


def check_carrier(store: Store, name: str) -> ChannelRow:
    """Return the channel of that name, which carries drops: asked before a drop is made for it.

    Raises:
        NotFoundError: there is none.
        UsageError: it is of another kind.
    """
    row = find_channel(store, name)
    if row.kind != "drop":
        raise UsageError(
            f"{row.name} is a channel of kind {row.kind}, and carries no drops",
            hint="Add one that does: backchannel channel add drop FOLDER|URL",
        )
    return row


def to_be_carried(drop: Path, carrier: ChannelRow, *, at: str) -> Carried:
    """Return what is written down of a drop that is to go by a channel: from then on each poll tries it.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with drop.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").digest(), file.tell()
    except OSError as error:
        raise InputError(f"{drop} cannot be read: {error.strerror}", hint="Send it anew.") from error
    return Carried(
        channel_row=carrier.channel_row, sha256=digest, name=drop.name, size=size, at=at, state="sending"
    )
