"""Regular expressions of strangers: RE2, whose time grows with the text and with nothing else.

STIX asks for PCRE (STIX 2.1 §9.6.1, MATCHES). What no linear-time engine can do (references back, looking
around, atomic groups ...) and what the two read differently is refused by name, never approximated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import re2

from backchannel.stix.visible import visible

MAX_REGEX_CHARS: Final = 8_192
"""Longest regular expression that is compiled (characters)."""
MAX_SUBJECT_CHARS: Final = 2**18
"""Longest value that one is tried on (characters, or bytes of a binary value)."""
_MEMORY_BYTES: Final = 4 * 2**20
"""What one compiled expression may hold, its cache of states included; bounds its time for one character too."""

_ESCAPES = re.compile(r"\\(.)", re.DOTALL)
_READ_DIFFERENTLY: Final = {
    "C": "\\C (one byte)",
    "v": "\\v (in PCRE any vertical blank, elsewhere one of them)",
}

Search = Callable[[str], bool]
SearchBytes = Callable[[bytes], bool]


class RegexError(ValueError):
    """A regular expression cannot be run in linear time, or is none."""


@lru_cache(maxsize=1_024)
def text_search(pattern: str) -> Search:
    r"""Return what says whether `pattern` is found anywhere in a text.

    As PCRE does by default: case counts, `.` is no line feed, `\w` and `\d` are ASCII, and `$` also stands before
    a line feed at the very end.

    Raises:
        RegexError: it cannot be run in linear time, or is no regular expression.
    """
    compiled = _compile(pattern, is_binary=False)
    ends_before_newline = "$" in pattern and "\\z" not in pattern

    def search(text: str) -> bool:
        if compiled.search(text) is not None:
            return True
        return ends_before_newline and text.endswith("\n") and compiled.search(text[:-1]) is not None

    return search


@lru_cache(maxsize=256)
def bytes_search(pattern: str) -> SearchBytes | None:
    """Return the same for binary values; None if a character of `pattern` is no byte, so that nothing matches.

    Raises:
        RegexError: as `text_search`.
    """
    try:
        raw = pattern.encode("latin-1")
    except UnicodeEncodeError:
        return None
    compiled = _compile(raw, is_binary=True)
    return lambda data: compiled.search(data) is not None


@lru_cache(maxsize=1_024)
def like_match(pattern: str) -> Search:
    """Return what says whether a whole text is like `pattern`: `%` is any characters, `_` any one.

    Raises:
        RegexError: it is too long.
    """
    parts = re.split(r"([%_])", pattern)
    regex = "".join(_WILD.get(part) or re2.escape(part) for part in parts)
    compiled = _compile(rf"(?s)\A{regex}\z", is_binary=False, max_chars=4 * MAX_REGEX_CHARS)
    return lambda text: compiled.search(text) is not None


_WILD: Final = {"%": ".*", "_": "."}


def _compile(pattern: str | bytes, *, is_binary: bool, max_chars: int = MAX_REGEX_CHARS) -> re2._Regexp:
    if len(pattern) > max_chars:
        raise RegexError(f"a regular expression longer than {max_chars:,} characters is not run")
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    for escape in _ESCAPES.finditer(text):
        if escape[1] in _READ_DIFFERENTLY:
            raise RegexError(f"{_READ_DIFFERENTLY[escape[1]]} is not run")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MEMORY_BYTES
    if is_binary:
        options.encoding = re2.Options.Encoding.LATIN1
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        why = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise RegexError(
            f"the regular expression cannot be run in linear time: {visible(why, max_chars=80)}"
        ) from None
