"""Invitation codes: `7-word-word-word`, told by voice or on paper, good once.

Three words of 2,048 are 33 bits: enough against somebody who has three guesses (`invite.py`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from backchannel.errors import UsageError
from backchannel.parties.words import known_word, to_words

CODE_WORDS = 3
MAX_NUMBER = 999


@dataclass(frozen=True, slots=True, repr=False)
class Code:
    """An invitation code. Its text form shows the number only, which is no secret."""

    number: int
    words: tuple[str, ...]

    @property
    def spoken(self) -> str:
        """The code as it is told to the other side. It is a secret."""
        return "-".join((str(self.number), *self.words))

    def __repr__(self) -> str:
        return f"<invitation code {self.number}-…>"


def new_code(number: int, *, random: Callable[[int], bytes] = secrets.token_bytes) -> Code:
    """Make a code of three random words; `number` (1 to 999) tells codes of one inviter apart."""
    if not 1 <= number <= MAX_NUMBER:
        raise UsageError(f"the number of a code is 1 to {MAX_NUMBER}")
    return Code(number, to_words(random(8), CODE_WORDS))


def read_code(text: str) -> Code:
    """Read a code as a person types it: any case, blanks or dashes, words whole or by their first four letters.

    Raises:
        UsageError: it is no code. The error does not show what was typed.
    """
    first, *rest = [part for part in re.split(r"[\s\-.,]+", text.strip()) if part] or [""]
    hint = "A code is a number and three words, as 7-word-word-word: ask the inviter to say it again."
    if not re.fullmatch(r"[0-9]{1,3}", first) or int(first) == 0 or len(rest) != CODE_WORDS:
        raise UsageError("this is no invitation code", hint=hint)
    words = [known_word(part) for part in rest]
    for place, word in zip(("first", "second", "third"), words, strict=True):
        if word is None:
            raise UsageError(f"the {place} word of the code is none that codes are made of", hint=hint)
    return Code(int(first), tuple(word for word in words if word is not None))
