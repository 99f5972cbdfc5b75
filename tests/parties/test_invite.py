"""Two parties with the same code words have each other's cards; nobody else has anything."""

from __future__ import annotations

import base64
import dataclasses
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.parties.made import NOW, Made

from backchannel.codec import canonical, decode
from backchannel.errors import UsageError
from backchannel.parties.codes import Code, new_code, read_code
from backchannel.parties.invite import (
    BLOCK,
    Answer,
    Invitation,
    answer,
    finish,
    invitation_id,
    invite,
    join,
)
from backchannel.parties.invite_kept import invitation_bytes, invitation_of, joining_bytes, joining_of
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.spelling import from_block, to_block
from backchannel.parties.words import word_list

ALPHA, BETA, MALLORY = Made("CERT Alpha"), Made("CERT Beta"), Made("Mallory")
CODE = Code(7, ("zebra", "ability", "orange"))
WRONG = Code(7, ("zebra", "ability", "ocean"))
HOUR = timedelta(hours=1)


def reason_of(call, *args: object, **named: object) -> Refusal:
    with pytest.raises(KeyRefusedError) as caught:
        call(*args, **named)
    return caught.value.reason


def fields(message: str) -> dict[str, object]:
    return decode(from_block(BLOCK, message))


def changed(message: str, **fields_: object) -> str:
    return to_block(BLOCK, canonical({**fields(message), **fields_}))


def joined(invitation: Invitation, m1: str, *, code: Code = CODE, at: datetime = NOW):
    joining, m2 = join(code, m1, BETA.card(), at=NOW)
    return joining, answer(invitation, m2, ALPHA.card(), at=at)


def test_both_sides_end_with_the_card_of_the_other():
    invitation, m1 = invite(CODE, at=NOW)
    joining, m2 = join(CODE, m1, BETA.card(), at=NOW)
    answered = answer(invitation, m2, ALPHA.card(), at=NOW + HOUR)
    assert answered.card == BETA.card()
    assert answered.refused is None
    assert finish(joining, answered.message, at=NOW + 2 * HOUR) == ALPHA.card()
    assert invitation_id(m1) == invitation_id(m2) == invitation_id(answered.message) == invitation.id


def test_states_are_kept_between_messages():
    invitation, m1 = invite(CODE, at=NOW)
    assert invitation_of(invitation_bytes(invitation)) == invitation
    joining, m2 = join(CODE, m1, BETA.card(), at=NOW)
    answered = answer(invitation_of(invitation_bytes(invitation)), m2, ALPHA.card(), at=NOW)
    assert finish(joining_of(joining_bytes(joining)), answered.message, at=NOW) == ALPHA.card()


def test_no_card_is_readable_on_the_way():
    invitation, m1 = invite(CODE, at=NOW)
    _, m2 = join(CODE, m1, BETA.card(), at=NOW)
    m3 = answer(invitation, m2, ALPHA.card(), at=NOW).message
    for message in (m1, m2, m3):
        for value in fields(message).values():
            data = base64.b64decode(value) if isinstance(value, str) and len(value) > 40 else b""
            for made in (ALPHA, BETA):
                assert made.name.encode() not in data
                assert made.root.public not in data


def test_t27_a_wrong_code_gives_nothing_and_costs_a_try():
    invitation, m1 = invite(CODE, at=NOW)
    _, answered = joined(invitation, m1, code=WRONG)
    assert answered.refused.reason is Refusal.WRONG_CODE
    assert (answered.card, answered.message) == (None, None)
    assert answered.invitation.tries_left == 2
    _, again = joined(answered.invitation, m1)
    assert again.card == BETA.card()


def test_t27_after_three_wrong_codes_the_right_one_is_refused():
    invitation, m1 = invite(CODE, at=NOW)
    for _ in range(3):
        _, answered = joined(invitation, m1, code=WRONG)
        invitation = answered.invitation
    _, m2 = join(CODE, m1, BETA.card(), at=NOW)
    assert reason_of(answer, invitation, m2, ALPHA.card(), at=NOW) is Refusal.CODE_SPENT


def test_t27_a_code_is_good_once():
    invitation, m1 = invite(CODE, at=NOW)
    _, m2 = join(CODE, m1, BETA.card(), at=NOW)
    used = answer(invitation, m2, ALPHA.card(), at=NOW).invitation
    assert used.spent
    assert reason_of(answer, used, m2, ALPHA.card(), at=NOW) is Refusal.CODE_SPENT
    _, other = join(CODE, m1, MALLORY.card(), at=NOW)
    assert reason_of(answer, used, other, ALPHA.card(), at=NOW) is Refusal.CODE_SPENT


def test_t27_a_code_is_good_for_a_day():
    invitation, m1 = invite(CODE, at=NOW)
    _, m2 = join(CODE, m1, BETA.card(), at=NOW)
    day = timedelta(hours=24)
    assert answer(invitation, m2, ALPHA.card(), at=NOW + day - HOUR).card is not None
    assert reason_of(answer, invitation, m2, ALPHA.card(), at=NOW + day) is Refusal.CODE_SPENT
    assert reason_of(join, CODE, m1, BETA.card(), at=NOW + day) is Refusal.CODE_SPENT


def test_t27_the_joiner_gives_nobody_a_fourth_guess():
    _, m1 = invite(CODE, at=NOW)
    assert reason_of(join, CODE, m1, BETA.card(), at=NOW, earlier=3) is Refusal.CODE_SPENT


def test_t27_a_man_in_the_middle_without_the_code_gets_no_card_from_either_side():
    invitation, m1 = invite(CODE, at=NOW)
    # He plays the inviter to Beta and the joiner to Alpha, guessing.
    fake, fake_m1 = invite(WRONG, at=NOW)
    joining, m2 = join(CODE, fake_m1, BETA.card(), at=NOW)
    towards_beta = answer(fake, m2, MALLORY.card(), at=NOW)
    assert towards_beta.card is None
    _, fake_m2 = join(WRONG, m1, MALLORY.card(), at=NOW)
    towards_alpha = answer(invitation, fake_m2, ALPHA.card(), at=NOW)
    assert towards_alpha.refused.reason is Refusal.WRONG_CODE
    # Handing on the messages of one run in the other does not help either.
    assert reason_of(answer, invitation, m2, ALPHA.card(), at=NOW) is Refusal.BAD_FORM
    handed_on = answer(invitation, changed(m2, id=fields(m1)["id"]), ALPHA.card(), at=NOW)
    assert handed_on.refused.reason is Refusal.WRONG_CODE
    forged = changed(fake_m2, t="invite-3", confirm=fields(fake_m2)["confirm"], id=fields(m2)["id"])
    without = {name: value for name, value in fields(forged).items() if name != "element"}
    m3 = to_block(BLOCK, canonical(without))
    assert reason_of(finish, joining, m3, at=NOW) is Refusal.WRONG_CODE


def test_t27_a_mirrored_message_is_refused():
    invitation, m1 = invite(CODE, at=NOW)
    _, m2 = join(CODE, m1, BETA.card(), at=NOW)
    assert reason_of(answer, invitation, m1, ALPHA.card(), at=NOW) is Refusal.BAD_FORM
    element = base64.b64decode(fields(m1)["element"])
    for mirrored in (element, b"B" + element[1:]):
        sent = changed(m2, element=base64.b64encode(mirrored).decode())
        answered = answer(invitation, sent, ALPHA.card(), at=NOW)
        assert answered.refused.reason is Refusal.WRONG_CODE
        assert answered.message is None


def test_t27_m3_of_another_run_or_changed_on_the_way_is_refused():
    invitation, m1 = invite(CODE, at=NOW)
    first, m2 = join(CODE, m1, BETA.card(), at=NOW)
    second, _ = join(CODE, m1, BETA.card(), at=NOW)
    m3 = answer(invitation, m2, ALPHA.card(), at=NOW).message
    assert reason_of(finish, second, m3, at=NOW) is Refusal.WRONG_CODE
    confirm = bytearray(base64.b64decode(fields(m3)["confirm"]))
    confirm[0] ^= 1
    bad = changed(m3, confirm=base64.b64encode(bytes(confirm)).decode())
    assert reason_of(finish, first, bad, at=NOW) is Refusal.WRONG_CODE
    assert finish(first, m3, at=NOW) == ALPHA.card()


@pytest.mark.parametrize(
    "element",
    [b"", b"B", b"B" + bytes(32), b"B" + b"\xff" * 32, b"B\x01" + bytes(31), b"B" * 40, b"S" + b"\2" * 32],
)
def test_an_element_that_is_none_costs_a_try_and_nothing_else(element: bytes):
    invitation, m1 = invite(CODE, at=NOW)
    _, m2 = join(CODE, m1, BETA.card(), at=NOW)
    sent = changed(m2, element=base64.b64encode(element).decode())
    answered = answer(invitation, sent, ALPHA.card(), at=NOW)
    assert answered == Answer(dataclasses.replace(invitation, tries_left=2), refused=answered.refused)
    assert answered.refused.reason is Refusal.WRONG_CODE
    bad_m1 = changed(m1, element=base64.b64encode(b"A" + element[1:]).decode())
    assert reason_of(join, CODE, bad_m1, BETA.card(), at=NOW) is Refusal.WRONG_CODE


def test_a_message_of_another_code_or_invitation_costs_no_try():
    invitation, m1 = invite(CODE, at=NOW)
    assert reason_of(join, Code(8, CODE.words), m1, BETA.card(), at=NOW) is Refusal.WRONG_CODE
    _, other = invite(CODE, at=NOW)
    _, m2 = join(CODE, other, BETA.card(), at=NOW)
    assert reason_of(answer, invitation, m2, ALPHA.card(), at=NOW) is Refusal.BAD_FORM


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: to_block(BLOCK, data)))
def test_any_text_is_judged_without_a_crash(text: str):
    assert reason_of(join, CODE, text, BETA.card(), at=NOW) is Refusal.BAD_FORM


def test_codes_differ_and_have_three_words_of_the_list():
    codes = {new_code(7).spoken for _ in range(50)}
    assert len(codes) == 50
    for spoken in codes:
        number, *words = spoken.split("-")
        assert number == "7"
        assert len(words) == 3
        assert set(words) <= set(word_list())


@pytest.mark.parametrize(
    "typed",
    [
        "7-zebra-ability-orange",
        "7 Zebra ability ORANGE\n",
        " 7-zebr-abil-oran ",
        "7, zebra, ability, orange.",
    ],
)
def test_a_code_is_read_as_people_type_it(typed: str):
    assert read_code(typed) == CODE


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "7",
        "zebra-ability-orange",
        "7-zebra-ability",
        "7-zebra-ability-orange-ocean",
        "0-zebra-ability-orange",
        "7-zebra-ability-oranges",
        "\u0667-zebra-ability-orange",
    ],
)
def test_t70_what_is_no_code_is_refused_and_not_shown(typed: str):
    with pytest.raises(UsageError) as caught:
        read_code(typed)
    said = caught.value.message + caught.value.hint
    assert "zebra" not in said
    assert "ability" not in said


def test_t70_no_code_and_no_key_is_in_any_text_form_or_error():
    invitation, m1 = invite(CODE, at=NOW)
    joining, m2 = join(CODE, m1, BETA.card(), at=NOW)
    answered = answer(invitation, m2, ALPHA.card(), at=NOW)
    _, failed = joined(invitation, m1, code=WRONG)
    shown = f"{CODE!r} {CODE} {invitation!r} {joining!r} {answered!r} {failed!r} {failed.refused!r}"
    for secret in (
        *CODE.words,
        "ocean",
        invitation.spake.decode(),
        repr(joining.key),
        repr(invitation.spake),
    ):
        assert secret not in shown
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - what it says is looked at
        invitation_of(invitation_bytes(invitation).replace(b'"number":7', b'"number":"7"'))
    assert "zebra" not in repr(caught.value)
