"""`key show|passphrase|backup|restore`: the care of our own keys. What changes them: `key_changes.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.layout import facts
from backchannel.cli.passphrases import ask_passphrase, passphrase_option, unseal_of
from backchannel.cli.session import Session
from backchannel.errors import InputError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.party_documents import KeyCare

MAX_FILE_BYTES = 32 * 2**20


@click.group(cls=Group)
def key() -> None:
    """Our own keys: shown, changed, put under a passphrase, backed up and brought back."""


@key.command("show", example="backchannel key show")
@passphrase_option
@pass_session
def show(session: Session, passphrase_file: Path | None) -> None:
    """Show the names of our keys, and how they are kept. No private key is ever shown."""
    from backchannel.desk.key_care import tell  # noqa: PLC0415

    with session.node() as node:
        found = tell(node, session.clock, unseal=unseal_of(node, passphrase_file))
    answer(session, found)


@key.command(
    "passphrase",
    example="""
    backchannel key passphrase
    backchannel key passphrase --remove
    """,
)
@click.option("--remove", is_flag=True, help="Keep the keys plain again, for their owner's eyes only.")
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path),
    help="A file whose first line is the new passphrase.",
)
@passphrase_option
@pass_session
def passphrase(
    session: Session, *, remove: bool, new_passphrase_file: Path | None, passphrase_file: Path | None
) -> None:
    """Put our private keys under a passphrase, or under another one."""
    from backchannel.desk import key_care  # noqa: PLC0415
    from backchannel.parties.passphrase import seal_with  # noqa: PLC0415

    with session.node() as node:
        unseal = unseal_of(node, passphrase_file)
        seal = None
        if not remove:
            seal = seal_with(ask_passphrase(new_passphrase_file, "to keep the keys under", new=True))
        found = key_care.protect(node, session.clock, seal=seal, unseal=unseal)
    answer(session, found)


@key.command("backup", forms=(), example="backchannel key backup -o alpha-keys.age")
@click.option(
    "--backup-passphrase-file",
    type=click.Path(path_type=Path),
    help="A file whose first line is the passphrase of the backup.",
)
@passphrase_option
@pass_session
def backup(session: Session, backup_passphrase_file: Path | None, passphrase_file: Path | None) -> None:
    """Write all of our keys into one file under a passphrase (age). Whoever has both is us."""
    from backchannel.desk import key_care  # noqa: PLC0415
    from backchannel.parties.passphrase import seal_with  # noqa: PLC0415

    if session.output is None:
        raise UsageError("a backup goes into a file", hint="Name one with -o FILE.")
    with session.node() as node:
        unseal = unseal_of(node, passphrase_file)
        seal = seal_with(ask_passphrase(backup_passphrase_file, "for the backup", new=True))
        data = key_care.back_up(node, session.clock, seal=seal, unseal=unseal)
    with session.result() as out:
        out.write(data)
    session.tell("Next: keep the file and its passphrase in two places, neither of them this machine.")


@key.command("restore", example="backchannel key restore alpha-keys.age")
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@pass_session
def restore(session: Session, file: Path, passphrase_file: Path | None) -> None:
    """Bring our keys back from a backup, in the place of those that are here."""
    from backchannel.desk import key_care  # noqa: PLC0415
    from backchannel.desk.own_keys import is_sealed  # noqa: PLC0415
    from backchannel.parties.passphrase import seal_with, unseal_with  # noqa: PLC0415

    data = read_backup_file(file)
    with session.node() as node:
        word = ask_passphrase(passphrase_file, "of the backup")
        seal = seal_with(word) if is_sealed(node) else None
        found = key_care.restore(node, session.clock, data, unseal=unseal_with(word), seal=seal)
    answer(session, found)


def read_backup_file(file: Path) -> bytes:
    """Return what a file of a backup holds, still encrypted.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error


def answer(session: Session, found: KeyCare) -> None:
    """Answer with our keys as they are now."""
    if session.form == "json":
        session.document(found)
        return
    kept = "under a passphrase" if found.sealed else "plain, for their owner's eyes only"
    session.text(
        facts(
            [
                ("key set", f"version {found.version}"),
                ("kept", kept),
                ("root", found.root + ("" if found.root_is_here else " (kept away from this node)")),
                *found.keys.items(),
                ("recovery", _recovery(found)),
                ("revoked", " ".join(found.revoked)),
            ]
        )
    )


def _recovery(found: KeyCare) -> str:
    if found.recovery is None:
        return "none: a lost root key is lost for good (backchannel key recovery)"
    return f"any {found.recovery.k} of {found.recovery.of} recovery keys"
