"""The words for how something came, in one spelling each."""

from __future__ import annotations

from typing import Final

CHANNEL_WORDS: Final = frozenset({"drop", "feed", "file", "misp", "taxii"})
"""The channels that the software knows itself; any other word is the operator's own (`mail`, `phone`)."""


def channel_word(channel: str) -> str:
    """Return a known word in lower case, as it is always written, and any other as it is."""
    lower = channel.lower()
    return lower if lower in CHANNEL_WORDS else channel
