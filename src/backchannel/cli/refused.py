"""`refused list|show|save|discard`: drops and statements that were refused, and are kept as they came."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.layout import day_and_minute, facts, heading, joined, size_text, table
from backchannel.cli.session import Session
from backchannel.cli.wording import who
from backchannel.errors import UsageError

if TYPE_CHECKING:
    from backchannel.desk.coming_documents import RefusedThings

PAGE_ROWS = 50


@click.group(cls=Group)
def refused() -> None:
    """Drops and statements that were refused, kept as they came."""


@refused.command("list", example="backchannel refused list")
@click.option("--all", "everything", is_flag=True, help="Also what was decided.")
@click.option(
    "--rows", type=click.IntRange(1, 1_000), default=PAGE_ROWS, show_default=True, help="Most shown."
)
@click.option("--before", type=int, metavar="NUMBER", help="Go on where the page before ended.")
@pass_session
def list_(session: Session, *, everything: bool, rows: int, before: int | None) -> None:
    """List what was refused, newest first, with the reason."""
    from backchannel.desk.refusals import list_refused  # noqa: PLC0415

    with session.node() as node:
        found = list_refused(node, rows=rows, before=before, everything=everything)
    if session.form == "json":
        session.document(found)
        return
    if not found.refused:
        session.tell("Nothing that was refused waits for you.")
        return
    lines = [
        (
            f"{one.number}",
            day_and_minute(one.at).removesuffix(" UTC"),
            one.what,
            size_text(one.bytes),
            one.refusal.code,
            one.place,
            one.decision or "",
        )
        for one in found.refused
    ]
    heads = ("number", "when", "what", "size", "why", "from", "decided")
    session.text(table(heads, lines, numbers=("number", "size"), keep=("when", "why")))
    if found.next is not None:
        session.tell(f"Next: backchannel refused list --before {found.next}")
    else:
        session.tell("Next: backchannel refused show NUMBER, save NUMBER -o FILE, discard NUMBER --why TEXT")


@refused.command("show", example="backchannel refused show 3")
@click.argument("number", type=int)
@pass_session
def show(session: Session, number: int) -> None:
    """Say of one thing why it was refused, and what mends it."""
    from backchannel.desk.refusals import show_refused  # noqa: PLC0415

    with session.node() as node:
        found = show_refused(node, number)
    _answer(session, found)


@refused.command("save", forms=(), example="backchannel refused save 3 -o evidence.bcb")
@click.argument("number", type=int)
@pass_session
def save(session: Session, number: int) -> None:
    """Write the original as it came. It may be hostile: for whoever looks into it, or as evidence."""
    from backchannel.desk.refusals import write_original  # noqa: PLC0415

    if session.output is None and sys.stdout.isatty():
        raise UsageError("what was refused is not shown on a terminal", hint="Name a file with -o.")
    with session.node() as node, session.result() as out:
        write_original(node, number, out)


@refused.command("discard", example="backchannel refused discard 3 --why 'sent again, and whole'")
@click.argument("number", type=int)
@click.option("--why", required=True, help="The reason, for those who ask later.")
@pass_session
def discard(session: Session, number: int, why: str) -> None:
    """Decide that something is not needed: the record of it stays, its bytes go."""
    from backchannel.desk.refusals import discard_refused  # noqa: PLC0415

    with session.node() as node:
        found = discard_refused(node, session.clock, number, why)
    _answer(session, found)


def _answer(session: Session, answer: RefusedThings) -> None:
    if session.form == "json":
        session.document(answer)
        return
    [found] = answer.refused
    head = heading(joined(f"Number {found.number}", found.what, size_text(found.bytes)))
    detail = f" ({found.refusal.detail})" if found.refusal.detail else ""
    rows = [
        ("why", f"{found.refusal.code}: {found.refusal.means}{detail}"),
        ("mend", found.refusal.mend),
        ("came", day_and_minute(found.at)),
        ("from", joined(found.place, who(found.party, nobody=""))),
        ("sha256", found.sha256),
        ("decided", found.decision or "not yet"),
    ]
    session.text(f"{head}\n{facts(rows, indent=2)}")
