"""Credentials in every form that clients send, and none of them ever in a text."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.channels.taxii.server.authorization import (
    BadCredentialsError,
    Credentials,
    read_credentials,
)

SECRET = "bc_Zx4vN0d8"


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("line", "account"),
    [
        (f"Bearer {SECRET}", None),
        (f"bearer   {SECRET} ", None),
        (f"Token {SECRET}", None),
        (f"TOKEN {SECRET}", None),
        (f"Basic {basic('CERT Vessland:' + SECRET)}", "CERT Vessland"),
        (f"basic {basic('cert vessland:' + SECRET)}", "cert vessland"),
        (f"BASIC {basic(':' + SECRET)}", ""),
    ],
)
def test_every_form_in_use_is_read(line: str, account: str | None):
    assert read_credentials([line], []) == Credentials(SECRET, account)


def test_a_password_may_hold_a_colon_and_a_name_any_letter():
    assert read_credentials([f"Basic {basic('Zürich ✓:a:b')}"], []) == Credentials("a:b", "Zürich ✓")
    latin = base64.b64encode("Zürich:a".encode("latin-1")).decode()
    assert read_credentials([f"Basic {latin}"], []) == Credentials("a", "Zürich")


def test_a_key_may_stand_in_a_header_of_its_own():
    assert read_credentials([], [SECRET]) == Credentials(SECRET)
    assert read_credentials([f"Bearer {SECRET}"], ["other"]) == Credentials(SECRET)
    assert read_credentials([], []) is None


@pytest.mark.parametrize(
    "lines",
    [
        [""],
        ["Bearer"],
        ["Bearer "],
        ["Basic"],
        ["Basic ????"],
        [f"Basic {basic('no colon')}"],
        [f"Basic {basic('account:')}"],
        ["Basic /w"],
        ["Digest username=x"],
        [SECRET],
        [f"Bearer {SECRET}", f"Bearer {SECRET}"],
        ["Bearer " + "a" * 100_000],
    ],
)
def test_other_forms_are_nobody(lines: list[str]):
    with pytest.raises(BadCredentialsError) as caught:
        read_credentials(lines, [])
    assert SECRET not in str(caught.value)


@given(st.text(max_size=100))
def test_no_header_breaks_the_reading(text: str):
    for headers in (([text], []), ([], [text]), ([f"Basic {text}"], [])):
        with contextlib.suppress(BadCredentialsError):
            read_credentials(*headers)


def test_a_secret_is_in_no_text_of_a_value():
    assert SECRET not in repr(Credentials(SECRET, "CERT Vessland"))
    assert SECRET not in str(Credentials(SECRET))
