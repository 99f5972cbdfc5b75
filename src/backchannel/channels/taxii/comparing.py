"""Bring messages of a comparison to another node, beside its TAXII server and with the same credential."""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from urllib.parse import urlsplit

from backchannel import codec
from backchannel.channels.http import Door
from backchannel.channels.reasons import status_error
from backchannel.channels.taxii.dialect import TAXII
from backchannel.desk.addressing import shown_url
from backchannel.desk.comparison_serving import CarriedMessage
from backchannel.errors import NetworkError
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import decode_base64

PREFIX: Final = "/taxii2"
COMPARISONS: Final = f"{PREFIX}/.comparisons/"
"""Where a node takes messages: the first part of no API root, whose names begin with a letter or digit."""


def comparisons_url(url: str) -> str:
    """Return where the node takes messages whose TAXII server has `url`, as a whole or in a part of it."""
    split = urlsplit(url)
    before, found, _ = split.path.partition(PREFIX)
    return f"{split.scheme}://{split.netloc}{before if found else ''}{COMPARISONS}"


def carry_comparison(door: Door, url: str, session: str, message: bytes) -> bytes:
    """Post a message; returns the one that follows, or nothing.

    Raises:
        NetworkError: it was not taken, or no answer came.
    """
    where = comparisons_url(url)
    body = codec.encode(CarriedMessage(session=session, message=b64encode(message).decode()))
    answer = door.post(where, {"Accept": TAXII["2.1"], "Content-Type": TAXII["2.1"]}, body)
    if answer.status != 200:
        raise status_error(answer.status, shown_url(where))
    try:
        carried = codec.into(codec.decode(answer.body), CarriedMessage)
        return decode_base64(carried.message) if carried.message else b""
    except (ValueError, Rejected):
        raise NetworkError(
            f"{shown_url(where)} does not answer as a node does that compares",
            hint="Ask its operator whether it is Backchannel, or exchange files: -o FILE.",
        ) from None
