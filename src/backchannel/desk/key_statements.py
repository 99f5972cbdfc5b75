"""What parties say about their keys: key sets and revocations, taken or refused. What is pinned by them: `pinned.py`.

They come in drops, ahead of what a drop says, and by themselves for other media (`receipt_drops.take_statements`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
from backchannel.provenance.predicates import KEYSET, Revoke
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import Opened, open_envelope
from backchannel.provenance.verification import KnownKey, Terms, Verified, verify
from backchannel.store.membership import EventRow, KeySetRow, KnownRow, RevocationRow


def take_leading(node: Node, clock: Clock, statements: Iterable[bytes]) -> bool:
    """Take the key sets among the statements that stand first in a drop, whose manifest nobody could verify yet.

    Each is signed by a root key that is known here, so that it counts whoever brought it; one that does not is
    passed over, for the drop is judged when they were heard.

    Returns:
        Whether one of them was news.
    """
    was_news = False
    for envelope in statements:
        try:
            opened = open_envelope(envelope)
            if opened.statement.predicate_type == KEYSET and is_news(node, opened):
                take_key_set(node, clock, envelope)
                was_news = True
        except (Rejected, KeyRefusedError):
            continue
    return was_news


def is_news(node: Node, opened: Opened) -> bool:
    """Whether a key set is another than those that are here: with each drop come all that its sender ever said.

    Raises:
        KeyRefusedError: it is no key set.
    """
    kids = {signature.keyid for signature in opened.signatures}
    known = next((one for one in node.store.membership.known() if kids & one.kids), None)
    if known is None:
        return True
    if known.party.is_self:
        return False
    new = read_keyset(canonical(opened.statement.predicate))
    said = _key_sets(node, known)
    if not said or new.version > said[-1].version:
        return True
    # An older version that was never seen here says nothing that the newest does not.
    return any(one.version == new.version and one.digest != new.digest for one in said)


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
    if node.store.membership.standing(known.party.party_row) == Standing.REVOKED:
        raise KeyRefusedError(
            Refusal.UNKNOWN_KEY,
            f"{visible_name(known.party.name)} was revoked here, and its keys are not taken again",
            hint="Ask the party for a card with a new root key.",
        )
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
        if change == Change.ROTATED and current is not None and current.root != new.root:
            _note_new_root(node, known, new, at)
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


def _note_new_root(node: Node, known: KnownRow, new: KeySet, at: str) -> None:
    """Write down that a party changed its root key. It may; but people who compared the number know another one."""
    membership = node.store.membership
    standing = membership.standing(known.party.party_row)
    why = "signed by the old root key and a new one; the safety number is another one now"
    change = EventRow(at, "root-changed", standing, standing, f"key set version {new.version}: {why}")
    membership.move(known.party.party_row, change)


def _move(node: Node, clock: Clock, known: KnownRow, event: Event, why: str) -> None:
    membership = node.store.membership
    before = Standing(membership.standing(known.party.party_row))
    if before == Standing.REVOKED:
        return
    with node.store.transaction():
        change = EventRow(format_time(clock.now()), event, before, moved(before, event), visible_name(why))
        membership.move(known.party.party_row, change)
