"""The root key: changed, and come back to where it was lost. The safety number that others have with us changes too.

A new root key is written beside the old one, then the key set that names it is kept, then it takes the old one's
place. A kill before the key set is kept leaves the old key, after it the new one (`own_keys`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from backchannel.clock import Clock
from backchannel.desk.key_care import told
from backchannel.desk.node import Node
from backchannel.desk.own_keys import (
    NEXT_KEY_FILE,
    OwnKeys,
    is_sealed,
    keys_lock,
    next_key_set,
    own_key_sets,
    own_keys,
    own_root,
    put_root_in_place,
    root_missing,
    root_secret,
    say_key_set,
)
from backchannel.desk.party_documents import KeyCare
from backchannel.errors import SignatureError, StoreError, UsageError
from backchannel.parties.at_rest import SEALED_SUFFIX, Seal, Unseal, is_kept, keep_secret
from backchannel.parties.keyring import (
    KEYS_FILE,
    Keyring,
    SecretKey,
    new_keyring,
    read_keyring,
    write_keyring,
)
from backchannel.parties.keys import keep_key, new_pair
from backchannel.parties.keyset import MAX_RECOVERY_KEYS, Change, Recovery
from backchannel.parties.recovery import AGE_MAGIC, MAX_FILE_BYTES, make_recovery_keys, recovery_keys


def rotate_root(
    node: Node, clock: Clock, *, unseal: Unseal | None = None, seal: Seal | None = None
) -> KeyCare:
    """Put a new root key in the place of ours, signed for by both. The keys of every day stay.

    Raises:
        SignatureError: the keys are damaged or need a passphrase, or the root key is not here.
        StoreError: they cannot be written.
        UsageError: the keys are kept under a passphrase, and none was given for the new one.
    """
    keys = own_keys(node, clock, unseal)
    old = present_root(node, keys)
    if is_sealed(node) and seal is None:
        raise UsageError("the keys are kept under a passphrase", hint="Give it with --passphrase-file.")
    _change(node, clock, keys.keyring, [old], Change.ROTATED, seal=seal if is_sealed(node) else None)
    return told(node, own_keys(node, clock, unseal))


def make_recovery(
    node: Node,
    clock: Clock,
    folder: Path,
    *,
    k: int,
    of: int,
    seal: Seal | None = None,
    unseal: Unseal | None = None,
) -> tuple[KeyCare, tuple[Path, ...]]:
    """Make recovery keys in the place of those that we may have had, one file each, and say their public halves.

    The files are on the disk before they are said.

    Args:
        node: ours.
        clock: now.
        folder: where the files go; made where it is missing.
        k: how many of them bring us back.
        of: how many there are.
        seal: encrypts each of them; None leaves them plain.
        unseal: opens our keys.

    Raises:
        UsageError: k of so many is not possible, or the folder holds such files already.
        SignatureError: the root key is not here, or needs a passphrase.
        StoreError: the files cannot be written.
    """
    keys = own_keys(node, clock, unseal)
    root = present_root(node, keys)
    try:
        recovery, files = make_recovery_keys(party=node.party.name, k=k, of=of, at=clock.now())
    except ValueError:
        raise UsageError(
            f"any {k} of {of} recovery keys is no choice that can be made",
            hint=f"Give --k from 1 to --of, and --of to {MAX_RECOVERY_KEYS}: for example --k 2 --of 3.",
        ) from None
    paths = [folder / one.name for one in files]
    present = next((path for path in paths if is_kept(path)), None)
    if present is not None:
        raise UsageError(f"{present} is there already", hint="Name another folder with -o.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be made: {error.strerror}", hint="Name another folder with -o."
        ) from error
    for path, one in zip(paths, files, strict=True):
        keep_secret(path, one.content, seal=seal)
    with node.store.transaction():
        keyset = next_key_set(node, clock.now(), root=root.public, keyring=keys.keyring, recovery=recovery)
        say_key_set(node, clock, keyset, keys.keyring, [root], Change.ROTATED)
    written = tuple(path if seal is None else path.with_name(path.name + SEALED_SUFFIX) for path in paths)
    return told(node, own_keys(node, clock, unseal)), written


def recover(
    node: Node,
    clock: Clock,
    files: Mapping[str, bytes],
    *,
    unseal_files: Unseal | None = None,
    unseal: Unseal | None = None,
    seal: Seal | None = None,
    new_daily: bool = False,
) -> KeyCare:
    """Come back with recovery keys after the root key was lost: a new one is made, which they sign for.

    Everybody who knows us takes us as *introduced* until they have verified us anew.

    Args:
        node: ours.
        clock: now.
        files: the recovery keys: content by name.
        unseal_files: opens those under a passphrase.
        unseal: opens our keys of every day.
        seal: encrypts the new root key, and new keys of every day.
        new_daily: whether the keys of every day are lost as well, and new ones are made.

    Raises:
        UsageError: we never said recovery keys.
        SignatureError: there are not enough of them, or one cannot be opened.
        StoreError: the keys cannot be written.
    """
    said = own_key_sets(node)
    wanted = said[-1].recovery if said else None
    if wanted is None:
        raise UsageError(
            "our key set names no recovery keys",
            hint="Restore the root key from a backup: backchannel key restore. Without one: begin anew with init.",
        )
    signers = _opened(files, wanted, clock, unseal_files)
    keyring = _daily(node, clock, unseal=unseal, seal=seal, anew=new_daily)
    _change(node, clock, keyring, signers, Change.RECOVERED, seal=seal)
    return told(node, own_keys(node, clock, unseal))


def present_root(node: Node, keys: OwnKeys) -> SecretKey:
    """Return our root key.

    Raises:
        SignatureError: it is not here, or is one that another took the place of.
    """
    if keys.root is None or keys.root.public != own_root(node):
        raise root_missing(node)
    return keys.root


def _change(
    node: Node,
    clock: Clock,
    keyring: Keyring,
    signers: Sequence[SecretKey],
    change: Change,
    *,
    seal: Seal | None,
) -> None:
    with keys_lock(node.home):
        pair = new_pair()
        keep_key(node.home / NEXT_KEY_FILE, pair, seal=seal)
        root = root_secret(pair, clock.now())
        with node.store.transaction():
            before = own_key_sets(node)[-1]
            may_sign = {one.kid for one in signers}
            if before.root_kid not in may_sign and change is Change.ROTATED:
                raise SignatureError("the root key was changed meanwhile", hint="See backchannel key show.")
            keyset = next_key_set(node, clock.now(), root=root.public, keyring=keyring)
            say_key_set(node, clock, keyset, keyring, [root, *signers], change)
        put_root_in_place(node)


def _opened(
    files: Mapping[str, bytes], wanted: Recovery, clock: Clock, unseal: Unseal | None
) -> list[SecretKey]:
    opened = {}
    for name, content in files.items():
        if len(content) > MAX_FILE_BYTES:
            raise SignatureError(
                f"{name} is larger than the file of a recovery key", hint="Name the right one."
            )
        is_encrypted = content.startswith(AGE_MAGIC)
        if is_encrypted and unseal is None:
            raise SignatureError(
                f"{name} is under a passphrase", hint="Give it with --recovery-passphrase-file FILE."
            )
        opened[name] = unseal(content) if is_encrypted and unseal is not None else content
    return recovery_keys(opened, wanted, clock.now())


def _daily(node: Node, clock: Clock, *, unseal: Unseal | None, seal: Seal | None, anew: bool) -> Keyring:
    """Return the keys of every day: those that are here, or new ones where they are lost."""
    present = None if anew else read_keyring(node.home, unseal=unseal)
    if present is not None:
        return present
    made = new_keyring(clock.now())
    for end in ("", SEALED_SUFFIX):
        # What nobody can open today, somebody may remember the passphrase of tomorrow.
        path = node.home / (KEYS_FILE + end)
        if path.exists():
            path.replace(path.with_name(f"{path.name}.lost-{clock.now():%Y%m%dT%H%M%S}"))
    write_keyring(node.home, made, seal=seal)
    return made
