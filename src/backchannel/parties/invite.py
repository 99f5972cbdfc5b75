"""Invitation by code: two parties that can tell each other four short words exchange their cards over any medium.

The inviter makes a code, `7-word-word-word`, and tells it by one way (by voice, on paper); the three messages go by
any other. SPAKE2 (as the package `spake2` has it, over edwards25519) gives each run of whoever
does not know the code one guess among 2^33; a code is good for one success or three failures, and for 24 hours.

    M1 inviter -> joiner   number, id (16 random bytes), expires, SPAKE2 element
    M2 joiner -> inviter   id, SPAKE2 element, confirm_B, card of the joiner under key_B
    M3 inviter -> joiner   id, confirm_A, card of the inviter under key_A

    T         = SHA-256 of: "bc-invite/v1", number, id, expires, element of M1, element of M2: each in bytes with
                its length (4 bytes, big-endian) before it
    key_X     = HKDF-SHA256(SPAKE2 key, salt T, info "bc-invite/v1 card X", 32 bytes), likewise confirm_key_X
    card      = ChaCha20-Poly1305(key_X, nonce 0, associated data T): a key serves once, so its nonce may be fixed
    confirm_B = HMAC-SHA256(confirm_key_B, T || SHA-256(card of B))
    confirm_A = HMAC-SHA256(confirm_key_A, T || SHA-256(card of B) || SHA-256(card of A))

Pure: messages and states go in, messages and states come out. A state holds secrets; its text form shows none, and
neither does an error. The library is not constant in time; with at most three runs for a code that tells nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from backchannel.clock import format_time, parse_time
from backchannel.codec import canonical, decode, decode_as, encode
from backchannel.parties.agreement import (
    agreed_key,
    confirmation,
    inviter_side,
    inviter_side_of,
    joiner_side,
    opened_card,
    sealed_card,
    transcript_of,
)
from backchannel.parties.card import Card, read_card
from backchannel.parties.codes import Code
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.spelling import from_block, to_block

TRIES = 3
LIFE = timedelta(hours=24)
BLOCK = "BACKCHANNEL INVITATION"
MAX_MESSAGE_BYTES = 4096
"""Largest message (bytes): a card is at most 490."""
ID_BYTES = 16

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, repr=False)
class Invitation:
    """The inviter's side. It is a secret."""

    code: Code
    id: bytes
    expires: datetime
    spake: bytes
    element: bytes
    tries_left: int = TRIES
    spent: bool = False
    """Whether it was used with success."""

    def __repr__(self) -> str:
        return f"<invitation {self.code.number}, {self.tries_left} tries left>"


@dataclass(frozen=True, slots=True, repr=False)
class Joining:
    """The joiner's side, waiting for M3. It is a secret."""

    id: bytes
    number: int
    expires: datetime
    transcript: bytes
    key: bytes
    card_digest: bytes

    def __repr__(self) -> str:
        return f"<joining of invitation {self.number}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the inviter's side when M2 came."""

    invitation: Invitation
    """To be kept in the place of the one before, whatever came out."""
    message: str | None = None
    """M3, where the code was right."""
    card: Card | None = None
    """The joiner's."""
    refused: KeyRefusedError | None = None
    """Why not: to be shown to a person, for each failed run may be somebody guessing."""


class _Any(msgspec.Struct, frozen=True):
    id: bytes


class _M1(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="invite-1"):
    number: int
    id: bytes
    expires: str
    element: bytes


class _M2(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="invite-2"):
    id: bytes
    element: bytes
    confirm: bytes
    card: bytes


class _M3(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="invite-3"):
    id: bytes
    confirm: bytes
    card: bytes


def invite(code: Code, *, at: datetime, random: Random = secrets.token_bytes) -> tuple[Invitation, str]:
    """Begin an invitation: return the state to keep, and M1 to send."""
    side = inviter_side(code, random)
    element = side.start()
    expires = (at + LIFE).replace(microsecond=0)
    invitation = Invitation(code, random(ID_BYTES), expires, side.serialize(), element)
    return invitation, _message(_M1(code.number, invitation.id, format_time(expires), element))


def join(
    code: Code, m1: str, ours: Card, *, at: datetime, earlier: int = 0, random: Random = secrets.token_bytes
) -> tuple[Joining, str]:
    """Answer M1 with the code that was told: return the state to keep, and M2 to send.

    Args:
        code: as the inviter told it.
        m1: the inviter's message.
        ours: the card to hand over; only whoever knows the code can read it.
        at: now.
        earlier: how often this code was used for an M1 before: each run is a guess for who sent the M1.
        random: where random bytes come from.

    Raises:
        KeyRefusedError: `bad-form`; `wrong-code` where M1 is of a code with another number; `code-spent`.
    """
    first = _read(m1, _M1)
    expires = _expiry(first)
    if first.number != code.number:
        raise KeyRefusedError(
            Refusal.WRONG_CODE,
            f"the message belongs to the code that begins with {first.number}, not to one with {code.number}",
            hint="Take the code and the message that belong together.",
        )
    if at >= expires or earlier >= TRIES:
        raise _spent()
    side = joiner_side(code, random)
    element = side.start()
    key = agreed_key(side, first.element)
    if key is None:
        raise _wrong()
    transcript = transcript_of(code.number, first.id, first.expires, first.element, element)
    digest = hashlib.sha256(ours.data).digest()
    second = _M2(
        first.id,
        element,
        confirmation(key, transcript, b"B", digest),
        sealed_card(key, transcript, b"B", ours.data),
    )
    return Joining(first.id, code.number, expires, transcript, key, digest), _message(second)


def answer(invitation: Invitation, m2: str, ours: Card, *, at: datetime) -> Answer:
    """Take M2: where the code was right, return M3 and the joiner's card, and burn the code.

    A message of another kind, or of another invitation, costs no try. One that proves no knowledge of the code
    costs one, and so does a card that is refused. Whoever sends junk can burn a code, and gains nothing.

    Raises:
        KeyRefusedError: `code-spent`; `bad-form`: the message is not one for this invitation.
    """
    if invitation.spent or invitation.tries_left <= 0 or at >= invitation.expires:
        raise _spent()
    second = _read(m2, _M2)
    if second.id != invitation.id:
        raise KeyRefusedError(Refusal.BAD_FORM, "the message belongs to another invitation")
    failed = replace(invitation, tries_left=invitation.tries_left - 1)
    key = agreed_key(inviter_side_of(invitation.spake), second.element)
    if key is None:
        return Answer(failed, refused=_wrong())
    transcript = transcript_of(
        invitation.code.number,
        invitation.id,
        format_time(invitation.expires),
        invitation.element,
        second.element,
    )
    card = opened_card(key, transcript, b"B", second.card)
    if card is None:
        return Answer(failed, refused=_wrong())
    theirs, mine = hashlib.sha256(card).digest(), hashlib.sha256(ours.data).digest()
    # compare_digest: a byte-by-byte compare leaks the right value through timing.
    if not hmac.compare_digest(second.confirm, confirmation(key, transcript, b"B", theirs)):
        return Answer(failed, refused=_wrong())
    try:
        read = read_card(card)
    except KeyRefusedError as refused:
        return Answer(failed, refused=refused)
    third = _M3(
        invitation.id,
        confirmation(key, transcript, b"A", theirs, mine),
        sealed_card(key, transcript, b"A", ours.data),
    )
    used = replace(invitation, tries_left=0, spent=True, spake=b"")
    return Answer(used, message=_message(third), card=read)


def finish(joining: Joining, m3: str, *, at: datetime) -> Card:
    """Take M3: return the inviter's card.

    Raises:
        KeyRefusedError: `code-spent`; `bad-form`: the message is not one for this invitation; `wrong-code`: its
            sender does not know the code, or another stands between; or why the card is refused.
    """
    if at >= joining.expires + LIFE:  # the inviter judged in time; its answer may have been on the way
        raise _spent()
    third = _read(m3, _M3)
    if third.id != joining.id:
        raise KeyRefusedError(Refusal.BAD_FORM, "the message belongs to another invitation")
    card = opened_card(joining.key, joining.transcript, b"A", third.card)
    if card is None:
        raise _wrong()
    confirm = confirmation(
        joining.key, joining.transcript, b"A", joining.card_digest, hashlib.sha256(card).digest()
    )
    if not hmac.compare_digest(third.confirm, confirm):
        raise _wrong()
    return read_card(card)


def invitation_id(message: str) -> bytes:
    """Return which invitation a message of any kind belongs to (16 bytes).

    Raises:
        KeyRefusedError: `too-large` or `bad-form`.
    """
    return _read(message, _Any).id


def _message(message: _M1 | _M2 | _M3) -> str:
    return to_block(BLOCK, canonical(decode(encode(message))))


_Shape = TypeVar("_Shape", _Any, _M1, _M2, _M3)


def _read(text: str, shape: type[_Shape]) -> _Shape:
    data = from_block(BLOCK, text)
    if len(data) > MAX_MESSAGE_BYTES:
        raise KeyRefusedError(Refusal.TOO_LARGE, f"an invitation has at most {MAX_MESSAGE_BYTES} bytes")
    try:
        return decode_as(data, shape)
    except ValueError:
        raise KeyRefusedError(
            Refusal.BAD_FORM,
            "this is not the message of an invitation that was waited for",
            hint="The inviter sends the first and the third, the joiner the second.",
        ) from None


def _expiry(first: _M1) -> datetime:
    try:
        return parse_time(first.expires)
    except ValueError:
        raise KeyRefusedError(Refusal.BAD_FORM, "the invitation says no time at which it expires") from None


def _spent() -> KeyRefusedError:
    return KeyRefusedError(
        Refusal.CODE_SPENT,
        "the invitation was used, was tried three times in vain, or is older than a day",
        hint="Make a new invitation: backchannel party invite.",
    )


def _wrong() -> KeyRefusedError:
    return KeyRefusedError(
        Refusal.WRONG_CODE,
        "the other side used another code, or somebody stands between you and guesses",
        hint="Say the code to the other side again, by voice; a code is good for three tries.",
    )
