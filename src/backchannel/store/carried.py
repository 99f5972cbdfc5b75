"""What the desk asks of a store about what carries drops: which files came and went, each once, and what waits.

A carrier is a channel of kind `drop`, by its number; `BOX` is our own drop box. Times are RFC 3339 text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

CarriedState = Literal["taken", "known", "part", "other", "refused", "sending", "sent"]
"""`known`: it was received before by another way; `part`: it holds parts of a drop; `other`: it is for somebody else,
or no drop; `sending`: we are about to hand it on, or were when something ended us; `sent`: we did."""
BOX: Final = 0
"""Our own drop box."""


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """One file that came or went."""

    channel_row: int
    sha256: bytes
    name: str
    """As it is shown."""
    size: int
    """Bytes."""
    at: str
    state: CarriedState
    reason: str = ""
    detail: str = ""
    batch_id: int | None = None


class SeenFile(NamedTuple):
    """One file of a folder, as a look found it."""

    name: bytes
    size: int
    changed_ns: int
    is_done: bool
    """Whether it was looked into."""
    why: str = ""
    """It is left alone."""


class PartsOf(NamedTuple):
    """Of a drop in parts, which have come."""

    name: str
    of: int
    numbers: tuple[int, ...]
    """In their order."""


class CarriedFiles(Protocol):
    """What came and went by the carriers."""

    def get(self, channel_row: int, sha256: bytes) -> Carried | None:
        """Return the file with this digest."""
        ...

    def has_whole(self, channel_row: int, name: str) -> bool:
        """Whether the drop came whose parts bear this name."""
        ...

    def put(self, row: Carried) -> None:
        """Keep a file; what was kept of the same one before is replaced."""
        ...

    def newest(self, channel_row: int, states: Sequence[CarriedState], *, at_most: int) -> list[Carried]:
        """Return the files in one of these states, newest first."""
        ...

    def counts(self, channel_row: int) -> Mapping[str, int]:
        """Return how many files are in each state."""
        ...

    def undecided(self, channel_row: int) -> int:
        """Return how many refused files are in quarantine, and nobody has decided about them."""
        ...

    def forget(self, channel_row: int) -> None:
        """Let everything be looked into again, but what we sent; parts that wait stay."""
        ...

    def keep_newest(self, channel_row: int, *, at_most: int) -> None:
        """Forget all files but the newest."""
        ...

    def refused_bytes(self, place: str) -> int:
        """Return what is used by what is in quarantine, undecided, whose place begins so (bytes)."""
        ...

    def seen(self, channel_row: int) -> list[SeenFile]:
        """Return what the last look found."""
        ...

    def put_seen(self, channel_row: int, files: Iterable[SeenFile]) -> None:
        """Keep what a look found; what was kept of the same names before is replaced."""
        ...

    def forget_seen(self, channel_row: int, names: Iterable[bytes]) -> None:
        """Forget files that are gone."""
        ...

    def add_part(self, channel_row: int, name: str, *, number: int, of: int, data: bytes, at: str) -> bool:
        """Keep a part; False where another one has its number."""
        ...

    def parts(self, channel_row: int, *, at_most: int) -> list[PartsOf]:
        """Return what waits for further parts, the longest first."""
        ...

    def part_bytes(self, channel_row: int) -> int:
        """Return how large all parts are that wait (bytes)."""
        ...

    def part_data(self, channel_row: int, name: str) -> list[bytes]:
        """Return the parts of one drop in their order."""
        ...

    def forget_parts(self, channel_row: int, name: str) -> None:
        """Forget the parts of one drop."""
        ...

    def forget_old_parts(self, *, before: str) -> None:
        """Forget the parts of drops that waited in vain."""
        ...
