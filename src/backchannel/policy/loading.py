"""TOML in bounded time: what is too deep or too large for a file that people write is refused."""

from __future__ import annotations

import re
import tomllib
from typing import Final

from backchannel.codec import MAX_SAFE_INTEGER, JsonObject, JsonValue

MAX_DEPTH: Final = 16
"""Tables and lists inside each other."""
MAX_NAME_WORDS: Final = 128
"""Words with dots between them: as the name of a table they cost time with their square. A domain name has 127 at most."""
_LARGE: Final = "a number in it has more than 16 digits"
_LONG_NAME: Final = re.compile(
    r"""(?:(?:(?<![\w-])[\w-]++|(?<!\\)"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    f"{{{MAX_NAME_WORDS}}}"
)
"""A name with too many words. From each quotation mark it reads to the next one only, so its time is linear."""


def load_toml(text: str) -> JsonObject:
    """Return what stands in a file, no deeper and with no larger numbers than are read of it.

    Raises:
        TOMLDecodeError: it is no TOML.
        ValueError: it is beyond a limit, in words.
    """
    deep = f"names or tables in it stand more than {MAX_DEPTH} deep in each other"
    if _LONG_NAME.search(text):
        raise ValueError(deep)
    try:
        value: JsonObject = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python reads no number of thousands of digits
        raise ValueError(_LARGE) from None
    inside: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH):
        held: list[JsonValue] = []
        for one in inside:
            held.extend(one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
        if any(isinstance(one, int) and abs(one) > MAX_SAFE_INTEGER for one in held):
            raise ValueError(_LARGE)
        inside = held
    if inside:
        raise ValueError(deep)
    return value
