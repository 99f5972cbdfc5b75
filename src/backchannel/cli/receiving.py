"""`import` and `validate`: finished intelligence is taken in, or only looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

import click

from backchannel.cli.command import Command, pass_session, path_from_word
from backchannel.cli.findings import findings_text
from backchannel.cli.late_hits import tell_late_hits
from backchannel.cli.layout import counted, facts, heading, joined
from backchannel.cli.progress import progress
from backchannel.cli.session import Session
from backchannel.cli.wording import who
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, InputError

if TYPE_CHECKING:
    from backchannel.desk.documents import Receipt, Validation
    from backchannel.desk.receive import Progress
    from backchannel.stix.findings import Finding

EXIT_UNREADABLE = InputError.exit_code
MAX_FINDINGS_SHOWN = 20
MAX_FINDINGS_IN_DOCUMENT = 10_000
"""Findings that `validate --json` holds; `--jsonl` has no such bound."""


@click.command(
    "import",
    cls=Command,
    example="""
    backchannel import report.json --from 'CERT Beta' --tlp amber
    backchannel import feed.csv list.txt bundle.json.gz archive.zip
    curl ... | backchannel import - --channel feed
    """,
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--from", "party", metavar="PARTY", help="Who sent it; a new name makes a party.")
@click.option(
    "--channel", default="file", show_default=True, help="How it came: drop, mail, taxii, feed, ..."
)
@click.option("--tlp", metavar="LABEL", help="The marking of what comes unmarked. Default: TLP:AMBER+STRICT.")
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="Put what comes in this collection of ours, too (id, alias or title).",
)
@pass_session
@click.pass_context
def import_(
    ctx: click.Context,
    session: Session,
    files: tuple[str, ...],
    party: str | None,
    channel: str,
    tlp: str | None,
    collections: tuple[str, ...],
) -> None:
    """Take in finished intelligence: STIX 2.1 and 2.0, MISP events, JSON Lines, CSV, plain lists, gzip, zip.

    FILE may be `-` for standard input. Exit code 1: something was refused, quarantined or contradicts what is
    here; 3: nothing in the files could be read.
    """
    from backchannel.desk.publishing import putting_into  # noqa: PLC0415
    from backchannel.desk.receive import receive  # noqa: PLC0415

    with session.node() as node, progress(session) as tell:

        def on_progress(at: Progress) -> None:
            tell(at.file, at.bytes_read, at.bytes_total, counted(at.objects, "object"))

        receipt = receive(
            node,
            session.clock,
            [path_from_word(word) for word in files],
            party=party,
            channel=channel,
            tlp=tlp,
            on_progress=on_progress,
            put=putting_into(node, collections) if collections else None,
        )
        has_hits = tell_late_hits(session, node)
    say_receipt(ctx, session, receipt, has_hits=has_hits)


def say_receipt(ctx: click.Context, session: Session, receipt: Receipt, *, has_hits: bool = False) -> None:
    """Answer with what an import did, say what comes next, and end with the exit code that it calls for."""
    if session.form == "json":
        session.document(receipt)
    else:
        session.text(_receipt_text(receipt))
    _say_next(session, receipt)
    ctx.exit(_exit_code(receipt) or (EXIT_NEEDS_YOU if has_hits else EXIT_DONE))


def _receipt_text(receipt: Receipt) -> str:
    counts = facts(
        [
            ("stored", f"{receipt.stored:,}" if receipt.stored else "0, nothing new"),
            ("known", f"{receipt.known:,}" if receipt.known else ""),
            ("conflict", f"{receipt.conflict:,}, kept beside what was here" if receipt.conflict else ""),
            (
                "quarantined",
                f"{receipt.quarantined:,}, used nowhere until you decide" if receipt.quarantined else "",
            ),
            ("refused", f"{receipt.refused:,}" if receipt.refused else ""),
            ("offered", f"{receipt.collected:,} in the collection" if receipt.collected else ""),
        ],
        indent=2,
    )
    came = f"from {who(receipt.party)} by {receipt.channel}"
    head = heading(
        joined(f"Batch {receipt.batch}", counted(receipt.objects, "object"), came, receipt.tlp or "")
    )
    found = findings_text(receipt.findings, total=receipt.findings_total, at_most=MAX_FINDINGS_SHOWN)
    return "\n".join(part for part in (head, counts, found) if part)


def _say_next(session: Session, receipt: Receipt) -> None:
    if receipt.stored or receipt.conflict:
        session.tell("Next: backchannel inbox, or backchannel hunt PATH... to look for it in your logs")
    elif receipt.known:
        session.tell("Next: nothing to do; all of it was here already")


def _exit_code(receipt: Receipt) -> int:
    if receipt.objects and receipt.refused == receipt.objects:
        return EXIT_UNREADABLE
    return EXIT_NEEDS_YOU if receipt.refused or receipt.quarantined or receipt.conflict else EXIT_DONE


@click.command(
    cls=Command,
    forms=("json", "jsonl"),
    example="""
    backchannel validate bundle.json
    backchannel validate --jsonl - < objects.jsonl
    """,
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@pass_session
@click.pass_context
def validate(ctx: click.Context, session: Session, files: tuple[str, ...]) -> None:
    """Say what an import would find in each object, storing nothing.

    With --jsonl each object of the input gives one line of output, in order. Needs no node.
    """
    from backchannel.desk.receive import check  # noqa: PLC0415

    tally = _Tally()
    checked = tally.count(check([path_from_word(word) for word in files], session.clock))
    if session.form == "jsonl":
        _write_lines(session, checked)
    elif session.form == "json":
        findings = [finding for one in checked for finding in one.findings][:MAX_FINDINGS_IN_DOCUMENT]
        session.document(tally.document(findings))
    else:
        findings = [finding for one in checked for finding in one.findings]
        session.text(tally.text(findings))
    ctx.exit(tally.exit_code)


def _write_lines(session: Session, checked: Iterable[Validation]) -> None:
    from backchannel.codec import encode  # noqa: PLC0415

    with session.result() as out:
        for one in checked:
            out.write(encode(one) + b"\n")


class _Tally:
    """Counts what passes: objects, and how many have which kind of finding at worst."""

    def __init__(self) -> None:
        self.objects = 0
        self.worst: Counter[Literal["refuse", "quarantine", "note", "clean"]] = Counter()

    def count(self, checked: Iterable[Validation]) -> Iterator[Validation]:
        for one in checked:
            self.objects += 1
            levels = {finding.level for finding in one.findings}
            for level in ("refuse", "quarantine", "note"):
                if level in levels:
                    self.worst[level] += 1
                    break
            else:
                self.worst["clean"] += 1
            yield one

    @property
    def exit_code(self) -> int:
        if self.objects and self.worst["refuse"] == self.objects:
            return EXIT_UNREADABLE
        return EXIT_NEEDS_YOU if self.worst["refuse"] or self.worst["quarantine"] else EXIT_DONE

    def document(self, findings: list[Finding]) -> object:
        from backchannel.cli.answers import Validated  # noqa: PLC0415

        return Validated(
            objects=self.objects,
            clean=self.worst["clean"],
            noted=self.worst["note"],
            quarantined=self.worst["quarantine"],
            refused=self.worst["refuse"],
            findings=tuple(findings),
        )

    def text(self, findings: list[Finding]) -> str:
        head = heading(
            joined(
                counted(self.objects, "object"),
                f"{self.worst['clean']:,} without a finding",
                f"{self.worst['note']:,} with notes" if self.worst["note"] else "",
                f"{self.worst['quarantine']:,} for quarantine" if self.worst["quarantine"] else "",
                f"{self.worst['refuse']:,} refused" if self.worst["refuse"] else "",
            )
        )
        found = findings_text(findings, total=len(findings), at_most=MAX_FINDINGS_SHOWN * 5)
        return f"{head}\n{found}" if found else head
