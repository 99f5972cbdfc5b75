"""A contact card comes whole, by file, text or QR code, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.parties.made import NOW, Made

from backchannel.parties.card import (
    BLOCK,
    MAX_CARD_BYTES,
    card_qr,
    card_text,
    read_any_card,
    read_card,
)
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.spelling import to_block

ALPHA = Made("CERT Alpha")


def reason_of(content: bytes) -> Refusal:
    with pytest.raises(KeyRefusedError) as caught:
        read_any_card(content)
    return caught.value.reason


def test_a_card_says_who_it_is_of_and_with_which_keys():
    card = ALPHA.card()
    read = read_card(card.data)
    assert read == card
    assert (read.party, read.name, read.made_at) == (ALPHA.party, "CERT Alpha", NOW)
    assert read.kids[0] == ALPHA.root.kid
    assert read.recipient.startswith("age1")


@pytest.mark.parametrize("carried", ["file", "text", "quoted mail", "qr", "qr with a line end"])
def test_a_card_is_the_same_by_every_way(carried: str):
    card = ALPHA.card()
    quoted = "".join(f"> {line}\r\n" for line in card_text(card).splitlines())
    content = {
        "file": card.data,
        "text": card_text(card).encode(),
        "quoted mail": f"Dear colleague,\r\n\r\n{quoted}\r\nBest\r\n".encode(),
        "qr": card_qr(card).encode(),
        "qr with a line end": card_qr(card).encode() + b"\n",
    }[carried]
    assert read_any_card(content) == card


def test_a_card_with_a_common_name_fits_a_small_qr_code():
    segno = pytest.importorskip("segno")
    card = ALPHA.card()
    assert len(card.data) <= 254
    code = segno.make(card_qr(card), error="l", micro=False)
    assert code.mode == "alphanumeric"
    assert int(code.version) <= 11


def test_the_longest_card_still_fits_a_qr_code():
    segno = pytest.importorskip("segno")
    card = ALPHA.card(name="ż" * 100, origin="o" * 100)
    assert len(card.data) == MAX_CARD_BYTES
    assert int(segno.make(card_qr(card), error="l").version) <= 17


def test_t28_a_card_changed_in_any_byte_is_refused():
    data = ALPHA.card().data
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(KeyRefusedError):
            read_card(bytes(changed))


def test_a_card_cut_anywhere_or_with_more_behind_it_is_refused():
    data = ALPHA.card().data
    for size in range(len(data)):
        with pytest.raises(KeyRefusedError):
            read_card(data[:size])
    assert reason_of(data + b"\0") is Refusal.BAD_FORM


def test_t28_a_card_signed_by_another_root_is_refused():
    alpha, mallory = ALPHA.card(), Made("Mallory").card(name="CERT Alpha", party=ALPHA.party)
    spliced = alpha.data[:-64] + mallory.data[-64:]
    assert reason_of(spliced) is Refusal.BAD_SIGNATURE


def test_t29_a_card_with_a_weak_key_is_refused():
    with pytest.raises(KeyRefusedError) as caught:
        ALPHA.card(age=bytes(32))
    assert caught.value.reason is Refusal.WEAK_KEY


@pytest.mark.parametrize("name", ["CERT\u202eahplA", "CERT\nAlpha", "CERT Al\u200bpha", " ", "x" * 201])
def test_a_card_does_not_bear_a_name_that_cannot_be_seen(name: str):
    with pytest.raises(KeyRefusedError) as caught:
        ALPHA.card(name=name)
    assert caught.value.reason is Refusal.BAD_FORM


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        card_text(ALPHA.card()) * 2,
        card_text(ALPHA.card()).replace("END", "FIN"),
        to_block(BLOCK, b"BCC1"),
        "BCC1:0189",
        "BCC1:" + "A" * 10_000,
        "x" * 200_000,
    ],
)
def test_a_text_without_one_whole_card_is_refused(text: str):
    assert reason_of(text.encode()) in {Refusal.BAD_FORM, Refusal.TOO_LARGE}


@settings(max_examples=200)
@given(st.binary(max_size=600), st.booleans())
def test_any_bytes_are_judged_without_a_crash(data: bytes, with_magic: bool):
    with pytest.raises(KeyRefusedError):
        read_any_card(b"BCC1" * with_magic + data)
