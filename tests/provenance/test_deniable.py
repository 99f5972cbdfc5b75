"""Statements that convince their one reader, and nobody else."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from tests.provenance.made import INDICATOR, ORIGIN, about, refused
from tests.sim.party import ALPHA, NOW

from backchannel import codec
from backchannel.parties.keyring import SecretKey
from backchannel.parties.kid import Alg, Use
from backchannel.provenance import deniable
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import pae
from backchannel.provenance.verification import KnownKey, Terms, Verified


def opener(byte: int) -> SecretKey:
    return SecretKey(Use.AGE, Alg.X25519, bytes([byte]) * 32, NOW)


def pinned(key: SecretKey, name: str = "somebody", **changes: object) -> KnownKey:
    base = ALPHA.known(kid=key.kid, public=key.public, alg=Alg.X25519, use=Use.AGE, party=name, name=name)
    return KnownKey(**({field: getattr(base, field) for field in KnownKey.__dataclass_fields__} | changes))


SOURCE, READER, OTHER = opener(1), opener(2), opener(3)
KEYS = {
    key.kid: pinned(key, name) for key, name in ((SOURCE, "the source"), (READER, "us"), (OTHER, "other"))
}
TERMS = Terms(now=NOW, me=None, seen=lambda *_: False, chan="c1")


def told(*, sender: SecretKey = SOURCE, to: SecretKey = READER, chan: str = "c1") -> bytes:
    return deniable.make(
        ORIGIN, subject=[about(INDICATOR)], sender=sender, to=KEYS[to.kid], iat=NOW, chan=chan
    )


def heard(envelope: bytes, *, by: SecretKey = READER, terms: Terms = TERMS) -> Verified:
    return deniable.verify(envelope, {by.kid: by}.get, KEYS.get, terms)


def rejected(envelope: bytes, reason: Reason, **fields) -> None:
    with pytest.raises(Rejected) as caught:
        heard(envelope, **fields)
    assert caught.value.reason is reason, caught.value.message


def test_the_reader_is_convinced():
    found = heard(told())
    assert found.predicate == ORIGIN
    assert found.signers[0].name == "the source"


def test_nobody_else_can_be_since_the_reader_could_have_made_it():
    """From the reader's own key and the source's public one comes the very envelope that the source sent."""
    sent = codec.decode(told())
    forged_by_reader = b64encode(
        deniable._mac(deniable._key(READER, SOURCE.public, "c1", (SOURCE.kid, READER.kid)), payload(sent))
    ).decode()
    assert forged_by_reader == sent["mac"]


def payload(envelope: dict) -> bytes:
    return b64decode(envelope["payload"])


def test_it_is_no_signed_statement_and_a_signed_one_is_not_deniable():
    refused(told(), Reason.BAD_FORM)
    value = codec.decode(told())
    signature = {"keyid": SOURCE.kid, "sig": value["mac"]}
    refused(
        codec.encode(
            {"payload": value["payload"], "payloadType": value["payloadType"], "signatures": [signature]}
        ),
        Reason.WRONG_TYPE,
    )
    assert pae(deniable.PAYLOAD_TYPE, b"x") != pae("application/vnd.backchannel.statement.v1+json", b"x")


def test_what_was_said_to_us_cannot_be_sent_back_as_our_words():
    value = codec.decode(told())
    value["from"], value["to"] = value["to"], value["from"]
    rejected(codec.encode(value), Reason.BAD_SIGNATURE, by=SOURCE)


def test_it_is_bound_to_its_channel_its_reader_and_its_sender():
    rejected(told(chan="c2"), Reason.WRONG_CHANNEL)
    rejected(told(to=OTHER), Reason.NOT_ADDRESSED)
    value = codec.decode(told(sender=OTHER))
    value["from"] = SOURCE.kid
    rejected(codec.encode(value), Reason.BAD_SIGNATURE)
    stranger = opener(9)
    rejected(told(sender=stranger), Reason.UNKNOWN_KEY)


def test_a_changed_payload_or_mac_is_refused():
    value = codec.decode(told())
    changed = codec.canonical(codec.decode(payload(value)) | {"iat": "2026-01-15T11:00:00Z"})
    rejected(codec.encode(value | {"payload": b64encode(changed).decode()}), Reason.BAD_SIGNATURE)
    rejected(codec.encode(value | {"mac": b64encode(bytes(32)).decode()}), Reason.BAD_SIGNATURE)
    rejected(codec.encode(value | {"mac": ""}), Reason.BAD_SIGNATURE)


def test_it_is_taken_once_and_in_time_like_every_other_statement():
    envelope = told()
    key = heard(envelope).replay_key
    rejected(envelope, Reason.REPLAY, terms=Terms(now=NOW, me=None, seen=lambda *one: one == key))


def test_t29_a_key_that_everybody_can_use_is_refused():
    weak = pinned(SOURCE, public=bytes(32))
    with pytest.raises(Rejected) as caught:
        deniable.make(ORIGIN, subject=[about(INDICATOR)], sender=READER, to=weak, iat=NOW, chan="c1")
    assert caught.value.reason is Reason.WEAK_KEY


def test_a_key_that_signs_is_not_one_that_opens():
    with pytest.raises(Rejected) as caught:
        deniable.make(ORIGIN, subject=[about(INDICATOR)], sender=READER, to=ALPHA.known(), iat=NOW, chan="c1")
    assert caught.value.reason is Reason.WRONG_USE
