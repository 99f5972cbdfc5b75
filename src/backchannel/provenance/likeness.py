"""How alike two texts are: shingles of three words, and the smallest of their hashes as a sketch.

A sketch is what is kept of a text: its (at most) `SKETCH_SIZE` smallest shingle hashes, which is a fair sample of
all (bottom-k; Broder, "On the resemblance and containment of documents", 1997). Two sketches give the Jaccard
likeness of the texts, exactly for texts of up to `SKETCH_SIZE` shingles, else within some 0.05.
No library: datasketch brings NumPy and SciPy for what is thirty lines here, RapidFuzz compares pairs and finds none.
`like_pairs` finds the pairs that are alike without comparing each with each, and says where it did not look.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

SHINGLE_WORDS: Final = 3
SKETCH_SIZE: Final = 128
MIN_SHINGLES: Final = 8
"""A text of less says too little to be compared: "C2 server of the loader" is written by anybody."""
MAX_TEXT_CHARS: Final = 200_000
"""What is read of a text: a reader of intelligence is not to be kept busy by a book."""
SAME_LIKENESS: Final = 0.8
POSSIBLE_LIKENESS: Final = 0.25
"""From here on two texts may be one reworded; independent texts about one thing stay below a tenth."""

_PREFIX: Final = 16
"""Smallest hashes looked up. Two texts of likeness j share none of them with a chance of about (1-j)^16."""
_MAX_BLOCK: Final = 32
"""Texts that share a hash and are compared each with each; of more, only neighbours are."""
_NEIGHBOURS: Final = 3
_WORD: Final = re.compile(r"\w+")


def sketch(text: str, *, ignore: Collection[int] = ()) -> tuple[int, ...]:
    """Return the sketch of a text, rising; empty if the text is too short to be compared.

    Args:
        text: any; folded to lower case and compatibility form, punctuation left out. Only the first
            `MAX_TEXT_CHARS` characters are read.
        ignore: shingle hashes that prove nothing: phrases of a tool's template.
    """
    folded = unicodedata.normalize("NFKC", text[:MAX_TEXT_CHARS]).casefold()
    words = _WORD.findall(folded)
    shingles = {
        " ".join(words[start : start + SHINGLE_WORDS]) for start in range(len(words) - SHINGLE_WORDS + 1)
    }
    hashes = {
        int.from_bytes(hashlib.blake2b(shingle.encode("utf-8", "replace"), digest_size=7).digest(), "big")
        for shingle in shingles
    }
    hashes.difference_update(ignore)
    return tuple(sorted(hashes)[:SKETCH_SIZE]) if len(hashes) >= MIN_SHINGLES else ()


def likeness(left: Sequence[int], right: Sequence[int]) -> float:
    """Return the Jaccard likeness of two texts, 0 to 1, from their sketches; 0 if either is empty."""
    return _likeness(set(left), set(right))


def _likeness(left: AbstractSet[int], right: AbstractSet[int]) -> float:
    shared = len(left & right)
    if not shared:
        return 0.0
    if len(left) < SKETCH_SIZE and len(right) < SKETCH_SIZE:
        return shared / (len(left) + len(right) - shared)
    smallest = sorted(left | right)[:SKETCH_SIZE]
    return sum(value in left and value in right for value in smallest) / len(smallest)


def like_pairs(sketches: Sequence[tuple[int, ...]]) -> tuple[list[tuple[int, int, float]], bool]:
    """Find the pairs of likeness `POSSIBLE_LIKENESS` or more among different sketches.

    Time grows with the number of sketches, not with its square: sketches that share one of their smallest hashes
    are compared, and where more than `_MAX_BLOCK` share one, each with its next in order only.

    Returns:
        Index pairs (left < right) with their likeness, in order; and whether all that could be alike was compared.
    """
    blocks: dict[int, list[int]] = {}
    for index, values in enumerate(sketches):
        for value in values[:_PREFIX]:
            blocks.setdefault(value, []).append(index)
    candidates: set[tuple[int, int]] = set()
    is_whole = True
    for block in blocks.values():
        if len(block) == 1:
            continue
        reach = len(block)
        if len(block) > _MAX_BLOCK:
            is_whole, reach = False, _NEIGHBOURS
            block.sort(key=sketches.__getitem__)
        for at, left in enumerate(block):
            for right in block[at + 1 : at + 1 + reach]:
                candidates.add((left, right) if left < right else (right, left))
    compared = (
        (left, right, likeness(sketches[left], sketches[right])) for left, right in sorted(candidates)
    )
    return [pair for pair in compared if pair[2] >= POSSIBLE_LIKENESS], is_whole
