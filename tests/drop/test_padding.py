"""T8: the length of a drop says little about what it holds, and its outside nothing."""

from __future__ import annotations

import io
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drop.made import RECIPIENT, indicator, write

from backchannel.drop import guard, limits
from backchannel.drop.frames import HEAD
from backchannel.drop.padding import CLASSES, padded_length, padding

CHUNK, TAG, NONCE = 65536, 16, 16


def content_length(data: bytes) -> int:
    """How long what was encrypted is, as anybody sees it: of the header's length only our decoy varies."""
    head = guard.check(io.BytesIO(data), len(data), has_passphrase=False)
    payload = len(data) - head.header_bytes - NONCE
    return payload - -(-payload // (CHUNK + TAG)) * TAG


def test_t08_the_lengths_of_1000_drops_fall_on_one_class_in_each_band():
    draw = random.Random(8)
    lengths = set()
    for number in range(1000):
        size = int(2 ** draw.uniform(0, 17))
        noise = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=size))
        data, _ = write([indicator(number, description=noise)])
        lengths.add(content_length(data))
    assert lengths <= set(CLASSES)
    assert len(lengths) >= 3


def test_t08_nothing_of_a_drop_is_readable_outside():
    data, manifest = write(
        [indicator(1)], attachments=[("secret-name.pdf", b"content of the file")], chan="hidden-channel"
    )
    for word in (
        b"secret-name",
        b"hidden",
        b"content of",
        manifest.release.from_.encode(),
        RECIPIENT.encode(),
    ):
        assert word not in data
    header = data[: guard.check(io.BytesIO(data), len(data), has_passphrase=False).header_bytes]
    assert header.startswith(guard.VERSION + b"-> X25519 ")


@settings(deadline=None)
@given(st.integers(1, 2**33))
def test_t08_large_lengths_grow_by_12_percent_at_most(length: int):
    padded = padded_length(length)
    assert padded >= length
    assert padded_length(padded) == padded
    if length > CLASSES[-1]:
        assert padded <= length * 1.12
        assert (padded & -padded).bit_length() > padded.bit_length() // 2  # few bits say how long it is


@given(
    st.integers(1, 40 * limits.MIB) | st.sampled_from([size - gap for size in CLASSES for gap in range(7)])
)
@settings(deadline=None)
def test_t08_padding_frames_bring_every_length_to_its_class(length: int):
    frames = list(padding(length))
    total = length + sum(map(len, frames))
    assert padded_length(total) == total
    assert all(HEAD.size <= len(frame) <= HEAD.size + limits.MAX_CHUNK_BYTES for frame in frames)
    assert total == padded_length(length) or total - length < 2 * max(length, CLASSES[0]) * 4
