"""Hand a drop on by a channel: it is written down first, so that what was not possible is tried again.

A drop that reaches its recipient twice is taken once, so handing on again does no harm where nobody can say whether
it arrived.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.carried_documents import HandedOn
from backchannel.desk.channel import Channel, Kind, Opener, Pause
from backchannel.desk.channels import find_channel, terms_of
from backchannel.desk.node import Node
from backchannel.desk.releasing import OUTBOX
from backchannel.errors import BackchannelError, InputError, UsageError
from backchannel.store.carried import Carried
from backchannel.store.interface import Store
from backchannel.store.polled import ChannelRow

MAX_AGAIN: Final = 100
"""Drops that one poll hands on."""


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


def hand_on(node: Node, clock: Clock, name: str, drop: Path, opener: Opener, *, pause: Pause) -> HandedOn:
    """Hand on a drop that lies in the outbox.

    Args:
        node: ours.
        clock: the present.
        name: of a channel of kind `drop`.
        drop: its file in the outbox, where it stays until it expires.
        opener: opens the channel.
        pause: waits between tries.

    Raises:
        NotFoundError: there is no such channel.
        UsageError: it carries no drops.
        InputError: the file cannot be read.
    """
    row = check_carrier(node.store, name)
    sending = write_down(node, clock, row, drop)
    try:
        with opener(cast("Kind", row.kind), terms_of(row), pause) as channel:
            where = _hand_on(node, clock, channel, sending)
    except BackchannelError as error:
        _keep_error(node.store, sending, error)
        return HandedOn(channel=row.name, state="sending", where=None, error=error.message)
    return HandedOn(channel=row.name, state="sent", where=where, error=None)


def write_down(node: Node, clock: Clock, row: ChannelRow, drop: Path) -> Carried:
    """Write down that a drop is to go by a channel: from then on each poll tries it.

    Raises:
        InputError: the file cannot be read.
    """
    digest, size = _digest(drop)
    sending = Carried(
        channel_row=row.channel_row,
        sha256=digest,
        name=drop.name,
        size=size,
        at=format_time(clock.now()),
        state="sending",
    )
    with node.store.transaction():
        node.store.carried.put(sending)
    return sending


def hand_on_again(node: Node, clock: Clock, row: ChannelRow, channel: Channel) -> int:
    """Hand on what could not be handed on before; returns how many went.

    Raises:
        NetworkError: it is not possible now either.
    """
    went = 0
    for one in _oldest_first(node.store.carried.newest(row.channel_row, ["sending"], at_most=MAX_AGAIN)):
        try:
            _hand_on(node, clock, channel, one)
        except FileNotFoundError:
            gone = msgspec.structs.replace(one, state="refused", detail="it expired before it could be sent")
            with node.store.transaction():
                node.store.carried.put(gone)
        else:
            went += 1
    return went


def _hand_on(node: Node, clock: Clock, channel: Channel, sending: Carried) -> str:
    with (node.home / OUTBOX / sending.name).open("rb") as file:
        where = channel.hand_on(file, sending.size)
    sent = msgspec.structs.replace(sending, state="sent", detail=where, at=format_time(clock.now()))
    with node.store.transaction():
        node.store.carried.put(sent)
    return where


def _keep_error(store: Store, sending: Carried, error: BackchannelError) -> None:
    with store.transaction():
        store.carried.put(msgspec.structs.replace(sending, detail=error.message))


def _oldest_first(rows: Iterable[Carried]) -> list[Carried]:
    return sorted(rows, key=lambda row: row.at)


def _digest(path: Path) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest(), file.tell()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="Send it anew.") from error
