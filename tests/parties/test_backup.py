"""A backup brings back every key, and shows none."""

from __future__ import annotations

import base64

import pytest
from tests.parties.made import Made

from backchannel.codec import decode, encode
from backchannel.errors import SignatureError
from backchannel.parties.backup import MAX_BACKUP_BYTES, SaidKeySet, make_backup, read_backup
from backchannel.parties.keys import key_bytes, new_pair
from backchannel.parties.keyset import Change, keyset_bytes

ALPHA = Made("CERT Alpha")
PAIR = new_pair()


def made(root=PAIR) -> bytes:
    return make_backup(
        party=ALPHA.party,
        name=ALPHA.name,
        at="2026-11-30T12:00:00.000Z",
        root=root,
        keyring=ALPHA.keyring,
        keysets=[SaidKeySet("2026-11-30T12:00:00.000Z", Change.FIRST, keyset_bytes(ALPHA.keyset()), b"said")],
    )


def test_what_was_backed_up_is_all_there():
    backup = read_backup(made())
    assert backup.root_key is not None
    assert backup.root_key.public == PAIR.public
    assert backup.keyring == ALPHA.keyring
    assert backup.said == (ALPHA.keyset(),)
    assert backup.keysets[0].statement == b"said"
    assert (backup.party, backup.name) == (ALPHA.party, "CERT Alpha")


def test_a_root_key_kept_away_is_not_inside():
    backup = read_backup(made(root=None))
    assert backup.root_key is None
    assert backup.keyring == ALPHA.keyring


def test_t70_a_backup_and_its_errors_show_no_key():
    data = made()
    backup = read_backup(data)
    secrets = [base64.b64encode(key.secret).decode() for key in ALPHA.keyring.keys]
    secrets += [key_bytes(PAIR).decode()[40:80], base64.b64encode(key_bytes(PAIR)).decode()[40:80]]
    shown = [f"{backup!r} {backup}"]
    for broken in (data[:-20], encode(decode(data) | {"keys": "AAAA"}), encode(decode(data) | {"v": 2})):
        with pytest.raises(SignatureError) as caught:
            read_backup(broken)
        shown.append(f"{caught.value!r} {caught.value.message} {caught.value.hint}")
    assert not any(secret in text for secret in secrets for text in shown)


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * (MAX_BACKUP_BYTES + 1), b"\xff"])
def test_bytes_that_are_no_backup_are_refused(data: bytes):
    with pytest.raises(SignatureError, match="no backup"):
        read_backup(data)
