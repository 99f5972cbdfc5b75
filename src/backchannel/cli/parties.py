"""`party add|list|show`: whom we exchange with. Here a party is known by its name only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backchannel.cli.batches import batches_table
from backchannel.cli.command import Group, pass_session
from backchannel.cli.layout import day_and_minute, facts, heading, table
from backchannel.cli.session import Session

if TYPE_CHECKING:
    from backchannel.desk.documents import PartyDetail


@click.group(cls=Group)
def party() -> None:
    """Whom we exchange with. A party is known by its name; nothing about it is verified yet."""


@party.command("add", example="backchannel party add 'CERT Beta'")
@click.argument("name")
@pass_session
def add(session: Session, name: str) -> None:
    """Add a party by its name."""
    from backchannel.desk.parties import add_party  # noqa: PLC0415

    with session.node() as node:
        found = add_party(node, session.clock, name)
    _answer(session, found)


@party.command("list", example="backchannel party list")
@pass_session
def list_(session: Session) -> None:
    """List the parties: ourselves first, then by name."""
    from backchannel.desk.parties import list_parties  # noqa: PLC0415

    with session.node() as node:
        found = list_parties(node)
    if session.form == "json":
        session.document(found)
        return
    rows = [
        (
            one.name,
            "ourselves" if one.self else "name only",
            f"{one.batches:,}",
            f"{one.objects:,}",
            day_and_minute(one.last_received_at) or "-",
        )
        for one in found.parties
    ]
    heads = ("party", "known by", "batches", "objects", "last received")
    session.text(table(heads, rows, numbers=("batches", "objects"), keep=("last received",)))


@party.command("show", example="backchannel party show 'CERT Beta'")
@click.argument("name")
@pass_session
def show(session: Session, name: str) -> None:
    """Show one party with its last batches."""
    from backchannel.desk.parties import show_party  # noqa: PLC0415

    with session.node() as node:
        found = show_party(node, session.clock, name)
    _answer(session, found)


def _answer(session: Session, found: PartyDetail) -> None:
    if session.form == "json":
        session.document(found)
        return
    one = found.party
    about = facts(
        [
            ("id", one.id),
            ("known by", "ourselves" if one.self else "its name only; nothing about it is verified"),
            ("key", found.fingerprint or ""),
            ("added", day_and_minute(one.added_at)),
            ("batches", f"{one.batches:,} with {one.objects:,} objects"),
            ("last", day_and_minute(one.last_received_at)),
            ("reads", ", ".join(found.reads)),
            ("writes", ", ".join(found.writes)),
        ],
        indent=2,
    )
    parts = [heading(one.name), about]
    if found.batches:
        parts += ["", batches_table(found.batches)]
    session.text("\n".join(parts))
