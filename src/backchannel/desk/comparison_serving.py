"""What our server does for a party that compares with us: it takes the party's message, and gives ours that follows.

A person decides here what a person decides elsewhere: whether to answer at all, and whether to show which items are in
common. What follows from that decision goes back at once.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.access import Caller, NotAllowedError, NotThereError
from backchannel.desk.comparing import answer, hand_out, newest_of_ours
from backchannel.desk.comparison_session import Session, open_session
from backchannel.desk.comparison_taking import take_message
from backchannel.desk.node import Node
from backchannel.errors import InputError
from backchannel.parties.at_rest import Unseal
from backchannel.provenance import strict
from backchannel.provenance.fields import Random128
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import decode_base64
from backchannel.psi.files import MAX_FILE_BYTES
from backchannel.psi.messages import Step

MAX_CARRIED_BYTES: Final = 2 * MAX_FILE_BYTES
"""Largest request (bytes): a message in base64, and what stands around it."""
FOLLOWS: Final = frozenset({Step.RESPONSE, Step.RESULT, Step.SHOW_BACK, Step.CONFIRM})
"""Messages that follow from what a person of ours agreed to before."""


class CarriedMessage(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A message on its way over HTTP, either way."""

    session: Random128
    message: Annotated[str, Meta(max_length=MAX_CARRIED_BYTES)] = ""
    """The file, in base64; empty: there is none, and what follows is asked for."""


def exchange(node: Node, clock: Clock, caller: Caller, body: bytes, *, unseal: Unseal | None = None) -> bytes:
    """Take what a party brought, and return our message that follows, if there is one; durable when it returns.

    Args:
        node: ours.
        clock: the present.
        caller: who asks, by its credential.
        body: a `CarriedMessage`.
        unseal: opens our keys.

    Raises:
        NotAllowedError: it is nobody that we know.
        NotThereError: the party has no such session here.
        InputError: it is no such request.
        Rejected: its message cannot be taken.
        SignatureError: our keys need a passphrase.
    """
    check_caller(caller)
    try:
        asked = codec.into(strict.read(body, max_bytes=MAX_CARRIED_BYTES), CarriedMessage)
        data = decode_base64(asked.message) if asked.message else b""
    except (Rejected, ValueError):
        raise InputError(
            "that is no message of a comparison: session and message are wanted",
            hint="See docs/formats/comparison.md.",
        ) from None
    if data:
        session = take_message(node, clock, data, by=caller.party, unseal=unseal).session
    else:
        found = open_session(node, bytes.fromhex(asked.session))
        if found is None or caller.party is None or found.row.party_row != caller.party.party_row:
            raise NotThereError("there is no such comparison")
        session = found
    if session.is_our_turn and session.next in FOLLOWS and session.row.state in {"open", "done"}:
        session = answer(node, clock, session.name, unseal=unseal)
    ours = _newest(node, clock, session, unseal)
    return codec.encode(CarriedMessage(session=session.name, message=b64encode(ours).decode()))


def check_caller(caller: Caller) -> None:
    """See that a party of ours asks.

    Raises:
        NotAllowedError: it is nobody that we know, or ourselves.
    """
    if caller.party is None or caller.party.is_self:
        raise NotAllowedError("comparisons are for parties that we know")


def _newest(node: Node, clock: Clock, session: Session, unseal: Unseal | None) -> bytes:
    """Return our message that the other side does not have yet; empty: there is none."""
    row = newest_of_ours(session)
    if row is None or (row.step and row.step < session.step):
        return b""
    return hand_out(node, clock, session, unseal=unseal)
