"""`warninglist add|list|remove`: names and addresses that are known and harmless, and what hits on them mean."""

from __future__ import annotations

from pathlib import Path

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.layout import counted, facts, heading, joined, table
from backchannel.cli.session import Session

CLASSES = ("infrastructure", "popular", "context")


@click.group(cls=Group)
def warninglist() -> None:
    """Lists of what is known and harmless: a hit on one is labelled, never dropped."""


@warninglist.command("add", example="backchannel warninglist add lists/microsoft-office365/list.json")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--class", "cls", type=click.Choice(CLASSES), help="What a hit on it means. Default: by its name."
)
@pass_session
def add(session: Session, file: Path, cls: str | None) -> None:
    """Add a list in the JSON form of the MISP warning lists; one of the same name is replaced."""
    from backchannel.desk.warninglists import add_warninglist  # noqa: PLC0415

    with session.node() as node:
        found = add_warninglist(node, session.clock, file, cls=cls)
    if session.form == "json":
        session.document(found)
        return
    one = found.list
    text = facts(
        [
            ("class", one.cls),
            (
                "entries",
                joined(f"{one.entries:,} by {one.kind}", f"{one.unread:,} not matched" if one.unread else ""),
            ),
            ("about", one.description),
        ],
        indent=2,
    )
    session.text(f"{heading(one.name)}{', in place of the one before' if found.replaced else ''}\n{text}")


@warninglist.command("list", example="backchannel warninglist list")
@pass_session
def list_(session: Session) -> None:
    """List the warning lists: built-in ones first."""
    from backchannel.desk.warninglists import list_warninglists  # noqa: PLC0415

    with session.node() as node:
        found = list_warninglists(node)
    if session.form == "json":
        session.document(found)
        return
    rows = [
        (
            one.name,
            one.cls,
            one.kind,
            f"{one.entries:,}",
            "built in" if one.builtin else (one.added_at or "")[:10],
        )
        for one in found.lists
    ]
    session.text(
        table(("list", "class", "by", "entries", "added"), rows, numbers=("entries",), keep=("added",))
    )
    session.tell(f"{counted(len(found.lists), 'list')}. Next: backchannel warninglist add FILE")


@warninglist.command(
    "remove", forms=(), writes_file=False, example="backchannel warninglist remove 'List of ...'"
)
@click.argument("name")
@pass_session
def remove(session: Session, name: str) -> None:
    """Remove a list that was added; built-in ones stay."""
    from backchannel.desk.warninglists import remove_warninglist  # noqa: PLC0415

    with session.node() as node:
        remove_warninglist(node, name)
    session.tell(f"Removed {name}.")
