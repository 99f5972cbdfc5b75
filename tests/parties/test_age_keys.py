"""Keys are spelled as age spells them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from backchannel.parties.age_keys import from_identity, from_recipient, to_identity, to_recipient
from backchannel.parties.refusals import KeyRefusedError, Refusal

IDENTITY = b"identity: "


def test_identities_of_the_age_testkit_are_read_and_spelled_the_same(shared_data: Path):
    spelled = {
        line.removeprefix(IDENTITY).decode("ascii")
        for path in (shared_data / "vectors" / "age-testkit").iterdir()
        for line in path.read_bytes().split(b"\n\n", 1)[0].splitlines()
        if line.startswith(IDENTITY + b"AGE-SECRET-KEY-1")
    }
    assert len(spelled) >= 2
    for text in spelled:
        assert to_identity(from_identity(text)) == text


def test_a_recipient_made_here_is_the_one_that_age_makes_of_the_identity():
    pyrage = pytest.importorskip("pyrage")
    theirs = pyrage.x25519.Identity.generate()
    private = from_identity(str(theirs))
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    assert to_recipient(public) == str(theirs.to_public())


@given(st.binary(min_size=32, max_size=32))
def test_what_is_spelled_is_read_back(key: bytes):
    assert from_recipient(to_recipient(key)) == key
    assert from_identity(to_identity(key)) == key
    assert len(to_recipient(key)) == 62


@given(
    st.binary(min_size=32, max_size=32),
    st.integers(4, 61),
    st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"),
)
def test_one_wrong_character_is_noticed(key: bytes, at: int, char: str):
    text = to_recipient(key)
    changed = text[:at] + char + text[at + 1 :]
    if changed != text:
        with pytest.raises(KeyRefusedError) as caught:
            from_recipient(changed)
        assert caught.value.reason is Refusal.BAD_FORM


@given(st.text(max_size=80))
def test_any_text_is_judged_without_a_crash(text: str):
    for prefix in ("", "age1"):
        with pytest.raises(KeyRefusedError):
            from_recipient(prefix + text)


def test_t70_a_damaged_identity_is_not_shown_in_the_error():
    text = to_identity(bytes(range(32)))
    with pytest.raises(KeyRefusedError) as caught:
        from_identity(text[:-1] + ("Q" if text[-1] != "Q" else "P"))
    assert text[20:40] not in repr(caught.value) + caught.value.message + caught.value.hint
