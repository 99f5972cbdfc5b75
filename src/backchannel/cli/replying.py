"""`answer`: to a request, or to a party that declined what we sent and needs help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from backchannel.cli.answering import DECLINE_REASONS
from backchannel.cli.asking import TLPS, say_how_it_goes
from backchannel.cli.command import Command, gathered, pass_session, read_words
from backchannel.cli.handing import Handing, handing_options
from backchannel.cli.layout import paragraph
from backchannel.cli.passphrases import passphrase_option, unseal_when_needed
from backchannel.cli.plan_text import plan_text
from backchannel.cli.request_texts import hunt_preview_text, hunted_lines
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, PolicyError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.node import Node
    from backchannel.desk.replying import Reply
    from backchannel.desk.request_documents import Replied


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyWords:
    """An answer as it was typed."""

    text: str
    ids: tuple[str, ...]
    state: str | None
    decline: str | None
    other: str
    passed: bool
    hunt: tuple[Path, ...]
    approve: str | None
    done: bool
    tlp: str | None
    approved: str | None


reply_options = gathered(
    "words",
    ReplyWords,
    click.option(
        "--text",
        default="",
        metavar="WORDS",
        help="In words; `-` reads them from stdin, `@FILE` from a file.",
    ),
    click.option("--with", "ids", multiple=True, metavar="ID", help="With this object; may be given again."),
    click.option("--read", "state", flag_value="acknowledged", help="Say that it was read."),
    click.option("--working", "state", flag_value="working", help="Say that somebody works on it."),
    click.option(
        "--decline", type=click.Choice(DECLINE_REASONS), help="Say that it is not answered, and why."
    ),
    click.option(
        "--other", default="", metavar="ID", help="What it duplicates or conflicts with, where that is why."
    ),
    click.option("--passed", is_flag=True, help="With what was answered to us where we passed it on."),
    click.option(
        "--hunt",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="A hunt request: what would be searched for in these logs; with --approve, search.",
    ),
    click.option("--approve", metavar="HASH", help="Run the hunt that you looked at, once."),
    click.option(
        "--done", is_flag=True, help="Help was given in another way: --text says how, and nobody is told."
    ),
    click.option(
        "--tlp", type=click.Choice(TLPS), help="How far the text may go; by default as far as the question."
    ),
    click.option("--plan", "approved", metavar="HASH", help="The plan of the objects that you looked at."),
)


@click.command(
    cls=Command,
    writes_file=False,
    example="""
    backchannel answer 5f0c9a3b12ef --text 'A hoster in Example; abuse mail is answered.'
    backchannel answer 5f0c9a3b12ef --with indicator--8e2e2d2b --with malware--31b940d4 -o answer.bcb
    backchannel answer 5f0c9a3b12ef --hunt /var/log/zeek
    backchannel answer 5f0c9a3b12ef --decline no-authority
    backchannel answer 5f0c9a3b12ef --done --text 'We called them.'
    """,
)
@click.argument("which", metavar="REQUEST|RECEIPT")
@reply_options
@handing_options
@passphrase_option
@pass_session
@click.pass_context
def answer(
    ctx: click.Context,
    session: Session,
    *,
    which: str,
    words: ReplyWords,
    handing: Handing,
    passphrase_file: Path | None,
) -> None:
    """Answer a request in words, with objects, or with a reason why not; or help with what was declined.

    Words wait for the next drop. Objects go at once, by a plan like any other release, in a drop that names the request.
    """
    from backchannel.desk.replying import mark_helped, reply  # noqa: PLC0415

    ways = (words.state, words.decline, words.done, words.ids or words.passed, words.hunt)
    if sum(map(bool, ways)) > 1:
        raise click.UsageError(
            "say --read, --working, --decline, --done, --passed, --hunt or --with: one of them", ctx
        )
    if words.hunt or words.approve:
        _hunt(ctx, session, which, words, passphrase_file)
    with session.node() as node:
        if words.done:
            _say(session, mark_helped(node, session.clock, which, read_words(words.text)))
            return
        said = _reply(node, session, which, words)
        if not words.ids:
            unseal = unseal_when_needed(node, passphrase_file)
            replied = reply(node, session.clock, which, said, unseal=unseal)
            _say(session, replied)
            say_how_it_goes(session, replied.to)
            return
    _with_objects(session, which, words, said, handing, passphrase_file)


def _hunt(
    ctx: click.Context, session: Session, which: str, words: ReplyWords, passphrase_file: Path | None
) -> NoReturn:
    """Show what would be searched for, or search what was approved, and end."""
    from backchannel.desk.hunt_requests import hunt_preview, run_hunt  # noqa: PLC0415

    if not words.hunt:
        raise click.UsageError("--approve approves a hunt: name its logs with --hunt PATH", ctx)
    with session.node() as node:
        if words.approve is None:
            found = hunt_preview(node, session.clock, which, words.hunt)
            session.either(found, lambda: hunt_preview_text(found))
            if found.approve is not None:
                session.tell(paragraph(f"Next: the same command with --approve {found.approve}"))
            ctx.exit(EXIT_DONE if found.approve else EXIT_NEEDS_YOU)
        unseal = unseal_when_needed(node, passphrase_file)
        replied = run_hunt(node, session.clock, which, words.hunt, words.approve, unseal=unseal)
    session.either(replied, lambda: "\n".join((paragraph(replied.says), *hunted_lines(replied.hunted))))
    say_how_it_goes(session, replied.to)
    ctx.exit(EXIT_DONE)


def _reply(node: Node, session: Session, which: str, words: ReplyWords) -> Reply:
    from backchannel.desk.receipting import decline_reason  # noqa: PLC0415
    from backchannel.desk.replying import Reply  # noqa: PLC0415
    from backchannel.stix.markings import Tlp  # noqa: PLC0415

    text, tlp = read_words(words.text), words.tlp
    if words.passed:
        text, tlp = _passed(node, session, which, text)
    label = None if tlp is None else Tlp(tlp)
    if words.decline is not None:
        why = decline_reason(words.decline, other=words.other, text=text, node=node)
        return Reply(state="declined", reason=why, tlp=label)
    return Reply(state=words.state or "answered", text=text, tlp=label)  # type: ignore[arg-type]  # flags above


def _passed(node: Node, session: Session, which: str, text: str) -> tuple[str, str]:
    """Return what was answered to us, and how far it may go."""
    from backchannel.desk.requests import show_request  # noqa: PLC0415

    found = [one for one in show_request(node, session.clock, which).request.passed if one.text]
    if not found:
        raise UsageError(
            "nothing was answered in words where this was passed on", hint="See `backchannel ask show`."
        )
    words = f"{found[-1].text}\n\n{text}".strip()
    return words, found[-1].tlp.removeprefix("TLP:").lower()


def _with_objects(
    session: Session,
    which: str,
    words: ReplyWords,
    said: Reply,
    handing: Handing,
    passphrase_file: Path | None,
) -> None:
    """Answer with objects: the plan is shown where something of it stays, and nothing is sent then."""
    import msgspec  # noqa: PLC0415

    from backchannel.desk.releasing import check_plan  # noqa: PLC0415
    from backchannel.desk.replying import reply_plan, reply_with  # noqa: PLC0415
    from backchannel.desk.stating import How  # noqa: PLC0415

    handing.check(session, 1)
    with session.node() as node:
        target, planned = reply_plan(node, session.clock, which, words.ids)
        try:
            check_plan(planned, words.approved)
        except PolicyError:
            found = planned.document()
            if session.form == "json":
                session.document(found)
            else:
                session.text(plan_text(found))
            raise
        unseal = unseal_when_needed(node, passphrase_file)
        replied, made = reply_with(
            node,
            session.clock,
            target,
            planned,
            said,
            How(),
            approved=words.approved,
            carrier=handing.channel,
            unseal=unseal,
        )
        sent = handing.hand_on(session, made)
    replied = msgspec.structs.replace(replied, sent=sent.paths)
    if handing.is_stdout:
        session.tell(paragraph(replied.says))
    else:
        _say(session, replied)
        where = ", ".join(replied.sent)
        session.tell(paragraph(f"Next: send {where} by any way that you have."))


def _say(session: Session, replied: Replied) -> None:
    session.either(replied, lambda: paragraph(replied.says))
