"""How long a drop is made, so that its length says little about what it holds.

Small ones fall into a few classes; larger ones are rounded up by Padmé (Nikitin et al., "Reducing Metadata
Leakage from Encrypted Files and Communication with PURBs", PETS 2019), which lets O(log log n) bits of
the length n be seen and adds at most 12 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backchannel.drop import limits
from backchannel.drop.frames import HEAD, Kind, to_bytes

CLASSES: Final = tuple(size * limits.KIB for size in (4, 16, 64, 256, 1024))
"""Lengths of small drops (bytes, before encryption)."""


def padded_length(length: int) -> int:
    """Return to which length (bytes) a content of `length` bytes is padded."""
    for size in CLASSES:
        if length <= size:
            return size
    exponent = length.bit_length() - 1
    free = exponent - exponent.bit_length()
    mask = (1 << free) - 1
    return (length + mask) & ~mask


def padding(length: int) -> Iterator[bytes]:
    """Yield the padding frames that bring a content of `length` bytes to its padded length.

    A frame has a head of five bytes, so a gap smaller than that goes on to the next length.
    """
    target = padded_length(length)
    while 0 < target - length < HEAD.size:
        target = padded_length(target + 1)
    gap = target - length
    while gap:
        size = min(gap, HEAD.size + limits.MAX_CHUNK_BYTES)
        if 0 < gap - size < HEAD.size:  # what is left must hold a head
            size -= HEAD.size
        yield to_bytes(Kind.PADDING, bytes(size - HEAD.size))
        gap -= size
