"""`retract`: take back what we said, and tell everybody whom it went to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session, read_words
from backchannel.cli.layout import heading, paragraph, table
from backchannel.cli.passphrases import passphrase_option, unseal_when_needed
from backchannel.cli.session import Session
from backchannel.cli.wording import who
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU

if TYPE_CHECKING:
    from backchannel.desk.retracting import Retracted


@click.command(
    cls=Command,
    example="""
    backchannel retract indicator--8e2e2d2b --reason 'The host was a scanner of a university.'
    """,
)
@click.argument("stix_id", metavar="ID")
@click.option(
    "--reason", required=True, metavar="WORDS", help="Why; `-` reads it from stdin, `@FILE` from a file."
)
@passphrase_option
@pass_session
@click.pass_context
def retract(
    ctx: click.Context, session: Session, *, stix_id: str, reason: str, passphrase_file: Path | None
) -> None:
    """Take back what we said of an object: everybody whom it went to is told.

    What is ours is revoked in STIX too, in every collection of ours that holds it. Of what we passed on, we take our own
    word back. Done again, it tells only whom it has not told.
    """
    from backchannel.desk.retracting import retract as take_back  # noqa: PLC0415

    words = read_words(reason)
    with session.node() as node:
        unseal = unseal_when_needed(node, passphrase_file)
        found = take_back(node, session.clock, stix_id, words, unseal=unseal)
    session.either(found, lambda: _text(found))
    for one in found.told:
        if one.outcome == "given":
            how = f"backchannel release send --receipts --to '{one.to}' -o FILE"
            session.tell(paragraph(f"Next: `{how}` tells {who(one.to)} at once."))
    missed = any(one.outcome in {"denied", "no keys"} for one in found.told)
    ctx.exit(EXIT_NEEDS_YOU if missed else EXIT_DONE)


def _text(found: Retracted) -> str:
    parts = [heading(found.id), paragraph(found.says)]
    if found.told:
        parts.append(table(("to", "told", ""), [(who(one.to), one.outcome, one.says) for one in found.told]))
    return "\n".join(parts)
