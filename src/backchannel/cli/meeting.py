"""`party card|invite|join|verify|suspend|resume|revoke`: how two parties come to know each other, and cease to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import pass_session, read_words
from backchannel.cli.layout import facts
from backchannel.cli.parties import answer_with, party, read_bytes
from backchannel.cli.passphrases import passphrase_option, unseal_of
from backchannel.cli.session import Session

if TYPE_CHECKING:
    from backchannel.desk.party_documents import Invitation

__all__ = ["party"]
"""The group with all of its commands."""

decided_option = click.option(
    "--decided",
    is_flag=True,
    help="Take a card that raised an alarm: you have asked the party by another way.",
)


@party.command(
    "card",
    example="""
    backchannel party card
    backchannel party card --qr
    backchannel party card -o alpha.card
    """,
)
@click.option("--qr", is_flag=True, help="Draw it as a QR code.")
@passphrase_option
@pass_session
def card(session: Session, *, qr: bool, passphrase_file: Path | None) -> None:
    """Write our contact card: what another party needs to begin with us. Nothing in it is secret."""
    from backchannel.desk.membership import contact_card  # noqa: PLC0415

    with session.node() as node:
        found = contact_card(node, session.clock, unseal_of(node, passphrase_file))
    if session.form == "json":
        session.document(found)
    elif qr:
        session.text(_drawn(found.qr))
    else:
        session.text(found.text.rstrip())
    session.tell("Next, on the other side: backchannel party add --card FILE")


@party.command("invite", example="backchannel party invite -o invitation.txt")
@pass_session
def invite(session: Session) -> None:
    """Begin an invitation: a code to say by voice, and a message to send by any other way."""
    from backchannel.desk.invitations import begin  # noqa: PLC0415

    with session.node() as node:
        found = begin(node, session.clock)
    _told(session, found)


@party.command(
    "join",
    example="""
    backchannel party join invitation.txt --code 7-word-word-word -o answer.txt
    backchannel party join answer.txt
    """,
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--code", help="What the inviter said; @FILE is its content. Without it you are asked.")
@decided_option
@passphrase_option
@pass_session
def join(
    session: Session, file: Path, code: str | None, *, decided: bool, passphrase_file: Path | None
) -> None:
    """Take a message of an invitation, whichever it is, and write the answer to it."""
    from backchannel.desk.invitations import go_on, needs_code  # noqa: PLC0415
    from backchannel.desk.own_keys import own_keys  # noqa: PLC0415

    message = read_bytes(file).decode("utf-8", "replace")
    with session.node() as node:
        if code is None and sys.stdin is not None and sys.stdin.isatty() and needs_code(node, message):
            code = click.prompt("The code that the inviter said", err=True)
        keys = own_keys(node, session.clock, unseal_of(node, passphrase_file))
        said = read_words(code) if code is not None else None
        found = go_on(node, session.clock, keys, message, code=said, decided=decided)
    _told(session, found)


@party.command(
    "verify",
    example="""
    backchannel party verify 'CERT Beta'
    backchannel party verify 'CERT Beta' --number '12345 67890 ...'
    """,
)
@click.argument("name")
@click.option("--number", help="What the other side reads aloud: sixty digits, or eighteen words.")
@pass_session
def verify(session: Session, name: str, number: str | None) -> None:
    """Show the safety number to compare by voice; with --number hold it against ours, and verify the party."""
    from backchannel.desk import membership  # noqa: PLC0415
    from backchannel.desk.parties import show_party  # noqa: PLC0415

    if number is not None:
        with session.node() as node:
            membership.verify(node, session.clock, name, read_words(number))
            found = show_party(node, session.clock, name)
        answer_with(session, found)
        return
    with session.node() as node:
        seen = membership.safety_of(node, name)
    if session.form == "json":
        session.document(seen)
        return
    session.text(facts([("with", seen.party), ("digits", seen.digits), ("words", " ".join(seen.words))]))
    session.tell(
        "Next: both read it aloud; what you hear goes into backchannel party verify NAME --number '...'"
    )


@party.command(
    "introduce",
    forms=(),
    example="backchannel party introduce 'CERT Beta' --to 'CERT Gamma' -o beta-for-gamma.txt",
)
@click.argument("name")
@click.option("--to", required=True, metavar="PARTY", help="For whom it is.")
@click.option("--how", default="work", help="How you know it: in-person, voice, code or work (the default).")
@passphrase_option
@pass_session
def introduce(session: Session, name: str, to: str, how: str, passphrase_file: Path | None) -> None:
    """Say to one party whose card another's is. They take it with `party add --card`."""
    from backchannel.desk.introducing import introduce as say  # noqa: PLC0415
    from backchannel.desk.own_keys import own_keys  # noqa: PLC0415

    with session.node() as node:
        keys = own_keys(node, session.clock, unseal_of(node, passphrase_file))
        found = say(node, session.clock, keys, name, to=to, how=how)
    session.text(found.rstrip())


def _moving(name: str, event: str, text: str) -> None:
    """Add a command that moves a party into another state."""

    def command(session: Session, name: str, why: str) -> None:
        from backchannel.desk import membership  # noqa: PLC0415
        from backchannel.desk.parties import show_party  # noqa: PLC0415
        from backchannel.parties.states import Event  # noqa: PLC0415

        with session.node() as node:
            membership.move(node, session.clock, name, Event(event), why)
            found = show_party(node, session.clock, name)
        answer_with(session, found)

    command.__doc__ = text
    wrapped: Callable[..., object] = pass_session(command)
    wrapped = click.option("--why", required=True, help="The reason, for those who ask later.")(wrapped)
    wrapped = click.argument("name")(wrapped)
    party.command(name, example=f"backchannel party {name} 'CERT Beta' --why 'said so by phone'")(wrapped)


_moving("suspend", "suspended", "Stop exchanging with a party until somebody decides.")
_moving("resume", "resumed", "Lift a suspension. The party is introduced then, not verified.")
_moving("revoke", "revoked", "End the exchange with a party for good: its keys are never taken again.")


def _told(session: Session, found: Invitation) -> None:
    if session.form == "json":
        session.document(found)
        return
    if found.message is not None:
        session.text(found.message.rstrip())
    elif found.party is not None:
        session.text(f"{found.party} is verified: both sides used the same code")
    if found.code is not None:
        # On stderr also where nothing else is said: it is shown this once.
        click.echo(f"Say this code by voice, and by no other way: {found.code}", err=True)
        session.tell("Next: send the message, and give the answer to backchannel party join FILE")
    elif found.state == "answered":
        session.tell("Next: send this back; give what comes then to backchannel party join FILE")
    elif found.message is not None:
        session.tell(f"{found.party} is verified. Next: send this back, so that they have your card too")


def _drawn(text: str) -> str:
    import io  # noqa: PLC0415

    import segno  # noqa: PLC0415

    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, compact=True)
    return out.getvalue().rstrip("\n")
