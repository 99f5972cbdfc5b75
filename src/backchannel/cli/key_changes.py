"""`key rotate|revoke|recovery|recover|news`: what changes our keys, and what tells others of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import pass_session
from backchannel.cli.keys import answer, key
from backchannel.cli.layout import counted
from backchannel.cli.passphrases import ask_passphrase, passphrase_option
from backchannel.cli.session import Session
from backchannel.errors import InputError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.node import Node
    from backchannel.desk.party_documents import KeyCare
    from backchannel.parties.at_rest import Seal, Unseal

__all__ = ["key"]
"""The group with all of its commands."""

recovery_passphrase_option = click.option(
    "--recovery-passphrase-file",
    type=click.Path(path_type=Path),
    help="A file whose first line is the passphrase of the recovery keys.",
)


@key.command(
    "rotate",
    example="""
    backchannel key rotate
    backchannel key rotate --use sign
    backchannel key rotate --root -o alpha-keys.jsonl
    """,
)
@click.option(
    "--use", "uses", multiple=True, help="sign, age, log or cosign; may be given often. Default: all."
)
@click.option("--root", is_flag=True, help="The root key instead: signed for by the old one and the new one.")
@passphrase_option
@pass_session
def rotate(session: Session, uses: tuple[str, ...], *, root: bool, passphrase_file: Path | None) -> None:
    """Put new keys in the place of those of every day, or of the root key.

    What was encrypted to the old keys is still opened. The news goes with the next drop to each party; -o writes it
    to a file for other media, which they give to `receive`.
    """
    from backchannel.desk import key_care, root_keys  # noqa: PLC0415
    from backchannel.parties.keyring import DAILY_USES  # noqa: PLC0415

    if root and uses:
        raise UsageError("--root and --use are two things", hint="Run the command twice.")
    with session.node() as node:
        seal, unseal = _sealing(node, passphrase_file)
        if root:
            found = root_keys.rotate_root(node, session.clock, unseal=unseal, seal=seal)
        else:
            found = key_care.rotate(node, session.clock, uses=uses or DAILY_USES, unseal=unseal, seal=seal)
        _answer(session, node, found)
    _tell_next(session, found, is_root_new=root)


@key.command(
    "revoke",
    example="""
    backchannel key revoke sign --reason stolen --since 2026-05-01
    backchannel key revoke root --reason replaced
    """,
)
@click.argument("what", metavar="KID|USE")
@click.option(
    "--reason", required=True, metavar="WORD", help="stolen, lost, replaced or closed (we are no more)."
)
@click.option("--since", metavar="TIME", help="Since when another may have had it. Needed for stolen.")
@passphrase_option
@pass_session
def revoke(session: Session, what: str, reason: str, since: str | None, passphrase_file: Path | None) -> None:
    """Say that a key of ours counts no more. One that is in use gets a successor first.

    USE is sign, age, log, cosign or root; KID the whole name of a key that we ever had. The news goes with the next
    drop to each party; -o writes it to a file for other media.
    """
    from backchannel.desk.own_keys import own_root  # noqa: PLC0415
    from backchannel.desk.revoking import revoke as revoke_key  # noqa: PLC0415

    with session.node() as node:
        seal, unseal = _sealing(node, passphrase_file)
        before = own_root(node)
        found = revoke_key(node, session.clock, what, reason=reason, since=since, unseal=unseal, seal=seal)
        is_root_new = own_root(node) != before
        _answer(session, node, found)
    _tell_next(session, found, is_root_new=is_root_new)


@key.command("recovery", writes_file=False, example="backchannel key recovery --k 2 --of 3 -o recovery")
@click.option("--k", type=int, default=2, show_default=True, help="How many of them bring us back.")
@click.option("--of", type=int, default=3, show_default=True, help="How many there are: at most 16.")
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), required=True, help="Folder for the files."
)
@recovery_passphrase_option
@passphrase_option
@pass_session
def recovery(
    session: Session,
    k: int,
    of: int,
    folder: Path,
    recovery_passphrase_file: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Make recovery keys: with any k of them we come back if the root key is lost. They replace earlier ones.

    Each is a file of its own; with --recovery-passphrase-file it is encrypted (age). Keep them apart.
    """
    from backchannel.desk.root_keys import make_recovery  # noqa: PLC0415
    from backchannel.parties.passphrase import seal_with  # noqa: PLC0415

    with session.node() as node:
        _, unseal = _sealing(node, passphrase_file)
        seal = None
        if recovery_passphrase_file is not None:
            seal = seal_with(ask_passphrase(recovery_passphrase_file, "for the recovery keys", new=True))
        found, paths = make_recovery(node, session.clock, folder, k=k, of=of, seal=seal, unseal=unseal)
    answer(session, found)
    session.tell("\n".join(f"Written: {path}" for path in paths))
    session.tell("Next: give each file to another person or place, and leave none here")


@key.command(
    "recover",
    example="""
    backchannel key recover recovery-1-of-3.pem recovery-3-of-3.pem
    backchannel key recover --new-keys *.pem.age --recovery-passphrase-file words
    """,
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--new-keys", is_flag=True, help="The keys of every day are lost as well: make new ones.")
@recovery_passphrase_option
@passphrase_option
@pass_session
def recover(
    session: Session,
    files: tuple[Path, ...],
    *,
    new_keys: bool,
    recovery_passphrase_file: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Come back with recovery keys after the root key was lost: a new one is made, for which they sign.

    Those who know us take us as *introduced* until they have verified us anew. The news goes with the next drop;
    -o writes it to a file for other media.
    """
    from backchannel.desk.root_keys import recover as come_back  # noqa: PLC0415
    from backchannel.parties.passphrase import seal_with, unseal_with  # noqa: PLC0415

    given = {str(file): _read(file) for file in files}
    with session.node() as node:
        seal = unseal = unseal_files = None
        if recovery_passphrase_file is not None:
            unseal_files = unseal_with(ask_passphrase(recovery_passphrase_file, "of the recovery keys"))
        if new_keys and passphrase_file is not None:
            seal = seal_with(ask_passphrase(passphrase_file, "to keep the keys under", new=True))
        elif not new_keys:
            seal, unseal = _sealing(node, passphrase_file)
        found = come_back(
            node,
            session.clock,
            given,
            unseal_files=unseal_files,
            unseal=unseal,
            seal=seal,
            new_daily=new_keys,
        )
        _answer(session, node, found)
    _tell_next(session, found, is_root_new=True)
    session.tell("The recovery keys were in one place just now: make new ones with backchannel key recovery")


@key.command("news", forms=(), example="backchannel key news -o alpha-keys.jsonl")
@pass_session
def news(session: Session) -> None:
    """Write what we said of our keys, key sets and revocations, for media that carry no drop.

    One signed statement a line, nothing secret. Whoever knows us gives the file to `receive`.
    """
    from backchannel.desk.own_news import own_news  # noqa: PLC0415

    with session.node() as node, session.result() as out:
        out.write(own_news(node))


def _sealing(node: Node, passphrase_file: Path | None) -> tuple[Seal | None, Unseal | None]:
    """Return what encrypts and what opens our keys: nothing, where they are not under a passphrase."""
    from backchannel.desk.own_keys import is_sealed  # noqa: PLC0415
    from backchannel.parties.passphrase import seal_with, unseal_with  # noqa: PLC0415

    if not is_sealed(node):
        return None, None
    passphrase = ask_passphrase(passphrase_file, "of the node's keys")
    return seal_with(passphrase), unseal_with(passphrase)


def _read(file: Path) -> bytes:
    from backchannel.parties.recovery import MAX_FILE_BYTES  # noqa: PLC0415

    try:
        with file.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error


def _answer(session: Session, node: Node, found: KeyCare) -> None:
    """Answer with our keys; where `-o` names a file, that gets the news of them for other media."""
    from backchannel.desk.own_news import own_news  # noqa: PLC0415

    if session.form == "text" and session.output is not None:
        with session.result() as out:
            out.write(own_news(node))
    else:
        answer(session, found)


def _tell_next(session: Session, found: KeyCare, *, is_root_new: bool) -> None:
    if is_root_new:
        session.tell(
            "The root key is another one: everybody's safety number with us is a new one from now on"
        )
    if found.waiting:
        session.tell(
            f"The news goes with the next drop to each of {counted(found.waiting, 'party', 'parties')}"
        )
    # One from before the change would say another key set of this version, which others take for a fork.
    session.tell("Next: make a new backup, which takes the place of older ones (backchannel key backup)")
