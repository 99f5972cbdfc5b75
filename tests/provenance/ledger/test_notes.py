"""Notes, keys and checkpoints: what is read, what is refused, and that what we write is what others read."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.ledger.made import LOG, OTHER, WITNESS, Signer, checkpoint_of, entries, note_of

from backchannel.provenance.ledger.checkpoints import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    signed_checkpoint,
    with_cosignatures,
)
from backchannel.provenance.ledger.notes import (
    Note,
    VerifierKey,
    format_line,
    format_note,
    format_vkey,
    parse_note,
    parse_vkey,
)
from backchannel.provenance.ledger.signatures import check_signed, cosigned, cosigned_at, is_by, signed
from backchannel.provenance.reasons import Reason, Rejected

TEN = entries(10)
TESSERA = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


def refused(data: bytes, *keys: VerifierKey) -> Reason:
    with pytest.raises(Rejected) as caught:
        open_checkpoint(data, *(keys or (LOG.key,)))
    return caught.value.reason


# --- Keys ----------------------------------------------------------------------------------------------


def test_the_example_of_the_signed_note_specification_verifies():
    key = parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = parse_note(
        "This is an example message.\n\n— example.com/foo "
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n".encode()
    )
    assert len(check_signed(note, [key])) == 1


def test_a_key_is_read_as_it_is_written():
    for signer in (LOG, WITNESS):
        assert parse_vkey(format_vkey(signer.key)) == signer.key
    assert format_vkey(parse_vkey(TESSERA)) == TESSERA


@pytest.mark.parametrize(
    ("vkey", "reason"),
    [
        (TESSERA.replace("33d7b496", "33d7b497"), Reason.BAD_FORM),
        (TESSERA.replace("33d7b496", "33D7B496"), Reason.BAD_FORM),
        (TESSERA.replace("example.com", "example com"), Reason.BAD_FORM),
        (TESSERA[:-4], Reason.BAD_FORM),
        (TESSERA + "=", Reason.BAD_FORM),
        (TESSERA.partition("+")[2], Reason.BAD_FORM),
        ("", Reason.BAD_FORM),
        ("a" * 2_000 + TESSERA, Reason.BAD_FORM),
        (format_vkey(VerifierKey("x.example", bytes(32), 2)), Reason.BAD_FORM),
        (format_vkey(VerifierKey("x.example", b"\x01" + bytes(31))), Reason.WEAK_KEY),
    ],
)
def test_t29_a_key_that_is_none_or_a_weak_one_is_refused(vkey: str, reason: Reason):
    with pytest.raises(Rejected) as caught:
        parse_vkey(vkey)
    assert caught.value.reason is reason


# --- T37 -----------------------------------------------------------------------------------------------


def test_a_checkpoint_is_read_as_it_is_written():
    checkpoint, note = open_checkpoint(note_of(TEN), LOG.key)
    assert checkpoint == checkpoint_of(TEN)
    assert format_note(note) == note_of(TEN)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note.replace(b"\n\n", b"\n"),
        lambda note: note.rstrip(b"\n"),
        lambda note: note + b"\n",
        lambda note: note + b"a line that is no signature\n",
        lambda note: note.replace(b"\n10\n", b"\n10\r\n"),
        lambda note: note.replace("—".encode(), b"-"),
        lambda note: note.replace(b"alpha", b"al\xffpha"),
        lambda note: note.replace(b"alpha", b"al\x00pha"),
        lambda note: note[:-3] + b"\n",
        lambda note: note[:-2] + b"==\n",
        lambda note: note.partition(b"\n\n")[0] + b"\n\n",
        lambda note: b"",
        lambda note: b"\n\n",
    ],
)
def test_t37_a_note_of_bad_form_is_refused(spoil):
    spoiled = spoil(note_of(TEN))
    assert spoiled != note_of(TEN)
    assert refused(spoiled) in {Reason.BAD_CHECKPOINT, Reason.BAD_SIGNATURE}


def test_t37_two_blank_lines_are_refused():
    doubled = note_of(TEN).replace(b"\n\n", b"\n\n\n")
    assert refused(doubled) is Reason.BAD_SIGNATURE  # the text is another one: with one more line
    text = format_checkpoint(checkpoint_of(TEN)) + "\n"
    assert refused(signed_text(text)) is Reason.BAD_CHECKPOINT  # signed with it: a line of the text is empty


def signed_text(text: str, signer: Signer = LOG) -> bytes:
    return format_note(Note(text, (signed(text, signer.key, signer.sign),)))


ROOT = b64encode(checkpoint_of(TEN).root).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{LOG.key.name}\n10\n",
        f"{LOG.key.name}\n10\n{ROOT}\n\nextension\n",
        f"\n10\n{ROOT}\n",
        f"{LOG.key.name}\n010\n{ROOT}\n",
        f"{LOG.key.name}\n-1\n{ROOT}\n",
        f"{LOG.key.name}\n+1\n{ROOT}\n",
        f"{LOG.key.name}\n\u0663\n{ROOT}\n",
        f"{LOG.key.name}\n{2**63}\n{ROOT}\n",
        f"{LOG.key.name}\n0\n{ROOT}\n",
        f"{LOG.key.name}\n10\n{ROOT[:-4]}\n",
        f"{LOG.key.name}\n10\n{ROOT[:-2]}==\n",
        f"{LOG.key.name}\n10\n{ROOT} \n",
    ],
)
def test_t37_a_signed_text_that_is_no_checkpoint_is_refused(text: str):
    assert refused(signed_text(text)) is Reason.BAD_CHECKPOINT


def test_t37_a_note_that_only_unknown_keys_signed_is_refused():
    assert refused(note_of(TEN, OTHER)) is Reason.UNKNOWN_KEY
    assert refused(note_of(TEN), OTHER.key, WITNESS.key) is Reason.UNKNOWN_KEY
    with pytest.raises(Rejected):
        open_checkpoint(note_of(TEN))


def test_t37_signatures_of_unknown_keys_beside_a_known_one_are_ignored():
    ours, theirs = parse_note(note_of(TEN)), parse_note(signed_text(parse_note(note_of(TEN)).text, OTHER))
    both = format_note(Note(ours.text, (*theirs.signatures, *ours.signatures)))
    assert open_checkpoint(both, LOG.key)[0] == checkpoint_of(TEN)


def test_t37_a_key_id_that_collides_under_another_name_or_key_proves_nothing():
    line = parse_note(note_of(TEN)).signatures[0]
    renamed = Note(parse_note(note_of(TEN)).text, (type(line)("other.example", line.key_id, line.signature),))
    assert refused(format_note(renamed)) is Reason.UNKNOWN_KEY
    forged = Note(
        renamed.text, (type(line)(LOG.key.name, LOG.key.key_id, OTHER.sign(renamed.text.encode())),)
    )
    assert refused(format_note(forged)) is Reason.BAD_SIGNATURE


def test_t37_one_wrong_signature_of_a_known_key_refuses_the_whole_note():
    good = parse_note(note_of(TEN))
    line = good.signatures[0]
    wrong = type(line)(line.name, line.key_id, bytes(64))
    for lines in ((line, wrong), (wrong, line), (wrong,)):
        assert refused(format_note(Note(good.text, lines))) is Reason.BAD_SIGNATURE
    spoiled = note_of(TEN).replace(b"\n10\n", b"\n11\n")
    assert refused(spoiled) is Reason.BAD_SIGNATURE


def test_t37_sixteen_signatures_are_read_and_seventeen_refused():
    good = parse_note(note_of(TEN))
    others = [parse_note(signed_text(good.text, Signer(f"{n}.example"))).signatures[0] for n in range(16)]
    assert open_checkpoint(format_note(Note(good.text, (*others[:15], *good.signatures))), LOG.key)
    assert refused(format_note(Note(good.text, (*others, *good.signatures)))) is Reason.TOO_MANY


def test_t37_a_note_larger_than_any_is_refused_before_it_is_read():
    assert refused(note_of(TEN) * 2_000) is Reason.TOO_LARGE


def test_t37_a_checkpoint_with_the_name_of_another_ledger_is_refused():
    text = format_checkpoint(Checkpoint(OTHER.key.name, 10, checkpoint_of(TEN).root))
    assert refused(signed_text(text)) is Reason.WRONG_LEDGER
    assert (
        refused(note_of(TEN).replace(b"alpha.example/ledger\n10", b"mallory.example/ledger\n10"))
        is Reason.BAD_SIGNATURE
    )


def test_a_checkpoint_is_not_signed_with_a_key_of_another_name():
    with pytest.raises(ValueError, match="does not sign"):
        signed_checkpoint(checkpoint_of(TEN), OTHER.key, OTHER.sign)


@given(st.binary(max_size=300))
def test_whatever_bytes_come_a_note_is_read_or_rejected(data: bytes):
    for spoiled in (data, note_of(TEN)[:50] + data + note_of(TEN)[50:], note_of(TEN) + data):
        try:
            note = parse_note(spoiled)
        except Rejected:
            continue
        assert format_note(note) == spoiled


@given(st.text(max_size=80))
def test_whatever_text_comes_a_checkpoint_is_read_as_written_or_rejected(text: str):
    for one in (text, f"{text}\n10\n{ROOT}\n", f"a\n{text}\n{ROOT}\n", f"a\n1\n{text}\n"):
        try:
            checkpoint = parse_checkpoint(one)
        except Rejected:
            continue
        assert format_checkpoint(checkpoint) == one


# --- Cosignatures --------------------------------------------------------------------------------------

COSIGNED_AT = 1_679_315_147


def test_the_cosignature_signs_the_bytes_that_the_specification_shows():
    said: list[bytes] = []
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    line = cosigned(text, WITNESS.key, lambda data: said.append(data) or bytes(64), at=COSIGNED_AT)
    assert said == [b"cosignature/v1\ntime 1679315147\n" + text.encode()]
    assert cosigned_at(line) == COSIGNED_AT
    assert line.signature[:8] == (0x641850CB).to_bytes(8, "big")


def test_a_cosignature_verifies_for_its_key_its_text_and_its_time_only():
    note = parse_note(note_of(TEN))
    line = cosigned(note.text, WITNESS.key, WITNESS.sign, at=COSIGNED_AT)
    assert is_by(WITNESS.key, line, note.text)
    assert not is_by(WITNESS.key, line, note.text.replace("10", "11"))
    later = type(line)(line.name, line.key_id, (COSIGNED_AT + 1).to_bytes(8, "big") + line.signature[8:])
    assert not is_by(WITNESS.key, later, note.text)
    for short in (b"", line.signature[:8], line.signature[:-1]):
        assert not is_by(WITNESS.key, type(line)(line.name, line.key_id, short), note.text)
    with pytest.raises(ValueError, match="after 1970"):
        cosigned(note.text, WITNESS.key, WITNESS.sign, at=0)


def test_a_witness_never_stands_in_for_the_ledger():
    note = parse_note(note_of(TEN))
    line = cosigned(note.text, WITNESS.key, WITNESS.sign, at=COSIGNED_AT)
    assert refused(format_note(Note(note.text, (line,))), LOG.key, WITNESS.key) is Reason.UNKNOWN_KEY


def test_cosignatures_of_known_witnesses_are_added_and_a_wrong_one_is_refused():
    data, text = note_of(TEN), parse_note(note_of(TEN)).text
    line = cosigned(text, WITNESS.key, WITNESS.sign, at=COSIGNED_AT)
    stranger = Signer("stranger.example", 4)
    foreign = cosigned(text, stranger.key, stranger.sign, at=COSIGNED_AT)
    answer = (format_line(line) + format_line(foreign)).encode()
    with_one = with_cosignatures(data, answer, [WITNESS.key])
    assert with_one == data + format_line(line).encode()
    assert with_cosignatures(with_one, answer, [WITNESS.key]) == with_one
    spoiled = type(line)(line.name, line.key_id, bytes(72))
    with pytest.raises(Rejected) as caught:
        with_cosignatures(data, format_line(spoiled).encode(), [WITNESS.key])
    assert caught.value.reason is Reason.BAD_COSIGNATURE


# --- T38: the log that Tessera wrote -------------------------------------------------------------------


def test_t38_every_checkpoint_of_tesseras_log_verifies(shared_data: Path):
    folder = shared_data / "vectors" / "tlog" / "tessera-log"
    for size in range(16):
        checkpoint, _ = open_checkpoint((folder / f"checkpoint.{size}").read_bytes(), parse_vkey(TESSERA))
        assert (checkpoint.origin, checkpoint.size) == ("example.com/log/testdata", size)
