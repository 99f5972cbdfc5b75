"""What the messages of a session carry: one type for each step. docs/formats/comparison.md is the same in prose.

Lists of elements are one text each: the elements one behind the other, in base64. A body is canonical JSON, and its
SHA-256 stands in the statement that signs the message.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from backchannel import codec
from backchannel.provenance import strict
from backchannel.provenance.fields import Random256
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi.items import Sort

MAX_BODY_BYTES: Final = 2 * 2**20
"""Largest body (bytes): two lists of 10,032 elements of 33 bytes, in base64, fill 0.9 MiB."""

Elements = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]*={0,2}\Z")]
Because = Annotated[str, Meta(max_length=1_000)]


class Step(IntEnum):
    """Which message it is: the odd ones are the initiator's, the even ones the responder's."""

    DECLINE = 0
    """Either one's: the session ends here."""
    REQUEST = 1
    SETUP = 2
    RESPONSE = 3
    RESULT = 4
    """After it, both know how many are in common."""
    PROPOSE = 5
    SHOW = 6
    SHOW_BACK = 7
    """After it, both know which."""
    CONFIRM = 8


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a message carries."""


class Request(Body, frozen=True, kw_only=True):
    """1: what the initiator puts in, under its key."""

    suite: Annotated[str, Meta(max_length=40)]
    sorts: Annotated[list[Sort], Meta(min_length=1, max_length=len(Sort))]
    elements: Elements
    marks: Elements
    """The responder's canaries under the initiator's key, in their order."""
    because: Because = ""
    """Why it is asked, for whoever decides about it."""


class Setup(Body, frozen=True, kw_only=True):
    """2: what the responder puts in, and its sealed answer."""

    elements: Elements
    marks: Elements
    """The initiator's canaries under the responder's key, in their order."""
    sealed_response: Random256
    sealed_order: Random256


class Response(Body, frozen=True, kw_only=True):
    """3: the initiator's answer, sorted; which is which stays sealed."""

    response: Elements
    sealed_order: Random256


class Result(Body, frozen=True, kw_only=True):
    """4: the responder's answer, sorted: what it sealed in 2."""

    response: Elements
    salt: Random256


class Propose(Body, frozen=True, kw_only=True):
    """5: the initiator agrees to show which are in common."""

    because: Because = ""


class Show(Body, frozen=True, kw_only=True):
    """6: the responder agrees too, and shows which of its answers is which."""

    order: Elements
    salt: Random256


class ShowBack(Body, frozen=True, kw_only=True):
    """7: so does the initiator, with what it came to."""

    order: Elements
    salt: Random256
    confirm: Random256


class Confirm(Body, frozen=True, kw_only=True):
    """8: what the responder came to: the same."""

    confirm: Random256


class Decline(Body, frozen=True, kw_only=True):
    """0: no, and why."""

    reason: Annotated[str, Meta(pattern=r"^[a-z]+(-[a-z]+)*\Z", max_length=40)]
    """A code of docs/reference/reasons.md, or `declined` where a person said no."""
    text: Because = ""


BODIES: Final[dict[Step, type[Body]]] = {
    Step.DECLINE: Decline,
    Step.REQUEST: Request,
    Step.SETUP: Setup,
    Step.RESPONSE: Response,
    Step.RESULT: Result,
    Step.PROPOSE: Propose,
    Step.SHOW: Show,
    Step.SHOW_BACK: ShowBack,
    Step.CONFIRM: Confirm,
}

STEP_OF: Final[dict[type[Body], Step]] = {kind: step for step, kind in BODIES.items()}


def write_body(body: Body) -> bytes:
    """Return a body as it is signed and sent."""
    return codec.canonical(codec.decode(codec.encode(body)))


def read_body(data: bytes, step: Step) -> Body:
    """Read the body of a message.

    Raises:
        Rejected: it is too large, not canonical JSON, or not of the form of its step.
    """
    value = strict.read_canonical(data, max_bytes=MAX_BODY_BYTES)
    try:
        return codec.into(value, BODIES[step])
    except ValueError as error:
        raise Rejected(Reason.BAD_FORM, str(error)[:200]) from None


def pack(elements: Sequence[bytes]) -> str:
    """Write a list of elements."""
    return b64encode(b"".join(elements)).decode()


def unpack(text: str, element_bytes: int) -> list[bytes]:
    """Read a list of elements, of which nothing is checked but that they are whole.

    Raises:
        Rejected: `BAD_FORM`.
    """
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = b"\0"
    if len(data) % element_bytes or b64encode(data).decode() != text:
        raise Rejected(Reason.BAD_FORM, f"a list of elements of {element_bytes} bytes")
    return [data[at : at + element_bytes] for at in range(0, len(data), element_bytes)]
