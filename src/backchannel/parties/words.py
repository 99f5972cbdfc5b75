"""Words that are told apart when spoken and written: 2,048 of them, so 11 bits each.

The list is that of BIP-39 (English), which comes with the package `mnemonic`: no two words share their first four
letters, so that four are enough to write one down, and words that sound or look alike were left out.
"""

from __future__ import annotations

from functools import cache

WORDS = 2048
BITS_PER_WORD = 11
_TELLING_CHARS = 4


@cache
def word_list() -> tuple[str, ...]:
    """Return the 2,048 words in alphabetical order."""
    from mnemonic import Mnemonic  # noqa: PLC0415  # reads a file that few commands need

    return tuple(Mnemonic("english").wordlist)


@cache
def _by_start() -> dict[str, str]:
    return {word[:_TELLING_CHARS]: word for word in word_list()}


def to_words(data: bytes, count: int) -> tuple[str, ...]:
    """Return the first `count` times 11 bits of `data` as words, the highest bits first."""
    bits = int.from_bytes(data, "big")
    size = len(data) * 8
    return tuple(word_list()[bits >> size - BITS_PER_WORD * (i + 1) & WORDS - 1] for i in range(count))


def known_word(text: str) -> str | None:
    """Return the word that `text` is, in any case, or shortened to its first four letters or more; None if none."""
    lowered = text.strip().lower()
    word = _by_start().get(lowered[:_TELLING_CHARS])
    return (
        word
        if word is not None and len(lowered) >= min(len(word), _TELLING_CHARS) and word.startswith(lowered)
        else None
    )
