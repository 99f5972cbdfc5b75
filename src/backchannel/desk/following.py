"""Follow those who take back what they said to us: we take back what we passed on of that, to whom we passed it.

Each party is told by a statement of ours that names the retraction that it follows; who hid the source stays hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backchannel.clock import Clock, parse_time
from backchannel.desk.givers import given_to
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.receipting import signing_key
from backchannel.desk.recipients import recipient_of
from backchannel.desk.redacted import readers
from backchannel.desk.request_documents import ToldOf
from backchannel.desk.telling import keep_told, may_tell, subject_of
from backchannel.errors import NotFoundError, SignatureError
from backchannel.parties.at_rest import Unseal
from backchannel.parties.states import LIMITS
from backchannel.provenance.predicates import Relay, Retract
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import (
    ObjectSubject,
    SigningKey,
    content_of,
    digest_text,
    make,
    objects_named,
    open_envelope,
)
from backchannel.provenance.verification import Terms, Verified, verify
from backchannel.store.membership import KnownRow
from backchannel.store.rows import Kept, PartyRow
from backchannel.store.statements import StatementRow

MAX_CONTENTS: Final = 100
"""Contents of one object that one statement takes back: no more than a reader takes of one."""
MAX_RELAYS: Final = 1_000
"""Statements by which we passed one object on that are followed."""
MAX_RETRACTIONS: Final = 200
"""Retractions, the newest, that are looked at for news."""
MAX_STEPS: Final = 40
"""Statements before ours that are looked at for who takes back: a chain has 32 relays at most."""

Key = Callable[[], SigningKey]


def follow(node: Node, clock: Clock, one: Verified, key: SigningKey | None = None) -> tuple[ToldOf, ...]:
    """Take back what we passed on of what a party takes back. Inside the transaction that keeps its statement.

    Where our keys are under a passphrase that nobody gave, nobody is told: `retract` tells them later.

    Args:
        node: ours.
        clock: the present.
        one: the retraction, judged.
        key: ours, where it is open.
    """
    said = one.predicate
    if not isinstance(said, Retract) or not one.has_weight:
        return ()
    followed = Retract(reason=said.reason, because=digest_text(one.digest))
    sign: Key = key_of(node, clock, None) if key is None else lambda: key
    told: list[ToldOf] = []
    with suppress(SignatureError):
        for party, held in passed_on(node, one):
            told.append(tell_of(node, clock, sign, followed, party, held))
    return tuple(told)


@dataclass(frozen=True, slots=True)
class Passed:
    """One content of an object, as a party has it."""

    kept: Kept
    subject: ObjectSubject
    """Of what went: the object, or the redacted form of it."""

    @property
    def digest(self) -> bytes:
        """Of what went."""
        return bytes.fromhex(self.subject.jcs.removeprefix("sha256:"))


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A retraction of what we hold, by a party that had said it."""

    statement: str
    party: str
    about: tuple[str, ...]
    """Ids of objects that are here."""
    reason: str
    at: datetime
    is_left: bool
    """Whether what we passed on of it is not taken back yet."""


def retractions(node: Node, clock: Clock, *, since: datetime) -> Iterator[TakenBack]:
    """Yield what parties took back of what we hold, newest first.

    Args:
        node: ours.
        clock: the present.
        since: when it came at the earliest.
    """
    keys = pinned_keys(node)
    terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(node.store))
    others = [kid for one in node.store.membership.known() if not one.party.is_self for kid in one.kids]
    for row in node.store.requests.of_issuers(others, ["retract"], at_most=MAX_RETRACTIONS):
        at = parse_time(row.received_at)
        if at < since:
            return
        try:
            one = verify(row.envelope, keys, terms)
        except Rejected:
            continue  # its key was given up since: it takes nothing back any more
        about = tuple(
            named.id for named in objects_named(one.statement) if node.store.objects.current(named.id)
        )
        if not isinstance(one.predicate, Retract) or not one.has_weight or not about:
            continue
        yield TakenBack(
            statement=digest_text(row.digest),
            party=one.signers[0].name,
            about=about,
            reason=one.predicate.reason,
            at=at,
            is_left=any(
                not _told_before(node, passed, kid)
                for party, held in passed_on(node, one)
                for kid in (recipient_kid(node, party),)
                for passed in held
                if kid is not None
            ),
        )


def passed_on(node: Node, one: Verified) -> list[tuple[PartyRow, list[Passed]]]:
    """Return to whom we passed on what a retraction takes back, as far as we had it from who takes it back."""
    known: dict[str, KnownRow] = {row.party.party_id: row for row in node.store.membership.known()}
    signer = known.get(one.signers[0].party)
    if signer is None:
        return []
    by_kid = {kid: row.party for row in known.values() for kid in row.kids}
    found: dict[int, tuple[PartyRow, list[Passed]]] = {}
    for subject in objects_named(one.statement):
        digest = bytes.fromhex(subject.jcs.removeprefix("sha256:"))
        kept = node.store.objects.content(subject.id, digest)
        if kept is None:
            continue
        whole = Passed(kept, subject_of(kept))
        relayed = [
            (by_kid.get(to), passed)
            for passed in dict.fromkeys(
                [whole, *(Passed(kept, form) for _, form in readers(node.store, kept))]
            )
            for to in _relayed(node, passed, signer.kids, signer.party)
        ]
        # Over TAXII no statement says that we pass it on: it is theirs where nobody else gave it to us.
        given = given_to(node, kept) if _only_from(node, kept, signer.party) else []
        for party, passed in (*relayed, *((party, whole) for party in given)):
            if party is not None and not party.is_self and party.party_row != signer.party.party_row:
                held = found.setdefault(party.party_row, (party, []))[1]
                if passed not in held:
                    held.append(passed)
    return list(found.values())


def _relayed(node: Node, passed: Passed, kids: Iterable[str], source: PartyRow) -> Iterator[str]:
    """Yield the keys to which we passed an object on that came to us, over any number of relays, from a party."""
    theirs = frozenset(kids)
    for about in node.store.statements.about(passed.digest, kinds=("relay",), at_most=MAX_RELAYS):
        relay = (
            content_of(open_envelope(about.statement.envelope).statement) if about.statement.is_own else None
        )
        if not isinstance(relay, Relay):
            continue
        came_of_them = (
            _only_from(node, passed.kept, source)
            if about.statement.prev is None
            else any(row.issuer in theirs for row in _before(node, about.statement))
        )
        if came_of_them:
            yield from relay.to


def _before(node: Node, row: StatementRow) -> Iterator[StatementRow]:
    """Yield the statements before one, the nearest first."""
    prev, steps = row.prev, 0
    while prev is not None and steps < MAX_STEPS:
        before = node.store.statements.get(prev)
        if before is None:
            return
        yield before
        prev, steps = before.prev, steps + 1


def _only_from(node: Node, kept: Kept, source: PartyRow) -> bool:
    first = node.store.objects.firsts([kept.object_row])[kept.object_row]
    return first.parties == 1 and first.party == source.name


def tell_of(
    node: Node, clock: Clock, key: Key, said: Retract, party: PartyRow, held: Sequence[Passed]
) -> ToldOf:
    """Tell one party, or say why not. Inside a transaction."""
    try:
        to = recipient_of(node, party.name)
    except NotFoundError:
        return ToldOf(to=party.name, outcome="no keys", says="it has no keys here")
    new = [one for one in held if not _told_before(node, one, to.sign)]
    if not new:
        return ToldOf(to=party.name, outcome="told before", says="it was told before")
    reader = Reader(node, clock)
    firsts = node.store.objects.firsts([one.kept.object_row for one in new])
    tlp = max(
        (reader.tlp(one.kept, firsts[one.kept.object_row]) for one in new), key=lambda one: one.strictness
    )
    decision = may_tell(node, clock, party, tlp, "retraction")
    if not decision.allowed:
        return ToldOf(to=party.name, outcome="denied", says=decision.reasons[-1].text)
    for at in range(0, len(new), MAX_CONTENTS):
        subject = [one.subject for one in new[at : at + MAX_CONTENTS]]
        envelope = make(said, subject=subject, aud=[to.sign], key=key(), iat=clock.now())
        keep_told(node, clock, envelope, party)
    return ToldOf(to=party.name, outcome="given", says="it is told with the next drop")


def recipient_kid(node: Node, party: PartyRow) -> str | None:
    """Return the key that a party is addressed by; None: we have none of it, or nothing is sent to it."""
    try:
        to = recipient_of(node, party.name)
    except NotFoundError:
        return None
    return None if LIMITS[to.standing].most_tlp is None else to.sign


def _told_before(node: Node, passed: Passed, kid: str) -> bool:
    """Whether we took what went back towards the holder of a key."""
    said = node.store.statements.about(passed.digest, kinds=("retract",), at_most=MAX_RELAYS)
    return any(
        one.statement.is_own and kid in open_envelope(one.statement.envelope).statement.aud for one in said
    )


def key_of(node: Node, clock: Clock, unseal: Unseal | None) -> Key:
    """Return what opens our key for statements once it is needed."""
    keys: list[SigningKey] = []

    def key() -> SigningKey:
        if not keys:
            keys.append(signing_key(own_keys(node, clock, unseal)))
        return keys[0]

    return key
