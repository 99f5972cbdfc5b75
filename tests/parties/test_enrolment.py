"""Weak keys are refused before they are trusted; good ones never are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from backchannel.codec import decode
from backchannel.parties.enrolment import check_public
from backchannel.parties.kid import kid, shown_kid
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.signing import is_signed, sign

P = 2**255 - 19


def is_taken(alg: str, public: bytes) -> bool:
    try:
        check_public(alg, public)
    except KeyRefusedError as refused:
        return refused.reason not in {Refusal.WEAK_KEY, Refusal.BAD_FORM}
    return True


def wycheproof(data: Path, name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    read = decode((data / "vectors" / "wycheproof" / name).read_bytes())
    for group in read["testGroups"]:
        for test in group["tests"]:
            yield group, test


def test_t29_every_low_order_and_non_canonical_key_of_cctv_is_refused(shared_data: Path):
    vectors = decode((shared_data / "vectors" / "ed25519" / "cctv-ed25519vectors.json").read_bytes())
    weak = [v for v in vectors if {"low_order_A", "non_canonical_A"} & set(v["flags"] or ())]
    assert len(weak) == 526
    judged = {v["key"]: is_taken("ed25519", bytes.fromhex(v["key"])) for v in vectors}
    assert [v["number"] for v in weak if judged[v["key"]]] == []
    # Of the rest, those with a part of small order are refused as well: RFC 8032 makes no such keys.
    refused = {"low_order_A", "non_canonical_A", "low_order_component_A"}
    for v in vectors:
        assert judged[v["key"]] == (not refused & set(v["flags"] or ())), v["number"]
    assert any(judged.values())


def test_t29_the_identity_key_is_refused_by_its_code_and_named_by_its_kid():
    identity = bytes([1]) + bytes(31)
    with pytest.raises(KeyRefusedError, match="weak") as caught:
        check_public("ed25519", identity)
    assert caught.value.reason is Refusal.WEAK_KEY
    assert shown_kid(kid("ed25519", identity)) in caught.value.message
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    "public",
    [
        (P + 3).to_bytes(32, "little"),  # a second spelling of y = 3
        ((1 << 255) + 1).to_bytes(32, "little"),  # x = 0 with a sign
        (2).to_bytes(32, "little"),  # no point has this y
        bytes(32),  # order 4
    ],
)
def test_t29_what_is_no_point_or_has_two_spellings_is_refused(public: bytes):
    assert not is_taken("ed25519", public)


def test_t29_wycheproof_ed25519_keys_are_all_taken_and_its_signatures_judged_as_it_says(shared_data: Path):
    judged = 0
    for group, test in wycheproof(shared_data, "ed25519_test.json"):
        public = bytes.fromhex(group["publicKey"]["pk"])
        assert is_taken("ed25519", public)
        fits = is_signed(public, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
        assert fits == (test["result"] == "valid"), test["tcId"]
        judged += 1
    assert judged == 151


def test_t29_wycheproof_x25519_keys_that_give_zero_or_have_two_spellings_are_refused(shared_data: Path):
    zero = 0
    for _, test in wycheproof(shared_data, "x25519_test.json"):
        public = bytes.fromhex(test["public"])
        gives_zero = not any(bytes.fromhex(test["shared"]))
        reduced = int.from_bytes(public, "little") < P
        assert is_taken("x25519", public) == (reduced and not gives_zero), test["tcId"]
        zero += gives_zero
        if not gives_zero:
            private = X25519PrivateKey.from_private_bytes(bytes.fromhex(test["private"]))
            assert private.exchange(X25519PublicKey.from_public_bytes(public)).hex() == test["shared"]
    assert zero > 30


def test_signatures_of_ml_dsa_44_are_judged_as_wycheproof_says(shared_data: Path):
    judged = 0
    for group, test in wycheproof(shared_data, "mldsa_44_verify_test.json"):
        if test.get("ctx"):  # not offered: we sign with the empty context only
            continue
        public = bytes.fromhex(group["publicKey"])
        fits = is_signed(public, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]), alg="mldsa44")
        assert fits == (test["result"] == "valid"), test["tcId"]
        judged += 1
    assert judged > 100


@given(st.binary(min_size=32, max_size=32))
def test_a_key_made_as_the_standards_say_is_never_refused(seed: bytes):
    check_public("ed25519", Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())
    check_public("x25519", X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


@given(st.binary(max_size=70), st.sampled_from(["ed25519", "x25519", "mldsa44", "rsa", ""]))
def test_any_bytes_are_judged_without_a_crash(public: bytes, alg: str):
    is_taken(alg, public)


def test_a_signature_fits_its_own_bytes_and_key_only():
    one, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    signature = sign(one, b"said")
    mine, theirs = (key.public_key().public_bytes_raw() for key in (one, other))
    assert is_signed(mine, signature, b"said")
    assert not is_signed(mine, signature, b"Said")
    assert not is_signed(theirs, signature, b"said")
    assert not is_signed(mine, signature[:-1], b"said")
    assert not is_signed(mine, signature, b"said", alg="rsa")
