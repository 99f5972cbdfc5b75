"""Tell the originator of objects that a relay widened their marking, and no permit allows it.

A relay signed what it did, so it is told only where the signature of its statement and of the origin hold, and nothing
else is wrong with the chain. Whoever is told learns from whom we had the objects: the policy is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.provenance import keep_statement
from backchannel.desk.recipients import recipient_of
from backchannel.desk.weighing import may_say
from backchannel.provenance.hops import Chain
from backchannel.provenance.predicates import Widened
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import (
    MAX_SUBJECTS,
    ObjectSubject,
    SigningKey,
    content_of,
    digest_text,
    make,
    open_envelope,
)
from backchannel.provenance.verification import Keys, KnownKey
from backchannel.stix.markings import Tlp
from backchannel.store.rows import PartyRow

MAX_NOTICES: Final = 100
"""Statements of relays in one drop of which is told."""
_REASONS: Final = frozenset({Reason.DOWNGRADED_MARKING, Reason.NO_PERMIT})


@dataclass(slots=True)
class Widenings:
    """What relays widened, of the objects of one drop."""

    keys: Keys
    found: dict[tuple[str, Widened], list[ObjectSubject]] = field(default_factory=dict)
    """By the originator's key and what is told."""

    def note(self, chain: Chain, stix_id: str, version: str, digest: bytes) -> None:
        """Remember an object whose marking a relay widened, where its originator can be told."""
        if not chain.faults or not all(fault.reason in _REASONS for fault in chain.faults):
            return
        origin, hop = chain.hops[0], chain.hops[chain.faults[0].hop]
        signers = self._signer(origin.kid), self._signer(hop.kid)
        is_signed = origin.kind == "origin" and origin.signature == hop.signature == "good"
        if not is_signed or any(one is None for one in signers) or hop.kind != "relay":
            return
        if hop.kid is None or hop.marking_in is None or hop.marking_out is None or hop.statement is None:
            return
        said = Widened(
            relay=hop.kid,
            statement=hop.statement,
            marking_in=hop.marking_in,
            marking_out=hop.marking_out,
            reason=chain.faults[0].reason,
        )
        key = str(origin.kid), said
        if key not in self.found and len(self.found) >= MAX_NOTICES:
            return
        subjects = self.found.setdefault(key, [])
        if len(subjects) < MAX_SUBJECTS:
            subjects.append(ObjectSubject(id=stix_id, jcs=digest_text(digest), modified=version))

    def tell(self, node: Node, clock: Clock, key: SigningKey) -> None:
        """Let each originator know with the next drop, once, if it may. Inside a transaction."""
        for (kid, said), subjects in self.found.items():
            originator = self._party(node, kid)
            if originator is None or originator.is_self or _was_told(node, said, subjects):
                continue
            if not may_say(node, clock, originator, Tlp.AMBER, "widened").allowed:
                continue
            reader = recipient_of(node, originator.name).sign
            envelope = make(said, subject=subjects, aud=[reader], key=key, iat=clock.now())
            row = keep_statement(node.store, clock, envelope, batch_id=None, is_own=True)
            node.store.statements.wait(row, party_row=originator.party_row)

    def _signer(self, kid: str | None) -> KnownKey | None:
        return None if kid is None else self.keys(kid)

    def _party(self, node: Node, kid: str) -> PartyRow | None:
        signer = self._signer(kid)
        return None if signer is None else node.store.parties.by_name(signer.name)


def _was_told(node: Node, said: Widened, subjects: Sequence[ObjectSubject]) -> bool:
    """Whether that was told before of the first of the objects: the same drop came again."""
    digest = bytes.fromhex(subjects[0].jcs.removeprefix("sha256:"))
    before = node.store.statements.about(digest, kinds=("widened",), at_most=MAX_NOTICES)
    own = (open_envelope(one.statement.envelope) for one in before if one.statement.is_own)
    return any(content_of(one.statement) == said for one in own)
