"""`party add|list|show`: whom we exchange with, and how far we know them. How we come to: `meeting.py`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.batches import batches_table
from backchannel.cli.belief_texts import reliability_text
from backchannel.cli.command import Group, pass_session
from backchannel.cli.layout import day_and_minute, facts, heading, table
from backchannel.cli.session import Session
from backchannel.errors import InputError, UsageError
from backchannel.parties.names import visible_name

if TYPE_CHECKING:
    from backchannel.desk.party_documents import Membership, PartyDetail


MAX_MESSAGE_BYTES = 100_000
"""Largest file with a card or a message of an invitation (bytes): a long letter around it."""


def read_bytes(path: Path) -> bytes:
    """Read a card or a message: `-` is standard input.

    Raises:
        InputError: it cannot be read, or is far larger than one.
    """
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(MAX_MESSAGE_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(MAX_MESSAGE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_MESSAGE_BYTES:
        raise InputError(f"{path} is larger than {MAX_MESSAGE_BYTES:,} bytes", hint="Name the right file.")
    return data


@click.group(cls=Group)
def party() -> None:
    """Whom we exchange with, and how far we know them."""


@party.command(
    "add",
    example="""
    backchannel party add 'CERT Beta'
    backchannel party add --card beta.card --handed-over
    """,
)
@click.argument("name", required=False)
@click.option(
    "--card", type=click.Path(path_type=Path), help="Its contact card: a file, or - for standard input."
)
@click.option("--handed-over", is_flag=True, help="The party gave you the card in person: it is verified.")
@click.option("--decided", is_flag=True, help="Take a card that raised an alarm: you asked by another way.")
@pass_session
def add(session: Session, name: str | None, card: Path | None, *, handed_over: bool, decided: bool) -> None:
    """Add a party: by its name only, or by its contact card. With a card, NAME is what you call it."""
    from backchannel.desk.introducing import holds_introduction, take_introduction  # noqa: PLC0415
    from backchannel.desk.membership import meet  # noqa: PLC0415
    from backchannel.desk.parties import add_party, show_party  # noqa: PLC0415

    if card is None and name is None:
        raise UsageError("a party needs a name or a card", hint="Give NAME, or --card FILE.")
    with session.node() as node:
        if card is None:
            found = add_party(node, session.clock, name or "")
        else:
            content = read_bytes(card)
            if holds_introduction(content):
                called = take_introduction(node, session.clock, content, called=name, decided=decided)
            else:
                called = meet(
                    node, session.clock, content, called=name, handed_over=handed_over, decided=decided
                )
            found = show_party(node, session.clock, called)
    answer_with(session, found)


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
            visible_name(one.name),
            "ourselves" if one.self else one.standing,
            f"{one.batches:,}",
            f"{one.objects:,}",
            day_and_minute(one.last_received_at) or "-",
        )
        for one in found.parties
    ]
    heads = ("party", "known", "batches", "objects", "last received")
    text = table(heads, rows, numbers=("batches", "objects"), keep=("last received",))
    warned = [f"alarm: {one.sentence} ({one.reason})" for one in found.alarms]
    session.text("\n".join([text, *([""] if warned else []), *warned]))


@party.command("show", example="backchannel party show 'CERT Beta'")
@click.argument("name")
@pass_session
def show(session: Session, name: str) -> None:
    """Show one party with its last batches."""
    from backchannel.desk.parties import show_party  # noqa: PLC0415

    with session.node() as node:
        found = show_party(node, session.clock, name)
    answer_with(session, found)


def answer_with(session: Session, found: PartyDetail) -> None:
    """Show one party."""
    if session.form == "json":
        session.document(found)
        return
    one = found.party
    about = facts(
        [
            ("id", one.id),
            ("known", "ourselves" if found.membership is None else _known(found.membership)),
            ("key", found.membership.root or "" if found.membership else found.fingerprint or ""),
            ("added", day_and_minute(one.added_at)),
            ("batches", f"{one.batches:,} with {one.objects:,} objects"),
            ("last", day_and_minute(one.last_received_at)),
            ("ledger", _ledger(found)),
            *[
                ("evidence", f"{one.breach}: backchannel ledger export --evidence DIR")
                for one in found.evidence
            ],
            ("reads", ", ".join(found.reads)),
            ("writes", ", ".join(found.writes)),
        ],
        indent=2,
    )
    parts = [heading(visible_name(one.name)), about]
    if found.reliability is not None and not one.self:
        parts += ["", reliability_text(found.reliability)]
    if found.membership is not None and found.membership.events:
        changes = [(day_and_minute(each.at) or "", each.after, each.note) for each in found.membership.events]
        parts += ["", table(("when", "then", "why"), changes, numbers=(), keep=("when",))]
    if found.batches:
        parts += ["", batches_table(found.batches)]
    session.text("\n".join(parts))


def _ledger(found: PartyDetail) -> str:
    if found.ledger is None or found.ledger.size is None:
        return ""
    cosigned = "" if found.ledger.cosigned is None else f", {found.ledger.cosigned:,} of them cosigned by us"
    return f"{found.ledger.size:,} leaves{cosigned}, seen {day_and_minute(found.ledger.seen_at)}"


def _known(membership: Membership) -> str:
    if membership.root is None:
        return "by its name only; nothing about it is verified"
    called = f", calls itself {visible_name(membership.called)}" if membership.called else ""
    return f"{membership.standing}{called}"
