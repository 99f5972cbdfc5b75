"""Feeds on this machine: a file that something else writes, or the folder of a MISP feed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from backchannel import codec
from backchannel.channels.feed import ReadOnly, one_place, read_state
from backchannel.channels.misp_feed import FolderEvents, MispFeed
from backchannel.desk.channel import Channel, Kind, Page, Place
from backchannel.errors import NetworkError


def open_folder(kind: Kind, path: Path, stack: ExitStack) -> Channel:
    """Return the feed at `path`; `stack` closes what is opened for it."""
    return MispFeed(str(path), FolderEvents(path)) if kind == "misp-feed" else _File(path, stack)


class _File(ReadOnly):
    """One file."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path, self._stack = path, stack

    def places(self) -> Sequence[Place]:
        return [one_place(str(self._path))]

    def pages(self, place: Place, cursor: str) -> Iterator[Page]:  # noqa: ARG002  # it has but one
        try:
            file = self._stack.enter_context(self._path.open("rb"))
            digest = hashlib.file_digest(file, "sha256").digest()
            size = file.tell()
            file.seek(0)
        except OSError as error:
            raise NetworkError(
                f"{self._path} cannot be read: {error.strerror}", hint="It is read again at the next poll."
            ) from None
        yield Page(
            name=str(self._path),
            size=size,
            cursor=codec.encode({"sha256": digest.hex()}).decode(),
            sha256=digest,
            stream=file if digest.hex() != read_state(cursor).get("sha256") else None,
        )
