"""Make text from outside safe to show: on a terminal, in a log, in a sentence.

A control character could move the cursor or end the line; a bidirectional one could turn an address
round (Trojan Source); an invisible one makes two names look like one. All are shown as an escape.
"""

from __future__ import annotations

import re

_HARMFUL = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line ends, bidirectional
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff"  # tags
    "]"
)
_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029 ]+")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def visible(text: str, *, max_chars: int = 300) -> str:
    """Return `text` on one line, at most `max_chars` long, with nothing invisible in it.

    Runs of blanks and line ends become one space; what is cut off is marked with `…`.
    """
    line = _BREAKS.sub(" ", text[: max_chars * 4]).strip()
    shown = _HARMFUL.sub(_escape, line)
    if len(shown) > max_chars:
        return shown[: max_chars - 1] + "…"
    return shown
