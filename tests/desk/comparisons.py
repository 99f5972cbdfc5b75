"""Nodes that compare, and the messages that go between them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tests.desk.drops import GREEN, indicator, keep
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.comparing import answer, begin, hand_out, recipient_in, session_named
from backchannel.desk.comparison_session import Session
from backchannel.desk.comparison_taking import Taken, take_message
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.receipting import signing_key
from backchannel.ids import sha256
from backchannel.provenance.predicates import Psi
from backchannel.provenance.statement import digest_text, make, open_envelope
from backchannel.psi.files import seal_message


def of_hash(number: int, marking: str | None = GREEN) -> dict[str, object]:
    """An indicator of the SHA-256 of a number."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return indicator(number, marking, pattern=f"[file:hashes.'SHA-256' = '{digest}']")


def keep_hashes(node: Node, numbers: Sequence[int], marking: str | None = GREEN) -> None:
    keep(node, [of_hash(number, marking) for number in numbers])


def message(node: Node, session: Session, clock: Clock = CLOCK) -> bytes:
    """The file of our newest message, read anew from the store."""
    return hand_out(node, clock, session_named(node, session.name))


def carry(giver: Node, taker: Node, session: Session, clock: Clock = CLOCK) -> Taken:
    """Hand the giver's newest message to the taker."""
    return take_message(taker, clock, message(giver, session, clock))


def begun(first: Node, second: Node, **how: object) -> Session:
    session, _ = begin(first, CLOCK, second.party.name, **how)  # type: ignore[arg-type]
    return session


def counted(first: Node, second: Node, **how: object) -> Session:
    """Compare up to where both know how many they have in common; returns the session of the first."""
    session = begun(first, second, **how)
    carry(first, second, session)
    answer(second, CLOCK, session.name)
    carry(second, first, session)
    answer(first, CLOCK, session.name)
    carry(first, second, session)
    answer(second, CLOCK, session.name)
    carry(second, first, session)
    return session_named(first, session.name)


def shown(first: Node, second: Node) -> Session:
    """Compare up to where both know which they have in common."""
    session = counted(first, second)
    answer(first, CLOCK, session.name, shows=True)
    carry(first, second, session)
    answer(second, CLOCK, session.name, shows=True)
    carry(second, first, session)
    answer(first, CLOCK, session.name)
    carry(first, second, session)
    answer(second, CLOCK, session.name)
    carry(second, first, session)
    return session_named(first, session.name)


def forged(node: Node, session: Session, **changes: object) -> bytes:
    """Our newest message with another body, signed by us as it should be: what a party that cheats would send."""
    row = max(
        (one for one in session_named(node, session.name).messages if one.is_ours), key=lambda one: one.step
    )
    said = codec.into(open_envelope(row.envelope).statement.predicate, Psi)
    body = codec.canonical({**codec.decode(row.body), **changes})
    return signed(node, session, said, body)


def fields_of(said: Psi) -> dict[str, object]:
    return {name: getattr(said, name) for name in said.__struct_fields__}


def signed(node: Node, session: Session, said: Psi, body: bytes) -> bytes:
    to = recipient_in(session_named(node, session.name))
    envelope = make(
        Psi(**{**fields_of(said), "body": digest_text(sha256(body))}),
        subject=[],
        aud=[to.sign],
        key=signing_key(own_keys(node, CLOCK)),
        iat=CLOCK.now(),
    )
    return seal_message(envelope, body, to.age_recipient)
