"""What is told and kept of a hunt when it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backchannel import codec
from backchannel.clock import format_time
from backchannel.desk.hitting import HuntSummary, LogGap, ShownKind
from backchannel.logs.shown import ALL_LIKE, SWITCHED_OFF, HuntShown, gaps
from backchannel.store.sqlite.hunts import HuntEnd, ShownRow

MAX_GAPS: Final = 100


def shown_rows(summary: HuntSummary, *, all_like: bool) -> Iterator[ShownRow]:
    """Yield what is kept of what the logs show; one row at least, so that it is known to have been noted."""
    if summary.records:
        yield ShownRow("", summary.records, None, None)
        if all_like:
            yield ShownRow(ALL_LIKE, summary.records, None, None)
    for one in summary.shown:
        yield ShownRow(one.kind, one.records, one.first_at, one.last_at)
    for off in summary.switched_off:
        yield ShownRow(f"{SWITCHED_OFF}{off.kind}", None, None, None)


def shown_kinds(shown: HuntShown) -> tuple[ShownKind, ...]:
    """Return what the logs of a hunt show, by kind."""
    return tuple(
        ShownKind(
            kind,
            one.records,
            format_time(one.first) if one.first else None,
            format_time(one.last) if one.last else None,
        )
        for kind, one in sorted(shown.kinds.items())
    )


def log_gaps(shown: HuntShown) -> tuple[LogGap, ...]:
    """Return the days between the logs of a hunt that none of them reaches into."""
    found = gaps(shown.spans)[:MAX_GAPS]
    return tuple(LogGap(one.format, one.first.isoformat(), one.last.isoformat()) for one in found)


def end_of(summary: HuntSummary, ended_at: str, outside: str, hunt_row: int) -> HuntEnd:
    """Return what is kept of what a hunt went through."""
    return HuntEnd(
        ended_at,
        summary.files,
        summary.records,
        summary.bytes,
        summary.hits,
        codec.encode(summary.skipped).decode(),
        codec.encode(summary.uncompiled).decode(),
        outside,
        hunt_row,
    )
