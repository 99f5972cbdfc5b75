"""What the desk asks of a channel, whichever protocol it speaks: the desk reaches the network only through this.

A channel has *places* (the collections of a TAXII server; a feed has one). Of a place it gives *pages*, each
with the *cursor* to go on from behind it: an opaque text that is kept in the transaction that keeps the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Literal, Protocol

import msgspec

from backchannel.errors import NetworkError
from backchannel.stix.split import Outline, Piece

Kind = Literal["taxii", "misp-feed", "feed", "drop"]

Pause = Callable[[float], None]
"""Wait so many seconds; raises `StoppedError` where the program is asked to end meanwhile."""


class BusyError(NetworkError):
    """The other end asks us to come again later."""

    def __init__(self, message: str, *, retry_after_s: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class StoppedError(NetworkError):
    """A poll was asked to stop; what it brought so far is kept."""

    def __init__(self) -> None:
        super().__init__(
            "the poll was stopped before its end", hint="The next one goes on where this one ended."
        )


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel is reached. Secrets stay in the files that are named: they are read when it is opened."""

    url: str
    """Absolute URL; for all but TAXII also the absolute path of a file or folder."""
    collections: tuple[str, ...] = ()
    """Ids, aliases or titles; none: all that may be read."""
    user: str | None = None
    password_file: str | None = None
    token_file: str | None = None
    header: str | None = None
    """Name of the header that carries what `header_file` holds (an API key)."""
    header_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    ca: str | None = None
    """File of the certificates (PEM) that alone are trusted for this channel."""
    allow_private: bool = False
    """Whether it may lead to loopback, link-local and private addresses."""
    proxy: str | None = None
    """URL of an HTTP proxy through which it is reached."""
    proxy_auth_file: str | None = None
    """File of `user:password` for the proxy."""
    receipts: bool = True
    """Of drops and TAXII: whether receipts for its party go back by it without anybody's doing."""


class Place(msgspec.Struct, frozen=True):
    """Something that is read, or written to, by itself."""

    place: str
    """Names it within the channel, for good: the URL of a collection."""
    id: str
    title: str
    alias: str = ""
    can_read: bool = True
    can_write: bool = False
    ledger_seen: int = 0
    """Leaves under the checkpoint of its party's ledger that we cosigned last; 0: none."""


class Page(msgspec.Struct, frozen=True):
    """What one answer brought."""

    name: str
    """Where it comes from, without anything secret: part of the address of each object in it."""
    size: int
    """Bytes as they were read."""
    cursor: str
    """Where to go on behind it."""
    sha256: bytes | None = None
    outline: Outline | None = None
    pieces: Sequence[Piece] = ()
    """STIX objects, each as received; with `outline`, what stood around them."""
    stream: BinaryIO | None = None
    """A whole file of any form that an import reads, in place of pieces; good until the channel is closed."""
    notes: tuple[str, ...] = ()
    """What the other end does against its standard, and what we made of it."""
    checkpoint: bytes = b""
    """Of the ledger of whoever serves it, as the answer shows it; empty: it shows none."""
    growth: tuple[bytes, ...] = ()
    """The hashes that prove that this ledger grew from `Place.ledger_seen`."""


class Outgoing(msgspec.Struct, frozen=True):
    """One object to send."""

    id: str
    version: str
    body: bytes


class Verdict(msgspec.Struct, frozen=True):
    """What the other end says of one object sent."""

    id: str
    version: str
    state: Literal["accepted", "refused", "pending", "unknown"]
    """`unknown`: it counts, but names none."""
    why: str = ""


class Channel(Protocol):
    """One open channel. Every method may raise `NetworkError`."""

    def places(self) -> Sequence[Place]:
        """Return what there is, or of that what the terms name."""
        ...

    def pages(self, place: Place, cursor: str) -> Iterator[Page]:
        """Yield what is new in `place` since `cursor` ("" for all of it), oldest first."""
        ...

    def push(self, place: Place, objects: Sequence[Outgoing]) -> Iterator[Verdict]:
        """Send objects and yield what became of each."""
        ...

    def hand_on(self, file: BinaryIO, size: int) -> str:
        """Hand on a drop of `size` bytes; returns its name or ticket at the other end.

        Raises:
            UsageError: the channel carries no drops.
        """
        ...

    def compare(self, session: str, message: bytes) -> bytes:
        """Bring a message of a comparison to the party's server; returns its message that follows, or nothing.

        Args:
            session: name of the session (32 hexadecimal digits).
            message: ours; empty: what follows is asked for.

        Raises:
            UsageError: the channel carries no comparisons.
        """
        ...


class Opener(Protocol):
    """Opens a channel: the composition root knows which protocol is which."""

    def __call__(self, kind: Kind, terms: Terms, pause: Pause) -> AbstractContextManager[Channel]:
        """Open a channel; reads the files of its secrets.

        Raises:
            InputError: a file of a secret or certificate cannot be read.
            UsageError: the terms contradict each other.
        """
        ...
