"""Make text from outside safe to show: on a terminal, in a log, in a sentence.

A control character could move the cursor or end the line; a bidirectional one could turn an address
round (Trojan Source); an invisible one makes two names look like one. All are shown as an escape.
"""

from __future__ import annotations

import re

# Printable by their category, and yet nothing to see.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
_BLANKS = re.compile(r"\s+")


def _shown(character: str) -> str:
    if character.isprintable() and character not in _INVISIBLE:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def visible(text: str, *, max_chars: int = 300) -> str:
    """Return `text` on one line, at most `max_chars` long, with nothing invisible in it.

    Runs of blanks and line ends become one space; what is cut off is marked with `…`.
    """
    # Cut before the work: a text of many megabytes is not looked through to show a line of it.
    line = _BLANKS.sub(" ", text[: max_chars * 4]).strip()
    shown = line if line.isascii() and line.isprintable() else "".join(map(_shown, line))
    if len(shown) > max_chars or len(text) > max_chars * 4:
        return shown[: max_chars - 1] + "…"
    return shown
