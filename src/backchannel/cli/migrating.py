"""`taxii import`: take over a collection from another server, with the stamps that it gave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session, path_from_word
from backchannel.cli.layout import counted
from backchannel.cli.progress import progress
from backchannel.cli.receiving import say_receipt
from backchannel.cli.session import Session

if TYPE_CHECKING:
    from backchannel.desk.receive import Progress


@click.command(
    "import",
    cls=Command,
    example="backchannel taxii import indicators objects.json --manifest manifest.json --from 'CERT Beta'",
)
@click.argument("name")
@click.argument("file")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    help="Its TAXII manifest: each object keeps the `date_added` that this gives it.",
)
@click.option(
    "--from", "party", metavar="PARTY", help="Whom the objects come from; a new name makes a party."
)
@click.option("--tlp", metavar="LABEL", help="The marking of what comes unmarked. Default: the collection's.")
@pass_session
@click.pass_context
def import_(
    ctx: click.Context,
    session: Session,
    name: str,
    file: str,
    manifest: Path | None,
    party: str | None,
    tlp: str | None,
) -> None:
    """Import FILE into the collection NAME, keeping the stamps of another server.

    Stamps must rise from record to record, and lie above all that the collection has given. An object that the
    manifest does not name refuses the whole import.
    """
    from backchannel.desk.migrating import putting_stamped, read_manifest  # noqa: PLC0415
    from backchannel.desk.publishing import putting_into  # noqa: PLC0415
    from backchannel.desk.receive import receive  # noqa: PLC0415

    with session.node() as node, progress(session) as tell:

        def on_progress(at: Progress) -> None:
            tell(at.file, at.bytes_read, at.bytes_total, counted(at.objects, "object"))

        stamped = read_manifest(manifest, session.clock) if manifest else None
        put = putting_into(node, (name,)) if stamped is None else putting_stamped(node, name, stamped)
        receipt = receive(
            node,
            session.clock,
            [path_from_word(file)],
            party=party,
            channel="taxii",
            tlp=tlp,
            on_progress=on_progress,
            put=put,
        )
    if stamped is not None and stamped.used < stamped.records:
        unused = counted(stamped.records - stamped.used, "record")
        session.tell(f"{unused} of the manifest had no object in the file that can be offered.")
    say_receipt(ctx, session, receipt)
