"""Statements for sources whom their own signature would endanger: the reader is convinced, and nobody else can be.

In the place of a signature stands an HMAC under a key that sender and reader share: either of the two could have
made it, so it proves nothing to a third. What came so is for the reader alone ("only you can know this"); it is
passed on only as the relay's own claim, its origin undisclosed (`hidden`).

The payload is the one of every other statement; its issuer is the sender's X25519 key, and it has one recipient.
The key of each direction is another one, so that nobody's words can be sent back to them as the other's.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from backchannel import codec
from backchannel.parties.keyring import SecretKey
from backchannel.parties.kid import Alg, Use
from backchannel.parties.refusals import KeyRefusedError
from backchannel.parties.shared_key import shared_key
from backchannel.provenance import strict
from backchannel.provenance.predicates import KidText, Predicate
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import (
    ObjectSubject,
    Opened,
    RootSubject,
    decode_base64,
    open_envelope,
    open_payload,
    pae,
    payload_of,
    shown,
)
from backchannel.provenance.verification import KnownKey, Terms, Verified, judge

PAYLOAD_TYPE: Final = "application/vnd.backchannel.deniable.v1+json"
_INFO: Final = b"bc-deniable/v1\n"


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """How a deniable statement travels. It names whoever sent it: let it travel encrypted only."""

    payload: str
    payloadType: str  # noqa: N815 - the field of DSSE
    from_: KidText
    to: KidText
    mac: str


def make(
    predicate: Predicate,
    *,
    subject: list[ObjectSubject] | RootSubject,
    sender: SecretKey,
    to: KnownKey,
    iat: datetime,
    chan: str,
    exp: datetime | None = None,
    statement_id: str = "",
) -> bytes:
    """Return a statement that convinces its one reader only.

    Args:
        predicate: what is said.
        subject: about what.
        sender: the sender's key that opens (X25519).
        to: the reader's X25519 key.
        iat: when it is made.
        chan: the channel that both know; part of the key.
        exp: until when it counts.
        statement_id: 128 bits in hexadecimal; by default random ones.

    Raises:
        ValueError: it would not be taken.
        Rejected: `WEAK_KEY`, or `WRONG_USE` where the reader's key does not open anything.
    """
    _check_use(to)
    payload = payload_of(
        predicate,
        subject=subject,
        aud=[to.kid],
        iss=sender.kid,
        iat=iat,
        exp=exp,
        chan=chan,
        statement_id=statement_id,
    )
    key = _key(sender, to.public, chan, (sender.kid, to.kid))
    return codec.encode(
        Envelope(
            b64encode(payload).decode(),
            PAYLOAD_TYPE,
            sender.kid,
            to.kid,
            b64encode(_mac(key, payload)).decode(),
        )
    )


def verify(
    envelope: bytes,
    ours: Callable[[str], SecretKey | None],
    keys: Callable[[str], KnownKey | None],
    terms: Terms,
) -> Verified:
    """Verify a deniable statement, in the order of `verification.verify`, its MAC in the place of signatures.

    Args:
        envelope: as it came.
        ours: our key that opens, of a `kid`, or None.
        keys: the pinned X25519 keys.
        terms: on what terms it is taken; `chan` must be the channel that it came by, since that is part of the key.

    Raises:
        Rejected: with the reason.
    """
    outer = _outer(envelope, terms.max_bytes)
    opened = open_payload(decode_base64(outer.payload), max_bytes=terms.max_bytes)
    statement = opened.statement
    sender = keys(outer.from_)
    if sender is None:
        raise Rejected(Reason.UNKNOWN_KEY, f"{outer.from_[:8]}…")
    _check_use(sender)
    own = ours(outer.to)
    if own is None:
        raise Rejected(Reason.NOT_ADDRESSED, "it is for a key that we do not have")
    key = _key(own, sender.public, statement.chan, (outer.from_, outer.to))
    # compare_digest: a byte-by-byte compare would tell a forger how much of a guess is right.
    if not hmac.compare_digest(_mac(key, opened.payload), decode_base64(outer.mac)):
        raise Rejected(Reason.BAD_SIGNATURE, "the MAC is not one of the two who share the key")
    if (statement.iss, statement.aud) != (outer.from_, [outer.to]):
        raise Rejected(Reason.BAD_SIGNATURE, "issuer and audience are not the two who share the key")
    return judge(opened, (sender,), replace(terms, me={outer.to}))


def open_either(envelope: bytes, *, max_bytes: int) -> tuple[Opened, bool]:
    """Read a statement without verifying it, signed or deniable; return it, and whether it is deniable.

    Raises:
        Rejected: it cannot be read, or not in one way only.
    """
    if PAYLOAD_TYPE.encode() not in envelope:
        return open_envelope(envelope, max_bytes=max_bytes), False
    outer = _outer(envelope, max_bytes)
    return open_payload(decode_base64(outer.payload), max_bytes=max_bytes), True


def _outer(envelope: bytes, max_bytes: int) -> Envelope:
    value = strict.read(envelope, max_bytes=max_bytes)
    try:
        outer = codec.into(value, Envelope)
    except ValueError as error:
        raise Rejected(Reason.BAD_FORM, f"the envelope: {shown(str(error))}") from None
    if outer.payloadType != PAYLOAD_TYPE:
        raise Rejected(Reason.WRONG_TYPE, f"a payload of type {shown(outer.payloadType)!r}")
    return outer


def _check_use(key: KnownKey) -> None:
    if key.use != Use.AGE or key.alg != Alg.X25519:
        raise Rejected(Reason.WRONG_USE, f"{key.kid[:8]}… is no key that opens")


def _key(own: SecretKey, public: bytes, chan: str, direction: tuple[str, str]) -> bytes:
    """Return the key of one channel in one direction: from the first of two keys to the second."""
    info = _INFO + "\n".join((*direction, chan)).encode()
    try:
        return shared_key(own.secret, public, info)
    except KeyRefusedError as error:
        raise Rejected(Reason.WEAK_KEY, error.message) from None


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, pae(PAYLOAD_TYPE, payload), "sha256")
