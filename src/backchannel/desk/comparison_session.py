"""One session as the desk works on it: what is kept of it, what its messages say, whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar, cast

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.node import Node
from backchannel.desk.own_keys import OwnKeys
from backchannel.desk.receipting import signing_key
from backchannel.desk.records import record_signed
from backchannel.ids import sha256
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import Psi
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import digest_text, make, open_envelope
from backchannel.psi.items import INPUT_BYTES, SESSION_BYTES, Sort
from backchannel.psi.messages import STEP_OF, Body, Decline, Step, read_body, unpack, write_body
from backchannel.psi.rounds import Own, Side
from backchannel.psi.suites import Engine, engine
from backchannel.store.comparisons import ComparisonRow, MessageRow

LASTS: Final = timedelta(days=30)
"""How long a message counts."""
NO_ROOT: Final = digest_text(sha256(b""))
"""The root of a side that put nothing in."""
INITIATOR: Final = frozenset({Step.REQUEST, Step.RESPONSE, Step.PROPOSE, Step.SHOW_BACK})

_B = TypeVar("_B", bound=Body)


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept secret of a session, as it is stored. Lists are their members one behind the other."""

    key: bytes
    """Empty once the session has ended: it is of no use any more."""
    secret: bytes
    inputs: bytes
    order_salt: bytes
    response_salt: bytes
    answer: bytes = b""
    """What our key made of their elements, in their order."""

    def own(self, session: bytes, side: Side) -> Own:
        """Return it as the arithmetic takes it."""
        return Own(
            session=session,
            side=side,
            key=self.key,
            secret=self.secret,
            inputs=tuple(split(self.inputs, INPUT_BYTES)),
            order_salt=self.order_salt,
            response_salt=self.response_salt,
        )


def secrets_of(own: Own) -> Secrets:
    """Return what is stored of what a side put in."""
    return Secrets(
        key=own.key,
        secret=own.secret,
        inputs=b"".join(own.inputs),
        order_salt=own.order_salt,
        response_salt=own.response_salt,
    )


def split(data: bytes, size: int) -> list[bytes]:
    """Return the members of a list that lie one behind the other."""
    return [data[at : at + size] for at in range(0, len(data), size)]


@dataclass(slots=True)
class Session:
    """A session, read from the store. What it is changed to is kept by `save`, inside a transaction."""

    node: Node
    row: ComparisonRow
    messages: list[MessageRow]

    @property
    def name(self) -> str:
        """Its name in hexadecimal."""
        return self.row.session.hex()

    @property
    def step(self) -> Step:
        """The last message, but for a refusal."""
        return Step(max((one.step for one in self.messages), default=0))

    @property
    def next(self) -> Step | None:
        """Which message comes next; None: none."""
        step = self.step
        return None if step is Step.CONFIRM else Step(step + 1)

    @property
    def is_our_turn(self) -> bool:
        """Whether the next message is ours."""
        following = self.next
        return following is not None and (following in INITIATOR) is (self.row.side == "initiator")

    @property
    def sorts(self) -> list[Sort]:
        """What is compared."""
        return [Sort(one) for one in codec.decode(self.row.sorts)]

    @property
    def engine(self) -> Engine:
        """The engine of its suite; raises as `suites.engine`."""
        return engine(self.row.suite)

    @property
    def secrets(self) -> Secrets:
        """What we keep secret of it."""
        if self.row.secrets is None:
            raise ValueError("nothing of ours has gone in yet")
        return codec.decode_as(self.row.secrets, Secrets)

    @property
    def own(self) -> Own:
        """What we put in."""
        return self.secrets.own(self.row.session, self.row.side)

    @property
    def answer(self) -> list[bytes]:
        """What our key made of their elements, in their order."""
        return split(self.secrets.answer, self.engine.element_bytes)

    def body(self, kind: type[_B]) -> _B:
        """Return what the message of a kind carried, which came or went before."""
        step = STEP_OF[kind]
        row = next(one for one in self.messages if one.step == step)
        return cast("_B", read_body(row.body, step))

    def elements(self, text: str) -> list[bytes]:
        """Read a list of elements of this session's suite; raises as `unpack`."""
        return unpack(text, self.engine.element_bytes)

    def last(self) -> MessageRow | None:
        """Return the last message, but for a refusal."""
        said = [one for one in self.messages if one.step]
        return max(said, key=lambda one: one.step, default=None)

    def first_of(self, *, is_ours: bool) -> Psi | None:
        """Return what a side said first: the root of its inputs stands in it."""
        said = [one for one in self.messages if one.step and one.is_ours is is_ours]
        return None if not said else statement_of(said[0])

    def change(self, at: datetime, **values: object) -> None:
        """Change what is kept of it."""
        self.row = msgspec.structs.replace(self.row, changed_at=format_time(at), **values)

    def forget_key(self) -> None:
        """Let go of the key: what comes after the end needs none."""
        if self.row.secrets is not None:
            kept = msgspec.structs.replace(self.secrets, key=b"")
            self.row = msgspec.structs.replace(self.row, secrets=codec.encode(kept))

    def save(self) -> None:
        """Keep it, in the caller's transaction."""
        self.node.store.comparisons.put(self.row)

    def add(self, clock: Clock, envelope: bytes, body: bytes, *, is_ours: bool) -> MessageRow:
        """Keep a message and enter it into the ledger, in the caller's transaction."""
        opened = open_envelope(envelope)
        step = int(cast("dict[str, int]", opened.statement.predicate)["step"])
        row = MessageRow(
            self.row.session, step, is_ours, opened.digest, envelope, body, format_time(clock.now())
        )
        self.node.store.comparisons.put_message(row)
        record_signed(
            self.node.store,
            LeafKind.COMPARISON,
            envelope,
            about=digest_text(opened.digest),
            now=clock.now(),
        )
        self.messages.append(row)
        return row

    def say(
        self,
        clock: Clock,
        keys: OwnKeys,
        to: str,
        step: Step,
        body: Body,
        *,
        shows: bool = False,
    ) -> MessageRow:
        """Sign and keep a message of ours, in the caller's transaction.

        Args:
            clock: the present.
            keys: ours.
            to: the key that the other party signs with.
            step: which message.
            body: what it carries.
            shows: whether we agree to show which items are in common.
        """
        data = write_body(body)
        said = self.first_of(is_ours=True)
        root, n = (NO_ROOT, 0) if said is None else (said.root, said.n)
        if said is None and self.row.secrets is not None:
            subject = self.own.tree.subject
            root, n = subject.root, subject.n
        last = self.last()
        envelope = make(
            Psi(
                session=self.name,
                root=root,
                n=n,
                mode="intersection" if shows else "cardinality",
                step=step,
                body=digest_text(sha256(data)),
                prev=None if last is None else digest_text(last.digest),
            ),
            subject=[],
            aud=[to],
            key=signing_key(keys),
            iat=clock.now(),
            exp=clock.now() + LASTS,
        )
        return self.add(clock, envelope, data, is_ours=True)

    def end(self, clock: Clock, state: Literal["declined", "failed"], reason: str, detail: str) -> None:
        """End it, in the caller's transaction."""
        self.forget_key()
        self.change(clock.now(), state=state, reason=reason, detail=detail[:200])
        self.save()

    def fail(self, clock: Clock, keys: OwnKeys, to: str, refusal: Rejected) -> None:
        """End it because of what the other side sent, and tell them, in the caller's transaction."""
        self.say(clock, keys, to, Step.DECLINE, Decline(reason=refusal.reason.value))
        self.end(clock, "failed", refusal.reason.value, refusal.detail)


def statement_of(row: MessageRow) -> Psi:
    """Return what a message that is kept says."""
    return codec.into(open_envelope(row.envelope).statement.predicate, Psi)


def open_session(node: Node, session: bytes) -> Session | None:
    """Return a session by its 16 bytes."""
    row = node.store.comparisons.get(session)
    return None if row is None else Session(node, row, node.store.comparisons.messages(session))


def new_session(node: Node, row: ComparisonRow) -> Session:
    """Return a session that nothing was said in yet."""
    if len(row.session) != SESSION_BYTES:
        raise ValueError(f"a session is named by {SESSION_BYTES} bytes")
    return Session(node, row, [])


def write_sorts(sorts: Sequence[Sort]) -> str:
    """Return a list of sorts as it is stored."""
    return codec.encode([one.value for one in sorts]).decode()
