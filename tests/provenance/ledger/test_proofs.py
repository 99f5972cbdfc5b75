"""Leaves, .tlog-proof files and policies."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.ledger.made import LOG, OTHER, Signer, checkpoint_of, entries, fill, note_of

from backchannel.provenance.ledger.leaves import (
    LeafKind,
    blinding,
    commitment,
    dummy_leaf,
    make_leaf,
    opens,
    parse_leaf,
)
from backchannel.provenance.ledger.notes import COSIGNATURE, Note, format_note, format_vkey, parse_note
from backchannel.provenance.ledger.policy import check_policy, parse_policy
from backchannel.provenance.ledger.proving import prove_inclusion
from backchannel.provenance.ledger.signatures import cosigned
from backchannel.provenance.ledger.tiles import Tiles, files_in
from backchannel.provenance.ledger.tlog_proof import TlogProof, check_proof, format_proof, parse_proof
from backchannel.provenance.reasons import Reason, Rejected

DAY = date(2026, 1, 2)


def reason_of(what, *args) -> Reason:
    with pytest.raises(Rejected) as caught:
        what(*args)
    return caught.value.reason


# --- Leaves --------------------------------------------------------------------------------------------


def test_a_leaf_is_canonical_says_kind_and_day_only_and_is_opened_by_its_own_statement():
    r32 = bytes(range(32))
    entry = make_leaf(LeafKind.SENT, b"statement", DAY, r32)
    assert (
        entry
        == b'{"c":"sha256:' + commitment(b"statement", r32).hex().encode() + b'","d":"2026-01-02","t":"sent"}'
    )
    leaf = parse_leaf(entry)
    assert (leaf.kind, leaf.day) == (LeafKind.SENT, DAY)
    assert opens(leaf, b"statement", r32)
    for statement, blind in (
        (b"statemenT", r32),
        (b"statement", bytes(32)),
        (b"statement", r32[:-1]),
        (b"", r32),
    ):
        assert not opens(leaf, statement, blind)
    # The bytes cannot be cut at another place: r32 has one length.
    assert not opens(leaf, b"\x1fstatement", r32[:-1])


@given(st.binary(max_size=50))
def test_equal_statements_give_leaves_that_nobody_can_tell_apart_from_dummies(statement: bytes):
    made = {make_leaf(LeafKind.SENT, statement, DAY, blinding()) for _ in range(3)}
    dummy = dummy_leaf(LeafKind.SENT, DAY)
    assert len(made | {dummy}) == 4
    assert {len(entry) for entry in made} == {len(dummy)}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (b"{}", Reason.BAD_FORM),
        (b"not json", Reason.NOT_JSON),
        (b"[]", Reason.NOT_JSON),
        (b'{"c":"sha256:' + b"0" * 64 + b'", "d":"2026-01-02","t":"sent"}', Reason.NOT_CANONICAL),
        (b'{"c":"sha256:' + b"0" * 64 + b'","c":"x","d":"2026-01-02","t":"sent"}', Reason.NOT_CANONICAL),
        (b'{"c":"sha256:' + b"0" * 64 + b'","d":"2026-01-02","t":"other"}', Reason.BAD_FORM),
        (b'{"c":"sha256:' + b"0" * 64 + b'","d":"2026-02-30","t":"sent"}', Reason.BAD_FORM),
        (b'{"c":"sha256:' + b"0" * 64 + b'","d":"20260102","t":"sent"}', Reason.BAD_FORM),
        (b'{"c":"sha256:' + b"0" * 63 + b'","d":"2026-01-02","t":"sent"}', Reason.BAD_FORM),
        (b'{"c":1,"d":"2026-01-02","t":"sent"}', Reason.BAD_FORM),
        (b" " * 1_025, Reason.TOO_LARGE),
    ],
)
def test_a_leaf_of_bad_form_is_refused(entry: bytes, reason: Reason):
    assert reason_of(parse_leaf, entry) is reason


# --- .tlog-proof ---------------------------------------------------------------------------------------

LEAVES = entries(300)


@pytest.fixture
def proof(tmp_path: Path) -> TlogProof:
    note = fill(tmp_path, LEAVES).note
    _, hashes = prove_inclusion(Tiles(files_in(tmp_path), 300), 271, checkpoint_of(LEAVES))
    return TlogProof(271, tuple(hashes), note, b"an opening")


def test_a_proof_is_read_as_it_is_written_and_shows_its_entry_only(proof: TlogProof):
    for one in (proof, TlogProof(0, (), note_of(LEAVES[:1]))):
        data = format_proof(one)
        assert data.startswith(b"c2sp.org/tlog-proof@v1\n")
        assert parse_proof(data) == one
        assert check_proof(one, LEAVES[one.index], [OTHER.key, LOG.key]).size in {1, 300}
        assert reason_of(check_proof, one, b"another", [LOG.key]) is Reason.BAD_INCLUSION
        assert reason_of(check_proof, one, LEAVES[one.index], [OTHER.key]) is Reason.UNKNOWN_KEY


def test_every_flipped_bit_of_a_proof_but_in_its_unproved_extra_is_noticed(proof: TlogProof):
    data = format_proof(TlogProof(proof.index, proof.hashes, proof.note))
    for at in range(len(data)):
        for bit in (1, 4):
            spoiled = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            assert reason_of(lambda d: check_proof(parse_proof(d), LEAVES[271], [LOG.key]), spoiled)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data.replace(b"@v1", b"@v2"),
        lambda data: data.replace(b"index 271", b"index 0271"),
        lambda data: data.replace(b"index 271\n", b""),
        lambda data: data.replace(b"extra ", b"extra !"),
        lambda data: data.replace(b"index 271\n", b"index 271\nAAAA\n"),
        lambda data: data.replace(b"index 271\n", b"index 271\n" + (b"A" * 43 + b"=\n") * 60),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"extra", "exträ".encode()),
    ],
)
def test_a_proof_of_bad_form_is_refused(proof: TlogProof, spoil):
    data = format_proof(proof)
    assert spoil(data) != data
    assert reason_of(parse_proof, spoil(data)) is Reason.BAD_INCLUSION
    assert reason_of(parse_proof, data + bytes(2_000_000)) is Reason.TOO_LARGE


# --- Policies ------------------------------------------------------------------------------------------

WITNESSES = {
    name: Signer(f"{name}.example/witness", COSIGNATURE) for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")
}
POLICY = "\n".join(
    [
        "# The example of the specification, with keys.",
        f"log {format_vkey(LOG.key)} https://alpha.example/ledger",
        "",
        *(f"\twitness {name}  {format_vkey(one.key)}" for name, one in WITNESSES.items()),
        "group X-witnesses 2 X1 X2 X3",
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
)


def cosigned_by(*names: str) -> bytes:
    note = parse_note(note_of(LEAVES))
    lines = (
        cosigned(note.text, WITNESSES[name].key, WITNESSES[name].sign, at=1_700_000_000) for name in names
    )
    return format_note(Note(note.text, (*note.signatures, *lines)))


@pytest.mark.parametrize(
    ("names", "enough"),
    [
        ((), False),
        (("X1", "X2"), False),
        (("X1", "Y1"), False),
        (("Y1", "Y2", "Y3"), False),
        (("X1", "X1", "Y1"), False),
        (("X1", "X3", "Y2"), True),
        (("X1", "X2", "X3", "Y1", "Y2", "Y3"), True),
    ],
)
def test_a_quorum_is_counted_as_the_policy_says(names: tuple[str, ...], enough: bool):
    policy = parse_policy(POLICY.encode())
    if enough:
        assert check_policy(policy, cosigned_by(*names)) == checkpoint_of(LEAVES)
    else:
        assert reason_of(check_policy, policy, cosigned_by(*names)) is Reason.TOO_FEW_WITNESSES


def test_a_policy_without_witnesses_and_one_of_other_ledgers():
    alone = parse_policy(f"log {format_vkey(LOG.key)}\nquorum none\n".encode())
    assert check_policy(alone, note_of(LEAVES)).size == 300
    assert reason_of(check_policy, alone, note_of(LEAVES, OTHER)) is Reason.UNKNOWN_KEY
    one = parse_policy(
        f"log {format_vkey(LOG.key)}\nwitness w {format_vkey(WITNESSES['X1'].key)}\nquorum w".encode()
    )
    assert check_policy(one, cosigned_by("X1")).size == 300
    spoiled = cosigned_by("X1").replace(b"\n300\n", b"\n301\n")
    assert reason_of(check_policy, one, spoiled) is Reason.BAD_SIGNATURE


def test_a_wrong_cosignature_of_a_known_witness_refuses_the_checkpoint():
    note = parse_note(cosigned_by("X1", "X2", "Y1"))
    *rest, last = note.signatures
    wrong = type(last)(last.name, last.key_id, last.signature[:-1] + bytes([last.signature[-1] ^ 1]))
    policy = parse_policy(POLICY.encode())
    assert (
        reason_of(check_policy, policy, format_note(Note(note.text, (*rest, wrong))))
        is Reason.BAD_COSIGNATURE
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("quorum X-and-Y", ""),
        lambda text: text + "quorum none\n",
        lambda text: text.replace("quorum X-and-Y", "quorum Z"),
        lambda text: text.replace("group X-witnesses 2", "group X-witnesses 4"),
        lambda text: text.replace("group X-witnesses 2", "group X-witnesses 0"),
        lambda text: text.replace("group X-witnesses 2 X1 X2 X3", "group X-witnesses 2"),
        lambda text: text.replace("any Y1 Y2 Y3", "any Y1 Y2 X3"),
        lambda text: text.replace("any Y1 Y2 Y3", "any Y1 Y2 none"),
        lambda text: text.replace("any Y1 Y2 Y3", "some Y1 Y2 Y3"),
        lambda text: text.replace("witness X2", "witness X1"),
        lambda text: text.replace("witness X2", "witness none"),
        lambda text: text.replace(format_vkey(WITNESSES["X2"].key), format_vkey(WITNESSES["X1"].key)),
        lambda text: text.replace(format_vkey(LOG.key), format_vkey(WITNESSES["X1"].key)),
        lambda text: text.replace(format_vkey(WITNESSES["X2"].key), format_vkey(OTHER.key)),
        lambda text: text.replace("\n\t", "\n\v"),
        lambda text: text.replace("group Y", "\r\ngroup Y"),
        lambda text: text.replace("group Y", "grüppe Y"),
        lambda text: f"log {format_vkey(LOG.key)} a b\n" + text,
    ],
)
def test_a_policy_of_bad_form_is_refused_with_its_line(spoil):
    assert spoil(POLICY) != POLICY
    with pytest.raises(Rejected) as caught:
        parse_policy(spoil(POLICY).encode())
    assert caught.value.reason is Reason.BAD_FORM


def test_names_are_opaque_bytes_and_a_policy_has_bounds():
    key = format_vkey(WITNESSES["X1"].key).encode()
    parse_policy(b"witness \xff\xfe " + key + b"\nquorum \xff\xfe\n")
    assert reason_of(parse_policy, b"witness K " + key + b"\nquorum \xe2\x84\xaa\n") is Reason.BAD_FORM
    assert reason_of(parse_policy, b"#" * 70_000) is Reason.TOO_LARGE
    many = b"".join(b"group g%d any g%d\n" % (n, n - 1) for n in range(1, 300))
    assert reason_of(parse_policy, b"witness g0 " + key + b"\n" + many + b"quorum none\n") is Reason.TOO_MANY
