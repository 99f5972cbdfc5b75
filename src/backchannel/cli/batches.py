"""`batch list|show|undo`: what each import brought, and taking one back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.findings import findings_text
from backchannel.cli.layout import counted, day_and_minute, facts, heading, joined, table
from backchannel.cli.session import Session
from backchannel.cli.wording import who

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backchannel.desk.documents import Batch, BatchDetail

PAGE_ROWS = 50
MAX_FINDINGS_SHOWN = 50


@click.group(cls=Group)
def batch() -> None:
    """What each import brought, and taking one back as a whole."""


@batch.command("list", example="backchannel batch list")
@click.option(
    "--rows", type=click.IntRange(1, 1_000), default=PAGE_ROWS, show_default=True, help="Most shown."
)
@click.option("--before", metavar="PLACE", help="Go on where the page before ended.")
@pass_session
def list_(session: Session, rows: int, before: str | None) -> None:
    """List the batches, newest first."""
    from backchannel.desk.batches import list_batches  # noqa: PLC0415

    with session.node() as node:
        found = list_batches(node, limit=rows, before=before)
    if session.form == "json":
        session.document(found)
        return
    if not found.batches:
        session.tell("Nothing was imported yet. Next: backchannel import FILE... --from PARTY")
        return
    session.text(batches_table(found.batches))
    if found.next:
        session.tell(f"Next: backchannel batch list --before {found.next}")


def batches_table(batches: Iterable[Batch]) -> str:
    """Return batches as a table; what is neither new nor set aside was known already."""
    heads = ("batch", "when", "from", "by", "objects", "new", "set aside", "state")
    rows = [
        (
            str(one.batch),
            day_and_minute(one.completed_at or one.opened_at).removesuffix(" UTC"),
            who(one.party, nobody="-"),
            one.channel,
            f"{one.objects:,}",
            f"{one.stored:,}",
            f"{one.conflict + one.quarantined + one.refused:,}",
            one.state,
        )
        for one in batches
    ]
    return table(heads, rows, numbers=("batch", "objects", "new", "set aside"), keep=("when", "state"))


@batch.command("show", example="backchannel batch show 3")
@click.argument("number", type=int, metavar="BATCH")
@pass_session
def show(session: Session, number: int) -> None:
    """Show one batch: its files, and what was found in it."""
    from backchannel.desk.batches import show_batch  # noqa: PLC0415
    from backchannel.ids import BatchId  # noqa: PLC0415

    with session.node() as node:
        found = show_batch(node, BatchId(number))
    if session.form == "json":
        session.document(found)
    else:
        session.text(_detail_text(found))


@batch.command("undo", example="backchannel batch undo 3")
@click.argument("number", type=int, metavar="BATCH")
@pass_session
def undo(session: Session, number: int) -> None:
    """Take a batch back: everything is as if it had never come. The record that it came stays."""
    from backchannel.desk.batches import undo_batch  # noqa: PLC0415
    from backchannel.ids import BatchId  # noqa: PLC0415

    with session.node() as node:
        found = undo_batch(node, session.clock, BatchId(number))
    if session.form == "json":
        session.document(found)
        return
    came = counted(found.batch.objects, "object")
    session.text(
        f"Batch {number} is undone: {came} came with it, and what no other batch brought is out of sight."
    )
    session.tell("Next: backchannel export CONTROL -o DIR again, if you had exported what it brought")


def _detail_text(found: BatchDetail) -> str:
    one = found.batch
    head = heading(joined(f"Batch {one.batch}", one.state, f"from {who(one.party)} by {one.channel}"))
    about = facts(
        [
            ("opened", day_and_minute(one.opened_at)),
            ("completed", day_and_minute(one.completed_at)),
            ("undone", day_and_minute(one.undone_at)),
            ("unmarked as", one.tlp or ""),
            (
                "objects",
                (
                    f"{one.objects:,}: {one.stored:,} stored, {one.known:,} known, {one.conflict:,} in conflict, "
                    f"{one.quarantined:,} quarantined, {one.refused:,} refused"
                ),
            ),
            *(("file", file.name) for file in one.files),
        ],
        indent=2,
    )
    text = findings_text(found.findings, total=found.findings_total, at_most=MAX_FINDINGS_SHOWN)
    return "\n".join(part for part in (head, about, text) if part)
