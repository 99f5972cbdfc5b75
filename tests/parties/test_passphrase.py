"""Secrets under a passphrase are age files, of one work factor, and a wrong passphrase is told without showing it."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backchannel.errors import SignatureError, UsageError
from backchannel.parties.passphrase import check_passphrase, seal_with, unseal_with

WORDS = "correct horse battery staple"
LIGHT = 10
"""A work factor for tests that are not about it."""


def test_keys_are_sealed_with_work_factor_18():
    sealed = seal_with(WORDS)(b"secret")
    assert sealed.split(b"\n")[1].endswith(b" 18")
    assert unseal_with(WORDS)(sealed) == b"secret"


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=200) | st.integers(0, 3).map(lambda n: bytes(n * 65_536)) | st.just(bytes(65_537)))
def test_what_is_sealed_is_opened_by_us_and_by_age(data: bytes):
    pyrage = pytest.importorskip("pyrage")
    sealed = seal_with(WORDS, work_factor=LIGHT)(data)
    assert unseal_with(WORDS)(sealed) == data
    assert pyrage.passphrase.decrypt(sealed, WORDS) == data


def test_t11_files_of_the_age_testkit_are_opened_or_refused_as_it_says(shared_data: Path):
    judged = 0
    for path in sorted((shared_data / "vectors" / "age-testkit").glob("scrypt*")):
        head, _, body = path.read_bytes().partition(b"\n\n")
        facts = dict(line.split(b": ", 1) for line in head.splitlines())
        if b"passphrase" not in facts or b"identity" in facts:
            continue
        data = zlib.decompress(body) if facts.get(b"compressed") == b"zlib" else body
        passphrase = facts[b"passphrase"].decode()
        if facts[b"expect"] == b"success":
            opened = unseal_with(passphrase)(data)
            assert hashlib.sha256(opened).hexdigest().encode() == facts[b"payload"], path.name
        else:
            with pytest.raises(SignatureError):
                unseal_with(passphrase)(data)
        judged += 1
    assert judged >= 15


def test_t11_more_work_than_is_taken_is_refused_without_doing_it():
    sealed = seal_with(WORDS, work_factor=LIGHT)(b"secret")
    with pytest.raises(SignatureError, match="work factor of 23"):
        unseal_with(WORDS)(sealed.replace(b" 10\n", b" 23\n", 1))


def test_t70_a_wrong_passphrase_and_a_damaged_file_are_told_without_showing_anything():
    sealed = seal_with(WORDS, work_factor=LIGHT)(b"the secret inside")
    for passphrase, data in [
        ("wrong horse battery staple", sealed),
        *(
            (WORDS, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
            for at in range(25, len(sealed), 7)
        ),
        *((WORDS, sealed[:size]) for size in range(0, len(sealed), 11)),
    ]:
        with pytest.raises(SignatureError) as caught:
            unseal_with(passphrase)(data)
        said = f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"
        assert "horse" not in said
        assert "secret inside" not in said


def test_a_short_passphrase_is_refused():
    check_passphrase(WORDS)
    for passphrase in ("", "short", "x" * 1001):
        with pytest.raises(UsageError, match="passphrase has"):
            check_passphrase(passphrase)
