"""What is shown of a hunt request before it is run."""

from __future__ import annotations

import msgspec


class TouchyShown(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a pattern that is not searched for without more."""

    kind: str
    """`email`, `phone`, `sip`, `account` or `own`: what points to a person, or is ours."""
    what: str
    """As the pattern names it; of what is ours, why."""
    refused: str | None
    """The reason code; null: the policy lets it be searched for once a person approves this run."""
    switched_off: bool
    """It points to a person, and the settings switch it on in none of these logs for this purpose."""


class AskedPattern(msgspec.Struct, frozen=True, kw_only=True):
    """One pattern, and what a run would look for."""

    pattern: str
    looked_for: tuple[str, ...]
    """Kinds of observable: `ipv4-addr`, `domain-name`, ..."""
    unsearched: tuple[str, ...]
    """What of it cannot be searched, in words."""
    touchy: tuple[TouchyShown, ...]


class HuntPreview(msgspec.Struct, frozen=True, kw_only=True):
    """`answer --hunt --json`: what would be searched for, before a person approves it."""

    schema: str = "backchannel.hunt-preview/1"
    request: str
    party: str
    question: str
    purpose: str
    since: str | None
    until: str | None
    patterns: tuple[AskedPattern, ...]
    paths: tuple[str, ...]
    files: int
    bytes: int
    """Of these files, packed as they are."""
    k_anonymity: int
    """A count is told only where so many hosts of ours stand behind it."""
    refused: str | None
    """The code for which it is not run; null: it may be."""
    approve: str | None
    """Names just this run: `--approve HASH` runs it, once."""
    says: str
