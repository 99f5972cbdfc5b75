"""`advice` and `export`: what to do, and the files with which controls do it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session
from backchannel.cli.layout import counted, facts, heading, paragraph, shown
from backchannel.cli.progress import progress
from backchannel.cli.session import Session
from backchannel.cli.wording import advice_text
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU

if TYPE_CHECKING:
    from backchannel.desk.exporting import ExportReport
    from backchannel.desk.feeding import FeedReport

FEED = "misp-feed"
CONTROLS = ("zeek", "suricata", "rpz", FEED)


@click.command(cls=Command, example="backchannel advice indicator--8e2e2d2b")
@click.argument("stix_id", metavar="ID")
@pass_session
def advice(session: Session, stix_id: str) -> None:
    """Say what to do about an object: block, look, tell, ask or nothing, and why."""
    from backchannel.cli.answers import Advised  # noqa: PLC0415
    from backchannel.desk.inbox import show  # noqa: PLC0415

    with session.node() as node:
        item = show(node, session.clock, stix_id).item
    found = Advised(
        id=item.id,
        says=item.says,
        do=item.advice.do if item.advice else None,
        text=item.advice.text if item.advice else f"Nothing is to be done about a {item.type}.",
        why=item.advice.why if item.advice else "It only describes other objects.",
    )
    if session.form == "json":
        session.document(found)
        return
    lines = [heading(shown(found.id)), paragraph(found.says, indent=2)]
    session.text("\n".join([*lines, advice_text(found.do, found.text, found.why, indent=2)]))


@click.command(
    cls=Command,
    writes_file=False,
    example="""
    backchannel export rpz -o /var/lib/backchannel/exports/rpz
    backchannel export suricata -o /etc/suricata/backchannel
    backchannel export misp-feed -o /srv/feed --to "CERT Beta"
    backchannel export misp-feed -o /srv/indicators --to "CERT Beta" --collection indicators
    """,
)
@click.argument("control", type=click.Choice(CONTROLS))
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="A folder for this control alone; made where it is missing.",
)
@click.option(
    "--to", "to", metavar="PARTY", help="misp-feed: whom it is for; without it, anybody may read it."
)
@click.option(
    "--collection",
    "collection",
    metavar="ID",
    help="misp-feed: of this collection alone, by the rights in it; its id, alias or title.",
)
@pass_session
@click.pass_context
def export(
    ctx: click.Context,
    session: Session,
    control: str,
    folder: Path,
    to: str | None,
    collection: str | None,
) -> None:
    """Write what a control loads: zeek (intel), suricata (rules), rpz (a zone for resolvers), or a misp-feed.

    Everything passes the same gates first: own assets, warning lists, PAP, expiry, ... A misp-feed holds what
    its reader may have: TLP:CLEAR for anybody, TLP:GREEN for a party; of a collection, TLP:AMBER for a party
    with the right to read it. Exit code 1: something was withheld.
    """
    if control == FEED:
        _export_feed(ctx, session, folder, to, collection)
        return
    if to is not None or collection is not None:
        raise click.UsageError("--to and --collection are for misp-feed alone: a control has no party", ctx)
    from backchannel.desk.exporting import export as write  # noqa: PLC0415

    with session.node() as node, progress(session) as tell:
        report = write(
            node,
            session.clock,
            control,
            folder,
            on_progress=lambda done: tell("indicators", 0, None, f"{done:,} read"),
        )
    if session.form == "json":
        session.document(report)
    else:
        session.text(_report_text(report))
    ctx.exit(EXIT_NEEDS_YOU if report.skipped_total else EXIT_DONE)


def _export_feed(
    ctx: click.Context, session: Session, folder: Path, to: str | None, collection: str | None
) -> None:
    from backchannel.desk.feeding import export_feed  # noqa: PLC0415

    with session.node() as node, progress(session) as tell:
        report = export_feed(
            node,
            session.clock,
            folder,
            to=to,
            collection=collection,
            on_progress=lambda done: tell("objects", 0, None, f"{done:,} read"),
        )
    if session.form == "json":
        session.document(report)
    else:
        session.text(_feed_text(report))
    ctx.exit(EXIT_NEEDS_YOU if report.withheld else EXIT_DONE)


MAX_SKIPPED_SHOWN = 10
MAX_LOSSES_SHOWN = 10


def _feed_text(report: FeedReport) -> str:
    about = facts(
        [
            ("folder", report.folder),
            ("for", report.to or "anybody"),
            ("events", f"{report.events:,} with {counted(report.attributes, 'attribute')}"),
            ("looked at", counted(report.objects, "object")),
            *(("withheld", f"{count:,}: {why}") for why, count in report.withheld_by_reason.items()),
            ("not carried", f"{report.losses_total:,} times" if report.losses_total else ""),
        ],
        indent=2,
    )
    head = heading(f"MISP feed: {'written' if report.changed else 'unchanged'}")
    lost = [
        paragraph(f"{loss.field} ({loss.count:,}): {loss.reason}", indent=4)
        for loss in report.losses[:MAX_LOSSES_SHOWN]
    ]
    if len(report.losses) > len(lost):
        lost.append(paragraph(f"and {len(report.losses) - len(lost):,} more: --json names them", indent=4))
    return "\n".join([head, about, *lost])


def _report_text(report: ExportReport) -> str:
    wrote = "written" if report.changed else "unchanged"
    gates = ", ".join(f"{gate} {count:,}" for gate, count in sorted(report.skipped_by_gate.items()))
    about = facts(
        [
            ("folder", report.folder),
            *(("file", f"{file.name}, {counted(file.lines, 'line')}") for file in report.files),
            ("values", f"{report.lines:,} of {counted(report.exported, 'indicator')}"),
            ("looked at", counted(report.indicators, "indicator")),
            ("withheld", f"{report.skipped_total:,}: {gates}" if report.skipped_total else ""),
            ("not readable", f"{report.unsearched:,} in part" if report.unsearched else ""),
            ("quarantine", f"{report.quarantined:,} not looked at" if report.quarantined else ""),
            ("serial", f"{report.serial}" if report.serial is not None else ""),
        ],
        indent=2,
    )
    head = heading(f"{report.control}, stage {report.stage}: {wrote}")
    withdrawn = [
        paragraph(f"withdrawn: {one.value}: {one.why}", indent=4)
        for one in report.withdrawn[:MAX_SKIPPED_SHOWN]
    ]
    skipped = [
        paragraph(f"{skip.value}: {skip.why}", indent=4) for skip in report.skipped[:MAX_SKIPPED_SHOWN]
    ]
    if report.skipped_total > len(skipped):
        skipped.append(
            paragraph(f"and {report.skipped_total - len(skipped):,} more: --json names them", indent=4)
        )
    notes = [paragraph(note, indent=2) for note in report.notes]
    return "\n".join([head, about, *withdrawn, *skipped, *notes])
