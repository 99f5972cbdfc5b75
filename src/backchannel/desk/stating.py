"""What we say about the objects that go: that they are our claims, or that we had them and from whom.

One statement is made for each group of objects that have the same history, about the root of their salted leaves.
Our own are an *origin*; what came with statements is a *relay* of these; what nobody signed is a relay whose source
is counted and not named, since only the source could say that it said so.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backchannel.clock import Clock
from backchannel.desk.going import Going
from backchannel.desk.node import Node
from backchannel.desk.ways import Ways
from backchannel.drop.links import Group, Line, Proven
from backchannel.provenance.hidden import cryptonym, hide, opening
from backchannel.provenance.leaves import SECRET_BYTES, grow
from backchannel.provenance.predicates import Origin, Predicate, Relay
from backchannel.provenance.receipts import Ack
from backchannel.provenance.statement import SigningKey, digest_text, make, open_envelope
from backchannel.store.statements import StatementRow, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a drop is made."""

    expires_days: int = 30
    ack: Ack = "received"
    collection: Literal["first-hand", "derived", "osint", "unknown"] = "unknown"
    """How our own claims were come by: `first-hand`, `derived`, `osint` or `unknown`."""
    hide_sources: bool = False
    passphrase: str | None = None
    """Encrypt to whoever has it, instead of to the party's key."""
    attachments: tuple[tuple[str, Path], ...] = ()
    """Name and file."""
    reply_to: str | None = None
    """`sha256:...` of the request that it answers."""
    answer: bytes | None = None
    """That answer, a signed statement of ours that is kept with the drop."""


class Stating:
    """The statements of one drop."""

    def __init__(self, node: Node, clock: Clock, key: SigningKey, to: str, how: How) -> None:
        self._store, self._clock, self._key, self._to, self._how = node.store, clock, key, to, how
        self._ways = Ways(node, clock, lambda _: None)
        self.own: list[tuple[bytes, list[Subject]]] = []
        """Statements made for this drop, with their leaves."""
        self.openings: list[tuple[str, str, bytes]] = []
        """Of each hidden party the commitment, who it is in our books, and the 32 random bytes."""
        self._groups: list[tuple[Group, Sequence[Going]]] = []
        self.carried: dict[bytes, bytes] = {}
        """The envelopes that go along, by their digests."""
        if how.answer is not None:
            self.own.append((how.answer, []))
            self.carried[open_envelope(how.answer).digest] = how.answer
        self.permits: dict[bytes, bytes] = {}
        """Those among them that markings rely on."""

    def state(self, groups: Sequence[Sequence[Going]], salts: Sequence[bytes]) -> None:
        """Make one statement for each group.

        Args:
            groups: the objects, in the order in which they go.
            salts: of each object in this copy.
        """
        first = 0
        for group in groups:
            digests = [one.digest for one in group]
            tree = grow(salts[first : first + len(group)], digests)
            predicate, before = self._predicate(group[0])
            envelope = make(
                predicate, subject=tree.subject, aud=[self._to], key=self._key, iat=self._clock.now()
            )
            leaves = [
                Subject(digest, leaf_index=index, salt=salts[first + index])
                for index, digest in enumerate(digests)
            ]
            self.own.append((envelope, leaves))
            said = open_envelope(envelope).digest
            self.carried |= {row.digest: row.envelope for row in before} | {said: envelope}
            chain = tuple(digest_text(digest) for digest in (*(row.digest for row in before), said))
            self._groups.append((Group(chain=chain, first=first, n=len(group)), group))
            first += len(group)
            self._show_permits(group)

    def lines(self) -> Iterator[Line]:
        """Yield the lines that say which statements stand behind which objects: proofs are made as they are written."""
        for line, members in self._groups:
            yield line
            yield from self._proofs(members, line.first)

    def _predicate(self, one: Going) -> tuple[Predicate, Sequence[StatementRow]]:
        """Return what we say about a group of objects, and the statements that stand before it."""
        if one.way is not None:
            return self._relayed(one)
        if one.source is not None:
            return self._told(one, one.source), ()
        otag = one.otag or secrets.token_hex(32)
        return Origin(collection=self._how.collection, otag=otag, marking=one.tlp), ()

    def _relayed(self, one: Going) -> tuple[Relay, Sequence[StatementRow]]:
        way = one.way
        if way is None:
            raise ValueError("it came without a statement")
        last = way.statements[-1]
        source, name = last.issuer, None
        is_hidden = self._how.hide_sources or one.made is not None
        if is_hidden:
            source, name = self._hidden(last.issuer)
        relay = Relay(
            prev=digest_text(last.digest),
            hops=len(
                way.chain.hops
            ),  # the origin among them, which is no relay: one more than the last one's
            from_=source,
            to=[self._to],
            received_at=one.received_at[:10],
            handling="verbatim" if one.made is None else "reworded",
            inputs=[] if one.made is None else [digest_text(last.digest)],
            marking_in=one.received,
            marking_out=one.tlp,
            cryptonym=name,
        )
        # The statements before name the object that a redacted one was made of.
        return relay, () if is_hidden else way.statements

    def _show_permits(self, group: Sequence[Going]) -> None:
        """Let the permits go along that the markings of objects rely on, but where whoever gave them is hidden."""
        if self._how.hide_sources:
            return
        for digest in dict.fromkeys(permit.digest for one in group for permit in one.permits):
            row = None if digest in self.permits else self._store.statements.get(digest)
            if row is not None:
                self.permits[digest] = self.carried[digest] = row.envelope

    def _told(self, one: Going, source: str) -> Relay:
        """Return our statement about what nobody signed: we had it, from somebody whom we do not name."""
        hidden, name = self._hidden(source)
        return Relay(
            hops=1,
            from_=hidden,
            to=[self._to],
            received_at=one.received_at[:10],
            handling="verbatim" if one.made is None else "redacted",
            removed=list(one.removed),
            marking_in=one.tlp,
            marking_out=one.tlp,
            cryptonym=name,
        )

    def _hidden(self, source: str) -> tuple[str, str]:
        """Return the commitment to a source, which we keep the opening of, and our name for it."""
        books = self._store.statements.own_secret("cryptonyms", secrets.token_bytes(SECRET_BYTES))
        # The commitment is to a name in ASCII; a source without keys stands in our books under another.
        known = source if source.isascii() else cryptonym(books, source)
        kept = opening(known)
        commitment = hide(kept)
        self.openings.append((commitment, source, kept.random))
        return commitment, cryptonym(books, source)

    def _proofs(self, group: Sequence[Going], first: int) -> Iterator[Proven]:
        for index, one in enumerate(group):
            if one.way is None or self._how.hide_sources or one.made is not None:
                continue
            for about in one.way.abouts:
                proof = self._ways.proof(about)
                if proof is not None:
                    yield Proven(of=digest_text(about.statement.digest), o=first + index, proof=proof)
