"""Invitations as they are kept between two messages: bytes for the store. They are secrets."""

from __future__ import annotations

import msgspec

from backchannel.clock import format_time, parse_time
from backchannel.codec import decode_as, encode
from backchannel.parties.codes import Code
from backchannel.parties.invite import Invitation, Joining


class _KeptInvitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    words: tuple[str, ...]
    id: bytes
    expires: str
    spake: bytes
    element: bytes
    tries_left: int
    spent: bool


class _KeptJoining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: bytes
    number: int
    expires: str
    transcript: bytes
    key: bytes
    card_digest: bytes


def invitation_bytes(one: Invitation) -> bytes:
    """Return an invitation as it is kept between two messages. It is a secret."""
    kept = _KeptInvitation(
        one.code.number,
        one.code.words,
        one.id,
        format_time(one.expires),
        one.spake,
        one.element,
        one.tries_left,
        one.spent,
    )
    return encode(kept)


def invitation_of(data: bytes) -> Invitation:
    """Read an invitation that was kept.

    Raises:
        ValueError: it is damaged.
    """
    one = decode_as(data, _KeptInvitation)
    code = Code(one.number, one.words)
    return Invitation(
        code, one.id, parse_time(one.expires), one.spake, one.element, one.tries_left, one.spent
    )


def joining_bytes(one: Joining) -> bytes:
    """Return a joining as it is kept until M3 comes. It is a secret."""
    return encode(
        _KeptJoining(one.id, one.number, format_time(one.expires), one.transcript, one.key, one.card_digest)
    )


def joining_of(data: bytes) -> Joining:
    """Read a joining that was kept.

    Raises:
        ValueError: it is damaged.
    """
    one = decode_as(data, _KeptJoining)
    return Joining(one.id, one.number, parse_time(one.expires), one.transcript, one.key, one.card_digest)
