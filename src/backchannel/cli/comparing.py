"""`compare PARTY`: which of our indicators a party holds too, without either showing the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.comparison_messages import (
    carried,
    check_place,
    hand_out_message,
    read_message,
    write_message,
)
from backchannel.cli.comparison_texts import checked_text, list_text, shown_text
from backchannel.cli.passphrases import passphrase_option, unseal_of
from backchannel.cli.session import Session
from backchannel.errors import EXIT_NEEDS_YOU, SignatureError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.comparison_documents import ComparisonShown
    from backchannel.psi.items import Sort


class _Compare(Group):
    """`compare PARTY` begins one: a word that is no command here is the name of a party."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` name."""
        is_party = bool(args) and not args[0].startswith("-") and args[0] not in self.commands
        return super().resolve_command(ctx, ["with", *args] if is_party else args)


@click.group(cls=_Compare)
def compare() -> None:
    """Which of our indicators a party holds too, without either showing the rest."""


message_option = click.option(
    "-o",
    "--output",
    "to",
    metavar="FILE",
    help="Write our message for the party to this file (- is stdout).",
)
because_option = click.option("--because", default="", metavar="TEXT", help="Why; the other party reads it.")
override_option = click.option(
    "--override",
    "overridden",
    multiple=True,
    metavar="SORT",
    help="Compare what can be guessed all the same (address, email, phone, asn): at most 256 items.",
)


@compare.command(
    "with",
    writes_file=False,
    example="""
    backchannel compare 'CERT Beta' -o to-beta.bcc
    backchannel compare with 'CERT Beta' --sort hash --sort domain -o to-beta.bcc
    """,
)
@click.argument("party")
@click.option(
    "--sort",
    "sorts",
    multiple=True,
    metavar="SORT",
    help="What is compared: hash, long-url, certificate, mutex (these by default), domain, short-url.",
)
@override_option
@because_option
@click.option(
    "--suite", default=None, metavar="NAME", help="edwards25519, or p256 where both have the faster engine."
)
@click.option(
    "--channel",
    default="",
    metavar="NAME",
    help="Carry the messages by this channel of kind taxii, which leads to the party's Backchannel.",
)
@message_option
@passphrase_option
@pass_session
def with_(
    session: Session,
    party: str,
    *,
    sorts: tuple[str, ...],
    overridden: tuple[str, ...],
    because: str,
    suite: str | None,
    channel: str,
    to: str | None,
    passphrase_file: Path | None,
) -> None:
    """Begin to compare with PARTY: first how many both hold, then, if both agree, which."""
    from backchannel.desk.comparing import begin  # noqa: PLC0415
    from backchannel.desk.comparison_calling import check_caller_channel  # noqa: PLC0415
    from backchannel.desk.comparison_listing import shown  # noqa: PLC0415
    from backchannel.psi.items import DEFAULT_SORTS, GRADES, Grade  # noqa: PLC0415
    from backchannel.psi.suites import SODIUM  # noqa: PLC0415

    wanted = tuple(dict.fromkeys((*_sorts(sorts), *_sorts(overridden)))) or DEFAULT_SORTS
    check_place(session, to)
    listed = [sort.value for sort in wanted if GRADES[sort] is Grade.LISTED]
    if listed:
        session.tell(
            f"Warning: lists of nearly every {' and '.join(listed)} can be had: they are guessed easily."
        )
    with session.node() as node:
        unseal = unseal_of(node, passphrase_file)
        if channel:
            check_caller_channel(node, channel)
        begun, left_out = begin(
            node,
            session.clock,
            party,
            sorts=wanted,
            overridden=_sorts(overridden),
            because=because,
            suite=suite or SODIUM,
            channel=channel,
            unseal=unseal,
        )
        path = hand_out_message(session, node, begun, to, unseal)
        begun = carried(session, node, begun, unseal)
        found = shown(begun, left_out=left_out, path=path)
    _answer(session, found, to)


@compare.command("take", example="backchannel compare take from-beta.bcc")
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@pass_session
@click.pass_context
def take(ctx: click.Context, session: Session, file: Path, *, passphrase_file: Path | None) -> None:
    """Take a message that a party handed you. Exit code 1: taken, and it is our turn; 4, 5: it ended the session."""
    from backchannel.desk.comparison_listing import shown  # noqa: PLC0415
    from backchannel.desk.comparison_taking import take_message  # noqa: PLC0415

    with session.node() as node:
        taken = take_message(node, session.clock, read_message(file), unseal=unseal_of(node, passphrase_file))
        found = shown(taken.session, took="taken" if taken.is_new else "known")
    _answer(session, found, None)
    if taken.refusal is not None:
        raise taken.refusal
    if found.comparison.turn == "ours":
        ctx.exit(EXIT_NEEDS_YOU)


@compare.command("answer", writes_file=False, example="backchannel compare answer 3a5ec3b6 -o to-alpha.bcc")
@click.argument("which", metavar="SESSION")
@override_option
@because_option
@message_option
@passphrase_option
@pass_session
def answer(
    session: Session,
    which: str,
    *,
    overridden: tuple[str, ...],
    because: str,
    to: str | None,
    passphrase_file: Path | None,
) -> None:
    """Answer, up to how many both hold; where it is not our turn, our last message is written again."""
    _go_on(session, which, to, passphrase_file, shows=False, overridden=overridden, because=because)


@compare.command("reveal", writes_file=False, example="backchannel compare reveal 3a5ec3b6 -o to-alpha.bcc")
@click.argument("which", metavar="SESSION")
@message_option
@passphrase_option
@pass_session
def reveal(session: Session, which: str, *, to: str | None, passphrase_file: Path | None) -> None:
    """Agree to show which items both hold: it is shown once both sides agreed."""
    _go_on(session, which, to, passphrase_file, shows=True, overridden=(), because="")


@compare.command("decline", writes_file=False, example="backchannel compare decline 3a5ec3b6 -o to-alpha.bcc")
@click.argument("which", metavar="SESSION")
@because_option
@message_option
@passphrase_option
@pass_session
def decline(
    session: Session, which: str, *, because: str, to: str | None, passphrase_file: Path | None
) -> None:
    """Say no, or no further; the message tells the party."""
    from backchannel.desk.comparing import decline as say_no  # noqa: PLC0415
    from backchannel.desk.comparison_listing import shown  # noqa: PLC0415

    check_place(session, to)
    with session.node() as node:
        unseal = unseal_of(node, passphrase_file)
        ended = say_no(node, session.clock, which, because=because, unseal=unseal)
        path = hand_out_message(session, node, ended, to, unseal)
        found = shown(carried(session, node, ended, unseal), path=path)
    _answer(session, found, to)


@compare.command("list", example="backchannel compare list")
@pass_session
def list_(session: Session) -> None:
    """List the comparisons, what waits for us among them."""
    from backchannel.desk.comparison_listing import list_comparisons  # noqa: PLC0415

    with session.node() as node:
        found = list_comparisons(node)
    session.either(found, lambda: list_text(found))


@compare.command("show", example="backchannel compare show 3a5ec3b6")
@click.argument("which", metavar="SESSION")
@pass_session
def show(session: Session, which: str) -> None:
    """Show one comparison, with the items that both hold once both agreed to show them."""
    from backchannel.desk.comparison_listing import show_comparison  # noqa: PLC0415

    with session.node() as node:
        found = show_comparison(node, which)
    _answer(session, found, None)


@compare.command("call", example="backchannel compare call 3a5ec3b6")
@click.argument("which", metavar="SESSION")
@passphrase_option
@pass_session
def call(session: Session, which: str, *, passphrase_file: Path | None) -> None:
    """Bring our message to the party by the session's channel, and take what it answers."""
    import time  # noqa: PLC0415

    from backchannel.channels.opening import open_channel  # noqa: PLC0415
    from backchannel.desk.comparison_calling import call as bring  # noqa: PLC0415
    from backchannel.desk.comparison_listing import shown  # noqa: PLC0415

    with session.node() as node:
        unseal = unseal_of(node, passphrase_file)
        found = shown(bring(node, session.clock, which, open_channel, pause=time.sleep, unseal=unseal))
    _answer(session, found, None)


@compare.command("open", writes_file=False, example="backchannel compare open 3a5ec3b6 -o opened-to-beta.bcc")
@click.argument("which", metavar="SESSION")
@message_option
@passphrase_option
@pass_session
def open_(session: Session, which: str, *, to: str | None, passphrase_file: Path | None) -> None:
    """Show the other party that we did not guess: what both hold, and 8 inputs drawn by chance, with proofs."""
    from backchannel.desk.comparison_audit import open_inputs  # noqa: PLC0415
    from backchannel.desk.comparison_listing import shown  # noqa: PLC0415

    if to is None:
        raise UsageError("no place is named for what is opened", hint="Name a file with -o.")
    check_place(session, to)
    with session.node() as node:
        opened, data = open_inputs(node, session.clock, which, unseal=unseal_of(node, passphrase_file))
        write_message(session, to, data)
        found = shown(opened, path=to)
    _answer(session, found, to)


@compare.command("check", example="backchannel compare check 3a5ec3b6 opened-to-us.bcc")
@click.argument("which", metavar="SESSION")
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@pass_session
@click.pass_context
def check(
    ctx: click.Context, session: Session, which: str, file: Path, *, passphrase_file: Path | None
) -> None:
    """Check what a party opened of its inputs. Exit code 5: it put in what its ledger did not hold before."""
    from backchannel.desk.comparison_audit import MAX_OPENING_BYTES, check_opening  # noqa: PLC0415

    with session.node() as node:
        data = read_message(file, MAX_OPENING_BYTES)
        found = check_opening(node, session.clock, which, data, unseal=unseal_of(node, passphrase_file))
    session.either(found, lambda: checked_text(found))
    if not found.good:
        ctx.exit(SignatureError.exit_code)


# --- What they share -----------------------------------------------------------------------------------


def _go_on(
    session: Session,
    which: str,
    to: str | None,
    passphrase_file: Path | None,
    *,
    shows: bool,
    overridden: Sequence[str],
    because: str,
) -> None:
    from backchannel.desk.comparing import answer as go_on  # noqa: PLC0415
    from backchannel.desk.comparing import ended_by_us  # noqa: PLC0415
    from backchannel.desk.comparison_listing import shown  # noqa: PLC0415

    check_place(session, to)
    with session.node() as node:
        unseal = unseal_of(node, passphrase_file)
        ended = None if shows else ended_by_us(node, which)
        answered = ended or go_on(
            node,
            session.clock,
            which,
            shows=shows,
            overridden=_sorts(overridden),
            because=because,
            unseal=unseal,
        )
        path = hand_out_message(session, node, answered, to, unseal)
        found = shown(carried(session, node, answered, unseal), path=path)
    _answer(session, found, to)


def _sorts(names: Sequence[str]) -> tuple[Sort, ...]:
    from backchannel.psi.items import Sort  # noqa: PLC0415

    try:
        return tuple(Sort(name.strip().lower()) for name in names)
    except ValueError:
        raise UsageError(
            "that is no sort of what can be compared",
            hint=f"One of {', '.join(sort.value for sort in Sort)}.",
        ) from None


def _answer(session: Session, found: ComparisonShown, to: str | None) -> None:
    if session.form == "json":
        session.document(found)
    elif to == "-":
        session.tell(shown_text(found))
    else:
        session.text(shown_text(found))
