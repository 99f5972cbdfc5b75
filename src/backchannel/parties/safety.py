"""The safety number: what two people read to each other to find out whether they hold each other's keys.

Each side has thirty digits: SHA-512, iterated 5,200 times, over the party's root key and its name. The two halves
stand in rising order, so that both sides read the same sixty digits. Finding a key with a given half costs about
2^112 hashes. The same can be read as eighteen words, nine a side, from the same hash.

    side = "bc-sn/v1", kid of the root key, name in NFC: each in UTF-8 with its length (4 bytes, big-endian) before it
    hash = SHA-512(side); then 5,199 times hash = SHA-512(hash || side)
    digits: six times five bytes of the hash, each as a number modulo 100,000 in five digits
    words: bytes 30 to 43 of the hash, 11 bits a word
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
import unicodedata
from dataclasses import dataclass

from backchannel.parties.kid import Kid
from backchannel.parties.words import known_word, to_words

ITERATIONS = 5200
GROUPS = 6
"""Groups of five digits a side."""
WORDS_A_SIDE = 9


@dataclass(frozen=True, slots=True)
class SafetyNumber:
    """Sixty digits and eighteen words, the same on both sides."""

    digits: str
    words: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The digits in twelve groups of five, as they are read aloud."""
        return " ".join(self.digits[i : i + 5] for i in range(0, len(self.digits), 5))


def safety_number(ours: tuple[Kid, str], theirs: tuple[Kid, str]) -> SafetyNumber:
    """Return the safety number of two parties, each given by the `kid` of its root key and its name.

    Which of the two is given first makes no difference.
    """
    (low, low_words), (high, high_words) = sorted((_half(*ours), _half(*theirs)))
    return SafetyNumber(low + high, low_words + high_words)


def is_same_number(number: SafetyNumber, said: str) -> bool:
    """Whether what a person typed is all of the number, in digits or in words; blanks and dashes do not count."""
    parts = re.split(r"[\s\-.,]+", said.strip())
    joined = "".join(parts)
    if joined.isascii() and joined.isdigit():
        return hmac.compare_digest(joined, number.digits)
    return tuple(known_word(part) for part in parts) == number.words


def _half(root: Kid, name: str) -> tuple[str, tuple[str, ...]]:
    parts = [part.encode("utf-8") for part in ("bc-sn/v1", root, unicodedata.normalize("NFC", name))]
    side = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    value = hashlib.sha512(side).digest()
    for _ in range(ITERATIONS - 1):
        value = hashlib.sha512(value + side).digest()
    groups = (int.from_bytes(value[i : i + 5], "big") % 100_000 for i in range(0, GROUPS * 5, 5))
    return "".join(f"{group:05d}" for group in groups), to_words(value[30:44], WORDS_A_SIDE)
