"""`hits`: all that hunts found, by host, by indicator, by where it leads to, and by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session
from backchannel.cli.hunting import MAX_SHOWN, time_option
from backchannel.cli.layout import counted, heading, paragraph, shown, table
from backchannel.cli.session import Session
from backchannel.cli.wording import advice_text

if TYPE_CHECKING:
    from backchannel.desk.hitting import AssetHits, HitBook, IndicatorHits

MAX_DAYS_SHOWN = 30


@click.command(
    cls=Command,
    example="""
    backchannel hits
    backchannel hits --asset 10.0.0.5 --since 2026-03-01
    """,
)
@click.option("--asset", metavar="HOST", help="Only hits at this address, name or extension of ours.")
@click.option("--indicator", metavar="ID", help="Only hits of this indicator.")
@click.option(
    "--since", metavar="TIME", help="Only hits seen at or after it (2026-03-01 or with a time, UTC)."
)
@click.option("--until", metavar="TIME", help="Only hits seen before it.")
@pass_session
def hits(
    session: Session, *, asset: str | None, indicator: str | None, since: str | None, until: str | None
) -> None:
    """Say what hunts found: by our host, by indicator, by where it leads to, and by day."""
    from backchannel.desk.hitbook import HitsAsked  # noqa: PLC0415
    from backchannel.desk.hitbook import hits as book_of_hits  # noqa: PLC0415

    asked = HitsAsked(
        asset=asset,
        indicator=indicator,
        since=time_option(since, "--since"),
        until=time_option(until, "--until"),
    )
    with session.node() as node:
        book = book_of_hits(node, session.clock, asked)
    if session.form == "json":
        session.document(book)
        return
    session.text(_book_text(book))
    if not book.by_indicator and asked == HitsAsked():
        session.tell("Next: backchannel hunt PATH... to look in your logs")


def _book_text(book: HitBook) -> str:
    if not book.by_indicator:
        return heading("No hits" if book.hunts else "No hunt yet")
    parts = [
        heading("By our host"),
        table(("host", "lines", "indicators", "last seen"), [_asset_row(one) for one in book.by_asset]),
        heading("By indicator"),
        *(_indicator_paragraph(one) for one in book.by_indicator),
    ]
    if book.by_infrastructure:
        rows = [
            (
                shown(one.value, max_chars=80),
                f"{one.count:,}",
                f"{one.host_count:,}",
                f"{one.indicator_count:,}",
                one.last_seen or "",
            )
            for one in book.by_infrastructure[:MAX_SHOWN]
        ]
        parts += [
            heading("By where it leads to"),
            table(("address or name", "lines", "our hosts", "indicators", "last seen"), rows),
        ]
    if book.by_day:
        days = [
            (one.day, f"{one.count:,}", f"{one.asset_count:,}", f"{one.indicator_count:,}")
            for one in book.by_day[:MAX_DAYS_SHOWN]
        ]
        parts += [heading("By day"), table(("day", "lines", "our hosts", "indicators"), days)]
    return "\n\n".join(parts)


def _asset_row(one: AssetHits) -> tuple[str, ...]:
    return (one.asset or "none of ours", f"{one.count:,}", f"{len(one.indicators):,}", one.last_seen or "")


def _indicator_paragraph(one: IndicatorHits) -> str:
    said = paragraph(one.says, indent=2)
    at = shown(", ".join(one.assets[:10])) or "none of ours"
    counts = f"  {counted(one.count, 'line')} at {at} ({', '.join(one.scopes)})"
    text = f"{heading(shown(one.observable.value))}  {one.indicator}\n{said}\n{counts}"
    marks = [
        "" if one.validity == "inside" else f"seen {one.validity} it was valid",
        *(str(label["why"]) for label in one.warninglists[:3]),
        one.false_alarm.says if one.false_alarm else "",
    ]
    text = "\n".join([text, *(paragraph(f"but {shown(mark)}", indent=2) for mark in marks if mark)])
    if one.advice is None:
        return text
    return f"{text}\n{advice_text(one.advice.do, one.advice.text, one.advice.why, indent=2)}"
