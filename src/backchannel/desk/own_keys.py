"""Our own keys: opened, made where a home has none of the newer ones yet, and said in key sets and on our card.

A home of before keyrings has a `key.pem` only: it stays the root key, and the rest is made beside it. What is on the
disk decides: where the keys there are others than our newest key set names (a kill in the midst of a rotation), the
next key set is said.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.node import KEY_FILE, Node
from backchannel.desk.records import record_signed
from backchannel.errors import SignatureError
from backchannel.parties.at_rest import SEALED_SUFFIX, Unseal
from backchannel.parties.card import Card, make_card, read_card
from backchannel.parties.keyring import (
    DAILY_USES,
    KEYS_FILE,
    Keyring,
    SecretKey,
    new_keyring,
    read_keyring,
    write_keyring,
)
from backchannel.parties.keys import KeyPair, read_key
from backchannel.parties.keyset import (
    MAX_LIFE,
    Change,
    KeySet,
    LedgerName,
    ListedKey,
    keyset_bytes,
    keyset_predicate,
    ledger_vkey,
    read_keyset,
)
from backchannel.parties.kid import Alg, Use
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.statement import (
    EVERYBODY,
    STATEMENT_TYPE,
    SigningKey,
    Statement,
    format_seconds,
    seal,
)
from backchannel.store.membership import KeySetRow


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """Our keys, open. Their text form shows public names only."""

    root: SecretKey | None
    """None: kept away from the node."""
    keyring: Keyring
    card: Card


def is_sealed(node: Node) -> bool:
    """Whether our keys are kept under a passphrase."""
    return any((node.home / (name + SEALED_SUFFIX)).exists() for name in (KEYS_FILE, KEY_FILE))


def own_keys(node: Node, clock: Clock, unseal: Unseal | None = None) -> OwnKeys:
    """Open our keys; what a home has not yet is made and said.

    Args:
        node: ours.
        clock: gives the time from which new keys count.
        unseal: opens files under a passphrase.

    Raises:
        SignatureError: they are damaged, need a passphrase, or the root key is away and has to sign something.
        StoreError: they cannot be read or written.
    """
    root = _root(node, clock, unseal)
    keyring = read_keyring(node.home, unseal=unseal)
    if keyring is None:
        keyring = new_keyring(clock.now())
        write_keyring(node.home, keyring)
    card = _said_card(node, clock, root, keyring)
    return OwnKeys(root, keyring, card)


def own_key_sets(node: Node) -> tuple[KeySet, ...]:
    """Return the key sets that we said, oldest first."""
    rows = node.store.membership.key_sets(node.party.party_row)
    return tuple(read_keyset(row.body) for row in rows)


def _root(node: Node, clock: Clock, unseal: Unseal | None) -> SecretKey | None:
    path = node.home / KEY_FILE
    if not path.exists() and not path.with_name(path.name + SEALED_SUFFIX).exists():
        return None
    pair = read_key(path, unseal=unseal)
    return SecretKey(Use.ROOT, Alg.ED25519, _seed(pair), clock.now())


def _seed(pair: KeyPair) -> bytes:
    return pair.private.private_bytes_raw()


def _said_card(node: Node, clock: Clock, root: SecretKey | None, keyring: Keyring) -> Card:
    """Return our card; where the keys are others than we said last, say the next key set first."""
    membership = node.store.membership
    with node.store.transaction():
        said = own_key_sets(node)
        present = {keyring.present(use).kid for use in DAILY_USES}
        body = membership.card(node.party.party_row)
        if said and body is not None and present == {key.kid for key in said[-1].keys}:
            return read_card(body)
        if root is None:
            raise SignatureError(
                "the root key is not here, and our keys have to be signed with it",
                hint=f"Put {KEY_FILE} back into {node.home} for as long as this takes.",
            )
        keyset = _next_key_set(node, clock, root, keyring, said[-1] if said else None)
        card = make_card(
            party=keyset.party,
            name=node.party.name,
            origin=keyset.log.origin if keyset.log else "",
            root=root,
            sign=keyring.present(Use.SIGN).public,
            age=keyring.present(Use.AGE).public,
            keyset_version=keyset.version,
            made_at=clock.now(),
        )
        _keep(node, clock, keyset, card, root)
        return card


def _next_key_set(
    node: Node, clock: Clock, root: SecretKey, keyring: Keyring, before: KeySet | None
) -> KeySet:
    now = clock.now()
    keys = [keyring.present(use) for use in DAILY_USES]
    origin = before.log.origin if before and before.log else f"backchannel/{root.kid[:16]}"
    return KeySet(
        v=1,
        party=node.party.party_id,
        name=node.party.name,
        version=before.version + 1 if before else 1,
        prev=before.digest if before else None,
        not_before=format_time(now),
        expires=format_time(now + MAX_LIFE - timedelta(days=1)),
        root=root.public,
        keys=[ListedKey(key.kid, key.use, key.alg, key.public, format_time(key.since)) for key in keys],
        recovery=before.recovery if before else None,
        log=LedgerName(origin, ledger_vkey(origin, keyring.present(Use.LOG).public)),
    )


def _keep(node: Node, clock: Clock, keyset: KeySet, card: Card, root: SecretKey) -> None:
    membership, us, at = node.store.membership, node.party.party_row, format_time(clock.now())
    change = Change.FIRST if keyset.version == 1 else Change.ROTATED
    statement = _statement(keyset, root, at=clock)
    membership.add_key_set(us, KeySetRow(keyset.version, at, change, keyset_bytes(keyset), statement))
    membership.add_card(us, digest=card.digest, name=card.name, identity=card.party, body=card.data, at=at)
    membership.add_keys(us, root=keyset.root_kid, kids=sorted(keyset.kids))
    about = f"key set {keyset.version} of {node.party.name}"
    record_signed(node.store, LeafKind.KEYSET, statement, about=about, now=clock.now())


def _statement(keyset: KeySet, root: SecretKey, *, at: Clock) -> bytes:
    """Say a key set: the statement that travels to those who know us."""
    statement = Statement(
        type_=STATEMENT_TYPE,
        id=secrets.token_hex(16),
        iss=root.kid,
        iat=format_seconds(at.now()),
        aud=list(EVERYBODY),
        chan="",
        subject=[],
        predicate_type="keyset",
        predicate=keyset_predicate(keyset),
    )
    payload = codec.canonical(codec.decode(codec.encode(statement)))
    return seal(payload, [SigningKey(root.kid, root.sign)])
