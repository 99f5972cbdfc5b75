"""Hand a drop on by a channel: it is written down first, so that what was not possible is tried again.

A drop that reaches its recipient twice is taken once, so handing on again does no harm where nobody can say whether
it arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.carried_documents import HandedOn
from backchannel.desk.channel import Channel, Kind, Opener, Pause
from backchannel.desk.channels import terms_of
from backchannel.desk.node import Node
from backchannel.desk.outbox import OUTBOX, check_carrier, to_be_carried
from backchannel.errors import BackchannelError
from backchannel.store.carried import Carried
from backchannel.store.interface import Store
from backchannel.store.polled import ChannelRow

MAX_AGAIN: Final = 100
"""Drops that one poll hands on."""


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
    sending = to_be_carried(drop, row, at=format_time(clock.now()))
    with node.store.transaction():
        node.store.carried.put(sending)
    try:
        with opener(cast("Kind", row.kind), terms_of(row), pause) as channel:
            where = _hand_on(node, clock, channel, sending)
    except BackchannelError as error:
        _keep_error(node.store, sending, error)
        return HandedOn(channel=row.name, state="sending", where=None, error=error.message)
    return HandedOn(channel=row.name, state="sent", where=where, error=None)


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
