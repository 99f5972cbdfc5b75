"""What came of reading logs around hits: facts that are kept in a file of the node's home, which may be deleted."""

from __future__ import annotations

from typing import Final

import msgspec

from backchannel import codec
from backchannel.desk.node import Node
from backchannel.matching.hubs import Sharing
from backchannel.matching.regularity import Regularity

FILE: Final = "hubs.json"
"""Its name in the node's home."""
MAX_FILE_BYTES: Final = 64 * 2**20


class Beats(msgspec.Struct, frozen=True, kw_only=True):
    """The contacts of one host with one value."""

    value: str
    host: str
    regularity: Regularity
    log: str
    """Where the first that was read stands."""
    line: int


class Lead(msgspec.Struct, frozen=True, kw_only=True):
    """Something that no indicator names."""

    value: str
    kind: str
    how: str
    """`resolved`: a hub's name led to it, or it to a hub; `after`: first contacted just after."""
    via: tuple[str, ...]
    sharing: Sharing


class HubReading(msgspec.Struct, frozen=True, kw_only=True):
    """What came of reading logs again."""

    at: str
    logs_read: int
    logs_gone: tuple[str, ...]
    left: tuple[str, ...]
    beats: tuple[Beats, ...]
    """Of hubs and leads."""
    leads: tuple[Lead, ...]


def kept_reading(node: Node) -> HubReading | None:
    """Return what came of the last reading; None if there was none, or what is kept of it is damaged."""
    path = node.home / FILE
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return None
        return codec.decode_as(path.read_bytes(), HubReading)
    except (OSError, ValueError):
        return None
