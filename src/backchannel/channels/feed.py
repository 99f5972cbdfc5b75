"""Read feeds over HTTP: one file of any form that an import reads, or a MISP feed of many.

A feed that has not changed is not read: by its `ETag` and `Last-Modified` (RFC 9110 §13), else by its bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast

from backchannel import codec
from backchannel.channels.http import Door
from backchannel.channels.reasons import status_error
from backchannel.desk.addressing import shown_url
from backchannel.desk.channel import Channel, Kind, Outgoing, Page, Place, Verdict
from backchannel.errors import NetworkError, UsageError

MAX_FEED_BYTES: Final = 512 * 2**20
"""Largest feed (bytes): the full dumps of public feeds have a third of it."""
SPOOL_BYTES: Final = 8 * 2**20
"""How much of one stays in memory (bytes); the rest goes to a temporary file."""
ACCEPT: Final = "text/plain, text/csv, application/json, application/stix+json, */*;q=0.5"


@contextmanager
def open_feed(kind: Kind, door: Door, url: str) -> Iterator[Channel]:
    """Give the feed at `url`."""
    with ExitStack() as stack:
        if kind == "misp-feed":
            from backchannel.channels.misp_feed import HttpEvents, MispFeed  # noqa: PLC0415

            yield MispFeed(url, HttpEvents(door, url))
        else:
            yield _Feed(door, url, stack)


class ReadOnly:
    """What no feed does."""

    def push(self, place: Place, objects: Sequence[Outgoing]) -> Iterator[Verdict]:  # noqa: ARG002  # the protocol's names
        """Refuse.

        Raises:
            UsageError: always.
        """
        raise UsageError("objects are not pushed by it", hint="Push by a channel of kind taxii.")

    def hand_on(self, file: BinaryIO, size: int) -> str:  # noqa: ARG002  # the protocol's names
        """Refuse.

        Raises:
            UsageError: always.
        """
        raise UsageError("it takes no drops", hint="Name a channel of kind drop.")

    def compare(self, session: str, message: bytes) -> bytes:  # noqa: ARG002  # the protocol's names
        """Refuse.

        Raises:
            UsageError: always.
        """
        raise UsageError("it carries no comparisons", hint="Name a channel of kind taxii.")


class _Feed(ReadOnly):
    """One file."""

    def __init__(self, door: Door, url: str, stack: ExitStack) -> None:
        self._door, self._url, self._stack = door, url, stack

    def places(self) -> Sequence[Place]:
        return [one_place(self._url)]

    def pages(self, place: Place, cursor: str) -> Iterator[Page]:  # noqa: ARG002  # it has but one
        seen = read_state(cursor)
        spool = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  # closed with the channel
        file = cast("BinaryIO", self._stack.enter_context(spool))
        headers = {"Accept": ACCEPT, **conditions(seen)}
        answer = self._door.get(self._url, headers, into=file, max_bytes=MAX_FEED_BYTES)
        if answer.status == 304:
            return
        if answer.status != 200:
            raise status_error(answer.status, shown_url(self._url))
        refuse_page(file.read(512), answer.headers.get("content-type", ""), shown_url(self._url))
        file.seek(0)
        digest = digest_of(file)
        file.seek(0)
        state = {
            "etag": answer.headers.get("etag", "")[:500],
            "modified": answer.headers.get("last-modified", "")[:100],
            "sha256": digest.hex(),
        }
        is_new = state["sha256"] != seen.get("sha256")
        yield Page(
            name=shown_url(self._url),
            size=answer.size,
            cursor=codec.encode(state).decode(),
            sha256=digest,
            stream=file if is_new else None,
        )


def digest_of(file: BinaryIO) -> bytes:
    """Return the SHA-256 of what is left of a file."""
    found = hashlib.sha256()
    while data := file.read(2**20):
        found.update(data)
    return found.digest()


def one_place(url: str) -> Place:
    """Return the only place of a feed."""
    shown = shown_url(url)
    return Place(place=shown, id="", title=shown.rstrip("/").rpartition("/")[2] or shown)


def read_state(cursor: str) -> dict[str, str]:
    """Return what was kept of the last answer."""
    try:
        value = codec.decode(cursor) if cursor else {}
    except ValueError:
        return {}
    return (
        {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
    )


def conditions(seen: dict[str, str]) -> dict[str, str]:
    """Return the header lines that ask for it only if it has changed."""
    found = {"If-None-Match": seen.get("etag", ""), "If-Modified-Since": seen.get("modified", "")}
    return {name: text for name, text in found.items() if text and text.isascii() and text.isprintable()}


def refuse_page(head: bytes, media_type: str, shown: str) -> None:
    """Refuse a web page where a feed should be.

    Raises:
        NetworkError: it is one.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
    if start.startswith((b"<!doctype html", b"<html")) or (
        start[:1] == b"<" and "html" in media_type.lower()
    ):
        raise NetworkError(
            f"{shown} answers with a web page where the feed should be",
            hint="It may ask somebody to sign in: see the URL in a browser. Nothing was taken.",
        )
