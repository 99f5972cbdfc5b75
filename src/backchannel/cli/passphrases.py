"""Where a passphrase comes from: a file, or a person at a terminal. It is never an argument, which others could read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.errors import InputError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.node import Node
    from backchannel.parties.at_rest import Unseal

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="A file whose first line is the passphrase; without it a person at the terminal is asked.",
)


def ask_passphrase(file: Path | None, what: str, *, new: bool = False) -> str:
    """Return a passphrase: from the file, else from the terminal, twice where it is a new one.

    Raises:
        InputError: the file cannot be read.
        UsageError: nobody is there to be asked, or a new one is too short.
    """
    from backchannel.parties.passphrase import MAX_PASSPHRASE_CHARS, check_passphrase  # noqa: PLC0415

    if file is not None:
        try:
            with file.open(encoding="utf-8") as lines:
                passphrase = lines.readline(MAX_PASSPHRASE_CHARS + 2).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise InputError(f"{file} cannot be read: {why}") from error
    elif sys.stdin is not None and sys.stdin.isatty():
        passphrase = click.prompt(f"Passphrase {what}", hide_input=True, confirmation_prompt=new, err=True)
    else:
        raise UsageError(f"a passphrase {what} is needed", hint="Give it with --passphrase-file FILE.")
    if new:
        check_passphrase(passphrase)
    return passphrase


def given_unseal(node: Node, file: Path | None) -> Unseal | None:
    """Return what opens the node's keys if a passphrase was given; where it is not, nobody is asked."""
    return None if file is None else unseal_of(node, file)


def unseal_of(node: Node, file: Path | None) -> Unseal | None:
    """Return what opens the node's keys, or None where they are not under a passphrase."""
    from backchannel.desk.own_keys import is_sealed  # noqa: PLC0415
    from backchannel.parties.passphrase import unseal_with  # noqa: PLC0415

    return unseal_with(ask_passphrase(file, "of the node's keys")) if is_sealed(node) else None


def unseal_when_needed(node: Node, file: Path | None) -> Unseal | None:
    """Return what opens the node's keys and asks for their passphrase only once; None: they are not under one.

    For commands that sign something only now and then.
    """
    from backchannel.desk.own_keys import is_sealed  # noqa: PLC0415
    from backchannel.parties.passphrase import unseal_with  # noqa: PLC0415

    asked: list[Unseal] = []

    def unseal(sealed: bytes) -> bytes:
        if not asked:
            asked.append(unseal_with(ask_passphrase(file, "of the node's keys")))
        return asked[0](sealed)

    return unseal if is_sealed(node) else None
