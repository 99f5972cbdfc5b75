"""What we tell the sources of an object about it, and what other parties tell us: sightings, opinions and outcomes, signed.

What we tell passes the rules of release, and goes to whoever gave us the object and has keys here. Of others it counts
while their signature does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.node import Node
from backchannel.desk.pinned import PinnedKeys, pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.redacted import of_form
from backchannel.desk.request_documents import ToldOf, ViewShown
from backchannel.desk.telling import keep_told, may_tell, signed, subject_of
from backchannel.errors import NotFoundError, SignatureError, UsageError
from backchannel.feedback.answers import answer_words
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.predicates import Opinion, Outcome, Sighting
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import content_of, open_envelope
from backchannel.provenance.verification import Terms, Verified, verify
from backchannel.stix.markings import Tlp
from backchannel.store.rows import Kept
from backchannel.store.statements import StatementRow

View = Opinion | Outcome | Sighting
KINDS: Final = ("opinion", "outcome", "sighting")
MAX_VIEWS: Final = 200
MAX_TOGETHER: Final = 250
"""Objects of one statement: well below the bytes that one may have."""
MAX_ARRIVALS: Final = 200
"""Arrivals of one object whose parties are told."""
TOLD_AS: Final = Tlp.AMBER
"""How far it may go: what we make of something shows what we can do."""


def tell_sources(
    node: Node, clock: Clock, kept: Kept, view: View, *, unseal: Unseal | None = None
) -> tuple[ToldOf, ...]:
    """Tell whoever gave us an object what we make of it. Inside a transaction.

    Where our keys are under a passphrase that nobody gave, nobody is told, and that is said.

    Args:
        node: ours.
        clock: the present.
        kept: the object, in the content that is spoken of.
        view: what we make of it.
        unseal: opens our keys.
    """
    arrivals, _ = node.store.objects.arrivals(kept.stix_id, at_most=MAX_ARRIVALS)
    names = dict.fromkeys(
        one.party for one in arrivals if one.object_row == kept.object_row and one.party is not None
    )
    return tuple(_tell(node, clock, kept, view, name, unseal) for name in names if name != node.party.name)


def tell_of_many(
    node: Node, clock: Clock, several: Sequence[Kept], view: View, name: str, *, unseal: Unseal | None = None
) -> ToldOf:
    """Tell one party the same of many objects, in as few statements as they fit in. Inside a transaction.

    Args:
        node: ours.
        clock: the present.
        several: the objects, in the content that is spoken of.
        view: what we make of all of them.
        name: of the party.
        unseal: opens our keys.
    """
    try:
        to = recipient_of(node, name)
    except (NotFoundError, UsageError):
        return ToldOf(to=name, outcome="no keys", says="it has no keys here")
    fresh = [kept for kept in several if _told_last(node, kept, view, to) != _content(view)]
    if not fresh:
        return ToldOf(to=name, outcome="told before", says="it was told so before")
    decision = may_tell(node, clock, to.party, TOLD_AS, type(view).__name__.lower())
    if not decision.allowed:
        return ToldOf(to=name, outcome="denied", says=decision.reasons[-1].text)
    try:
        for begin in range(0, len(fresh), MAX_TOGETHER):
            about = [subject_of(kept) for kept in fresh[begin : begin + MAX_TOGETHER]]
            keep_told(node, clock, signed(node, clock, view, to, about=about, unseal=unseal), to.party)
    except SignatureError:
        return ToldOf(to=name, outcome="denied", says="our keys are under a passphrase that nobody gave")
    return ToldOf(to=name, outcome="given", says="it is told with the next drop")


def _tell(node: Node, clock: Clock, kept: Kept, view: View, name: str, unseal: Unseal | None) -> ToldOf:
    try:
        to = recipient_of(node, name)
    except (NotFoundError, UsageError):
        return ToldOf(to=name, outcome="no keys", says="it has no keys here")
    if _told_last(node, kept, view, to) == _content(view):
        return ToldOf(to=name, outcome="told before", says="it was told so before")
    kind = type(view).__name__.lower()
    decision = may_tell(node, clock, to.party, TOLD_AS, "answer" if kind == "opinion" else kind)
    if not decision.allowed:
        return ToldOf(to=name, outcome="denied", says=decision.reasons[-1].text)
    try:
        envelope = signed(node, clock, view, to, about=[subject_of(kept)], unseal=unseal)
    except SignatureError:
        return ToldOf(to=name, outcome="denied", says="our keys are under a passphrase that nobody gave")
    keep_told(node, clock, envelope, to.party)
    return ToldOf(to=name, outcome="given", says="it is told with the next drop")


def _told_last(node: Node, kept: Kept, view: View, to: Recipient) -> object:
    """Return what we told a party of an object last, in this kind."""
    kind = type(view).__name__.lower()
    said = node.store.statements.about(kept.digest, kinds=(kind,), at_most=MAX_VIEWS)
    for one in reversed(said):
        statement = open_envelope(one.statement.envelope).statement
        if one.statement.is_own and to.sign in statement.aud:
            told = content_of(statement)
            return _content(told) if isinstance(told, Opinion | Outcome | Sighting) else None
    return None


def _content(view: View) -> object:
    """Return what is said, whatever the day."""
    value = codec.decode(codec.encode(view))
    value.pop("when", None)
    return value


# --- What others say -------------------------------------------------------------------------------------


def views_of(node: Node, clock: Clock, kept: Kept) -> tuple[ViewShown, ...]:
    """Return what other parties signed about an object, in this content, oldest first."""
    keys, found = pinned_keys(node), []
    terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(node.store))
    for about in node.store.statements.about(kept.digest, kinds=KINDS, at_most=MAX_VIEWS):
        one = None if about.statement.is_own else _verified(about.statement, keys, terms)
        if one is None or one.predicate is None:
            continue
        words = answer_words(one.predicate, one.signers[0].name)
        found.append(
            ViewShown(
                party=one.signers[0].name,
                kind=about.statement.kind,
                says=words.content if words else about.statement.kind,
                at=format_time(parse_time(one.statement.iat)),
                has_weight=one.has_weight,
                forms=of_form(node.store, about.subject, by=one.signers[0].name),
            )
        )
    return tuple(found)


def _verified(row: StatementRow, keys: PinnedKeys, terms: Terms) -> Verified | None:
    try:
        return verify(row.envelope, keys, terms)
    except Rejected:
        return None  # its key was given up since: it says nothing any more
