"""`ask`: what we want to know of a party, looked at before it leaves; what we are asked; and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, gathered, pass_session, read_words
from backchannel.cli.layout import paragraph
from backchannel.cli.passphrases import passphrase_option, unseal_when_needed
from backchannel.cli.request_texts import request_plan_text, request_text, requests_text
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU

if TYPE_CHECKING:
    from backchannel.desk.node import Node
    from backchannel.desk.request_documents import RequestShown
    from backchannel.provenance.predicates import HuntFor

TLPS = ("clear", "green", "amber", "amber+strict", "red")
_PAPS = ("clear", "green", "amber", "red")
_PURPOSES = ("fraud", "phishing", "intrusion")
PAGE_ROWS = 50


class AskGroup(Group):
    """`ask PARTY` is `ask party PARTY`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return which command is meant: a word that names none is a party."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["party", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=AskGroup)
def ask() -> None:
    """Ask a party what it knows, or to look for something in its logs; and see what is asked and answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionWords:
    """A question as it was typed."""

    question: str
    about: tuple[str, ...]
    hunt: tuple[str, ...]
    pattern: tuple[str, ...]
    purpose: str | None
    since: str | None
    until: str | None
    needed_by: str | None
    tlp: str
    pap: str
    topic: str
    via: str | None
    please: bool
    answers: int


question_options = gathered(
    "words",
    QuestionWords,
    click.option(
        "--question",
        required=True,
        metavar="WORDS",
        help="What; `-` reads it from stdin, `@FILE` from a file.",
    ),
    click.option(
        "--about", multiple=True, metavar="ID", help="An object that it is about; may be given again."
    ),
    click.option(
        "--hunt", multiple=True, metavar="ID", help="Ask to hunt for this indicator; may be given again."
    ),
    click.option(
        "--pattern",
        multiple=True,
        metavar="PATTERN",
        help="Ask to hunt for this pattern; may be given again.",
    ),
    click.option("--purpose", type=click.Choice(_PURPOSES), help="What a hunt is to defend against."),
    click.option("--since", metavar="DAY", help="Hunt from this day on: 2026-01-31."),
    click.option("--until", metavar="DAY", help="Hunt up to this day, inclusive."),
    click.option("--needed-by", metavar="DAY", help="Until when it is open; by default for 14 days."),
    click.option(
        "--tlp", type=click.Choice(TLPS), default="amber", show_default=True, help="Of the question."
    ),
    click.option(
        "--pap", type=click.Choice(_PAPS), default="amber", show_default=True, help="Of the question."
    ),
    click.option("--topic", default="", metavar="WORD", help="What it belongs to."),
    click.option("--via", metavar="PARTY", help="Let this party pass it on without naming us."),
    click.option("--please", is_flag=True, help="Ask for an answer, where others may be left open."),
    click.option(
        "--answers",
        type=click.IntRange(1, 100),
        default=1,
        show_default=True,
        help="How many answers are taken.",
    ),
)


@ask.command(
    "party",
    example="""
    backchannel ask party 'CERT Beta' --question 'Who runs this host?' --about indicator--8e2e2d2b
    backchannel ask party 'CERT Beta' --question 'Did you see it?' --hunt indicator--8e2e2d2b --purpose intrusion
    backchannel ask party 'CERT Gamma' --via 'CERT Beta' --question 'Do you know this actor?' --tlp green
    """,
)
@click.argument("party", metavar="PARTY")
@question_options
@click.option("--dry-run", is_flag=True, help="Show what would leave and what it tells; send nothing.")
@passphrase_option
@pass_session
@click.pass_context
def party(
    ctx: click.Context,
    session: Session,
    *,
    party: str,
    words: QuestionWords,
    dry_run: bool,
    passphrase_file: Path | None,
) -> None:
    """Ask a party: `ask PARTY` is the same. It waits for the next drop to it.

    A request shows what interests us: the question and each object that it names pass the rules of release, and nothing is
    asked by which something would have to stay.
    """
    from backchannel.desk.asking import Question, request_plan  # noqa: PLC0415
    from backchannel.desk.asking import ask as put  # noqa: PLC0415
    from backchannel.stix.markings import Pap, Tlp  # noqa: PLC0415

    with session.node() as node:
        one = Question(
            text=read_words(words.question),
            about=words.about,
            needed_by=_end_of(words.needed_by),
            tlp=Tlp(words.tlp),
            pap=Pap(words.pap),
            topic=words.topic,
            hunt=_hunt(node, words),
            via=words.via,
            is_urgent=words.please,
            max_answers=words.answers,
        )
        if dry_run:
            found = request_plan(node, session.clock, party, one)
            session.either(found, lambda: request_plan_text(found))
            ctx.exit(EXIT_DONE if found.goes else EXIT_NEEDS_YOU)
        unseal = unseal_when_needed(node, passphrase_file)
        made = put(node, session.clock, party, one, unseal=unseal)
    session.either(made, lambda: request_text(made.request))
    _say_next(session, made.request)


@ask.command("list", example="backchannel ask list --party 'CERT Beta'")
@click.option("--party", metavar="PARTY", help="Only what is between us and this party.")
@click.option(
    "--rows", type=click.IntRange(1, 1_000), default=PAGE_ROWS, show_default=True, help="Most of each side."
)
@pass_session
def list_(session: Session, *, party: str | None, rows: int) -> None:
    """List what we are asked and what we ask, newest first, and how it stands."""
    from backchannel.desk.requests import list_requests  # noqa: PLC0415

    with session.node() as node:
        found = list_requests(node, session.clock, party=party, rows=rows)
    if session.form == "json":
        session.document(found)
    elif found.to_us or found.ours:
        session.text(requests_text(found))
        session.tell("Next: backchannel ask show REQUEST, answer REQUEST")
    else:
        session.tell("Nothing is asked. Next: backchannel ask PARTY --question WORDS")


@ask.command(
    "show",
    example="""
    backchannel ask show 5f0c9a3b12ef
    backchannel ask show 5f0c9a3b12ef --stix -o request.json
    """,
)
@click.argument("request", metavar="REQUEST")
@click.option(
    "--stix", is_flag=True, help="A request of ours as a STIX bundle, for tools that cannot read ours."
)
@pass_session
def show(session: Session, *, request: str, stix: bool) -> None:
    """Show one request in full, with its answers. REQUEST may be cut short."""
    from backchannel.desk.asking import request_stix  # noqa: PLC0415
    from backchannel.desk.requests import show_request  # noqa: PLC0415

    with session.node() as node:
        if stix:
            session.document(request_stix(node, session.clock, request))
            return
        found = show_request(node, session.clock, request)
    session.either(found, lambda: request_text(found.request))


@ask.command("cancel", example="backchannel ask cancel 5f0c9a3b12ef")
@click.argument("request", metavar="REQUEST")
@passphrase_option
@pass_session
def cancel(session: Session, request: str, passphrase_file: Path | None) -> None:
    """Take a request of ours back: who was asked is told with the next drop."""
    from backchannel.desk.asking import cancel as take_back  # noqa: PLC0415

    with session.node() as node:
        unseal = unseal_when_needed(node, passphrase_file)
        found = take_back(node, session.clock, request, unseal=unseal)
    session.either(found, lambda: request_text(found.request))
    _say_next(session, found.request)


@ask.command("pass", example="backchannel ask pass 5f0c9a3b12ef --letter B")
@click.argument("request", metavar="REQUEST")
@click.option(
    "--letter", type=click.Choice(tuple("ABCDEF")), default="F", show_default=True,
    help="How reliable who asks is: told in place of the name.",
)  # fmt: skip
@passphrase_option
@pass_session
def pass_(session: Session, *, request: str, letter: str, passphrase_file: Path | None) -> None:
    """Pass a request on to whom it is for, in our own name and without naming who asks."""
    from backchannel.desk.asking import pass_on  # noqa: PLC0415

    with session.node() as node:
        unseal = unseal_when_needed(node, passphrase_file)
        found = pass_on(node, session.clock, request, letter=letter, unseal=unseal)
    session.either(found, lambda: request_text(found.request))
    _say_next(session, found.request)


def say_how_it_goes(session: Session, to: str) -> None:
    """Say that something waits for the next drop, and how to send it at once."""
    session.tell(
        paragraph(f"Next: `backchannel release send --receipts --to '{to}' -o FILE` sends it at once.")
    )


def _say_next(session: Session, request: RequestShown) -> None:
    if request.waits:
        say_how_it_goes(session, request.party)


def _hunt(node: Node, words: QuestionWords) -> HuntFor | None:
    from backchannel.desk.asking import hunt_for  # noqa: PLC0415

    if not words.hunt and not words.pattern:
        if words.purpose or words.since or words.until:
            raise click.UsageError("--purpose, --since and --until say how to hunt: name --hunt or --pattern")
        return None
    if words.purpose is None:
        raise click.UsageError("say with --purpose what the hunt is to defend against")
    since, until = _day(words.since), _day(words.until)
    return hunt_for(node, words.hunt, words.pattern, purpose=words.purpose, since=since, until=until)


def _date(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise click.UsageError(f"{text!r} is no day: write it as 2026-01-31") from None


def _day(text: str | None) -> str | None:
    return None if text is None else _date(text).date().isoformat()


def _end_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.combine(_date(text), time(23, 59, 59), UTC)
