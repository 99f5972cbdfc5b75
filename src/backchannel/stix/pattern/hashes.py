"""Names of hash algorithms, in all the spellings met in patterns, and what their values look like."""

from __future__ import annotations

import re
from typing import Final

_HEX_DIGITS: Final = {
    "MD5": (32,),
    "MD6": (32, 40, 56, 64, 96, 128),
    "RIPEMD-160": (40,),
    "SHA-1": (40,),
    "SHA-224": (56,),
    "SHA-256": (64,),
    "SHA-384": (96,),
    "SHA-512": (128,),
    "SHA3-224": (56,),
    "SHA3-256": (64,),
    "SHA3-384": (96,),
    "SHA3-512": (128,),
    "WHIRLPOOL": (128,),
}
"""Vocabulary of hash algorithms (STIX 2.1 §10.7, and of 2.0) to the hexadecimal digits of its values."""
_SSDEEP = re.compile(r"[A-Za-z0-9/+:.]{1,148}\Z")
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")
_SEPARATORS = str.maketrans("", "", "-_ ")
_BY_SPELLING: Final = {name.upper().translate(_SEPARATORS): name for name in (*_HEX_DIGITS, "SSDEEP", "TLSH")}


def algorithm(key: str) -> str | None:
    """Return the STIX name of the algorithm that `key` spells (`sha256` is `SHA-256`), else None."""
    return _BY_SPELLING.get(key[:32].upper().translate(_SEPARATORS))


def is_possible_hash(key: str, value: str) -> bool:
    """Whether `value` can be a hash by the algorithm that `key` spells; True for one we do not know."""
    name = algorithm(key)
    if name == "SSDEEP":
        return _SSDEEP.match(value) is not None
    digits = _HEX_DIGITS.get(name or "")
    return digits is None or (len(value) in digits and _HEX.match(value) is not None)
