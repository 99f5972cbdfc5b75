"""What parties say about their keys: key sets and revocations, taken or refused. What is pinned by them: `pinned.py`."""

from __future__ import annotations

from collections.abc import Mapping

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.codec import canonical
from backchannel.desk.node import Node
from backchannel.desk.records import record_signed
from backchannel.parties.keyset import (
    MAX_LIFE,
    Change,
    KeySet,
    follow,
    keyset_bytes,
    read_keyset,
    signing_keys,
)
from backchannel.parties.kid import Alg, Kid, Use
from backchannel.parties.names import visible_name
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.revocation import Revocation, check_revocation
from backchannel.parties.states import Event, Standing, moved
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import Revoke
from backchannel.provenance.statement import open_envelope
from backchannel.provenance.verification import KnownKey, Terms, Verified, verify
from backchannel.store.membership import EventRow, KeySetRow, KnownRow, RevocationRow


def take_key_set(node: Node, clock: Clock, envelope: bytes) -> Change:
    """Take a statement that says a party's next key set.

    A fork suspends the party; a recovery takes it down to *introduced*.

    Raises:
        Rejected: the statement does not verify.
        KeyRefusedError: the key set may not take the place of the one that is here.
    """
    opened = open_envelope(envelope)
    new = read_keyset(canonical(opened.statement.predicate))
    known = _party_of(node, [signature.keyid for signature in opened.signatures])
    said = _key_sets(node, known)
    current = said[-1] if said else None
    verified = _verified(envelope, clock, known, signing_keys(current, new), kind="keyset")
    signers = {Kid(signer.kid) for signer in verified.signers}
    try:
        change = follow(current, new, signers=signers, root=Kid(known.root or ""), at=clock.now())
    except KeyRefusedError as refused:
        if refused.reason == Refusal.KEYSET_FORK:
            _move(node, clock, known, Event.SUSPENDED, refused.message)
        raise
    if change == Change.SAME:
        return change
    at = format_time(clock.now())
    with node.store.transaction():
        membership = node.store.membership
        row = KeySetRow(new.version, at, change, keyset_bytes(new), envelope)
        membership.add_key_set(known.party.party_row, row)
        membership.add_keys(known.party.party_row, root=new.root_kid, kids=sorted(new.kids))
        about = f"key set {new.version} of {known.party.name}"
        record_signed(node.store, LeafKind.KEYSET, envelope, about=about, now=clock.now())
        if change == Change.RECOVERED:
            _move(
                node, clock, known, Event.RECOVERED, f"it came back with recovery keys, version {new.version}"
            )
    return change


def take_revocation(node: Node, clock: Clock, envelope: bytes) -> Revocation:
    """Take a statement that revokes a key.

    Raises:
        Rejected: the statement does not verify.
        KeyRefusedError: it is of a key that the party never named, or said by one who may not.
    """
    opened = open_envelope(envelope)
    known = _party_of(node, [signature.keyid for signature in opened.signatures])
    said = _key_sets(node, known)
    named: dict[Kid, bytes] = {}
    for keyset in said:
        named |= signing_keys(keyset, keyset)
        named |= {key.kid: key.pub for key in keyset.keys if key.alg == Alg.ED25519}
    verified = _verified(envelope, clock, known, named, kind="revoke")
    predicate = verified.predicate
    if not isinstance(predicate, Revoke) or not said:
        raise KeyRefusedError(Refusal.UNKNOWN_KEY, "the party never said a key set that names the key")
    revocation = Revocation(Kid(predicate.kid), predicate.reason, predicate.compromised_since)
    check_revocation(revocation, said, signers={Kid(signer.kid) for signer in verified.signers})
    if any(row.statement == envelope for row in node.store.membership.revocations(known.party.party_row)):
        return revocation  # it came before, in a drop whose taking was cut short
    with node.store.transaction():
        node.store.membership.add_revocation(
            known.party.party_row,
            RevocationRow(
                revocation.kid,
                revocation.reason,
                revocation.compromised_since,
                verified.statement.iat,
                envelope,
            ),
        )
        about = f"revocation of {revocation.kid} of {known.party.name}"
        record_signed(node.store, LeafKind.REVOKED, envelope, about=about, now=clock.now())
    return revocation


def _verified(
    envelope: bytes, clock: Clock, known: KnownRow, keys: Mapping[Kid, bytes], *, kind: str
) -> Verified:
    """Verify a statement about keys: who may sign it is judged by whoever asked, so that no time and use is here."""

    def pinned(kid: str) -> KnownKey | None:
        public = keys.get(Kid(kid))
        if public is None:
            return None
        now = clock.now()
        return KnownKey(
            kid=kid,
            use=Use.ROOT,
            public=public,
            party=known.party.party_id,
            name=known.party.name,
            valid_from=now - 10 * MAX_LIFE,
            valid_until=now + MAX_LIFE,
        )

    return verify(envelope, pinned, Terms(now=clock.now(), me=None, seen=None, expect={kind}))


def _party_of(node: Node, kids: list[str]) -> KnownRow:
    """Return the party one of whose keys is among `kids`: what it says is believed only after that."""
    for known in node.store.membership.known():
        if not known.party.is_self and set(kids) & known.kids:
            return known
    raise KeyRefusedError(
        Refusal.UNKNOWN_KEY,
        "it is signed by keys that belong to no party here",
        hint="Exchange contact cards with the sender: backchannel party invite, or party join.",
    )


def _key_sets(node: Node, known: KnownRow) -> list[KeySet]:
    # They were checked when they were taken.
    rows = node.store.membership.key_sets(known.party.party_row)
    return [codec.decode_as(row.body, KeySet) for row in rows]


def _move(node: Node, clock: Clock, known: KnownRow, event: Event, why: str) -> None:
    membership = node.store.membership
    before = Standing(membership.standing(known.party.party_row))
    if before == Standing.REVOKED:
        return
    with node.store.transaction():
        change = EventRow(format_time(clock.now()), event, before, moved(before, event), visible_name(why))
        membership.move(known.party.party_row, change)
