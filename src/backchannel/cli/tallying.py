"""`party tally`: what a party's intelligence did here in one month, told to it as far as the rules allow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import pass_session
from backchannel.cli.layout import heading, paragraph
from backchannel.cli.parties import party as party_group
from backchannel.cli.passphrases import passphrase_option, unseal_when_needed
from backchannel.cli.session import Session
from backchannel.cli.wording import who

if TYPE_CHECKING:
    from backchannel.desk.tally_documents import TallyShown


@party_group.command(
    "tally",
    example="""
    backchannel party tally 'CERT Beta' --month 2026-11
    backchannel party tally 'CERT Beta' --month 2026-11 --send
    backchannel party tally 'CERT Beta' --month 2026-11 --stix -o tally.json
    """,
)
@click.argument("name", metavar="PARTY")
@click.option("--month", metavar="MONTH", help="2026-11; by default the one that goes on.")
@click.option("--send", is_flag=True, help="Let what may be told wait for the next drop to the party.")
@click.option("--stix", is_flag=True, help="What may be told as a STIX bundle with a note.")
@passphrase_option
@pass_session
def tally(
    session: Session, *, name: str, month: str | None, send: bool, stix: bool, passphrase_file: Path | None
) -> None:
    """Say what a party's intelligence did here in one month, and what ours did there.

    With --send it is told, as a signed statement: in steps where a count shows what we can do, and no more than the rules of
    release allow.
    """
    from backchannel.desk.tallying import tally as count  # noqa: PLC0415
    from backchannel.desk.tallying import tally_stix  # noqa: PLC0415

    if stix and send:
        raise click.UsageError("--stix writes a file to hand on, --send a statement: one of them")
    with session.node() as node:
        if stix:
            session.document(tally_stix(node, session.clock, name, month))
            return
        unseal = unseal_when_needed(node, passphrase_file)
        found = count(node, session.clock, name, month, send=send, unseal=unseal)
    session.either(found, lambda: _text(found))
    if found.sent:
        how = f"backchannel release send --receipts --to '{found.party}' -o FILE"
        session.tell(paragraph(f"Next: `{how}` sends it at once."))
    elif found.told is not None and found.told != found.tally:
        session.tell(paragraph(f"{who(found.party)} would be told less: {found.why}."))


def _text(found: TallyShown) -> str:
    parts = [heading(f"From {who(found.party)} in {found.tally.month}")]
    parts += [paragraph(line, indent=2) for line in found.says]
    for one in found.theirs:
        parts.append(heading(f"What ours did at {who(found.party)} in {one.tally.month}"))
        parts += [paragraph(line, indent=2) for line in one.says]
    return "\n".join(parts)
