"""Statements: signed once, verified in one fixed order, refused with the exact reason."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.made import (
    INDICATOR,
    ORIGIN,
    PERMIT,
    RECEIPT,
    RETRACT,
    TERMS,
    about,
    payload_of,
    refused,
    resigned,
    said,
    verified,
)
from tests.sim.party import ALPHA, BETA, GAMMA, KNOWN, MALLORY, NOW

from backchannel import codec
from backchannel.parties.kid import Use
from backchannel.parties.vouch import How
from backchannel.provenance import statement as module
from backchannel.provenance.predicates import PREDICATES, Vouch
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import PAYLOAD_TYPE, make, open_envelope, pae, seal
from backchannel.provenance.verification import Terms, verify


def changed(envelope: bytes, **fields: object) -> bytes:
    """The same statement with other fields, signed anew by Alpha."""
    return resigned(codec.canonical(payload_of(envelope) | fields))


# --- What is made can be verified, and says who signed it ------------------------------------------------


def test_what_one_party_signs_another_verifies():
    found = verified(said())
    assert found.predicate == ORIGIN
    assert [key.name for key in found.signers] == ["Alpha"]
    assert found.has_weight
    assert found.statement.subject == [about(INDICATOR)]


def test_what_is_signed_is_type_and_payload_each_behind_its_length():
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"  # DSSE v1, protocol.md
    )
    assert pae("tÿpe", b"\x00\xff") == b"DSSEv1 5 t\xc3\xbfpe 2 \x00\xff"
    assert pae("", b"") == b"DSSEv1 0  0 "


def test_a_statement_is_named_by_its_payload_whatever_its_envelope_looks_like():
    envelope = said()
    spaced = envelope.replace(b'","payloadType"', b'" , "payloadType"')
    assert spaced != envelope
    assert verified(spaced).digest == verified(envelope).digest


def test_a_statement_that_nobody_would_take_is_not_made():
    with pytest.raises(ValueError, match="subject"):
        said(subject=[])
    with pytest.raises(ValueError, match="aud"):
        said(aud=["nobody"])
    with pytest.raises(ValueError, match="at most"):
        said(RETRACT, subject=[about(INDICATOR | {"id": "i" * 290})] * 900)


def test_a_kind_of_statement_that_is_not_known_is_kept_and_drives_nothing():
    found = verified(changed(said(), predicateType="horoscope", predicate={"sign": "virgo"}))
    assert found.predicate is None
    assert not found.has_weight


def test_every_kind_of_predicate_that_the_specification_names_is_known():
    named = (
        "origin release relay opinion sighting receipt outcome retract permit widened rfi answer tally vouch revoke "
        "psi deconflict"
    )
    assert set(PREDICATES) == set(named.split())


# --- The order of the checks ------------------------------------------------------------------------------


def swapped(envelope: bytes) -> bytes:
    """The envelope with the signature of another statement of the same party."""
    value = codec.decode(envelope)
    value["signatures"] = codec.decode(said(RETRACT))["signatures"]
    return codec.encode(value)


FAULTS = {
    Reason.TOO_LARGE: lambda e: e + b" " * module.MAX_STATEMENT_BYTES,
    Reason.NOT_JSON: lambda e: e[:-1],
    Reason.DUPLICATE_KEY: lambda e: e[:-1] + b',"payload":""}',
    Reason.WRONG_TYPE: lambda e: e.replace(b"statement.v1", b"statement.v2"),
    Reason.NOT_CANONICAL: lambda e: resigned(codec.encode(payload_of(e)) + b" "),
    Reason.BAD_FORM: lambda e: changed(e, surprise=1),
    Reason.BAD_SIGNATURE: swapped,
}


@pytest.mark.parametrize("reason", FAULTS)
def test_each_fault_has_its_own_reason(reason: Reason):
    refused(FAULTS[reason](said()), reason)


def test_the_first_check_that_fails_is_the_reason():
    """Everything is wrong with this statement; each repair uncovers the next fault, in the order of §3.3."""
    late = NOW - timedelta(days=5)
    fields = {"aud": [GAMMA.kid], "chan": "c2", "exp": late, "iat": late - timedelta(days=5)}
    base = said(RETRACT, **fields)
    terms = {"chan": "c1", "seen": lambda *_: True, "expect": {"permit"}}
    refused(resigned(codec.encode(payload_of(base) | {"x": 1}) + b" "), Reason.NOT_CANONICAL, **terms)
    refused(changed(base, x=1), Reason.BAD_FORM, **terms)
    refused(swapped(base), Reason.BAD_SIGNATURE, **terms)
    refused(base, Reason.WRONG_TYPE, **terms)
    terms["expect"] = {"retract"}
    refused(base, Reason.NOT_ADDRESSED, **terms)
    terms["me"] = {GAMMA.kid}
    refused(base, Reason.WRONG_CHANNEL, **terms)
    terms["chan"] = "c2"
    refused(base, Reason.EXPIRED, **terms)
    terms["late"] = True
    refused(base, Reason.REPLAY, **terms)
    terms["seen"] = lambda *_: False
    found = verified(base, **terms)
    assert found.notes == (Reason.EXPIRED,)
    assert not found.has_weight


# --- Hostile JSON -----------------------------------------------------------------------------------------

HOSTILE = {
    "100,000 deep": (b'{"payload":' + b"[" * 100_000, Reason.TOO_DEEP),
    "33 deep": (b'{"payload":' + b"[" * 32 + b"]" * 32 + b"}", Reason.TOO_DEEP),
    "a key twice": (b'{"payload":"","payload":""}', Reason.DUPLICATE_KEY),
    "a key twice, once escaped": (b'{"payload":"","\\u0070ayload":""}', Reason.DUPLICATE_KEY),
    "NaN": (b'{"payload":NaN}', Reason.NOT_JSON),
    "1e400": (b'{"payload":1e400}', Reason.BAD_NUMBER),
    "5,000 digits": (b'{"payload":' + b"9" * 5_000 + b"}", Reason.BAD_NUMBER),
    "2^53 + 1": (b'{"payload":9007199254740993}', Reason.BAD_NUMBER),
    "half a surrogate pair": (b'{"payload":"\\ud800"}', Reason.BAD_TEXT),
    "a byte order mark": (b"\xef\xbb\xbf{}", Reason.NOT_JSON),
    "UTF-16": ('{"payload":""}'.encode("utf-16"), Reason.NOT_JSON),
    "UTF-16 without a mark": ('{"payload":""}'.encode("utf-16-le"), Reason.NOT_JSON),
    "a list": (b"[]", Reason.BAD_FORM),
    "nothing": (b"", Reason.NOT_JSON),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_t13_hostile_json_is_refused_in_an_envelope_with_its_exact_reason(name: str):
    text, reason = HOSTILE[name]
    refused(text, reason)


@pytest.mark.parametrize("name", HOSTILE)
def test_t13_hostile_json_is_refused_as_a_payload_although_it_is_signed(name: str):
    text, reason = HOSTILE[name]
    refused(resigned(text), Reason.NOT_CANONICAL if name == "a list" and text != b"[]" else reason)


# --- Type confusion ---------------------------------------------------------------------------------------


def test_t23_a_receipt_is_not_taken_for_a_permit():
    receipt = said(RECEIPT, subject=[])
    refused(receipt, Reason.WRONG_TYPE, expect={"permit"})
    assert verified(receipt, expect={"receipt"}).predicate == RECEIPT


def test_t23_a_replayed_receipt_is_not_a_permit_that_was_received_before():
    refused(said(RECEIPT, subject=[]), Reason.WRONG_TYPE, expect={"permit"}, seen=lambda *_: True)


def test_t23_the_kind_cannot_be_changed_beside_the_signature():
    envelope = said(RECEIPT, subject=[])
    value = codec.decode(envelope)
    payload = payload_of(envelope) | {
        "predicateType": "permit",
        "predicate": codec.decode(codec.encode(PERMIT)),
    }
    value["payload"] = b64encode(codec.canonical(payload)).decode()
    refused(codec.encode(value), Reason.BAD_SIGNATURE, expect={"permit"})


def test_t23_the_content_of_one_kind_is_refused_under_the_name_of_another():
    refused(changed(said(RECEIPT), predicateType="permit"), Reason.BAD_FORM, expect={"permit"})


def test_t23_bytes_that_were_signed_under_another_payload_type_are_no_statement():
    envelope = said()
    payload = b64decode(codec.decode(envelope)["payload"])
    value = codec.decode(envelope)
    signature = ALPHA.key.sign(pae("application/vnd.in-toto+json", payload))
    value["signatures"][0]["sig"] = b64encode(signature).decode()
    refused(codec.encode(value), Reason.BAD_SIGNATURE)
    raw = ALPHA.key.sign(payload)
    value["signatures"][0]["sig"] = b64encode(raw).decode()
    refused(codec.encode(value), Reason.BAD_SIGNATURE)


def test_t23_a_key_for_another_use_signs_no_statement():
    log_key = {ALPHA.kid: ALPHA.known(use=Use.LOG)}
    with pytest.raises(Rejected) as caught:
        verify(said(), log_key.get, TERMS)
    assert caught.value.reason is Reason.WRONG_USE


# --- Who signed -------------------------------------------------------------------------------------------


def test_a_stranger_is_named_as_a_stranger():
    refused(said(by=MALLORY), Reason.UNKNOWN_KEY)


def test_a_known_party_cannot_sign_in_the_name_of_another():
    payload = codec.canonical(payload_of(said(by=ALPHA)))
    refused(resigned(payload, by=BETA), Reason.BAD_SIGNATURE)
    refused(resigned(payload, by=MALLORY), Reason.BAD_SIGNATURE)


def test_a_second_signature_of_a_known_key_must_hold_too_and_one_of_a_stranger_counts_for_nothing():
    payload = b64decode(codec.decode(said())["payload"])
    both = seal(payload, [ALPHA.key, BETA.key])
    assert [key.name for key in verified(both).signers] == ["Alpha", "Beta"]
    value = codec.decode(both)
    value["signatures"][1]["sig"] = value["signatures"][0]["sig"]
    refused(codec.encode(value), Reason.BAD_SIGNATURE)
    assert [key.name for key in verified(seal(payload, [MALLORY.key, ALPHA.key])).signers] == ["Alpha"]
    refused(seal(payload, [ALPHA.key, ALPHA.key]), Reason.BAD_SIGNATURE)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_bit_of_a_statement_can_be_flipped(at: int, bit: int):
    envelope = bytearray(said(statement_id="ab" * 16))
    at %= len(envelope)
    envelope[at] ^= 1 << bit
    with pytest.raises(Rejected):
        verified(bytes(envelope))


def test_base64_has_one_spelling():
    value = codec.decode(said())
    good = value["signatures"][0]["sig"]
    assert good.endswith("==")
    for other in (
        good[:-3] + chr(ord(good[-3]) + 1) + "==",
        good.rstrip("="),
        good + "\n",
        good.replace("+", "-") + "=",
    ):
        value["signatures"][0]["sig"] = other
        refused(codec.encode(value), Reason.BAD_FORM)


# --- For whom and when ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("iat", "exp", "reason"),
    [
        (timedelta(hours=23), None, None),
        (timedelta(hours=25), None, Reason.NOT_YET_VALID),
        (-timedelta(days=9), -timedelta(hours=23), None),
        (-timedelta(days=9), -timedelta(hours=25), Reason.EXPIRED),
    ],
)
def test_t6_clocks_may_be_a_day_apart_and_not_more(
    iat: timedelta, exp: timedelta | None, reason: Reason | None
):
    envelope = said(iat=NOW + iat, exp=None if exp is None else NOW + exp)
    if reason is None:
        assert verified(envelope).has_weight
    else:
        refused(envelope, reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"iat": "9999-12-31T23:59:59Z"}, Reason.KEY_NOT_CURRENT),
        ({"iat": "0001-01-01T00:00:00Z"}, Reason.KEY_NOT_CURRENT),
        ({"exp": "0001-01-01T00:00:00Z"}, Reason.EXPIRED),
        ({"exp": "9999-12-31T23:59:59Z"}, None),
    ],
)
def test_t6_times_at_the_ends_of_the_calendar_are_times_like_others(
    fields: dict[str, str], reason: Reason | None
):
    envelope = changed(said(), **fields)
    if reason is None:
        assert verified(envelope).has_weight
    else:
        refused(envelope, reason)


def test_a_statement_for_another_is_refused_and_can_still_be_shown_in_a_chain():
    envelope = said(aud=[GAMMA.kid])
    refused(envelope, Reason.NOT_ADDRESSED)
    assert verified(envelope, me=None).statement.aud == [GAMMA.kid]


def test_t3_a_statement_is_taken_once_and_remembered_by_issuer_and_id():
    envelope = said()
    taken = set()
    taken.add(verified(envelope, seen=lambda *key: key in taken).replay_key)
    refused(envelope, Reason.REPLAY, seen=lambda *key: key in taken)
    same_id = said(by=BETA, statement_id=open_envelope(envelope).statement.id)
    assert verified(same_id, seen=lambda *key: key in taken).has_weight


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-15T12:00:00+00:00",
        "2026-01-15T12:00:00.0Z",
        "2026-01-15T12:00:00Z\n",
        "2026-02-30T12:00:00Z",
        "",
    ],
)
def test_a_time_has_one_spelling_and_exists(text: str):
    refused(changed(said(), iat=text), Reason.BAD_FORM)
    refused(
        changed(said(PERMIT), predicate=codec.decode(codec.encode(PERMIT)) | {"until": text}), Reason.BAD_FORM
    )


def test_a_day_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="day"):
        said(Vouch(card="sha256:" + "00" * 32, how=How.VOICE, since="2026-02-30"), subject=[])


# --- Keys that ended --------------------------------------------------------------------------------------

STOLEN = NOW - timedelta(days=10)
SIGNED = {"before": STOLEN - timedelta(days=5), "after": STOLEN + timedelta(days=5)}


@pytest.mark.parametrize("signed", SIGNED)
@pytest.mark.parametrize(
    ("known_at", "counts"),
    [
        (None, False),
        (STOLEN - timedelta(hours=1), True),
        (STOLEN, False),
        (STOLEN + timedelta(days=1), False),
    ],
)
def test_t32_a_key_that_may_be_stolen_counts_only_where_others_saw_the_statement_before(
    signed: str, known_at: datetime | None, counts: bool
):
    """What the statement says of its own date proves nothing: a thief writes what he likes."""
    keys = {ALPHA.kid: ALPHA.known(compromised_since=STOLEN, revoked_at=NOW)}
    terms = Terms(now=NOW, me={BETA.kid}, seen=None, known_at=lambda digest: known_at)
    found = verify(said(iat=SIGNED[signed]), keys.get, terms)
    assert found.has_weight is counts
    assert found.notes == (() if counts else (Reason.MAYBE_STOLEN_KEY,))


def test_t32_the_proof_is_asked_for_this_very_statement():
    keys = {ALPHA.kid: ALPHA.known(compromised_since=STOLEN)}
    one, other = said(), said()
    digest = open_envelope(one).digest
    terms = Terms(
        now=NOW, me=None, seen=None, known_at=lambda d: STOLEN - timedelta(days=1) if d == digest else None
    )
    assert verify(one, keys.get, terms).has_weight
    assert not verify(other, keys.get, terms).has_weight


def test_t32_a_key_that_was_given_up_is_good_for_what_was_signed_before():
    keys = {ALPHA.kid: ALPHA.known(revoked_at=NOW - timedelta(days=1))}
    assert verify(said(iat=NOW - timedelta(days=2)), keys.get, TERMS).has_weight
    with pytest.raises(Rejected) as caught:
        verify(said(iat=NOW), keys.get, TERMS)
    assert caught.value.reason is Reason.REVOKED_KEY


@pytest.mark.parametrize("days", [-102, 102])
def test_a_statement_from_outside_the_time_of_its_key_is_refused(days: int):
    keys = {ALPHA.kid: ALPHA.known()}
    at = NOW + timedelta(days=days)
    with pytest.raises(Rejected) as caught:
        verify(said(iat=at), keys.get, Terms(now=at, me=None, seen=None))
    assert caught.value.reason is Reason.KEY_NOT_CURRENT


def test_the_payload_type_is_the_one_of_the_format():
    assert (
        codec.decode(said())["payloadType"] == PAYLOAD_TYPE == "application/vnd.backchannel.statement.v1+json"
    )
    assert make(RETRACT, subject=[about(INDICATOR)], aud=["*"], key=ALPHA.key, iat=NOW)
    assert KNOWN[ALPHA.kid].name == "Alpha"
