"""What an object calls itself, where nothing more of it can be read: a refusal names it by that."""

from __future__ import annotations

import re
from typing import Final

from backchannel import codec
from backchannel.stix.validate import MAX_ID_CHARS

MAX_LOOKED_BYTES: Final = 2**20
"""How far into an object is looked (bytes): one that is larger is cut or hostile."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]]', re.DOTALL)
_TEXT = re.compile(rb'[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\]|\\.)*+")', re.DOTALL)


def called(body: bytes, key: str = "id") -> str:
    """Return the text that an object gives under `key`, even if the object is broken or cut off.

    Returns:
        "" where it gives none, two that differ, or one that nobody could read out.
    """
    data, wanted, depth = body[:MAX_LOOKED_BYTES], codec.encode(key), 0
    found: set[str] = set()
    for token in _TOKEN.finditer(data):
        mark = token[0]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
        elif depth == 1 and mark == wanted and (text := _TEXT.match(data, token.end())):
            found.add(_readable(text[1]))
    return found.pop() if len(found) == 1 else ""


def _readable(text: bytes) -> str:
    try:
        value = codec.decode(text)
    except ValueError:
        return ""
    return value if isinstance(value, str) and value.isprintable() and len(value) <= MAX_ID_CHARS else ""
