"""`next`: opaque, self-contained, and nothing that comes back in it is trusted."""

from __future__ import annotations

import base64
import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.channels.taxii.server.test_filters import ONE, filters

from backchannel.channels.taxii.server.cursor import (
    MAX_CURSOR_CHARS,
    BadCursorError,
    Cursor,
    format_cursor,
    listing_digest,
    parse_cursor,
)
from backchannel.channels.taxii.server.filters import MAX_FILTER_BYTES, STAMPS, Filter

HERE = listing_digest("91a7b528-80eb-42ed-a74d-c6fbd5a26116")


@given(st.integers(STAMPS.start, STAMPS.stop - 1), st.integers(1, 1000), filters())
def test_what_is_written_is_read_back_and_needs_no_quoting(after: int, limit: int, kept: Filter):
    cursor = Cursor(HERE, after, limit, kept)
    text = format_cursor(cursor)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert parse_cursor(text) == cursor


def test_a_listing_has_its_own_name():
    one, other = (
        "91a7b528-80eb-42ed-a74d-c6fbd5a26116",
        "x-mitre-collection--1f5f1533-f617-4ca8-9ab4-6a02367fa019",
    )
    names = {listing_digest(one), listing_digest(other), listing_digest(one, ONE), listing_digest(other, ONE)}
    assert len(names) == 4
    assert {len(name) for name in names} == {8}


def test_the_longest_filter_fits():
    ids = tuple(f"indicator--{n:08x}-fff1-4c98-bcc9-4de3bc2e2ffb" for n in range(MAX_FILTER_BYTES // 48))
    text = format_cursor(Cursor(HERE, 1, 100, Filter(ids)))
    assert len(text) < MAX_CURSOR_CHARS
    assert parse_cursor(text).filter.ids == ids


def raw(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


GOOD = base64.urlsafe_b64decode(format_cursor(Cursor(HERE, 5, 100)) + "==")


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "abc",
        "0",
        "null",
        "a" * 26,
        "../../../etc/passwd",
        "%00",
        "a=b",
        "A" * (MAX_CURSOR_CHARS + 1),
        raw(b""),
        raw(GOOD[:-1]),
        raw(b"\x02" + GOOD[1:]),
        raw(GOOD + b"["),
        raw(GOOD + b"[]"),
        raw(GOOD + b"{}"),
        raw(GOOD + b"null"),
        raw(GOOD + b"[[],[],[],[],null,1]"),
        raw(GOOD + b'[["\' OR 1=1 --"],[],[],[],null]'),
        raw(GOOD + b"[[1],[],[],[],null]"),
        raw(GOOD + b"[[],[],[],[],true]"),
        raw(GOOD + b"[[],[],[],[],1e400]"),
        raw(GOOD + b"[[],[],[],[],99999999999999999999999999]"),
        raw(GOOD + b"[" * 5000),
        raw(GOOD[:9] + (2**63 - 1).to_bytes(8, "big") + GOOD[17:]),
        raw(GOOD[:17] + b"\0\0"),
    ],
)
def test_what_is_no_cursor_of_ours_is_refused(text: str):
    with pytest.raises(BadCursorError):
        parse_cursor(text)


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reading(data: bytes):
    with contextlib.suppress(BadCursorError):
        parse_cursor(raw(GOOD[:1] + data))


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading(text: str):
    with contextlib.suppress(BadCursorError):
        parse_cursor(text)
