"""`release plan|send|again|list`: what may go to a party, made into a drop and handed on in any form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.handing import Handing, handing_options
from backchannel.cli.layout import (
    counted,
    day_and_minute,
    facts,
    heading,
    joined,
    paragraph,
    silent_text,
    size_text,
)
from backchannel.cli.passphrases import passphrase_option, unseal_of
from backchannel.cli.plan_text import plan_text
from backchannel.cli.release_options import choice_options, deniable_option, how_options
from backchannel.cli.sent_texts import sent_text
from backchannel.cli.session import Session
from backchannel.cli.wording import who
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, PolicyError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.choosing import Choice
    from backchannel.desk.drop_documents import ReleasePlan, SentDrop
    from backchannel.desk.node import Node
    from backchannel.desk.planning import Plan
    from backchannel.desk.receipt_documents import Releases
    from backchannel.desk.stating import How

PAGE_ROWS = 50


@click.group(cls=Group)
def release() -> None:
    """Send drops: what may go to a party, signed and encrypted, in a file, a text or pictures."""


@release.command(
    "plan",
    example="""
    backchannel release plan --to 'CERT Beta' --batch 3
    backchannel release plan --to 'CERT Beta' indicator--8e2e2d2b malware--31b940d4
    """,
)
@click.option("--to", required=True, metavar="PARTY", help="Who is to get it.")
@choice_options
@deniable_option
@pass_session
@click.pass_context
def plan(
    ctx: click.Context,
    session: Session,
    *,
    to: str,
    choice: Choice,
    deniable: bool,
) -> None:
    """Say of each object whether it may go to a party, by which rule, changed how, and name the plan by its hash.

    Nothing is sent. Exit code 1: something would stay, or go changed or as its tear-line.
    """
    if choice.is_empty:
        raise UsageError("no object is named", hint="Name ids, --batch, --from or --collection.")
    with session.node() as node:
        found = _shown(node, session, _plans(node, session, [to], choice, is_deniable=deniable)[0], choice)
    if session.form == "json":
        session.document(found)
    else:
        session.text(plan_text(found))
        session.tell(
            f"Next: backchannel release send with the same words, -o FILE{_approving([found])}"
            if found.goes
            else "Nothing of it may go."
        )
    ctx.exit(EXIT_NEEDS_YOU if found.withheld or found.redacted or found.tear_lines else EXIT_DONE)


@release.command(
    "send",
    writes_file=False,
    example="""
    backchannel release send --to 'CERT Beta' --batch 3 -o beta.bcb
    backchannel release send --to 'CERT Beta' indicator--8e2e2d2b --armor -o -
    backchannel release send --to 'CERT Beta' --to 'CERT Gamma' --batch 3 -o stick/
    backchannel release send --to 'CERT Beta' --batch 3 --split 60k -o parts/
    backchannel release send --to 'CERT Beta' --receipts -o receipts.bcb
    """,
)
@click.option(
    "--to", required=True, multiple=True, metavar="PARTY", help="Who gets it; each a drop of its own."
)
@choice_options
@click.option(
    "--plan", "hashes", multiple=True, metavar="HASH", help="The plan that you looked at; one for each party."
)
@click.option(
    "--receipts",
    "waiting",
    flag_value="drop",
    help="Only what waits for the party: receipts, and no objects.",
)
@click.option("--bare", "waiting", flag_value="bare", help="The same as a signed file that is not encrypted.")
@handing_options
@how_options
@deniable_option
@passphrase_option
@pass_session
def send(
    session: Session,
    *,
    to: tuple[str, ...],
    choice: Choice,
    hashes: tuple[str, ...],
    waiting: str | None,
    handing: Handing,
    how: How,
    deniable: bool,
    passphrase_file: Path | None,
) -> None:
    """Make a drop for each party and hand it on: as a file, as text, in parts or as pictures.

    In one step only when nothing is withheld, redacted or goes as its tear-line: else the plan is shown with its hash,
    nothing is sent, and it ends with 4. The copy stays in the home until it expires: `release again` hands it on once more.
    """
    from backchannel.desk.releasing import release as make  # noqa: PLC0415

    if waiting:
        if not choice.is_empty or hashes or deniable:
            raise UsageError(
                f"{'--bare' if waiting == 'bare' else '--receipts'} takes no objects, no --plan and no --deniable",
                hint="Send objects without it: what waits goes along.",
            )
        if waiting == "bare":
            _write_bare(session, to, handing)
        else:
            _send_receipts(session, to, handing, passphrase_file)
        return
    handing.check(session, len(to))
    with session.node() as node:
        plans = _plans(node, session, to, choice, is_deniable=deniable)
        _check_plans(node, session, plans, hashes, choice)
        unseal = unseal_of(node, passphrase_file)
        sent: list[SentDrop] = []
        for one in plans:
            approved = one.sha256 if hashes else None
            made = make(
                node, session.clock, one, how, approved=approved, carrier=handing.channel, unseal=unseal
            )
            sent.append(handing.hand_on(session, made))
    answer_sent(session, handing, sent)


def _send_receipts(
    session: Session, to: Sequence[str], handing: Handing, passphrase_file: Path | None
) -> None:
    """Let what waits for parties go in drops of its own."""
    from backchannel.desk.receipt_drops import receipts_drop  # noqa: PLC0415

    handing.check(session, len(to))
    sent: list[SentDrop] = []
    with session.node() as node:
        unseal = unseal_of(node, passphrase_file)
        for name in to:
            made = receipts_drop(node, session.clock, name, carrier=handing.channel, unseal=unseal)
            if made is None:
                session.tell(paragraph(f"Nothing waits for {who(name)}."))
            else:
                sent.append(handing.hand_on(session, made))
    if sent or session.form == "json":
        answer_sent(session, handing, sent)


def _write_bare(session: Session, to: Sequence[str], handing: Handing) -> None:
    """Write what waits for a party into a file that is not encrypted."""
    from backchannel.desk.receipt_drops import write_statements  # noqa: PLC0415

    as_drop = handing.armored or handing.part_chars is not None or handing.qr or handing.channel
    if handing.output in {None, "-"} or len(to) > 1 or as_drop:
        raise UsageError(
            "a bare file is written for one party, as it is, with -o FILE", hint="Name one of each."
        )
    with session.node() as node:
        written = write_statements(node, session.clock, to[0], Path(str(handing.output)))
    if session.form == "json" and written is not None:
        session.document(written)
    elif written is None:
        session.tell(paragraph(f"Nothing waits for {to[0]}."))
    else:
        session.text(
            paragraph(f"{counted(written.statements, 'statement')} for {who(written.to)} in {written.path}")
        )


def _plans(
    node: Node, session: Session, to: Sequence[str], choice: Choice, *, is_deniable: bool
) -> list[Plan]:
    from backchannel.desk.planning import plan as form  # noqa: PLC0415
    from backchannel.desk.recipients import recipient_of  # noqa: PLC0415

    recipients = {one.party.party_row: one for one in (recipient_of(node, name) for name in to)}
    return [form(node, session.clock, one, choice, is_deniable=is_deniable) for one in recipients.values()]


def _shown(node: Node, session: Session, found: Plan, choice: Choice) -> ReleasePlan:
    """Return a plan as it is shown; one that wants approval is noted for whoever is to give it."""
    from backchannel.desk.approving import approved_by, note_plan  # noqa: PLC0415

    note_plan(node, session.clock, found, choice)
    return found.document(approved_by(node, found))


def _check_plans(
    node: Node, session: Session, plans: Sequence[Plan], hashes: Sequence[str], choice: Choice
) -> None:
    """See that every drop may be made before the first one is; show the plans where not."""
    from backchannel.desk.approving import check_approval  # noqa: PLC0415
    from backchannel.desk.persons import person  # noqa: PLC0415
    from backchannel.desk.releasing import check_plan  # noqa: PLC0415

    named = {one.lower() for one in hashes}
    try:
        for one in plans:
            approved = None if not named else one.sha256 if one.sha256 in named else "another"
            check_plan(one, approved)
    except PolicyError as error:
        found = [_shown(node, session, one, choice) for one in plans]
        if session.form == "json":
            from backchannel.desk.drop_documents import Released  # noqa: PLC0415

            session.document(Released(plans=tuple(found)))
        else:
            session.text("\n\n".join(map(plan_text, found)))
        if not named and not any(one.goes for one in found):
            raise PolicyError(error.message, hint="Nothing of it may go.") from error
        if not named:
            hint = f"To send the others: the same command with `{_approving(found).strip()}`"
            raise PolicyError(error.message, hint=hint) from error
        raise
    for one in plans:
        _shown(node, session, one, choice)
        check_approval(node, one, person())


def _approving(plans: Sequence[ReleasePlan]) -> str:
    return (
        "".join(f" --plan {one.plan_sha256}" for one in plans)
        if any(one.withheld or one.redacted or one.tear_lines or one.needs_approval for one in plans)
        else ""
    )


@release.command(
    "again",
    writes_file=False,
    example="""
    backchannel release again 5f0c9a -o beta.bcb
    backchannel release again --to 'CERT Beta' --seq 3 --armor -o -
    """,
)
@click.argument("drop", required=False, default="", metavar="[DROP]")
@click.option("--to", default="", metavar="PARTY", help="The party; without --seq its last drop.")
@click.option("--seq", type=click.IntRange(0), metavar="N", help="The number that is missing there.")
@handing_options
@pass_session
def again(session: Session, *, drop: str, to: str, seq: int | None, handing: Handing) -> None:
    """Hand the kept copy of a drop on once more: the same bytes, for whoever did not get them.

    DROP is its digest as `release list` shows it, or the beginning of it.
    """
    from backchannel.desk.handing import kept_copy  # noqa: PLC0415

    handing.check(session, 1)
    with session.node() as node:
        made = kept_copy(node, session.clock, drop=drop, to=to, seq=seq)
        sent = handing.hand_on(session, made)
    answer_sent(session, handing, [sent])


@release.command("list", example="backchannel release list --to 'CERT Beta'")
@click.option("--to", metavar="PARTY", help="Only what went to this party.")
@click.option(
    "--rows", type=click.IntRange(1, 1_000), default=PAGE_ROWS, show_default=True, help="Most shown."
)
@pass_session
def list_(session: Session, *, to: str | None, rows: int) -> None:
    """List what was sent, newest first, and what its readers said of it."""
    from backchannel.desk.sent_drops import list_sent  # noqa: PLC0415

    with session.node() as node:
        found = list_sent(node, session.clock, to=to, at_most=rows, over_taxii=True)
    if session.form == "json":
        session.document(found)
        return
    if not found.sent and not found.over_taxii:
        session.tell("Nothing was sent yet. Next: backchannel release plan --to PARTY --batch B")
        return
    session.text(sent_text(found))
    _say_who_waits(session, found)


def _say_who_waits(session: Session, found: Releases) -> None:
    """Say who is silent, and for whom something waits here."""
    silent = found.unanswered
    if silent.drops:
        session.tell(f"Unanswered: {silent_text(silent.drops, silent.longest_days)}")
    for one in found.waiting:
        what = f"{counted(one.statements, 'statement')} for {who(one.to)}"
        how = f"backchannel release send --receipts --to '{one.to}' -o FILE"
        session.tell(paragraph(f"Next: {what} with the next drop or over TAXII, or at once: `{how}`"))


def answer_sent(session: Session, handing: Handing, sent: Sequence[SentDrop]) -> None:
    """Say what was made and where it lies; where the drop itself went to stdout, on stderr."""
    if session.form == "json":
        from backchannel.desk.drop_documents import Released  # noqa: PLC0415

        session.document(Released(sent=tuple(sent)))
        return
    text = "\n".join(map(_sent_text, sent))
    if handing.is_stdout:
        session.tell(click.unstyle(text))
    else:
        session.text(text)
        session.tell(
            "Next: send it by any way that you have; `backchannel release list` says what was answered"
        )


def _sent_text(one: SentDrop) -> str:
    head = heading(
        joined(f"Drop {one.seq:,} to {who(one.to)}", size_text(one.bytes), "deniable" if one.deniable else "")
    )
    shown = one.paths[:10]
    more = len(one.paths) - len(shown)
    return "\n".join(
        (
            head,
            facts(
                [
                    (
                        "objects",
                        f"{one.objects:,}" + (f", {one.withheld:,} withheld" if one.withheld else ""),
                    ),
                    ("statements", f"{one.statements:,}" if one.statements else ""),
                    ("attachments", f"{one.attachments:,}" if one.attachments else ""),
                    ("good until", day_and_minute(one.expires)),
                    ("drop", one.drop),
                    *(("written", path) for path in shown),
                    ("", f"and {more:,} more" if more > 0 else ""),
                ],
                indent=2,
            ),
        )
    )
