"""A key's name says its algorithm and all of its bytes."""

from __future__ import annotations

import base64
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from backchannel.parties.kid import is_kid, kid, shown_kid


def test_a_kid_is_base32_of_a_hash_over_the_algorithm_and_the_key():
    public = bytes(range(32))
    whole = hashlib.sha256(b"bc-key/v1\ned25519" + public).digest()
    assert base64.b32decode(kid("ed25519", public).upper() + "====") == whole
    assert kid("ed25519", public) == "hvfrqf2qm2rrglfgnqo3esvme7p67jb5k5upnhcbjeuzq2el5ytq"


def test_one_key_has_another_name_under_another_algorithm():
    assert kid("ed25519", bytes(32)) != kid("x25519", bytes(32))


@given(st.binary(max_size=40))
def test_every_name_has_the_form_of_one_and_is_shown_by_its_start(public: bytes):
    name = kid("ed25519", public)
    assert is_kid(name)
    assert shown_kid(name) == name[:8] + "…"
    assert not is_kid(name[:8])
    assert not is_kid(name.upper())
    assert not is_kid(name + "\n")
