"""`inbox`, `show`, `why`: what came, one object in full, and all that is known about why we hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session
from backchannel.cli.item import item_text, show_text
from backchannel.cli.layout import counted, silent_text
from backchannel.cli.reasons import why_text
from backchannel.cli.request_texts import tasks_text
from backchannel.cli.session import Session
from backchannel.cli.wording import who

if TYPE_CHECKING:
    from backchannel.desk.documents import Inbox

PAGE_ROWS = 20


@click.command(
    cls=Command,
    example="""
    backchannel inbox
    backchannel inbox --rows 5 --json
    """,
)
@click.option(
    "--rows", type=click.IntRange(1, 1_000), default=PAGE_ROWS, show_default=True, help="Most items."
)
@click.option("--before", metavar="PLACE", help="Go on where the page before ended.")
@click.option("--all", "everything", is_flag=True, help="Also what only describes others: relationships, ...")
@pass_session
def inbox(session: Session, rows: int, before: str | None, everything: bool) -> None:
    """Say what came last, first what concerns us: who says so, how it is marked, what it is worth, what to do."""
    from backchannel.desk.inbox import inbox as ask  # noqa: PLC0415

    with session.node() as node:
        page = ask(node, session.clock, limit=rows, before=before, everything=everything)
    if session.form == "json":
        session.document(page)
        return
    parts = [tasks_text(page.tasks)] if page.tasks else []
    parts += [item_text(item) for item in page.items]
    if parts:
        session.text("\n\n".join(parts))
    _say_next(session, page)


def _say_next(session: Session, page: Inbox) -> None:
    if page.quarantined:
        session.tell(
            f"{counted(page.quarantined, 'object')} in quarantine: `backchannel batch list` says from where"
        )
    silent = page.unanswered
    if silent is not None and silent.longest_days:
        session.tell(f"Unanswered: {silent_text(silent.drops, silent.longest_days)}")
    for one in page.unsaid:
        session.tell(
            f"{who(one.party)} can be told: {one.count:,} of batch {one.batch} searched for, not seen. "
            f"Next: backchannel sight --batch {one.batch}"
        )
    if page.next:
        session.tell(f"Next: backchannel inbox --before {page.next}")
    elif not page.items:
        session.tell("Nothing to look at. Next: backchannel import FILE... --from PARTY")
    else:
        session.tell("Next: backchannel show ID, why ID, hunt PATH...")


@click.command(cls=Command, example="backchannel show indicator--8e2e2d2b")
@click.argument("stix_id", metavar="ID")
@click.option("--raw", is_flag=True, help="The object exactly as it came, and nothing else.")
@pass_session
def show(session: Session, stix_id: str, raw: bool) -> None:
    """Show one object in full. ID may be cut short where only one object begins so."""
    from backchannel.desk.inbox import show as ask  # noqa: PLC0415

    with session.node() as node:
        found = ask(node, session.clock, stix_id)
    if raw:
        with session.result() as out:
            out.write(bytes(found.received) + b"\n")
    elif session.form == "json":
        session.document(found)
    else:
        session.text(show_text(found))


@click.command(cls=Command, example="backchannel why indicator--8e2e2d2b")
@click.argument("stix_id", metavar="ID")
@pass_session
def why(session: Session, stix_id: str) -> None:
    """Say why we hold an object, who really says so, what it is worth, and what contradicts it."""
    from backchannel.desk.why import why as ask  # noqa: PLC0415

    with session.node() as node:
        found = ask(node, session.clock, stix_id)
    if session.form == "json":
        session.document(found)
    else:
        session.text(why_text(found))
