"""What is to go, and how: the options of `release plan` and `release send`, each group of them one argument."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.passphrases import ask_passphrase
from backchannel.errors import InputError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.choosing import Choice

MAX_STDIN_BYTES = 32 * 2**20
"""Ids on standard input: 100,000 of the longest."""
MAX_DAYS = 400
"""A drop that is good for longer is refused by its reader."""

deniable_option = click.option(
    "--deniable",
    is_flag=True,
    help="Sign nothing: only the reader can know that it is from you, and can show it to nobody.",
)


def choice_options(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options of what goes, as one argument `choice`."""

    @wraps(command)
    def with_choice(
        *args: object,
        ids: tuple[str, ...],
        batch: int | None,
        party: str | None,
        collection: str | None,
        **more: object,
    ) -> object:
        return command(*args, choice=_choice(ids, batch, party, collection), **more)

    wrapped: Callable[..., object] = with_choice
    for option in (
        click.option(
            "--collection", metavar="ID", help="All that is in this collection of ours: id, alias or title."
        ),
        click.option(
            "--from", "party", metavar="PARTY", help="All that this party gave us, as it is in force."
        ),
        click.option("--batch", type=int, metavar="B", help="All that this batch brought."),
        click.argument("ids", nargs=-1, metavar="[ID...|-]"),
    ):
        wrapped = option(wrapped)
    return wrapped


def _choice(ids: Sequence[str], batch: int | None, party: str | None, collection: str | None) -> Choice:
    from backchannel.desk.choosing import Choice  # noqa: PLC0415
    from backchannel.ids import BatchId  # noqa: PLC0415

    named = [one for word in ids for one in (_ids_on_stdin() if word == "-" else (word,))]
    if ids and not named:
        raise UsageError("no id stands on standard input", hint="Write one on each line.")
    return Choice(tuple(named), None if batch is None else BatchId(batch), party, collection)


def _ids_on_stdin() -> tuple[str, ...]:
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1) if sys.stdin else b""
    if len(data) > MAX_STDIN_BYTES:
        raise InputError("more ids stand on standard input than one drop takes", hint="Make several drops.")
    return tuple(data.decode("utf-8", "replace").split())


def how_options(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options of how a drop is made, as one argument `how`."""

    @wraps(command)
    def with_how(
        *args: object,
        attached: tuple[Path, ...],
        expires: str,
        ack: str,
        collected: str,
        hide_source: bool,
        drop_passphrase_file: Path | None,
        **more: object,
    ) -> object:
        from backchannel.desk.stating import How  # noqa: PLC0415

        passphrase = None
        if drop_passphrase_file is not None:
            passphrase = ask_passphrase(drop_passphrase_file, "of the drop", new=True)
        how = How(
            expires_days=_days(expires),
            ack=ack,  # type: ignore[arg-type]  # one of the words that the option takes
            collection=collected,  # type: ignore[arg-type]
            hide_sources=hide_source,
            passphrase=passphrase,
            attachments=tuple((path.name, path) for path in attached),
        )
        return command(*args, how=how, **more)

    wrapped: Callable[..., object] = with_how
    for option in _HOW:
        wrapped = option(wrapped)
    return wrapped


_HOW = (
    click.option(
        "--drop-passphrase-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Encrypt to whoever has the passphrase in its first line, instead of to the party's key.",
    ),
    click.option(
        "--hide-source", is_flag=True, help="Do not name the parties that you have it from: they are counted."
    ),
    click.option(
        "--as",
        "collected",
        type=click.Choice(["first-hand", "derived", "osint", "unknown"]),
        default="unknown",
        show_default=True,
        help="How you came by what you claim yourself.",
    ),
    click.option(
        "--ack",
        type=click.Choice(["none", "received", "assessed", "acted"]),
        default="received",
        show_default=True,
        help="What the reader is asked to tell you.",
    ),
    click.option(
        "--expires",
        default="30d",
        show_default=True,
        metavar="DAYS",
        help="How long it is good for: 1d to 400d.",
    ),
    click.option(
        "--attach",
        "attached",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A file that goes along, as it is.",
    ),
)


def _days(text: str) -> int:
    number = text.strip().lower().removesuffix("d")
    if not number.isascii() or not number.isdigit() or not 1 <= int(number[:6]) <= MAX_DAYS:
        raise UsageError(
            f"--expires {text!r} is no number of days", hint=f"For example 30d; {MAX_DAYS}d at most."
        )
    return int(number)
