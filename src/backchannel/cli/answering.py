"""`ack`, `sight`, `dispute`: what we tell the source, as STIX 2.1 that its tools can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session, read_words
from backchannel.cli.layout import paragraph
from backchannel.cli.session import Session

if TYPE_CHECKING:
    from backchannel.desk.answering import Answer

_id = click.argument("stix_id", metavar="ID")
_text = click.option(
    "--text",
    default="",
    metavar="WORDS",
    help="Your own words; `-` reads them from stdin, `@FILE` from a file.",
)


@click.command(
    cls=Command,
    example="""
    backchannel ack indicator--8e2e2d2b
    backchannel ack indicator--8e2e2d2b --text 'Blocked on all resolvers since noon.' -o ack.json
    """,
)
@_id
@_text
@pass_session
def ack(session: Session, stix_id: str, text: str) -> None:
    """Tell the source that we have it, and what we do with it (a STIX note)."""
    from backchannel.desk.answering import acknowledge  # noqa: PLC0415

    with session.node() as node:
        said = acknowledge(node, session.clock, stix_id, text=read_words(text))
    _answer(session, said)


@click.command(cls=Command, example="backchannel sight indicator--8e2e2d2b -o sighting.json")
@_id
@_text
@pass_session
def sight(session: Session, stix_id: str, text: str) -> None:
    """Tell the source how often hunts saw it, or that they did not (a STIX sighting)."""
    from backchannel.desk.answering import sight as say  # noqa: PLC0415

    with session.node() as node:
        said = say(node, session.clock, stix_id, text=read_words(text))
    _answer(session, said)


@click.command(
    cls=Command,
    example="backchannel dispute indicator--8e2e2d2b --text 'That address is our own mail relay.' -o opinion.json",
)
@_id
@_text
@click.option("--strongly", is_flag=True, help="Say `strongly-disagree`.")
@pass_session
def dispute(session: Session, stix_id: str, text: str, strongly: bool) -> None:
    """Tell the source that we disagree (a STIX opinion). From then on no export takes it."""
    from backchannel.desk.answering import dispute as say  # noqa: PLC0415

    with session.node() as node:
        said = say(node, session.clock, stix_id, text=read_words(text), strongly=strongly)
    _answer(session, said)


def _answer(session: Session, said: Answer) -> None:
    """Write the bundle, which is the result: it is what goes to the source."""
    if session.form == "json":
        session.document(said)
        return
    with session.result() as out:
        out.write(bytes(said.bundle) + b"\n")
    where = f" Written to {session.output}." if session.output else ""
    again = "" if said.changed else " It had been said before; nothing new is kept."
    session.tell(paragraph(f"{said.says}{where}{again}"))
    if session.output:
        session.tell(paragraph(f"Next: send {session.output} to {said.to.party or 'its source'}."))
