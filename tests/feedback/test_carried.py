"""A signed statement within a note: any tool takes it, and what was signed comes out as it went in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.feedback.oracles import CHECK_STIX2, CHECK_VALIDATOR, said_of
from tests.provenance.made import INDICATOR, said, verified
from tests.sim.party import BETA, SimParty

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.feedback.carried import EXTENSION, carry, companions, envelope_in, note_id
from backchannel.feedback.envelope import MAX_TEXT_CHARS, Speaker
from backchannel.feedback.telling import in_words
from backchannel.ids import PartyId
from backchannel.intake.documents import read_piece
from backchannel.provenance.predicates import DeclineReason, Receipt
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import MAX_STATEMENT_BYTES, open_envelope
from backchannel.stix.markings import Tlp, tlp_of
from backchannel.stix.split import Piece

NOW = datetime(2026, 11, 20, 12, 0, 0, 123000, tzinfo=UTC)
US = Speaker(PartyId("identity--6a1b2c3d-0000-4000-8000-00000000000a"), "CERT Beta", NOW)
READER = PartyId("identity--6a1b2c3d-0000-4000-8000-00000000000b")


def receipt(**changes: object) -> Receipt:
    fields: dict[str, object] = {
        "manifest": f"sha256:{'5' * 64}",
        "seq": 3,
        "verdict": "accepted",
        "state": "read",
        "when": "2026-01-15",
    }
    return Receipt(**(fields | changes))  # type: ignore[arg-type]


def carried(predicate: Receipt, *, is_about_object: bool = True, tlp: Tlp = Tlp.GREEN) -> JsonObject:
    envelope = said(predicate, by=BETA) if is_about_object else said(predicate, by=BETA, subject=[])
    words = in_words(open_envelope(envelope).statement, US.name)
    return carry(envelope, US, reader=READER, tlp=tlp, abstract=words.abstract, content=words.content)


DECLINED = receipt(
    state="declined", reason=DeclineReason(code="no-capability", text="We have no such product.")
)
MADE = {
    "read": carried(receipt()),
    "a whole drop": carried(receipt(state="received"), is_about_object=False),
    "declined": carried(DECLINED, tlp=Tlp.AMBER),
    "strict": carried(receipt(), tlp=Tlp.AMBER_STRICT),
}


def test_what_was_signed_comes_out_letter_for_letter():
    envelope = said(receipt(), by=BETA)
    made = carry(envelope, US, reader=READER, tlp=Tlp.GREEN, abstract="Read", content="CERT Beta read this.")
    assert envelope_in(made) == envelope
    assert envelope_in(json.loads(json.dumps(made, indent=3, sort_keys=True))) == envelope
    assert verified(envelope_in(made) or b"").predicate == receipt()


def test_the_same_statement_is_the_same_note_and_another_is_another():
    envelope = said(receipt(), by=BETA)
    one, other = (
        carry(envelope, US, reader=READER, tlp=Tlp.GREEN, abstract="Read", content="CERT Beta read this.")
        for _ in range(2)
    )
    assert codec.encode(one) == codec.encode(other)
    assert one["id"] == note_id(open_envelope(envelope).digest) != MADE["read"]["id"]
    assert one["created"] == one["modified"]


def test_it_names_the_objects_that_it_is_about_else_its_reader():
    assert MADE["read"]["object_refs"] == [INDICATOR["id"]]
    assert MADE["a whole drop"]["object_refs"] == [READER]


@pytest.mark.parametrize("tlp", Tlp)
def test_it_is_marked_as_it_is_meant(tlp: Tlp):
    assert tlp_of(carried(receipt(), tlp=tlp), default=None) is tlp


@pytest.mark.parametrize(
    ("predicate", "abstract", "content"),
    [
        (receipt(), "Read", "CERT Beta read this."),
        (receipt(state="received"), "Received", "CERT Beta received this."),
        (
            receipt(state="received", verdict="partly", refused=[Reason.BAD_FORM]),
            "Received",
            "CERT Beta received this, and refused a part of it (bad-form).",
        ),
        (
            receipt(state="received", verdict="refused"),
            "Received",
            "CERT Beta received this and refused it.",
        ),
        (
            receipt(state="acted", acted="hunted, nothing"),
            "Acted on",
            "CERT Beta acted on this: hunted, nothing.",
        ),
        (receipt(state="acted"), "Acted on", "CERT Beta acted on this."),
        (DECLINED, "Declined", "CERT Beta declined this (no-capability). We have no such product."),
    ],
)
def test_a_person_reads_what_is_said(predicate: Receipt, abstract: str, content: str):
    made = carried(predicate)
    assert (made["abstract"], made["content"]) == (abstract, content)


def test_long_words_of_ours_are_cut_in_the_note_and_not_in_the_statement():
    long = receipt(state="declined", reason=DeclineReason(code="stale", text="x" * 4_000))
    made = carried(long)
    assert len(made["content"]) == MAX_TEXT_CHARS
    assert verified(envelope_in(made) or b"").predicate == long


def test_what_is_no_statement_is_not_carried():
    with pytest.raises(ValueError, match="no statement to carry"):
        carry(b"{}", US, reader=READER, tlp=Tlp.GREEN, abstract="Read", content="Read.")


def test_our_own_validation_finds_nothing_to_say():
    for value in [*MADE.values(), *companions(US)]:
        item = read_piece("x#/objects/0", Piece("/objects/0", codec.encode(value), False), "")
        assert item.findings == (), (value["type"], item.findings)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=3))
def test_what_carries_nothing_carries_nothing(extensions: dict[str, object]):
    assert envelope_in({"type": "note", "extensions": extensions}) is None


@pytest.mark.parametrize("value", [{}, {"type": "note"}, {"extensions": None}, {"extensions": [EXTENSION]}])
def test_no_extension_is_no_statement(value: JsonObject):
    assert envelope_in(value) is None


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        ({}, Reason.BAD_FORM),
        ([], Reason.BAD_FORM),
        ("text", Reason.BAD_FORM),
        ({"envelope": {"payload": ""}}, Reason.BAD_FORM),
        ({"envelope": "x" * (MAX_STATEMENT_BYTES + 1)}, Reason.TOO_LARGE),
    ],
)
def test_an_extension_of_another_form_is_refused_with_its_code(extension: object, reason: Reason):
    with pytest.raises(Rejected) as caught:
        envelope_in({"type": "note", "extensions": {EXTENSION: extension}})
    assert caught.value.reason is reason


def test_a_note_of_somebody_else_s_making_proves_nothing_by_itself():
    forged = said(receipt(), by=SimParty("Mallory"))
    made = carry(forged, US, reader=READER, tlp=Tlp.GREEN, abstract="Read", content="CERT Beta read this.")
    with pytest.raises(Rejected) as caught:
        verified(envelope_in(made) or b"")
    assert caught.value.reason is Reason.UNKNOWN_KEY


def bundles() -> str:
    objects = [[*companions(US), made] for made in MADE.values()]
    made = [{"type": "bundle", "id": f"bundle--{uuid_of(one)}", "objects": one} for one in objects]
    return json.dumps([codec.encode(one).decode() for one in made])


def uuid_of(objects: list[JsonObject]) -> str:
    return str(objects[-1]["id"]).partition("--")[2]


@pytest.mark.peer("stix2")
def test_python_stix2_reads_and_writes_it_as_it_is(peer_python: Path):
    assert said_of(peer_python, CHECK_STIX2, bundles()).startswith("taken")


@pytest.mark.peer("oracles")
def test_the_oasis_validator_takes_it(peer_python: Path):
    assert said_of(peer_python, CHECK_VALIDATOR, bundles()).startswith("taken")
