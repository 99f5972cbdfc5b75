"""Cosigning the checkpoints of others: add-checkpoint of C2SP tlog-witness, case by case."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.ledger.made import LOG, OTHER, WITNESS, entries, note_of
from tests.provenance.ledger.test_evidence import FALSE, TRUE, growth

from backchannel.provenance.ledger.checkpoints import open_checkpoint, with_cosignatures
from backchannel.provenance.ledger.evidence import Breach, check_evidence
from backchannel.provenance.ledger.notes import Note, SignatureLine, format_note, parse_note
from backchannel.provenance.ledger.signatures import check_signed, cosigned_at
from backchannel.provenance.ledger.witness import (
    SIZE_TYPE,
    Answer,
    Request,
    Seen,
    add_checkpoint,
    format_request,
    parse_request,
)
from backchannel.provenance.reasons import Reason, Rejected

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ask(seen: Seen | None, old: int, leaves: list[bytes], proof: list[bytes] | None = None) -> Answer:
    proof = growth(leaves, old, len(leaves)) if proof is None and old <= len(leaves) else proof
    return ask_with(seen, old, note_of(leaves), proof or [])


def ask_with(seen: Seen | None, old: int, note: bytes, proof: list[bytes]) -> Answer:
    request = parse_request(format_request(Request(old, tuple(proof), note)))
    return add_checkpoint(seen, [LOG.key], request, WITNESS.key, WITNESS.sign, at=AT)


def seen_at(size: int) -> Seen:
    answer = ask(None, 0, TRUE[:size])
    assert answer.status == HTTPStatus.OK
    assert answer.seen is not None
    return answer.seen


def test_the_first_checkpoint_is_cosigned_and_what_is_kept_carries_both_signatures():
    answer = ask(None, 0, TRUE[:7])
    assert answer.status == HTTPStatus.OK
    assert answer.seen is not None
    assert (answer.seen.size, answer.seen.origin) == (7, LOG.key.name)
    note = parse_note(answer.seen.note)
    assert len(check_signed(note, [LOG.key, WITNESS.key])) == 2
    complete = with_cosignatures(note_of(TRUE[:7]), answer.body.encode(), [WITNESS.key])
    assert complete == answer.seen.note
    (line,) = parse_note(complete).by(WITNESS.key)
    assert cosigned_at(line) == int(AT.timestamp())


def test_growth_is_cosigned_and_the_same_size_again_too():
    seen = seen_at(7)
    answer = ask(seen, 7, TRUE)
    assert (answer.status, answer.seen.size if answer.seen else 0) == (HTTPStatus.OK, 20)
    assert ask(answer.seen, 20, TRUE).status == HTTPStatus.OK


def test_404_for_a_ledger_that_is_not_known():
    answer = ask_with(None, 0, note_of(TRUE, OTHER), [])
    assert (answer.status, answer.seen) == (HTTPStatus.NOT_FOUND, None)


def test_403_without_a_right_signature_of_the_ledger():
    text = parse_note(note_of(TRUE)).text
    unknown = format_note(Note(text, (SignatureLine("x.example", b"abcd", bytes(64)),)))
    wrong = format_note(Note(text, (SignatureLine(LOG.key.name, LOG.key.key_id, bytes(64)),)))
    for note in (unknown, wrong):
        assert ask_with(None, 0, note, []).status == HTTPStatus.FORBIDDEN


def test_400_for_an_old_size_beyond_the_checkpoint_and_for_what_is_no_checkpoint():
    assert ask_with(seen_at(7), 8, note_of(TRUE[:7]), []).status == HTTPStatus.BAD_REQUEST
    assert ask_with(None, 0, b"nothing\n", []).status == HTTPStatus.BAD_REQUEST


def test_409_tells_the_size_that_is_known():
    seen = seen_at(7)
    for old in (0, 5, 9):
        answer = ask(seen, old, TRUE)
        assert (answer.status, answer.body, answer.content_type) == (HTTPStatus.CONFLICT, "7\n", SIZE_TYPE)
        assert answer.seen == seen
    answer = ask(None, 5, TRUE)
    assert (answer.status, answer.body) == (HTTPStatus.CONFLICT, "0\n")


def test_422_for_a_proof_that_does_not_verify_or_is_too_much():
    seen = seen_at(7)
    for proof in ([], growth(FALSE, 7, 20), growth(TRUE, 6, 20)):
        answer = ask(seen, 7, TRUE, proof)
        assert (answer.status, answer.reason) == (HTTPStatus.UNPROCESSABLE_ENTITY, Reason.BAD_CONSISTENCY)
        assert (answer.seen, answer.evidence) == (seen, None)
    assert ask(None, 0, TRUE, [bytes(32)]).status == HTTPStatus.UNPROCESSABLE_ENTITY


def test_t35_422_for_another_root_of_the_same_size_and_the_evidence_is_kept():
    seen = seen_at(20)
    answer = ask(seen, 20, FALSE)
    assert (answer.status, answer.reason) == (HTTPStatus.UNPROCESSABLE_ENTITY, Reason.LEDGER_FORK)
    assert answer.seen == seen
    assert answer.evidence is not None
    assert answer.evidence.breach is Breach.FORK
    check_evidence(answer.evidence)
    hidden = ask(
        seen, 0, FALSE
    )  # asked with another old size, the answer is 409, and the fork is seen all the same
    assert (hidden.status, hidden.evidence and hidden.evidence.breach) == (HTTPStatus.CONFLICT, Breach.FORK)


def test_t34_a_smaller_checkpoint_is_never_cosigned():
    seen = seen_at(20)
    for old in (0, 19):
        answer = ask(seen, old, TRUE[:19])
        assert (answer.status, answer.seen) == (HTTPStatus.CONFLICT, seen)
    assert ask(seen, 20, TRUE[:19], []).status == HTTPStatus.BAD_REQUEST


class Store:
    """Keeps what was seen as the desk does: it compares and puts in one step."""

    def __init__(self) -> None:
        self.seen: Seen | None = None

    def put(self, old: Seen | None, new: Seen | None) -> bool:
        if self.seen != old:
            return False
        self.seen = new
        return True


@given(
    st.permutations(["a-looks", "b-looks", "b-keeps", "a-keeps"]).filter(
        lambda steps: (
            steps.index("a-looks") < steps.index("a-keeps")
            and steps.index("b-looks") < steps.index("b-keeps")
        )
    )
)
def test_t38_two_requests_at_once_never_roll_a_witness_back(steps: list[str]):
    """The race of the specification: A of size N and B of size N+K, in every order of looking and keeping."""
    store = Store()
    store.put(None, seen_at(5))
    sizes, looked = {"a": 12, "b": 20}, {}
    answered: list[int] = []
    for step in steps:
        who = step[0]
        if step.endswith("looks"):
            old = store.seen
            assert old is not None
            looked[who] = (old, ask(old, old.size, TRUE[: sizes[who]]))
        else:
            old, answer = looked[who]
            if answer.status == HTTPStatus.OK and store.put(old, answer.seen):
                answered.append(answer.seen.size if answer.seen else 0)
    assert answered == sorted(answered)
    assert store.seen is not None
    assert store.seen.size == answered[-1]


def test_t38_killed_before_it_kept_a_witness_has_answered_nothing():
    """The answer is made with what has to be kept: without keeping it there is nothing to send."""
    seen = seen_at(5)
    answer = ask(seen, 5, TRUE[:12])
    # Killed here: the store still has `seen`, and the same request is answered again, as is a larger one.
    assert ask(seen, 5, TRUE[:12]).body == answer.body
    assert ask(seen, 5, TRUE).status == HTTPStatus.OK


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 5\n",
        b"old 05\n\n" + note_of(TRUE),
        b"old -1\n\n" + note_of(TRUE),
        b"new 5\n\n" + note_of(TRUE),
        b"old 5\nnot a hash\n\n" + note_of(TRUE),
        b"old 5\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63 + b"\n" + note_of(TRUE),
    ],
)
def test_a_request_of_bad_form_is_refused(body: bytes):
    with pytest.raises(Rejected) as caught:
        parse_request(body)
    assert caught.value.reason is Reason.BAD_FORM


def test_a_request_larger_than_any_is_refused():
    with pytest.raises(Rejected) as caught:
        parse_request(b"old 5\n" * 100_000)
    assert caught.value.reason is Reason.TOO_LARGE


def test_signatures_sent_under_our_own_name_are_not_kept():
    forged = Note(
        parse_note(note_of(TRUE)).text,
        (
            *parse_note(note_of(TRUE)).signatures,
            SignatureLine(WITNESS.key.name, WITNESS.key.key_id, bytes(72)),
        ),
    )
    answer = ask_with(None, 0, format_note(forged), [])
    assert answer.status == HTTPStatus.OK
    assert answer.seen is not None
    assert len(parse_note(answer.seen.note).by(WITNESS.key)) == 1
    assert open_checkpoint(answer.seen.note, LOG.key)[0].size == len(entries(20))
