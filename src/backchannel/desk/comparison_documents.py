"""What is shown of private comparisons."""

from __future__ import annotations

from typing import Literal

import msgspec

Turn = Literal["ours", "theirs", "nobody"]


class ComparedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item that both hold."""

    sort: str
    value: str
    id: str
    """Of our indicator."""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Indicators of ours that did not go in, for one reason."""

    why: str
    n: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How a session stands."""

    session: str
    """32 hexadecimal digits."""
    party: str
    side: str
    """Ours: `initiator` or `responder`."""
    state: str
    """`open`, `done`, `declined` or `failed`."""
    step: int
    """The last message that went or came (docs/formats/comparison.md); 0: none but a refusal."""
    turn: Turn
    """Whose the next message is."""
    next: str
    """What to do now, in one sentence with its command."""
    sorts: tuple[str, ...]
    overridden: tuple[str, ...]
    because: str
    """Why, as the initiator says."""
    suite: str
    channel: str
    items: int
    """Of ours that went in, without filling."""
    size: int
    """With it: what the other party sees."""
    their_size: int
    common: int | None
    """How many both hold; None: not known yet."""
    is_shown: bool
    """Whether both agreed to show which."""
    reason: str
    """Why it ended, by its code."""
    detail: str
    marking: str
    """Of the result: TLP:AMBER+STRICT, since it says what another organisation holds."""
    says: str
    """What they learn, in one sentence."""
    began_at: str
    changed_at: str


class Comparisons(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions, the one that changed last first."""

    schema: str = "backchannel.comparisons/1"
    comparisons: tuple[Comparison, ...]


class ComparisonShown(msgspec.Struct, frozen=True, kw_only=True):
    """One session."""

    schema: str = "backchannel.comparison/1"
    comparison: Comparison
    items: tuple[ComparedItem, ...]
    """Those that both hold, once both agreed to show them."""
    left_out: tuple[LeftOut, ...] = ()
    """What of ours did not go in when it began, and why."""
    path: str = ""
    """Where the message was written."""
    took: str = ""
    """What became of a message that came: `taken`, `known` (it came before)."""


class ComparisonChecked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a party's opening of its inputs."""

    schema: str = "backchannel.comparison-checked/1"
    session: str
    party: str
    good: bool
    opened: int
    """Inputs that were opened."""
    asked: int
    """Inputs that had to be."""
    reason: str
    detail: str
    says: str
