"""`release permit`: let a party pass on what we said ourselves with a wider marking."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import pass_session
from backchannel.cli.layout import day_and_minute, facts, heading, joined, paragraph, table
from backchannel.cli.passphrases import passphrase_option, unseal_of
from backchannel.cli.plan_text import MAX_OBJECTS_SHOWN
from backchannel.cli.release_options import choice_options
from backchannel.cli.releasing import release
from backchannel.cli.session import Session
from backchannel.cli.wording import who
from backchannel.errors import UsageError

if TYPE_CHECKING:
    from backchannel.desk.choosing import Choice
    from backchannel.desk.drop_documents import PermitGiven

__all__ = ["release"]


@release.command(
    "permit",
    example="""
    backchannel release permit indicator--8e2e2d2b --to 'CERT Beta' --tlp green --until 90d
    backchannel release permit indicator--8e2e2d2b --to-everybody --tlp clear --until 2027-01-31
    """,
)
@choice_options
@click.option("--to", multiple=True, metavar="PARTY", help="Who may pass it on.")
@click.option("--to-everybody", "everybody", is_flag=True, help="Everybody who has it may.")
@click.option("--tlp", required=True, metavar="LABEL", help="The widest marking that they may give it.")
@click.option("--until", required=True, metavar="WHEN", help="A day, a time in UTC, or 90d.")
@passphrase_option
@pass_session
def permit(
    session: Session,
    *,
    choice: Choice,
    to: tuple[str, ...],
    everybody: bool,
    tlp: str,
    until: str,
    passphrase_file: Path | None,
) -> None:
    """Let a party pass on what you said yourself with a wider marking than it bears.

    The permit is signed, is for this very content, and goes with the next drop to the party.
    """
    from backchannel.desk.permitting import permit as give  # noqa: PLC0415

    if choice.is_empty:
        raise UsageError("no object is named", hint="Name ids, --batch, --from or --collection.")
    if bool(to) is everybody:
        raise UsageError(
            "it is not said who may pass it on", hint="Give either --to PARTY or --to-everybody."
        )
    with session.node() as node:
        unseal = unseal_of(node, passphrase_file)
        found = give(node, session.clock, choice, to=to, tlp=tlp, until=until, unseal=unseal)
    if session.form == "json":
        session.document(found)
        return
    session.text(permit_text(found))
    for name in found.waits_for:
        how = f"backchannel release send --receipts --to '{name}' -o FILE"
        session.tell(paragraph(f"Next: it goes with the next drop to {who(name)}, or at once: `{how}`"))


def permit_text(found: PermitGiven) -> str:
    """Return a permit as text."""
    whom = " and ".join(who(name) for name in found.to) or "everybody who has it"
    head = heading(joined(f"Permit for {whom}", f"as {found.tlp}", f"until {day_and_minute(found.until)}"))
    rows = [(one.id, one.tlp) for one in found.objects[:MAX_OBJECTS_SHOWN]]
    parts = [head, table(("object", "marked"), rows, keep=("object",))]
    if len(found.objects) > len(rows):
        parts.append(f"and {len(found.objects) - len(rows):,} more: --json names them")
    return "\n".join((*parts, facts([("permit", found.statement)])))
