"""Text from outside is harmless when shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.stix.visible import visible


@given(st.text(max_size=400), st.integers(10, 300))
def test_what_is_shown_is_one_printable_line_of_bounded_length(text: str, max_chars: int):
    shown = visible(text, max_chars=max_chars)
    assert shown.isprintable()
    assert len(shown) <= max_chars


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("  two\r\nlines\t", "two lines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("gpj.\u202eexe", "gpj.\\u{202e}exe"),
        ("ev\u200bil", "ev\\u{200b}il"),
        ("\U000e0041", "\\u{e0041}"),
        ("Zażółć 東京 \u0645", "Zażółć 東京 \u0645"),
        ("\ud800", "\\u{d800}"),
        ("x" * 500, "x" * 299 + "…"),
        ("x" + " " * 5000 + "y", "…"),
    ],
)
def test_control_bidirectional_and_invisible_characters_are_shown_as_escapes(text: str, shown: str):
    assert visible(text).endswith(shown)
