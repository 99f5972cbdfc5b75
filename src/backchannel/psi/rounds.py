"""The arithmetic of a session, and every check of what the other side sends. Pure.

Both sides put in a set: their items, filled up with random ones to a common size, and 32 *canaries*. The canaries of
the initiator are known to both and lie hidden among its elements; the responder says what its own key makes of them
(*marks*). So the initiator can tell which elements of the answer must be there, and the responder cannot tell which
of those it is asked about they are: whoever drops or changes a part of the answers is found out. The same the
other way round. What a side is going to answer it seals before it sees anything of the other's answer.

With keys a and b and the hash H into the group, both sides come to have a·b·H(x) of each other's inputs: what is in
both lists is in common.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from itertools import pairwise
from typing import Final, Literal

from backchannel.provenance.leaves import Leaves, grow, salts
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi.suites import Engine

CANARIES: Final = 32
"""Whoever drops half of the answers is found out but once in four thousand million times; a tenth, 29 times of 30."""
SECRET_BYTES: Final = 32
_CANARY: Final = b"bc-psi/v1 canary\n"
_FILLING: Final = b"bc-psi/v1 filling\n"
_FILLING_SECRETS: Final = b"bc-psi/v1 filling secrets\n"
_SEAL: Final = b"bc-psi/v1 seal\n"
_CONFIRM: Final = b"bc-psi/v1 confirm\n"

Side = Literal["initiator", "responder"]


@dataclass(frozen=True, slots=True, repr=False)
class Own:
    """What one side keeps secret of a session. Its text form shows nothing."""

    session: bytes
    side: Side
    key: bytes
    secret: bytes
    """What the salts of the inputs and the filling are drawn from (32 bytes)."""
    inputs: tuple[bytes, ...]
    """In the order in which they go: a random one."""
    order_salt: bytes
    response_salt: bytes

    @property
    def canaries(self) -> list[bytes]:
        """The canaries among our inputs."""
        return canaries(self.session, self.side)

    @property
    def tree(self) -> Leaves:
        """The tree over our salted inputs: its root is entered into the ledger before anything is sent."""
        return grow(salts(self.secret, len(self.inputs)), self.inputs)


def canaries(session: bytes, side: Side) -> list[bytes]:
    """Return the canaries among the inputs of a side: both know them, in this order."""
    return [
        hashlib.sha256(_CANARY + session + side.encode() + bytes([number])).digest()
        for number in range(CANARIES)
    ]


def filling_of(session: bytes, random_bytes: bytes) -> bytes:
    """Return an input that stands for nothing (32 bytes): whoever shows its random bytes proves that it was no guess."""
    return hashlib.sha256(_FILLING + session + random_bytes).digest()


def filling_secrets(secret: bytes, n: int) -> list[bytes]:
    """Return the random bytes of the filling of one set (n times 32 bytes)."""
    stream = hashlib.shake_256(_FILLING_SECRETS + secret).digest(n * SECRET_BYTES)
    return [stream[at : at + SECRET_BYTES] for at in range(0, len(stream), SECRET_BYTES)]


def other(side: Side) -> Side:
    """Return the side across."""
    return "responder" if side == "initiator" else "initiator"


def put_in(engine: Engine, session: bytes, side: Side, inputs: Sequence[bytes], size: int) -> Own:
    """Return what a side puts in: its inputs, filled up to `size`, and canaries, in a random order, under a new key.

    Args:
        engine: of the session's suite.
        session: its 16 random bytes.
        side: ours.
        inputs: of our items, each once (`items.input_of`).
        size: how many they shall look like (`budget.size_of`).
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    filling = [filling_of(session, one) for one in filling_secrets(secret, size - len(inputs))]
    mixed = [*inputs, *filling, *canaries(session, side)]
    random.SystemRandom().shuffle(mixed)
    return Own(
        session=session,
        side=side,
        key=engine.new_key(),
        secret=secret,
        inputs=tuple(mixed),
        order_salt=secrets.token_bytes(SECRET_BYTES),
        response_salt=secrets.token_bytes(SECRET_BYTES),
    )


def elements_of(engine: Engine, own: Own) -> list[bytes]:
    """Return our inputs under our key, in their order."""
    return engine.blind(own.key, own.inputs)


def marks_of(engine: Engine, own: Own) -> list[bytes]:
    """Return the other side's canaries under our key, in their order."""
    return engine.blind(own.key, canaries(own.session, other(own.side)))


def answer_to(engine: Engine, own: Own, elements: Sequence[bytes]) -> list[bytes]:
    """Return what our key makes of the other side's elements, in their order.

    Raises:
        Rejected: `BAD_ELEMENT`, one is no member of the group, or stands twice.
    """
    if len(set(elements)) < len(elements):
        raise Rejected(Reason.BAD_ELEMENT, "one stands twice")
    return engine.blind_again(own.key, elements)


def seal(salt: bytes, elements: Sequence[bytes]) -> bytes:
    """Return what commits to a list and shows nothing of it (32 bytes)."""
    return hashlib.sha256(_SEAL + salt + b"".join(elements)).digest()


def check_seal(sealed: bytes, salt: bytes, elements: Sequence[bytes]) -> None:
    """See that a list is the one that was sealed.

    Raises:
        Rejected: `BROKEN_SEAL`.
    """
    if len(salt) != SECRET_BYTES or not compare_digest(seal(salt, elements), sealed):
        raise Rejected(Reason.BROKEN_SEAL)


def check_response(engine: Engine, own: Own, response: Sequence[bytes], marks: Sequence[bytes]) -> None:
    """See that a sorted answer speaks of each of our inputs.

    Args:
        engine: of the session's suite.
        own: our side.
        response: the other side's answer.
        marks: our canaries under its key, as it said before it answered.

    Raises:
        Rejected: `WRONG_LENGTH`, `NOT_SORTED` (or one stands twice), `CANARY_MISSING`, `BAD_ELEMENT`.
    """
    if len(response) != len(own.inputs):
        raise Rejected(Reason.WRONG_LENGTH, f"{len(response):,} in place of {len(own.inputs):,}")
    if any(one >= after for one, after in pairwise(response)):
        raise Rejected(Reason.NOT_SORTED)
    missing = len(set(_expected(engine, own, marks)) - set(response))
    if missing:
        raise Rejected(Reason.CANARY_MISSING, f"{missing} of {CANARIES}")


def check_order(
    engine: Engine, own: Own, response: Sequence[bytes], order: Sequence[bytes], marks: Sequence[bytes]
) -> None:
    """See that an answer in the order of our inputs is the sorted one, and each canary in its place.

    Raises:
        Rejected: `BROKEN_SEAL`, it is another answer; `CANARY_MISSING`, a canary stands elsewhere.
    """
    if sorted(order) != list(response):
        raise Rejected(Reason.BROKEN_SEAL, "it is not the sorted answer in another order")
    places = {one: at for at, one in enumerate(own.inputs)}
    wanted = _expected(engine, own, marks)
    astray = sum(order[places[canary]] != one for canary, one in zip(own.canaries, wanted, strict=True))
    if astray:
        raise Rejected(Reason.CANARY_MISSING, f"{astray} of {CANARIES} stand elsewhere")


def common(response: Sequence[bytes], answer: Sequence[bytes]) -> list[bytes]:
    """Return the elements that both sets have under both keys, sorted.

    Args:
        response: the other side's answer to our elements.
        answer: our answer to its elements, in whatever order.
    """
    return sorted(set(response) & set(answer))


def matches(own: Own, order: Sequence[bytes], found: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return for each element in common the input of ours that is behind it."""
    wanted = set(found)
    return {one: own.inputs[at] for at, one in enumerate(order) if one in wanted}


def confirmation(session: bytes, matched: dict[bytes, bytes]) -> bytes:
    """Return what both sides must come to: which inputs are behind the elements in common (32 bytes)."""
    pairs = b"".join(one + matched[one] for one in sorted(matched))
    return hashlib.sha256(_CONFIRM + session + pairs).digest()


def _expected(engine: Engine, own: Own, marks: Sequence[bytes]) -> list[bytes]:
    """Return what our canaries become under both keys."""
    if len(marks) != CANARIES:
        raise Rejected(Reason.WRONG_LENGTH, f"{len(marks)} marks in place of {CANARIES}")
    return answer_to(engine, own, marks)
