"""`outcome`, `grade`, `union` and `party grade`: what a person knows of a claim or a source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.answering import say_told
from backchannel.cli.belief_texts import belief_text
from backchannel.cli.command import Command, pass_session, read_words
from backchannel.cli.layout import paragraph
from backchannel.cli.parties import answer_with
from backchannel.cli.parties import party as party_group
from backchannel.cli.passphrases import passphrase_option, unseal_when_needed
from backchannel.cli.session import Session

if TYPE_CHECKING:
    from backchannel.desk.belief_documents import Judged

_id = click.argument("stix_id", metavar="ID")
_reason = click.option(
    "--reason", default="", metavar="WORDS", help="Why; `-` reads it from stdin, `@FILE` from a file."
)
_LETTERS = ("A", "B", "C", "D", "E", "F")


@click.command(
    cls=Command,
    example="""
    backchannel outcome indicator--8e2e2d2b confirmed --reason 'The proxy log shows the loader.'
    backchannel outcome indicator--8e2e2d2b harmful --reason 'Blocking it cut off our bank.'
    backchannel outcome indicator--8e2e2d2b none --reason 'I looked at the wrong host.'
    """,
)
@_id
@click.argument("outcome", type=click.Choice(["confirmed", "refuted", "harmful", "none"]))
@_reason
@passphrase_option
@pass_session
def outcome(
    session: Session, *, stix_id: str, outcome: str, reason: str, passphrase_file: Path | None
) -> None:
    """Keep how a claim turned out: it counts for or against every source that had told us so.

    `sight` (with hits) and `dispute` keep an outcome by themselves. `none` takes ours back.
    """
    from backchannel.desk.judgements import judge, take_back  # noqa: PLC0415

    why = read_words(reason)
    with session.node() as node:
        if outcome == "none":
            found = take_back(node, session.clock, stix_id, why)
        else:
            unseal = unseal_when_needed(node, passphrase_file)
            found = judge(node, session.clock, stix_id, outcome, why, unseal=unseal)  # type: ignore[arg-type]  # of the list above
    _answer(session, found)
    say_told(session, found.told)
    if found.credited:
        session.tell(
            paragraph(
                f"It counts for: {', '.join(found.credited)}."
                if outcome == "confirmed"
                else f"It counts against: {', '.join(found.credited)}."
            )
        )


@click.command(
    cls=Command,
    writes_file=True,
    example="""
    backchannel grade indicator--8e2e2d2b
    backchannel grade indicator--8e2e2d2b --number 2 --blind --reason 'It fits what we see.'
    backchannel grade indicator--8e2e2d2b -o opinion.json
    """,
)
@_id
@click.option(
    "--number", type=click.IntRange(1, 6), help="Its credibility, in your own judgement; 6: cannot be judged."
)
@click.option("--blind", is_flag=True, help="You have not seen the letters of its sources.")
@click.option("--computed", is_flag=True, help="End what was set: the computed number counts again.")
@_reason
@pass_session
@click.pass_context
def grade(
    ctx: click.Context,
    session: Session,
    *,
    stix_id: str,
    number: int | None,
    blind: bool,
    computed: bool,
    reason: str,
) -> None:
    """Say what a claim is worth, or set its number; with -o as a STIX opinion with `confidence`."""
    from backchannel.desk.judgements import grade as ask  # noqa: PLC0415

    if computed and number is not None:
        raise click.UsageError("say --number or --computed: one of them", ctx)
    if blind and number is None:
        raise click.UsageError("--blind goes with --number", ctx)
    with session.node() as node:
        found = ask(
            node,
            session.clock,
            stix_id,
            number=number,
            reason=read_words(reason),
            is_blind=blind,
            ends=computed,
            out=None if session.form == "json" else session.output,
        )
    if session.form != "json" and session.output is not None:
        session.tell(paragraph(f"{found.says} Written to {session.output}."))
        return
    _answer(session, found)


@click.command(
    cls=Command,
    example="""
    backchannel union indicator--8e2e2d2b 12.3 15.4 different --reason 'Both have sensors of their own.'
    backchannel union indicator--8e2e2d2b 12.3 ours same --reason 'They had it from our report.'
    """,
)
@_id
@click.argument("first", metavar="REPORT")
@click.argument("second", metavar="REPORT|ours")
@click.argument("result", type=click.Choice(["same", "different", "computed"]))
@_reason
@pass_session
def union(session: Session, stix_id: str, first: str, second: str, result: str, reason: str) -> None:
    """Say that two reports of a claim are of one origin, or are not, where you know better.

    `why ID` shows the reports with their keys. `computed` ends what was said.
    """
    from backchannel.desk.judgements import unite  # noqa: PLC0415

    said = None if result == "computed" else result
    with session.node() as node:
        found = unite(node, session.clock, stix_id, first, second, said, read_words(reason))  # type: ignore[arg-type]
    _answer(session, found)


@party_group.command(
    "grade",
    example="""
    backchannel party grade 'CERT Beta' --letter B --reason 'Years of good work before we kept books.'
    backchannel party grade 'CERT Beta' --source 5f0c9a3b --letter D --reason 'It was wrong twice.'
    backchannel party grade 'CERT Beta' --computed --reason 'There is evidence enough now.'
    """,
)
@click.argument("name")
@click.option("--letter", type=click.Choice(_LETTERS), help="Its reliability; F: cannot be judged.")
@click.option("--computed", is_flag=True, help="End what was set: the computed letter counts again.")
@click.option("--source", metavar="CRYPTONYM", help="Not the party, but a source that it hides.")
@_reason
@pass_session
@click.pass_context
def party_grade(
    ctx: click.Context,
    session: Session,
    *,
    name: str,
    letter: str | None,
    computed: bool,
    source: str | None,
    reason: str,
) -> None:
    """Set the letter of a party, where you know better than what turned out so far."""
    from backchannel.desk.judgements import grade_party  # noqa: PLC0415
    from backchannel.desk.parties import show_party  # noqa: PLC0415

    if computed is (letter is not None):
        raise click.UsageError("say --letter or --computed: one of them", ctx)
    with session.node() as node:
        called = grade_party(node, session.clock, name, letter, read_words(reason), source=source)
        found = show_party(node, session.clock, called)
    answer_with(session, found)


@party_group.command(
    "deconflict",
    example="""
    backchannel party deconflict 'CERT Delta' 'Bank Echo' different --to Beta --reason 'They have sensors of their own.'
    backchannel party deconflict 5f0c9a3b 'CERT Delta' same --to Beta --reason 'It changed its key in May.'
    backchannel party deconflict 5f0c9a3b 'CERT Delta' same --name-other --to Beta --reason 'They agreed to be named.'
    """,
)
@click.argument("source")
@click.argument("other")
@click.argument("result", type=click.Choice(["same", "different"]))
@click.option("--to", "readers", multiple=True, metavar="PARTY", help="Who is told; may be repeated.")
@click.option("--name-other", is_flag=True, help="Tell them which party OTHER is.")
@click.option(
    "--reason", default="", metavar="WORDS", help="How you know; it stays here. `-` reads it from stdin."
)
@passphrase_option
@pass_session
def party_deconflict(
    session: Session,
    *,
    source: str,
    other: str,
    result: str,
    readers: tuple[str, ...],
    name_other: bool,
    reason: str,
    passphrase_file: Path | None,
) -> None:
    """Tell readers whether two sources that you hide are one, or whether one is a party that you name.

    A source is a party that something was passed on of without naming it, or the beginning of its cryptonym.
    """
    from backchannel.desk.deconflicting import Sources, deconflict  # noqa: PLC0415

    said = Sources(source, other, result, names_other=name_other)  # type: ignore[arg-type]  # of the list above
    with session.node() as node:
        unseal = unseal_when_needed(node, passphrase_file)
        found = deconflict(node, session.clock, said, readers, read_words(reason), unseal=unseal)
    if session.form == "json":
        session.document(found)
    else:
        session.text(paragraph(found.says))
    say_told(session, found.told)


def _answer(session: Session, found: Judged) -> None:
    if session.form == "json":
        session.document(found)
        return
    session.text(belief_text(found.belief))
    session.tell(paragraph(found.says))
