"""Cut a STIX pattern into tokens, and say where one is that does not belong (STIX 2.1 §9, grammar)."""

from __future__ import annotations

import re

from backchannel.stix.visible import visible


class PatternError(ValueError):
    """A text is not a STIX pattern."""

    def __init__(self, what: str, column: int) -> None:
        super().__init__(f"{what}, at column {column}")
        self.what = what
        self.column = column
        """Where, counted from 1 in characters."""


_SKIP = (
    r"(?:[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
    r"|/\*(?s:.*?)\*/|//[^\r\n]*)*"
)
# The last alternatives take what no token is, so that every character belongs to some token. An open
# string or comment takes all the rest: looking for its end once more from each quote inside it would
# cost the square of the length.
_TOKEN = re.compile(
    _SKIP + r"("
    r"'[^'\\]*(?:\\['\\][^'\\]*)*'"
    r"|h'(?:[0-9A-Fa-f]{2})*'"
    r"|b'(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)'"
    r"|t'[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z'"
    r"|[A-Za-z_][A-Za-z0-9_-]*"
    r"|[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"|==|!=|<=|>=|<>|[=<>:.,()\[\]*]"
    r"|(?s:'.*|/\*.*|.)"
    r"|\Z)"
)
_STRING = re.compile(r"'[^'\\]*(?:\\['\\][^'\\]*)*'\Z")


def tokens(text: str) -> list[str]:
    """Return the tokens of `text`, blanks and comments left out; "" is the end.

    Every character belongs to a token or to what is left out: what the grammar does not know is a token
    too, and no rule takes it.
    """
    found: list[str] = _TOKEN.findall(text)
    return found


def column(text: str, number: int) -> int:
    """Return where the token of that number (from 0) begins: a column from 1."""
    return [match.start(1) for match in _TOKEN.finditer(text)][number] + 1


def is_open(token: str) -> bool:
    """Whether `token` begins a string and does not end it: then it is all the rest of the text."""
    return token[0] == "'" and _STRING.match(token) is None


def unexpected(token: str) -> str:
    """Say in words what `token` is, to one who expected another."""
    if token == "":
        return "found the end"
    if is_open(token):
        return "found a string that is not closed, or that has a lone backslash"
    if token[:2] == "/*":
        return "found a comment that is not closed"
    return f"found {visible(token, max_chars=40)}"
