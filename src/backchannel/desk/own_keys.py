"""Our own keys: opened, made where a home has none of the newer ones yet, and said in key sets and on our card.

A home of before keyrings has a `key.pem` only: it stays the root key, and the rest is made beside it. Of the keys of
every day, what is on the disk decides: where they are others than our newest key set names (a kill in the midst of a
rotation), the next key set is said. Of the root key, what was said decides: a new one lies beside the old one until
the key set that names it is kept, and takes its place only then.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.node import KEY_FILE, Node
from backchannel.desk.own_news import announce
from backchannel.desk.records import record_signed
from backchannel.errors import SignatureError
from backchannel.parties.at_rest import SEALED_SUFFIX, Unseal, forget_secret, is_kept, put_in_place
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
    Recovery,
    keyset_bytes,
    keyset_predicate,
    ledger_vkey,
    read_keyset,
)
from backchannel.parties.kid import Alg, Use, kid
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

NEXT_KEY_FILE = "key-next.pem"
"""A new root key that no key set names yet."""
RENEW_BEFORE = timedelta(days=60)
"""How long before our newest key set runs out the next one is said, if the root key is here."""


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
    _settle_root(node, unseal)
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


def own_root(node: Node) -> bytes | None:
    """Return the public half of our root key: the one that our newest key set names."""
    said = own_key_sets(node)
    return said[-1].root if said else node.party.public_key


@contextmanager
def keys_lock(home: Path) -> Iterator[None]:
    """Let one process at a time change the root key of a home; the lock ends with the process."""
    with (home / "keys.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def put_root_in_place(node: Node) -> None:
    """Let the new root key, which our newest key set names, take the place of the old one."""
    put_in_place(node.home / NEXT_KEY_FILE, node.home / KEY_FILE)


def say_key_set(
    node: Node, clock: Clock, keyset: KeySet, keyring: Keyring, signers: Sequence[SecretKey], change: Change
) -> Card:
    """Say our next key set, and put it on our card; it goes with the next drop to everybody who knows us.

    Args:
        node: ours.
        clock: now.
        keyset: formed by `next_key_set`.
        keyring: the keys that it lists.
        signers: the root key that it names, then the others that have to sign it.
        change: what it means.
    """
    at = format_time(clock.now())
    root = signers[0]
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
    statement = _statement(keyset, signers, clock)
    membership, us = node.store.membership, node.party.party_row
    with node.store.transaction():
        row = KeySetRow(keyset.version, at, change, keyset_bytes(keyset), statement)
        membership.add_key_set(us, row)
        membership.add_card(
            us, digest=card.digest, name=card.name, identity=card.party, body=card.data, at=at
        )
        membership.add_keys(us, root=keyset.root_kid, kids=sorted(keyset.kids))
        about = f"key set {keyset.version} of {node.party.name}"
        record_signed(node.store, LeafKind.KEYSET, statement, about=about, now=clock.now())
        if keyset.version > 1:
            announce(node, clock, statement)
    return card


def next_key_set(
    node: Node,
    at: datetime,
    *,
    root: bytes,
    keyring: Keyring,
    recovery: Recovery | None = None,
    new_ledger: bool = False,
) -> KeySet:
    """Return the key set that follows the one that we said last.

    Args:
        node: ours.
        at: from when it counts.
        root: the public half of the root key that it names.
        keyring: the keys that it lists: those in use.
        recovery: the keys to come back with; None: the same as before.
        new_ledger: whether our ledger was lost, and another begins under another name.
    """
    said = own_key_sets(node)
    before = said[-1] if said else None
    keys = [keyring.present(use) for use in DAILY_USES]
    version = before.version + 1 if before else 1
    origin = f"backchannel/{kid(Alg.ED25519, root)[:16]}"
    if new_ledger:
        origin += f".{version}"
    elif before and before.log:
        origin = before.log.origin
    return KeySet(
        v=1,
        party=node.party.party_id,
        name=node.party.name,
        version=version,
        prev=before.digest if before else None,
        not_before=format_time(at),
        expires=format_time(at + MAX_LIFE - timedelta(days=1)),
        root=root,
        keys=[ListedKey(key.kid, key.use, key.alg, key.public, format_time(key.since)) for key in keys],
        recovery=recovery or (before.recovery if before else None),
        log=LedgerName(origin, ledger_vkey(origin, keyring.present(Use.LOG).public)),
    )


def root_secret(pair: KeyPair, at: datetime) -> SecretKey:
    """Return a key pair as the root key that it is."""
    return SecretKey(Use.ROOT, Alg.ED25519, pair.private.private_bytes_raw(), at)


def root_missing(node: Node) -> SignatureError:
    """Return the error where something has to be signed with the root key, and it is not here."""
    return SignatureError(
        "the root key is not here, and our keys have to be signed with it",
        hint=f"Put {KEY_FILE} back into {node.home} for as long as this takes; if it is lost: backchannel key recover.",
    )


def _settle_root(node: Node, unseal: Unseal | None) -> None:
    """Make good what a kill left of a change of the root key: the new one counts if it was said, else never."""
    path = node.home / NEXT_KEY_FILE
    if not is_kept(path):
        return
    with keys_lock(node.home):
        if not is_kept(path):  # another process was at it
            return
        if read_key(path, unseal=unseal).public == own_root(node):
            put_root_in_place(node)
        else:
            forget_secret(path)


def _root(node: Node, clock: Clock, unseal: Unseal | None) -> SecretKey | None:
    path = node.home / KEY_FILE
    return root_secret(read_key(path, unseal=unseal), clock.now()) if is_kept(path) else None


def _said_card(node: Node, clock: Clock, root: SecretKey | None, keyring: Keyring) -> Card:
    """Return our card; where the keys are others than we said last, say the next key set first."""
    with node.store.transaction():
        said = own_key_sets(node)
        present = {keyring.present(use).kid for use in DAILY_USES}
        body = node.store.membership.card(node.party.party_row)
        if said and body is not None and present == {key.kid for key in said[-1].keys}:
            is_over = clock.now() > parse_time(said[-1].expires) - RENEW_BEFORE
            if root is None or not is_over:
                return read_card(body)
        if root is None:
            raise root_missing(node)
        if said and root.public != said[-1].root:
            raise SignatureError(
                f"{KEY_FILE} is not the root key that we said last: another one took its place",
                hint="Restore it from a newer backup, or come back with recovery keys: backchannel key recover.",
            )
        keyset = next_key_set(node, clock.now(), root=root.public, keyring=keyring)
        change = Change.FIRST if keyset.version == 1 else Change.ROTATED
        return say_key_set(node, clock, keyset, keyring, [root], change)


def _statement(keyset: KeySet, signers: Sequence[SecretKey], clock: Clock) -> bytes:
    """Say a key set: the statement that travels to those who know us."""
    statement = Statement(
        type_=STATEMENT_TYPE,
        id=secrets.token_hex(16),
        iss=signers[0].kid,
        iat=format_seconds(clock.now()),
        aud=list(EVERYBODY),
        chan="",
        subject=[],
        predicate_type="keyset",
        predicate=keyset_predicate(keyset),
    )
    payload = codec.canonical(codec.decode(codec.encode(statement)))
    return seal(payload, [SigningKey(one.kid, one.sign) for one in signers])
