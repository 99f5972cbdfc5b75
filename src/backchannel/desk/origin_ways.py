"""The signed ways of an object, read for where its claim comes from: whose it is, who hides whom, what it was made of.

They are judged by the same steps and the same `trace` as what is shown of them (`provenance`), with the keys of today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.permits import KeptPermits
from backchannel.desk.provenance import known_at
from backchannel.desk.steps import KINDS, Steps, heads
from backchannel.provenance.chain import trace
from backchannel.provenance.hidden import is_hidden
from backchannel.provenance.hops import Chain, Held, Link
from backchannel.provenance.predicates import Origin, Predicate, Relay
from backchannel.provenance.statement import content_of, digest_text, open_envelope
from backchannel.provenance.verification import Keys, Terms
from backchannel.stix.markings import Tlp
from backchannel.store.rows import Kept
from backchannel.store.statements import About

MAX_STATEMENTS: Final = 200
"""Statements about one content that are read, the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginWay:
    """One signed way of an object to us."""

    head: int
    """Row of its last statement: the batches that brought it came by this way."""
    chain: Chain
    statements: tuple[str, ...]
    """`sha256:...` of each, the originator's first."""
    origin: Origin | None
    """The originator's own words, whoever can prove them; None: it is hidden, or there is none."""
    otag: str
    """Of the origin, or the commitment to the hidden party: what relays tell two hidden origins apart by."""
    inputs: tuple[str, ...]
    """Statements that relays made theirs of."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed about one content."""

    ways: tuple[OriginWay, ...] = ()
    own_otag: str = ""
    """Under which we asserted it ourselves."""


class OriginWays:
    """Reads the ways of many objects with one reading of keys, rows and trees."""

    def __init__(self, node: Node, clock: Clock, keys: Keys) -> None:
        self._store, self._keys = node.store, keys
        self._terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(node.store))
        self._steps = Steps(node.store)
        self._permits = KeptPermits(node.store, keys, self._terms)

    def of(self, page: Sequence[Kept]) -> dict[int, Signed]:
        """Return what was signed about contents, by row; one about which nothing was is left out."""
        found = self._store.statements.abouts(
            [kept.digest for kept in page], kinds=KINDS, at_most=MAX_STATEMENTS
        )
        return {
            kept.object_row: self._signed(kept, found[kept.digest]) for kept in page if kept.digest in found
        }

    def _signed(self, kept: Kept, found: Sequence[About]) -> Signed:
        own = (one.statement for one in found if one.statement.is_own and one.statement.kind == "origin")
        said = next((_predicate(one.envelope) for one in own), None)
        return Signed(
            ways=tuple(self._way(kept, head) for head in heads(found, with_own=False)),
            own_otag=said.otag if isinstance(said, Origin) else "",
        )

    def _way(self, kept: Kept, head: About) -> OriginWay:
        steps = self._steps.back(head, kept.stix_id)
        predicates = [_predicate(step.statement.envelope) for step in steps]
        links = [
            Link(
                envelope=step.statement.envelope,
                digest=step.subject.object_digest,
                proof=self._steps.proof(step),
                value=codec.decode(kept.body) if step.subject.object_digest == kept.digest else None,
            )
            for step in steps
        ]
        # How far it may go is no question here: the strictest marking is wider than no statement's.
        held = Held(digest=kept.digest, marking=Tlp.RED, value=codec.decode(kept.body))
        origin = predicates[0] if isinstance(predicates[0], Origin) else None
        return OriginWay(
            head=head.statement.statement_row,
            chain=trace(links, held, self._keys, self._terms, permits=self._permits),
            statements=tuple(digest_text(step.statement.digest) for step in steps),
            origin=origin,
            otag=_commitment(predicates) if origin is None else origin.otag,
            inputs=tuple(name for one in predicates if isinstance(one, Relay) for name in one.inputs),
        )


def _commitment(predicates: Sequence[Predicate | None]) -> str:
    first = predicates[0]
    if not isinstance(first, Relay) or not is_hidden(first.from_):
        return ""
    return first.from_.removeprefix("sha256:")


def _predicate(envelope: bytes) -> Predicate | None:
    try:
        return content_of(open_envelope(envelope).statement)
    except ValueError:
        return None
