"""The forms of messages: what is written is read again, and whatever else comes is refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backchannel.drop.sealing import new_identity
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi import suites
from backchannel.psi.audit import places
from backchannel.psi.budget import MAX_ITEMS, size_of
from backchannel.psi.files import MAGIC, check_body, open_message, seal_for, seal_message
from backchannel.psi.items import Sort
from backchannel.psi.messages import (
    BODIES,
    STEP_OF,
    Confirm,
    Decline,
    Propose,
    Step,
    pack,
    read_body,
    unpack,
    write_body,
)

IDENTITY, RECIPIENT = new_identity()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20))
def test_a_list_of_elements_is_read_as_it_was_written(elements: list[bytes]):
    assert unpack(pack(elements), 32) == elements


@given(st.text(max_size=100) | st.binary(max_size=90).map(lambda data: pack([data])))
def test_a_list_of_elements_has_one_spelling(text: str):
    try:
        found = unpack(text, 33)
    except Rejected:
        return
    assert pack(found) == text


@pytest.mark.parametrize(
    "body", [Propose(because="x"), Confirm(confirm="0" * 64), Decline(reason="declined")]
)
def test_a_body_is_read_as_it_was_written(body):
    assert read_body(write_body(body), STEP_OF[type(body)]) == body


@given(st.binary(max_size=200), st.sampled_from(Step))
def test_a_body_of_another_form_is_refused(data: bytes, step: Step):
    with pytest.raises(Rejected):
        read_body(data, step)


def test_a_body_of_another_step_or_with_a_field_that_is_not_known_is_refused():
    assert set(BODIES) == set(Step)
    for data, step in (
        (write_body(Confirm(confirm="0" * 64)), Step.PROPOSE),
        (b'{"because":"x","more":1}', Step.PROPOSE),
        (b'{"confirm":"' + b"0" * 63 + b'"}', Step.CONFIRM),
        (b'{"because": "x"}', Step.PROPOSE),
        (b'{"because":"' + b"x" * 1_001 + b'"}', Step.PROPOSE),
    ):
        with pytest.raises(Rejected):
            read_body(data, step)


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=200), st.binary(max_size=200))
def test_a_message_is_opened_to_what_was_sealed_and_by_its_recipient_only(envelope: bytes, body: bytes):
    data = seal_message(envelope, body, RECIPIENT)
    assert open_message(data, [IDENTITY]) == (envelope, body)
    with pytest.raises(Rejected) as error:
        open_message(data, [new_identity()[0]])
    assert error.value.reason is Reason.NOT_FOR_US


@settings(max_examples=50)
@given(st.binary(max_size=100))
def test_what_is_no_message_is_refused(content: bytes):
    for data in (content, seal_for(content, RECIPIENT)):
        with pytest.raises(Rejected):
            open_message(data, [IDENTITY])


def test_lengths_that_lie_are_refused():
    for parts, reason in (
        (b"\xff\xff\xff\xff", Reason.TOO_LARGE),
        (b"\0\0\0\x05abc", Reason.TRUNCATED),
        (b"\0\0\0\x01a\0\0\0\x01bc", Reason.BAD_FRAME),
        (b"\0\0\0\x01a\0\0", Reason.TRUNCATED),
    ):
        with pytest.raises(Rejected) as error:
            open_message(seal_for(MAGIC + parts, RECIPIENT), [IDENTITY])
        assert error.value.reason is reason
    with pytest.raises(Rejected):
        check_body(b"a", "sha256:" + "0" * 64)


@given(st.integers(0, MAX_ITEMS), st.integers(0, MAX_ITEMS))
def test_a_larger_set_is_never_shown_smaller(one: int, other: int):
    sizes = sorted((n, size_of(n, [Sort.HASH])) for n in (one, other))
    assert all(size >= n for n, size in sizes)
    assert sizes[0][1] <= sizes[1][1]


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32), st.integers(132, 10_032))
def test_what_is_opened_by_chance_lies_in_the_set_and_is_the_same_for_both(
    session: bytes, challenge: bytes, n: int
):
    found = places(session, challenge, n)
    assert found == places(session, challenge, n)
    assert len(found) == len(set(found)) == 8
    assert all(0 <= place < n for place in found)


def test_a_node_without_an_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(suites, "find_spec", lambda name: None)
    assert suites.suites() == ()
    for name in ("edwards25519", "p256", "other"):
        with pytest.raises(suites.UsageError) as error:
            suites.engine(name)
        assert "backchannel[psi]" in error.value.hint
