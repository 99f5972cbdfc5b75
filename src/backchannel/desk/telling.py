"""Tell a party something by a signed statement: asked of the rules of release, kept, and sent with what goes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.provenance import keep_statement
from backchannel.desk.receipting import signing_key
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.redacted import keep_spoken
from backchannel.desk.weighing import may_say
from backchannel.errors import PolicyError
from backchannel.ids import Digest
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.policy.decide import Decision
from backchannel.provenance.predicates import Predicate
from backchannel.provenance.statement import ObjectSubject, digest_text, make, open_envelope
from backchannel.stix.markings import Tlp
from backchannel.store.rows import Kept, PartyRow


@dataclass(frozen=True, slots=True)
class Told:
    """A statement of ours that is kept, and waits for the next drop to its reader."""

    row: int
    digest: Digest
    envelope: bytes

    @property
    def name(self) -> str:
        """How people and other statements name it."""
        return digest_text(self.digest)


def may_tell(node: Node, clock: Clock, party: PartyRow, tlp: Tlp, purpose: str) -> Decision:
    """Ask the rules of release whether a party may be told something.

    Args:
        node: ours.
        clock: the present.
        party: who is to be told.
        tlp: how far it may go.
        purpose: what it is: `request`, `answer`, `sighting`, `retraction`, ...
    """
    return may_say(node, clock, party, tlp, purpose)


def check_may_tell(node: Node, clock: Clock, party: PartyRow, tlp: Tlp, purpose: str) -> None:
    """See that a party may be told something.

    Raises:
        PolicyError: with the rule that stands against it.
    """
    decision = may_tell(node, clock, party, tlp, purpose)
    if not decision.allowed:
        to = visible_name(party.name)
        raise PolicyError(
            f"{to} is not told: {decision.reasons[-1].text}", hint=f"See `backchannel party show {to}`."
        )


def signed(
    node: Node,
    clock: Clock,
    predicate: Predicate,
    to: Recipient,
    *,
    about: Sequence[ObjectSubject] = (),
    unseal: Unseal | None = None,
) -> bytes:
    """Return a statement of ours to a party, signed and not kept.

    Raises:
        SignatureError: our keys need a passphrase.
        UsageError: it is too long.
    """
    key = signing_key(own_keys(node, clock, unseal))
    return make(predicate, subject=about, aud=[to.sign], key=key, iat=clock.now())


def keep_told(node: Node, clock: Clock, envelope: bytes, party: PartyRow) -> Told:
    """Keep a statement of ours, and let it wait for the next drop to a party. Inside a transaction."""
    row, opened = (
        keep_statement(node.store, clock, envelope, batch_id=None, is_own=True),
        open_envelope(envelope),
    )
    keep_spoken(node.store, row, opened.statement, {party.party_row})
    node.store.statements.wait(row, party_row=party.party_row)
    return Told(row, opened.digest, envelope)


def tell(
    node: Node,
    clock: Clock,
    predicate: Predicate,
    party: str,
    *,
    about: Sequence[ObjectSubject] = (),
    unseal: Unseal | None = None,
) -> Told:
    """Sign a statement, keep it, and let it wait for the next drop to a party. Inside a transaction.

    Raises:
        NotFoundError: there is no such party, or we have no keys of it.
        SignatureError: our keys need a passphrase.
    """
    to = recipient_of(node, party)
    return keep_told(node, clock, signed(node, clock, predicate, to, about=about, unseal=unseal), to.party)


def subject_of(kept: Kept) -> ObjectSubject:
    """Return an object as statements name it."""
    return ObjectSubject(id=kept.stix_id, jcs=digest_text(kept.digest), modified=kept.version)
