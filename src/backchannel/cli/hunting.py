"""`hunt` and `rehunt`: our own logs are searched for what others told us."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from backchannel.cli.command import Command, pass_session, path_from_word
from backchannel.cli.layout import counted, facts, heading, joined, paragraph, shown
from backchannel.cli.progress import progress
from backchannel.cli.session import Session
from backchannel.cli.wording import advice_text, who
from backchannel.clock import parse_time
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, InputError, UsageError
from backchannel.logs.shown import KINDS, WHERE_OFF, in_words

if TYPE_CHECKING:
    from backchannel.desk.hitting import (
        Hit,
        HuntSummary,
        RehuntSummary,
        Skipped,
    )

MAX_SHOWN = 20
"""Indicators shown at the end of a hunt; `hits` shows all."""
MAX_SKIPPED_SHOWN = 10
MAX_GAPS_SHOWN = 5
Summary = TypeVar("Summary", bound="HuntSummary | RehuntSummary")


@click.command(
    cls=Command,
    forms=("json", "jsonl"),
    example="""
    backchannel hunt /var/log/zeek
    backchannel hunt eve.json.gz --since 2026-03-01 --jsonl
    """,
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--since", metavar="TIME", help="Leave out records before it (2026-03-01 or with a time, UTC).")
@click.option("--until", metavar="TIME", help="Leave out records from it on.")
@click.option("--format", "format_", metavar="FORMAT", help="Take every log for this format.")
@click.option(
    "--mapping",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read tables with a first line of names (CSV, TSV) as this TOML file says.",
)
@click.option(
    "--max-evidence", type=click.IntRange(0), metavar="N", help="Most lines given for an indicator."
)
@click.option(
    "--index/--no-index",
    default=True,
    help="Note what the logs hold, so that intelligence that comes later finds it (default), or not.",
)
@click.option(
    "--pre-validity/--no-pre-validity",
    default=True,
    help="Give hits from before the indicator was valid, marked (default), or only count them.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Read N logs at once, if they are large (default: half of the processors, at most 4).",
)
@pass_session
@click.pass_context
def hunt(  # noqa: PLR0913  # its options
    ctx: click.Context,
    session: Session,
    paths: tuple[str, ...],
    since: str | None,
    until: str | None,
    format_: str | None,
    mapping: Path | None,
    max_evidence: int | None,
    jobs: int | None,
    *,
    index: bool,
    pre_validity: bool,
) -> None:
    """Search logs for every indicator in force: of sensors, DNS, web, mail, phone, firewalls, Windows, plain or packed.

    PATH is a file, a folder, or `-` for standard input; formats are recognised by content. Exit code 1:
    something was found, or a PATH could not be read in full; 3: none of the logs could be read.
    """
    from backchannel.desk.hit_taking import HuntOptions  # noqa: PLC0415
    from backchannel.desk.hitting import HuntSummary  # noqa: PLC0415
    from backchannel.desk.hunting import hunt, mapping_in  # noqa: PLC0415

    options = HuntOptions(
        since=time_option(since, "--since"),
        until=time_option(until, "--until"),
        format=format_,
        mapping=None if mapping is None else mapping_in(mapping),
        max_evidence=max_evidence,
        pre_validity=pre_validity,
        index=index,
        jobs=jobs,
    )
    with session.node() as node, progress(session) as tell:

        def on_progress(path: str, done: int, found: int) -> None:
            tell(path, done, None, counted(found, "hit"))

        going = hunt(
            node, session.clock, [path_from_word(word) for word in paths], options, on_progress=on_progress
        )
        if session.form == "jsonl":
            end = _write_lines(session, going)
        else:
            found = list(_kept(going))
            end = found.pop()
            _say(session, [one for one in found if not isinstance(one, HuntSummary)], end)
    if not isinstance(end, HuntSummary):
        raise TypeError("a hunt ended without a summary")
    _say_skipped(session, end)
    ctx.exit(_exit_code(end, paths))


def time_option(text: str | None, option: str) -> datetime | None:
    """Return the time that an option gives: a day, or a time in UTC.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    try:
        return parse_time(text if len(text) > 10 else f"{text}T00:00:00Z")
    except ValueError:
        raise UsageError(
            f"{option} {shown(text)} is no time", hint="Write 2026-03-01 or 2026-03-01T12:00:00Z."
        ) from None


def _write_lines(
    session: Session, going: Iterator[Hit | HuntSummary | RehuntSummary]
) -> Hit | HuntSummary | RehuntSummary | None:
    from backchannel.codec import encode  # noqa: PLC0415

    last = None
    with session.result() as out:
        for last in going:
            out.write(encode(last) + b"\n")
    return last


def _kept(going: Iterator[Hit | Summary]) -> Iterator[Hit | Summary]:
    """Keep for a person one hit of each indicator and asset: `--jsonl` has them all."""
    seen: Counter[tuple[str, str | None]] = Counter()
    for one in going:
        key = (getattr(one, "indicator", ""), getattr(one, "asset", None))
        seen[key] += 1
        if seen[key] == 1:
            yield one


def _say(session: Session, found: list[Hit], end: object) -> None:
    from backchannel.cli.answers import Hunted  # noqa: PLC0415
    from backchannel.desk.hitting import HuntSummary  # noqa: PLC0415

    if not isinstance(end, HuntSummary):
        return
    if session.form == "json":
        session.document(Hunted(summary=end, first_hits=tuple(found)))
        return
    session.text("\n\n".join([_head(end), *_by_indicator(found)]))


def _by_indicator(found: Sequence[Hit]) -> Iterator[str]:
    by_indicator: dict[str, list[Hit]] = {}
    for one in found:
        by_indicator.setdefault(one.indicator, []).append(one)
    for group in list(by_indicator.values())[:MAX_SHOWN]:
        yield _indicator_text(group)
    if len(by_indicator) > MAX_SHOWN:
        yield f"and {len(by_indicator) - MAX_SHOWN:,} indicators more: `backchannel hits` has all"


def _head(end: HuntSummary) -> str:
    searched = f"{counted(end.records, 'record')} in {counted(end.files, 'log')}"
    if not end.values:
        return heading(f"Read {searched}, and looked for nothing: no indicator is here yet")
    if not end.hits:
        return heading(f"Searched {searched}: nothing seen") + _shown_text(end)
    marked = joined(
        f"{end.before:,} from before the indicator was valid" if end.before else "",
        f"{end.after:,} from after it had expired" if end.after else "",
    )
    at = f" at {counted(end.assets, 'address', 'addresses')} of ours" if end.assets else ""
    head = heading(f"{counted(end.hits, 'hit')} of {counted(end.indicators, 'indicator')}{at}, in {searched}")
    return (f"{head}\n  {marked}" if marked else head) + _shown_text(end)


def _shown_text(end: HuntSummary) -> str:
    """Say what these logs could show: what they could not was not searched for."""
    if not end.records:
        return ""
    shown_kinds = {one.kind for one in end.shown}
    off = {one.kind for one in end.switched_off}
    lacking = in_words([kind for kind in KINDS if kind not in shown_kinds | off], last="or")
    words = joined(
        f"these logs show {in_words(shown_kinds & set(KINDS)) or 'nothing that is looked for'}",
        f"not searched for: {lacking}, which they do not show" if lacking and shown_kinds else "",
        f"not searched for: {in_words(off, last='or')}, {WHERE_OFF}" if off else "",
    )
    return f"\n{paragraph(words, indent=2)}\n{paragraph(_read_text(end), indent=2)}"


def _read_text(end: HuntSummary) -> str:
    """Say what was read of each format, the most first."""
    ordered = sorted(end.read, key=lambda one: -one.records)
    read = ", ".join(f"{one.format} {one.records:,}" for one in ordered if one.records)
    missed = ", ".join(f"{counted(one.missed, 'line')} of {one.format}" for one in ordered if one.missed)
    return "; ".join(
        filter(
            None,
            (
                f"records read: {read}" if read else "",
                f"not understood: {missed}" if missed else "",
                _gaps_text(end),
                "times without a year are of the last one that fits" if "year" in end.left_open else "",
                "times without a zone are taken as log_zone says" if "zone" in end.left_open else "",
            ),
        )
    )


def _gaps_text(end: HuntSummary) -> str:
    """Say between which logs days are missing: nothing was searched of these."""
    several = [
        f"{one.format} {one.first_day}" + (f" to {one.last_day}" if one.last_day != one.first_day else "")
        for one in end.gaps
    ]
    more = f" and {len(several) - MAX_GAPS_SHOWN:,} more" if len(several) > MAX_GAPS_SHOWN else ""
    return f"no log of these days: {', '.join(several[:MAX_GAPS_SHOWN])}{more}" if several else ""


def _indicator_text(group: list[Hit]) -> str:
    one = group[0]
    assets = ", ".join(dict.fromkeys(shown(hit.asset) for hit in group[:10] if hit.asset)) or "none of ours"
    about = facts(
        [
            ("at", assets),
            (
                "first met",
                f"{_place(one)} {one.seen_at or ''}",
            ),
            ("told by", joined(who(one.source.party), one.source.channel)),
            ("validity", "" if one.validity == "inside" else f"seen {one.validity} it was valid"),
            *(("but", str(label["why"])) for label in one.warninglists[:3]),
            ("but", one.false_alarm.says if one.false_alarm else ""),
        ],
        indent=2,
    )
    text = f"{heading(shown(one.observable.value))}  {one.indicator}\n{about}"
    if one.advice is None:
        return text
    return f"{text}\n{advice_text(one.advice.do, one.advice.text, one.advice.why, indent=2)}"


def _place(one: Hit) -> str:
    if one.log.line is None:
        return f"{one.log.path}, which is gone ({one.scope})"
    return f"{one.log.path}:{one.log.line} ({one.log.field}, {one.scope})"


def _say_skipped(session: Session, end: HuntSummary) -> None:
    _tell_skipped(session, end.skipped)
    if not end.values:
        session.tell("Next: backchannel import FILE... --from PARTY")
    if end.uncompiled:
        session.tell(
            f"not searched: parts of {counted(len(end.uncompiled), 'pattern')}; `backchannel show ID` says which"
        )


def _tell_skipped(session: Session, skipped: Sequence[Skipped]) -> None:
    for one in skipped[:MAX_SKIPPED_SHOWN]:
        place = one.path if one.line is None else f"{one.path}:{one.line}"
        session.tell(f"not read: {shown(place)}: {shown(one.why)}" if place else f"note: {shown(one.why)}")
    if len(skipped) > MAX_SKIPPED_SHOWN:
        session.tell(f"not read: {len(skipped) - MAX_SKIPPED_SHOWN:,} more; --jsonl names them")


def _exit_code(end: HuntSummary, named: tuple[str, ...]) -> int:
    if end.hits:
        return EXIT_NEEDS_YOU
    if not end.files and end.skipped:
        return InputError.exit_code
    # In a folder lies much that is no log; what was named itself should have been read.
    unread = {one.path for one in end.skipped if one.line is None}
    return EXIT_NEEDS_YOU if not unread.isdisjoint(named) else EXIT_DONE


@click.command(
    cls=Command,
    forms=("json", "jsonl"),
    example="""
    backchannel rehunt
    backchannel rehunt --all --jsonl
    """,
)
@click.option(
    "--all", "everything", is_flag=True, help="Look for every indicator in force, not only new ones."
)
@pass_session
@click.pass_context
def rehunt(ctx: click.Context, session: Session, *, everything: bool) -> None:
    """Look in logs that were hunted through for intelligence that came since.

    The day index says in which of them something is, and only these are read again. `import`, `receive`,
    `channel poll` and `serve` do it by themselves. Exit code 1: something was found.
    """
    from backchannel.cli.answers import Rehunted  # noqa: PLC0415
    from backchannel.desk.hitting import RehuntSummary  # noqa: PLC0415
    from backchannel.desk.rehunting import rehunt as search  # noqa: PLC0415

    with session.node() as node, progress(session) as tell:

        def on_progress(path: str, done: int, found: int) -> None:
            tell(path, done, None, counted(found, "hit"))

        going = search(node, session.clock, everything=everything, on_progress=on_progress)
        found: list[Hit] = []
        end: object = None
        if session.form == "jsonl":
            end = _write_lines(session, going)
        else:
            for end in _kept(going):
                if not isinstance(end, RehuntSummary):
                    found.append(end)
    if not isinstance(end, RehuntSummary):
        raise TypeError("a rehunt ended without a summary")
    if session.form == "json":
        session.document(Rehunted(summary=end, first_hits=tuple(found)))
    elif session.form != "jsonl":
        session.text("\n\n".join([rehunt_head(end), *_by_indicator(found)]))
    _tell_skipped(session, end.skipped)
    if not end.logs:
        session.tell("Next: backchannel hunt PATH... to note what your logs hold")
    ctx.exit(EXIT_NEEDS_YOU if end.hits else EXIT_DONE)


def rehunt_head(end: RehuntSummary) -> str:
    """Return what a rehunt comes to, in words."""
    looked = f"{counted(end.indicators, 'indicator')} in what {counted(end.logs, 'log')} held"
    if not end.logs:
        return heading("Nothing to look in: no log was hunted through yet")
    lines = [
        f"{counted(end.unanswered, 'indicator')} of them can only be found by hunting again"
        if end.unanswered
        else "",
        f"{counted(len(end.logs_gone), 'log')} gone: of what was in them, only value and days are known"
        if end.logs_gone
        else "",
    ]
    if end.hits:
        at = f" at {counted(end.assets, 'address', 'addresses')} of ours" if end.assets else ""
        head = heading(
            f"{counted(end.hits, 'hit')} of {counted(end.seen, 'indicator')}{at}; looked for {looked}"
        )
    else:
        head = heading(f"Looked for {looked}: nothing seen")
    return "\n".join([head, *(f"  {line}" for line in lines if line)])
