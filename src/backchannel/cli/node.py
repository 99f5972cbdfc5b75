"""`init`, `doctor`, `status`: a node is made, checked, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session
from backchannel.cli.layout import (
    counted,
    day_and_minute,
    facts,
    joined,
    size_text,
)
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU

if TYPE_CHECKING:
    from backchannel.desk.standing import Status
    from backchannel.doctor import Report


@click.command(
    cls=Command,
    example="""
    backchannel init --name 'CERT Alpha'
    backchannel init --name 'CERT Alpha' --own-network 198.51.100.0/24 --own-domain alpha.example
    """,
)
@click.option("--name", required=True, help="The party that this node belongs to, as others read it.")
@click.option(
    "--own-network",
    "own_networks",
    multiple=True,
    metavar="CIDR",
    help="An address range that is yours; may be given often. Default: private, unique local and link-local.",
)
@click.option(
    "--own-domain",
    "own_domains",
    multiple=True,
    metavar="NAME",
    help="A domain that is yours; may be given often.",
)
@pass_session
def init(session: Session, name: str, own_networks: tuple[str, ...], own_domains: tuple[str, ...]) -> None:
    """Make a node: a folder with a key pair, a store and a settings file."""
    from backchannel.desk.node import init_node, status  # noqa: PLC0415

    home = session.home
    with init_node(
        home, name=name, own_networks=own_networks, own_domains=own_domains, clock=session.clock
    ) as node:
        if session.form == "json":
            session.document(status(node))
            return
        settings = node.settings
        session.text(
            facts(
                [
                    ("node of", settings.name),
                    ("folder", str(home)),
                    ("networks", ", ".join(settings.own_networks)),
                    ("domains", ", ".join(settings.own_domains) or "none named (--own-domain)"),
                ]
            )
        )
    session.tell("Next: backchannel import FILE... --from PARTY")


@click.command(cls=Command, example="backchannel status")
@pass_session
def status(session: Session) -> None:
    """Say how the node stands: what it holds, the last import, the last hunt."""
    from backchannel.desk.node import status as ask  # noqa: PLC0415

    with session.node() as node:
        found = ask(node)
    if session.form == "json":
        session.document(found)
    else:
        session.text(_status_text(found))


def _status_text(found: Status) -> str:
    last, hunt = found.last_batch, found.last_hunt
    types = ", ".join(f"{name} {count:,}" for name, count in list(found.types.items())[:8])
    return facts(
        [
            ("node of", found.name),
            ("folder", f"{found.home} ({size_text(found.store_bytes)})"),
            ("version", f"{found.version}, store form {found.store_version}"),
            ("objects", joined(f"{found.objects:,}", types)),
            (
                "quarantine",
                f"{counted(found.quarantined, 'object')} to decide on" if found.quarantined else "",
            ),
            ("parties", f"{found.parties:,}"),
            ("batches", f"{found.batches:,}"),
            (
                "last import",
                f"batch {last.batch}, {day_and_minute(last.completed_at)}, {counted(last.objects, 'object')}"
                f" from {last.party or 'nobody named'}"
                if last
                else "none yet: backchannel import FILE...",
            ),
            ("hunts", f"{found.hunts:,}"),
            (
                "last hunt",
                f"{day_and_minute(hunt.started_at)}, {counted(hunt.files, 'file')}, "
                f"{counted(hunt.records, 'record')}, {counted(hunt.hits, 'hit')}"
                if hunt
                else "none yet: backchannel hunt PATH...",
            ),
            ("answers", f"{found.answers:,} given"),
            (
                "offered",
                f"{counted(found.collections, 'collection')} with {counted(found.credentials, 'credential')}"
                if found.collections
                else "",
            ),
        ]
    )


_MARKS = {"fine": ("ok", "green"), "look": ("look", "yellow"), "broken": ("broken", "red")}


@click.command(cls=Command, example="backchannel doctor")
@pass_session
@click.pass_context
def doctor(ctx: click.Context, session: Session) -> None:
    """Check the node and this machine: store, key, settings, clock, disk, tools, own networks."""
    from backchannel.doctor import examine  # noqa: PLC0415

    report = examine(session.home, session.clock)
    if session.form == "json":
        session.document(report)
    else:
        session.text(_report_text(report))
    ctx.exit(
        EXIT_DONE
        if all(check.state == "fine" or check.optional for check in report.checks)
        else EXIT_NEEDS_YOU
    )


def _report_text(report: Report) -> str:
    lines = []
    for check in report.checks:
        word, colour = _MARKS[check.state]
        if check.state == "look" and check.optional:
            word, colour = "absent", "bright_black"
        said = f"{check.found.rstrip('.')}. Next: {check.mend}" if check.mend else check.found
        text = facts([(check.name, said)], label_width=_NAME_WIDTH, indent=_MARK_WIDTH)
        lines.append(click.style(f"{word:<{_MARK_WIDTH}}", fg=colour) + text[_MARK_WIDTH:])
    return "\n".join(lines)


_NAME_WIDTH = 16
_MARK_WIDTH = 8
