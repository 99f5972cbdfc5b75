"""What the desk asks of a store about private comparisons: sessions, their messages, and what went in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol

import msgspec

from backchannel.ids import Digest

Side = Literal["initiator", "responder"]
ComparisonState = Literal["open", "done", "declined", "failed"]


class ComparisonRow(msgspec.Struct, frozen=True, kw_only=True):
    """One session."""

    session: bytes
    """16 bytes."""
    party_row: int
    side: Side
    """Ours."""
    state: ComparisonState = "open"
    suite: str
    sorts: str
    """JSON: what is compared."""
    overridden: str = "[]"
    """JSON: of these, what can be guessed and was let through by a person."""
    because: str = ""
    channel: str = ""
    items: int = 0
    size: int = 0
    their_size: int = 0
    common: int | None = None
    reason: str = ""
    detail: str = ""
    secrets: bytes | None = None
    began_at: str
    changed_at: str


class MessageRow(NamedTuple):
    """One message, ours or theirs."""

    session: bytes
    step: int
    is_ours: bool
    digest: bytes
    envelope: bytes
    body: bytes
    at: str


class ItemRow(NamedTuple):
    """One item that we put in."""

    session: bytes
    input: bytes
    sort: str
    value: str
    stix_id: str
    digest: Digest
    is_common: bool = False


class Comparable(NamedTuple):
    """One indicator in force that can be looked at for a comparison."""

    object_row: int
    stix_id: str
    digest: Digest
    pattern: str


class Had(NamedTuple):
    """What a party had of us since a time."""

    items: int
    sessions: int
    open: int
    """Of those that can still be answered."""
    refused: int
    """Requests that ended before anything of ours went in."""


class Comparisons(Protocol):
    """Sessions, and what they need."""

    def put(self, row: ComparisonRow) -> None:
        """Keep a session, in place of what was kept of it."""
        ...

    def get(self, session: bytes) -> ComparisonRow | None:
        """Return a session."""
        ...

    def like(self, prefix: str, *, at_most: int) -> list[ComparisonRow]:
        """Return the sessions whose name in hexadecimal begins so."""
        ...

    def newest(self, *, at_most: int, only_open: bool = False) -> list[ComparisonRow]:
        """Return sessions, the one that changed last first."""
        ...

    def had(self, party_row: int, *, since: str, alive: str) -> Had:
        """Return what a party had of us since a time.

        Args:
            party_row: which party.
            since: when that begins.
            alive: sessions that have not changed since then cannot be answered any more.
        """
        ...

    def put_message(self, row: MessageRow) -> None:
        """Keep a message."""
        ...

    def messages(self, session: bytes, *, whole: bool = True) -> list[MessageRow]:
        """Return the messages of a session in their order.

        Args:
            session: which.
            whole: else without envelope and body, which can be megabytes.
        """
        ...

    def put_items(self, rows: Iterable[ItemRow]) -> None:
        """Keep what we put in."""
        ...

    def set_common(self, session: bytes, inputs: Iterable[bytes]) -> None:
        """Note which of what we put in both hold."""
        ...

    def items(self, session: bytes, *, only_common: bool) -> list[ItemRow]:
        """Return what we put in, by sort and value."""
        ...

    def comparable(self, *, before_row: int | None, at_most: int) -> list[Comparable]:
        """Return indicators in force with a STIX pattern, the newest first, from before a row on."""
        ...
