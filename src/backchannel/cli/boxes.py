"""`channel box`: take what waits in our own drop box, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.channels import channel
from backchannel.cli.command import pass_session
from backchannel.cli.layout import counted, day_and_minute, size_text, table
from backchannel.cli.passphrases import passphrase_option, unseal_of
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU

if TYPE_CHECKING:
    from backchannel.desk.carried_documents import BoxTaken

__all__ = ["channel"]


@channel.command("box", example="backchannel channel box --passphrase-file FILE")
@passphrase_option
@pass_session
@click.pass_context
def box(ctx: click.Context, session: Session, *, passphrase_file: Path | None) -> None:
    """Take what was left in our drop box and waits, as `serve --drop-box` does.

    Exit code 1: something was refused.
    """
    from backchannel.desk.box_taking import empty_box  # noqa: PLC0415

    with session.node() as node:
        found = empty_box(node, session.clock, unseal=unseal_of(node, passphrase_file))
    if session.form == "json":
        session.document(found)
    else:
        _tell(session, found)
    is_refused = any(one.state == "refused" for one in found.files)
    ctx.exit(EXIT_NEEDS_YOU if is_refused else EXIT_DONE)


def _tell(session: Session, found: BoxTaken) -> None:
    if found.files:
        heads = ("ticket", "when", "size", "state", "what")
        rows = [
            (
                one.name.rpartition(" ")[2][:12],
                day_and_minute(one.at).removesuffix(" UTC"),
                size_text(one.bytes),
                one.state,
                one.says,
            )
            for one in found.files
        ]
        session.text(table(heads, rows, keep=("ticket", "state")))
    if found.again:
        session.tell(f"{counted(found.again, 'file')} had been left before")
    if not found.files and not found.again:
        session.tell("Nothing waits in the drop box.")
    elif any(one.state == "refused" for one in found.files):
        session.tell("Next: backchannel refused list")
    elif any(one.batch for one in found.files):
        session.tell("Next: backchannel inbox")
