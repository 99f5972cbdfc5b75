"""Permit others to pass on what we said ourselves with a wider marking than it bears.

A permit is a statement of ours about the very content of objects. It goes with the next drop to whoever it is for, and
whoever relies on it shows it. What is marked stays as it is: the permit stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.choosing import Choice, chosen
from backchannel.desk.drop_documents import PermitGiven, PermittedObject
from backchannel.desk.expiry import expiry
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.provenance import keep_statement
from backchannel.desk.receipting import signing_key
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.records import record_signed
from backchannel.errors import PolicyError, UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import Permit
from backchannel.provenance.statement import (
    EVERYBODY,
    MAX_SUBJECTS,
    ObjectSubject,
    digest_text,
    format_seconds,
    make,
    open_envelope,
)
from backchannel.stix.markings import Tlp, parse_tlp
from backchannel.store.rows import First, Kept

MAX_NAMED: Final = 32
"""Parties that one permit names."""


def permit(
    node: Node,
    clock: Clock,
    choice: Choice,
    *,
    to: Sequence[str],
    tlp: str,
    until: str,
    unseal: Unseal | None = None,
) -> PermitGiven:
    """Permit parties to pass objects of ours on with a wider marking, and let them know with the next drop.

    Args:
        node: ours.
        clock: the present.
        choice: the objects, in the version in force.
        to: names of the parties; none: everybody who has it, told to those whom we sent it.
        tlp: the widest marking that they may give it.
        until: as `expiry` reads it.
        unseal: opens our keys.

    Raises:
        NotFoundError: an object or party is not here, or we have no keys of the party.
        UsageError: the label or time is none; or an object may go as far already.
        PolicyError: we are not the originator of an object.
        SignatureError: our keys need a passphrase.
    """
    marking, ends = _label(tlp), expiry(until, clock)
    kept = chosen(node, choice)
    recipients = [recipient_of(node, name) for name in dict.fromkeys(to)]
    if not 0 < len(kept) <= MAX_SUBJECTS or len(recipients) > MAX_NAMED:
        raise UsageError(
            f"a permit is about 1 to {MAX_SUBJECTS:,} objects, for at most {MAX_NAMED} parties or for everybody",
            hint="Give several permits.",
        )
    objects = _ours(node, clock, kept, marking)
    said = Permit(
        to=[one.sign for one in recipients] or list(EVERYBODY), until=format_seconds(ends), marking=marking
    )
    envelope = make(
        said,
        subject=[
            ObjectSubject(id=one.stix_id, jcs=digest_text(one.digest), modified=one.version or "")
            for one in kept
        ],
        aud=EVERYBODY,  # whoever relies on it shows it to others
        key=signing_key(own_keys(node, clock, unseal)),
        iat=clock.now(),
    )
    told = _told(node, recipients, kept)
    digest = digest_text(open_envelope(envelope).digest)
    with node.store.transaction():
        row = keep_statement(node.store, clock, envelope, batch_id=None, is_own=True)
        record_signed(node.store, LeafKind.PERMIT, envelope, about=digest, now=clock.now())
        for party_row in told:
            node.store.statements.wait(row, party_row=party_row)
    return PermitGiven(
        statement=digest,
        objects=objects,
        to=tuple(one.party.name for one in recipients),
        tlp=marking.label,
        until=said.until,
        waits_for=tuple(told.values()),
    )


def _label(text: str) -> Tlp:
    try:
        return parse_tlp(text)
    except ValueError as error:
        raise UsageError(str(error), hint="See TLP 2.0.") from None


def _ours(node: Node, clock: Clock, kept: Sequence[Kept], marking: Tlp) -> tuple[PermittedObject, ...]:
    """Return the objects, once it is seen that they are ours to permit, and that a permit changes something."""
    firsts = node.store.objects.firsts([one.object_row for one in kept])
    found: list[PermittedObject] = []
    for one in kept:
        if not _is_originator(node, one, firsts[one.object_row]):
            source = firsts[one.object_row].party
            raise PolicyError(
                f"we are not the originator of {one.stix_id}: only who said it first permits more than it is marked",
                hint=f"Ask {visible_name(source)} for a permit."
                if source
                else "Ask its originator for a permit.",
            )
        own = Reader(node, clock).tlp(one, firsts[one.object_row])
        if marking.strictness >= own.strictness:
            raise UsageError(
                f"{one.stix_id} is {own.label}: it may go as {marking.label} without a permit",
                hint="Name a wider label, or leave it out.",
            )
        found.append(PermittedObject(id=one.stix_id, version=one.version or None, tlp=own.label))
    return tuple(found)


def _is_originator(node: Node, kept: Kept, first: First) -> bool:
    """Whether we said it ourselves: in a drop; or it was imported as ours, and nobody else signed that they said it."""
    origins = node.store.statements.about(kept.digest, kinds=("origin",), at_most=MAX_NAMED)
    if any(about.statement.is_own for about in origins):
        return True
    return first.party == node.party.name and not origins


def _told(node: Node, recipients: Sequence[Recipient], kept: Sequence[Kept]) -> dict[int, str]:
    """Return to whom the permit goes, by row: who is named in it, else everybody whom we sent one of the objects."""
    if recipients:
        return {one.party.party_row: one.party.name for one in recipients}
    sent = (node.store.statements.readers(one.digest) for one in kept)
    return {row: name for some in sent for row, name in some}
