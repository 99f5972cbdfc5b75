"""Come back after the whole machine was lost: a new home that is the party of a backup of its keys.

The backup does not know what was sent after it was made, nor does it hold the ledger. So the numbers of drops are not
gone on with, which could give one number to two drops; nor is the ledger, of which others have seen more than would be
left. Instead every key of every day is another one, and a key set says so, signed with the root key by which the others
know us. Drops are counted by the key that signs them and begin anew under the new one; the ledger begins anew under
another name. What was encrypted to the old keys is still opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backchannel.clock import Clock
from backchannel.desk.node import KEY_FILE, STORE_FILE, Node
from backchannel.desk.own_keys import next_key_set, root_secret, say_key_set
from backchannel.errors import SignatureError, StoreError, UsageError
from backchannel.parties.at_rest import Unseal, is_kept
from backchannel.parties.backup import Backup, read_backup
from backchannel.parties.keyring import Keyring, read_keyring, rotated, write_keyring
from backchannel.parties.keys import KeyPair, keep_key, read_key
from backchannel.parties.keyset import Change
from backchannel.settings import FILE_NAME, checked, write_settings
from backchannel.store.interface import Store
from backchannel.store.membership import KeySetRow
from backchannel.store.rows import PartyRow


def init_from_backup(
    home: Path,
    data: bytes,
    *,
    unseal: Unseal,
    own_networks: Sequence[str] = (),
    own_domains: Sequence[str] = (),
    clock: Clock,
) -> Node:
    """Make a node in `home` that is the party of a backup, and open it. What a killed call left is taken up again.

    The keys lie plain in the new home, for their owner's eyes only, until they are put under a passphrase.

    Args:
        home: its folder. Where the root key was kept away from the lost node, its `key.pem` lies there already.
        data: the backup.
        unseal: opens it.
        own_networks: as for `init_node`.
        own_domains: as for `init_node`.
        clock: gives the time from which the new keys count.

    Raises:
        UsageError: there is a node already, or a value is not of its form.
        SignatureError: it is no backup, is damaged, or the root key is neither in it nor in `home`.
        StoreError: the folder cannot be written.
    """
    from backchannel.store.sqlite.store import SqliteStore  # noqa: PLC0415  # 20 ms that `--help` need not pay

    if (home / FILE_NAME).exists():
        raise UsageError(
            f"there is a node in {home} already, and a backup of keys makes another one",
            hint="Name a new folder with --home; for the node that is there: backchannel key restore FILE.",
        )
    backup = read_backup(unseal(data))
    settings = checked(name=backup.name, own_networks=own_networks, own_domains=own_domains)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        root, keyring = _keys(home, backup, clock)
        store = SqliteStore(home / STORE_FILE, make=True)
        try:
            with store.transaction():
                node = Node(home, settings, store, _ourselves(store, backup, root))
                _say(node, clock, backup, root, keyring)
            write_settings(home, settings)  # last: a folder with settings is a whole node
        except BaseException:
            store.close()
            raise
    except OSError as error:
        raise StoreError(
            f"no node can be made in {home}: {error.strerror}", hint="Name another folder with --home."
        ) from error
    return node


def _keys(home: Path, backup: Backup, clock: Clock) -> tuple[KeyPair, Keyring]:
    """Keep the root key and new keys of every day in `home`, or take those up that a killed call kept there."""
    path = home / KEY_FILE
    root = read_key(path) if is_kept(path) else backup.root_key
    if root is None:
        raise SignatureError(
            "the root key was kept away from the node, so that it is not in the backup, and new keys need it",
            hint=f"Put {KEY_FILE} into {home} for as long as this takes.",
        )
    if not backup.said or backup.said[-1].root != root.public:
        raise SignatureError(
            f"{KEY_FILE} in {home} is not the root key of {backup.name}",
            hint="Name a new folder with --home.",
        )
    if not is_kept(path):
        keep_key(path, root, seal=None)
    keyring = read_keyring(home)
    if keyring is None:
        keyring = rotated(backup.keyring, clock.now())
        write_keyring(home, keyring)
    elif not {key.kid for key in backup.keyring.openers()} < {key.kid for key in keyring.openers()}:
        raise SignatureError(
            f"{home} holds keys of another party than {backup.name}", hint="Name a new folder with --home."
        )
    return root, keyring


def _ourselves(store: Store, backup: Backup, root: KeyPair) -> PartyRow:
    known = store.parties.ourselves()
    if known is None:
        return store.parties.add(
            backup.party, backup.name, at=backup.made_at, is_self=True, public_key=root.public
        )
    if known.party_id != backup.party:
        raise UsageError(
            f"what lies in this folder is of another party than {backup.name}",
            hint="Name a new folder with --home.",
        )
    return known


def _say(node: Node, clock: Clock, backup: Backup, root: KeyPair, keyring: Keyring) -> None:
    """Keep the key sets that were said, and say the next one: with the new keys and a new ledger."""
    membership, us = node.store.membership, node.party.party_row
    if membership.key_sets(us):
        return  # said by a call that was killed before its last step
    for one, keyset in zip(backup.keysets, backup.said, strict=True):
        membership.add_key_set(us, KeySetRow(keyset.version, one.at, one.change, one.body, one.statement))
        membership.add_keys(us, root=keyset.root_kid, kids=sorted(keyset.kids))
    secret = root_secret(root, clock.now())
    keyset = next_key_set(node, clock.now(), root=root.public, keyring=keyring, new_ledger=True)
    say_key_set(node, clock, keyset, keyring, [secret], Change.ROTATED)
