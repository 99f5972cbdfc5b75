"""The keys that are pinned to parties of this node: what signatures are verified with.

A party's key sets say which of its keys counted when; where none came yet, its card does. A key that was revoked stays
here with that fact: what it signed before may still count. A revoked party's keys are pinned no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from backchannel.clock import parse_time
from backchannel.desk.node import Node
from backchannel.parties.card import read_card
from backchannel.parties.keyset import KeySet, ListedKey, read_keyset
from backchannel.parties.kid import Alg, Kid, Use, kid
from backchannel.parties.revocation import Revocation, Revoked, given_up
from backchannel.parties.states import Standing
from backchannel.provenance.verification import KnownKey
from backchannel.store.membership import Membership
from backchannel.store.rows import PartyRow

ALWAYS = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""When a key counts of which a card alone speaks: a card does not say from when to when."""


class PinnedKeys:
    """Finds the pinned key of a `kid`. It reads the store when it is first asked, and once until `forget`."""

    def __init__(self, node: Node) -> None:
        self._membership = node.store.membership
        self._found: dict[str, KnownKey] | None = None

    def __call__(self, name: str) -> KnownKey | None:
        if self._found is None:
            self._found = {
                key.kid: key
                for known in self._membership.known()
                if known.root is not None
                for key in _keys_of(self._membership, known.party)
            }
        return self._found.get(name)

    def forget(self) -> None:
        """Read the store again when asked next: a party said other keys."""
        self._found = None


def pinned_keys(node: Node) -> PinnedKeys:
    """Return what finds the pinned key of a `kid`."""
    return PinnedKeys(node)


def keys_of_party(node: Node, party: PartyRow) -> Iterator[KnownKey]:
    """Yield the keys of a party as they are pinned; of one that several key sets list, the last word comes last."""
    yield from _keys_of(node.store.membership, party)


def own_kids(node: Node) -> frozenset[str]:
    """Return the name of every key that we ever named as ours."""
    return next((one.kids for one in node.store.membership.known() if one.party.is_self), frozenset())


def _keys_of(membership: Membership, party: PartyRow) -> Iterator[KnownKey]:
    """Yield the keys of a party; of one that several key sets list, the last word comes last."""
    if membership.standing(party.party_row) == Standing.REVOKED:
        return
    revoked = [
        Revoked(Revocation(Kid(row.kid), row.reason, row.compromised_since), parse_time(row.at))
        for row in membership.revocations(party.party_row)
    ]
    card = membership.card(party.party_row)
    if card is not None:
        said = read_card(card)
        for use, alg, public in (
            (Use.ROOT, Alg.ED25519, said.root),
            (Use.SIGN, Alg.ED25519, said.sign),
            (Use.AGE, Alg.X25519, said.age),
        ):
            yield _known(party, revoked, use=use, alg=alg, public=public, counts=ALWAYS)
    sets = [read_keyset(row.body) for row in membership.key_sets(party.party_row)]
    for at, keyset in enumerate(sets):
        after = sets[at + 1] if at + 1 < len(sets) else None
        root = ListedKey(keyset.root_kid, Use.ROOT, Alg.ED25519, keyset.root, keyset.not_before)
        for key in (root, *keyset.keys):
            yield _known(
                party, revoked, use=key.use, alg=key.alg, public=key.pub, counts=_counts(key, keyset, after)
            )


def _counts(key: ListedKey, keyset: KeySet, after: KeySet | None) -> tuple[datetime, datetime]:
    """Return from when to when a key counts: a next key set that does not list it ends it."""
    ends = [parse_time(keyset.expires)]
    if key.until is not None:
        ends.append(parse_time(key.until))
    if after is not None and key.kid not in after.kids:
        ends.append(parse_time(after.not_before))
    return parse_time(key.since), min(ends)


def _known(
    party: PartyRow,
    revoked: Sequence[Revoked],
    *,
    use: str,
    alg: str,
    public: bytes,
    counts: tuple[datetime, datetime],
) -> KnownKey:
    name = kid(alg, public)
    revoked_at, compromised_since = given_up(revoked, name)
    return KnownKey(
        kid=name,
        use=use,
        public=public,
        party=party.party_id,
        name=party.name,
        valid_from=counts[0],
        valid_until=counts[1],
        alg=alg,
        revoked_at=revoked_at,
        compromised_since=compromised_since,
    )
