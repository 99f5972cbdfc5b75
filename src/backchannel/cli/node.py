"""`init`, `doctor`, `status`: a node is made, checked, and counted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session
from backchannel.cli.layout import counted, day_and_minute, facts, joined, silent_text, size_text
from backchannel.cli.passphrases import ask_passphrase, passphrase_option
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, UsageError

if TYPE_CHECKING:
    from backchannel.desk.node import Node
    from backchannel.desk.standing import Status
    from backchannel.doctor import Report


@click.command(
    cls=Command,
    example="""
    backchannel init --name 'CERT Alpha'
    backchannel init --name 'CERT Alpha' --own-network 198.51.100.0/24 --own-domain alpha.example
    backchannel init --from-backup alpha-keys.age
    """,
)
@click.option("--name", help="The party that this node belongs to, as others read it.")
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
@click.option(
    "--from-backup",
    "backup",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Be the party of a backup of keys again, after its machine was lost.",
)
@passphrase_option
@pass_session
def init(
    session: Session,
    name: str | None,
    own_networks: tuple[str, ...],
    own_domains: tuple[str, ...],
    backup: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Make a node: a folder with a key pair, a store and a settings file."""
    from backchannel.desk.node import init_node, status  # noqa: PLC0415

    if (name is None) == (backup is None):
        raise UsageError(
            "a node is made with a new name, or from a backup, which has one",
            hint="Give either --name NAME or --from-backup FILE.",
        )
    home, clock = session.home, session.clock
    if backup is not None:
        made = _from_backup(session, backup, passphrase_file, own_networks, own_domains)
    else:
        made = init_node(
            home, name=name or "", own_networks=own_networks, own_domains=own_domains, clock=clock
        )
    with made as node:
        if session.form == "json":
            session.document(status(node, session.clock))
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
    if backup is None:
        session.tell("Next: backchannel import FILE... --from PARTY")
    else:
        session.tell("The keys of every day are new ones, and the old backup would say other ones again.")
        session.tell(
            "Next: backchannel key backup -o FILE; then take the cards of the parties you knew, and send."
        )


def _from_backup(
    session: Session,
    file: Path,
    passphrase_file: Path | None,
    own_networks: tuple[str, ...],
    own_domains: tuple[str, ...],
) -> Node:
    from backchannel.cli.keys import read_backup_file  # noqa: PLC0415
    from backchannel.desk.restoring import init_from_backup  # noqa: PLC0415
    from backchannel.parties.passphrase import unseal_with  # noqa: PLC0415

    return init_from_backup(
        session.home,
        read_backup_file(file),
        unseal=unseal_with(ask_passphrase(passphrase_file, "of the backup")),
        own_networks=own_networks,
        own_domains=own_domains,
        clock=session.clock,
    )


@click.command(cls=Command, example="backchannel status")
@pass_session
def status(session: Session) -> None:
    """Say how the node stands: what it holds, the last import, the last hunt."""
    from backchannel.desk.node import status as ask  # noqa: PLC0415

    with session.node() as node:
        found = ask(node, session.clock)
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
            *_drops(found),
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


def _drops(found: Status) -> list[tuple[str, str]]:
    """Return what of drops wants a look, or waits."""
    waiting = f"{counted(found.waiting, 'statement')} for the next drops to their readers"
    return [
        ("refused", f"{found.refused:,}: backchannel refused list" if found.refused else ""),
        ("alarms", f"{found.alarms:,} about keys: backchannel party list" if found.alarms else ""),
        ("waiting", waiting if found.waiting else ""),
        ("unanswered", silent_text(found.unanswered.drops, found.unanswered.longest_days)),
    ]


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
