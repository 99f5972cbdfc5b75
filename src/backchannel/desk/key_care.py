"""The care of our keys: backed up, brought back, changed, and put under a passphrase or taken from under it."""

from __future__ import annotations

from collections.abc import Iterable

from backchannel.clock import Clock, format_time
from backchannel.desk.node import KEY_FILE, Node
from backchannel.desk.own_keys import OwnKeys, is_sealed, own_key_sets, own_keys, own_root, root_missing
from backchannel.desk.own_news import waiting_for
from backchannel.desk.party_documents import KeyCare, RecoveryKeys
from backchannel.errors import SignatureError, UsageError
from backchannel.parties.at_rest import Seal, Unseal
from backchannel.parties.backup import SaidKeySet, make_backup, read_backup
from backchannel.parties.keyring import (
    DAILY_USES,
    Keyring,
    read_keyring,
    rotated,
    with_openers,
    write_keyring,
)
from backchannel.parties.keys import keep_key, read_key
from backchannel.parties.keyset import Change
from backchannel.parties.kid import Use

_OTHER_HOME = (
    "Name the home of the node that it was made of with --home; if that home is lost as a whole: "
    "backchannel init --from-backup FILE, in a new one."
)


def tell(node: Node, clock: Clock, *, unseal: Unseal | None = None) -> KeyCare:
    """Tell the names of our keys, and how they are kept.

    Raises:
        SignatureError: the keys are damaged, or need a passphrase.
    """
    return told(node, own_keys(node, clock, unseal))


def back_up(node: Node, clock: Clock, *, seal: Seal, unseal: Unseal | None = None) -> bytes:
    """Return all of our keys in one file under a passphrase.

    Raises:
        SignatureError: the keys are damaged, or need a passphrase.
    """
    keys = own_keys(node, clock, unseal)
    root = read_key(node.home / KEY_FILE, unseal=unseal) if keys.root is not None else None
    content = make_backup(
        party=node.party.party_id,
        name=node.party.name,
        at=format_time(clock.now()),
        root=root,
        keyring=keys.keyring,
        keysets=[
            SaidKeySet(row.at, Change(row.change), row.body, row.statement)
            for row in node.store.membership.key_sets(node.party.party_row)
        ],
    )
    return seal(content)


def restore(node: Node, clock: Clock, data: bytes, *, unseal: Unseal, seal: Seal | None = None) -> KeyCare:
    """Bring keys back from a backup, in the place of those that are here.

    Keys made after the backup are kept as far as they open drops, where they can still be read.

    Args:
        node: ours.
        clock: now.
        data: the backup.
        unseal: opens it.
        seal: encrypts the keys in the node's folder; None leaves them plain, for their owner's eyes only.

    Raises:
        SignatureError: it is no backup, is damaged, or is of another party than the node's.
        StoreError: the keys cannot be written.
    """
    backup = read_backup(unseal(data))
    root = backup.root_key
    ours = {one.root for one in own_key_sets(node)} | {node.party.public_key}
    if root is not None and root.public not in ours:
        raise SignatureError(
            f"the backup is of {backup.name}, whose root key is not that of this node",
            hint=_OTHER_HOME,
        )
    if root is None and backup.party != node.party.party_id:
        raise SignatureError(
            f"the backup is of {backup.name}, and this node is of {node.party.name}",
            hint=_OTHER_HOME,
        )
    if root is not None and root.public != own_root(node):
        raise SignatureError(
            f"the backup is of {backup.made_at[:10]}, and our root key was changed since: it would sign for nothing",
            hint="Take a newer backup; or come back with recovery keys: backchannel key recover.",
        )
    if root is not None:
        keep_key(node.home / KEY_FILE, root, seal=seal)
    write_keyring(node.home, with_openers(backup.keyring, _present(node, unseal), clock.now()), seal=seal)
    return told(node, own_keys(node, clock, unseal if seal is not None else None))


def rotate(
    node: Node,
    clock: Clock,
    *,
    uses: Iterable[str] = DAILY_USES,
    unseal: Unseal | None = None,
    seal: Seal | None = None,
) -> KeyCare:
    """Put new keys in the place of those of every day, and say so in the next key set.

    The new keys are on the disk before the key set is said; a kill between the two is made good by the next command
    that needs the keys. What was encrypted to the old key is still opened.

    Raises:
        SignatureError: the keys are damaged or need a passphrase, or the root key is not here.
        UsageError: no such use.
    """
    wanted = _uses(uses)
    keys = own_keys(node, clock, unseal)
    if keys.root is None:
        raise root_missing(node)
    if is_sealed(node) and seal is None:
        raise UsageError("the keys are kept under a passphrase", hint="Give it with --passphrase-file.")
    write_keyring(
        node.home, rotated(keys.keyring, clock.now(), uses=wanted), seal=seal if is_sealed(node) else None
    )
    return told(node, own_keys(node, clock, unseal))


def protect(node: Node, clock: Clock, *, seal: Seal | None, unseal: Unseal | None = None) -> KeyCare:
    """Put our keys under a passphrase; with `seal` None take them from under it.

    Raises:
        SignatureError: the keys are damaged, or the passphrase is wrong.
        StoreError: they cannot be written.
    """
    keys = own_keys(node, clock, unseal)
    if keys.root is not None:
        keep_key(node.home / KEY_FILE, read_key(node.home / KEY_FILE, unseal=unseal), seal=seal)
    write_keyring(node.home, keys.keyring, seal=seal)
    return told(node, keys)


def _present(node: Node, unseal: Unseal) -> Keyring | None:
    """Return the keyring that a backup takes the place of, where it can still be read."""
    try:
        return read_keyring(node.home, unseal=unseal)
    except SignatureError:
        return None


def _uses(uses: Iterable[str]) -> tuple[Use, ...]:
    named = tuple(uses)
    for use in named:
        if use not in DAILY_USES:
            known = ", ".join(DAILY_USES)
            raise UsageError(f"there is no key for the use {use!r}", hint=f"The uses are {known}.")
    return tuple(Use(use) for use in named)


def told(node: Node, keys: OwnKeys) -> KeyCare:
    """Say what our keys are called, and how they are kept."""
    newest = own_key_sets(node)[-1]
    recovery = newest.recovery
    return KeyCare(
        version=newest.version,
        root=newest.root_kid,
        root_is_here=keys.root is not None,
        sealed=is_sealed(node),
        keys={str(use): keys.keyring.present(use).kid for use in DAILY_USES},
        recovery=None if recovery is None else RecoveryKeys(k=recovery.k, of=len(recovery.keys)),
        revoked=tuple(row.kid for row in node.store.membership.revocations(node.party.party_row)),
        waiting=waiting_for(node),
    )
