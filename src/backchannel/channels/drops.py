"""Carry drops: into a folder that is shared, or to the drop box of another node.

What is written into a folder gets its name once it is whole and on the disk, so that whoever looks into it finds all
of it or nothing. The name is random: it tells nothing about what is in it, or for whom.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from backchannel import codec
from backchannel.channels.feed import ReadOnly
from backchannel.channels.http import Door
from backchannel.channels.reasons import status_error
from backchannel.desk.addressing import shown_url
from backchannel.desk.channel import Page, Place
from backchannel.desk.handing import random_name, whole_file
from backchannel.errors import NetworkError

ACCEPT: Final = "application/json"
MEDIA_TYPE: Final = "application/octet-stream"
MAX_TICKET_CHARS: Final = 200


class _NoPages(ReadOnly):
    """What is read of a carrier are whole files, not pages."""

    def places(self) -> Sequence[Place]:
        return []

    def pages(self, place: Place, cursor: str) -> Iterator[Page]:  # noqa: ARG002  # the protocol's names
        return iter(())


class DropFolder(_NoPages):
    """A folder into which drops are written (`desk.channel.Channel`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hand_on(self, file: BinaryIO, size: int) -> str:  # noqa: ARG002  # the protocol's names
        """Write a drop, whole and on the disk or not at all; returns the name it has there.

        Raises:
            NetworkError: the folder cannot be written.
        """
        path = self._folder / f"{random_name()}.bcb"
        try:
            with whole_file(path) as target:
                shutil.copyfileobj(file, target, 2**20)
        except OSError as error:
            raise NetworkError(
                f"{self._folder} cannot be written: {error.strerror}",
                hint="It is written at the next poll: backchannel channel poll.",
            ) from None
        return path.name


class DropBox(_NoPages):
    """The drop box of another node (`desk.channel.Channel`)."""

    def __init__(self, door: Door, url: str) -> None:
        self._door, self._url = door, url

    def hand_on(self, file: BinaryIO, size: int) -> str:
        """Post a drop; returns the ticket by which its operator finds it.

        Raises:
            NetworkError: it was not taken, or no answer came.
        """
        headers = {"Accept": ACCEPT, "Content-Type": MEDIA_TYPE}
        answer = self._door.send(self._url, headers, file, size)
        if answer.status != 202:
            raise status_error(answer.status, shown_url(self._url))
        try:
            value = codec.decode(answer.body)
        except ValueError:
            value = None
        ticket = value.get("ticket") if isinstance(value, dict) else None
        if not isinstance(ticket, str) or not ticket.isalnum() or len(ticket) > MAX_TICKET_CHARS:
            raise NetworkError(
                f"{shown_url(self._url)} does not answer as a drop box does",
                hint="Check the URL: it ends with /drop.",
            )
        return ticket
