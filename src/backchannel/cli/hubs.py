"""`hub`: where the hits of several of our hosts, or of several indicators, lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session
from backchannel.cli.layout import counted, facts, heading, joined, paragraph, shown
from backchannel.cli.progress import progress
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU

if TYPE_CHECKING:
    from backchannel.desk.hub_documents import Hub, HubBeat, HubBook, HubLead

MAX_SHOWN = 20
"""Hubs, and what is not listed, that are shown; `--json` has all."""
MAX_BEATS_SHOWN = 5


@click.command(
    cls=Command,
    example="""
    backchannel hub
    backchannel hub --no-read --json
    """,
)
@click.option(
    "--read/--no-read",
    "reads",
    default=True,
    help="Read the logs around the hits again, for how regularly hosts call (default), or take what was read last.",
)
@pass_session
@click.pass_context
def hub(ctx: click.Context, session: Session, *, reads: bool) -> None:
    """Find what several of our hosts, or several indicators, lead to: command and control, or fraud.

    Exit code 1: there is such a hub.
    """
    from backchannel.desk.hubs import hubs  # noqa: PLC0415

    with session.node() as node, progress(session) as tell:

        def on_progress(path: str, done: int, total: int) -> None:
            tell(path, done, total, "")

        book = hubs(node, session.clock, reads=reads, on_progress=on_progress)
    session.either(book, lambda: _text(book))
    for sentence in book.left:
        session.tell(sentence)
    for log in book.logs_gone[:MAX_BEATS_SHOWN]:
        session.tell(f"not read: {shown(log)}: it is gone")
    ctx.exit(EXIT_NEEDS_YOU if any(not one.against for one in book.hubs) else EXIT_DONE)


def _text(book: HubBook) -> str:
    if not book.hubs and not book.leads:
        return heading("No hub: no two hosts of ours and no two indicators lead to the same place")
    real = sum(not one.against for one in book.hubs)
    parts = [heading(f"{counted(real, 'hub')} that our hits lead to")]
    parts += [_hub_text(one) for one in book.hubs[:MAX_SHOWN]]
    if len(book.hubs) > MAX_SHOWN or book.more:
        parts.append("there are more: `backchannel hub --json` has all that were looked at")
    if book.leads:
        parts.append(heading("Not listed; to be looked at"))
        parts += [_lead_text(one) for one in book.leads[:MAX_SHOWN]]
    return "\n\n".join(parts)


def _hub_text(one: Hub) -> str:
    hosts = ", ".join(shown(host) for host in one.hosts[:MAX_BEATS_SHOWN])
    more = one.host_count - len(one.hosts[:MAX_BEATS_SHOWN])
    about = facts(
        [
            ("no hub", shown(one.against)),
            ("hosts", joined(hosts, f"and {more:,} more" if more > 0 else "")),
            *(("told", shown(each.says)) for each in one.indicators[:3]),
            *(("by", shown(source)) for source in one.sources[:3]),
            ("seen", _when(one.first_seen, one.last_seen)),
            *_beats(one.beats),
            *(("check", shown(each)) for each in one.check),
        ],
        indent=2,
    )
    return f"{heading(shown(one.value))}\n{paragraph(shown(one.why) + '.', indent=2)}\n{about}"


def _lead_text(one: HubLead) -> str:
    about = facts(
        [
            ("harmless", shown(one.against)),
            ("hosts", ", ".join(shown(host) for host in one.hit_hosts[:MAX_BEATS_SHOWN])),
            *_beats(one.beats),
            *(("check", shown(each)) for each in one.check),
        ],
        indent=2,
    )
    return f"{heading(shown(one.value))}\n{paragraph(shown(one.why) + '.', indent=2)}\n{about}"


def _beats(beats: tuple[HubBeat, ...]) -> Iterator[tuple[str, str]]:
    """Yield the hosts that call by the clock; without such, the one that called most."""
    regular = [one for one in beats if one.verdict.startswith("regular")]
    for one in regular[:MAX_BEATS_SHOWN] or beats[:1]:
        yield shown(one.host, max_chars=40), one.says


def _when(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return ""
    return first[:16] if first[:16] == last[:16] else f"{first[:16]} to {last[:16]}"
