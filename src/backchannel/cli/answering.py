"""`ack`, `decline`, `sight`, `dispute`: what we tell the source, as STIX that its tools can read, and as receipts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, get_args

import click

from backchannel.cli.command import Command, pass_session, read_words
from backchannel.cli.layout import counted, paragraph, table
from backchannel.cli.passphrases import passphrase_option, unseal_when_needed
from backchannel.cli.session import Session
from backchannel.cli.wording import who
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU
from backchannel.ids import BatchId
from backchannel.provenance.said import DeclineCode

if TYPE_CHECKING:
    from backchannel.desk.answering import Answer
    from backchannel.desk.receipt_documents import ReceiptGiven, ReceiptsGiven
    from backchannel.desk.request_documents import ToldOf
    from backchannel.desk.unseen import UnseenOfBatch

_id = click.argument("stix_id", metavar="ID")
_text = click.option(
    "--text",
    default="",
    metavar="WORDS",
    help="Your own words; `-` reads them from stdin, `@FILE` from a file.",
)


DECLINE_REASONS: Final = get_args(DeclineCode)
_ACTED = {"blocked": "blocked", "hunted-nothing": "hunted, nothing", "hunted-found": "hunted, found"}


@click.command(
    cls=Command,
    example="""
    backchannel ack indicator--8e2e2d2b
    backchannel ack indicator--8e2e2d2b --acted blocked --text 'Blocked since noon.' -o ack.json
    backchannel ack sha256:5f0c9a3b --assessed
    """,
)
@click.argument("which", metavar="ID|DROP")
@_text
@click.option("--read", "state", flag_value="read", help="You have read it: the default.")
@click.option("--assessed", "state", flag_value="assessed", help="You have made up your mind about it.")
@click.option("--acted", type=click.Choice(list(_ACTED)), help="What you did about it.")
@passphrase_option
@pass_session
@click.pass_context
def ack(
    ctx: click.Context,
    session: Session,
    *,
    which: str,
    text: str,
    state: str | None,
    acted: str | None,
    passphrase_file: Path | None,
) -> None:
    """Tell the source that we have it, and what we do with it.

    A STIX note, and a receipt to each sender of a drop that brought it and asked, or that gave it over TAXII and whose
    keys are here; of a whole drop, receipts alone. No sender of a drop is told more than they asked for.
    """
    from backchannel.desk.answering import acknowledge  # noqa: PLC0415
    from backchannel.desk.came_drops import names_drop  # noqa: PLC0415
    from backchannel.desk.receipting import Word, acknowledged  # noqa: PLC0415

    if acted and state:
        raise click.UsageError("say --read, --assessed or --acted: one of them", ctx)
    word = Word(
        state="acted" if acted else state or "read",  # type: ignore[arg-type]  # of the closed list above
        acted=_ACTED[acted] if acted else None,  # type: ignore[arg-type]
    )
    if names_drop(which):
        if text:
            raise click.UsageError("--text goes into a note about an object, and a drop is none", ctx)
        with session.node() as node:
            unseal = unseal_when_needed(node, passphrase_file)
            given = acknowledged(node, session.clock, which, word, unseal=unseal)
        _receipts(ctx, session, given)
    with session.node() as node:
        unseal = unseal_when_needed(node, passphrase_file)
        said = acknowledge(node, session.clock, which, text=read_words(text), word=word, unseal=unseal)
    _answer(session, said)
    ctx.exit(_exit_code(said.receipts))


@click.command(
    cls=Command,
    example="""
    backchannel decline indicator--8e2e2d2b --reason no-capability --text 'We have no such product.'
    backchannel decline sha256:5f0c9a3b --reason stale
    backchannel decline indicator--8e2e2d2b --reason duplicate-of --other indicator--5b0e1d90
    """,
)
@click.argument("which", metavar="ID|DROP")
@click.option("--reason", type=click.Choice(DECLINE_REASONS), required=True, help="Why.")
@click.option(
    "--other", default="", metavar="ID", help="What it duplicates or conflicts with, where that is why."
)
@_text
@passphrase_option
@pass_session
@click.pass_context
def decline(
    ctx: click.Context,
    session: Session,
    *,
    which: str,
    reason: str,
    other: str,
    text: str,
    passphrase_file: Path | None,
) -> None:
    """Tell who sent a drop, or gave an object over TAXII, that we do nothing with it, and why (a receipt)."""
    from backchannel.desk.receipting import Word, acknowledged, decline_reason  # noqa: PLC0415

    with session.node() as node:
        why = decline_reason(reason, other=other, text=read_words(text), node=node)
        word = Word(state="declined", reason=why)
        unseal = unseal_when_needed(node, passphrase_file)
        given = acknowledged(node, session.clock, which, word, unseal=unseal)
    _receipts(ctx, session, given)


@click.command(
    cls=Command,
    example="""
    backchannel sight indicator--8e2e2d2b -o sighting.json
    backchannel sight --batch 7 -o unseen.json
    """,
)
@click.argument("stix_id", metavar="ID", required=False)
@click.option(
    "--batch",
    type=click.IntRange(1),
    metavar="N",
    help="Answer a whole batch: all of its indicators that were searched for and not seen.",
)
@_text
@passphrase_option
@pass_session
@click.pass_context
def sight(
    ctx: click.Context,
    session: Session,
    *,
    stix_id: str | None,
    batch: int | None,
    text: str,
    passphrase_file: Path | None,
) -> None:
    """Tell the source how often hunts saw it, or that they did not (a STIX sighting)."""
    from backchannel.desk.answering import sight as say  # noqa: PLC0415

    if (stix_id is None) == (batch is None):
        raise click.UsageError("name an indicator, or a batch with --batch: one of them", ctx)
    if batch is not None and text:
        raise click.UsageError("--text goes with one indicator", ctx)
    with session.node() as node:
        unseal = unseal_when_needed(node, passphrase_file)
        if batch is not None:
            from backchannel.desk.unseen import answer_unseen  # noqa: PLC0415

            out = None if session.form == "json" else session.output
            _answer_unseen(
                session, answer_unseen(node, session.clock, BatchId(batch), out=out, unseal=unseal)
            )
        elif stix_id is not None:
            _answer(session, say(node, session.clock, stix_id, text=read_words(text), unseal=unseal))


def _answer_unseen(session: Session, said: UnseenOfBatch) -> None:
    if session.form == "json":
        session.document(said)
        return
    if said.written is None:
        with session.result() as out:
            out.write(bytes(said.bundle) + b"\n")
    to = who(said.party, nobody="its source")
    session.tell(
        paragraph(
            f"Of {counted(said.indicators, 'indicator')} of batch {said.batch}, {said.unseen:,} were searched for and "
            f"not seen; {said.changed:,} of these are said for the first time, or anew."
        )
    )
    if said.written:
        session.tell(paragraph(f"Next: send {said.written} to {to}."))
    if said.seen_count:
        session.tell(paragraph(f"{said.seen_count:,} were seen: answer each, as `sight {said.seen[0]}`."))
    for one in said.left[:5]:
        session.tell(paragraph(f"nothing is said of {one.count:,}: {one.why}"))
    say_told(session, said.told)


@click.command(
    cls=Command,
    example="backchannel dispute indicator--8e2e2d2b --text 'That address is our own mail relay.' -o opinion.json",
)
@_id
@_text
@click.option("--strongly", is_flag=True, help="Say `strongly-disagree`.")
@passphrase_option
@pass_session
def dispute(
    session: Session, *, stix_id: str, text: str, strongly: bool, passphrase_file: Path | None
) -> None:
    """Tell the source that we disagree (a STIX opinion). From then on no export takes it."""
    from backchannel.desk.answering import dispute as say  # noqa: PLC0415

    with session.node() as node:
        unseal = unseal_when_needed(node, passphrase_file)
        said = say(node, session.clock, stix_id, text=read_words(text), strongly=strongly, unseal=unseal)
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
        session.tell(paragraph(f"Next: send {session.output} to {who(said.to.party, nobody='its source')}."))
    _say_receipts(session, said.receipts)
    say_told(session, said.told)


def say_told(session: Session, told: Sequence[ToldOf]) -> None:
    """Say who is told by a signed statement, and who is not and why."""
    for one in told:
        if one.outcome == "given":
            session.tell(
                paragraph(
                    f"{who(one.to)} is told with the next drop, or at once: "
                    f"`backchannel release send --receipts --to '{one.to}' -o FILE`."
                )
            )
        elif one.outcome == "denied":
            session.tell(paragraph(f"{who(one.to)} is not told: {one.says}."))


def _receipts(ctx: click.Context, session: Session, given: ReceiptsGiven) -> NoReturn:
    """Say who is told what, and end."""
    if session.form == "json":
        session.document(given)
    else:
        rows = [
            (
                who(one.to),
                "" if one.seq is None else f"{one.seq:,}",
                one.asked,
                one.acted or one.reason or one.state,
                one.outcome,
            )
            for one in given.receipts
        ]
        session.text(table(("to", "drop", "asked", "told", "outcome"), rows, numbers=("drop",)))
        _say_receipts(session, given.receipts)
    ctx.exit(_exit_code(given.receipts))


def _say_receipts(session: Session, receipts: Sequence[ReceiptGiven]) -> None:
    """Say what happens with the receipts, each sender once."""
    for says in dict.fromkeys(one.says for one in receipts if one.outcome != "not asked"):
        session.tell(paragraph(says))
    by_drop = (one.to for one in receipts if one.outcome == "given" and one.drop)
    for to in dict.fromkeys(by_drop):
        session.tell(
            paragraph(f"Next: `backchannel release send --receipts --to '{to}' -o FILE` sends it at once.")
        )


def _exit_code(receipts: Sequence[ReceiptGiven]) -> int:
    return EXIT_NEEDS_YOU if any(one.outcome == "denied" for one in receipts) else EXIT_DONE
