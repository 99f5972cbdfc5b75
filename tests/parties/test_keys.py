"""A node's key is made once, read back the same, and shown to nobody."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from backchannel.errors import SignatureError, StoreError
from backchannel.parties.keys import fingerprint, make_key, read_key


def test_a_key_that_was_made_is_read_back_and_signs_for_the_same_public_key(tmp_path: Path):
    made = make_key(tmp_path / "key.pem")
    read = read_key(tmp_path / "key.pem")
    assert read.public == made.public
    made.private.public_key().verify(read.private.sign(b"said"), b"said")


def test_only_its_owner_may_read_the_key(tmp_path: Path):
    make_key(tmp_path / "key.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path):
    before = make_key(tmp_path / "key.pem").public
    with pytest.raises(StoreError):
        make_key(tmp_path / "key.pem")
    assert read_key(tmp_path / "key.pem").public == before


def test_a_key_shown_in_a_log_shows_nothing_private(tmp_path: Path):
    pair = make_key(tmp_path / "key.pem")
    secret = pair.private.private_bytes_raw()
    assert secret.hex() not in repr(pair)
    assert repr(secret) not in repr(pair)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"not a key",
        b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIA==\n-----END PRIVATE KEY-----\n",
        b"x" * 100_000,
    ],
)
def test_a_damaged_key_file_is_named_and_its_bytes_are_not(tmp_path: Path, pem: bytes):
    path = tmp_path / "key.pem"
    path.write_bytes(pem)
    with pytest.raises(SignatureError, match=r"key\.pem") as caught:
        read_key(path)
    assert "MC4CAQAw" not in caught.value.message
    assert "backup" in caught.value.hint


def test_a_missing_key_file_says_so(tmp_path: Path):
    with pytest.raises(SignatureError, match="cannot be read"):
        read_key(tmp_path / "key.pem")


def test_the_fingerprint_is_the_sha256_of_the_public_key(tmp_path: Path):
    pair = make_key(tmp_path / "key.pem")
    assert fingerprint(pair.public) == hashlib.sha256(pair.public).hexdigest()
    assert len(pair.public) == 32
