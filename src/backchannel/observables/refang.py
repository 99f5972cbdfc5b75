"""Undo what people do to a value so that nobody clicks on it: `hxxp://evil[.]example` and its kin."""

from __future__ import annotations

import re
from typing import Final

_OPEN, _CLOSE = r"\s{0,2}[\[({<]\s{0,2}", r"\s{0,2}[\])}>]\s{0,2}"
_MENDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]"), ""),
    (re.compile(rf"\bh(?!tt)[tx*_]{{2}}p(s?)(?={_OPEN}:|\s?:)", re.IGNORECASE), r"http\1"),
    (re.compile(rf"\bf[x*]p(s?)(?={_OPEN}:|\s?:)", re.IGNORECASE), r"ftp\1"),
    (re.compile(rf"{_OPEN}:\s?//{_CLOSE}|{_OPEN}:{_CLOSE}//"), "://"),
    (re.compile(rf"{_OPEN}:{_CLOSE}"), ":"),
    (re.compile(rf"{_OPEN}/{_CLOSE}"), "/"),
    (re.compile(rf"{_OPEN}(?:\.|dot|d0t){_CLOSE}|(?<=\w)\s{{1,2}}dot\s{{1,2}}(?=\w)", re.IGNORECASE), "."),
    (re.compile(r"\\\.|(?<=\w)[\[({]\.(?=\w)|(?<=\w)\.[\])}](?=\w)"), "."),
    (re.compile(rf"{_OPEN}(?:@|at){_CLOSE}|(?<=\w)\s{{1,2}}at\s{{1,2}}(?=\w)", re.IGNORECASE), "@"),
)
"""What to look for, and what it stood for; in this order."""
_HINT = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\\[({<\\\\\\s]|h(?!tt)[tx*_]{2}p|f[x*]p", re.IGNORECASE)
"""Without any of these, there is nothing to mend: nearly always, and found out in one look."""


def refang(text: str) -> str:
    """Return the value that `text` stands for: `hxxps[:]//evil(dot)example` is `https://evil.example`.

    For one value, not for prose: a bare "at" or "dot" between two words counts too. A value that
    nobody defanged comes back as it is.
    """
    if _HINT.search(text) is None:
        return text
    for mark, meant in _MENDS:
        text = mark.sub(meant, text)
    return text
