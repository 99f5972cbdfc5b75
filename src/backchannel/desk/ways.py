"""On which signed way an object goes on from here: the chain that it came by, judged, with the proofs for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backchannel.clock import Clock, parse_time
from backchannel.desk.node import Node
from backchannel.desk.permits import KeptPermits
from backchannel.desk.pinned import own_kids
from backchannel.desk.provenance import known_at
from backchannel.desk.steps import Steps, heads
from backchannel.desk.verdicts import Verdicts
from backchannel.policy.request import Permitted as MayHave
from backchannel.provenance.hops import Chain, Held, Link
from backchannel.provenance.leaves import Proof
from backchannel.provenance.permits import Asked, Permitted, find_permit, is_reporting
from backchannel.provenance.predicates import Permit
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import format_seconds
from backchannel.provenance.verification import Keys, Terms
from backchannel.stix.markings import Tlp
from backchannel.store.rows import Kept
from backchannel.store.statements import About, StatementRow


@dataclass(frozen=True, slots=True)
class Way:
    """One way of an object, as it was judged when it was asked for."""

    statements: tuple[StatementRow, ...]
    """The originator's first."""
    abouts: tuple[About, ...]
    """Where the object stands in each of them."""
    chain: Chain

    @property
    def key(self) -> tuple[bytes, ...]:
        """What objects that came on the same way share."""
        return tuple(row.digest for row in self.statements)

    def marking(self, own: Tlp) -> Tlp:
        """Return how far the object may go: no further than the chain's last word, unless its originator permits more.

        Args:
            own: its own marking.
        """
        stated = self.chain.marking
        if stated is None or (not self.chain.permits and stated.strictness < own.strictness):
            return own
        return stated


class Ways:
    """The ways of many objects; what they share is read and judged once."""

    def __init__(self, node: Node, clock: Clock, keys: Keys) -> None:
        """Judge with these keys, at the present that `clock` gives."""
        terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(node.store))
        self._keys, self._now, self._own = keys, clock.now(), own_kids(node)
        self._permits = KeptPermits(node.store, keys, terms)
        self._steps = Steps(node.store)
        self._verdicts = Verdicts(keys, terms, self._permits)

    def best(self, kept: Kept, marking: Tlp, found: Sequence[About]) -> Way | None:
        """Return the best way of an object: proven before unproven, short before long. None: no statement came with it.

        Args:
            kept: the object.
            marking: how far it may go by itself.
            found: the origins and relays that are about it (`Statements.abouts`).
        """
        read = {about.statement.digest: about for about in found}
        ways = [self._way(head, read, kept, marking) for head in heads(found, with_own=False)]
        return min(ways, key=_worth, default=None)

    def proof(self, about: About) -> Proof | None:
        """Return what leads from an object to the root of a statement; None: the statement names it itself."""
        return self._steps.proof(about)

    def originators(self, kept: Kept, marking: Tlp, found: Sequence[About]) -> frozenset[str]:
        """Return the parties that signed that they said just this content, by ways that are proven from end to end.

        Args:
            kept: the object.
            marking: how far it may go by itself.
            found: as of `best`.
        """
        read = {about.statement.digest: about for about in found}
        proven: set[str] = set()
        for head in heads(found, with_own=False):
            way = self._way(head, read, kept, marking)
            origin = way.chain.hops[0] if way.chain.state == "proven" else None
            if origin is None or origin.kind != "origin" or origin.kid is None:
                continue
            key = self._keys(origin.kid)
            if key is not None and way.abouts[0].subject.object_digest == kept.digest:
                proven.add(key.party)
        return frozenset(proven)

    def permit(self, way: Way, kept: Kept) -> Permitted | None:
        """Return the permit of an object's originator by which we may pass it on, the one that reaches furthest."""
        origin, *others = way.chain.hops
        is_plain = origin.kind == "origin" and all(hop.kind == "relay" for hop in others)
        if way.chain.faults or not is_plain or origin.signature != "good" or origin.kid is None:
            return None
        asked = Asked(
            digest=kept.digest,
            originator=origin.kid,
            relays=self._own,
            at=format_seconds(self._now),
        )
        # To whom it went is told to nobody yet, so what asks for that is left alone.
        usable = [one for one in self._permits(kept.digest) if not is_reporting(one)]
        found = find_permit(asked, usable, self._is_same)
        return found if isinstance(found, Permitted) else None

    def may_have(self, way: Way, kept: Kept) -> tuple[MayHave, ...]:
        """Return whom an object's originator permits to have it (ORCON): the permits of the way, as rules read them."""
        origin = way.chain.hops[0]
        if origin.kind != "origin" or origin.signature != "good" or origin.kid is None:
            return ()
        found: list[MayHave] = []
        for verified in self._permits(kept.digest):
            permit = verified.predicate
            is_sound = Reason.MAYBE_STOLEN_KEY not in verified.notes and not is_reporting(verified)
            if isinstance(permit, Permit) and is_sound and self._is_same(verified.statement.iss, origin.kid):
                found.append(MayHave(frozenset(permit.to), parse_time(permit.until)))
        return tuple(found)

    def _way(self, head: About, read: Mapping[bytes, About], kept: Kept, marking: Tlp) -> Way:
        abouts = self._steps.back(head, kept.stix_id, read=read)
        chain = self._verdicts.of(
            tuple(one.statement.statement_row for one in abouts),
            Held(digest=kept.digest, marking=marking),
            lambda: [
                Link(envelope=one.statement.envelope, digest=one.subject.object_digest, proof=self.proof(one))
                for one in abouts
            ],
            is_proven=self._steps.are_proven(abouts, kept.digest),
        )
        return Way(tuple(one.statement for one in abouts), abouts, chain)

    def _is_same(self, kid: str, other: str) -> bool:
        one, two = self._keys(kid), self._keys(other)
        return kid == other or (one is not None and two is not None and one.party == two.party)


def _worth(way: Way) -> tuple[int, int]:
    return ("proven", "unproven", "refused").index(way.chain.state), len(way.statements)
