"""T9: a drop in numbered texts, and in pictures."""

from __future__ import annotations

import os
import random

import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drop.made import indicators, open_here, write

from backchannel.drop import limits
from backchannel.drop.parts import join, split
from backchannel.drop.qr import Gathering, to_frames
from backchannel.errors import InputError, UsageError
from backchannel.provenance.reasons import Reason, Rejected


def reason_of(*texts: bytes) -> tuple[Reason, str]:
    with pytest.raises(Rejected) as caught:
        join(texts)
    return caught.value.reason, caught.value.detail


def parts_of(data: bytes, chars: int = 600) -> list[bytes]:
    return [part.encode() for part in split(data, chars)]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=5000), st.integers(500, 2000), st.randoms())
def test_t09_parts_in_any_order_and_doubled_give_the_whole(data: bytes, chars: int, draw: random.Random):
    parts = parts_of(data, chars)
    assert all(len(part) <= chars for part in parts)
    shuffled = [*parts, *draw.choices(parts, k=2)]
    draw.shuffle(shuffled)
    assert join(shuffled) == data
    assert join([b"\n".join(shuffled)]) == data


def test_t09_parts_survive_quoting_line_ends_and_words_around_them():
    data, _ = write(indicators(20))
    mailed = [
        b"Hello,\r\n\r\n"
        + b"".join(b"> " + line + b"  \r\n" for line in part.splitlines())
        + b"\r\n-- \r\nA.\r\n"
        for part in parts_of(data, 2000)
    ]
    assert open_here(join(mailed)).release.n == 20


def test_t09_what_is_missing_is_named():
    parts = parts_of(os.urandom(5000))
    assert reason_of(*parts[:2], *parts[3:-1]) == (
        Reason.MISSING_PART,
        f"missing of {len(parts)}: 3, {len(parts)}",
    )
    many = parts_of(os.urandom(30_000))
    assert reason_of(many[0])[1].endswith(f"and {len(many) - 21} more")


def test_t09_parts_of_two_drops_are_told_apart():
    one, other = parts_of(os.urandom(2000)), parts_of(os.urandom(2000))
    assert reason_of(*one[:2], *other[2:])[0] is Reason.MIXED_PARTS
    lied = other[1].replace(other[1].split()[2], one[0].split()[2])
    assert reason_of(*one, lied)[0] is Reason.MIXED_PARTS
    assert reason_of(one[0], lied, *one[2:])[0] is Reason.DAMAGED


def test_t09_a_damaged_part_is_named_by_its_number():
    parts = parts_of(os.urandom(2000))
    at = parts[2].index(b"\n") + 5
    spoiled = parts[2][:at] + (b"A" if parts[2][at : at + 1] != b"A" else b"B") + parts[2][at + 1 :]
    for bad in (
        spoiled,
        parts[2][:200],
        parts[2].replace(b"\n", b"\nhm?\n", 1),
        parts[2][:200] + b"\n" + parts[1],
    ):
        reason, detail = reason_of(*parts[:2], bad)
        assert reason is Reason.DAMAGED
        assert detail.startswith("part 3 of ")


def test_t09_a_text_without_parts_and_one_with_too_many_are_refused():
    assert reason_of(b"Hello")[0] is Reason.NOT_A_DROP
    assert reason_of(b"")[0] is Reason.NOT_A_DROP
    assert reason_of(b"BCB-PART 1/1001 " + b"a" * 32 + b"\nAAAA\nBCB-CRC 41a23be7\n")[0] is Reason.TOO_MANY
    assert reason_of(b"BCB-PART 0/1 " + b"a" * 32 + b"\nAAAA\nBCB-CRC 00000000\n")[0] is Reason.DAMAGED
    assert (
        reason_of(b"BCB-PART 1/1 " + b"a" * 32 + b"\n" + (b"A" * 64 + b"\n") * 40_000)[0] is Reason.TOO_LARGE
    )


def test_parts_that_are_too_short_or_too_many_say_what_to_do():
    with pytest.raises(UsageError):
        list(split(b"x", 100))
    with pytest.raises(InputError, match="1,000"):
        list(split(bytes(1_000_000), 500))


def test_the_crc_of_a_part_is_the_one_that_other_programs_make(tmp_path):
    import binascii  # noqa: PLC0415
    from base64 import b64decode  # noqa: PLC0415

    (part,) = parts_of(b"one part")
    _, body, crc = part.decode().splitlines()
    assert crc == f"BCB-CRC {binascii.crc32(b64decode(body)):08x}"


# --- Pictures ------------------------------------------------------------------------------------------


@given(st.binary(max_size=4000) | st.integers(4001, 37_000).map(os.urandom), st.randoms())
@settings(deadline=None)
def test_t09_pictures_in_any_order_give_the_whole(data: bytes, draw: random.Random):
    frames = to_frames(data)
    draw.shuffle(frames)
    gathering = Gathering()
    for frame in frames:
        assert len(frame) <= limits.QR_FRAME_BYTES
        if gathering.add(frame):
            break
    assert gathering.data() == data


@pytest.mark.parametrize("size", [1, 700, 5000, 20_000, 37_000])
def test_t09_a_tenth_of_the_pictures_lost_in_a_row_is_made_good_in_the_same_cycle(size: int):
    data = os.urandom(size)
    frames = to_frames(data)
    lost = max(len(frames) // 11, 1)
    for first in range(len(frames)):
        gathering = Gathering()
        for number, frame in enumerate(frames):
            if (number - first) % len(frames) >= lost:
                gathering.add(frame)
        assert gathering.data() == data, first


def test_t09_a_tenth_of_the_pictures_lost_at_random_comes_with_the_next_cycles():
    data, draw = os.urandom(37_000), random.Random(9)
    frames = to_frames(data)
    cycles = []
    for _ in range(200):
        gathering = Gathering()
        seen = 0
        while not (seen and not gathering.missing()):
            seen += 1
            for frame in frames:
                if draw.random() >= 0.1:
                    gathering.add(frame)
        assert gathering.data() == data
        cycles.append(seen)
    assert max(cycles) <= 3
    assert sum(cycles) / len(cycles) < 2.1


def test_t09_pictures_of_two_drops_and_what_is_no_picture_of_ours_are_refused():
    one, other = to_frames(os.urandom(2000)), to_frames(os.urandom(2000))
    gathering = Gathering()
    gathering.add(one[0])
    with pytest.raises(Rejected) as caught:
        gathering.data()
    assert caught.value.reason is Reason.MISSING_PART
    for bad, reason in (
        (other[1], Reason.MIXED_PARTS),
        (b"https://example.net/", Reason.NOT_A_DROP),
        (one[1][:-1], Reason.BAD_FRAME),
        (one[1][:7] + b"\xff" + one[1][8:], Reason.BAD_FRAME),
    ):
        with pytest.raises(Rejected) as caught:
            gathering.add(bad)
        assert caught.value.reason is reason


def test_more_than_60_pictures_are_refused_and_another_way_is_named():
    assert len(to_frames(os.urandom(54 * 686))) == 60
    with pytest.raises(InputError, match="at most 60"):
        to_frames(os.urandom(54 * 686 + 1))


def test_a_small_drop_is_a_cycle_of_qr_codes_that_a_reader_reads(tmp_path):
    data, _ = write(indicators(3))
    gathering = Gathering()
    for frame in to_frames(data):
        code = segno.make_qr(frame, error="l", mode="byte")
        assert code.version <= 18
        rows = [bytes(0 if dark else 255 for dark in row) for row in code.matrix_iter(scale=4, border=4)]
        width = len(rows[0])
        picture = memoryview(b"".join(rows)).cast("B", shape=[len(rows), width])
        (found,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
        gathering.add(found.bytes)
    assert open_here(gathering.data()).release.n == 3
