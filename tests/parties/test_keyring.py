"""The keys of a node are kept for its owner only, plain or under a passphrase, through a kill, and shown to nobody."""

from __future__ import annotations

import base64
import stat
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from tests.parties.made import NOW

from backchannel.errors import SignatureError, StoreError
from backchannel.parties.at_rest import keep_secret, read_secret
from backchannel.parties.keyring import (
    DAILY_USES,
    keyring_bytes,
    keyring_of,
    new_keyring,
    read_keyring,
    rotated,
    write_keyring,
)
from backchannel.parties.keys import keep_key, make_key, read_key
from backchannel.parties.kid import Use
from backchannel.parties.signing import is_signed

PASSPHRASE = b"correct horse"


def seal(data: bytes) -> bytes:
    """Stands for age: what is sealed has none of the bytes that went in."""
    return b"sealed" + bytes(byte ^ 0x55 for byte in data)


def unseal(data: bytes) -> bytes:
    return bytes(byte ^ 0x55 for byte in data.removeprefix(b"sealed"))


def test_a_keyring_has_a_key_for_each_use_and_is_read_back_the_same(tmp_path: Path):
    keyring = new_keyring(NOW)
    write_keyring(tmp_path, keyring)
    assert read_keyring(tmp_path) == keyring
    assert len({keyring.present(use).kid for use in DAILY_USES}) == 4
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_a_home_made_before_there_were_keyrings_has_none(tmp_path: Path):
    make_key(tmp_path / "key.pem")
    assert read_keyring(tmp_path) is None


def test_under_a_passphrase_nothing_plain_is_left(tmp_path: Path):
    keyring = new_keyring(NOW)
    pair = make_key(tmp_path / "key.pem")
    write_keyring(tmp_path, keyring)
    write_keyring(tmp_path, keyring, seal=seal)
    keep_key(tmp_path / "key.pem", pair, seal=seal)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.pem.age", "keys.json.age"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())
    assert read_keyring(tmp_path, unseal=unseal) == keyring
    assert read_key(tmp_path / "key.pem", unseal=unseal).public == pair.public
    with pytest.raises(SignatureError, match="passphrase"):
        read_keyring(tmp_path)
    write_keyring(tmp_path, keyring)
    assert read_keyring(tmp_path) == keyring


def test_a_kill_while_keys_are_written_leaves_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    keep_secret(tmp_path / "keys.json", b"old")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        keep_secret(tmp_path / "keys.json", b"new")
    assert read_secret(tmp_path / "keys.json") == b"old"


def test_where_keys_cannot_be_written_the_error_says_so(tmp_path: Path):
    with pytest.raises(StoreError, match="cannot be written"):
        keep_secret(tmp_path / "missing" / "keys.json", b"x")


def test_rotated_keys_are_new_and_old_drops_are_still_opened():
    before = new_keyring(NOW)
    after = rotated(before, NOW + timedelta(days=1))
    for use in DAILY_USES:
        assert after.present(use).kid != before.present(use).kid
    assert [key.kid for key in after.openers()] == [after.present(Use.AGE).kid, before.present(Use.AGE).kid]
    assert before.present(Use.SIGN).secret not in [key.secret for key in after.keys]
    assert keyring_of(keyring_bytes(after)) == after


def test_only_the_named_uses_are_rotated():
    before = new_keyring(NOW)
    after = rotated(before, NOW, uses=[Use.SIGN])
    assert after.present(Use.AGE) == before.present(Use.AGE)
    assert after.present(Use.SIGN) != before.present(Use.SIGN)


def test_a_key_signs_for_its_public_half_and_an_age_key_does_not_sign():
    keyring = new_keyring(NOW)
    key = keyring.present(Use.SIGN)
    assert is_signed(key.public, key.sign(b"said"), b"said")
    with pytest.raises(SignatureError, match="does not sign"):
        keyring.present(Use.AGE).sign(b"said")


def test_t70_no_private_key_is_in_any_text_form():
    keyring = new_keyring(NOW)
    for key in keyring.keys:
        shown = f"{key!r} {key} {keyring!r} {[keyring]}"
        for secret in (key.secret.hex(), repr(key.secret), base64.b64encode(key.secret).decode()):
            assert secret not in shown
        assert key.kid[:8] in shown
    assert asdict(keyring)  # asked for on purpose, the fields are there


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
def test_t70_a_damaged_file_of_keys_is_named_and_its_bytes_are_not(cut: int):
    data = keyring_bytes(new_keyring(NOW))
    with pytest.raises(SignatureError) as caught:
        keyring_of(data[:cut])
    said = f"{caught.value!r} {caught.value.message} {caught.value.hint} {caught.value.__cause__!r}"
    assert "damaged" in said
    assert "secret" not in said


def test_t70_a_secret_in_the_wrong_field_is_not_shown(tmp_path: Path):
    secret = base64.b64encode(bytes(range(32))).decode()
    data = f'{{"v":1,"keys":[{{"use":"{secret}","alg":"ed25519","secret":"","since":""}}]}}'.encode()
    with pytest.raises(SignatureError) as caught:
        keyring_of(data)
    assert secret not in f"{caught.value!r}{caught.value.__context__!r}"


def test_a_file_of_another_version_and_one_too_large_are_refused(tmp_path: Path):
    with pytest.raises(SignatureError, match="version 2"):
        keyring_of(b'{"v":2,"keys":[]}')
    (tmp_path / "keys.json").write_bytes(b" " * 70_000)
    with pytest.raises(SignatureError, match="larger"):
        read_keyring(tmp_path)
